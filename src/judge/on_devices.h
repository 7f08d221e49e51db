/* judge/on_devices.h - what a task would have to be for everything to lie on the machine's devices. */
#pragma once
#include "judge/judge.h"

/* One setting changed, the others as asked; 0 and NULL where none does it. */
struct on_devices {
    double sequences;                  /* at the context asked for; 0: not even one */
    double context_tokens;             /* the largest, a multiple of the step */
    const struct weight_type *kv_type; /* of K and V */
    const struct mix *mix;             /* the best within the quality bound */
};
/* All zero on a machine without devices. Allocates nothing. */
void judge_on_devices(const struct task *t, const struct machine *m, const struct catalog *c,
                      const struct world *w, double step, struct on_devices *out);
