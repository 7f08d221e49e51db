/* model/cut.c - a model with fewer layers, for measuring: what a layer costs is the difference of two cuts, so a cut must hold its kinds
 * of layers in the proportion of the whole.
 *
 * Which layers have experts and which a sliding window follows from their place; the new places keep the model's rules (dense layers
 * lead, each n-th has experts, each n-th sees everything). For the places of one such kind layers are taken from those of that kind:
 * as many of each make (the types and sizes of all tensors) as their share, by largest remainder, spread evenly over the model. Left
 * out: layers past the last one (predictors of further tokens), which llama.cpp skips. */
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "model/gguf_write.h"
#include "model/naming.h"

#include <string.h>

/* The tensors of one layer: a run of the list. */
struct layer {
    size_t from, end;
    bool experts;
    size_t make; /* layers alike share the first one's number */
    bool chosen;
};
/* Layers of one make. */
struct make {
    size_t layers, wanted, seen;
    double remainder;
};
struct cutting {
    const struct model *m;
    struct layer *layer;
    size_t layers;
    struct make *make; /* one a layer: those of another's make stay empty */
};

static bool same_tensor(const struct tensor *a, const struct tensor *b)
{
    return a->type == b->type && !memcmp(a->dims, b->dims, sizeof a->dims) &&
           str_eq(naming_of(a), naming_of(b));
}

static bool alike(const struct model *m, const struct layer *a, const struct layer *b)
{
    if (a->end - a->from != b->end - b->from || a->experts != b->experts) return false;
    for (size_t i = 0; i < a->end - a->from; i++)
        if (!same_tensor(&m->tensor[a->from + i], &m->tensor[b->from + i])) return false;
    return true;
}

/* False when the list does not hold each layer once, in order. */
static bool find_layers(struct cutting *c)
{
    size_t found = 0;
    const struct model *m = c->m;
    for (size_t from = 0, end; from < m->tensors; from = end) {
        const int32_t number = m->tensor[from].layer;
        for (end = from; end < m->tensors && m->tensor[end].layer == number;) end++;
        if (number < 0 || (size_t)number >= c->layers) continue;
        if ((size_t)number != found) return false;
        struct layer *l = &c->layer[found];
        *l = (struct layer){.from = from, .end = end, .make = found};
        l->experts = shape_layer_has_experts(&m->shape, number);
        for (size_t k = 0; k < found && l->make == found; k++)
            if (c->layer[k].make == k && alike(m, &c->layer[k], l)) l->make = k;
        found++;
    }
    return found == c->layers;
}

/* How many of each make, of `places` places for layers with experts or without. False when there are fewer such layers. */
static bool share_out(struct cutting *c, bool experts, size_t places)
{
    size_t layers = 0, given = 0;
    memset(c->make, 0, c->layers * sizeof *c->make);
    for (size_t i = 0; i < c->layers; i++)
        if (c->layer[i].experts == experts) {
            layers++;
            c->make[c->layer[i].make].layers++;
        }
    if (layers < places) return false;
    for (size_t i = 0; i < c->layers && layers; i++) {
        struct make *k = &c->make[i];
        const double share = (double)(places * k->layers) / (double)layers;
        k->wanted = (size_t)share;
        k->remainder = share - floor(share);
        given += k->wanted;
    }
    for (; given < places; given++) {
        struct make *best = &c->make[0];
        for (size_t i = 1; i < c->layers; i++)
            if (c->make[i].remainder > best->remainder) best = &c->make[i];
        best->wanted++;
        best->remainder = -1;
    }
    return true;
}

/* Of each make the wanted ones, from the middles of equal stretches. */
static void choose(struct cutting *c, bool experts)
{
    for (size_t i = 0; i < c->layers; i++) {
        struct layer *l = &c->layer[i];
        if (l->experts != experts) continue;
        struct make *k = &c->make[l->make];
        const size_t before = (2 * k->seen * k->wanted + k->layers) / (2 * k->layers);
        k->seen++;
        l->chosen = (2 * k->seen * k->wanted + k->layers) / (2 * k->layers) > before;
    }
}

/* The same figures for k layers: the dense lead in proportion, at least one layer of both kinds where there is room. */
static void cut_shape(struct shape *s, double k)
{
    const double layers = s->layers;
    s->layers = k;
    if (s->experts <= 0 || s->dense_lead <= 0) return;
    const double lead = most(1, round(s->dense_lead * k / layers));
    s->dense_lead = most(least(lead, k - 1), k - (layers - s->dense_lead));
}

/* Places without and with experts. */
static void count_places(const struct shape *s, size_t places[2])
{
    places[0] = places[1] = 0;
    for (size_t i = 0; (double)i < s->layers; i++) places[shape_layer_has_experts(s, (double)i)]++;
}

static void add(struct model *out, struct tensor *list, const struct tensor *t)
{
    list[out->tensors++] = *t;
    out->shape.parameters +=
        (double)t->dims[0] * (double)t->dims[1] * (double)t->dims[2] * (double)t->dims[3];
}

/* What a layer is by its tensors moves with them. */
static void keep_sort(struct shape *s, const struct tensor *t, struct str name, int place)
{
    if (str_is(name, "attn_compressor_ape.weight"))
        shape_compress(s, (size_t)place, (double)t->dims[1]);
    if (str_is(name, "ffn_gate_tid2eid.weight")) s->compressed.hashed_layers++;
}

/* What stands outside the layers, then for each place the next layer chosen of its kind. */
static void gather(const struct cutting *c, struct arena *a, struct model *out)
{
    struct tensor *list = NEW_ARRAY(a, struct tensor, c->m->tensors);
    size_t next[2] = {0, 0};
    out->tensors = 0;
    out->shape.parameters = 0;
    out->shape.compressed.hashed_layers = 0;
    memset(out->shape.compressed.fine, 0, sizeof out->shape.compressed.fine);
    memset(out->shape.compressed.coarse, 0, sizeof out->shape.compressed.coarse);
    for (size_t i = 0; i < c->m->tensors; i++)
        if (c->m->tensor[i].layer < 0) add(out, list, &c->m->tensor[i]);
    for (int place = 0; place < (int)out->shape.layers; place++) {
        const bool experts = shape_layer_has_experts(&out->shape, place);
        size_t *at = &next[experts];
        while (c->layer[*at].experts != experts || !c->layer[*at].chosen) ++*at;
        const struct layer *l = &c->layer[(*at)++];
        for (size_t i = l->from; i < l->end; i++) {
            struct tensor t = c->m->tensor[i];
            const struct str name = naming_of(&t);
            t.name = str_of(str_format(a, "blk.%d.%.*s", place, STR_ARG(name)));
            t.layer = place;
            keep_sort(&out->shape, &t, name, place);
            add(out, list, &t);
        }
    }
    out->tensor = list;
}

double model_cut_step(const struct shape *s)
{
    const bool turns = s->window_tokens > 0 && s->window_period > 0;
    const double windows = turns && s->window_period <= s->layers ? s->window_period : 1;
    double step = windows;
    while (s->experts > 0 && s->expert_every > 1 && fmod(step, s->expert_every) != 0)
        step += windows;
    return step;
}

bool model_cut(const struct model *m, double k, struct arena *a, struct model *out,
               struct mu_err *err)
{
    const char *name = m->name ? m->name : "a model";
    if (!(k >= 1) || k > m->shape.layers || k != floor(k))
        return err_set(err, MU_USAGE, "cannot cut %s to %g layers: it has %.0f", name, k,
                       m->shape.layers);
    struct cutting c = {.m = m, .layers = (size_t)m->shape.layers};
    c.layer = NEW_ARRAY(a, struct layer, c.layers);
    c.make = NEW_ARRAY(a, struct make, c.layers);
    if (!find_layers(&c))
        return err_set(err, MU_NO, "cannot cut %s: not every layer's tensors are known", name);
    struct model cut = *m;
    cut_shape(&cut.shape, k);
    size_t places[2];
    count_places(&cut.shape, places);
    for (int experts = 0; experts < 2; experts++) {
        if (!share_out(&c, experts, places[experts]))
            return err_set(err, MU_NO, "cannot cut %s to %.0f layers of its kinds", name, k);
        choose(&c, experts);
    }
    gather(&c, a, &cut);
    cut.name = str_format(a, "%s, %.0f of %.0f layers", name, k, m->shape.layers);
    cut.file_bytes = cut.files = cut.missing_bytes = cut.header_bytes = 0;
    *out = cut;
    return true;
}
