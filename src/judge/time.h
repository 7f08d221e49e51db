/* judge/time.h - how long a workload takes: one unit of it and the amount asked for, into the verdict. Pure. */
#pragma once
#include "judge/judge.h"

/* Of a verdict whose bill and sites stand: unit_s and duration_s; UNKNOWN with the reason where something has no rate, or no amount was
 * said. Text is timed by the verdict's own speeds, prompts one after the other. */
/* Seconds that one line of such a bill takes by itself, likely; NaN where it has no price. What starts kernels is hidden behind a
 * device's other work, so lines may add up to more than the unit. */
double judge_line_s(const struct machine *m, const struct world *w, const struct verdict *v,
                    const struct line *l);
void judge_time(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *v);
