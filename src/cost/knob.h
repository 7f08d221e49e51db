/* cost/knob.h - a row of a workload's settings: what options, YAML keys, help, remedies and tests come from. Set from text and read back by
 * cost/knobs.c, of which cost.h has the functions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "cost/ladder.h"

/* KNOB_BYTES: "4GiB"; KNOB_LAYERS: cost/layers.h; KNOB_MODEL: another model, which a command opens (asked_set). */
enum knob_kind {
    KNOB_TOKENS,
    KNOB_COUNT,
    KNOB_CHOICE,
    KNOB_SWITCH,
    KNOB_TYPE,
    KNOB_SHARES,
    KNOB_BYTES,
    KNOB_LAYERS,
    KNOB_MODEL
};
struct knob {
    const char *name;   /* YAML key, --set and API name: "context_tokens" */
    const char *option; /* command line spelling without dashes: "ctx" */
    const char *words;
    double least, most;
    /* NULL-terminated; of a KNOB_CHOICE the value is the index, of a KNOB_COUNT -1 - index, beside its numbers */
    const char *const *choices;
    /* of a double, bool or const struct weight_type * in the workload's knobs; of KNOB_SHARES SITES - 1 doubles, of KNOB_LAYERS a struct
     * layer_list, of KNOB_MODEL a const struct digest * */
    size_t offset;
    size_t also;          /* a second field that is set to the same value ("kv_type"); 0: none */
    struct ladder ladder; /* what it gives way to */
    enum knob_kind kind;
    bool amount; /* how much of it is done (DESIGN 4); 0: nobody said */
};
/* Where a workload computes that is not dealt over several sites: on the host, or all of it on one device. */
enum device_asked { DEVICE_AUTO, DEVICE_CPU, DEVICE_GPU };
extern const char *const device_words[], *const device_rungs[];
extern const char *const dtype_words[], *const dtype_rungs[]; /* of enum dtype */
#define DEVICE_KNOB                                                                            \
    {                                                                                          \
        .name = "device", .option = "device",                                                  \
        .words = "where it computes: cpu, gpu, or auto, an accelerator if one holds it; auto", \
        .kind = KNOB_CHOICE, .choices = device_words, .offset = FIELD(device), .ladder = {     \
            .kind = LADDER_WORDS,                                                              \
            .cost = COSTS_MUCH_TIME,                                                           \
            .rungs = device_rungs                                                              \
        }                                                                                      \
    }
/* How much of it is done: a count, of which 0 is not said. */
#define AMOUNT_KNOB(name_, option_, words_, offset_)                                             \
    {                                                                                            \
        .name = (name_), .option = (option_), .words = (words_), .kind = KNOB_COUNT, .least = 0, \
        .most = 1e12, .offset = (offset_), .amount = true                                        \
    }
