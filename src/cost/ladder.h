/* cost/ladder.h - what a knob gives way to where a workload does not fit, a rung at a time (judge/remedies.h). It stands in the knob's row. */
#pragma once
#include <stdbool.h>

enum ladder_kind {
    LADDER_NONE,
    LADDER_HALVE, /* down to a floor */
    LADDER_WORDS  /* to the next of some words */
};
/* What is lost on a rung, from what people give most easily. X(cost, word) */
#define LADDER_COSTS(X)                 \
    X(COSTS_NOTHING, "nothing")         \
    X(COSTS_TIME, "time")               \
    X(COSTS_PRECISION, "precision")     \
    X(COSTS_QUALITY, "quality")         \
    X(COSTS_LENGTH, "length")           \
    X(COSTS_EXTENT, "how much is done") \
    X(COSTS_MUCH_TIME, "much time")     \
    X(COSTS_MODEL, "a smaller model")

enum ladder_cost {
#define LADDER_ENUM(cost, word) cost,
    LADDER_COSTS(LADDER_ENUM)
#undef LADDER_ENUM
        LADDER_COST_COUNT
};
struct ladder {
    enum ladder_kind kind;
    enum ladder_cost cost;
    bool on_device;     /* makes sense only where it computes on a device */
    bool zero_is_whole; /* of halving: 0 stands for all layers of the model */
    double floor;       /* of halving */
    double step;        /* of halving: between two rungs multiples of it are looked for; 0: none */
    const char *above;  /* of halving: the knob whose value is a floor too, or NULL */
    /* Of halving: the knob that is multiplied by what this one is divided by, so that their product stays; or NULL. It goes down by
     * divisors then. */
    const char *with;
    /* Of words, NULL-terminated, strong to weak. A rung of several words with | between is set to the first and met by any; "*" is met
     * by anything. A knob that stands on no rung has no ladder. */
    const char *const *rungs;
};
const char *ladder_cost_word(enum ladder_cost cost);
