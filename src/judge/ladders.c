/* From a knob's row and where it stands to the rungs below: halves down to a floor, divisors where another knob keeps the product, words
 * behind the one it stands on, of types those that are narrower. */
#include "judge/ladders.h"

#include <math.h>

#include "base/err.h"
#include "base/num.h"
#include "catalog/types.h"
#include "model/digest.h"

static void add(struct steps *s, struct rung r)
{
    if (s->rungs < RUNGS_MOST) s->rung[s->rungs++] = r;
}

/* A knob that keeps the product takes the next smaller divisor. */
static double below(double x, bool divides)
{
    double next = floor(x / 2);
    while (divides && next > 1 && fmod(x, next) > 0) next -= 1;
    return next;
}

static void halve(const struct task *t, struct steps *s)
{
    const struct ladder *l = &s->knob->ladder;
    const double asked = knob_number(t->kind, t->knobs, s->knob->name);
    if (isnan(asked)) return;
    const double whole = l->zero_is_whole && !(asked > 0) ? t->model->shape->layers : asked;
    const double above = l->above ? knob_number(t->kind, t->knobs, l->above) : 0;
    const double other = s->with ? knob_number(t->kind, t->knobs, s->with->name) : 0;
    const double floor_at = most(most(l->floor, above), s->knob->least);
    double x = whole;
    while (s->rungs < RUNGS_MOST) {
        x = below(x, s->with != NULL);
        if (!(x >= floor_at)) return;
        const double with = s->with ? other * whole / x : 0;
        if (s->with && with > s->with->most) return;
        add(s, (struct rung){.number = x, .with_number = with});
    }
}

/* Whether a rung ("auto|off", "*") is met by a word; word NULL: by a number. */
static bool meets(const char *rung, const char *word)
{
    struct str rest = str_of(rung);
    if (str_is(rest, "*")) return true;
    while (word && rest.p)
        if (str_eq_nocase(str_cut(&rest, '|'), str_of(word))) return true;
    return false;
}

static double width(const struct weight_type *type)
{
    return type->block_bytes / type->block;
}

static bool narrower(struct str name, const char *now, const struct catalog *c)
{
    const struct weight_type *a = catalog_type(c, name), *b = catalog_type(c, str_of(now));
    return a && b && width(a) < width(b);
}

/* The words below the one it stands on; of types those that are narrower, wherever it stands. */
static void go_down(const struct task *t, const struct catalog *c, struct steps *s)
{
    const char *const *rungs = s->knob->ladder.rungs;
    const char *now = knob_word(s->knob, t->knobs);
    const bool type = s->knob->kind == KNOB_TYPE;
    size_t n = 0;
    while (rungs[n]) n++;
    size_t at = type ? 0 : n;
    while (at > 0 && !meets(rungs[at - 1], now)) at--;
    if (!at && !type) return;
    for (size_t i = at; i < n; i++) {
        struct str rest = str_of(rungs[i]);
        const struct str word = str_cut(&rest, '|');
        if (!type || (now && narrower(word, now, c))) add(s, (struct rung){.word = word});
    }
}

static void fill(const struct task *t, const struct catalog *c, struct steps *s)
{
    if (s->knob->ladder.kind == LADDER_HALVE)
        halve(t, s);
    else
        go_down(t, c, s);
}

size_t ladders_of(const struct task *t, const struct catalog *c, struct steps out[LADDERS_MOST])
{
    size_t n = 0;
    for (size_t i = 0; i < t->kind->knobs && n < LADDERS_MOST; i++) {
        const struct knob *k = &t->kind->knob[i];
        const struct ladder *l = &k->ladder;
        if (l->kind == LADDER_NONE) continue;
        struct steps *s = &out[n];
        s->of = LADDER_OF_KNOB;
        s->knob = k;
        s->with = l->with ? knob_find(t->kind, str_of(l->with)) : NULL;
        s->cost = l->cost;
        s->on_device = l->on_device;
        s->rungs = 0;
        fill(t, c, s);
        if (s->rungs) n++;
    }
    return n;
}

bool rung_set(const struct workload *w, void *knobs, const struct steps *s, const struct rung *r,
              const struct catalog *c)
{
    struct mu_err err = {.code = MU_OK};
    if (r->word.p) return knob_set(w, knobs, str_of(s->knob->name), r->word, c, &err);
    knob_put(s->knob, knobs, r->number);
    if (s->with) knob_put(s->with, knobs, r->with_number);
    return true;
}
