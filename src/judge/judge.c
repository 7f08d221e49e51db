/* Holds a bill against a machine: what is held where and whether it fits, what is worked and how long that takes. The same bill is
 * shown as evidence, so no figure exists twice. What lies where is said by a split; placement.c looks for the best one. Left out:
 * ranges of what is exact (the plan), which are points. */
#include "judge/judge.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/runtime.h"
#include "judge/disk.h"
#include "judge/placement.h"
#include "judge/speed.h"
#include "judge/time.h"
#include "machine/facts.h"
#include "model/digest.h"

const char *fits_word(enum fits fits)
{
    static const char *const word[] = {"yes", "probably", "no", "not known", "not computed"};
    return word[fits];
}

static struct estimate not_priced(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
}

const struct residual *judge_memory_residual(const struct task *t, const struct split *s, int site,
                                             const struct world *w)
{
    const struct generate *g = t->knobs;
    if (!cost_writes_text(t->kind)) return t->kind->truth ? residual_find(w, t->kind->truth) : NULL;
    if (runtime_of(g)->published) return NULL;
    if (!g->closed_form && t->model->shape->arch->checked) return NULL;
    if (s->sites == 1) return residual_find(w, "memory_cpu.total.closed_form");
    return residual_find(w, site == ON_HOST ? "memory_offload.host.closed_form"
                                            : "memory_offload.device.closed_form");
}

static struct estimate widened(double value, const struct residual *r)
{
    if (!r) return estimate_exactly(value, ESTIMATED, "bill");
    return estimate_of(value * least(r->low, 1), value, value * most(r->high, 1), ESTIMATED,
                       r->class_);
}

double site_needs(const struct site *s)
{
    return s->held_bytes.likely + s->beside_bytes;
}

double site_needs_most(const struct site *s)
{
    return s->held_bytes.high + s->beside_most_bytes;
}

const struct site *verdict_binding(const struct verdict *v)
{
    const struct site *worst = &v->site[ON_HOST];
    for (int i = 1; i < v->split.sites; i++)
        if (v->site[i].fits > worst->fits) worst = &v->site[i];
    return worst;
}

double verdict_needs(const struct verdict *v)
{
    double sum = 0;
    for (int i = 0; i < v->split.sites; i++) sum += site_needs(&v->site[i]);
    return sum;
}

bool verdict_all_on_devices(const struct verdict *v)
{
    const struct split *s = &v->split;
    return s->sites > 1 && !(s->layers[ON_HOST] > 0) && !(s->host_experts > 0) && !s->host_cache;
}

static double held_as(const struct bill *b, int site, enum held_as as)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && b->line[i].held_as == as && b->line[i].site == site)
            sum += b->line[i].amount;
    return sum;
}

/* What it holds hangs on ABOUT()s. */
static bool bends(const struct task *t)
{
    return !cost_writes_text(t->kind) || runtime_of(t->knobs)->published;
}

/* What is beside the held bytes, at the high end of what it depends on and nobody knows: those lines of the bill run again with each unknown
 * bent, differences in quadrature. */
static void beside_most(const struct task *t, struct verdict *v)
{
    double squares[SITES] = {0};
    for (size_t k = 1; k <= v->bill.abouts; k++) {
        struct bill again;
        again.note = NULL;
        again.bent = k;
        again.bend = +1;
        if (bends(t))
            cost_bill(t, &v->split, &again);
        else
            cost_beside(t, &v->split, &again);
        for (int i = 0; i < v->split.sites; i++) {
            const double more = held_as(&again, i, HELD_PROCESS) - v->site[i].beside_bytes;
            squares[i] += more * more;
        }
    }
    for (int i = 0; i < v->split.sites; i++)
        v->site[i].beside_most_bytes = v->site[i].beside_bytes + sqrt(squares[i]);
}

/* What a site holds, from the least to the most that it depends on and nobody knows, beside how far truth scatters where there is any. */
static void held_range(const struct task *t, const struct world *w, struct verdict *v)
{
    double less[SITES] = {0}, more[SITES] = {0};
    for (size_t k = 1; k <= v->bill.abouts; k++)
        for (int bend = -1; bend <= 1; bend += 2) {
            struct bill again = {.bent = k, .bend = bend};
            cost_bill(t, &v->split, &again);
            for (int i = 0; i < v->split.sites; i++) {
                const double by = bill_held(&again, (unsigned)i) - v->site[i].held_bytes.likely;
                *(by < 0 ? &less[i] : &more[i]) += by * by;
            }
        }
    for (int i = 0; i < v->split.sites; i++) {
        const double likely = v->site[i].held_bytes.likely;
        const struct residual *r = judge_memory_residual(t, &v->split, i, w);
        const double under = r ? likely * most(1 - r->low, 0) : 0;
        const double over = r ? likely * most(r->high - 1, 0) : 0;
        v->site[i].held_bytes = estimate_of(likely - sqrt(less[i] + under * under), likely,
                                            likely + sqrt(more[i] + over * over), ESTIMATED,
                                            r ? r->class_ : "its rules, never held against a run");
    }
}

/* A limit of address space counts pages of mapped files too, which the pool does not. */
static void judge_address_space(const struct machine *m, struct verdict *v)
{
    struct site *host = &v->site[ON_HOST];
    const double mapped_bytes = held_as(&v->bill, ON_HOST, HELD_MAPPED);
    for (size_t i = 0; m->facts && i < m->facts->limits; i++) {
        const struct limit *l = &m->facts->limit[i];
        double bytes;
        if (!l->counts_mappings || !known(l->bytes, &bytes)) continue;
        if (site_needs(host) + mapped_bytes <= bytes) continue;
        v->fits = host->fits = FITS_NOT;
        host->usable_bytes = most(bytes - mapped_bytes, 0);
        host->bound_by = l->what;
    }
}

/* A pool's bytes, or of those what the place may use. */
static void use_pool(const struct machine *m, struct site *s)
{
    const struct place *place = &m->place[s->place];
    const struct pool *pool = &m->pool[place->pool];
    double limit;
    s->pool = place->pool;
    s->bound_by = pool->bound_by;
    s->usable_bytes = known_or(pool->usable_bytes, (double)NAN);
    if (!known(place->limit_bytes, &limit) || limit >= s->usable_bytes) return;
    s->usable_bytes = limit;
    s->bound_by = place->bound_by;
}

static enum fits fits_in(double likely, double high, double usable_bytes)
{
    if (isnan(usable_bytes)) return FITS_UNKNOWN;
    if (likely > usable_bytes) return FITS_NOT;
    return high > usable_bytes ? FITS_PROBABLY : FITS;
}

/* Sites on one pool share it: the first of them answers for all. */
static enum fits fits_together(const struct machine *m, const struct verdict *v, int first)
{
    double likely = 0, high = 0;
    for (int i = 0; i < v->split.sites; i++) {
        if (v->site[i].pool != v->site[first].pool) continue;
        if (i < first) return FITS;
        likely += site_needs(&v->site[i]);
        high += site_needs_most(&v->site[i]);
    }
    const struct pool *pool = &m->pool[v->site[first].pool];
    return fits_in(likely, high, known_or(pool->usable_bytes, (double)NAN));
}

void judge_narrow(struct verdict *v, int site, double usable_bytes, const char *bound_by)
{
    struct site *s = &v->site[site];
    s->usable_bytes = usable_bytes;
    s->bound_by = bound_by;
    s->fits = fits_in(site_needs(s), site_needs_most(s), usable_bytes);
    if (s->fits > v->fits) v->fits = s->fits;
}

void judge_fits(const struct machine *m, struct verdict *v)
{
    v->fits = FITS;
    for (int i = 0; i < v->split.sites; i++) use_pool(m, &v->site[i]);
    for (int i = 0; i < v->split.sites; i++) {
        struct site *s = &v->site[i];
        const enum fits alone = fits_in(site_needs(s), site_needs_most(s), s->usable_bytes);
        const enum fits together = fits_together(m, v, i);
        s->fits = together > alone ? together : alone;
        if (s->fits > v->fits) v->fits = s->fits;
    }
    v->why = v->fits == FITS_UNKNOWN ? "the memory one process may use is not known" : NULL;
    judge_address_space(m, v);
}

/* Threads that would work: those asked for, else all that one process may use. */
static double threads_of(const struct task *t, const struct machine *m)
{
    const struct generate *g = t->knobs;
    return g->threads > 0 ? g->threads : known_or(machine_cpu(m)->threads, 0);
}

static struct estimate tried(double per_s, const struct sample *s)
{
    return per_s > 0 ? estimate_exactly(per_s, MEASURED, s->how) : not_priced("the trial has none");
}

/* What other trials on this machine say of its rates; with three models or more also how far they scatter. */
static struct estimate calibrated(struct estimate e, const struct calibration *c)
{
    enum { SCATTER_MODELS = 3 };
    if (!c->models || !estimate_known(e)) return e;
    const double likely = e.likely * c->likely;
    const bool scatter = c->models >= SCATTER_MODELS;
    const double low = scatter ? least(c->low / c->likely, 1) : e.low / e.likely;
    const double high = scatter ? most(c->high / c->likely, 1) : e.high / e.likely;
    return estimate_of(likely * low, likely, likely * high, e.origin,
                       "kernel rates, corrected by trials here");
}

/* Decoding at the most that the devices may draw; the host's own draw is left out. */
static struct estimate tokens_per_joule(const struct machine *m, const struct verdict *v)
{
    double all_w = 0, watts;
    for (int i = 1; i < v->split.sites; i++) {
        if (!(v->split.layers[i] > 0)) continue;
        if (!known(m->place[v->site[i].place].power_w, &watts) || !(watts > 0))
            return not_priced("what a device draws is not known");
        all_w += watts;
    }
    if (!(all_w > 0)) return not_priced("what the host draws is not known");
    struct estimate e = v->decode_per_s;
    if (!estimate_known(e)) return e;
    return estimate_of(e.low / all_w, e.likely / all_w, e.high / all_w, e.origin,
                       "by what its devices may draw, the host left out");
}

/* A trial tells only of what ran as it would: here, with everything on the host. */
static void judge_speed(const struct task *t, const struct machine *m, const struct world *w,
                        struct verdict *out)
{
    const struct generate *g = t->knobs;
    if (!cost_writes_text(t->kind)) {
        out->decode_per_s = out->prefill_per_s = out->decode_per_joule =
            not_priced("it writes no text");
        return;
    }
    const double threads = threads_of(t, m);
    if (runtime_of(g)->unpriced) {
        out->decode_per_s = out->prefill_per_s = out->decode_per_joule =
            not_priced(runtime_of(g)->unpriced);
        return;
    }
    const bool host = out->split.sites == 1;
    const bool alone = !(g->decoding > 1); /* as trials run */
    const struct sample *s =
        host && alone ? calibrate_find(w->sample, w->samples, t, threads) : NULL;
    if (s) {
        out->decode_per_s = tried(s->measured.decode_per_s, s);
        out->prefill_per_s = tried(s->measured.prefill_per_s, s);
        out->decode_per_joule = tokens_per_joule(m, out);
        return;
    }
    const struct shape *shape = t->model->shape;
    const struct speed_asked asked = {
        .bill = &out->bill,
        .machine = m,
        .world = w,
        .threads = threads,
        .split = &out->split,
        .site = out->site,
        .flash = g->flash_attention != (double)FLASH_OFF,
        .experts = shape->experts > 0,
        .at_once = most(least(g->prompt_tokens, g->ubatch_tokens), 1),
        .stream_bytes = sizeof(float) * shape->width,
        .decoding = g->decoding,
    };
    out->decode_per_s = speed_of(&asked, DECODE);
    out->prefill_per_s = speed_of(&asked, PREFILL);
    out->decode_per_joule = tokens_per_joule(m, out);
    if (!host || threads != w->calibrated_threads) return;
    out->decode_per_s = calibrated(out->decode_per_s, &w->decode);
    out->prefill_per_s = calibrated(out->prefill_per_s, &w->prefill);
}

static void not_computed(struct verdict *out)
{
    out->fits = FITS_NOT_COMPUTED;
    out->why = out->bill.unruled;
    for (int i = 0; i < out->split.sites; i++) {
        out->site[i].fits = FITS_NOT_COMPUTED;
        out->site[i].held_bytes = not_priced(out->bill.unruled);
        out->site[i].beside_bytes = out->site[i].beside_most_bytes = (double)NAN;
    }
}

void judge_split(const struct task *t, const struct machine *m, const struct world *w,
                 const struct split *s, const struct seats *at, struct verdict *out)
{
    out->split = *s;
    out->bill.note = NULL;
    out->bill.bent = 0;
    cost_bill(t, &out->split, &out->bill);
    out->prefill_per_s = out->decode_per_s = not_priced(out->bill.unruled);
    out->decode_per_joule = not_priced(out->bill.unruled);
    out->unit_s = out->duration_s = not_priced("how long it takes is not computed");
    out->unit_disk_bytes = out->disk_bytes = not_priced(out->bill.unruled);
    for (int i = 0; i < s->sites; i++) {
        out->site[i] = (struct site){.place = at->place[i]};
        use_pool(m, &out->site[i]);
    }
    if (out->bill.unruled) {
        not_computed(out);
        return;
    }
    for (int i = 0; i < s->sites; i++) {
        out->site[i].held_bytes =
            widened(bill_held(&out->bill, (unsigned)i), judge_memory_residual(t, s, i, w));
        out->site[i].beside_bytes = held_as(&out->bill, i, HELD_PROCESS);
    }
    if (bends(t)) held_range(t, w, out);
    beside_most(t, out);
    judge_fits(m, out);
    judge_disk(t, m, out);
    judge_speed(t, m, w, out);
    if (out->fits == FITS_NOT)
        out->unit_s = out->duration_s = not_priced("it does not fit");
    else
        judge_time(t, m, w, out);
}

void judge_task(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *out)
{
    if (!cost_writes_text(t->kind)) {
        placement_whole(t, m, w, out);
        return;
    }
    const struct seats host = {.place = {(uint16_t)(machine_cpu(m) - m->place)}};
    if (placement_torch(t, m, w, out)) return;
    if (!placement_find(t, m, w, out)) judge_split(t, m, w, &split_host, &host, out);
}

double judge_trained_context(const struct task *t)
{
    const struct generate *g = t->knobs;
    return t->model->shape->context_tokens * (g->kv_unified || g->context_each ? 1 : g->sequences);
}

double judge_largest_context(const struct task *t, const struct machine *m, const struct world *w,
                             double step)
{
    struct generate g = *(const struct generate *)t->knobs;
    const struct task asked = {t->kind, t->model, &g};
    struct verdict v;
    double fitting = 0, over = floor(judge_trained_context(t) / step) + 1;
    while (over - fitting > 1) {
        const double middle = floor((fitting + over) / 2);
        g.context_tokens = middle * step;
        judge_task(&asked, m, w, &v);
        if (v.fits == FITS_UNKNOWN || v.fits == FITS_NOT_COMPUTED) return 0;
        if (v.fits == FITS)
            fitting = middle;
        else
            over = middle;
    }
    return fitting * step;
}

const char *judge_figure(double guide_bytes, const struct verdict *v, double spare_share)
{
    double least_bytes = 0, most_bytes = 0;
    for (int i = 0; i < v->split.sites; i++) {
        const struct site *s = &v->site[i];
        if (!estimate_known(s->held_bytes)) return "unsupported";
        least_bytes += s->held_bytes.low + s->beside_bytes;
        most_bytes += (s->held_bytes.high + s->beside_bytes) / (1 - spare_share);
    }
    if (isnan(guide_bytes)) return "unsupported";
    if (guide_bytes < least_bytes) return "too low";
    return guide_bytes > most_bytes ? "too high" : "confirmed";
}
