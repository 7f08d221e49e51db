/* Where a split puts what a model has: its layers by kind, their experts and caches, the output. llama.cpp v0.5.0 counts the output as
 * the layer behind the last (src/llama-model.cpp), keeps a layer's cache beside its weights, and moves experts alone by name
 * (common/arg.cpp, --n-cpu-moe). */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/backend.h"
#include "cost/cost.h"
#include "cost/llama.h"

struct site_rules site_rules_of(const struct backend *b)
{
    return (struct site_rules){.backend = b->name,
                               .in_order = b->in_order,
                               .alignment_bytes = b->alignment_bytes,
                               .row_multiple = b->row_multiple,
                               .context_bytes = b->context_bytes,
                               .context_most_bytes = b->context_most_bytes,
                               .host_buffer = b->host_buffer,
                               .copies_weights = b->copies_weights,
                               .pipelines = b->pipelines,
                               .cache_as_halves = b->cache_as_halves};
}

const struct site_rules *split_rules(const struct split *s, int site)
{
    static const struct site_rules cpu = {.backend = "CPU", .alignment_bytes = 32};
    return s->rules[site] ? s->rules[site] : &cpu;
}

int split_site(const struct split *s, double layer)
{
    for (int site = 1; site < s->sites; site++)
        if (layer >= s->first_layer[site] && layer < s->first_layer[site] + s->layers[site])
            return site;
    return ON_HOST;
}

bool split_pins_host(const struct split *s)
{
    for (int site = 1; site < s->sites; site++)
        if (split_rules(s, site)->host_buffer) return true;
    return false;
}

int split_copies(const struct split *s)
{
    const int in_flight = 4; /* llama.cpp v0.5.0 ggml/CMakeLists.txt, GGML_SCHED_MAX_COPIES */
    bool all = s->sites > 2 && !s->host_cache && !(s->host_experts > 0);
    for (int site = 1; site < s->sites; site++) all = all && split_rules(s, site)->pipelines;
    return all && split_site(s, 0) != ON_HOST ? in_flight : 1;
}

int split_copier(const struct split *s)
{
    for (int site = 1; site < s->sites; site++)
        if (split_rules(s, site)->copies_weights) return site;
    return 0;
}

enum cache_kind llama_cache_kind(const struct shape *s, const struct layer_kind *kind)
{
    if (kind->shared || kind->feeds) return CACHE_SHARED;
    if (s->compressed.groups > 0)
        return kind->fine ? CACHE_FINE : kind->coarse ? CACHE_COARSE : CACHE_BARE;
    return kind->recurrent ? CACHE_STATE : kind->window ? CACHE_WINDOW : CACHE_WHOLE;
}

static void whole(const struct digest *m, struct spread *out)
{
    for (size_t k = 0; k < m->kinds; k++) {
        const struct layer_kind *kind = &m->kind[k];
        out->kind[ON_HOST].layers[k] = out->kind[ON_HOST].experts[k] = kind->layers;
        out->caches[ON_HOST][llama_cache_kind(m->shape, kind)] += kind->layers;
    }
}

struct spread llama_spread(const struct digest *m, const struct split *s)
{
    struct spread out = {.split = s, .sites = s->sites};
    const int layers = (int)least(m->shape->layers, DIGEST_LAYERS);
    if (s->sites == 1) {
        whole(m, &out);
        return out;
    }
    for (int i = 0; i < layers; i++) {
        const int site = split_site(s, i);
        const uint8_t kind = m->kind_of[i];
        out.kind[site].layers[kind]++;
        out.kind[i < s->host_experts ? ON_HOST : site].experts[kind]++;
        const enum cache_kind cache = llama_cache_kind(m->shape, &m->kind[kind]);
        out.caches[s->host_cache && cache != CACHE_STATE ? ON_HOST : site][cache]++;
    }
    out.output = split_site(s, m->shape->layers);
    return out;
}

bool spread_has_layers(const struct spread *p, int site)
{
    for (size_t k = 0; k < DIGEST_KINDS; k++)
        if (p->kind[site].layers[k] > 0) return true;
    return false;
}
