/* Machines for rent that run the experiments of a set, for `muster doc`: each that has a price and is not retired is judged on each of
 * them, with the usual share of its memory kept free and, of what writes text, at the usual least speed where a speed is known. What may
 * compute on an accelerator must lie there; one without accelerator stands for what needs none. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "cost/runtime.h"
#include "judge/ranker.h"
#include "model/digest.h"
#include "verb/for_rent.h"
#include "verb/paper.h"

#define LEAST_USD 0.01
enum { RENTS_SHOWN = 6, SECONDS_AN_HOUR = 3600 };

struct hiring {
    const struct context *in;
    const struct world *world;
    struct paper *paper;
    struct verdict *verdict; /* of the last judgement */
};

/* It writes text, under a runtime whose speed is computed: then a speed that is not known is none. */
static bool writes(const struct asked *a)
{
    const struct architecture *arch = a->digest->shape->arch;
    return !a->own_knobs && !runtime_of(&a->knobs)->published && !(arch && arch->encoder);
}

/* Whether it runs there as it should. */
static bool runs(struct hiring *t, const struct paper_row *r, const struct machine *m, bool on_cpu)
{
    struct verdict *v = t->verdict;
    struct task task = r->asked->task;
    struct generate g = r->asked->knobs;
    const bool text = cost_writes_text(task.kind), on_device = !on_cpu && r->may[PAPER_DEVICE];
    if (on_cpu && !r->may[PAPER_HOST]) return false;
    if (text) {
        g.closed_form = true;
        if (on_device) {
            g.gpu_layers = KNOB_ALL;
            g.cpu_moe = 0;
            g.kv_offload = OFFLOAD_ON;
        }
        task.knobs = &g;
    }
    judge_task(&task, m, t->world, v);
    if (v->fits != FITS) return false;
    if (on_device && !(text ? verdict_all_on_devices(v) : v->split.sites > 1)) return false;
    return !writes(r->asked) || (estimate_known(v->decode_per_s) &&
                                 v->decode_per_s.likely >= ranking_usual.decode_least_per_s);
}

static void insert(struct paper_rent *list, size_t *n, const struct paper_rent *x)
{
    size_t at = (*n)++;
    for (; at > 0 && x->part->usd_per_hour < list[at - 1].part->usd_per_hour; at--)
        list[at] = list[at - 1];
    list[at] = *x;
}

static void keep_cheaper(struct paper_rent *best, const struct paper_rent *x)
{
    if (!best->part || x->part->usd_per_hour < best->part->usd_per_hour) *best = *x;
}

static bool is_timed(const struct paper_rent *x)
{
    return estimate_known(x->decode_per_s) || estimate_known(x->unit_s);
}

static void try_part(struct hiring *t, const struct cloud_part *c, double beside_bytes)
{
    struct paper *p = t->paper;
    const struct renting from = {t->in, t->world, beside_bytes};
    struct offer x = {.count = 1};
    const struct machine *m = machine_for_rent(&from, c, &x);
    const enum paper_place place = x.on_cpu ? PAPER_HOST : PAPER_DEVICE;
    struct paper_rent rent = {
        .part = c, .ram_assumed = x.ram_assumed, .memory_bytes = x.memory_bytes};
    if (!m) return;
    const struct machine *spared = machine_spared(m, p->spare_share, t->in->arena);
    for (size_t i = 0; i < p->rows; i++) {
        struct paper_row *r = &p->row[i];
        if (r->why || !runs(t, r, spared, x.on_cpu)) continue;
        rent.holds++;
        if (!r->may[place]) continue;
        rent.decode_per_s = t->verdict->decode_per_s;
        rent.unit_s = t->verdict->unit_s;
        rent.duration_s = t->verdict->duration_s;
        keep_cheaper(&r->rent[place], &rent);
        if (is_timed(&rent)) keep_cheaper(&r->timed[place], &rent);
    }
    if (rent.holds == p->computed && rent.holds) insert(p->all[place], &p->alls[place], &rent);
}

bool paper_rents(const struct context *in, const struct world *w, struct paper *p,
                 struct mu_err *err)
{
    const struct cloud_part *cloud;
    size_t clouds;
    if (!catalog_clouds(in->catalog, &cloud, &clouds, err)) return false;
    const double beside = p->memory[NEED_RECOMMENDED][PAPER_BESIDE].bytes;
    struct hiring t = {.in = in, .world = w, .paper = p, .verdict = NEW(in->arena, struct verdict)};
    for (int i = 0; i < PAPER_PLACES; i++)
        p->all[i] = NEW_ARRAY(in->arena, struct paper_rent, clouds + 1);
    for (size_t i = 0; i < clouds; i++) {
        p->retired += cloud[i].retired;
        if (!cloud[i].retired && cloud[i].usd_per_hour > 0 && cloud[i].price_date)
            try_part(&t, &cloud[i], isnan(beside) ? 0 : beside);
    }
    return true;
}

static const char *name_of(struct arena *a, const struct paper_rent *x)
{
    const struct cloud_part *c = x->part;
    const bool current = strcmp(c->status, "current") == 0;
    return str_format(a, "%s%s%s%s%s%s%s", c->provider ? c->provider : "", c->provider ? " " : "",
                      c->name, current ? "" : " (", current ? "" : c->status, current ? "" : ")",
                      x->ram_assumed ? " *" : "");
}

static const char *cards_of(struct arena *a, const struct cloud_part *c, const char *none)
{
    if (!c->gpu) return none;
    return c->gpu_count > 1 ? str_format(a, "%.0f x %s", c->gpu_count, c->gpu) : c->gpu;
}

static const char *price_of(struct arena *a, const struct paper_rent *x)
{
    return str_format(a, "%s USD/h", units_number(a, x->part->usd_per_hour, 3));
}

static const char *range_of(struct arena *a, struct estimate s)
{
    const char *low = units_seconds(a, s.low), *high = units_seconds(a, s.high);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
}

/* What no truth stands behind says so at the start of its source. */
static const char *rough(struct estimate s)
{
    return s.source && strncmp(s.source, "rough", 5) == 0 ? ", rough" : "";
}

static const char *cost_of(struct arena *a, struct estimate s, double usd_per_s)
{
    if (s.high * usd_per_s < LEAST_USD) return str_format(a, "under %g USD", LEAST_USD);
    return str_format(a, "%s-%s USD", units_number(a, s.low * usd_per_s, 2),
                      units_number(a, s.high * usd_per_s, 2));
}

/* With what all of it costs, where it is known how long that takes. */
static const char *speed_of(struct arena *a, const struct paper_row *r, const struct paper_rent *x)
{
    const struct workload *kind = r->asked->task.kind;
    if (estimate_known(x->decode_per_s)) return speed_words(a, x->decode_per_s);
    if (estimate_known(x->duration_s))
        return str_format(a, "%s in all%s, %s", range_of(a, x->duration_s), rough(x->unit_s),
                          cost_of(a, x->duration_s, x->part->usd_per_hour / SECONDS_AN_HOUR));
    if (estimate_known(x->unit_s) && kind->unit)
        return str_format(a, "%s a %s%s", range_of(a, x->unit_s), kind->unit, rough(x->unit_s));
    return "?";
}

static void rent_row(struct doc *d, struct block *b, const struct paper_row *r,
                     const struct paper_rent *x)
{
    struct arena *a = d->arena;
    if (!x->part) return;
    const struct cell row[] = {{.text = r->experiment->title},         {.text = name_of(a, x)},
                               {.text = cards_of(a, x->part, "none")}, {.text = price_of(a, x)},
                               {.text = x->part->price_date},          {.text = speed_of(a, r, x)}};
    table_row(d, b, row);
}

static void show_all(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"All of them", "accelerator", "memory",
                                       "price",       "as of",       "region"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_LEFT, ALIGN_LEFT};
    struct arena *a = d->arena;
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (int place = PAPER_PLACES - 1; place >= 0; place--)
        for (size_t i = 0; i < p->alls[place] && i < RENTS_SHOWN; i++) {
            const struct paper_rent *x = &p->all[place][i];
            const struct cloud_part *c = x->part;
            const struct cell row[] = {{.text = name_of(a, x)},
                                       {.text = cards_of(a, c, "none, all on its CPU")},
                                       {.text = units_bytes(a, x->memory_bytes)},
                                       {.text = price_of(a, x)},
                                       {.text = c->price_date},
                                       {.text = c->region ? c->region : "?"}};
            table_row(d, b, row);
        }
}

void show_doc_rents(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"Each by itself", "cheapest", "accelerator",
                                       "price",          "as of",    "speed or time"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT, ALIGN_LEFT,
                                       ALIGN_RIGHT, ALIGN_LEFT, ALIGN_RIGHT};
    if (!p->computed) return;
    doc_heading(d, "Machines for rent");
    show_all(d, p);
    doc_note(
        d, TONE_DIM,
        "Cheapest first, each with %.0f %% of its memory left over%s. Prices are on-demand, of "
        "the whole instance, as the catalogue has them with that date: look again before "
        "renting. Retired instances are never among them (%zu known).%s",
        p->spare_share * 100,
        str_format(d->arena, " and text written at %.0f tokens a second or more",
                   ranking_usual.decode_least_per_s),
        p->retired, " *: its RAM is not listed; enough beside the card is taken.");
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < p->rows; i++)
        for (int place = 0; place < PAPER_PLACES; place++) {
            const struct paper_row *r = &p->row[i];
            rent_row(d, b, r, &r->rent[place]);
            if (r->rent[place].part != r->timed[place].part) rent_row(d, b, r, &r->timed[place]);
        }
    doc_note(
        d, TONE_DIM,
        "Without accelerator where none is needed, and with one; where nothing is known of the "
        "speed of the cheapest, the cheapest of which it is, too. Speeds follow what is listed "
        "for the parts, nothing was measured there; a time stands where an amount of work is "
        "known or one unit of it is.");
}
