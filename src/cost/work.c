/* The work of one token. Decoding reads every weight it multiplies with, and every used cell of the cache, once; of experts only its
 * own, of look-up tables one row (nothing). A prompt multiplies each weight with each token, the output matrix aside, and scores half
 * of the cells on average. Left out: launches, reading activations. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

struct read_weights {
    double bytes[TYPES];
    double elements; /* multiplied with every token of a prompt */
};

double llama_experts_share(const struct digest *m)
{
    const struct shape *s = m->shape;
    return s->experts > 0 ? s->experts_used / s->experts : 1;
}

/* Look-up tables alike in type stand in one sum: the embedding is its share of it. */
bool llama_tied_embedding(const struct digest *m, struct weight_sum *out)
{
    const struct shape *s = m->shape;
    const double elements = s->vocabulary * s->width;
    for (size_t i = 0; elements > 0 && s->tied && !s->arch->encoder && i < m->outsides; i++) {
        const struct weight_sum *w = &m->outside[i];
        if (w->use != USE_LOOKUP || w->elements < elements) continue;
        *out = *w;
        out->bytes *= elements / w->elements;
        out->elements = elements;
        return true;
    }
    return false;
}

static void read_all(const struct weight_sum *sum, size_t sums, double layers, double experts_share,
                     struct read_weights *r)
{
    for (size_t i = 0; i < sums; i++) {
        const struct weight_sum *w = &sum[i];
        const double times = layers * (w->use == USE_EXPERTS ? experts_share : 1);
        if (w->use == USE_LOOKUP) continue;
        r->bytes[w->type] += times * w->bytes;
        if (w->use == USE_MATRIX || w->use == USE_EXPERTS || w->use == USE_HEADS)
            r->elements += times * w->elements;
    }
}

/* Cells that a token at this depth looks at, over all layers. */
static double used_cells(const struct digest *m, double depth_tokens)
{
    double cells = 0;
    for (size_t i = 0; i < m->kinds; i++)
        cells += m->kind[i].layers *
                 (m->kind[i].window ? least(depth_tokens, m->shape->window_tokens) : depth_tokens);
    return cells;
}

static void decode(struct bill *b, const struct digest *m, const struct generate *g,
                   const struct read_weights *r)
{
    for (unsigned type = 0; type < TYPES; type++) {
        if (!(r->bytes[type] > 0)) continue;
        GIVEN(b, type_bytes, r->bytes[type], "model, weights of one type that a token reads");
        WORK(b, DECODE, WEIGHT_BYTES_READ, type, ON_HOST, "read weights", type_bytes,
             "each weight once a token, of experts those chosen");
    }
    GIVEN(b, cells, used_cells(m, g->prompt_tokens), "--prompt, over all layers");
    GIVEN(b, row_bytes, llama_key_row_bytes(m, g) + llama_value_row_bytes(m, g), "K and V");
    WORK(b, DECODE, CACHE_BYTES_READ, g->kv_type_k->id, ON_HOST, "read KV cache", cells * row_bytes,
         "each used cell once a token");
}

static void prefill(struct bill *b, const struct digest *m, const struct generate *g,
                    const struct read_weights *r)
{
    const struct shape *s = m->shape;
    const double key = s->latent.kv_rank > 0 ? s->latent.kv_rank + s->latent.rope : s->head_size;
    const double value = s->latent.kv_rank > 0 ? s->latent.kv_rank : s->head_size;
    GIVEN(b, elements, r->elements, "model, weights multiplied with each token");
    GIVEN(b, mean_cells, used_cells(m, g->prompt_tokens / 2), "half of --prompt, over all layers");
    GIVEN(b, score_width, s->heads * (key + value), "model");
    WORK(b, PREFILL, MATMUL_FLOP, 0, ON_HOST, "multiply weights", 2 * elements,
         "a product and a sum each");
    WORK(b, PREFILL, MATMUL_FLOP, 0, ON_HOST, "attend", 2 * mean_cells * score_width,
         "a product and a sum each");
}

void llama_work(struct bill *b, const struct digest *m, const struct generate *g)
{
    struct read_weights r = {.elements = 0};
    struct weight_sum tied;
    const double share = llama_experts_share(m);
    read_all(m->outside, m->outsides, 1, share, &r);
    if (llama_tied_embedding(m, &tied)) r.bytes[tied.type] += tied.bytes;
    for (size_t i = 0; i < m->kinds; i++)
        read_all(m->kind[i].sum, m->kind[i].sums, m->kind[i].layers, share, &r);
    if (!m->shape->arch->encoder) decode(b, m, g, &r);
    prefill(b, m, g, &r);
}
