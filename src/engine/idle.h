/* engine/idle.h - was the machine ours alone while we measured? */
#pragma once
#include "base/root.h"

struct arena;
struct idle {
    struct root root;
    bool open;
    double start_s, samples,
        others; /* others: runnable tasks of other programs, summed over samples */
    double pressure_start_s, stolen_start_s; /* so far, when we began; negative: not told */
    double switches_start;
};
void idle_start(struct idle *i);
void idle_sample(struct idle *i); /* between runs, not inside one */
/* "idle", or "busy: 1.9 runnable, CPU pressure 34 %, ...". threads: how many of ours ran. Releases what idle_start took. */
const char *idle_words(struct idle *i, double threads, struct arena *a);
