/* Attention of one layer, as llama.cpp v0.5.0 builds it: over a cache with heads of their own or fused, with and without the flash kernel;
 * multi-head latent attention; and an encoder's over the micro-batch itself. */
#include "cost/graph.h"

#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

static struct extent extent_halves(double n0, double n1, double n2)
{
    return (struct extent){HALF_BYTES, {n0, n1, n2, 1}};
}

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
    return graph_outside(g, g->at.cache, (values - left_out) / type->block * type->block_bytes);
}

static void in_cache(struct graph *g, int store)
{
    node_pinned(g, store, g->at.cache);
}

/* Kernels that know half precision alone want the whole cache of a layer as that, behind what they answer. */
static void widen_attention(struct graph *g, int attention, const struct cache_inputs *c)
{
    const int site = graph_weights_site(g, g->at.weights, g->tokens);
    const bool halves = split_rules(g->split, site)->cache_as_halves;
    const struct weight_type *type[] = {g->key_type, g->value_type};
    for (int of = 0; halves && of < 2; of++) {
        const bool half = type[of]->block == 1 && type[of]->block_bytes == HALF_BYTES;
        const enum head_of head = of ? HEAD_VALUE : HEAD_KEY;
        if (!half) plan_widen(&g->plan, attention, HALF_BYTES * cache_values(g, c, head));
    }
}

struct heads {
    int query, key, value;
    bool value_strided; /* a view into a product that holds K and Q too */
};

static struct extent head_extent(const struct graph *g, double heads)
{
    return extent_floats(g->s->head_size, heads, g->tokens, 1);
}

/* The heads of one of Q, K, V in the product that holds them all: from the first token's to the last one's. */
static int part(struct graph *g, int all, double heads)
{
    const double bytes = g->plan.value[all].bytes, last = FLOAT_BYTES * heads * g->s->head_size;
    return plan_part(&g->plan, all, bytes - bytes / g->tokens + last);
}

/* Q and K learn where they stand; some architectures scale Q. */
static int positioned(struct graph *g, int x, enum head_of of, struct extent e)
{
    if (g->rotates && of != HEAD_VALUE) x = node_rotated_by_position(g, e, x);
    if (g->a->query_tempered && of == HEAD_QUERY) x = node_in_place(g, e, FROM(x, g->temperatures));
    if (g->a->query_scaled && of == HEAD_QUERY) x = node_scaled(g, e, x);
    return x;
}

/* One of Q, K, V by a matrix of its own. */
static int head_projection(struct graph *g, int x, enum head_of of, double heads)
{
    const struct shape *s = g->s;
    const struct extent flat = extent_floats(heads * s->head_size, g->tokens, 1, 1);
    int y = node_multiplied(g, x, flat.n[0], g->tokens);
    if (s->qkv_bias) y = node_weighed(g, flat, y);
    if (s->qk_norm == QK_NORM_FULL && of != HEAD_VALUE) y = node_normed(g, flat, y);
    y = node_viewed(g, y);
    if (s->qk_norm == QK_NORM_HEAD && of != HEAD_VALUE)
        y = node_normed(g, head_extent(g, heads), y);
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
    return node_turned(g, by, e, positioned(g, y, of, e), strided);
}

/* x is the normed stream; with one matrix for all three, each is a view into its product. */
static struct heads query_key_value(struct graph *g, int x, const struct cache_inputs *c)
{
    const struct shape *s = g->s;
    struct heads h = {0};
    if (g->a->fused_qkv) {
        const struct extent e =
            extent_floats((s->heads + 2 * s->kv_heads) * s->head_size, g->tokens, 1, 1);
        x = node_multiplied(g, x, e.n[0], g->tokens);
        if (g->a->fused_qkv_bias) x = node_weighed(g, e, x);
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
    const struct extent e = extent_floats(g->s->kv_heads * g->s->head_size, g->tokens, 1, 1);
    in_cache(g, plan_store(&g->plan, FROM(node_viewed(g, h->key), c->key_rows)));
    const bool copied = !g->d.flash && h->value_strided; /* to be transposed */
    const int value = copied ? node_computed(g, e, FROM(h->value)) : h->value;
    in_cache(g, plan_store(&g->plan, FROM(node_viewed(g, value), c->value_rows)));
}

/* Softmax(K Q) V without the flash kernel: the scores of every token, cell and head are a value. */
struct attended {
    struct extent scores, out;
    int query, key, value, mask;     /* key and value 0: in the cache */
    const struct indexing *choosing; /* what is left of the mask; NULL: all */
};
static int scored(struct graph *g, const struct attended *s)
{
    int kq = node_computed(g, s->scores, FROM(s->key, s->query));
    if (g->a->attention_softcap) kq = node_soft_capped(g, s->scores, kq);
    const int mask = s->choosing ? graph_index_mask(g, s->choosing) : s->mask;
    kq = node_in_place(g, s->scores, FROM(kq, mask));
    if (g->s->attention_sinks) node_pinned(g, kq, g->at.weights);
    return node_computed(g, s->out, FROM(s->value, kq));
}

static int cached_attention(struct graph *g, int x, const struct cache_inputs *c)
{
    const struct shape *s = g->s;
    const double width = s->heads * s->head_size, each = g->tokens / g->streams;
    const struct heads h = query_key_value(g, x, c);
    stored(g, &h, c);
    const int query = node_viewed(g, h.query);
    int y;
    if (g->d.flash) {
        const struct extent e = head_extent(g, s->heads);
        const int cache[] = {cached(g, c, HEAD_KEY), cached(g, c, HEAD_VALUE)};
        y = node_computed(g, e, FROM(query, cache[0], cache[1], c->mask));
        widen_attention(g, y, c);
        y = node_viewed(g, y);
    } else {
        y = scored(
            g, &(struct attended){.scores = extent_floats(c->cells, each, s->heads, g->streams),
                                  .out = extent_floats(s->head_size, each, s->heads, g->streams),
                                  .query = query,
                                  .key = cached(g, c, HEAD_KEY),
                                  .value = cached(g, c, HEAD_VALUE),
                                  .mask = c->mask});
        y = node_computed(g, extent_floats(width, g->tokens, 1, 1), FROM(node_viewed(g, y)));
        if (g->split->host_cache) node_pinned(g, y, ON_HOST);
    }
    return y;
}

/* ---- multi-head latent attention: one latent vector a token is the whole cache */

/* What the queries are made of: the stream, or a projection of it. */
static int latent_rank(struct graph *g, int x)
{
    const double rank = g->s->latent.q_rank;
    if (!(rank > 0)) return x;
    x = node_multiplied(g, x, rank, g->tokens);
    return node_normed(g, extent_floats(rank, g->tokens, 1, 1), x);
}

static int latent_query(struct graph *g, int x)
{
    const struct shape *s = g->s;
    const double head = s->latent.nope + s->latent.rope;
    const int all = node_multiplied(g, x, s->heads * head, g->tokens);
    const struct extent absorbed = extent_floats(s->latent.kv_rank, g->tokens, s->heads, 1);
    const int content = node_viewed(g, node_multiplied_each(g, node_viewed(g, all), absorbed));
    const int position = node_rotated_by_position(
        g, extent_floats(s->latent.rope, s->heads, g->tokens, 1), node_viewed(g, all));
    return node_computed(g,
                         extent_floats(s->latent.kv_rank + s->latent.rope, s->heads, g->tokens, 1),
                         FROM(content, position));
}

static int latent_key(struct graph *g, int x)
{
    const struct shape *s = g->s;
    const double row = s->latent.kv_rank + s->latent.rope;
    const int all = node_multiplied(g, x, row, g->tokens);
    const int content =
        node_normed(g, extent_floats(s->latent.kv_rank, g->tokens, 1, 1), node_viewed(g, all));
    const int position = node_rotated_by_position(g, extent_floats(s->latent.rope, 1, g->tokens, 1),
                                                  node_viewed(g, all));
    return node_computed(g, extent_floats(row, 1, g->tokens, 1),
                         FROM(node_viewed(g, content), position));
}

static int latent_attention(struct graph *g, int x, int layer)
{
    const struct shape *s = g->s;
    const struct cache_inputs *c = graph_cache(g, layer);
    const double rank = s->latent.kv_rank, width = s->latent.value;
    const bool chooses = s->indexer.heads > 0;
    if (chooses) graph_index_keys(g, x);
    const struct indexing of = {x, latent_rank(g, x), c->mask, layer};
    const int query = latent_query(g, of.rank);
    const struct extent out = extent_floats(width, g->tokens, s->heads, 1);
    in_cache(g, plan_store(&g->plan, FROM(node_viewed(g, latent_key(g, x)), c->key_rows)));
    int y;
    if (g->d.flash) {
        const int cache[] = {cached(g, c, HEAD_KEY), cached(g, c, HEAD_VALUE)};
        const int looked = node_viewed(g, query);
        const int mask = chooses ? graph_index_mask(g, &of) : c->mask;
        y = node_computed(g, extent_floats(rank, s->heads, g->tokens, 1),
                          FROM(looked, cache[0], cache[1], mask));
        widen_attention(g, y, c);
        y = node_multiplied_each(g, node_viewed(g, y), out);
    } else {
        const double element_bytes = g->key_type->block_bytes / g->key_type->block;
        const struct extent transposed = {element_bytes, {c->cells, rank, g->streams, 1}};
        const int key = cached(g, c, HEAD_KEY);
        const int value = node_computed(g, transposed, FROM(cached(g, c, HEAD_VALUE)));
        y = scored(g, &(struct attended){.scores = extent_floats(c->cells, g->tokens, s->heads, 1),
                                         .out = extent_floats(rank, g->tokens, s->heads, 1),
                                         .query = node_viewed(g, query),
                                         .key = key,
                                         .value = value,
                                         .mask = c->mask,
                                         .choosing = chooses ? &of : NULL});
        y = node_multiplied_each(g, y, out);
    }
    y = node_computed(g, extent_floats(width, s->heads, g->tokens, 1), FROM(node_viewed(g, y)));
    if (!g->d.flash && g->split->host_cache) node_pinned(g, y, ON_HOST);
    return node_viewed(g, y);
}

/* ---- an encoder attends to the micro-batch itself */

static int encoder_attention(struct graph *g, int x, int layer)
{
    const int mask = g->encoder_mask[shape_layer_is_window(g->s, layer)];
    const struct shape *s = g->s;
    const double n = g->tokens;
    const struct cache_inputs none = {0};
    const struct heads h = query_key_value(g, x, &none);
    const int query = node_viewed(g, h.query), key = node_viewed(g, h.key),
              value = node_viewed(g, h.value);
    if (g->d.flash) {
        const int keys = node_computed(g, extent_halves(s->head_size, n, s->kv_heads), FROM(key));
        const int values =
            node_computed(g, extent_halves(s->head_size, n, s->kv_heads), FROM(value));
        return node_viewed(
            g, node_computed(g, head_extent(g, s->heads), FROM(query, keys, values, mask)));
    }
    const int values =
        node_computed(g, extent_floats(n, s->head_size, s->kv_heads, 1), FROM(value));
    const int y = scored(g, &(struct attended){.scores = extent_floats(n, n, s->heads, 1),
                                               .out = extent_floats(s->head_size, n, s->heads, 1),
                                               .query = query,
                                               .key = key,
                                               .value = values,
                                               .mask = mask});
    return node_computed(g, graph_stream(g, n), FROM(node_viewed(g, y)));
}

int graph_attention(struct graph *g, int x, int layer)
{
    if (g->a->encoder) return encoder_attention(g, x, layer);
    if (g->s->latent.kv_rank > 0) return latent_attention(g, x, layer);
    return cached_attention(g, x, graph_cache(g, layer));
}
