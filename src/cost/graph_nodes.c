/* Nodes of the graph by what they do to memory, and where they are computed: what reads weights, where those lie, or where they are copied
 * to for many rows. */
#include "cost/graph.h"

#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

/* ---- nodes by what they do to memory */

int node_computed(struct graph *g, struct extent e, struct from from)
{
    return plan_value(&g->plan, VALUE_NEW, e, from);
}

/* Element-wise operations: in place where nobody else reads the source. */
int node_in_place(struct graph *g, struct extent e, struct from from)
{
    return plan_value(&g->plan, VALUE_REUSE, e, from);
}

int node_viewed(struct graph *g, int of)
{
    return plan_view(&g->plan, of);
}

/* ---- nodes that read weights are computed where those lie, or where they are copied to for this many rows */

static const double least_rows_copied = 32; /* llama.cpp v0.5.0 ggml/src/ggml-cuda/ggml-cuda.cu */

int graph_weights_site(const struct graph *g, int site, double rows)
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
    return elements * (each > 0 ? each : FLOAT_BYTES);
}

/* The weights themselves as a source: 0 unless they have to be copied. */
static int brought(struct graph *g, int site, double rows, unsigned use, double elements)
{
    if (graph_weights_site(g, site, rows) == site) return 0;
    return plan_outside(&g->plan, site, tensor_bytes_of(g, use, elements), true);
}

int node_pinned(struct graph *g, int value, int site)
{
    if (g->plan.sites > 1) plan_pin(&g->plan, value, site);
    return value;
}

static double rows_in(struct extent e)
{
    return e.n[1] * e.n[2] * e.n[3];
}

/* Matrices of the step times x, one for each of n[2]. */
int node_multiplied_each(struct graph *g, int x, struct extent e)
{
    const double rows = e.n[1], inner = g->plan.value[x].bytes / (FLOAT_BYTES * rows * e.n[2]);
    const int w = brought(g, g->at.weights, rows, e.n[2] > 1 ? USE_HEADS : USE_MATRIX,
                          inner * e.n[0] * e.n[2]);
    return node_pinned(g, node_computed(g, e, w ? FROM(w, x) : FROM(x)),
                       graph_weights_site(g, g->at.weights, rows));
}

/* Weight times x. */
int node_multiplied(struct graph *g, int x, double width, double tokens)
{
    return node_multiplied_each(g, x, extent_floats(width, tokens, 1, 1));
}

/* The matrices of the experts that each token chose times x. */
int node_multiplied_by_chosen(struct graph *g, struct extent e, int x, int chosen)
{
    const double rows = e.n[2], inner = e.n[0] == g->s->width ? g->s->expert_width : g->s->width;
    const int w = brought(g, g->at.experts, rows, USE_EXPERTS, inner * e.n[0] * g->s->experts);
    const int site = graph_weights_site(g, g->at.experts, rows);
    const int y =
        node_pinned(g, node_computed(g, e, w ? FROM(w, x, chosen) : FROM(x, chosen)), site);
    if (!shape_experts_biased(g->s)) return y;
    return node_pinned(g, node_in_place(g, e, FROM(y, chosen)), site);
}

/* A weight or bias for each value of a row. */
int node_weighed(struct graph *g, struct extent e, int x)
{
    const int w = brought(g, g->at.weights, rows_in(e), USE_VECTOR, e.n[0]);
    return node_pinned(g, node_in_place(g, e, FROM(x, w)),
                       graph_weights_site(g, g->at.weights, rows_in(e)));
}

/* Rows of a look-up table, which stays on the host. */
int node_looked_up(struct graph *g, struct extent e, int ids)
{
    return node_pinned(g, node_computed(g, e, FROM(ids)), ON_HOST);
}

int node_scaled(struct graph *g, struct extent e, int x)
{
    return node_in_place(g, e, FROM(x));
}

/* LayerNorm makes a new value, RMSNorm may run in place; then the weight, and LayerNorm's bias. */
int node_normed(struct graph *g, struct extent e, int x)
{
    const bool layer_norm = g->a->layer_norm;
    const int y = layer_norm ? node_computed(g, e, FROM(x)) : node_in_place(g, e, FROM(x));
    if (g->at.norm != PLAN_ANYWHERE) node_pinned(g, y, g->at.norm);
    return layer_norm ? node_weighed(g, e, node_weighed(g, e, y)) : node_weighed(g, e, y);
}

struct extent graph_stream(const struct graph *g, double tokens)
{
    return extent_floats(g->s->width, tokens, 1, 1);
}

/* Scale, tanh, scale. */
int node_soft_capped(struct graph *g, struct extent e, int x)
{
    return node_scaled(g, e, node_in_place(g, e, FROM(node_scaled(g, e, x))));
}

int node_rotated_by_position(struct graph *g, struct extent e, int x)
{
    return node_in_place(g, e, FROM(x, g->positions));
}

/* A strided view is copied before it is turned. */
int node_turned(struct graph *g, const struct rotation *by, struct extent e, int x, bool strided)
{
    if (!by->matrix) return x;
    const struct extent rows = extent_floats(by->side, e.n[0] * e.n[1] * e.n[2] / by->side, 1, 1);
    const int flat = strided ? node_computed(g, rows, FROM(x)) : node_viewed(g, x);
    return node_viewed(g, node_computed(g, rows, FROM(by->matrix, flat)));
}

struct cache_inputs *graph_cache(struct graph *g, int layer)
{
    return &g->cache[shape_layer_is_window(g->s, layer)];
}

/* A cache or a table that may lie at another site than the node that reads it. */
int graph_outside(struct graph *g, int site, double bytes)
{
    return g->plan.sites > 1 ? plan_outside(&g->plan, site, bytes, false) : 0;
}
