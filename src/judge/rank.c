/* Which models of the catalogue run well on a machine: for each, the best quantisation within the quality bound that fits with room to
 * spare and decodes fast enough, by the closed form. Loss of quality is that published for Llama-3-8B (data/quants.json). Left out:
 * models without a rule or a shape, encoders, sister releases of one shape. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "judge/placement.h"
#include "judge/ranker.h"
#include "model/digest.h"

static const char *const usual_quants[] = {"Q2_K",   "Q3_K_S", "Q3_K_M", "Q4_0", "IQ4_XS", "Q4_K_S",
                                           "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0",   NULL};
const struct ranking ranking_usual = {.perplexity_most = 0.05,
                                      .spare_share = 0.1,
                                      .decode_least_per_s = 10,
                                      .context_tokens = 8192,
                                      .quants = usual_quants};

enum { MIXES_MOST = 64, CONTEXT_STEP = 1024 };

size_t ranking_mixes(const struct ranking *r, const struct catalog *c, const struct mix *out[],
                     size_t room)
{
    size_t n = 0;
    for (size_t i = 0; r->quants[i] && n < room; i++) {
        const struct mix *mix = catalog_mix(c, str_of(r->quants[i]));
        double loss;
        if (!mix || !known(mix->perplexity_increase, &loss) || loss > r->perplexity_most) continue;
        size_t at = n++;
        while (at > 0 && known_or(out[at - 1]->perplexity_increase, 0) > loss) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = mix;
    }
    return n;
}

/* Speed that is not known counts as enough only where none is: of a device that is known, what spills to a host that is not tells
 * nothing. */
static bool runs_well(const struct ranking *r, const struct verdict *v, bool priced)
{
    if (v->fits != FITS) return false;
    if (!estimate_known(v->decode_per_s)) return !priced;
    return v->decode_per_s.likely >= r->decode_least_per_s;
}

/* Whether a device that can be used has its speed listed or measured. */
static bool devices_priced(const struct machine *m)
{
    uint16_t place[SITES - 1];
    const size_t n = placement_devices(m, place);
    for (size_t i = 0; i < n; i++)
        if (machine_place_rate(m, place[i], WORK_READ_BYTES)) return true;
    return false;
}

/* The machine with so much of each pool, and of what a place may use of it, kept free. */
const struct machine *machine_spared(const struct machine *m, double share, struct arena *a)
{
    struct machine *out = NEW(a, struct machine);
    struct pool *pool = NEW_ARRAY(a, struct pool, m->pools);
    struct place *place = NEW_ARRAY(a, struct place, m->places);
    *out = *m;
    for (size_t i = 0; i < m->pools; i++) {
        pool[i] = m->pool[i];
        if (known(pool[i].usable_bytes, NULL)) pool[i].usable_bytes.value *= 1 - share;
    }
    for (size_t i = 0; i < m->places; i++) {
        place[i] = m->place[i];
        if (known(place[i].limit_bytes, NULL)) place[i].limit_bytes.value *= 1 - share;
    }
    out->pool = pool;
    out->place = place;
    return out;
}

/* Mixes to be tried, best quality first. */
struct candidates {
    const struct mix *mix[MIXES_MOST];
    size_t n, smallest;
};
struct ranker {
    const struct ranking *ranking;
    const struct machine *machine, *spare; /* spare: the machine less what is to stay free */
    const struct catalog *catalog;
    const struct world *world;
    struct arena *arena;
    const struct weight_type *types;
    struct generate buffers; /* the knobs with this machine's weight buffers set */
    struct digest *digest;   /* of the model looked at, and its knobs */
    struct generate *knobs;
    struct candidates usual;
    bool priced; /* what is not priced does not run well */
};

static struct task task_of(const struct ranker *s, const struct shape *shape, struct ranked *out)
{
    struct digest *d = s->digest;
    struct generate *g = s->knobs;
    digest_of_shape(shape, out->mix, s->catalog, d);
    generate_usual(g, d, s->types);
    memcpy(g->buffer, s->buffers.buffer, sizeof g->buffer);
    g->context_tokens = least(s->ranking->context_tokens, shape->context_tokens);
    g->closed_form = true;
    (void)judge_repacking(d, g);
    out->context_tokens = g->context_tokens;
    return (struct task){cost_workload(S("generate")), d, g};
}

struct ranker *ranker_new(const struct ranking *r, const struct machine *m, const struct catalog *c,
                          const struct world *w, struct arena *a)
{
    struct ranker *s = NEW(a, struct ranker);
    *s = (struct ranker){.ranking = r,
                         .machine = m,
                         .spare = machine_spared(m, r->spare_share, a),
                         .catalog = c,
                         .world = w,
                         .arena = a,
                         .types = catalog_types(c, NULL),
                         .digest = NEW(a, struct digest),
                         .knobs = NEW(a, struct generate)};
    if (!s->types) return NULL;
    judge_buffers(m, c, a, &s->buffers);
    struct candidates *u = &s->usual;
    u->n = ranking_mixes(r, c, u->mix, MIXES_MOST);
    for (size_t i = 0; i < u->n; i++)
        if (u->mix[i]->bits_per_weight <= u->mix[u->smallest]->bits_per_weight) u->smallest = i;
    return u->n ? s : NULL;
}

/* Of what fits at no quantisation, or cannot be told: the smallest stands for all. */
static enum rank_end fits_not(const struct ranker *s, struct ranked *r)
{
    if (r->verdict.fits == FITS_NOT_COMPUTED) return RANK_NOT_COMPUTED;
    if (r->verdict.fits == FITS_UNKNOWN) return RANK_UNKNOWN;
    judge_fits(s->machine, &r->verdict);
    return r->verdict.fits == FITS ? RANK_TIGHT : RANK_TOO_LARGE;
}

static double bytes_of(const struct ranker *s, const struct shape *shape, const struct mix *mix)
{
    digest_of_shape(shape, mix, s->catalog, s->digest);
    return s->digest->unruled ? (double)INFINITY : s->digest->weight_bytes;
}

/* Of a model that was trained in a mix: that one, which loses nothing, and of the usual ones those that are smaller. */
static const struct candidates *candidates_of(const struct ranker *s, const struct model_part *part,
                                              const struct shape *shape, struct candidates *own)
{
    const struct mix *row =
        part->native_mix ? catalog_mix(s->catalog, str_of(part->native_mix)) : NULL;
    if (!row) return &s->usual;
    struct mix *native = NEW(s->arena, struct mix);
    *native = *row;
    /* nothing is lost, by whatever the others' loss is held against */
    native->perplexity_increase = s->usual.mix[0]->perplexity_increase;
    native->perplexity_increase.value = 0;
    const double whole = bytes_of(s, shape, native);
    double least_bytes = whole;
    *own = (struct candidates){.mix = {native}, .n = 1};
    for (size_t i = 0; i < s->usual.n && own->n < MIXES_MOST; i++) {
        const double bytes = bytes_of(s, shape, s->usual.mix[i]);
        if (!(bytes < whole)) continue;
        if (bytes < least_bytes) own->smallest = own->n;
        least_bytes = least(least_bytes, bytes);
        own->mix[own->n++] = s->usual.mix[i];
    }
    return own;
}

static void judge_mix(const struct ranker *s, const struct shape *shape, const struct mix *mix,
                      struct ranked *out)
{
    out->mix = mix;
    const struct task t = task_of(s, shape, out);
    judge_task(&t, s->spare, s->world, &out->verdict);
}

/* The best that runs well; false: none does, and the fastest was taken. */
static bool choose_mix(const struct ranker *s, const struct shape *shape,
                       const struct candidates *c, struct ranked *out)
{
    size_t fastest = c->smallest;
    double per_s = 0;
    for (size_t i = 0; i < c->n; i++) {
        judge_mix(s, shape, c->mix[i], out);
        if (runs_well(s->ranking, &out->verdict, s->priced)) return true;
        out->better = c->mix[i];
        out->better_fits = out->verdict.fits;
        if (out->verdict.fits != FITS || !(out->verdict.decode_per_s.likely > per_s)) continue;
        fastest = i;
        per_s = out->verdict.decode_per_s.likely;
    }
    out->better = NULL;
    judge_mix(s, shape, c->mix[fastest], out);
    return false;
}

enum rank_end ranker_best(const struct ranker *s, const struct model_part *part, struct ranked *out)
{
    struct shape shape;
    shape_from_part(part, s->catalog, s->arena, &shape);
    *out = (struct ranked){.part = part, .mix = s->usual.mix[s->usual.smallest]};
    if (shape.unruled) {
        out->verdict.fits = FITS_NOT_COMPUTED;
        out->verdict.why = shape.unruled;
        out->verdict.decode_per_s = out->verdict.prefill_per_s =
            (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, shape.unruled};
        return RANK_NOT_COMPUTED;
    }
    struct candidates own;
    const struct candidates *c = candidates_of(s, part, &shape, &own);
    judge_mix(s, &shape, c->mix[c->smallest], out);
    if (out->verdict.fits != FITS) return fits_not(s, out);
    const bool well = choose_mix(s, &shape, c, out);
    judge_fits(s->machine, &out->verdict);
    return well ? RANK_WELL : RANK_SLOW;
}

void ranker_context(const struct ranker *s, struct ranked *r)
{
    struct shape shape;
    shape_from_part(r->part, s->catalog, s->arena, &shape);
    if (shape.unruled) return;
    const struct task t = task_of(s, &shape, r);
    /* What fits as it was judged fits, though it may be less than a step. */
    const double found = judge_largest_context(&t, s->machine, s->world, CONTEXT_STEP);
    r->largest_context_tokens = r->verdict.fits == FITS ? most(found, r->context_tokens) : found;
}

static bool generates_text(const struct model_part *p)
{
    return p->task && strcmp(p->task, "text-generation") == 0 && p->params_text > 0;
}

static bool sisters(const struct model_part *a, const struct model_part *b)
{
    return a->params_text == b->params_text && a->n_layers == b->n_layers &&
           a->d_model == b->d_model;
}

static size_t rank(const struct ranker *s, const struct model_part *part, size_t parts,
                   struct ranked *out, size_t room)
{
    size_t n = 0;
    struct ranked *found = NEW(s->arena, struct ranked);
    for (size_t i = 0; i < parts; i++) {
        bool sister = false;
        for (size_t k = 0; k < n && !sister; k++) sister = sisters(&part[i], out[k].part);
        const bool smaller = n == room && part[i].params_text <= out[n - 1].part->params_text;
        if (sister || smaller || !generates_text(&part[i]) ||
            ranker_best(s, &part[i], found) != RANK_WELL)
            continue;
        ranker_context(s, found);
        size_t at = n < room ? n++ : n - 1;
        while (at > 0 && out[at - 1].part->params_text < part[i].params_text) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = *found;
    }
    return n;
}

size_t judge_rank(const struct ranking *r, const struct machine *m, const struct catalog *c,
                  const struct world *w, struct arena *a, struct ranked *out, size_t room)
{
    const struct model_part *part;
    size_t parts;
    struct ranker *s = ranker_new(r, m, c, w, a);
    if (!s || !room || !catalog_models(c, &part, &parts, NULL)) return 0;
    s->priced = devices_priced(m);
    const size_t n = rank(s, part, parts, out, room);
    if (n || !s->priced) return n;
    s->priced = false;
    return rank(s, part, parts, out, room);
}
