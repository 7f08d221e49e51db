/* What a set asks for in figures, beside what is computed, for `muster doc`: confirmed from what is needed with nothing spare up to the
 * high end with the usual share spare. Left out: hardware in words, which takes a machine to judge on (muster check). */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "model/digest.h"
#include "verb/paper.h"

enum { FIGURES = 4, LEVELS = 3 };
#define GUIDE_GB 1073741824.0 /* as judged_set.c takes them */

static const char *worth(const struct paper_asked *x)
{
    const double bytes = x->gb * GUIDE_GB;
    if (isnan(x->least_bytes)) return "unsupported";
    return bytes < x->least_bytes ? "too low" : bytes > x->most_bytes ? "too high" : "confirmed";
}

static void add_level(struct paper *p, const struct paper_row *r, const struct guide_need *n,
                      const char *level)
{
    const enum paper_memory ram = r->may[PAPER_HOST] ? PAPER_RAM : PAPER_BESIDE;
    const double low = paper_needs(r, ram, NEED_MINIMUM),
                 high = paper_needs(r, ram, NEED_RECOMMENDED);
    const double disk = r->asked && !r->why ? r->asked->digest->weight_bytes : (double)NAN;
    const struct paper_asked figure[FIGURES] = {
        {.of = "RAM", .gb = n->ram_gb, .least_bytes = low, .most_bytes = high},
        {.of = "available RAM", .gb = n->ram_available_gb, .least_bytes = low, .most_bytes = high},
        /* what an experiment writes is not known, so no disk is too large */
        {.of = "free disk", .gb = n->disk_free_gb, .least_bytes = disk, .most_bytes = HUGE_VAL},
        {.of = "CPU cores",
         .gb = n->cpu_cores,
         .least_bytes = (double)NAN,
         .most_bytes = (double)NAN}};
    for (size_t i = 0; i < FIGURES; i++) {
        if (isnan(figure[i].gb)) continue;
        struct paper_asked *x = &p->asked[p->askeds++];
        *x = figure[i];
        x->experiment = r->experiment;
        x->level = level;
        x->says = worth(x);
    }
}

void paper_askeds(const struct context *in, struct paper *p)
{
    p->asked = NEW_ARRAY(in->arena, struct paper_asked, p->rows * LEVELS * FIGURES + 1);
    for (size_t i = 0; i < p->rows; i++) {
        const struct paper_row *r = &p->row[i];
        const struct experiment *e = r->experiment;
        add_level(p, r, &e->guide, "guide");
        add_level(p, r, &e->minimum, "minimum");
        add_level(p, r, &e->recommended, "recommended");
    }
}

static const char *computed_words(struct arena *a, const struct paper_asked *x)
{
    if (isnan(x->least_bytes)) return "?";
    if (!isfinite(x->most_bytes))
        return str_format(a, "%s and what it writes", units_bytes(a, x->least_bytes));
    return str_format(a, "%s to %s", units_bytes(a, x->least_bytes), units_bytes(a, x->most_bytes));
}

void show_doc_asked(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"the set asks for", "of", "asked", "computed",
                                       "the figure is"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_LEFT};
    static const char *const words[] = {"confirmed", "too low", "too high", "unsupported"};
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_WARN, TONE_DIM};
    struct arena *a = d->arena;
    if (!p->askeds) return;
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < p->askeds; i++) {
        const struct paper_asked *x = &p->asked[i];
        const bool cores = strcmp(x->of, "CPU cores") == 0;
        struct cell says = {x->says, TONE_DIM};
        for (size_t k = 0; k < COUNT_OF(words); k++)
            if (strcmp(x->says, words[k]) == 0) says.tone = tone[k];
        const struct cell row[] = {{.text = x->experiment->title},
                                   {.text = str_format(a, "%s, %s", x->of, x->level)},
                                   {.text = str_format(a, cores ? "%g" : "%g GB", x->gb)},
                                   {.text = computed_words(a, x)},
                                   says};
        table_row(d, b, row);
    }
    doc_note(d, TONE_DIM,
             "Confirmed: from what is needed with nothing spare up to the recommended figure. Of "
             "RAM in all the system's own share is not taken off.");
}
