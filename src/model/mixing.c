/* model/mixing.c - the type of each tensor under a mix: the rules of data/quants.json, first match wins, then what llama-quantize does
 * to any mix: a tied embedding follows the output matrix, some classes of models get more bits in attn_k and attn_v, and a row that is
 * not a whole number of blocks falls back to a type of smaller blocks.
 *
 * Always without an importance matrix, as the truth rows are. Left out: the choices llama-quantize makes for one architecture by name.
 * From llama.cpp v0.5.0 src/llama-quant.cpp; byte-equal on every (model, mix) pair of data/truth. */
#include "model/mixing.h"
#include "catalog/architecture.h"

#include <string.h>

/* src/models: this many layers and fewer heads of keys than of queries are its size class 70B; src/llama-quant.cpp: this many experts
 * are a class of their own, and types of blocks so small have no smaller ones. */
enum { LAYERS_OF_70B = 80, EXPERTS_OF_8X = 8, SMALLEST_BLOCK = 32 };

static const struct weight_type *named(const struct mixing *m, const char *name)
{
    for (size_t i = 0; i < TYPES; i++)
        if (m->types[i].name && !strcmp(m->types[i].name, name)) return &m->types[i];
    return NULL;
}

static bool divides(const struct weight_type *t, uint64_t row)
{
    return row % (uint64_t)t->block == 0;
}

/* NULL when llama-quantize would stop: it knows no type of smaller blocks. Those of the smallest blocks become F16. */
static const struct weight_type *fitting(struct mixing *m, const struct weight_type *t,
                                         uint64_t row)
{
    if (divides(t, row)) return t;
    if (!t->fallback && t->block <= SMALLEST_BLOCK) return named(m, "F16");
    if (!t->fallback) m->unruled = "llama-quantize has no type for one of its rows in this mix";
    if (!t->fallback || divides(t->fallback, row)) return t->fallback;
    return named(m, "F16");
}

static bool more_bits(int layer, int layers)
{
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

/* Whether llama.cpp keeps the heads of keys layer by layer, with none where a layer does not attend. */
static bool heads_by_layer(const struct shape *s)
{
    const enum recurrence how = s->arch ? s->arch->recurrence : RECURRENCE_NONE;
    return how != RECURRENCE_NONE && how != RECURRENCE_DELTA;
}

static bool attends(const struct shape *s, int layer)
{
    return !shape_layer_recurs(s, layer) && !shape_layer_feeds(s, layer);
}

/* A tensor's running number among those of its class, and how many llama-quantize believes there are. */
struct running {
    int number, of;
};

static struct running running(const struct shape *s, enum tensor_class class_, int layer)
{
    struct running r = {layer, (int)s->layers};
    const bool values = class_ == CLASS_ATTN_V && heads_by_layer(s);
    /* experts are numbered by their layer */
    const bool feeds = s->arch && s->arch->one_part && !(s->experts > 0) &&
                       (class_ == CLASS_FFN_DOWN || class_ == CLASS_FFN_UP);
    if (layer < 0 || !(values || feeds)) return r;
    r.number = 0;
    for (int i = 0; i < layer; i++) r.number += values ? attends(s, i) : shape_layer_feeds(s, i);
    if (!values) return r;
    r.of = r.number;
    for (int i = layer; i < (int)s->layers; i++) r.of += attends(s, i);
    return r;
}

/* Conditions on a running number alone. That of an attn_v tensor is its layer where each layer has one. */
static bool layer_holds(enum mix_condition when, int layer, int layers)
{
    switch (when) {
    case IF_FIRST_EIGHTH:
    case IF_NO_IMATRIX_FIRST_EIGHTH: return layer < layers / 8;
    case IF_FIRST_SIXTEENTH: return layer < layers / 16;
    case IF_MIDDLE: return layer >= layers / 8 && layer < 7 * layers / 8;
    case IF_MORE_BITS:
    case IF_EXPERTS_8_MORE_BITS: return more_bits(layer, layers);
    case IF_INDEX_BELOW_2: return layer < 2;
    case IF_INDEX_BELOW_4: return layer < 4;
    default: return true;
    }
}

static bool shape_holds(enum mix_condition when, const struct shape *s)
{
    /* llama.cpp asks the first layer for its heads */
    const bool none = heads_by_layer(s) && !attends(s, 0);
    const bool shared = !none && s->kv_heads > 0 && s->heads >= 4 * s->kv_heads;
    switch (when) {
    case IF_GQA_4: return shared;
    case IF_GQA_4_OR_EXPERTS_4: return shared || s->experts >= 4;
    case IF_EXPERTS_8:
    case IF_EXPERTS_8_MORE_BITS: return s->experts == EXPERTS_OF_8X;
    case IF_NOT_EXPERTS_8: return s->experts != EXPERTS_OF_8X;
    case IF_IMATRIX_FIRST_EIGHTH: return false;
    default: return true;
    }
}

static const struct weight_type *ruled(const struct mixing *m, enum tensor_class class_, int layer)
{
    const struct running at = running(m->shape, class_, layer);
    for (size_t i = 0; i < m->mix->rules[class_].count; i++) {
        const struct mix_rule *r = &m->mix->rules[class_].rule[i];
        if (shape_holds(r->when, m->shape) && layer_holds(r->when, at.number, at.of))
            return r->type;
    }
    return m->mix->base;
}

/* Mixes of under three bits have rules of their own that come before those for any mix. */
static bool below_three_bits(const struct mix *mix)
{
    return !strncmp(mix->base->name, "IQ1_", 4) || !strncmp(mix->base->name, "IQ2_", 4);
}

/* What any mix does to the small matrices of keys and values. */
static const struct weight_type *for_small_matrices(const struct mixing *m, const struct outline *o,
                                                    const struct weight_type *t)
{
    const struct shape *s = m->shape;
    const bool values = o->class_ == CLASS_ATTN_V;
    if ((!values && o->class_ != CLASS_ATTN_K) || below_three_bits(m->mix)) return t;
    if (s->experts == EXPERTS_OF_8X) return named(m, "Q8_0");
    if (!values || s->layers != LAYERS_OF_70B || s->kv_heads >= s->heads) return t;
    return !strcmp(t->name, "Q3_K") || !strcmp(t->name, "Q4_K") ? named(m, "Q5_K") : t;
}

const struct weight_type *mixing_type(struct mixing *m, const struct outline *o, int layer)
{
    const struct weight_type *base = m->mix->base, *t;
    if (o->plain) return m->f32;
    if (o->class_ == CLASS_NUMBERS) return named(m, "I32");
    if (o->class_ == CLASS_KEPT) return named(m, "F16");
    if (base->block <= 1) return base;
    if (o->class_ == CLASS_OUTPUT || (o->class_ == CLASS_TOKEN_EMBD && m->shape->tied))
        t = divides(base, o->dims[0]) ? ruled(m, CLASS_OUTPUT, layer) : named(m, "Q8_0");
    else if (o->dims[2] > 1 && m->mix->rules[CLASS_EXPERTS].count)
        t = ruled(m, CLASS_EXPERTS, layer);
    else
        t = for_small_matrices(m, o, ruled(m, o->class_, layer));
    return fitting(m, t, o->dims[0]);
}

static uint64_t conditions_at(const struct mixing *m, struct running at)
{
    uint64_t key = 0;
    for (unsigned left = m->conditions; left; left &= left - 1) {
        const unsigned when = (unsigned)__builtin_ctz(left);
        if (layer_holds((enum mix_condition)when, at.number, at.of)) key |= 1U << when;
    }
    return key;
}

/* By the layer's number, and above that by the number of what is counted for itself. */
uint64_t mixing_layer_key(const struct mixing *m, int layer)
{
    const struct shape *s = m->shape;
    const bool feeds = shape_layer_feeds(s, layer);
    const uint64_t key = conditions_at(m, (struct running){layer, (int)s->layers});
    if (!heads_by_layer(s) || shape_layer_recurs(s, layer)) return key;
    const struct running own = running(s, feeds ? CLASS_FFN_DOWN : CLASS_ATTN_V, layer);
    return key | conditions_at(m, own) << (MIXING_KEY_BITS / 2);
}

bool mixing_begin(struct mixing *m, const struct shape *s, const struct mix *mix,
                  const struct catalog *c)
{
    *m = (struct mixing){.mix = mix, .shape = s, .types = catalog_types(c, NULL)};
    if (!m->types) return false;
    m->f32 = named(m, "F32");
    for (size_t i = 0; i < CLASS_COUNT; i++)
        for (size_t k = 0; k < mix->rules[i].count; k++)
            m->conditions |= 1U << mix->rules[i].rule[k].when;
    return m->f32 != NULL;
}
