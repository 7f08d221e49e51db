/* The largest graph that llama.cpp v0.5.0 reserves memory for, node by node as it builds it (src/llama-graph.cpp, src/models): a whole
 * micro-batch of prompt against a full cache. Blocks of a layer stand in graph_attention.c and graph_feed_forward.c; what differs between
 * architectures are traits of struct architecture. Only what decides memory is said: which values a node reads, how large what it makes
 * is, whether it may run in place, and whether it reads weights, which decides where it is computed. Weights and the cache are left out
 * of the sources unless they lie elsewhere. Checked against the truth rows to the byte for every architecture whose row says so. Left
 * out: recurrent layers, cross-attention. */
#include "cost/graph.h"

#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

static const double index_bytes = 4, cache_index_bytes = 8;
static const double least_rotation_side = 64; /* llama.cpp v0.5.0 src/llama-kv-cache.cpp */

/* ---- inputs */

double graph_rotation_side(double head_size)
{
    double side = least_rotation_side;
    while (side < head_size && fmod(head_size, 2 * side) == 0) side *= 2;
    return side;
}

struct extent graph_mask(const struct graph *g, double cells)
{
    const double element_bytes = g->d.flash ? HALF_BYTES : FLOAT_BYTES;
    return (struct extent){element_bytes, {cells, g->tokens / g->streams, 1, g->streams}};
}

static double mask_bytes(const struct graph *g, double cells)
{
    return (g->d.flash ? HALF_BYTES : FLOAT_BYTES) * cells * g->tokens;
}

static void add_rotation(struct graph *g, struct rotation *r)
{
    if (r->side > 0) r->matrix = plan_input(&g->plan, FLOAT_BYTES * r->side * r->side);
}

/* Without flash attention V is stored transposed, and needs an index for every element. */
static void add_cache_inputs(struct graph *g, struct cache_inputs *c)
{
    const double value_width = g->s->kv_heads * g->s->head_size;
    const double rows = cache_index_bytes * g->tokens;
    add_rotation(g, &c->value);
    c->key_rows = plan_input(&g->plan, rows);
    if (g->s->latent.kv_rank > 0)
        c->value_rows = 0;
    else
        c->value_rows = plan_input(&g->plan, g->d.flash ? rows : rows * value_width);
    c->mask = plan_input_like(&g->plan, graph_mask(g, c->cells));
    c->present = true;
}

static bool has_windows(const struct shape *s)
{
    return s->window_period > 0 && s->window_tokens > 0;
}

/* An encoder keeps no cache: a mask for layers that see all, one for those with a window. */
static void add_masks(struct graph *g)
{
    const double bytes = mask_bytes(g, g->tokens);
    g->encoder_mask[0] = g->encoder_mask[1] = plan_input(&g->plan, bytes);
    if (has_windows(g->s)) g->encoder_mask[1] = plan_input(&g->plan, bytes);
}

static void add_caches(struct graph *g)
{
    for (int layer = 0; layer < (int)g->s->layers; layer++) {
        struct cache_inputs *c = graph_cache(g, layer);
        if (c->present) continue;
        if (layer > 0) add_rotation(g, &c->key);
        add_cache_inputs(g, c);
    }
    if (g->s->indexer.heads > 0) graph_index_inputs(g);
}

static void add_pooling(struct graph *g)
{
    if (!g->a->encoder || g->s->pooling == POOLING_NONE) return;
    const double row = g->s->pooling == POOLING_MEAN ? FLOAT_BYTES * g->tokens : index_bytes;
    g->pooling_rows = plan_input(&g->plan, row * g->pooled_sequences);
}

/* Every input, in the order in which the graph first names it. The embedding input is reserved though tokens come as ids. */
static void add_inputs(struct graph *g)
{
    const struct shape *s = g->s;
    const double embedding_bytes =
        FLOAT_BYTES * s->width * (1 + g->a->deepstack_layers) * g->tokens;
    g->token_ids = plan_input(&g->plan, index_bytes * g->tokens);
    plan_input(&g->plan, embedding_bytes);
    add_rotation(g, &graph_cache(g, 0)->key);
    if (g->a->rope || g->a->learned_positions)
        g->positions = plan_input(&g->plan, index_bytes * g->a->positions_per_token * g->tokens);
    if (g->a->query_tempered) g->temperatures = plan_input(&g->plan, FLOAT_BYTES * g->tokens);
    if (g->a->encoder)
        add_masks(g);
    else
        add_caches(g);
    g->output_rows = plan_input(&g->plan, index_bytes * g->d.outputs);
    if (g->a->deepstack_layers > 0) {
        /* no inputs, but the first values after them; they live longer than a step */
        g->narrow = plan_input(&g->plan, FLOAT_BYTES * s->width * g->tokens);
        g->deep = plan_input(&g->plan, embedding_bytes);
        node_pinned(g, g->deep, split_site(g->split, 0)); /* it follows its first reader */
    }
    add_pooling(g);
    if (s->indexer.heads > 0) graph_index_choices(g);
}

/* ---- embeddings */

static int embeddings(struct graph *g)
{
    const struct extent e = graph_stream(g, g->tokens);
    int x;
    if (g->deep) {
        node_pinned(g, plan_store(&g->plan, FROM(g->token_ids)), ON_HOST);
        plan_store(&g->plan, FROM(g->narrow));
        x = node_viewed(g, g->deep);
    } else {
        x = node_looked_up(g, e, g->token_ids);
    }
    if (g->a->embedding_scaled) x = node_scaled(g, e, x);
    const int at = g->a->learned_positions ? node_looked_up(g, e, g->positions) : 0;
    if (g->a->encoder && g->s->token_types > 0) { /* the embedding of token type 0 */
        const int type = graph_outside(g, ON_HOST, FLOAT_BYTES * g->s->width);
        x = node_in_place(g, e, FROM(x, type));
    }
    if (at) x = node_in_place(g, e, g->a->encoder ? FROM(at, x) : FROM(x, at));
    if (g->a->encoder && g->s->embedding_norm > 0) x = node_normed(g, e, x);
    return x;
}

/* ---- a layer, the output, the whole */

/* Of the last layer only the rows whose logits are asked for go on. */
static int asked_rows(struct graph *g, int x, int number)
{
    if (number < (int)g->s->layers - 1 || g->a->late_rows) return x;
    return node_computed(g, graph_stream(g, g->d.outputs), FROM(x, g->output_rows));
}

/* What attention gives, turned back, through its output matrix. */
static int attention_output(struct graph *g, int y, int number)
{
    const struct shape *s = g->s;
    const struct extent flat = extent_floats(s->heads * s->head_size, g->tokens, 1, 1);
    if (!g->a->encoder && !(s->latent.kv_rank > 0))
        y = node_turned(g, &graph_cache(g, number)->value, flat, y, false);
    if (s->sub_norms) y = node_normed(g, flat, y);
    y = node_multiplied(g, y, s->width, g->tokens);
    return g->a->projection_bias ? node_weighed(g, graph_stream(g, g->tokens), y) : y;
}

/* Attention and FFN read the same stream, by one norm or by one each. llama.cpp computes what is added first first. */
static int parallel_layer(struct graph *g, int stream, int number)
{
    const enum parallel order = g->a->parallel;
    const bool last = number == (int)g->s->layers - 1, two = g->s->norms_per_layer >= 2;
    const double tokens = last ? g->d.outputs : g->tokens;
    const struct extent whole = graph_stream(g, g->tokens), e = graph_stream(g, tokens);
    int x = node_normed(g, whole, stream), y = graph_attention(g, x, number);
    if (order == PARALLEL_ATTENTION_FFN) y = asked_rows(g, attention_output(g, y, number), number);
    if (two && order == PARALLEL_FFN_STREAM) {
        stream = asked_rows(g, stream, number);
        x = node_normed(g, e, stream);
    } else {
        x = asked_rows(g, two ? node_normed(g, whole, stream) : x, number);
    }
    const int fed = graph_feed_forward(g, x, number, tokens);
    if (order == PARALLEL_FFN_STREAM) {
        const int sum =
            node_in_place(g, e, FROM(fed, two ? stream : asked_rows(g, stream, number)));
        y = asked_rows(g, attention_output(g, y, number), number);
        return node_in_place(g, e, FROM(sum, y));
    }
    if (order == PARALLEL_FFN_ATTENTION) y = asked_rows(g, attention_output(g, y, number), number);
    const int sum =
        node_in_place(g, e, order == PARALLEL_ATTENTION_FFN ? FROM(y, fed) : FROM(fed, y));
    return node_in_place(g, e, FROM(sum, asked_rows(g, stream, number)));
}

static int serial_layer(struct graph *g, int stream, int number)
{
    const bool last = number == (int)g->s->layers - 1 && !g->a->late_rows;
    const bool bare = g->a->norm_after || g->a->norms_behind;
    const bool first = bare || shape_layer(g->s, number).bare;
    const struct extent whole = graph_stream(g, g->tokens);
    const double tokens = last ? g->d.outputs : g->tokens;
    const struct extent e = graph_stream(g, tokens);

    int y = graph_attention(g, first ? stream : node_normed(g, whole, stream), number);
    y = attention_output(g, y, number);
    if (g->a->post_norms && !last) y = node_normed(g, whole, y);
    if (last) {
        y = asked_rows(g, y, number);
        stream = asked_rows(g, stream, number);
        if (g->a->post_norms) y = node_normed(g, e, y);
    }
    int x = node_in_place(g, e, FROM(y, stream));
    if (g->a->norm_after) x = node_normed(g, e, x);

    y = graph_feed_forward(g, bare ? x : node_normed(g, e, x), number, tokens);
    if (g->a->post_norms) y = node_normed(g, e, y);
    x = node_in_place(g, e, g->a->residual_first ? FROM(x, y) : FROM(y, x));
    return g->a->norm_after ? node_normed(g, e, x) : x;
}

static int layer(struct graph *g, int stream, int number)
{
    const double every = g->a->unrotated_every;
    g->rotates = g->a->rope && (!g->a->window_rope || shape_layer_is_window(g->s, number)) &&
                 !(every > 0 && fmod(number + 1, every) == 0);
    if (g->a->parallel != PARALLEL_NONE) return parallel_layer(g, stream, number);
    const int x = serial_layer(g, stream, number);
    if (number >= g->a->deepstack_layers) return x;
    return node_in_place(g, graph_stream(g, g->tokens), FROM(x, node_viewed(g, g->deep)));
}

/* A tied embedding that is never loaded again is multiplied with on the host. */
static void logits(struct graph *g, int x)
{
    const struct extent e = extent_floats(g->s->vocabulary, g->d.outputs, 1, 1);
    if (g->a->late_rows) {
        plan_keep(&g->plan, x); /* given out for predictors of further tokens */
        x = node_computed(g, graph_stream(g, g->d.outputs), FROM(x, g->output_rows));
    }
    x = node_normed(g, graph_stream(g, g->d.outputs), x);
    plan_keep(&g->plan, x);
    if (g->s->tied && g->a->output_is_embedding) g->at.weights = ON_HOST;
    int y = node_multiplied(g, x, e.n[0], e.n[1]);
    if (g->a->final_softcap) y = node_soft_capped(g, e, y);
    plan_keep(&g->plan, y);
}

/* One vector a sequence: the mean of its tokens, or a row of one. */
static void pooled(struct graph *g, int x)
{
    const struct extent e = graph_stream(g, g->pooled_sequences);
    if (g->s->output_norm) x = node_normed(g, graph_stream(g, g->d.outputs), x);
    plan_keep(&g->plan, x);
    if (g->s->pooling == POOLING_NONE) return;
    if (g->s->pooling == POOLING_MEAN)
        x = node_computed(g, extent_floats(g->d.outputs, g->s->width, 1, 1), FROM(x));
    plan_keep(&g->plan, node_computed(g, e, FROM(x, g->pooling_rows)));
}

/* ---- where each step is computed */

static const double few_tokens = 32; /* llama.cpp v0.5.0 src/llama-context.cpp, graph_get_cb */

static int layer_site(const struct graph *g, int number)
{
    return split_site(g->split, number);
}

/* Norms are pinned beside their layer in small batches, and where no layer is left on the host. */
static int norm_site(const struct graph *g, int number)
{
    const bool all_on_devices = g->plan.sites > 1 && layer_site(g, 0) != ON_HOST;
    return all_on_devices || g->tokens < few_tokens ? layer_site(g, number) : PLAN_ANYWHERE;
}

static void lie_in_layer(struct graph *g, int number)
{
    const struct split *s = g->split;
    const int site = layer_site(g, number);
    const struct layer_kind *kind = &g->m->kind[g->m->kind_of[number]];
    g->at = (struct lie){.weights = site,
                         .experts = number < s->host_experts ? ON_HOST : site,
                         .cache = s->host_cache ? ON_HOST : site,
                         .norm = norm_site(g, number),
                         .sum = kind->sum,
                         .sums = kind->sums};
}

/* The norm of embeddings lies beside the first layer, that of the output beside its matrix. */
static void lie_outside(struct graph *g, int layer)
{
    g->at = (struct lie){.weights = layer_site(g, layer),
                         .norm = layer ? PLAN_ANYWHERE : norm_site(g, 0),
                         .sum = g->m->outside,
                         .sums = g->m->outsides};
}

/* Where the first node of a layer, or of the output, is pinned. */
static int next_site(const struct graph *g, int number)
{
    const bool output = number == (int)g->s->layers;
    if (output && g->a->encoder) return PLAN_ANYWHERE;
    return graph_weights_site(g, layer_site(g, number), output ? g->d.outputs : g->tokens);
}

static void walk(struct graph *g)
{
    const int layers = (int)g->s->layers;
    lie_outside(g, 0);
    int x = plan_step(&g->plan, embeddings(g), next_site(g, 0));
    for (int i = 0; i < layers && !g->plan.full; i++) {
        lie_in_layer(g, i);
        x = plan_step(&g->plan, layer(g, x, i), next_site(g, i + 1));
    }
    lie_outside(g, layers);
    if (g->a->encoder)
        pooled(g, x);
    else
        logits(g, x);
    plan_step(&g->plan, x, PLAN_ANYWHERE);
}

/* A quantised cache is rotated when whole matrices make up a head: K by the largest, V by the smallest. */
static bool is_rotated(const struct shape *s, const struct weight_type *type)
{
    return type->block > 1 && !s->arch->encoder && !(s->latent.kv_rank > 0) && s->head_size > 0 &&
           fmod(s->head_size, least_rotation_side) == 0;
}

static struct cache_inputs cache_of_cells(const struct shape *s, const struct generate *knobs,
                                          double cells)
{
    struct cache_inputs c = {.cells = cells};
    if (is_rotated(s, knobs->kv_type_k)) c.key.side = graph_rotation_side(s->head_size);
    if (is_rotated(s, knobs->kv_type_v)) c.value.side = least_rotation_side;
    return c;
}

static void begin(struct graph *g, const struct llama *l)
{
    const struct split *s = l->spread->split;
    const struct generate *knobs = l->g;
    g->split = s;
    g->m = l->m;
    g->s = l->m->shape;
    g->a = l->m->shape->arch;
    g->d = *l->d;
    g->tokens = g->d.tokens;
    g->streams = g->d.streams;
    g->pooled_sequences = knobs->sequences;
    g->key_type = knobs->kv_type_k;
    g->value_type = knobs->kv_type_v;
    g->copier = split_copier(s);
    g->encoder_mask[0] = g->encoder_mask[1] = g->pooling_rows = g->positions = g->temperatures = 0;
    g->narrow = g->deep = 0;
    g->index = (struct index_inputs){0};
    g->cache[0] = cache_of_cells(g->s, knobs, g->d.cells);
    g->cache[1] = cache_of_cells(g->s, knobs, g->d.window_cells);
    plan_start(&g->plan, split_rules(s, ON_HOST)->alignment_bytes);
    for (int site = 1; site < s->sites; site++)
        plan_add_site(&g->plan, split_rules(s, site)->alignment_bytes);
    g->plan.copies = split_copies(s);
}

bool plan_compute_bytes(const struct llama *l, double bytes[SITES])
{
    struct graph g;
    begin(&g, l);
    add_inputs(&g);
    walk(&g);
    plan_place(&g.plan);
    walk(&g);
    for (int site = 0; site < g.plan.sites; site++) bytes[site] = g.plan.room[site].peak_bytes;
    return !g.plan.full;
}
