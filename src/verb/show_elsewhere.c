/* Other machines that would run it as it was asked for, a row each. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "verb/elsewhere.h"

static const char *name_words(const struct elsewhere_row *x, struct arena *a)
{
    const char *name = str_visible(a, str_of(x->name));
    if (x->file) return name;
    return str_format(a, "%s, %.2f USD/h%s%s%s", name, x->usd_per_hour, x->usd_date ? " (" : "",
                      x->usd_date ? x->usd_date : "", x->usd_date ? ")" : "");
}

static const char *fit_words(const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    if (v->fits == FITS_UNKNOWN || v->fits == FITS_NOT_COMPUTED) return v->why ? v->why : "";
    const char *missing = v->fits == FITS_NOT ? missing_words(p, a) : "";
    if (*missing) return str_format(a, "missing are %s", missing);
    if (v->fits == FITS_NOT && v->why) return v->why;
    return needs_words(p, a);
}

static const char *speed_of_row(const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    if (v->fits > FITS_PROBABLY) return "";
    if (!p->asked->own_knobs) return speed_words(a, v->decode_per_s);
    if (estimate_known(v->duration_s)) return units_seconds(a, v->duration_s.likely);
    return estimate_known(v->unit_s) ? str_format(a, "%s a %s", units_seconds(a, v->unit_s.likely),
                                                  p->asked->task.kind->unit)
                                     : "?";
}

/* Speed stands where any is known. */
void show_elsewhere(struct doc *d, const struct elsewhere *e)
{
    static const char *const text_head[] = {"", "fits", "needs", "speed"};
    static const char *const head[] = {"", "fits", "needs", "takes"};
    static const enum tone tone[] = {TONE_GOOD, TONE_GOOD, TONE_BAD, TONE_DIM, TONE_DIM};
    bool priced = false, rents = false;
    if (!e || !e->rows) return;
    for (size_t i = 0; i < e->rows; i++)
        priced = priced || strlen(speed_of_row(&e->row[i].placed, d->arena)) > 1;
    struct block *b = doc_table(d, "As asked, on other machines",
                                e->row[0].placed.asked->own_knobs ? head : text_head, NULL,
                                COUNT_OF(head) - (priced ? 0 : 1));
    for (size_t i = 0; i < e->rows; i++) {
        const struct elsewhere_row *x = &e->row[i];
        const enum fits fits = x->placed.verdict->fits;
        const struct cell row[] = {{.text = name_words(x, d->arena)},
                                   {.text = fits_word(fits), .tone = tone[fits]},
                                   {.text = fit_words(&x->placed, d->arena)},
                                   {.text = speed_of_row(&x->placed, d->arena)}};
        table_row(d, b, row);
        rents = rents || !x->file;
    }
    if (rents) doc_note(d, TONE_DIM, "prices as listed then: muster facts cloud");
}

void write_elsewhere(struct writer *w, const struct elsewhere *e, struct arena *a)
{
    writer_key(w, "elsewhere");
    if (!e) {
        writer_null(w);
        return;
    }
    writer_list(w);
    for (size_t i = 0; i < e->rows; i++) {
        const struct elsewhere_row *x = &e->row[i];
        const struct verdict *v = x->placed.verdict;
        writer_map(w);
        writer_put_cstr(w, "name", x->name);
        writer_put_cstr(w, "report", x->file);
        writer_put_number(w, "usd_per_hour", x->usd_per_hour);
        writer_put_cstr(w, "price_date", x->usd_date);
        writer_put_cstr(w, "fits", fits_word(v->fits));
        writer_put_cstr(w, "placement", v->bill.unruled ? NULL : placement_words(&x->placed, a));
        writer_put_number(w, "needs_bytes", v->bill.unruled ? (double)NAN : verdict_needs(v));
        write_estimate(w, "decode_tokens_per_s", v->decode_per_s);
        write_estimate(w, "unit_s", v->unit_s);
        write_estimate(w, "duration_s", v->duration_s);
        writer_map_end(w);
    }
    writer_list_end(w);
}
