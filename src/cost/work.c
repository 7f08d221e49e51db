/* The work of one token on llama.cpp: products with weights by type and buffer, attention over the cache, operations to start, and
 * what passes through memory between them. Decoding multiplies every weight with one column, of experts only those chosen; a prompt
 * multiplies a whole micro-batch at once, the output matrix aside, and looks at half of itself on average (an encoder's at all of it). All of it site by site. Left out:
 * copies between sites, host weights that a device multiplies large batches with, and of layers that recur what a prompt takes beside
 * its products. Sequences that decode together share what is read of weights and the starts of nodes; each reads a cache of its own. Of
 * experts they are taken to choose as unlike ones as there are. */
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
    const bool has_output = !s->arch->encoder || s->arch->output_unused;
    for (size_t i = 0; elements > 0 && s->tied && has_output && i < m->outsides; i++) {
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

/* The products at one site. */
struct gathering {
    const struct llama *l;
    int site;
    struct products p;
};

static void add_weights(struct gathering *to, const struct weight_sum *w, unsigned use,
                        double times)
{
    const struct llama *l = to->l;
    const bool host = to->site == ON_HOST, experts = use == USE_EXPERTS;
    const double share = experts ? llama_experts_share(l->m) : 1;
    if (use == USE_LOOKUP || use == USE_VECTOR || !(times > 0)) return;
    add_product(&to->p,
                &(struct product){.buffer = host ? llama_buffer_of(l->g, w, use)
                                                 : split_rules(l->spread->split, to->site)->backend,
                                  .type = w->type,
                                  .experts = experts,
                                  .output = use == USE_OUTPUT,
                                  .elements = times * share * w->elements,
                                  .rows = times * share * w->rows,
                                  .bytes = times * share * w->bytes});
}

static struct products products_of(const struct llama *l, int site)
{
    struct gathering to = {l, site, {.count = 0}};
    struct weight_sum tied;
    const struct digest *m = l->m;
    const bool output = l->spread->output == site;
    for (size_t i = 0; output && i < m->outsides; i++)
        add_weights(&to, &m->outside[i], m->outside[i].use, 1);
    const bool tied_here = m->shape->arch->output_is_embedding ? site == ON_HOST : output;
    if (tied_here && llama_tied_embedding(m, &tied)) add_weights(&to, &tied, USE_OUTPUT, 1);
    for (size_t i = 0; i < m->kinds; i++)
        for (size_t k = 0; k < m->kind[i].sums; k++) {
            const struct weight_sum *w = &m->kind[i].sum[k];
            add_weights(&to, w, w->use,
                        w->use == USE_EXPERTS ? l->spread->kind[site].experts[i]
                                              : l->spread->kind[site].layers[i]);
        }
    return to.p;
}

/* Attention without the flash kernel runs where the cache is, with it where the layer is. */
static double attending_layers(const struct llama *l, int site, size_t kind)
{
    double layers = 0;
    if (!l->spread->split->host_cache || l->d->flash) return l->spread->kind[site].layers[kind];
    for (int i = 0; site == ON_HOST && i < l->spread->sites; i++)
        layers += l->spread->kind[i].layers[kind];
    return layers;
}

/* Of the layers that see all, or of those with a window. */
struct seeing {
    int site;
    double depth_tokens;
    bool window;
};

/* Cells that a token at this depth looks at, over the layers of a site with a window, or without. */
static double used_cells(const struct llama *l, int site, double depth_tokens, bool window)
{
    const struct digest *m = l->m;
    double cells = 0;
    for (size_t i = 0; i < m->kinds; i++)
        if (!m->kind[i].recurrent && !m->kind[i].feeds && m->kind[i].window == window)
            cells += attending_layers(l, site, i) *
                     (window ? least(depth_tokens, m->shape->window_tokens) : depth_tokens);
    return cells;
}

/* Of one layer: what a token sees; and what llama.cpp walks over to see it, whole blocks of cells, of a window's ring past the window. */
static double seen_cells(const struct llama *l, const struct seeing *of)
{
    return of->window ? least(of->depth_tokens, l->m->shape->window_tokens) : of->depth_tokens;
}

static double kept_cells(const struct llama *l, const struct seeing *of)
{
    return least(of->window ? l->d->window_cells : l->d->cells,
                 pad_to(of->depth_tokens, LLAMA_BLOCK_CELLS));
}

static double decoding_columns(const struct generate *g)
{
    return most(g->decoding, 1);
}

/* Tokens of the prompt that are done at once. */
static double prompt_columns(const struct generate *g)
{
    return most(least(g->prompt_tokens, g->ubatch_tokens), 1);
}

/* Columns that one product has: of experts, those tokens of a micro-batch that chose the same one. */
static double columns_of(const struct digest *m, const struct product *p, double tokens)
{
    return p->experts ? most(tokens * llama_experts_share(m), 1) : tokens;
}

static void multiply(struct bill *b, enum phase phase, const struct llama *l, int site,
                     double tokens)
{
    const struct products p = products_of(l, site);
    for (size_t i = 0; i < p.count; i++) {
        const struct product *one = &p.of[i];
        if (phase == PREFILL && one->output) continue;
        const struct line of = {.phase = (uint8_t)phase,
                                .work = MATMUL_FLOP,
                                .type = one->type,
                                .site = (uint8_t)site,
                                .experts = one->experts,
                                .buffer = one->buffer,
                                .columns = columns_of(l->m, one, tokens),
                                .bytes = one->bytes,
                                .row = one->elements / one->rows};
        GIVEN(b, elements, one->elements,
              "model, weights of one type and buffer that a token meets");
        WORK(b, of, "multiply weights", 2 * elements, "a product and a sum each");
    }
}

static void attend_layers(struct bill *b, enum phase phase, const struct llama *l,
                          const struct seeing *of)
{
    const struct shape *s = l->m->shape;
    const bool latent = s->latent.kv_rank > 0;
    const double head = shape_head_size(s, of->window);
    const double key = latent ? s->latent.kv_rank + s->latent.rope : head;
    const double keys = latent ? 1 : shape_kv_heads(s, of->window);
    const double value = latent ? s->latent.kv_rank : head;
    const double cell_bytes =
        llama_key_row_bytes(l->m, l->g, of->window) + llama_value_row_bytes(l->m, l->g, of->window);
    GIVEN(b, cells, used_cells(l, of->site, of->depth_tokens, of->window),
          "--depth and --prompt, over all layers");
    if (!(cells > 0)) return;
    GIVEN(b, score_width, s->heads * (key + value), "model");
    const struct line line = {.phase = (uint8_t)phase,
                              .work = ATTEND_FLOP,
                              .type = (uint8_t)l->g->kv_type_k->id,
                              .site = (uint8_t)of->site,
                              .columns = phase == PREFILL ? prompt_columns(l->g) : 1,
                              .bytes = cells * cell_bytes,
                              .row = key,
                              .group = s->heads / keys,
                              .cell = keys * key,
                              .seen = seen_cells(l, of),
                              .kept = kept_cells(l, of)};
    WORK(b, line, "attend", 2 * cells * score_width, "a product and a sum each");
}

/* An indexer scores every cell by keys of its own. */
static void score_cells(struct bill *b, enum phase phase, const struct llama *l,
                        const struct seeing *of)
{
    const struct shape *s = l->m->shape;
    if (!(s->indexer.heads > 0)) return;
    GIVEN(b, cells, used_cells(l, of->site, of->depth_tokens, false),
          "--depth and --prompt, over all layers");
    if (!(cells > 0)) return;
    GIVEN(b, index_width, s->indexer.heads * s->indexer.head_size, "model");
    const struct line line = {.phase = (uint8_t)phase,
                              .work = ATTEND_FLOP,
                              .type = (uint8_t)l->g->kv_type_k->id,
                              .site = (uint8_t)of->site,
                              .columns = phase == PREFILL ? prompt_columns(l->g) : 1,
                              .bytes = cells * llama_index_row_bytes(l->m, l->g),
                              .row = s->indexer.head_size,
                              .group = s->indexer.heads,
                              .cell = s->indexer.head_size};
    WORK(b, line, "score cells", 2 * cells * index_width, "a product and a sum each");
}

/* Cells that became one of several, seen beside the window: those that the indexer chose, or all. */
static void attend_compressed(struct bill *b, enum phase phase, const struct llama *l,
                              const struct seeing *of)
{
    const struct shape *s = l->m->shape;
    const double *layers = l->spread->caches[of->site];
    const double fine = of->depth_tokens / FINE_RATIO;
    if (!(s->compressed.groups > 0) || !(layers[CACHE_FINE] + layers[CACHE_COARSE] > 0)) return;
    GIVEN(b, cells,
          layers[CACHE_FINE] * least(fine, s->indexer.chosen) +
              layers[CACHE_COARSE] * of->depth_tokens / COARSE_RATIO,
          "--depth and --prompt, over all layers");
    GIVEN(b, scored_cells, layers[CACHE_FINE] * fine, "--depth and --prompt, over all layers");
    GIVEN(b, score_width, 2 * s->heads * s->head_size, "model");
    GIVEN(b, index_width, s->indexer.heads * s->indexer.head_size, "model");
    const struct line line = {.phase = (uint8_t)phase,
                              .work = ATTEND_FLOP,
                              .type = (uint8_t)l->g->kv_type_k->id,
                              .site = (uint8_t)of->site,
                              .columns = phase == PREFILL ? prompt_columns(l->g) : 1,
                              .bytes = cells * llama_key_row_bytes(l->m, l->g, true),
                              .row = s->head_size,
                              .group = s->heads,
                              .cell = s->head_size};
    struct line scoring = line;
    scoring.bytes = scored_cells * llama_index_row_bytes(l->m, l->g);
    scoring.row = s->indexer.head_size;
    scoring.group = s->indexer.heads;
    scoring.cell = s->indexer.head_size;
    WORK(b, line, "attend to compressed cells", 2 * cells * score_width,
         "a product and a sum each");
    WORK(b, scoring, "score cells", 2 * scored_cells * index_width, "a product and a sum each");
}

/* With the flash kernel a decoded token reads of the cache what its indexer chose. */
static double depth_read(const struct llama *l, enum phase phase, double depth_tokens)
{
    const struct shape *s = l->m->shape;
    const bool chosen = s->indexer.heads > 0 && phase == DECODE && l->d->flash;
    return chosen ? least(depth_tokens, s->indexer.chosen) : depth_tokens;
}

static void attend(struct bill *b, enum phase phase, const struct llama *l, int site,
                   double depth_tokens)
{
    score_cells(b, phase, l, &(struct seeing){site, depth_tokens, false});
    attend_layers(b, phase, l, &(struct seeing){site, depth_read(l, phase, depth_tokens), false});
    attend_layers(b, phase, l, &(struct seeing){site, depth_tokens, true});
    attend_compressed(b, phase, l, &(struct seeing){site, depth_tokens, true});
}

/* A decoded token reads and writes the state of every layer that recurs. */
static void carry_state(struct bill *b, const struct llama *l, int site)
{
    GIVEN(b, recurrent_layers, l->spread->caches[site][CACHE_STATE], "model");
    if (!(recurrent_layers > 0)) return;
    GIVEN(b, state_values, shape_convolved(l->m->shape) + shape_state(l->m->shape), "model");
    const struct line of = {.phase = DECODE, .work = ELEMENT_BYTES, .site = (uint8_t)site};
    WORK(b, of, "carry the state on", recurrent_layers * 2 * 4 * state_values,
         "32-bit values, read and written");
}

static double layers_at(const struct llama *l, int site)
{
    double layers = 0;
    for (size_t i = 0; i < l->m->kinds; i++) layers += l->spread->kind[site].layers[i];
    return layers;
}

/* The share of a site's layers that feed forward: all, unless a layer is one part alone. */
static double feeding(const struct llama *l, int site)
{
    double layers = 0, feeds = 0;
    for (size_t i = 0; i < l->m->kinds; i++) {
        layers += l->spread->kind[site].layers[i];
        feeds += l->m->kind[i].feeds ? l->spread->kind[site].layers[i] : 0;
    }
    return l->m->shape->arch->one_part ? feeds / most(layers, 1) : 1;
}

/* And the share of those that attend or recur. */
static double mixing(const struct llama *l, double feeding_)
{
    return l->m->shape->arch->one_part ? 1 - feeding_ : 1;
}

/* Nodes of the graph between embedding and logits. */
static void start_operations(struct bill *b, const struct llama *l, int site)
{
    const struct shape *s = l->m->shape;
    const double feeds = feeding(l, site), mixes = mixing(l, feeds);
    const double norms =
        (s->arch->one_part ? 1 : 2) + 2 * s->post_norms + 2 * (s->qk_norm != QK_NORM_NONE);
    GIVEN(b, layers, layers_at(l, site), "model");
    GIVEN(b, norm_operations, norms * (s->arch->layer_norm ? 3 : 2), "model");
    GIVEN(b, attention_operations, mixes * (4 + 2 * s->arch->rope + 3 * s->qkv_bias + 4), "model");
    GIVEN(b, expert_operations, feeds * (s->experts > 0 ? 16 + 2 * s->experts_used : 4), "model");
    GIVEN(b, decoding, decoding_columns(l->g), "sequences that decode together");
    const struct line of = {
        .phase = DECODE, .work = OPERATIONS, .site = (uint8_t)site, .columns = 1};
    WORK(b, of, "start operations",
         layers * (norm_operations + attention_operations + expert_operations) / decoding,
         "llama.cpp v0.5.0 src/llama-graph.cpp, counted by kind of layer");
}

/* Norms, rotations, additions, gates: 32-bit values read and written between the products of a layer. */
static void pass_elements(struct bill *b, const struct llama *l, int site)
{
    const struct shape *s = l->m->shape;
    const double chosen = s->experts > 0 ? s->experts_used * s->expert_width + s->shared_width : 0;
    const double norms = (s->arch->one_part ? 1 : 2) + 2 * s->post_norms;
    const double feeds = feeding(l, site), mixes = mixing(l, feeds);
    GIVEN(b, layers, layers_at(l, site), "model");
    GIVEN(b, stream_values, s->width * (4 * norms + 6),
          "norm: twice in and out; addition: two in, one out");
    GIVEN(b, head_values, mixes * (s->heads + 3 * s->kv_heads) * s->head_size * 2,
          "rotated, stored");
    GIVEN(b, gate_values, feeds * 3 * most(chosen, s->ffn_width), "gate and up in, one out");
    GIVEN(b, expert_values, s->experts > 0 ? feeds * 5 * s->experts_used * s->width : 0,
          "each expert's answer weighed and added");
    GIVEN(b, product_values,
          6 * s->width + mixes * 3 * (s->heads + s->kv_heads) * s->head_size +
              feeds * 4 * most(chosen, s->ffn_width),
          "in and out of the products, converted for them");
    const struct line of = {.phase = PREFILL, .work = ELEMENT_BYTES, .site = (uint8_t)site};
    WORK(b, of, "pass values on",
         layers * 4 * (stream_values + head_values + gate_values + expert_values + product_values),
         "32-bit values between the products of a layer");
}

static void work_at(struct bill *b, const struct llama *l, int site)
{
    const struct generate *g = l->g;
    const bool encoder = l->m->shape->arch->encoder;
    if (!encoder) {
        multiply(b, DECODE, l, site, decoding_columns(g));
        attend(b, DECODE, l, site, g->depth_tokens + g->prompt_tokens);
        start_operations(b, l, site);
        carry_state(b, l, site);
    }
    multiply(b, PREFILL, l, site, prompt_columns(g));
    const double seen = g->prompt_tokens * (encoder ? 1 : 0.5); /* of the prompt */
    attend(b, PREFILL, l, site, g->depth_tokens + seen);
    pass_elements(b, l, site);
}

void llama_work(struct bill *b, const struct llama *l)
{
    for (int site = 0; site < l->spread->sites; site++) work_at(b, l, site);
}
