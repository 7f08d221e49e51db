/* Holds a bill against a machine: what is held where and whether it fits, what is worked and how long that takes. The same bill is
 * shown as evidence, so no figure exists twice. Today everything lies on the host; accelerators are seen, not sized yet. Left out:
 * ranges of what is exact (the plan), which are points. */
#include "judge/judge.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "catalog/architecture.h"
#include "judge/speed.h"
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

/* The class whose residuals widen a figure of this task; NULL: exact. A plan that was never held against truth is no better than the
 * closed form. */
static const struct residual *memory_residual(const struct task *t, const struct world *w)
{
    const struct generate *g = t->knobs;
    const bool exact = !g->closed_form && t->model->shape->arch->checked;
    return exact ? NULL : residual_find(w, "memory_cpu.total.closed_form");
}

static struct estimate widened(double value, const struct residual *r)
{
    if (!r) return estimate_exactly(value, ESTIMATED, "bill");
    return estimate_of(value * least(r->low, 1), value, value * most(r->high, 1), ESTIMATED,
                       r->class_);
}

static enum fits fits_in(const struct verdict *v)
{
    if (isnan(v->usable_bytes)) return FITS_UNKNOWN;
    if (v->held_bytes.likely + v->process_bytes > v->usable_bytes) return FITS_NOT;
    return v->held_bytes.high + v->process_most_bytes > v->usable_bytes ? FITS_PROBABLY : FITS;
}

static double held_as(const struct bill *b, enum held_as as)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && b->line[i].held_as == as) sum += b->line[i].amount;
    return sum;
}

/* The process at the high end of what it depends on and nobody knows: the bill run again with each unknown bent, differences in
 * quadrature. */
static double process_most(const struct task *t, const struct verdict *v)
{
    double squares = 0;
    for (size_t k = 1; k <= v->bill.abouts; k++) {
        struct bill again = {.bent = k, .bend = +1};
        cost_bill(t, &v->split, &again);
        const double more = held_as(&again, HELD_PROCESS) - v->process_bytes;
        squares += more * more;
    }
    return v->process_bytes + sqrt(squares);
}

/* A limit of address space counts pages of mapped files too, which the pool does not. */
static void judge_address_space(const struct machine *m, struct verdict *v)
{
    const double mapped_bytes = held_as(&v->bill, HELD_MAPPED);
    for (size_t i = 0; m->facts && i < m->facts->limits; i++) {
        const struct limit *l = &m->facts->limit[i];
        double bytes;
        if (!l->counts_mappings || !known(l->bytes, &bytes)) continue;
        if (v->held_bytes.likely + v->process_bytes + mapped_bytes <= bytes) continue;
        v->fits = FITS_NOT;
        v->usable_bytes = most(bytes - mapped_bytes, 0);
        v->bound_by = l->what;
    }
}

static void use_pool(const struct machine *m, struct verdict *v)
{
    const struct pool *memory = machine_memory(m);
    v->bound_by = memory->bound_by;
    v->usable_bytes = known_or(memory->usable_bytes, (double)NAN);
}

void judge_fits(const struct machine *m, struct verdict *v)
{
    use_pool(m, v);
    v->fits = fits_in(v);
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
                       "speed by the most that its devices may draw");
}

static void judge_speed(const struct task *t, const struct machine *m, const struct world *w,
                        struct verdict *out)
{
    const double threads = threads_of(t, m);
    const struct sample *s = calibrate_find(w->sample, w->samples, t, threads);
    if (s) {
        out->decode_per_s = tried(s->measured.decode_per_s, s);
        out->prefill_per_s = tried(s->measured.prefill_per_s, s);
        out->decode_per_joule = tokens_per_joule(m, out);
        return;
    }
    const struct generate *g = t->knobs;
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
    };
    out->decode_per_s = speed_of(&asked, DECODE);
    out->prefill_per_s = speed_of(&asked, PREFILL);
    out->decode_per_joule = tokens_per_joule(m, out);
    if (threads != w->calibrated_threads) return;
    out->decode_per_s = calibrated(out->decode_per_s, &w->decode);
    out->prefill_per_s = calibrated(out->prefill_per_s, &w->prefill);
}

void judge_task(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *out)
{
    out->split = split_host;
    out->bill.note = NULL;
    out->bill.bent = 0;
    cost_bill(t, &out->split, &out->bill);
    use_pool(m, out);
    out->prefill_per_s = out->decode_per_s = not_priced(out->bill.unruled);
    out->decode_per_joule = not_priced(out->bill.unruled);
    if (out->bill.unruled) {
        out->fits = FITS_NOT_COMPUTED;
        out->why = out->bill.unruled;
        out->held_bytes = not_priced(out->bill.unruled);
        out->process_bytes = out->process_most_bytes = (double)NAN;
        return;
    }
    out->held_bytes = widened(bill_held(&out->bill, ON_HOST), memory_residual(t, w));
    out->process_bytes = held_as(&out->bill, HELD_PROCESS);
    out->process_most_bytes = process_most(t, out);
    judge_fits(m, out);
    judge_speed(t, m, w, out);
}

double judge_largest_context(const struct task *t, const struct machine *m, const struct world *w,
                             double step)
{
    struct generate g = *(const struct generate *)t->knobs;
    const struct task asked = {t->kind, t->model, &g};
    struct verdict v;
    double fitting = 0, over = floor(t->model->shape->context_tokens / step) + 1;
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
    if (!estimate_known(v->held_bytes) || isnan(guide_bytes)) return "unsupported";
    const double least_bytes = v->held_bytes.low + v->process_bytes;
    const double most_bytes = (v->held_bytes.high + v->process_bytes) / (1 - spare_share);
    if (guide_bytes < least_bytes) return "too low";
    return guide_bytes > most_bytes ? "too high" : "confirmed";
}
