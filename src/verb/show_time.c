/* How long a workload takes, in rows and in JSON: one unit of it, and the amount that was asked for; where none was, the options that say
 * it. Left out: what is done once (loading, building an index), which is in the whole alone. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
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

/* "--samples, --epochs, --steps" */
static const char *amount_options(const struct workload *w, struct arena *a)
{
    const char *words = "";
    for (size_t i = 0; i < w->knobs; i++)
        if (w->knob[i].amount)
            words = str_format(a, "%s%s--%s", words, *words ? ", " : "", w->knob[i].option);
    return words;
}

static double units_of(const struct task *t)
{
    return t->kind->units ? t->kind->units(t->knobs) : (double)NAN;
}

void show_time(struct doc *d, struct block *b, const struct task *t, const struct verdict *v)
{
    const struct workload *w = t->kind;
    const char *options = amount_options(w, d->arena);
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
