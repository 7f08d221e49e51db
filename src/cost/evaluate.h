/* cost/evaluate.h - a model run over prompts without training: alone, beside a reference, or held against another model. */
#pragma once
#include "cost/cost.h"

/* What it is held against: nothing, a second model in memory, or itself with its adapter switched off. */
enum reference { REFERENCE_NONE, REFERENCE_MODEL, REFERENCE_ADAPTER };
struct evaluate {
    double device;
    double sequences, sequence_tokens,
        new_tokens; /* new_tokens 0: the prompts themselves are scored */
    double dtype;   /* enum dtype */
    double reference, rank;
    double prompts;             /* amount; 0: nobody said */
    bool at_once;               /* both models are in memory */
    const struct digest *other; /* of compare; NULL: one as large */
};
/* What both of its workloads have; of a knob the offset is in a struct evaluate. */
enum { EVALUATED_TOKENS_MOST = 1 << 24, EVALUATED_AT_ONCE = 1 << 16 };
#define EVALUATE_KNOBS                                                                         \
    {.name = "sequences",                                                                      \
     .option = "batch",                                                                        \
     .words = "prompts at once; 1",                                                            \
     .kind = KNOB_COUNT,                                                                       \
     .least = 1,                                                                               \
     .most = EVALUATED_AT_ONCE,                                                                \
     .offset = offsetof(struct evaluate, sequences),                                           \
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1}},                        \
        {.name = "seq",                                                                        \
         .option = "seq",                                                                      \
         .words = "tokens of a prompt; 512",                                                   \
         .kind = KNOB_TOKENS,                                                                  \
         .least = 1,                                                                           \
         .most = EVALUATED_TOKENS_MOST,                                                        \
         .offset = offsetof(struct evaluate, sequence_tokens),                                 \
         .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 64}},                 \
        {.name = "new_tokens",                                                                 \
         .option = "new-tokens",                                                               \
         .words = "tokens written behind each prompt; 0: each of its own tokens is scored",    \
         .kind = KNOB_TOKENS,                                                                  \
         .least = 0,                                                                           \
         .most = EVALUATED_TOKENS_MOST,                                                        \
         .offset = offsetof(struct evaluate, new_tokens),                                      \
         .amount = true},                                                                      \
    {                                                                                          \
        .name = "dtype", .option = "dtype",                                                    \
        .words = "of the weights; auto (16 bits, as most are published)", .kind = KNOB_CHOICE, \
        .choices = dtype_words, .offset = offsetof(struct evaluate, dtype), .ladder = {        \
            .kind = LADDER_WORDS,                                                              \
            .cost = COSTS_QUALITY,                                                             \
            .rungs = dtype_rungs                                                               \
        }                                                                                      \
    }
extern const struct workload workload_evaluate, workload_compare;
void evaluate_usual(struct evaluate *e);
/* The lines of one model, in whole at the last site of the split; unruled is set where there is no rule. */
void evaluate_model(struct bill *b, const struct digest *m, const struct evaluate *e,
                    const struct split *s);
/* Lines of an adapter on all matrices of the layers. */
void evaluate_adapter(struct bill *b, const struct digest *m, const struct evaluate *e, int site);
/* Its work on a batch; and what is read before the first. */
void evaluate_work(struct bill *b, const struct digest *m, const struct evaluate *e,
                   const struct split *s);
void evaluate_load(struct bill *b, const struct digest *m);
/* Bytes of its weights in the type asked for. */
double evaluate_weight_bytes(const struct digest *m, const struct evaluate *e);
double evaluate_batches(const void *chosen);
