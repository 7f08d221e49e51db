/* judge/remedies.h - what to change where a task does not fit, or is too slow: the shortest lists of changes that do it, found breadth first
 * over the ladders of its knobs and of its model. Pure; nothing is allocated, and the work is bounded.
 *
 * A change takes one setting down its ladder. Every list of one change is tried, then of two, then of three; the search ends a step behind
 * the first that yields something. What is proposed was judged as it is proposed; of one set of settings the mildest that does it, and
 * none that holds another one within it. */
#pragma once
#include "judge/judge.h"
#include "judge/ladders.h"

enum { REMEDIES_MOST = 4, CHANGES_MOST = 3, REMEDY_KNOBS_BYTES = 4096 };
struct remedy_change {
    const struct steps *steps;
    size_t rung;
    double number; /* of a halved one: what it becomes, at least the rung's */
};
struct remedy {
    struct remedy_change change[CHANGES_MOST];
    size_t changes;
    enum ladder_cost cost; /* the dearest of them */
    const struct digest *model;
    struct verdict verdict;
};
/* The models that may stand in its place: digests[size * mixes + mix]; both begin with the one asked for, each then smaller. */
struct remedy_models {
    const struct digest *const *digest;
    size_t sizes, mixes; /* 1: only as asked */
};
struct remedy_asked {
    const struct task *task;
    const struct machine *machine;
    const struct world *world;
    const struct catalog *catalog;
    const struct remedy_models *models;
    double decode_least_per_s; /* NaN: it has only to fit */
    bool
        on_device; /* as asked for it was judged on a device; one that writes no text is not moved to the host unsaid */
    size_t tries_most; /* 0: as many as usual */
};
struct remedies {
    struct steps steps[LADDERS_MOST + 2];
    size_t ladders;
    struct remedy remedy[REMEDIES_MOST]; /* fewest changes first, then what costs least */
    size_t remedies;
    size_t tries;
    bool cut_short; /* more was to be tried */
};
/* Whether a verdict does what was asked for. */
bool remedy_does(const struct remedy_asked *asked, const struct verdict *v);
void judge_remedies(const struct remedy_asked *asked, struct remedies *out);
/* The task as a remedy changes it, its knobs into `knobs`. */
struct task remedy_task(const struct remedy_asked *asked, const struct remedy *r,
                        unsigned char knobs[REMEDY_KNOBS_BYTES]);
