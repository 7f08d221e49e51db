/* The work of one token on llama.cpp: products with weights by type and buffer, attention over the cache, operations to start, and
 * what passes through memory between them. Decoding multiplies every weight with one column, of experts only those chosen; a prompt
 * multiplies a whole micro-batch at once, the output matrix aside, and looks at half of itself on average (an encoder's at all of it). Left out: copies between
 * devices, several sequences decoded together. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

/* Weights alike in type and buffer, multiplied with so many columns: their elements, rows and bytes that a token meets. */
struct product {
    const char *buffer;
    uint8_t type;
    bool experts, output;
    double elements, rows, bytes;
};
enum { PRODUCTS = 32 };
struct products {
    struct product of[PRODUCTS];
    size_t count;
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
        out->rows *= elements / w->elements;
        out->elements = elements;
        return true;
    }
    return false;
}

static void add_product(struct products *p, const struct product *one)
{
    for (size_t i = 0; i < p->count; i++) {
        struct product *q = &p->of[i];
        if (q->type != one->type || q->buffer != one->buffer || q->experts != one->experts ||
            q->output != one->output)
            continue;
        q->elements += one->elements;
        q->rows += one->rows;
        q->bytes += one->bytes;
        return;
    }
    if (p->count < PRODUCTS) p->of[p->count++] = *one;
}

static void add_weights(struct products *p, const struct generate *g, const struct weight_sum *w,
                        unsigned use, double times)
{
    if (use == USE_LOOKUP || use == USE_VECTOR) return;
    add_product(p, &(struct product){.buffer = llama_buffer_of(g, w, use),
                                     .type = w->type,
                                     .experts = use == USE_EXPERTS,
                                     .output = use == USE_OUTPUT,
                                     .elements = times * w->elements,
                                     .rows = times * w->rows,
                                     .bytes = times * w->bytes});
}

static struct products products_of(const struct digest *m, const struct generate *g)
{
    struct products p = {.count = 0};
    struct weight_sum tied;
    const double share = llama_experts_share(m);
    for (size_t i = 0; i < m->outsides; i++)
        add_weights(&p, g, &m->outside[i], m->outside[i].use, 1);
    if (llama_tied_embedding(m, &tied)) add_weights(&p, g, &tied, USE_OUTPUT, 1);
    for (size_t i = 0; i < m->kinds; i++)
        for (size_t k = 0; k < m->kind[i].sums; k++) {
            const struct weight_sum *w = &m->kind[i].sum[k];
            add_weights(&p, g, w, w->use, m->kind[i].layers * (w->use == USE_EXPERTS ? share : 1));
        }
    return p;
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

/* Columns that one product has: of experts, those tokens of a micro-batch that chose the same one. */
static double columns_of(const struct digest *m, const struct product *p, double tokens)
{
    return p->experts ? most(tokens * llama_experts_share(m), 1) : tokens;
}

static void multiply(struct bill *b, enum phase phase, const struct digest *m,
                     const struct products *p, double tokens)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct product *one = &p->of[i];
        if (phase == PREFILL && one->output) continue;
        const struct line of = {.phase = (uint8_t)phase,
                                .work = MATMUL_FLOP,
                                .type = one->type,
                                .site = ON_HOST,
                                .buffer = one->buffer,
                                .columns = columns_of(m, one, tokens),
                                .bytes = one->bytes,
                                .row = one->elements / one->rows};
        GIVEN(b, elements, one->elements,
              "model, weights of one type and buffer that a token meets");
        WORK(b, of, "multiply weights", 2 * elements, "a product and a sum each");
    }
}

static void attend(struct bill *b, enum phase phase, const struct digest *m,
                   const struct generate *g, double depth_tokens, double tokens)
{
    const struct shape *s = m->shape;
    const bool latent = s->latent.kv_rank > 0;
    const double key = latent ? s->latent.kv_rank + s->latent.rope : s->head_size;
    const double value = latent ? s->latent.kv_rank : s->head_size;
    const double cell_bytes = llama_key_row_bytes(m, g) + llama_value_row_bytes(m, g);
    const struct line of = {.phase = (uint8_t)phase,
                            .work = ATTEND_FLOP,
                            .type = (uint8_t)g->kv_type_k->id,
                            .site = ON_HOST,
                            .columns = tokens,
                            .bytes = cell_bytes * used_cells(m, depth_tokens),
                            .row = key};
    GIVEN(b, cells, used_cells(m, depth_tokens), "--depth and --prompt, over all layers");
    GIVEN(b, score_width, s->heads * (key + value), "model");
    WORK(b, of, "attend", 2 * cells * score_width, "a product and a sum each");
}

/* Nodes of the graph between embedding and logits. */
static void start_operations(struct bill *b, const struct digest *m)
{
    const struct shape *s = m->shape;
    const double norms = 2 + 2 * s->post_norms + 2 * (s->qk_norm != QK_NORM_NONE);
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, norm_operations, norms * (s->arch->layer_norm ? 3 : 2), "model");
    GIVEN(b, attention_operations, 4 + 2 * s->arch->rope + 3 * s->qkv_bias + 4, "model");
    GIVEN(b, expert_operations, s->experts > 0 ? 16 + 2 * s->experts_used : 4, "model");
    const struct line of = {.phase = DECODE, .work = OPERATIONS, .site = ON_HOST, .columns = 1};
    WORK(b, of, "start operations",
         layers * (norm_operations + attention_operations + expert_operations),
         "llama.cpp v0.5.0 src/llama-graph.cpp, counted by kind of layer");
}

/* Norms, rotations, additions, gates: 32-bit values read and written between the products of a layer. */
static void pass_elements(struct bill *b, const struct digest *m)
{
    const struct shape *s = m->shape;
    const double chosen = s->experts > 0 ? s->experts_used * s->expert_width + s->shared_width : 0;
    const double norms = 2 + 2 * s->post_norms;
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, stream_values, s->width * (4 * norms + 6),
          "norm: twice in and out; addition: two in, one out");
    GIVEN(b, head_values, (s->heads + 3 * s->kv_heads) * s->head_size * 2, "rotated, stored");
    GIVEN(b, gate_values, 3 * most(chosen, s->ffn_width), "gate and up in, one out");
    GIVEN(b, expert_values, s->experts > 0 ? 5 * s->experts_used * s->width : 0,
          "each expert's answer weighed and added");
    GIVEN(b, product_values,
          6 * s->width + 3 * (s->heads + s->kv_heads) * s->head_size +
              4 * most(chosen, s->ffn_width),
          "in and out of the products, converted for them");
    const struct line of = {.phase = PREFILL, .work = ELEMENT_BYTES, .site = ON_HOST};
    WORK(b, of, "pass values on",
         layers * 4 * (stream_values + head_values + gate_values + expert_values + product_values),
         "32-bit values between the products of a layer");
}

void llama_work(struct bill *b, const struct digest *m, const struct generate *g)
{
    const struct products p = products_of(m, g);
    const double at_once = most(least(g->prompt_tokens, g->ubatch_tokens), 1);
    if (!m->shape->arch->encoder) {
        multiply(b, DECODE, m, &p, 1);
        attend(b, DECODE, m, g, g->depth_tokens + g->prompt_tokens, 1);
        start_operations(b, m);
    }
    multiply(b, PREFILL, m, &p, at_once);
    const double seen = g->prompt_tokens * (m->shape->arch->encoder ? 1 : 0.5); /* of the prompt */
    attend(b, PREFILL, m, g, g->depth_tokens + seen, at_once);
    pass_elements(b, m);
}
