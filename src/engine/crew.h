/* engine/crew.h - threads that do the same piece of work at once, each on a CPU of its own. */
#pragma once
#include "engine/engine.h"

struct crew;
/* threads - 1 threads beside the caller, who is number 0; all are pinned to in->cpu in turn. NULL with a message when one can't be made. */
struct crew *crew_new(const struct asked *in, struct mu_err *err);
/* work(to, me) on the first `active` of them, all at once; returns the seconds from start to the last one's end. */
double crew_run(struct crew *c, size_t active, void (*work)(void *to, size_t me), void *to);
void crew_free(struct crew *c); /* NULL is fine */
