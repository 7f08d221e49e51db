/* The weights: plain as in the file, or moved into a buffer that the CPU's kernels want laid out otherwise. A tied embedding stays
 * plain for its look-up and is loaded again as output matrix where a buffer takes it. With mmap, what was moved also stays in the page
 * cache as it was read, until the kernel needs the pages. Left out: tensors that a model file holds and llama.cpp does not use. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

#define LLAMA_LOAD "llama.cpp v0.5.0 src/llama-model-loader.cpp, each tensor padded to 32 bytes"
#define LLAMA_BUFFER "llama.cpp v0.5.0 ggml/src/ggml-cpu, data/buffers.json"

struct placed {
    double plain_bytes, moved_bytes, moved_file_bytes;
};

static bool is_taken(const struct buffer_rule *rule, unsigned use, double rows_of)
{
    if (fmod(rows_of, rule->rows_multiple) != 0) return false;
    return use == USE_MATRIX || use == USE_OUTPUT || (use == USE_EXPERTS && rule->experts);
}

/* The first buffer that takes such weights, and its row for their type; NULL: none does, they lie plain. */
static const struct buffer_rule *taker(const struct generate *g, const struct weight_sum *w,
                                       unsigned use, size_t *row)
{
    if (g->repack != (double)REPACK_ON) return NULL;
    for (size_t i = 0; i < EXTRA_BUFFERS && g->buffer[i]; i++) {
        const struct buffer_rule *rule = g->buffer[i];
        for (*row = 0; *row < rule->rows; ++*row)
            if (rule->row[*row].type == w->type && is_taken(rule, use, w->rows_of)) return rule;
    }
    return NULL;
}

const char *llama_buffer_of(const struct generate *g, const struct weight_sum *w, unsigned use)
{
    size_t row;
    const struct buffer_rule *rule = taker(g, w, use, &row);
    return rule ? rule->name : "CPU";
}

/* Bytes in its buffer of a byte in the file; 0: no buffer takes it. */
static double growth_of(const struct generate *g, const struct weight_sum *w, unsigned use)
{
    size_t row;
    const struct buffer_rule *rule = taker(g, w, use, &row);
    return rule ? rule->row[row].growth : 0;
}

static void place(const struct generate *g, const struct weight_sum *sum, size_t sums,
                  double layers, struct placed *p)
{
    for (size_t i = 0; i < sums; i++) {
        const double growth = growth_of(g, &sum[i], sum[i].use), bytes = layers * sum[i].bytes;
        if (growth > 0) {
            p->moved_bytes += round(bytes * growth); /* a share of whole blocks */
            p->moved_file_bytes += bytes;
        } else {
            p->plain_bytes += bytes;
        }
    }
}

static double second_embedding_bytes(const struct digest *m, const struct generate *g)
{
    struct weight_sum embedding;
    if (!llama_tied_embedding(m, &embedding) || m->shape->arch->output_is_embedding) return 0;
    return embedding.bytes * growth_of(g, &embedding, USE_OUTPUT);
}

void llama_weights(struct bill *b, const struct digest *m, const struct generate *g)
{
    struct placed p = {0, 0, 0};
    place(g, m->outside, m->outsides, 1, &p);
    for (size_t i = 0; i < m->kinds; i++)
        place(g, m->kind[i].sum, m->kind[i].sums, m->kind[i].layers, &p);
    GIVEN(b, plain_bytes, p.plain_bytes, "model, tensors no extra buffer takes");
    GIVEN(b, repacked_bytes, p.moved_bytes,
          "model, tensors an extra buffer takes, as they lie there");
    GIVEN(b, second_output_bytes, second_embedding_bytes(m, g), "model, tied embedding");
    GIVEN(b, read_bytes, g->mmap ? p.moved_file_bytes : 0, "model, as read through mmap");
    HOLD(b, ON_HOST, "weights", "weights", plain_bytes, LLAMA_LOAD);
    HOLD(b, ON_HOST, "weights, repacked", "weights", repacked_bytes, LLAMA_BUFFER);
    HOLD(b, ON_HOST, "embedding again, as output matrix", "weights", second_output_bytes,
         LLAMA_BUFFER);
    HOLD_AS(b, HELD_MAPPED, ON_HOST, "file pages of repacked weights", "mapped", read_bytes,
            "measured: peak RSS holds the mapped file beside the repacked copy");
}
