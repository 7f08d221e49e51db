/* cost/llama.h - the parts that make up a bill on llama.cpp, one file each. All lie on the host today: a split with devices is not
 * billed yet. */
#pragma once
#include <stdbool.h>

struct bill;
struct derived;
struct digest;
struct generate;
struct weight_sum;

/* llama_context's own arithmetic on what was asked for, noted in the bill; b may be NULL. */
struct derived llama_context(struct bill *b, const struct digest *m, const struct generate *g);
void llama_weights(struct bill *b, const struct digest *m, const struct generate *g);
void llama_kv_cache(struct bill *b, const struct digest *m, const struct generate *g,
                    const struct derived *d);
void llama_compute(struct bill *b, const struct digest *m, const struct generate *g,
                   const struct derived *d);
void llama_output(struct bill *b, const struct digest *m, const struct generate *g);
void llama_process(struct bill *b, const struct digest *m);
/* Work of one token: decoded at a depth of g->prompt_tokens, and of a prompt that long. */
void llama_work(struct bill *b, const struct digest *m, const struct generate *g);

/* Where a CPU with these buffers keeps weights for this use: a rule's name, or "CPU" for plain. */
const char *llama_buffer_of(const struct generate *g, const struct weight_sum *w, unsigned use);
/* Bytes of one cell of one layer, of K and of V. */
double llama_key_row_bytes(const struct digest *m, const struct generate *g);
double llama_value_row_bytes(const struct digest *m, const struct generate *g);
/* Share of an expert tensor that one token reads. */
double llama_experts_share(const struct digest *m);
/* The token embedding when it is the output matrix too; false when it is not. */
bool llama_tied_embedding(const struct digest *m, struct weight_sum *out);
