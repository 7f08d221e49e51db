/* judge/ladders.h - the ladders of a task, from where its knobs stand: what may be changed, and to what. Pure; nothing is allocated. */
#pragma once
#include "cost/cost.h"

enum { LADDERS_MOST = 32, RUNGS_MOST = 16 };
enum ladder_of { LADDER_OF_KNOB, LADDER_OF_MIX, LADDER_OF_SIZE };
struct rung {
    struct str word;    /* a knob is set to it; p NULL: to the number */
    double number;      /* of a model its index */
    double with_number; /* of the knob beside it */
};
struct steps {
    enum ladder_of of;
    const struct knob *knob, *with; /* NULL: none */
    enum ladder_cost cost;
    bool on_device;
    struct rung rung[RUNGS_MOST]; /* mildest first */
    size_t rungs;
};
/* Those of the knobs that can go down, in their order. */
size_t ladders_of(const struct task *t, const struct catalog *c, struct steps out[LADDERS_MOST]);
/* Sets what a rung says. */
bool rung_set(const struct workload *w, void *knobs, const struct steps *s, const struct rung *r,
              const struct catalog *c);
