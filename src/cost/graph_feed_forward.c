/* The feed-forward of one layer, as llama.cpp v0.5.0 builds it: dense, with a gate or without, or experts that each token chooses, with a
 * shared one beside them. */
#include "cost/graph.h"

#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

static int gated(struct graph *g, int x, double width, double tokens)
{
    const struct extent e = extent_floats(width, tokens, 1, 1);
    if (g->a->fused_gate_up)
        return node_computed(g, e, FROM(node_multiplied(g, x, 2 * width, tokens)));
    const int gate = node_multiplied(g, x, width, tokens);
    return node_computed(g, e, FROM(gate, node_multiplied(g, x, width, tokens)));
}

static int ungated(struct graph *g, int x, double width, double tokens)
{
    const struct extent e = extent_floats(width, tokens, 1, 1);
    int y = node_multiplied(g, x, width, tokens);
    if (g->a->projection_bias) y = node_weighed(g, e, y);
    return node_in_place(g, e, FROM(y));
}

static int dense(struct graph *g, int x, double tokens)
{
    const double width = g->s->ffn_width;
    const struct extent e = graph_stream(g, tokens);
    int h = g->a->gated_ffn ? gated(g, x, width, tokens) : ungated(g, x, width, tokens);
    if (g->s->sub_norms) h = node_normed(g, extent_floats(width, tokens, 1, 1), h);
    const int y = node_multiplied(g, h, g->s->width, tokens);
    return g->a->projection_bias ? node_weighed(g, e, y) : y;
}

/* Which experts a token goes to, and how much each counts. */
static void routed(struct graph *g, int x, double tokens, int *chosen, int *weights)
{
    const double experts = g->s->experts, used = g->s->experts_used;
    const struct extent all = extent_floats(experts, tokens, 1, 1),
                        one = extent_floats(1, tokens, 1, 1);
    /* a bias that only chooses leaves the chances as they are; with one of its own the router gives scores, and those of the
     * chosen become chances */
    const bool scores = g->s->router_bias && g->a->router_bias;
    const bool chooses = g->s->router_bias && !scores;
    const int logits = node_multiplied(g, x, experts, tokens);
    const int chances = scores ? node_weighed(g, all, logits) : node_in_place(g, all, FROM(logits));
    const int order = chooses ? node_weighed(g, all, chances) : chances;
    *chosen = node_viewed(g, node_computed(g, all, FROM(order)));
    *weights =
        node_computed(g, extent_floats(1, used, tokens, 1), FROM(node_viewed(g, chances), *chosen));
    if (scores)
        *weights = node_viewed(
            g, node_in_place(g, extent_floats(used, tokens, 1, 1), FROM(node_viewed(g, *weights))));
    if (!g->a->expert_weights_normalised) return;
    const int rows = node_viewed(g, *weights);
    const int sum = node_in_place(g, one, FROM(node_computed(g, one, FROM(rows))));
    *weights = node_viewed(g, node_in_place(g, extent_floats(used, tokens, 1, 1), FROM(rows, sum)));
}

static int experts(struct graph *g, int x, double tokens)
{
    const struct shape *s = g->s;
    const struct extent inner = extent_floats(s->expert_width, s->experts_used, tokens, 1);
    const struct extent outer = extent_floats(s->width, s->experts_used, tokens, 1);
    int chosen, weights;
    routed(g, x, tokens, &chosen, &weights);
    const int row = node_viewed(g, x);
    const int gate = s->gated_ffn ? node_multiplied_by_chosen(g, inner, row, chosen) : 0;
    const int up = node_multiplied_by_chosen(g, inner, row, chosen);
    const int h =
        gate ? node_computed(g, inner, FROM(gate, up)) : node_in_place(g, inner, FROM(up));
    const int down = node_multiplied_by_chosen(g, outer, h, chosen);
    const int each = node_in_place(g, outer, FROM(down, weights));
    int sum = node_viewed(g, each);
    /* all views are made before the first sum */
    const int first = g->plan.values;
    const int others = (int)least(s->experts_used, PLAN_VALUES) - 1;
    for (int k = 0; k < others && !g->plan.full; k++) node_viewed(g, each);
    for (int k = 0; k < others && !g->plan.full; k++)
        sum = node_in_place(g, graph_stream(g, tokens), FROM(sum, first + k));
    return sum;
}

static int shared_expert(struct graph *g, int x, double tokens)
{
    const struct extent e = graph_stream(g, tokens), one = extent_floats(1, tokens, 1, 1);
    const int h = gated(g, x, g->s->shared_width, tokens);
    const int y = node_multiplied(g, h, g->s->width, tokens);
    if (!g->s->shared_gate) return y;
    const int gate = node_multiplied(g, x, 1, tokens);
    const int share = node_in_place(g, one, FROM(node_in_place(g, one, FROM(gate)), gate));
    return node_in_place(g, e, FROM(y, share));
}

int graph_feed_forward(struct graph *g, int x, int layer, double tokens)
{
    if (!shape_layer_has_experts(g->s, layer)) return dense(g, x, tokens);
    const int y = experts(g, x, tokens);
    if (!(g->s->shared_width > 0)) return y;
    const int shared = shared_expert(g, x, tokens);
    return node_in_place(g, graph_stream(g, tokens), FROM(y, shared));
}
