/* cost/torch_work.h - what programs on PyTorch work at in one unit of a workload, as lines of its bill: products, what is moved between
 * them, runs of layers, what crosses a link or a disk. Pure. */
#pragma once
#include "cost/cost.h"

struct shape;

/* Forward passes of a model, each over so many tokens. */
struct passes {
    enum phase phase; /* UNIT or ONCE */
    int site;
    double passes, tokens, sequence_tokens;
    double value_bytes;
    bool eager; /* scores of attention are written and read */
    bool causal;
    bool logits; /* of every token */
};
void torch_passes(struct bill *b, const struct shape *s, const struct passes *p);
/* Tokens that are written one by one behind the prompts: each reads all weights. */
struct written {
    int site;
    double sequences, tokens; /* of each sequence, the first of which the prompt's pass gives */
    double value_bytes;
};
void torch_written(struct bill *b, const struct digest *m, const struct written *w);
/* What is kept is taken off the device and written where that was asked for. bytes: as computed; numbers: as text, 0: not as text. */
struct taken {
    int site;
    double bytes, numbers;
    bool off, file;
};
void torch_taken(struct bill *b, const struct taken *t);
/* The model's files read before anything else. */
void torch_load(struct bill *b, const struct digest *m, double file_bytes_per_parameter);
