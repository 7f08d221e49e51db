/* What to change so that an experiment runs on less, for `muster doc`: each is put on the largest card that is just too small for it, or
 * into RAM that is, and the remedies of `muster fit` are looked for there (judge/remedies.h), of its own settings alone. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "verb/for_rent.h"
#include "verb/paper.h"
#include "verb/remedied.h"

enum { DOUBLINGS_MOST = 20, REMEDIES_SHOWN = 3 };

/* The largest card that does not hold so much; NULL: each does. */
static const char *card_below(const struct paper *p, double bytes)
{
    const char *name = NULL;
    for (size_t i = 0; i < p->cards; i++)
        if (p->card[i].usable_bytes < bytes) name = p->card[i].name;
    return name;
}

/* The same of RAM, in the sizes that it is sold in; NaN: none is smaller. */
static double ram_below_gib(double bytes)
{
    double below = (double)NAN;
    for (int step = 0; step < DOUBLINGS_MOST; step++) {
        const double gib = ldexp(1, step);
        if (gib * 0x1p30 < bytes) below = gib;
    }
    return below;
}

/* There, and nowhere else. */
static bool put_there(const struct context *in, struct asked *a, bool on_device, struct mu_err *err)
{
    if (!a->own_knobs) return asked_set(in, a, "gpu_layers", on_device ? "all" : "0", err);
    return !knob_find(a->task.kind, S("device")) ||
           asked_set(in, a, "device", on_device ? "gpu" : "cpu", err);
}

/* A remedy's sentence without its first words, which stand above the column. */
static const char *one_of(const struct remedied *r, size_t i, struct arena *a)
{
    static const char sure[] = "would fit with ", probable[] = "would probably fit with ";
    struct remedied *alone = NEW(a, struct remedied);
    *alone = *r;
    alone->found.remedy[0] = r->found.remedy[i];
    const char *text = remedy_sentence(alone, a);
    if (strncmp(text, sure, sizeof sure - 1) == 0) return text + sizeof sure - 1;
    if (strncmp(text, probable, sizeof probable - 1) == 0)
        return str_format(a, "probably %s", text + sizeof probable - 1);
    return text;
}

static const char *words_of(const struct remedied *r, struct arena *a)
{
    const char *text = "";
    for (size_t i = 0; i < r->found.remedies && i < REMEDIES_SHOWN; i++)
        text = str_format(a, "%s%s%s", text, i ? "; or " : "", one_of(r, i, a));
    return *text ? text : "no change of a few of its settings makes it fit there";
}

static bool find_less(const struct context *in, const struct world *w, const struct paper *p,
                      struct paper_row *r, struct mu_err *err)
{
    struct arena *a = in->arena;
    const bool on_device = r->may[PAPER_DEVICE];
    const double bytes = paper_needs(r, on_device ? PAPER_VRAM : PAPER_RAM, NEED_MINIMUM);
    const char *card = on_device ? card_below(p, bytes) : NULL;
    const double gib = on_device ? (double)NAN : ram_below_gib(bytes);
    struct asked *asked = NEW(a, struct asked);
    struct verdict *v = NEW(a, struct verdict);
    if (!card && isnan(gib)) return true;
    if (!paper_ask(in, p, r->experiment, asked, err) || !put_there(in, asked, on_device, err))
        return false;
    const char *line = card ? str_format(a, "cpu:8 ram:64GiB gpu:%s", card)
                            : str_format(a, "cpu:8 ram:%.0fGiB", gib);
    const struct machine *m = machine_of_words(in, w, line);
    if (!m) return true;
    judge_task(&asked->task, m, w, v);
    const struct placed at = {asked, m, v};
    const struct remedied *found = find_remedies(in, &at, w, NULL, (double)NAN);
    if (!found) return true; /* it fits after all, or nothing is computed */
    r->less_on = card ? card : str_format(a, "%.0f GiB of RAM", gib);
    r->less = words_of(found, a);
    r->less_fit = paper_fit_line(in, r, line, on_device);
    if (r->less_fit && on_device && asked->own_knobs)
        r->less_fit = str_format(a, "%s --device gpu", r->less_fit);
    return true;
}

bool paper_less(const struct context *in, const struct world *w, struct paper *p,
                struct mu_err *err)
{
    struct notes aside = {.arena = in->arena};
    struct context quiet = *in;
    quiet.notes = &aside;
    for (size_t i = 0; i < p->rows; i++)
        if (!p->row[i].why && !find_less(&quiet, w, p, &p->row[i], err)) return false;
    return true;
}
