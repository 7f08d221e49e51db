/* What chooses the cells of sparse attention, as llama.cpp v0.5.0 builds it (src/models/deepseek32.cpp, src/llama-graph.cpp): keys of one
 * head in a cache of their own, scores of every cell by several heads in one fused node, and a mask that leaves the best of them. Each
 * layer makes its choice with zeros of its own, which ggml places before the first node. Left out: the same without the fused node, and
 * layers that take the choice of another. */
#include "cost/graph.h"

#include "base/num.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

enum { POSITION_BYTES = 8 };

/* So many values of each token, stream by stream. */
static struct extent by_stream(const struct graph *g, double element_bytes, double values)
{
    return (struct extent){element_bytes, {values, g->tokens / g->streams, 1, g->streams}};
}

static struct extent choice_extent(const struct graph *g)
{
    return (struct extent){FLOAT_BYTES, {1, g->index.chosen, g->tokens / g->streams, g->streams}};
}

void graph_index_inputs(struct graph *g)
{
    const double side = graph_rotation_side(g->s->indexer.head_size);
    struct index_inputs *in = &g->index;
    in->chosen = least(g->s->indexer.chosen, g->d.cells);
    in->rows = plan_input(&g->plan, POSITION_BYTES * g->tokens);
    in->mask = plan_input(&g->plan, HALF_BYTES * g->d.cells * g->tokens);
    in->rotation = plan_input(&g->plan, FLOAT_BYTES * side * side);
}

void graph_index_choices(struct graph *g)
{
    const int layers = (int)g->s->layers;
    for (int i = 0; i < layers; i++) {
        const int choice = plan_input_like(&g->plan, choice_extent(g));
        node_pinned(g, choice, split_site(g->split, i)); /* it follows its reader */
        if (!i) g->index.first_choice = choice;
    }
}

/* Turned by position, then by the matrix of its cache. */
static int turned(struct graph *g, int x, double heads)
{
    const struct extent e = extent_floats(g->s->indexer.head_size, heads, g->tokens, 1);
    x = node_rotated_by_position(g, e, node_viewed(g, x));
    return node_computed(g, e, FROM(g->index.rotation, x));
}

void graph_index_keys(struct graph *g, int x)
{
    const double size = g->s->indexer.head_size;
    const struct extent flat = extent_floats(size, g->tokens, 1, 1);
    int y = node_computed(g, flat, FROM(node_multiplied(g, x, size, g->tokens)));
    if (g->at.norm != PLAN_ANYWHERE) node_pinned(g, y, g->at.norm);
    y = turned(g, node_weighed(g, flat, node_weighed(g, flat, y)), 1);
    node_pinned(g, plan_store(&g->plan, FROM(node_viewed(g, y), g->index.rows)), g->at.cache);
}

static int scores(struct graph *g, const struct indexing *of)
{
    const double heads = g->s->indexer.heads, size = g->s->indexer.head_size;
    const double keys = size * g->d.cells * g->streams;
    const int query =
        node_viewed(g, turned(g, node_multiplied(g, of->rank, heads * size, g->tokens), heads));
    const int weights = node_scaled(g, by_stream(g, FLOAT_BYTES, heads),
                                    node_viewed(g, node_multiplied(g, of->x, heads, g->tokens)));
    const int cache =
        graph_outside(g, g->at.cache, keys / g->key_type->block * g->key_type->block_bytes);
    return node_computed(g, by_stream(g, FLOAT_BYTES, g->d.cells),
                         FROM(query, cache, weights, g->index.mask));
}

int graph_index_mask(struct graph *g, const struct indexing *of)
{
    const struct extent best = by_stream(g, FLOAT_BYTES, g->index.chosen);
    const struct extent mask = graph_mask(g, g->d.cells);
    const int choice = node_in_place(g, choice_extent(g), FROM(g->index.first_choice + of->layer));
    const int ordered = node_computed(g, best, FROM(scores(g, of)));
    const int cells = node_computed(g, best, FROM(ordered));
    const int none = node_in_place(g, mask, FROM(of->mask));
    plan_store(&g->plan, FROM(choice, node_viewed(g, cells), node_viewed(g, none)));
    return node_in_place(g, mask, FROM(node_viewed(g, none), of->mask));
}
