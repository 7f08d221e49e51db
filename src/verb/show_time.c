/* How long a workload takes, in rows and in JSON: one unit of it, and the amount that was asked for; where none was, the options that say
 * it. Left out: what is done once (loading, building an index), which is in the whole alone. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/units.h"
#include "judge/time.h"
#include "verb/common.h"

static const char *article(const char *noun)
{
    return *noun && strchr("aeio", *noun) ? "an" : "a";
}

static const char *seconds_words(struct arena *a, struct estimate s)
{
    const char *low = units_seconds(a, s.low), *high = units_seconds(a, s.high);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
}

/* What would say the amount, of what was not said: "--samples, --steps". */
static const char *amount_options(const struct task *t, struct arena *a)
{
    const struct workload *w = t->kind;
    const char *words = "";
    for (size_t i = 0; i < w->knobs; i++)
        if (w->knob[i].amount && !(knob_number(w, t->knobs, w->knob[i].name) > 0))
            words = str_format(a, "%s%s--%s", words, *words ? ", " : "", w->knob[i].option);
    return words;
}

/* ---- what the time is made of */

static const char *unit_of(const struct line *l)
{
    static const char *const word[WORK_COUNT] = {
        [TORCH_FLOP] = "FLOP",    [ELEMENT_BYTES] = "bytes",   [STEP_BYTES] = "bytes",
        [LINK_BYTES] = "bytes",   [FILE_BYTES_READ] = "bytes", [FILE_BYTES_WRITTEN] = "bytes",
        [LAYER_RUNS] = "runs",    [UNPACKED] = "weights",      [TEXT_NUMBERS] = "numbers",
        [RANDOM_READS] = "reads",
    };
    return word[l->work] ? word[l->work] : "";
}

static bool is_timed(const struct line *l)
{
    return l->phase == UNIT || l->phase == ONCE;
}

static const char *when(const struct line *l, const struct workload *w, struct arena *a)
{
    return l->phase == ONCE || !w->unit ? "once"
                                        : str_format(a, "%s %s", article(w->unit), w->unit);
}

/* Where it is known, what takes longest of a unit. */
static const struct line *longest(const struct machine *m, const struct world *w,
                                  const struct verdict *v, double *seconds)
{
    const struct line *best = NULL;
    *seconds = 0;
    for (size_t i = 0; i < v->bill.lines; i++) {
        const struct line *l = &v->bill.line[i];
        const double own = l->phase == UNIT ? judge_line_s(m, w, v, l) : (double)NAN;
        if (!(own > *seconds)) continue;
        *seconds = own;
        best = l;
    }
    return best;
}

void show_longest(struct doc *d, struct block *b, const struct machine *m, const struct world *w,
                  const struct verdict *v)
{
    static const char mark[] = "less of it: ";
    double seconds;
    const struct line *l = estimate_known(v->unit_s) ? longest(m, w, v, &seconds) : NULL;
    const char *at = l ? strstr(l->term->source, mark) : NULL;
    if (l)
        facts_row(d, b, "the most of that", "%s, %s%s%s", l->term->name,
                  units_seconds(d->arena, seconds), at ? "; " : "", at ? at : "");
}

void show_worked(struct doc *d, const struct machine *m, const struct world *w,
                 const struct workload *kind, const struct verdict *v)
{
    static const char *const head[] = {"worked", "in", "amount", "of", "takes by itself, likely"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT,
                                       ALIGN_RIGHT};
    struct block *b = NULL;
    for (size_t i = 0; i < v->bill.lines; i++) {
        const struct line *l = &v->bill.line[i];
        if (!is_timed(l)) continue;
        const double seconds = judge_line_s(m, w, v, l);
        const struct cell row[] = {
            {.text = l->term->name},
            {.text = when(l, kind, d->arena)},
            {.text = str_format(d->arena, "%.4g", l->amount)},
            {.text = unit_of(l)},
            {.text = isnan(seconds) ? "?" : units_seconds(d->arena, seconds)}};
        if (!b) b = doc_table(d, "How long", head, align, COUNT_OF(head));
        table_row(d, b, row);
    }
}

void write_worked(struct writer *w, const struct machine *m, const struct world *world,
                  const struct verdict *v)
{
    writer_key(w, "worked");
    writer_list(w);
    for (size_t i = 0; i < v->bill.lines; i++) {
        const struct line *l = &v->bill.line[i];
        if (!is_timed(l)) continue;
        writer_map(w);
        writer_put_cstr(w, "name", l->term->name);
        writer_put_cstr(w, "in", l->phase == ONCE ? "once" : "unit");
        writer_put_number(w, "amount", l->amount);
        writer_put_cstr(w, "of", unit_of(l));
        writer_put_number(w, "seconds", judge_line_s(m, world, v, l));
        writer_map_end(w);
    }
    writer_list_end(w);
}

/* ---- how long */

static double units_of(const struct task *t)
{
    return t->kind->units ? t->kind->units(t->knobs) : (double)NAN;
}

void show_time(struct doc *d, struct block *b, const struct task *t, const struct verdict *v)
{
    const struct workload *w = t->kind;
    const char *options = amount_options(t, d->arena);
    if (!w->unit) return;
    if (!estimate_known(v->unit_s)) {
        facts_row(d, b, "time", "? · %s", v->unit_s.source ? v->unit_s.source : "");
        return;
    }
    facts_row(d, b, str_format(d->arena, "%s %s", article(w->unit), w->unit), "%s%s%s",
              seconds_words(d->arena, v->unit_s), v->unit_s.source ? " · " : "",
              v->unit_s.source ? v->unit_s.source : "");
    if (estimate_known(v->duration_s))
        facts_row(d, b, "all of it", "%s, %.0f of them", seconds_words(d->arena, v->duration_s),
                  units_of(t));
    else
        facts_row(d, b, "all of it", "? · %s%s%s%s", v->duration_s.source, *options ? " (" : "",
                  options, *options ? ")" : "");
}

void write_time(struct writer *w, const struct task *t, const struct verdict *v)
{
    writer_put_cstr(w, "unit", t->kind->unit);
    writer_put_number(w, "units", units_of(t));
    write_estimate(w, "unit_s", v->unit_s);
    write_estimate(w, "duration_s", v->duration_s);
}
