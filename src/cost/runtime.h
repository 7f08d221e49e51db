/* cost/runtime.h - the programs that run a model. One row each: its words, what it has by itself, its bill; one file each beside
 * llama.cpp's own parts (llama.h). Only llama.cpp's rules were held against truth: the others' bills are bounds, with ranges. */
#pragma once
#include "cost/cost.h"

struct shape;

struct runtime {
    const char *name, *words; /* "transformers", "transformers 4.57" */
    /* Weights as published, in a dtype, laid out by PyTorch; else a GGUF by llama.cpp's rules. */
    bool published;
    const char *unpriced; /* why its speed is not computed; NULL: llama.cpp's kernels */
    void (*usual)(struct generate *g);
    void (*bill)(struct bill *b, const struct digest *m, const struct generate *g,
                 const struct split *s);
};
const struct runtime *runtime_of(const struct generate *g);
const struct runtime *runtime_at(enum runtime_id id);
/* False when nothing is called so. */
bool runtime_named(struct str name, enum runtime_id *out);
const char *dtype_name(const struct generate *g); /* "bf16"; auto: "16 bits" */
/* What PyTorch's programs keep no plan of; NULL: nothing. */
const char *published_unruled(const struct digest *m);
/* The same, or why nothing is known of what was asked to run beside it. */
const char *published_unruled_as_asked(const struct digest *m, const struct generate *g);
/* Values of a token's keys and values as transformers caches them in one layer: latent attention's for each head. */
double transformers_keys(const struct shape *s);
double transformers_values(const struct shape *s);
/* Bytes of all weights as transformers keeps them. */
double transformers_weight_bytes(const struct digest *m, const struct generate *g);

void llama_bill(struct bill *b, const struct digest *m, const struct generate *g,
                const struct split *s);
void ollama_usual(struct generate *g);
void ollama_bill(struct bill *b, const struct digest *m, const struct generate *g,
                 const struct split *s);
void transformers_bill(struct bill *b, const struct digest *m, const struct generate *g,
                       const struct split *s);
void vllm_bill(struct bill *b, const struct digest *m, const struct generate *g,
               const struct split *s);
