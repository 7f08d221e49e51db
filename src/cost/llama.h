/* cost/llama.h - the parts that make up a bill on llama.cpp, one file each. */
#pragma once
#include <stdbool.h>

#include "cost/bill.h"
#include "model/digest.h"

/* A cache grows, and is walked over, in blocks of so many cells, so that its kernels need no rest. */
enum { LLAMA_BLOCK_CELLS = 256 };

struct derived;
struct generate;
struct site_rules;
struct split;

/* What a layer keeps of what it has seen; CACHE_SHARED: nothing of its own. */
/* A compressed layer keeps a window and what became of the cells behind it: nothing more, one of a few, one of many. */
enum cache_kind {
    CACHE_WHOLE,
    CACHE_WINDOW,
    CACHE_STATE,
    CACHE_SHARED,
    CACHE_BARE,
    CACHE_FINE,
    CACHE_COARSE,
    CACHE_KINDS
};
enum cache_kind llama_cache_kind(const struct shape *s, const struct layer_kind *kind);

/* What of a model lies where: how many layers of each kind, whose experts, whose caches. */
struct spread {
    const struct split *split;
    int sites, output; /* output: the site of its norm and matrix */
    struct {
        double layers[DIGEST_KINDS], experts[DIGEST_KINDS];
    } kind[SITES];
    double caches[SITES][CACHE_KINDS];
};
struct spread llama_spread(const struct digest *m, const struct split *s);
bool spread_has_layers(const struct spread *p, int site);
/* The rules of a site, never NULL; the site of a layer; whether host weights lie in memory pinned for a device, as they are. */
const struct site_rules *split_rules(const struct split *s, int site);
int split_site(const struct split *s, double layer);
bool split_pins_host(const struct split *s);
/* The device that host weights are copied to for large batches, 0 none; how often what crosses sites is held: more than once where
 * several devices work at the same time. */
int split_copier(const struct split *s);
int split_copies(const struct split *s);

/* What every part is written from. */
struct llama {
    const struct digest *m;
    const struct generate *g;
    const struct derived *d;
    const struct spread *spread;
};

/* llama_context's own arithmetic on what was asked for, noted in the bill; b may be NULL. */
struct derived llama_context(struct bill *b, const struct digest *m, const struct generate *g);
void llama_weights(struct bill *b, const struct llama *l);
void llama_kv_cache(struct bill *b, const struct llama *l);
void llama_compute(struct bill *b, const struct llama *l);
void llama_output(struct bill *b, const struct digest *m, const struct generate *g);
void llama_process(struct bill *b, const struct digest *m);
/* What the same process holds beside the model (cost/beside.h). */
void llama_beside(struct bill *b, const struct llama *l);
/* What drivers take on devices beside all buffers. */
void llama_drivers(struct bill *b, const struct split *s);
/* Work of one token: decoded at a depth of g->prompt_tokens, and of a prompt that long. */
void llama_work(struct bill *b, const struct llama *l);

/* Where a CPU with these buffers keeps weights for this use: a rule's name, or "CPU" for plain. */
const char *llama_buffer_of(const struct generate *g, const struct weight_sum *w, unsigned use);
/* Bytes of weights on a device, whose rows and tensors are padded there. */
double llama_device_bytes(const struct weight_sum *w, const struct weight_type *types,
                          const struct site_rules *r);
/* Bytes of one cell of one layer, with a window or without, of K and of V. */
double llama_key_row_bytes(const struct digest *m, const struct generate *g, bool window);
/* Cells of a compressed layer: of its window, and those that so many become one of. */
struct compressed_cells {
    double window, fine, coarse;
};
struct compressed_cells llama_compressed_cells(const struct llama *l);
double llama_index_row_bytes(const struct digest *m, const struct generate *g);
double llama_value_row_bytes(const struct digest *m, const struct generate *g, bool window);
/* Share of an expert tensor that one token reads. */
double llama_experts_share(const struct digest *m);
/* The token embedding when it is the output matrix too; false when it is not. */
bool llama_tied_embedding(const struct digest *m, struct weight_sum *out);
