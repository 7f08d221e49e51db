/* What lies beside a model in the same process of llama.cpp. Adapters: each pair of matrices in the plain buffer of the weight that it
 * changes (llama.cpp v0.5.0 src/llama-adapter.cpp), and a bound on what is computed beside that weight's product (build_lora_mm in
 * src/llama-graph.cpp). A projector: its tensors, on the first device where there is one (tools/mtmd/clip.cpp). A draft model: a second
 * model with a context as long as the first one's (common/speculative.cpp), all of it on the first device where there is one.
 * Left out: what a projector computes with, which depends on the picture; the work that adapters add and that drafts save; a device's
 * padding of an adapter whose rows are no whole multiple of it. */
#include "cost/beside.h"
#include "base/num.h"
#include "cost/cost.h"
#include "cost/llama.h"

#define LLAMA_ADAPTER "llama.cpp v0.5.0 src/llama-adapter.cpp"
#define LLAMA_GRAPH "a bound: llama.cpp v0.5.0 src/llama-graph.cpp, build_lora_mm"
#define LLAMA_CLIP "the file's tensors; llama.cpp v0.5.0 tools/mtmd/clip.cpp"
#define LLAMA_DRAFT "the draft model's own bill; llama.cpp v0.5.0 common/speculative.cpp"

/* Where a projector and a draft model lie. */
static int home_of(const struct split *s)
{
    return s->sites > 1 ? 1 : ON_HOST;
}

static double adapters_at(const struct llama *l, const struct beside_adapters *x, int site)
{
    const struct split *s = l->spread->split;
    const int layers = (int)least(l->m->shape->layers, DIGEST_LAYERS);
    double sum = site == ON_HOST ? x->lookup_bytes : 0;
    if (l->spread->output == site) sum += x->output_bytes;
    for (int i = 0; i < layers; i++) {
        const int lies = split_site(s, i);
        if (lies == site) sum += x->layer_bytes[i];
        if ((i < s->host_experts ? ON_HOST : lies) == site) sum += x->expert_bytes[i];
    }
    return sum;
}

static void adapters(struct bill *b, const struct llama *l, const struct beside_adapters *x)
{
    for (int site = 0; site < l->spread->sites; site++) {
        const double bytes = adapters_at(l, x, site);
        const double values = bytes > 0 ? x->widest_values : 0;
        const double at_output = l->spread->output == site ? x->output_values : 0;
        GIVEN(b, adapter_bytes, bytes, "adapters, tensors whose weights lie here");
        GIVEN(b, adapted_values, values, "adapters, the widest matrix: its rows, and the rank");
        GIVEN(b, output_values, at_output, "adapters, the output matrix: its rows, and the rank");
        GIVEN(b, outputs, l->d->outputs, "llama_context");
        GIVEN(b, micro_batch_tokens, l->d->tokens, "llama_context");
        GIVEN(b, float_bytes, 4, LLAMA_GRAPH);
        HOLD(b, site, "LoRA adapters", "beside", adapter_bytes, LLAMA_ADAPTER);
        HOLD(b, site, "computing adapters, at most", "beside",
             float_bytes * most(adapted_values * micro_batch_tokens, output_values * outputs),
             LLAMA_GRAPH);
    }
}

static double held_of(const struct bill *b, int site, const char *group, const char *other)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        const struct str name = str_of(l->term->group);
        if (l->phase != HELD || l->held_as != HELD_OWN || l->site != site) continue;
        if (str_is(name, group) || str_is(name, other)) sum += l->amount;
    }
    return sum;
}

/* Everything behind the look-up tables on one device. */
static struct split split_of_draft(const struct digest *draft, const struct split *s)
{
    struct split out = split_host;
    if (home_of(s) == ON_HOST) return out;
    out.sites = 2;
    out.layers[1] = draft->shape->layers + 1;
    out.rules[0] = s->rules[ON_HOST];
    out.rules[1] = s->rules[1];
    return out;
}

/* The settings of the first context, as the second one takes them over. */
static struct generate draft_knobs(const struct llama *l, const struct beside *x)
{
    struct generate g = *l->g;
    g.beside = NULL;
    g.context_tokens = l->d->context_tokens;
    g.kv_type_k = g.kv_type_v = x->draft_cache;
    g.outputs_max = OUTPUTS_AS_SEQUENCES;
    g.embeddings = false;
    return g;
}

static void draft(struct bill *b, const struct llama *l, const struct beside *x)
{
    const struct split *s = l->spread->split;
    const struct split alone = split_of_draft(x->draft, s);
    const struct generate g = draft_knobs(l, x);
    const struct task task = {cost_workload(S("generate")), x->draft, &g};
    struct bill inner = {.lines = 0};
    cost_bill(&task, &alone, &inner);
    if (inner.unruled) b->unruled = inner.unruled;
    for (int site = 0; site < alone.sites; site++) {
        GIVEN(b, draft_weights_bytes, held_of(&inner, site, "weights", ""), LLAMA_DRAFT);
        GIVEN(b, draft_cache_bytes, held_of(&inner, site, "kv", ""), LLAMA_DRAFT);
        GIVEN(b, draft_compute_bytes, held_of(&inner, site, "compute", "output"), LLAMA_DRAFT);
        HOLD(b, site, "draft model, weights", "beside", draft_weights_bytes, LLAMA_DRAFT);
        HOLD(b, site, "draft model, KV cache", "beside", draft_cache_bytes, LLAMA_DRAFT);
        HOLD(b, site, "draft model, compute and output", "beside", draft_compute_bytes,
             LLAMA_DRAFT);
    }
}

void llama_beside(struct bill *b, const struct llama *l)
{
    const struct beside *x = l->g->beside;
    if (!x) return;
    const int home = home_of(l->spread->split);
    GIVEN(b, projector_bytes, x->projector_bytes, "projector's file");
    if (x->adapters) adapters(b, l, x->adapters);
    HOLD(b, home, "projector", "beside", projector_bytes, LLAMA_CLIP);
    if (x->draft) draft(b, l, x);
}
