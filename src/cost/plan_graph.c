/* The largest graph that llama.cpp v0.5.0 reserves memory for, node by node as it builds it (src/llama-graph.cpp, src/models): a whole
 * micro-batch of prompt against a full cache. Each function is one block of a layer; what differs between architectures are traits of
 * struct architecture. Only what decides memory is said: which values a node reads, how large what it makes is, whether it may run in
 * place, and whether it reads weights, which decides where it is computed. Weights and the cache are left out of the sources unless they
 * lie elsewhere. Checked against the truth rows to the byte for every architecture whose row says so. Left out: recurrent layers,
 * cross-attention. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "cost/plan.h"
#include "model/digest.h"

/* A quantised cache stores vectors turned by a Hadamard matrix of that side; side 0: as they are. */
struct rotation {
    int matrix;
    double side;
};
/* Inputs that attention over one cache takes; a model with sliding-window layers has two caches. */
struct cache_inputs {
    struct rotation key, value;
    int key_rows, value_rows, mask;
    double cells;
    bool present;
};
/* Where the step at hand has what it reads. */
struct lie {
    int weights, experts, cache;
    int norm; /* norms are pinned there; PLAN_ANYWHERE: they follow their neighbours */
    const struct weight_sum *sum;
    size_t sums;
};
struct graph {
    struct plan plan;
    const struct split *split;
    const struct digest *m;
    struct lie at;
    int copier; /* the device that host weights are copied to for large batches, 0 none */
    const struct shape *s;
    const struct architecture *a;
    struct derived d;
    double tokens, streams; /* of the micro-batch; sequences with a cache of their own */
    const struct weight_type *key_type, *value_type;
    double pooled_sequences;
    int token_ids, positions, temperatures, encoder_mask, output_rows, pooling_rows;
    int narrow, deep; /* an embedding, and the wider one made of it, of which layers add slices */
    bool rotates;     /* the layer at hand tells Q and K where they stand */
    struct cache_inputs cache[2]; /* full, sliding window */
};
enum head_of { HEAD_QUERY, HEAD_KEY, HEAD_VALUE };

static const double float_bytes = 4, half_bytes = 2, index_bytes = 4, cache_index_bytes = 8;
static const double least_rotation_side = 64; /* llama.cpp v0.5.0 src/llama-kv-cache.cpp */

static struct extent floats(double n0, double n1, double n2, double n3)
{
    return (struct extent){float_bytes, {n0, n1, n2, n3}};
}

static struct extent halves(double n0, double n1, double n2)
{
    return (struct extent){half_bytes, {n0, n1, n2, 1}};
}

/* ---- nodes by what they do to memory */

static int computed(struct graph *g, struct extent e, struct from from)
{
    return plan_value(&g->plan, VALUE_NEW, e, from);
}

/* Element-wise operations: in place where nobody else reads the source. */
static int in_place(struct graph *g, struct extent e, struct from from)
{
    return plan_value(&g->plan, VALUE_REUSE, e, from);
}

static int viewed(struct graph *g, int of)
{
    return plan_view(&g->plan, of);
}

/* ---- nodes that read weights are computed where those lie, or where they are copied to for this many rows */

static const double least_rows_copied = 32; /* llama.cpp v0.5.0 ggml/src/ggml-cuda/ggml-cuda.cu */

static int weights_site(const struct graph *g, int site, double rows)
{
    return site == ON_HOST && g->copier && rows >= least_rows_copied ? g->copier : site;
}

/* Bytes of a tensor: the widest type among the layer's tensors of that use that are as large. */
static double tensor_bytes_of(const struct graph *g, unsigned use, double elements)
{
    double each = 0;
    for (size_t i = 0; i < g->at.sums; i++) {
        const struct weight_sum *w = &g->at.sum[i];
        if (w->use == use && w->elements >= elements) each = most(each, w->bytes / w->elements);
    }
    return elements * (each > 0 ? each : float_bytes);
}

/* The weights themselves as a source: 0 unless they have to be copied. */
static int brought(struct graph *g, int site, double rows, unsigned use, double elements)
{
    if (weights_site(g, site, rows) == site) return 0;
    return plan_outside(&g->plan, site, tensor_bytes_of(g, use, elements), true);
}

static int pinned(struct graph *g, int value, int site)
{
    if (g->plan.sites > 1) plan_pin(&g->plan, value, site);
    return value;
}

static double rows_in(struct extent e)
{
    return e.n[1] * e.n[2] * e.n[3];
}

/* Matrices of the step times x, one for each of n[2]. */
static int multiplied_each(struct graph *g, int x, struct extent e)
{
    const double rows = e.n[1], inner = g->plan.value[x].bytes / (float_bytes * rows * e.n[2]);
    const int w = brought(g, g->at.weights, rows, e.n[2] > 1 ? USE_HEADS : USE_MATRIX,
                          inner * e.n[0] * e.n[2]);
    return pinned(g, computed(g, e, w ? FROM(w, x) : FROM(x)),
                  weights_site(g, g->at.weights, rows));
}

/* Weight times x. */
static int multiplied(struct graph *g, int x, double width, double tokens)
{
    return multiplied_each(g, x, floats(width, tokens, 1, 1));
}

/* The matrices of the experts that each token chose times x. */
static int multiplied_by_chosen(struct graph *g, struct extent e, int x, int chosen)
{
    const double rows = e.n[2], inner = e.n[0] == g->s->width ? g->s->expert_width : g->s->width;
    const int w = brought(g, g->at.experts, rows, USE_EXPERTS, inner * e.n[0] * g->s->experts);
    const int site = weights_site(g, g->at.experts, rows);
    const int y = pinned(g, computed(g, e, w ? FROM(w, x, chosen) : FROM(x, chosen)), site);
    if (!g->s->ffn_bias) return y;
    return pinned(g, in_place(g, e, FROM(y, chosen)), site);
}

/* A weight or bias for each value of a row. */
static int weighed(struct graph *g, struct extent e, int x)
{
    const int w = brought(g, g->at.weights, rows_in(e), USE_VECTOR, e.n[0]);
    return pinned(g, in_place(g, e, FROM(x, w)), weights_site(g, g->at.weights, rows_in(e)));
}

static int biased(struct graph *g, struct extent e, int x)
{
    return weighed(g, e, x);
}

/* Rows of a look-up table, which stays on the host. */
static int looked_up(struct graph *g, struct extent e, int ids)
{
    return pinned(g, computed(g, e, FROM(ids)), ON_HOST);
}

static int scaled(struct graph *g, struct extent e, int x)
{
    return in_place(g, e, FROM(x));
}

/* LayerNorm makes a new value, RMSNorm may run in place; then the weight, and LayerNorm's bias. */
static int normed(struct graph *g, struct extent e, int x)
{
    const bool layer_norm = g->a->layer_norm;
    const int y = layer_norm ? computed(g, e, FROM(x)) : in_place(g, e, FROM(x));
    if (g->at.norm != PLAN_ANYWHERE) pinned(g, y, g->at.norm);
    return layer_norm ? biased(g, e, weighed(g, e, y)) : weighed(g, e, y);
}

static struct extent stream_extent(const struct graph *g, double tokens)
{
    return floats(g->s->width, tokens, 1, 1);
}

/* Scale, tanh, scale. */
static int soft_capped(struct graph *g, struct extent e, int x)
{
    return scaled(g, e, in_place(g, e, FROM(scaled(g, e, x))));
}

static int rotated_by_position(struct graph *g, struct extent e, int x)
{
    return in_place(g, e, FROM(x, g->positions));
}

/* A strided view is copied before it is turned. */
static int turned(struct graph *g, const struct rotation *by, struct extent e, int x, bool strided)
{
    if (!by->matrix) return x;
    const struct extent rows = floats(by->side, e.n[0] * e.n[1] * e.n[2] / by->side, 1, 1);
    const int flat = strided ? computed(g, rows, FROM(x)) : viewed(g, x);
    return viewed(g, computed(g, rows, FROM(by->matrix, flat)));
}

/* ---- inputs */

static double rotation_side(double head_size)
{
    double side = least_rotation_side;
    while (fmod(head_size, 2 * side) == 0) side *= 2;
    return side;
}

static double mask_bytes(const struct graph *g, double cells)
{
    return (g->d.flash ? half_bytes : float_bytes) * cells * g->tokens;
}

static void add_rotation(struct graph *g, struct rotation *r)
{
    if (r->side > 0) r->matrix = plan_input(&g->plan, float_bytes * r->side * r->side);
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
    c->mask = plan_input(&g->plan, mask_bytes(g, c->cells));
    c->present = true;
}

static struct cache_inputs *cache_of(struct graph *g, int layer)
{
    return &g->cache[shape_layer_is_window(g->s, layer)];
}

/* Every input, in the order in which the graph first names it. The embedding input is reserved though tokens come as ids. */
static void add_inputs(struct graph *g)
{
    const struct shape *s = g->s;
    const double embedding_bytes =
        float_bytes * s->width * (1 + g->a->deepstack_layers) * g->tokens;
    g->token_ids = plan_input(&g->plan, index_bytes * g->tokens);
    plan_input(&g->plan, embedding_bytes);
    add_rotation(g, &cache_of(g, 0)->key);
    if (g->a->rope || g->a->learned_positions)
        g->positions = plan_input(&g->plan, index_bytes * g->a->positions_per_token * g->tokens);
    if (g->a->query_tempered) g->temperatures = plan_input(&g->plan, float_bytes * g->tokens);
    if (g->a->encoder) g->encoder_mask = plan_input(&g->plan, mask_bytes(g, g->tokens));
    for (int layer = 0; !g->a->encoder && layer < (int)s->layers; layer++) {
        struct cache_inputs *c = cache_of(g, layer);
        if (c->present) continue;
        if (layer > 0) add_rotation(g, &c->key);
        add_cache_inputs(g, c);
    }
    g->output_rows = plan_input(&g->plan, index_bytes * g->d.outputs);
    if (g->a->deepstack_layers > 0) {
        /* no inputs, but the first values after them; they live longer than a step */
        g->narrow = plan_input(&g->plan, float_bytes * s->width * g->tokens);
        g->deep = plan_input(&g->plan, embedding_bytes);
        pinned(g, g->deep, split_site(g->split, 0)); /* it follows its first reader */
    }
    if (g->a->encoder && s->pooling == POOLING_MEAN)
        g->pooling_rows = plan_input(&g->plan, float_bytes * g->tokens * g->pooled_sequences);
    else if (g->a->encoder && s->pooling != POOLING_NONE)
        g->pooling_rows = plan_input(&g->plan, index_bytes * g->pooled_sequences);
}

/* ---- embeddings */

/* A cache or a table that may lie at another site than the node that reads it. */
static int outside(struct graph *g, int site, double bytes)
{
    return g->plan.sites > 1 ? plan_outside(&g->plan, site, bytes, false) : 0;
}

static int embeddings(struct graph *g)
{
    const struct extent e = stream_extent(g, g->tokens);
    int x;
    if (g->deep) {
        pinned(g, plan_store(&g->plan, FROM(g->token_ids)), ON_HOST);
        plan_store(&g->plan, FROM(g->narrow));
        x = viewed(g, g->deep);
    } else {
        x = looked_up(g, e, g->token_ids);
    }
    if (g->a->embedding_scaled) x = scaled(g, e, x);
    const int at = g->a->learned_positions ? looked_up(g, e, g->positions) : 0;
    if (g->a->encoder) { /* the embedding of token type 0 */
        const int type = outside(g, ON_HOST, float_bytes * g->s->width);
        x = in_place(g, e, FROM(x, type));
    }
    if (at) x = in_place(g, e, g->a->encoder ? FROM(at, x) : FROM(x, at));
    if (g->a->norm_after) x = normed(g, e, x);
    return x;
}

/* ---- attention */

static double cache_values(const struct graph *g, const struct cache_inputs *c, enum head_of of)
{
    const struct shape *s = g->s;
    const double latent = s->latent.kv_rank + (of == HEAD_KEY ? s->latent.rope : 0);
    return c->cells * g->streams * (s->latent.kv_rank > 0 ? latent : s->kv_heads * s->head_size);
}

static int cached(struct graph *g, const struct cache_inputs *c, enum head_of of)
{
    const bool latent =
        g->s->latent.kv_rank > 0; /* a view of the keys, but for the last one's position */
    const struct weight_type *type = of == HEAD_KEY || latent ? g->key_type : g->value_type;
    const double values = cache_values(g, c, latent ? HEAD_KEY : of);
    const double left_out = latent && of == HEAD_VALUE ? g->s->latent.rope : 0;
    return outside(g, g->at.cache, (values - left_out) / type->block * type->block_bytes);
}

static void in_cache(struct graph *g, int store)
{
    pinned(g, store, g->at.cache);
}

/* Kernels that know half precision alone want the whole cache of a layer as that, behind what they answer. */
static void widen_attention(struct graph *g, int attention, const struct cache_inputs *c)
{
    const int site = weights_site(g, g->at.weights, g->tokens);
    const bool halves = split_rules(g->split, site)->cache_as_halves;
    const struct weight_type *type[] = {g->key_type, g->value_type};
    for (int of = 0; halves && of < 2; of++) {
        const bool half = type[of]->block == 1 && type[of]->block_bytes == half_bytes;
        const enum head_of head = of ? HEAD_VALUE : HEAD_KEY;
        if (!half) plan_widen(&g->plan, attention, half_bytes * cache_values(g, c, head));
    }
}

struct heads {
    int query, key, value;
    bool value_strided; /* a view into a product that holds K and Q too */
};

static struct extent head_extent(const struct graph *g, double heads)
{
    return floats(g->s->head_size, heads, g->tokens, 1);
}

/* The heads of one of Q, K, V in the product that holds them all: from the first token's to the last one's. */
static int part(struct graph *g, int all, double heads)
{
    const double bytes = g->plan.value[all].bytes, last = float_bytes * heads * g->s->head_size;
    return plan_part(&g->plan, all, bytes - bytes / g->tokens + last);
}

/* Q and K learn where they stand; some architectures scale Q. */
static int positioned(struct graph *g, int x, enum head_of of, struct extent e)
{
    if (g->rotates && of != HEAD_VALUE) x = rotated_by_position(g, e, x);
    if (g->a->query_tempered && of == HEAD_QUERY) x = in_place(g, e, FROM(x, g->temperatures));
    if (g->a->query_scaled && of == HEAD_QUERY) x = scaled(g, e, x);
    return x;
}

/* One of Q, K, V by a matrix of its own. */
static int head_projection(struct graph *g, int x, enum head_of of, double heads)
{
    const struct shape *s = g->s;
    const struct extent flat = floats(heads * s->head_size, g->tokens, 1, 1);
    int y = multiplied(g, x, flat.n[0], g->tokens);
    if (s->qkv_bias) y = biased(g, flat, y);
    if (s->qk_norm == QK_NORM_FULL && of != HEAD_VALUE) y = normed(g, flat, y);
    y = viewed(g, y);
    if (s->qk_norm == QK_NORM_HEAD && of != HEAD_VALUE) y = normed(g, head_extent(g, heads), y);
    return y;
}

static int one_head(struct graph *g, int x, enum head_of of, const struct cache_inputs *c)
{
    const double heads = of == HEAD_QUERY ? g->s->heads : g->s->kv_heads;
    const bool fused = g->a->fused_qkv;
    const bool strided = fused && (of == HEAD_VALUE || !g->rotates);
    const struct extent e = head_extent(g, heads);
    const struct rotation *by = of == HEAD_VALUE ? &c->value : &c->key;
    const int y = fused ? part(g, x, heads) : head_projection(g, x, of, heads);
    return turned(g, by, e, positioned(g, y, of, e), strided);
}

/* x is the normed stream; with one matrix for all three, each is a view into its product. */
static struct heads query_key_value(struct graph *g, int x, const struct cache_inputs *c)
{
    const struct shape *s = g->s;
    struct heads h = {0};
    if (g->a->fused_qkv) {
        const struct extent e =
            floats((s->heads + 2 * s->kv_heads) * s->head_size, g->tokens, 1, 1);
        x = multiplied(g, x, e.n[0], g->tokens);
        if (g->a->fused_qkv_bias) x = biased(g, e, x);
    }
    h.query = one_head(g, x, HEAD_QUERY, c);
    if (g->a->key_before_value) h.key = one_head(g, x, HEAD_KEY, c);
    h.value = one_head(g, x, HEAD_VALUE, c);
    if (!g->a->key_before_value) h.key = one_head(g, x, HEAD_KEY, c);
    h.value_strided = g->a->fused_qkv && !c->value.matrix;
    return h;
}

static void stored(struct graph *g, const struct heads *h, const struct cache_inputs *c)
{
    const struct extent e = floats(g->s->kv_heads * g->s->head_size, g->tokens, 1, 1);
    in_cache(g, plan_store(&g->plan, FROM(viewed(g, h->key), c->key_rows)));
    const bool copied = !g->d.flash && h->value_strided; /* to be transposed */
    const int value = copied ? computed(g, e, FROM(h->value)) : h->value;
    in_cache(g, plan_store(&g->plan, FROM(viewed(g, value), c->value_rows)));
}

/* Softmax(K Q) V without the flash kernel: the scores of every token, cell and head are a value. */
struct attended {
    struct extent scores, out;
    int query, key, value, mask; /* key and value 0: in the cache */
};
static int scored(struct graph *g, const struct attended *s)
{
    int kq = computed(g, s->scores, FROM(s->key, s->query));
    if (g->a->attention_softcap) kq = soft_capped(g, s->scores, kq);
    kq = in_place(g, s->scores, FROM(kq, s->mask));
    if (g->s->attention_sinks) pinned(g, kq, g->at.weights);
    return computed(g, s->out, FROM(s->value, kq));
}

static int cached_attention(struct graph *g, int x, const struct cache_inputs *c)
{
    const struct shape *s = g->s;
    const double width = s->heads * s->head_size, each = g->tokens / g->streams;
    const struct heads h = query_key_value(g, x, c);
    stored(g, &h, c);
    const int query = viewed(g, h.query);
    int y;
    if (g->d.flash) {
        const struct extent e = head_extent(g, s->heads);
        const int cache[] = {cached(g, c, HEAD_KEY), cached(g, c, HEAD_VALUE)};
        y = computed(g, e, FROM(query, cache[0], cache[1], c->mask));
        widen_attention(g, y, c);
        y = viewed(g, y);
    } else {
        y = scored(g, &(struct attended){.scores = floats(c->cells, each, s->heads, g->streams),
                                         .out = floats(s->head_size, each, s->heads, g->streams),
                                         .query = query,
                                         .key = cached(g, c, HEAD_KEY),
                                         .value = cached(g, c, HEAD_VALUE),
                                         .mask = c->mask});
        y = computed(g, floats(width, g->tokens, 1, 1), FROM(viewed(g, y)));
        if (g->split->host_cache) pinned(g, y, ON_HOST);
    }
    return y;
}

/* ---- multi-head latent attention: one latent vector a token is the whole cache */

static int latent_query(struct graph *g, int x)
{
    const struct shape *s = g->s;
    const double head = s->latent.nope + s->latent.rope;
    if (s->latent.q_rank > 0) {
        x = multiplied(g, x, s->latent.q_rank, g->tokens);
        x = normed(g, floats(s->latent.q_rank, g->tokens, 1, 1), x);
    }
    const int all = multiplied(g, x, s->heads * head, g->tokens);
    const struct extent absorbed = floats(s->latent.kv_rank, g->tokens, s->heads, 1);
    const int content = viewed(g, multiplied_each(g, viewed(g, all), absorbed));
    const int position =
        rotated_by_position(g, floats(s->latent.rope, s->heads, g->tokens, 1), viewed(g, all));
    return computed(g, floats(s->latent.kv_rank + s->latent.rope, s->heads, g->tokens, 1),
                    FROM(content, position));
}

static int latent_key(struct graph *g, int x)
{
    const struct shape *s = g->s;
    const double row = s->latent.kv_rank + s->latent.rope;
    const int all = multiplied(g, x, row, g->tokens);
    const int content = normed(g, floats(s->latent.kv_rank, g->tokens, 1, 1), viewed(g, all));
    const int position =
        rotated_by_position(g, floats(s->latent.rope, 1, g->tokens, 1), viewed(g, all));
    return computed(g, floats(row, 1, g->tokens, 1), FROM(viewed(g, content), position));
}

static int latent_attention(struct graph *g, int x, const struct cache_inputs *c)
{
    const struct shape *s = g->s;
    const double rank = s->latent.kv_rank, width = s->latent.value;
    const int query = latent_query(g, x);
    const struct extent out = floats(width, g->tokens, s->heads, 1);
    in_cache(g, plan_store(&g->plan, FROM(viewed(g, latent_key(g, x)), c->key_rows)));
    int y;
    if (g->d.flash) {
        const int cache[] = {cached(g, c, HEAD_KEY), cached(g, c, HEAD_VALUE)};
        y = computed(g, floats(rank, s->heads, g->tokens, 1),
                     FROM(viewed(g, query), cache[0], cache[1], c->mask));
        widen_attention(g, y, c);
        y = multiplied_each(g, viewed(g, y), out);
    } else {
        const double element_bytes = g->key_type->block_bytes / g->key_type->block;
        const struct extent transposed = {element_bytes, {c->cells, rank, g->streams, 1}};
        const int key = cached(g, c, HEAD_KEY);
        const int value = computed(g, transposed, FROM(cached(g, c, HEAD_VALUE)));
        y = scored(g, &(struct attended){.scores = floats(c->cells, g->tokens, s->heads, 1),
                                         .out = floats(rank, g->tokens, s->heads, 1),
                                         .query = viewed(g, query),
                                         .key = key,
                                         .value = value,
                                         .mask = c->mask});
        y = multiplied_each(g, y, out);
    }
    y = computed(g, floats(width, s->heads, g->tokens, 1), FROM(viewed(g, y)));
    if (!g->d.flash && g->split->host_cache) pinned(g, y, ON_HOST);
    return viewed(g, y);
}

/* ---- an encoder attends to the micro-batch itself */

static int encoder_attention(struct graph *g, int x)
{
    const struct shape *s = g->s;
    const double n = g->tokens;
    const struct cache_inputs none = {0};
    const struct heads h = query_key_value(g, x, &none);
    const int query = viewed(g, h.query), key = viewed(g, h.key), value = viewed(g, h.value);
    if (g->d.flash) {
        const int keys = computed(g, halves(s->head_size, n, s->kv_heads), FROM(key));
        const int values = computed(g, halves(s->head_size, n, s->kv_heads), FROM(value));
        return viewed(
            g, computed(g, head_extent(g, s->heads), FROM(query, keys, values, g->encoder_mask)));
    }
    const int values = computed(g, floats(n, s->head_size, s->kv_heads, 1), FROM(value));
    const int y = scored(g, &(struct attended){.scores = floats(n, n, s->heads, 1),
                                               .out = floats(s->head_size, n, s->heads, 1),
                                               .query = query,
                                               .key = key,
                                               .value = values,
                                               .mask = g->encoder_mask});
    return computed(g, stream_extent(g, n), FROM(viewed(g, y)));
}

static int attention(struct graph *g, int x, int layer)
{
    if (g->a->encoder) return encoder_attention(g, x);
    const struct cache_inputs *c = cache_of(g, layer);
    return g->s->latent.kv_rank > 0 ? latent_attention(g, x, c) : cached_attention(g, x, c);
}

/* ---- feed-forward */

static int gated(struct graph *g, int x, double width, double tokens)
{
    const struct extent e = floats(width, tokens, 1, 1);
    if (g->a->fused_gate_up) return computed(g, e, FROM(multiplied(g, x, 2 * width, tokens)));
    const int gate = multiplied(g, x, width, tokens);
    return computed(g, e, FROM(gate, multiplied(g, x, width, tokens)));
}

static int ungated(struct graph *g, int x, double width, double tokens)
{
    const struct extent e = floats(width, tokens, 1, 1);
    int y = multiplied(g, x, width, tokens);
    if (g->a->projection_bias) y = biased(g, e, y);
    return in_place(g, e, FROM(y));
}

static int dense(struct graph *g, int x, double tokens)
{
    const double width = g->s->ffn_width;
    const struct extent e = stream_extent(g, tokens);
    int h = g->a->gated_ffn ? gated(g, x, width, tokens) : ungated(g, x, width, tokens);
    if (g->s->sub_norms) h = normed(g, floats(width, tokens, 1, 1), h);
    const int y = multiplied(g, h, g->s->width, tokens);
    return g->a->projection_bias ? biased(g, e, y) : y;
}

/* Which experts a token goes to, and how much each counts. */
static void routed(struct graph *g, int x, double tokens, int *chosen, int *weights)
{
    const double experts = g->s->experts, used = g->s->experts_used;
    const struct extent all = floats(experts, tokens, 1, 1), one = floats(1, tokens, 1, 1);
    /* a bias that only chooses leaves the chances as they are; with one of its own the router gives scores, and those of the
     * chosen become chances */
    const bool scores = g->s->router_bias && g->a->router_bias;
    const bool chooses = g->s->router_bias && !scores;
    const int logits = multiplied(g, x, experts, tokens);
    const int chances = scores ? weighed(g, all, logits) : in_place(g, all, FROM(logits));
    const int order = chooses ? weighed(g, all, chances) : chances;
    *chosen = viewed(g, computed(g, all, FROM(order)));
    *weights = computed(g, floats(1, used, tokens, 1), FROM(viewed(g, chances), *chosen));
    if (scores)
        *weights = viewed(g, in_place(g, floats(used, tokens, 1, 1), FROM(viewed(g, *weights))));
    if (!g->a->expert_weights_normalised) return;
    const int rows = viewed(g, *weights);
    const int sum = in_place(g, one, FROM(computed(g, one, FROM(rows))));
    *weights = viewed(g, in_place(g, floats(used, tokens, 1, 1), FROM(rows, sum)));
}

static int experts(struct graph *g, int x, double tokens)
{
    const struct shape *s = g->s;
    const struct extent inner = floats(s->expert_width, s->experts_used, tokens, 1);
    const struct extent outer = floats(s->width, s->experts_used, tokens, 1);
    int chosen, weights;
    routed(g, x, tokens, &chosen, &weights);
    const int row = viewed(g, x);
    const int gate = multiplied_by_chosen(g, inner, row, chosen);
    const int up = multiplied_by_chosen(g, inner, row, chosen);
    const int h = computed(g, inner, FROM(gate, up));
    const int down = multiplied_by_chosen(g, outer, h, chosen);
    const int each = in_place(g, outer, FROM(down, weights));
    int sum = viewed(g, each);
    /* all views are made before the first sum */
    const int first = g->plan.values;
    const int others = (int)least(s->experts_used, PLAN_VALUES) - 1;
    for (int k = 0; k < others && !g->plan.full; k++) viewed(g, each);
    for (int k = 0; k < others && !g->plan.full; k++)
        sum = in_place(g, stream_extent(g, tokens), FROM(sum, first + k));
    return sum;
}

static int shared_expert(struct graph *g, int x, double tokens)
{
    const struct extent e = stream_extent(g, tokens), one = floats(1, tokens, 1, 1);
    const int h = gated(g, x, g->s->shared_width, tokens);
    const int y = multiplied(g, h, g->s->width, tokens);
    if (!g->s->shared_gate) return y;
    const int gate = multiplied(g, x, 1, tokens);
    const int share = in_place(g, one, FROM(in_place(g, one, FROM(gate)), gate));
    return in_place(g, e, FROM(y, share));
}

static int feed_forward(struct graph *g, int x, int layer, double tokens)
{
    if (!shape_layer_has_experts(g->s, layer)) return dense(g, x, tokens);
    const int y = experts(g, x, tokens);
    if (!(g->s->shared_width > 0)) return y;
    const int shared = shared_expert(g, x, tokens);
    return in_place(g, stream_extent(g, tokens), FROM(y, shared));
}

/* ---- a layer, the output, the whole */

/* Of the last layer only the rows whose logits are asked for go on. */
static int asked_rows(struct graph *g, int x, int number)
{
    if (number < (int)g->s->layers - 1 || g->a->late_rows) return x;
    return computed(g, stream_extent(g, g->d.outputs), FROM(x, g->output_rows));
}

/* What attention gives, turned back, through its output matrix. */
static int attention_output(struct graph *g, int y, int number)
{
    const struct shape *s = g->s;
    const struct extent flat = floats(s->heads * s->head_size, g->tokens, 1, 1);
    if (!g->a->encoder && !(s->latent.kv_rank > 0))
        y = turned(g, &cache_of(g, number)->value, flat, y, false);
    if (s->sub_norms) y = normed(g, flat, y);
    y = multiplied(g, y, s->width, g->tokens);
    return g->a->projection_bias ? biased(g, stream_extent(g, g->tokens), y) : y;
}

/* Attention and FFN read the same stream, by one norm or by one each. llama.cpp computes what is added first first. */
static int parallel_layer(struct graph *g, int stream, int number)
{
    const enum parallel order = g->a->parallel;
    const bool last = number == (int)g->s->layers - 1, two = g->s->norms_per_layer >= 2;
    const double tokens = last ? g->d.outputs : g->tokens;
    const struct extent whole = stream_extent(g, g->tokens), e = stream_extent(g, tokens);
    int x = normed(g, whole, stream), y = attention(g, x, number);
    if (order == PARALLEL_ATTENTION_FFN) y = asked_rows(g, attention_output(g, y, number), number);
    if (two && order == PARALLEL_FFN_STREAM) {
        stream = asked_rows(g, stream, number);
        x = normed(g, e, stream);
    } else {
        x = asked_rows(g, two ? normed(g, whole, stream) : x, number);
    }
    const int fed = feed_forward(g, x, number, tokens);
    if (order == PARALLEL_FFN_STREAM) {
        const int sum = in_place(g, e, FROM(fed, two ? stream : asked_rows(g, stream, number)));
        y = asked_rows(g, attention_output(g, y, number), number);
        return in_place(g, e, FROM(sum, y));
    }
    if (order == PARALLEL_FFN_ATTENTION) y = asked_rows(g, attention_output(g, y, number), number);
    const int sum = in_place(g, e, order == PARALLEL_ATTENTION_FFN ? FROM(y, fed) : FROM(fed, y));
    return in_place(g, e, FROM(sum, asked_rows(g, stream, number)));
}

static int serial_layer(struct graph *g, int stream, int number)
{
    const bool last = number == (int)g->s->layers - 1 && !g->a->late_rows;
    const bool bare = g->a->norm_after || g->a->norms_behind;
    const struct extent whole = stream_extent(g, g->tokens);
    const double tokens = last ? g->d.outputs : g->tokens;
    const struct extent e = stream_extent(g, tokens);

    int y = attention(g, bare ? stream : normed(g, whole, stream), number);
    y = attention_output(g, y, number);
    if (g->a->post_norms && !last) y = normed(g, whole, y);
    if (last) {
        y = asked_rows(g, y, number);
        stream = asked_rows(g, stream, number);
        if (g->a->post_norms) y = normed(g, e, y);
    }
    int x = in_place(g, e, FROM(y, stream));
    if (g->a->norm_after) x = normed(g, e, x);

    y = feed_forward(g, bare ? x : normed(g, e, x), number, tokens);
    if (g->a->post_norms) y = normed(g, e, y);
    x = in_place(g, e, g->a->residual_first ? FROM(x, y) : FROM(y, x));
    return g->a->norm_after ? normed(g, e, x) : x;
}

static int layer(struct graph *g, int stream, int number)
{
    const double every = g->a->unrotated_every;
    g->rotates = g->a->rope && (!g->a->window_rope || shape_layer_is_window(g->s, number)) &&
                 !(every > 0 && fmod(number + 1, every) == 0);
    if (g->a->parallel != PARALLEL_NONE) return parallel_layer(g, stream, number);
    const int x = serial_layer(g, stream, number);
    if (number >= g->a->deepstack_layers) return x;
    return in_place(g, stream_extent(g, g->tokens), FROM(x, viewed(g, g->deep)));
}

/* A tied embedding that is never loaded again is multiplied with on the host. */
static void logits(struct graph *g, int x)
{
    const struct extent e = floats(g->s->vocabulary, g->d.outputs, 1, 1);
    if (g->a->late_rows) {
        plan_keep(&g->plan, x); /* given out for predictors of further tokens */
        x = computed(g, stream_extent(g, g->d.outputs), FROM(x, g->output_rows));
    }
    x = normed(g, stream_extent(g, g->d.outputs), x);
    plan_keep(&g->plan, x);
    if (g->s->tied && g->a->output_is_embedding) g->at.weights = ON_HOST;
    int y = multiplied(g, x, e.n[0], e.n[1]);
    if (g->a->final_softcap) y = soft_capped(g, e, y);
    plan_keep(&g->plan, y);
}

/* One vector a sequence: the mean of its tokens, or a row of one. */
static void pooled(struct graph *g, int x)
{
    const struct extent e = stream_extent(g, g->pooled_sequences);
    plan_keep(&g->plan, x);
    if (g->s->pooling == POOLING_NONE) return;
    if (g->s->pooling == POOLING_MEAN)
        x = computed(g, floats(g->d.outputs, g->s->width, 1, 1), FROM(x));
    plan_keep(&g->plan, computed(g, e, FROM(x, g->pooling_rows)));
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
    return weights_site(g, layer_site(g, number), output ? g->d.outputs : g->tokens);
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
    if (is_rotated(s, knobs->kv_type_k)) c.key.side = rotation_side(s->head_size);
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
    g->encoder_mask = g->pooling_rows = g->positions = g->temperatures = 0;
    g->narrow = g->deep = 0;
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
