/* The models that may stand in a task's place, prepared for the search: quantisations within the quality bound that are smaller than the
 * one asked for, and smaller models of the family that were trained for the context. Left out: models of a file, whose family nobody
 * knows, smaller ones where something runs beside the model, and checkpoints that are published quantised. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/elsewhere.h"
#include "verb/fetching.h"
#include "verb/fit.h"
#include "verb/remedied.h"

enum { SIZES_MOST = 6, MIXES_MOST = 16, SIZE_CANDIDATES = 64 };

struct gathering {
    const struct context *in;
    const struct asked *asked;
    const struct shape *shape[SIZES_MOST];
    const char *size[SIZES_MOST];
    const struct mix *mix[MIXES_MOST]; /* NULL at first: as asked */
    size_t sizes, mixes;
};

/* ---- quantisations */

static bool takes_mixes(const struct asked *a)
{
    return !a->own_knobs && !runtime_of(&a->knobs)->published && !a->digest->unruled;
}

static void gather_mixes(struct gathering *g)
{
    const struct mix *mix[MIXES_MOST];
    struct digest *d = NEW(g->in->arena, struct digest);
    double bytes = g->asked->digest->weight_bytes;
    if (!takes_mixes(g->asked)) return;
    const size_t n = ranking_mixes(&ranking_usual, g->in->catalog, mix, MIXES_MOST);
    for (size_t i = 0; i < n && g->mixes < MIXES_MOST; i++) {
        digest_of_shape(g->asked->digest->shape, mix[i], g->in->catalog, d);
        if (d->unruled || !(d->weight_bytes < bytes)) continue;
        bytes = d->weight_bytes;
        g->mix[g->mixes++] = mix[i];
    }
}

/* ---- smaller models of the family */

static const struct model_part *part_of(const struct gathering *g)
{
    const struct model_part *own;
    const struct asked *a = g->asked;
    const bool published = !a->own_knobs && runtime_of(&a->knobs)->published;
    if (a->file || a->folder || a->beside || !a->digest->name) return NULL;
    if (published && a->digest->packed_bytes > 0) return NULL;
    if (catalog_model(g->in->catalog, str_of(a->digest->name), &own, NULL) == MATCH_NONE)
        return NULL;
    return own;
}

/* The mix that a smaller one is taken in: as the larger was. */
static const struct mix *mix_of(const struct gathering *g)
{
    const char *quant = takes_mixes(g->asked) ? g->asked->digest->quant : "F16";
    return quant ? catalog_mix(g->in->catalog, str_of(quant)) : NULL;
}

static bool smaller(const struct gathering *g, const struct model_part *own,
                    const struct model_part *part)
{
    const double context = g->asked->own_knobs ? 0 : g->asked->knobs.context_tokens;
    return str_same(part->family, own->family) && str_same(part->task, own->task) &&
           part->params_total < own->params_total && part->max_context >= context;
}

/* Largest first; of those as large as each other the first. */
static size_t in_order(const struct gathering *g, const struct model_part *own,
                       const struct model_part *out[SIZE_CANDIDATES])
{
    const struct model_part *part;
    size_t parts, n = 0;
    struct mu_err unsaid = {.code = MU_OK};
    if (!catalog_models(g->in->catalog, &part, &parts, &unsaid)) return 0;
    for (size_t i = 0; i < parts && n < SIZE_CANDIDATES; i++) {
        if (!smaller(g, own, &part[i])) continue;
        size_t at = n++;
        for (; at > 0 && out[at - 1]->params_total < part[i].params_total; at--)
            out[at] = out[at - 1];
        out[at] = &part[i];
    }
    return n;
}

static void gather_sizes(struct gathering *g)
{
    const struct model_part *part[SIZE_CANDIDATES], *own = part_of(g);
    const struct mix *mix = mix_of(g);
    const size_t n = own && mix ? in_order(g, own, part) : 0;
    double bytes = (double)INFINITY;
    for (size_t i = 0; i < n && g->sizes < SIZES_MOST; i++) {
        struct shape *shape = NEW(g->in->arena, struct shape);
        struct digest *d = NEW(g->in->arena, struct digest);
        shape_from_part(part[i], g->in->catalog, g->in->arena, shape);
        digest_of_shape(shape, mix, g->in->catalog, d);
        if (d->unruled || !(d->weight_bytes < bytes)) continue;
        bytes = d->weight_bytes;
        g->shape[g->sizes] = shape;
        g->size[g->sizes++] = part[i]->hf_id;
    }
}

/* ---- all of them */

static const struct digest *digest_of(const struct gathering *g, size_t size, size_t mix)
{
    struct digest *d = NEW(g->in->arena, struct digest);
    const struct mix *in_mix = mix ? g->mix[mix] : mix_of(g);
    if (!size && !mix) return g->asked->digest;
    digest_of_shape(size ? g->shape[size] : g->asked->digest->shape, in_mix, g->in->catalog, d);
    d->name = size ? g->size[size] : g->asked->digest->name;
    d->quant = in_mix->name;
    return d;
}

static const struct remedy_models *models_of(const struct context *in, const struct asked *a,
                                             bool others, struct remedied *out)
{
    struct gathering *g = NEW(in->arena, struct gathering);
    struct remedy_models *m = NEW(in->arena, struct remedy_models);
    *g = (struct gathering){.in = in, .asked = a, .sizes = 1, .mixes = 1};
    gather_mixes(g);
    if (others) gather_sizes(g);
    const struct digest **digest = NEW_ARRAY(in->arena, const struct digest *, g->sizes * g->mixes);
    for (size_t i = 0; i < g->sizes; i++)
        for (size_t k = 0; k < g->mixes; k++) digest[i * g->mixes + k] = digest_of(g, i, k);
    *m = (struct remedy_models){digest, g->sizes, g->mixes};
    out->mix = g->mix;
    out->size = g->size;
    return m;
}

static bool wanted(const struct verdict *v, double decode_least_per_s)
{
    if (v->bill.unruled || v->fits == FITS_UNKNOWN || v->fits == FITS_NOT_COMPUTED) return false;
    if (v->fits == FITS_NOT) return true;
    return !isnan(decode_least_per_s) && estimate_known(v->decode_per_s) &&
           v->decode_per_s.likely < decode_least_per_s;
}

struct remedied *find_remedies(const struct context *in, const struct placed *p,
                               const struct world *w, const char *operand,
                               double decode_least_per_s)
{
    if (!wanted(p->verdict, decode_least_per_s)) return NULL;
    struct remedied *r = NEW(in->arena, struct remedied);
    *r = (struct remedied){.before = p->verdict, .task = p->asked, .operand = operand};
    if (operand) (void)named_quant(in, &r->operand, &r->named_quant);
    r->asked = (struct remedy_asked){.task = &p->asked->task,
                                     .machine = p->machine,
                                     .world = w,
                                     .catalog = in->catalog,
                                     .models = models_of(in, p->asked, operand != NULL, r),
                                     .decode_least_per_s = decode_least_per_s,
                                     .on_device = p->verdict->split.sites > 1};
    judge_remedies(&r->asked, &r->found);
    return r;
}

/* Where others lie beside it: as it is without them. */
static void try_alone(const struct context *in, const struct world *w, const struct fit *f,
                      struct remedied *r)
{
    struct placed *alone = NEW(in->arena, struct placed);
    struct verdict *v = NEW(in->arena, struct verdict);
    if (!r || !f->whole) return;
    judge_task(&f->asked.task, f->whole, w, v);
    if (!remedy_does(&r->asked, v)) return;
    *alone = (struct placed){&f->asked, f->whole, v};
    r->alone = alone;
    r->reload_s = f->fetch ? f->fetch->fetch.load_s
                           : (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN,
                                               "how fast its disk reads is not known"};
}

bool fit_remedies(const struct request *q, const struct context *in, const struct world *w,
                  double decode_least_per_s, struct fit *f, struct mu_err *err)
{
    struct remedied *r = find_remedies(in, &f->placed, w, q->operand[0], decode_least_per_s);
    if (!isnan(decode_least_per_s) && !estimate_known(f->verdict.decode_per_s))
        note_add(in->notes, "whether it decodes %g tokens a second is not known: %s",
                 decode_least_per_s, f->verdict.decode_per_s.source);
    try_alone(in, w, f, r);
    f->remedied = r;
    const struct elsewhere_asked asked = {.placed = &f->placed,
                                          .folder = request_text(q, "reports"),
                                          .rent = f->remedied != NULL,
                                          .repack_given = request_text(q, "repack") != NULL,
                                          .decode_least_per_s = decode_least_per_s};
    return find_elsewhere(in, &asked, &f->elsewhere, err);
}
