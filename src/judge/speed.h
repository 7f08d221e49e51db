/* judge/speed.h - how long a phase of a bill takes on a machine: each line at the rate measured for that very work. Pure. */
#pragma once
#include "judge/judge.h"

/* Tokens a second of a phase whose lines are amounts for one token, by so many threads (0: all that were measured). UNKNOWN with the reason in source when a line has no rate. The range
 * is that of the truth class's residuals where it has any, else of the rates' own runs. */
struct estimate speed_of(const struct bill *b, enum phase phase, const struct machine *m,
                         double threads, const struct world *w);
