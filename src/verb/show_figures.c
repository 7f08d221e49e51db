/* The guide's figures beside ours, one row a figure: what it is of, what the guide says, what we find, what the guide's is worth. Sources
 * that speak of GB are shown in GiB beside their own words. What is unsupported says why once, below. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "verb/judged_set.h"

static const char *range_words(struct arena *a, double low, double high,
                               const char *(*words)(struct arena *a, double value))
{
    const char *from = words(a, low), *to = words(a, high);
    const char *from_unit = strchr(from, ' '), *to_unit = strchr(to, ' ');
    if (strcmp(from, to) == 0) return from;
    const bool alike = from_unit && to_unit && strcmp(from_unit, to_unit) == 0 &&
                       !strchr(from_unit + 1, ' '); /* "1 min 5 s" has two */
    if (!alike) return str_format(a, "%s to %s", from, to);
    return str_format(a, "%.*s-%s", (int)(from_unit - from), from, to);
}

static const char *number(struct arena *a, double value)
{
    return units_number(a, value, 3);
}

static const char *ours_words(struct arena *a, const struct judged_figure *f)
{
    const struct estimate e = f->ours;
    if (!estimate_known(e)) return "?";
    switch (figure_dimension(f->figure->kind)) {
    case FIGURE_BYTES: return range_words(a, e.low, e.high, units_bytes);
    case FIGURE_RATE: return units_token_rate(a, e.low, e.high);
    case FIGURE_SECONDS: return range_words(a, e.low, e.high, units_seconds);
    case FIGURE_NUMBER: return range_words(a, e.low, e.high, number);
    case FIGURE_YES: return e.likely > 0 ? "yes" : "no";
    }
    return "?";
}

/* What no truth stands behind says so itself. */
static bool is_rough(struct estimate e)
{
    return estimate_known(e) && e.source && str_starts(str_of(e.source), S("rough"));
}

const char *figure_ours(struct arena *a, const struct judged_figure *f)
{
    const char *text = ours_words(a, f);
    return is_rough(f->ours) ? str_format(a, "%s, rough", text) : text;
}

/* "~10-12GB (9.31-11.2 GiB)": memory in binary units, beside the source's own words. */
static const char *said(struct arena *a, const struct judged_figure *f)
{
    const struct guide_figure *g = f->figure;
    if (!g->decimal || !isfinite(g->high) || !(g->low > 0)) return g->text;
    return str_format(a, "%s (%s)", g->text, range_words(a, g->low, g->high, units_bytes));
}

/* The accelerator of the machine it is about, or the whole line; NULL: the set's own machine, or the one judged. */
static const char *stage_words(struct arena *a, const struct judged_figure *f, const char *on_set)
{
    const char *gpu = NULL;
    size_t found = 0;
    if (!f->on || (on_set && strcmp(f->on, on_set) == 0)) return NULL;
    for (size_t i = 0; f->machine && i < f->machine->places; i++) {
        if (f->machine->place[i].kind != PLACE_GPU) continue;
        found++;
        gpu = place_called(f->machine, i, a);
    }
    return found == 1 ? gpu : f->on;
}

/* "accelerator memory: minimum, on RTX 3060" */
static const char *what(struct arena *a, const struct judged_figure *f, const char *on_set)
{
    const struct guide_figure *g = f->figure;
    const char *text = figure_words(g->kind), *on = stage_words(a, f, on_set);
    if (f->level) return str_format(a, "%s, %s", g->label, f->level);
    if (g->kind == FIGURE_OTHER) return g->label ? g->label : "";
    if (g->knob) text = str_format(a, "%s of %s", text, g->knob);
    if (g->instance) text = str_format(a, "%s: %s", g->instance, text);
    if (g->label) text = str_format(a, "%s: %s", text, g->label);
    return on ? str_format(a, "%s, on %s", text, on) : text;
}

static struct cell worth_cell(const struct judged_figure *f)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_WARN, TONE_BAD, TONE_DIM};
    return (struct cell){figure_worth_word(f->worth), tone[f->worth]};
}

/* A threshold in cores says nothing that could be held against anything: it stands in the report alone. */
static bool shown(const struct judged_figure *f, bool thresholds)
{
    return !f->level || (thresholds && f->figure->kind != FIGURE_OTHER);
}

static void note_contradictions(struct doc *d, const struct judged_set *s)
{
    for (size_t i = 0; i < s->figures; i++) {
        const struct judged_figure *f = &s->figure[i];
        if (!f->contradicts) continue;
        doc_note(d, TONE_WARN, "the guide contradicts itself: %s, %s: %s (%s) and %s (%s)",
                 f->experiment->title, figure_words(f->figure->kind), f->contradicts->figure->text,
                 f->contradicts->figure->source ? f->contradicts->figure->source : "its text",
                 f->figure->text, f->figure->source ? f->figure->source : "its text");
    }
}

/* Each reason once, behind the number of those it is the reason of. */
static void note_reasons(struct doc *d, const struct judged_set *s, bool thresholds)
{
    for (size_t i = 0; i < s->figures; i++) {
        const struct judged_figure *f = &s->figure[i];
        size_t n = 0;
        bool before = !f->why || !shown(f, thresholds);
        for (size_t k = 0; k < s->figures; k++) {
            const struct judged_figure *other = &s->figure[k];
            if (!str_same(other->why, f->why) || !shown(other, thresholds)) continue;
            n++;
            before = before || k < i;
        }
        if (before) continue;
        if (n > 1)
            doc_note(d, TONE_DIM, "unsupported, %zu of them: %s", n, f->why);
        else
            doc_note(d, TONE_DIM, "unsupported: %s", f->why);
    }
}

void show_figures(struct doc *d, const struct judged_set *s, bool thresholds)
{
    static const char *const head[] = {"", "of", "the guide", "muster", "the guide is"};
    struct block *b = NULL;
    const struct experiment *last = NULL;
    for (size_t i = 0; i < s->figures; i++) {
        const struct judged_figure *f = &s->figure[i];
        if (!shown(f, thresholds)) continue;
        if (!b)
            b = doc_table(d, str_format(d->arena, "Figures of %s", s->set->title), head, NULL,
                          COUNT_OF(head));
        const struct cell row[] = {{.text = f->experiment == last ? "" : f->experiment->title},
                                   {.text = what(d->arena, f, s->set->on)},
                                   {.text = said(d->arena, f)},
                                   {.text = figure_ours(d->arena, f)},
                                   worth_cell(f)};
        table_row(d, b, row);
        last = f->experiment;
    }
    if (!b) return;
    if (s->set->on) doc_note(d, TONE_DIM, "where no other machine is named: %s", s->set->on);
    note_reasons(d, s, thresholds);
    note_contradictions(d, s);
}
