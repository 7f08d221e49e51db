/* tests/unit/verb/table.h - a small table of verbs for the tests of parser, help, manual and completion: one option of each kind, and knobs. */
#pragma once
#include "../unit.h"

#include "cost/cost.h"
#include "verb/verb.h"

static const char *const test_levels[] = {"low", "high", NULL};
static const char *const test_types[] = {"f16", "q8_0", NULL};
static const struct knob test_knob[] = {
    {.name = "context_tokens", .option = "ctx", .words = "context, tokens", .kind = KNOB_TOKENS},
    {.name = "kv_type",
     .option = "kv-type",
     .words = "type of the cache",
     .kind = KNOB_TYPE,
     .choices = test_types},
    {.name = "mmap", .option = "mmap", .words = "mapped; on", .kind = KNOB_SWITCH},
};
static const struct workload test_workload = {
    .name = "work", .knob = test_knob, .knobs = COUNT_OF(test_knob)};

static const struct option look_option[] = {
    {.name = "quick", .letter = 'k', .kind = OPTION_FLAG, .words = "never measure"},
    {.name = "save", .letter = 's', .kind = OPTION_TEXT, .value = "FILE", .words = "save there"},
    {.name = "no-save", .kind = OPTION_FLAG, .words = "do not save"},
    {.name = "seconds", .letter = 'n', .kind = OPTION_NUMBER, .value = "N", .words = "how long"},
    {.name = "level",
     .kind = OPTION_CHOICE,
     .value = "LEVEL",
     .words = "how hard",
     .choices = test_levels},
    {.name = "require",
     .kind = OPTION_TEXTS,
     .value = "ID",
     .words = "what must pass (repeatable)"},
};
static const char *const look_examples[] = {"muster look --quick", NULL};
static const struct verb verb_look = {.name = "look",
                                      .words = "what there is",
                                      .operands = "",
                                      .about =
                                          "Looks at the machine. Then it says so, e.g. in a table.",
                                      .examples = look_examples,
                                      .option = look_option,
                                      .options = COUNT_OF(look_option)};
static const struct verb verb_weigh = {
    .name = "weigh",
    .words = "how heavy a model is, which is a question that takes more than one line "
             "of help to be put",
    .operands = "MODEL [MORE]",
    .about = "Weighs it.",
    .knobs = &test_workload,
    .least_operands = 1,
    .most_operands = 2};
static const struct verb *const test_verbs[] = {&verb_look, &verb_weigh, NULL};
