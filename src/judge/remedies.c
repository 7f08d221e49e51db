/* Lists of changes by their number; of each set of ladders the rungs by how far down they are together, the first that does it kept. Where
 * not even the weakest rungs of a set do it, none of the set is tried: a ladder goes down. Left out: ladders that go up (more threads,
 * more devices than are asked for beside shards), other runtimes, and changes to what runs beside it. */
#include "judge/remedies.h"

#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "base/num.h"
#include "cost/runtime.h"
#include "model/digest.h"

enum { FOUND_MOST = 48, TRIES_MOST = 800 };

/* A list of changes: ladders in their order, and a rung of each. */
struct list {
    uint8_t n, ladder[CHANGES_MOST], rung[CHANGES_MOST];
    uint8_t fits; /* enum fits */
};
struct hunt {
    const struct remedy_asked *asked;
    struct remedies *out;
    size_t tries_most;
    struct list found[FOUND_MOST]; /* best first */
    size_t founds;
    bool shorter; /* lists of fewer changes are among them */
    alignas(max_align_t) unsigned char knobs[REMEDY_KNOBS_BYTES];
    struct verdict verdict; /* of the last try */
};

bool remedy_does(const struct remedy_asked *asked, const struct verdict *v)
{
    if (v->fits > FITS_PROBABLY) return false;
    if (isnan(asked->decode_least_per_s)) return true;
    return estimate_known(v->decode_per_s) && v->decode_per_s.likely >= asked->decode_least_per_s;
}

/* ---- a list of changes tried */

static const struct digest *digest_at(const struct remedy_models *m, size_t size, size_t mix)
{
    return m->digest[size * m->mixes + mix];
}

/* Weights of another model may not be laid out anew where its own were. */
static void settle(struct task *t, const struct digest *asked, void *knobs)
{
    struct generate *g = knobs;
    if (t->model == asked || !cost_writes_text(t->kind) || runtime_of(g)->published) return;
    (void)judge_repacking(t->model, g);
}

struct task remedy_task(const struct remedy_asked *asked, const struct remedy *r,
                        unsigned char knobs[REMEDY_KNOBS_BYTES])
{
    struct task t = *asked->task;
    size_t at[] = {[LADDER_OF_KNOB] = 0, [LADDER_OF_MIX] = 0, [LADDER_OF_SIZE] = 0};
    memcpy(knobs, asked->task->knobs, t.kind->size);
    t.knobs = knobs;
    for (size_t i = 0; i < r->changes; i++) {
        const struct steps *s = r->change[i].steps;
        struct rung rung = s->rung[r->change[i].rung];
        rung.number = r->change[i].number;
        if (s->of != LADDER_OF_KNOB)
            at[s->of] = (size_t)rung.number;
        else
            (void)rung_set(t.kind, knobs, s, &rung, asked->catalog);
    }
    if (at[LADDER_OF_MIX] || at[LADDER_OF_SIZE])
        t.model = digest_at(asked->models, at[LADDER_OF_SIZE], at[LADDER_OF_MIX]);
    settle(&t, asked->task->model, knobs);
    return t;
}

static void spell(const struct hunt *h, const struct list *l, struct remedy *out)
{
    out->changes = l->n;
    out->cost = COSTS_NOTHING;
    for (size_t i = 0; i < l->n; i++) {
        const struct steps *s = &h->out->steps[l->ladder[i]];
        out->change[i] = (struct remedy_change){s, l->rung[i], s->rung[l->rung[i]].number};
        if (s->cost > out->cost) out->cost = s->cost;
    }
}

static bool is_device(const struct steps *s)
{
    return s->knob && str_is(str_of(s->knob->name), "device");
}

/* Changes that mean nothing on the host are not for what would lie there; and what was to compute on a device goes on the host as a
 * change of its own, which takes time. */
static bool in_place(const struct hunt *h, const struct list *l)
{
    bool to_host = cost_writes_text(h->asked->task->kind) || !h->asked->on_device;
    if (h->verdict.split.sites > 1) return true;
    for (size_t i = 0; i < l->n; i++) {
        const struct steps *s = &h->out->steps[l->ladder[i]];
        if (s->on_device) return false;
        to_host = to_host || is_device(s);
    }
    return to_host;
}

/* Whether it does what was asked for; false too when no more may be tried. */
static bool does(struct hunt *h, struct list *l)
{
    struct remedy changed;
    if (h->out->tries >= h->tries_most) {
        h->out->cut_short = true;
        return false;
    }
    h->out->tries++;
    spell(h, l, &changed);
    const struct task t = remedy_task(h->asked, &changed, h->knobs);
    judge_task(&t, h->asked->machine, h->asked->world, &h->verdict);
    l->fits = (uint8_t)h->verdict.fits;
    return remedy_does(h->asked, &h->verdict) && in_place(h, l);
}

/* ---- which is better */

/* Goes as far down on all ladders of the other, or further. */
static bool holds(const struct list *l, const struct list *other)
{
    size_t k = 0;
    for (size_t i = 0; i < l->n && k < other->n; i++)
        if (l->ladder[i] == other->ladder[k]) {
            if (l->rung[i] < other->rung[k]) return false;
            k++;
        }
    return k == other->n;
}

/* One that surely fits stands within it. */
static bool needless(const struct hunt *h, const struct list *l)
{
    for (size_t i = 0; i < h->founds; i++)
        if (h->found[i].fits == FITS && holds(l, &h->found[i])) return true;
    return false;
}

struct burden {
    size_t dearest, sum, rungs;
};

static struct burden burden_of(const struct hunt *h, const struct list *l)
{
    struct burden b = {0, 0, 0};
    for (size_t i = 0; i < l->n; i++) {
        const size_t cost = h->out->steps[l->ladder[i]].cost;
        if (cost > b.dearest) b.dearest = cost;
        b.sum += cost;
        b.rungs += l->rung[i] + 1U;
    }
    return b;
}

/* Fewer changes, then surely before probably, then what costs less; of those alike the one that was found first. */
static bool better(const struct hunt *h, const struct list *a, const struct list *b)
{
    const struct burden x = burden_of(h, a), y = burden_of(h, b);
    if (a->n != b->n) return a->n < b->n;
    if (a->fits != b->fits) return a->fits < b->fits;
    if (x.dearest != y.dearest) return x.dearest < y.dearest;
    if (x.sum != y.sum) return x.sum < y.sum;
    return x.rungs < y.rungs;
}

static void keep(struct hunt *h, const struct list *l)
{
    size_t at = h->founds < FOUND_MOST ? h->founds++ : FOUND_MOST - 1;
    if (at == FOUND_MOST - 1 && h->found[at].n && !better(h, l, &h->found[at])) return;
    for (; at > 0 && better(h, l, &h->found[at - 1]); at--) h->found[at] = h->found[at - 1];
    h->found[at] = *l;
}

/* ---- the search */

/* The next choice of rungs that go down so far together; false: there is none. In the order of an odometer whose last wheel is the
 * fastest. */
static bool next_rungs(const struct hunt *h, struct list *l, size_t sum)
{
    for (;;) {
        size_t i = l->n, now = 0;
        while (i > 0 && l->rung[i - 1] + 1U >= h->out->steps[l->ladder[i - 1]].rungs)
            l->rung[--i] = 0;
        if (!i) return false;
        l->rung[i - 1]++;
        for (size_t k = 0; k < l->n; k++) now += l->rung[k];
        if (now == sum) return true;
    }
}

/* One of its changes may be left out. Where no shorter list was found there is none to find. */
static bool has_idle(struct hunt *h, const struct list *l)
{
    for (size_t i = 0; h->shorter && i < l->n; i++) {
        struct list less = {.n = (uint8_t)(l->n - 1)};
        for (size_t k = 0, n = 0; k < l->n; k++) {
            if (k == i) continue;
            less.ladder[n] = l->ladder[k];
            less.rung[n++] = l->rung[k];
        }
        if (does(h, &less) && less.fits <= l->fits) return true;
    }
    return false;
}

static size_t weakest(const struct hunt *h, struct list *l)
{
    size_t sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        l->rung[i] = (uint8_t)(h->out->steps[l->ladder[i]].rungs - 1);
        sum += l->rung[i];
    }
    return sum;
}

/* Of the rungs that go down so far together the first that does it; surely, if one does. */
static bool first_of_sum(struct hunt *h, struct list *l, size_t sum, struct list *probably)
{
    memset(l->rung, 0, sizeof l->rung);
    bool more = sum == 0 || next_rungs(h, l, sum);
    for (; more; more = next_rungs(h, l, sum)) {
        if (needless(h, l) || !does(h, l) || has_idle(h, l)) continue;
        if (l->fits == FITS) return true;
        if (!probably->n) *probably = *l;
    }
    return false;
}

/* The mildest rungs of these ladders that do it. */
static void try_set(struct hunt *h, struct list *l)
{
    struct list probably = {.n = 0}, all = *l;
    const size_t sums = weakest(h, &all);
    if (l->n > 1 && !does(h, &all)) return;
    for (size_t sum = 0; sum <= sums; sum++)
        if (first_of_sum(h, l, sum, &probably)) {
            keep(h, l);
            return;
        }
    if (probably.n) keep(h, &probably);
}

static void try_sets(struct hunt *h, size_t n)
{
    struct list l = {.n = (uint8_t)n};
    for (size_t i = 0; i < n; i++) l.ladder[i] = (uint8_t)i;
    if (n > h->out->ladders) return;
    for (;;) {
        try_set(h, &l);
        size_t i = n;
        while (i > 0 && l.ladder[i - 1] + n - (i - 1) >= h->out->ladders) i--;
        if (!i || h->out->cut_short) return;
        l.ladder[i - 1]++;
        for (; i < n; i++) l.ladder[i] = (uint8_t)(l.ladder[i - 1] + 1);
    }
}

/* The largest multiple of the step that still does it, between the rung and the one above. */
static void refine(struct hunt *h, struct remedy *r)
{
    for (size_t i = 0; i < r->changes; i++) {
        struct remedy_change *c = &r->change[i];
        const struct knob *k = c->steps->knob;
        const double step = k ? k->ladder.step : 0;
        if (!(step > 0)) continue;
        const double above =
            c->rung ? c->steps->rung[c->rung - 1].number
                    : knob_number(h->asked->task->kind, h->asked->task->knobs, k->name);
        double fitting = c->number, over = above;
        while (ceil(over / step) - floor(fitting / step) > 1) {
            c->number = floor((fitting + over) / 2 / step) * step;
            if (!(c->number > fitting)) break;
            const struct task t = remedy_task(h->asked, r, h->knobs);
            judge_task(&t, h->asked->machine, h->asked->world, &h->verdict);
            *(h->verdict.fits == r->verdict.fits && remedy_does(h->asked, &h->verdict) ? &fitting
                                                                                       : &over) =
                c->number;
        }
        c->number = fitting;
    }
}

/* As it is proposed. */
static void settle_on(struct hunt *h, const struct list *l, struct remedy *r)
{
    spell(h, l, r);
    r->verdict.fits = (enum fits)l->fits;
    refine(h, r);
    const struct task t = remedy_task(h->asked, r, h->knobs);
    judge_task(&t, h->asked->machine, h->asked->world, &r->verdict);
    r->model = t.model;
}

static void add_models(struct remedies *out, enum ladder_of of, size_t models,
                       enum ladder_cost cost)
{
    struct steps *s = &out->steps[out->ladders];
    if (models < 2) return;
    *s = (struct steps){.of = of, .cost = cost};
    for (size_t i = 1; i < models && s->rungs < RUNGS_MOST; i++)
        s->rung[s->rungs++] = (struct rung){.number = (double)i};
    out->ladders++;
}

void judge_remedies(const struct remedy_asked *asked, struct remedies *out)
{
    struct hunt h = {.asked = asked,
                     .out = out,
                     .tries_most = asked->tries_most ? asked->tries_most : TRIES_MOST};
    out->ladders = out->remedies = out->tries = 0;
    out->cut_short = false;
    if (asked->task->kind->size > REMEDY_KNOBS_BYTES) return;
    out->ladders = ladders_of(asked->task, asked->catalog, out->steps);
    add_models(out, LADDER_OF_MIX, asked->models ? asked->models->mixes : 1, COSTS_QUALITY);
    add_models(out, LADDER_OF_SIZE, asked->models ? asked->models->sizes : 1, COSTS_MODEL);
    for (size_t n = 1; n <= CHANGES_MOST && !h.shorter && h.founds < REMEDIES_MOST; n++) {
        h.shorter = h.founds > 0;
        try_sets(&h, n);
    }
    for (; out->remedies < h.founds && out->remedies < REMEDIES_MOST; out->remedies++)
        settle_on(&h, &h.found[out->remedies], &out->remedy[out->remedies]);
}
