/* model/cut.c - a model with fewer layers, for measuring: what a layer costs is the difference of two cuts, so a cut must hold its kinds
 * of layers in the proportion of the whole.
 *
 * Which layers have experts and which a sliding window follows from their place; the new places keep the model's rules (dense layers
 * lead, each n-th has experts, each n-th sees everything). Layers that recur or only feed forward keep their order where it repeats,
 * else so many of each are placed as their share. For the places of one sort layers are taken from those of that sort: as many of each
 * make (the types and sizes of all tensors) as their share, by largest remainder, spread evenly over the model. Left out: layers past
 * the last one (predictors of further tokens), which llama.cpp skips. */
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "model/gguf_write.h"
#include "model/naming.h"

#include <assert.h>
#include <string.h>

enum { SORTS = 32 }; /* a bit for each thing that decides which tensors a layer has */

/* The tensors of one layer: a run of the list. */
struct layer {
    size_t from, end;
    unsigned sort;
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

static unsigned sort_at(const struct shape *s, double layer)
{
    const struct layer_sort sort = shape_layer(s, layer);
    const bool unlike = s->arch && s->arch->unlike_layers;
    return (sort.experts ? 1U : 0) | (sort.recurrent ? 2U : 0) | (sort.feeds ? 4U : 0) |
           (unlike && sort.window ? 8U : 0) | (unlike && sort.shared ? 16U : 0);
}

static bool same_tensor(const struct tensor *a, const struct tensor *b)
{
    return a->type == b->type && !memcmp(a->dims, b->dims, sizeof a->dims) &&
           str_eq(naming_of(a), naming_of(b));
}

static bool alike(const struct model *m, const struct layer *a, const struct layer *b)
{
    if (a->end - a->from != b->end - b->from || a->sort != b->sort) return false;
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
        l->sort = sort_at(&m->shape, number);
        for (size_t k = 0; k < found && l->make == found; k++)
            if (c->layer[k].make == k && alike(m, &c->layer[k], l)) l->make = k;
        found++;
    }
    return found == c->layers;
}

/* How many of each make, of `places` places for layers of a sort. False when there are fewer such layers. */
static bool share_out(struct cutting *c, unsigned sort, size_t places)
{
    size_t layers = 0, given = 0;
    memset(c->make, 0, c->layers * sizeof *c->make);
    for (size_t i = 0; i < c->layers; i++)
        if (c->layer[i].sort == sort) {
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
static void choose(struct cutting *c, unsigned sort)
{
    for (size_t i = 0; i < c->layers; i++) {
        struct layer *l = &c->layer[i];
        if (l->sort != sort) continue;
        struct make *k = &c->make[l->make];
        const size_t before = (2 * k->seen * k->wanted + k->layers) / (2 * k->layers);
        k->seen++;
        l->chosen = (2 * k->seen * k->wanted + k->layers) / (2 * k->layers) > before;
    }
}

/* 0: it attends, 1: it recurs, 2: it only feeds forward. */
static size_t part_of(const struct shape *s, size_t layer)
{
    return shape_layer_recurs(s, (double)layer) ? 1 : shape_layer_feeds(s, (double)layer) ? 2 : 0;
}

/* Whether the order of layers that recur, feed forward and attend begins anew at least once. */
static bool repeats(const struct shape *s)
{
    const size_t layers = (size_t)s->layers;
    for (size_t period = 1; 2 * period <= layers; period++) {
        size_t i = period;
        while (i < layers && part_of(s, i) == part_of(s, i - period)) i++;
        if (i == layers) return true;
    }
    return false;
}

/* Of each of the three its share of k layers, by largest remainder; in the order of layers spread evenly over those of the model. */
static void place_parts(struct shape *s, double k)
{
    enum { PARTS = 3 };
    size_t count[PARTS] = {0}, wanted[PARTS], seen[PARTS] = {0}, given = 0, place = 0;
    double remainder[PARTS];
    const size_t layers = (size_t)s->layers;
    for (size_t i = 0; i < layers; i++) count[part_of(s, i)]++;
    for (size_t p = 0; p < PARTS; p++) {
        const double share = k * (double)count[p] / s->layers;
        wanted[p] = (size_t)share;
        remainder[p] = share - floor(share);
        given += wanted[p];
    }
    for (; given < (size_t)k; given++) {
        size_t best = 0;
        for (size_t p = 1; p < PARTS; p++)
            if (remainder[p] > remainder[best]) best = p;
        wanted[best]++;
        remainder[best] = -1;
    }
    const struct shape whole = *s;
    memset(s->recurrent.layer, 0, sizeof s->recurrent.layer);
    memset(s->recurrent.feeds, 0, sizeof s->recurrent.feeds);
    for (size_t i = 0; i < layers; i++) {
        const size_t p = part_of(&whole, i);
        assert(count[p] > 0); /* it counts this one */
        const size_t before = (2 * seen[p] * wanted[p] + count[p]) / (2 * count[p]);
        seen[p]++;
        if ((2 * seen[p] * wanted[p] + count[p]) / (2 * count[p]) == before) continue;
        if (p == 1) shape_recur(s, place);
        if (p == 2) shape_feed(s, place);
        place++;
    }
}

/* Layers that attend to what others keep follow whole periods of those that keep something. */
static void cut_shared(struct shape *s, double k)
{
    const double period = most(s->window_period, 1);
    const double keeping = (s->layers - s->shared_layers) * k / s->layers;
    if (s->shared_layers <= 0 || k == s->layers) return;
    s->shared_layers = most(0, k - most(period, round(keeping / period) * period));
}

/* The same figures for k layers: the dense lead in proportion, at least one layer of both kinds where there is room. */
static void cut_shape(struct shape *s, double k, bool spread)
{
    const double layers = s->layers;
    if (spread && s->recurrent.kernel > 0 && k < layers && !repeats(s)) place_parts(s, k);
    cut_shared(s, k);
    s->layers = k;
    if (s->experts <= 0 || s->dense_lead <= 0) return;
    const double lead = most(1, round(s->dense_lead * k / layers));
    s->dense_lead = most(least(lead, k - 1), k - (layers - s->dense_lead));
}

static void count_places(const struct shape *s, size_t places[SORTS])
{
    for (size_t i = 0; (double)i < s->layers; i++) places[sort_at(s, (double)i)]++;
}

/* Whether there are as many layers of each sort as places. */
static bool enough(const struct cutting *c, const size_t places[SORTS])
{
    size_t layers[SORTS] = {0};
    for (size_t i = 0; i < c->layers; i++) layers[c->layer[i].sort]++;
    for (size_t sort = 0; sort < SORTS; sort++)
        if (layers[sort] < places[sort]) return false;
    return true;
}

/* The figures of the cut and how many layers of each sort it takes: spread over the model, else the first ones where the model has no
 * layers of such a sort (without experts, say, that attend). */
static void plan_places(const struct cutting *c, double k, struct shape *out, size_t places[SORTS])
{
    for (int spread = 1; spread >= 0; spread--) {
        *out = c->m->shape;
        cut_shape(out, k, spread);
        memset(places, 0, SORTS * sizeof *places);
        count_places(out, places);
        if (enough(c, places)) return;
    }
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

/* What stands outside the layers, then for each place the next layer chosen of its sort. */
static void gather(const struct cutting *c, struct arena *a, struct model *out)
{
    struct tensor *list = NEW_ARRAY(a, struct tensor, c->m->tensors);
    size_t next[SORTS] = {0};
    out->tensors = 0;
    out->shape.parameters = 0;
    out->shape.compressed.hashed_layers = 0;
    memset(out->shape.compressed.fine, 0, sizeof out->shape.compressed.fine);
    memset(out->shape.compressed.coarse, 0, sizeof out->shape.compressed.coarse);
    for (size_t i = 0; i < c->m->tensors; i++)
        if (c->m->tensor[i].layer < 0) add(out, list, &c->m->tensor[i]);
    for (int place = 0; place < (int)out->shape.layers; place++) {
        const unsigned sort = sort_at(&out->shape, place);
        size_t *at = &next[sort];
        while (c->layer[*at].sort != sort || !c->layer[*at].chosen) ++*at;
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
    size_t places[SORTS];
    plan_places(&c, k, &cut.shape, places);
    for (unsigned sort = 0; sort < SORTS; sort++) {
        if (!share_out(&c, sort, places[sort]))
            return err_set(err, MU_NO, "cannot cut %s to %.0f layers of its kinds", name, k);
        choose(&c, sort);
    }
    gather(&c, a, &cut);
    cut.name = str_format(a, "%s, %.0f of %.0f layers", name, k, m->shape.layers);
    cut.file_bytes = cut.files = cut.missing_bytes = cut.header_bytes = 0;
    *out = cut;
    return true;
}
