/* cost/graph.h - inside cost/: the graph of one micro-batch while it is built, and the blocks it is built of. graph_nodes.c has single nodes,
 * graph_attention.c and graph_feed_forward.c the two halves of a layer, plan_graph.c puts layers together. A value is an index into the
 * plan, 0 none. */
#pragma once
#include "cost/cost.h"
#include "cost/plan.h"

struct architecture;
struct digest;
struct shape;
struct weight_sum;
struct weight_type;

enum { FLOAT_BYTES = 4, HALF_BYTES = 2 };

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
/* Inputs of an indexer, and what each layer makes its choice with: one a layer, behind each other. */
struct index_inputs {
    int rows, mask, rotation, first_choice;
    double chosen; /* cells that a token attends to */
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
    int token_ids, positions, temperatures, output_rows, pooling_rows;
    int encoder_mask[2]; /* of layers that see all, of those with a window */
    int narrow, deep; /* an embedding, and the wider one made of it, of which layers add slices */
    bool rotates;     /* the layer at hand tells Q and K where they stand */
    struct cache_inputs cache[2]; /* full, sliding window */
    struct index_inputs index;
};
enum head_of { HEAD_QUERY, HEAD_KEY, HEAD_VALUE };

static inline struct extent extent_floats(double n0, double n1, double n2, double n3)
{
    return (struct extent){FLOAT_BYTES, {n0, n1, n2, n3}};
}

/* So many rows of the residual stream. */
struct extent graph_stream(const struct graph *g, double tokens);

/* A node with memory of its own; one that may run in the place of a source that nobody else reads; another look at a value. */
int node_computed(struct graph *g, struct extent e, struct from from);
int node_in_place(struct graph *g, struct extent e, struct from from);
int node_viewed(struct graph *g, int of);
/* Where a product with so many rows is computed: where its weights lie, or where they are copied to. */
int graph_weights_site(const struct graph *g, int site, double rows);
/* The value, computed at that site whatever its neighbours are; of a graph at one site nothing changes. */
int node_pinned(struct graph *g, int value, int site);
/* Matrices of the step times x: one for each of e.n[2]; one; those of the experts that each token chose. */
int node_multiplied_each(struct graph *g, int x, struct extent e);
int node_multiplied(struct graph *g, int x, double width, double tokens);
int node_multiplied_by_chosen(struct graph *g, struct extent e, int x, int chosen);
/* A weight or a bias for each value of a row; rows of a look-up table, which stays on the host. */
int node_weighed(struct graph *g, struct extent e, int x);
int node_looked_up(struct graph *g, struct extent e, int ids);
/* Element-wise: scaled; normed and weighed; scaled, tanh, scaled; turned by the positions, or by a cache's matrix. */
int node_scaled(struct graph *g, struct extent e, int x);
int node_normed(struct graph *g, struct extent e, int x);
int node_soft_capped(struct graph *g, struct extent e, int x);
int node_rotated_by_position(struct graph *g, struct extent e, int x);
int node_turned(struct graph *g, const struct rotation *by, struct extent e, int x, bool strided);
/* The cache that a layer keeps its keys and values in; one, or a table, that may lie at another site than its reader. */
struct cache_inputs *graph_cache(struct graph *g, int layer);
int graph_outside(struct graph *g, int site, double bytes);

/* The mask of one cache: an element for each cell and token. The side of the matrix that turns heads of this size. */
struct extent graph_mask(const struct graph *g, double cells);
double graph_rotation_side(double head_size);

/* The indexer of sparse attention: its inputs, what each layer chooses with, its keys into their cache. */
struct indexing {
    int x, rank; /* the normed stream, and what the queries are made of */
    int mask;    /* of the cache that is attended to */
    int layer;
};
void graph_index_inputs(struct graph *g);
void graph_index_choices(struct graph *g);
void graph_index_keys(struct graph *g, int x);
/* The mask with all but the best cells taken out. */
int graph_index_mask(struct graph *g, const struct indexing *of);

/* A layer's attention up to its output matrix; its feed-forward. x: the normed stream. */
int graph_attention(struct graph *g, int x, int layer);
int graph_feed_forward(struct graph *g, int x, int layer, double tokens);
