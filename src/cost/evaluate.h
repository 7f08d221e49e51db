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
