/* model/digest.c - the tensors of a model summed per kind of layer, from a tensor list or from the shape and a mix alone. Layers are of
 * one kind when they agree in cache (whole, window, a state or none), FFN (experts or dense) and in every sum; sums stand in a fixed order, so that both
 * ways give the same digest to the last field (a test compares them).
 *
 * From a shape each distinct layer is computed once: the mix rules ask a few things of a layer's number, and layers that answer alike
 * are alike. From a file with more kinds of layers than fit (hand-made mixes), layers are averaged per window and experts. Tensors of
 * layers past the last one (predictors of further tokens) are left out, as llama.cpp v0.5.0 skips them. */
#include "model/digest.h"
#include "base/num.h"
#include "model/mixing.h"

#include <string.h>

/* llama.cpp v0.5.0 src/llama-model-loader.cpp: each tensor begins on a multiple of this. */
enum { TENSOR_STEP = 32 };

struct sums {
    struct weight_sum *sum;
    size_t n;
};

static uint8_t rows_of(uint64_t rows)
{
    return rows % 32 == 0 ? 32 : rows % 8 == 0 ? 8 : 1;
}

/* The place of the sum like this one, made in order (use, type, rows) when there is none yet; NULL when all are taken. */
static struct weight_sum *sum_like(struct sums *s, const struct weight_sum *like)
{
    const unsigned key = like->use * 65536U + like->type * 256U + like->rows_of;
    size_t i = 0;
    for (; i < s->n; i++) {
        const unsigned other = s->sum[i].use * 65536U + s->sum[i].type * 256U + s->sum[i].rows_of;
        if (other == key) return &s->sum[i];
        if (other > key) break;
    }
    if (s->n == DIGEST_SUMS) return NULL;
    memmove(s->sum + i + 1, s->sum + i, (s->n - i) * sizeof *s->sum);
    s->n++;
    s->sum[i] = (struct weight_sum){.type = like->type, .use = like->use, .rows_of = like->rows_of};
    return &s->sum[i];
}

static bool add_sum(struct sums *s, const struct weight_sum *more)
{
    struct weight_sum *sum = sum_like(s, more);
    if (!sum) return false;
    sum->bytes += more->bytes;
    sum->elements += more->elements;
    sum->rows += more->rows;
    sum->tensors += more->tensors;
    return true;
}

static struct weight_sum one(const struct weight_type *t, enum weight_use use, const uint64_t *dims,
                             size_t n)
{
    double elements = 1;
    for (size_t i = 0; i < n; i++) elements *= (double)dims[i];
    return (struct weight_sum){.type = (uint8_t)t->id,
                               .use = (uint8_t)use,
                               .rows_of = rows_of(dims[1]),
                               .bytes = pad_to(elements / t->block * t->block_bytes, TENSOR_STEP),
                               .elements = elements,
                               .rows = elements / most((double)dims[0], 1),
                               .tensors = 1};
}

static bool same_sums(const struct layer_kind *a, const struct layer_kind *b)
{
    if (a->sums != b->sums) return false;
    for (size_t i = 0; i < a->sums; i++) {
        const struct weight_sum *x = &a->sum[i], *y = &b->sum[i];
        if (x->type != y->type || x->use != y->use || x->rows_of != y->rows_of ||
            x->bytes != y->bytes || x->elements != y->elements || x->rows != y->rows ||
            x->tensors != y->tensors)
            return false;
    }
    return true;
}

static bool same_sort(const struct layer_kind *a, const struct layer_kind *b)
{
    return a->window == b->window && a->experts == b->experts && a->recurrent == b->recurrent &&
           a->shared == b->shared && a->feeds == b->feeds && a->fine == b->fine &&
           a->coarse == b->coarse;
}

/* The kind this layer is of, added when it is a new one; -1 when all places are taken. */
static int kind_like(struct digest *d, const struct layer_kind *layer)
{
    for (size_t i = 0; i < d->kinds; i++)
        if (same_sort(&d->kind[i], layer) && same_sums(&d->kind[i], layer)) return (int)i;
    if (d->kinds == DIGEST_KINDS) return -1;
    struct layer_kind *kind = &d->kind[d->kinds];
    *kind = (struct layer_kind){.window = layer->window,
                                .experts = layer->experts,
                                .recurrent = layer->recurrent,
                                .shared = layer->shared,
                                .feeds = layer->feeds,
                                .fine = layer->fine,
                                .coarse = layer->coarse,
                                .sums = layer->sums};
    memcpy(kind->sum, layer->sum, layer->sums * sizeof *layer->sum);
    return (int)d->kinds++;
}

static void totals(struct digest *d)
{
    d->weight_bytes = d->parameters = 0;
    for (size_t i = 0; i < d->outsides; i++) {
        d->weight_bytes += d->outside[i].bytes;
        d->parameters += d->outside[i].elements;
    }
    for (size_t k = 0; k < d->kinds; k++)
        for (size_t i = 0; i < d->kind[k].sums; i++) {
            d->weight_bytes += d->kind[k].layers * d->kind[k].sum[i].bytes;
            d->parameters += d->kind[k].layers * d->kind[k].sum[i].elements;
        }
}

static void begin(struct digest *d, const struct shape *s, const struct weight_type *types)
{
    d->name = d->quant = NULL;
    d->shape = s;
    d->types = types;
    d->kinds = d->outsides = 0;
    memset(d->kind_of, 0, sizeof d->kind_of);
    d->weight_bytes = d->parameters = 0;
    d->unruled = s->unruled ? s->unruled : types ? NULL : "the table of weight types is not there";
    d->packed_bytes = 0;
}

static void count_layer(struct digest *d, int layer, int kind)
{
    d->kind[kind].layers++;
    if (layer < DIGEST_LAYERS) d->kind_of[layer] = (uint8_t)kind;
}

static const char too_many_sums[] = "its tensors are of more kinds than can be summed";

/* One layer or what stands outside the layers, by outline. */
static bool outline_sums(struct mixing *m, const struct outline *list, size_t count, int layer,
                         struct sums *s)
{
    for (size_t i = 0; i < count; i++) {
        const struct weight_type *type = mixing_type(m, &list[i], layer);
        if (!type) return false;
        const struct weight_sum sum = one(type, list[i].use, list[i].dims, 3);
        if (!add_sum(s, &sum)) {
            m->unruled = too_many_sums;
            return false;
        }
    }
    return true;
}

/* Layers that answer the mix's questions alike, seen so far. */
struct seen {
    uint64_t key;
    int kind;
};
enum { SEEN_MOST = 64 };

struct by_shape {
    struct mixing mixing;
    struct outline list[OUTLINE_MOST];
    struct seen seen[SEEN_MOST];
    size_t seens;
};

static uint64_t sort_number(struct layer_sort sort)
{
    const bool bits[] = {sort.experts, sort.recurrent, sort.window, sort.shared, sort.feeds,
                         sort.bare,    sort.fine,      sort.coarse, sort.hashed};
    uint64_t number = 0;
    for (size_t i = 0; i < COUNT_OF(bits); i++) number |= (uint64_t)bits[i] << i;
    return number;
}

static void sort_kind(struct layer_kind *kind, struct layer_sort sort)
{
    kind->window = sort.window;
    kind->experts = sort.experts;
    kind->recurrent = sort.recurrent;
    kind->shared = sort.shared;
    kind->feeds = sort.feeds;
    kind->fine = sort.fine;
    kind->coarse = sort.coarse;
}

static int new_kind(struct by_shape *b, struct digest *d, uint64_t key, struct layer_sort sort,
                    int layer)
{
    struct layer_kind kind;
    sort_kind(&kind, sort);
    struct sums s = {kind.sum, 0};
    if (!outline_sums(&b->mixing, b->list, outline_layer(d->shape, sort, b->list), layer, &s))
        return -1;
    kind.sums = s.n;
    const int place = kind_like(d, &kind);
    if (place < 0) b->mixing.unruled = "its layers are of more kinds than can be summed";
    if (place >= 0 && b->seens < SEEN_MOST) b->seen[b->seens++] = (struct seen){key, place};
    return place;
}

static int kind_of_layer(struct by_shape *b, struct digest *d, int layer)
{
    const struct layer_sort sort = shape_layer(d->shape, layer);
    const uint64_t key = mixing_layer_key(&b->mixing, layer) | sort_number(sort) << MIXING_KEY_BITS;
    for (size_t i = 0; i < b->seens; i++)
        if (b->seen[i].key == key) return b->seen[i].kind;
    return new_kind(b, d, key, sort, layer);
}

void digest_of_shape(const struct shape *s, const struct mix *mix, const struct catalog *c,
                     struct digest *out)
{
    struct by_shape b;
    b.seens = 0;
    const bool begun = mixing_begin(&b.mixing, s, mix, c);
    begin(out, s, begun ? b.mixing.types : NULL);
    out->quant = mix->name;
    out->origin = LISTED;
    if (out->unruled) return;
    struct sums outside = {out->outside, 0};
    bool done = outline_sums(&b.mixing, b.list, outline_outside(s, b.list), -1, &outside);
    out->outsides = outside.n;
    for (int layer = 0; done && layer < (int)s->layers; layer++) {
        const int kind = kind_of_layer(&b, out, layer);
        done = kind >= 0;
        if (done) count_layer(out, layer, kind);
    }
    if (!done) out->unruled = b.mixing.unruled;
    totals(out);
}

/* The tensors of one layer, or of none: a run of the list. */
static size_t run_at(const struct model *m, size_t from)
{
    size_t end = from;
    while (end < m->tensors && m->tensor[end].layer == m->tensor[from].layer) end++;
    return end;
}

static bool list_sums(const struct model *m, size_t from, size_t end,
                      const struct weight_type *types, struct sums *s)
{
    for (size_t i = from; i < end; i++) {
        const struct tensor *t = &m->tensor[i];
        const struct weight_sum sum = one(&types[t->type], t->use, t->dims, 4);
        if (!add_sum(s, &sum)) return false;
    }
    return true;
}

static bool has_experts(const struct layer_kind *kind)
{
    for (size_t i = 0; i < kind->sums; i++)
        if (kind->sum[i].use == USE_EXPERTS) return true;
    return false;
}

/* Adds the layer to the kind of its cache and FFN whatever its sums: totals now, averaged by average_kinds(). */
static int kind_alike(struct digest *d, const struct layer_kind *layer)
{
    size_t k = 0;
    while (k < d->kinds && !same_sort(&d->kind[k], layer)) k++;
    if (k == DIGEST_KINDS) return -1;
    struct layer_kind *kind = &d->kind[k];
    if (k == d->kinds) {
        *kind = (struct layer_kind){.window = layer->window,
                                    .experts = layer->experts,
                                    .recurrent = layer->recurrent,
                                    .shared = layer->shared,
                                    .feeds = layer->feeds,
                                    .fine = layer->fine,
                                    .coarse = layer->coarse};
        d->kinds++;
    }
    struct sums s = {kind->sum, kind->sums};
    for (size_t i = 0; i < layer->sums; i++)
        if (!add_sum(&s, &layer->sum[i])) return -1;
    kind->sums = s.n;
    return (int)k;
}

static void average_kinds(struct digest *d)
{
    for (size_t k = 0; k < d->kinds; k++)
        for (size_t i = 0; i < d->kind[k].sums; i++) {
            d->kind[k].sum[i].bytes /= d->kind[k].layers;
            d->kind[k].sum[i].elements /= d->kind[k].layers;
            d->kind[k].sum[i].tensors /= d->kind[k].layers;
        }
}

/* All layers, each to the kind that place() finds for it; false when there is no room for one. */
static bool sum_layers(const struct model *m, struct digest *d,
                       int (*place)(struct digest *, const struct layer_kind *))
{
    d->kinds = 0;
    for (size_t from = 0, end; from < m->tensors; from = end) {
        end = run_at(m, from);
        const int layer = m->tensor[from].layer;
        if (layer < 0 || layer >= (int)m->shape.layers) continue;
        struct layer_kind kind;
        struct sums s = {kind.sum, 0};
        if (!list_sums(m, from, end, d->types, &s)) return false;
        kind.sums = s.n;
        sort_kind(&kind, shape_layer(&m->shape, layer));
        kind.experts = has_experts(&kind);
        const int at = place(d, &kind);
        if (at < 0) return false;
        count_layer(d, layer, at);
    }
    return true;
}

void digest_of_model(const struct model *m, const struct catalog *c, struct digest *out)
{
    begin(out, &m->shape, catalog_types(c, NULL));
    out->name = m->name;
    out->quant = m->quant;
    out->origin = m->origin;
    if (!out->types) return;
    if (!m->tensors && !out->unruled) out->unruled = "its tensors are not known, only its shape";
    struct sums outside = {out->outside, 0};
    const size_t layers_at = m->tensors && m->tensor[0].layer < 0 ? run_at(m, 0) : 0;
    bool done = list_sums(m, 0, layers_at, out->types, &outside);
    out->outsides = outside.n;
    if (done && !sum_layers(m, out, kind_like)) {
        done = sum_layers(m, out, kind_alike);
        if (done) average_kinds(out);
    }
    if (!done) out->unruled = too_many_sums;
    totals(out);
}

enum { EXPERTS, OTHER_LINEAR, THE_REST, PARTS };
static const double half_bytes = 2;

static void count_part(const struct weight_sum *w, double times, double part[PARTS])
{
    const bool linear = w->use == USE_MATRIX || w->use == USE_HEADS;
    part[w->use == USE_EXPERTS ? EXPERTS : linear ? OTHER_LINEAR : THE_REST] += times * w->elements;
}

static void count_parts(const struct digest *d, double part[PARTS])
{
    for (size_t i = 0; i < d->outsides; i++) count_part(&d->outside[i], 1, part);
    for (size_t k = 0; k < d->kinds; k++)
        for (size_t i = 0; i < d->kind[k].sums; i++)
            count_part(&d->kind[k].sum[i], d->kind[k].layers, part);
}

void digest_pack(struct digest *d, double stored_bytes)
{
    const double least_bytes = 1 / 8.0;
    double part[PARTS] = {0};
    count_parts(d, part);
    const double linear = part[EXPERTS] + part[OTHER_LINEAR];
    const double each = linear > 0 ? (stored_bytes - half_bytes * part[THE_REST]) / linear : 0;
    d->packed_bytes = each >= least_bytes && each <= half_bytes ? each : 0;
}

double digest_packed_bytes(const struct digest *d)
{
    double part[PARTS] = {0};
    count_parts(d, part);
    const double linear = part[EXPERTS] + part[OTHER_LINEAR];
    return d->packed_bytes > 0 ? d->packed_bytes * linear + half_bytes * part[THE_REST] : 0;
}

void digest_pack_part(struct digest *d, bool experts_alone, double value_bytes)
{
    double part[PARTS] = {0};
    count_parts(d, part);
    const double linear = experts_alone ? 0 : part[OTHER_LINEAR], packed = part[EXPERTS] + linear;
    if (!(packed > 0)) return;
    digest_pack(d,
                packed * value_bytes + half_bytes * (part[OTHER_LINEAR] - linear + part[THE_REST]));
}
