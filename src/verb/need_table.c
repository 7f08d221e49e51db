/* Guides' figures of memory by size of the model (data/guides.json) beside what is computed for 16, 8 and 4 bit, all on one device at
 * the context of the minimum. A figure is confirmed from what is needed with nothing spare up to that with the usual share spare; GB are
 * of 10^9 bytes. A worked example is held against the precision it names, or against any that so much memory does; and tried on the
 * accelerators it names. Left out: what a guide means beside the model itself. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/units.h"
#include "catalog/guides.h"
#include "verb/need.h"
#include "verb/need_asked.h"
#include "verb/nominal.h"

#define GB 1e9
const char *const table_quants[TABLE_COLUMNS] = {"F16", "Q8_0", "Q4_K_M"};
const char *const table_titles[TABLE_COLUMNS] = {"F16", "8 bit", "4 bit"};

struct column {
    struct needs needs;
    double weight_bytes;
};

static bool compute(const struct context *in, const struct world *w, struct need_asked *asked,
                    struct column *out, struct mu_err *err)
{
    struct asked *task = NEW(in->arena, struct asked);
    if (!need_task(in, asked, task, err)) return false;
    judge_need(&task->task, w, need_backend(w), &out->needs);
    out->weight_bytes = out->needs.why ? (double)NAN : task->digest->weight_bytes;
    return true;
}

static double with_spare(const struct column *c)
{
    return need_with_spare(c->needs.vram_bytes, ranking_usual.spare_share);
}

/* What the figure is worth for needs of so much, and so much with some spare. */
static const char *worth(double bytes, double least_bytes, double most_bytes)
{
    if (isnan(least_bytes)) return "unsupported";
    return bytes < least_bytes ? "too low" : bytes > most_bytes ? "too high" : "confirmed";
}

/* Which column a row equals, else between which it lies: columns need less and less. */
static const char *equals_words(const struct table_row *r, struct arena *a)
{
    const char *equal = NULL;
    for (int i = 0; i < TABLE_COLUMNS; i++)
        if (strcmp(r->says[i], "confirmed") == 0)
            equal = equal ? str_format(a, "%s and %s", equal, table_titles[i])
                          : str_format(a, "equals %s", table_titles[i]);
    if (equal) return equal;
    for (int i = 0; i < TABLE_COLUMNS; i++)
        if (strcmp(r->says[i], "too high") == 0)
            return i == 0 ? str_format(a, "too high even for %s", table_titles[0])
                          : str_format(a, "too high for %s, too low for %s", table_titles[i],
                                       table_titles[i - 1]);
    return str_format(a, "too low even for %s", table_titles[TABLE_COLUMNS - 1]);
}

/* Whether so many bytes go into an accelerator that the guide names. */
static bool try_card(const struct context *in, const struct world *w, double needs_bytes,
                     struct table_card *card)
{
    struct arena *a = in->arena;
    const struct looking looking = {.root = in->root, .catalog = in->catalog, .arena = a};
    const struct machine *m = NULL;
    struct mu_err ignored = {.code = MU_OK};
    const char *line = str_format(a, "cpu:8 ram:64GiB gpu:%s", card->name);
    if (!machine_from_line(str_of(line), &looking, &m, &ignored)) return false;
    m = judge_typical(m, w, a);
    card->usable_bytes = (double)NAN;
    for (size_t i = 0; i < m->pools; i++)
        if (m->pool[i].kind == POOL_DEVICE)
            card->usable_bytes = known_or(m->pool[i].usable_bytes, (double)NAN);
    card->holds = needs_bytes <= card->usable_bytes;
    return !isnan(card->usable_bytes) && !isnan(needs_bytes);
}

/* The precision with the most bits that so much memory does; the last when none. */
static int held_column(const struct table_row *r, double bytes)
{
    int i = 0;
    while (i < TABLE_COLUMNS - 1 && !(r->vram_bytes[i] <= bytes)) i++;
    return i;
}

static const char *held_words(const struct table_row *r, int column, double bytes, struct arena *a)
{
    if (!(r->vram_bytes[column] <= bytes))
        return str_format(a, "too low even for %s", table_titles[column]);
    if (column == 0) return str_format(a, "confirmed, even as %s", table_titles[0]);
    return str_format(a, "confirmed for %s, not for %s", table_titles[column],
                      table_titles[column - 1]);
}

static bool fill_example(const struct context *in, const struct world *w, struct need_asked *asked,
                         struct table_row *r, struct mu_err *err)
{
    const struct guide_figure *f = r->figure;
    const double bytes = f->gb * GB;
    const int column = f->holds ? held_column(r, bytes) : 0;
    struct column c;
    asked->quant = r->as = f->holds ? table_quants[column] : f->precision;
    if (!compute(in, w, asked, &c, err)) return false;
    r->as_bytes = need_least(c.needs.vram_bytes);
    r->as_weight_bytes = c.weight_bytes;
    r->verdict = c.needs.why ? str_format(in->arena, "unsupported: %s", c.needs.why)
                 : f->holds  ? held_words(r, column, bytes, in->arena)
                             : worth(bytes, r->as_bytes, with_spare(&c));
    if (!f->holds && bytes < r->as_bytes && bytes >= r->as_weight_bytes)
        r->verdict = str_format(in->arena, "%s: holds the weights alone", r->verdict);
    for (size_t i = 0; i < f->card_count && r->cards < TABLE_CARDS; i++) {
        r->card[r->cards] = (struct table_card){.name = f->cards[i]};
        if (try_card(in, w, r->as_bytes, &r->card[r->cards])) r->cards++;
    }
    return true;
}

static bool fill(const struct context *in, const struct world *w, struct table_row *r,
                 struct mu_err *err)
{
    const struct guide_figure *f = r->figure;
    struct need_asked asked = {.operand = r->size, .context_tokens = need_context(NEED_MINIMUM)};
    struct column c;
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        asked.quant = table_quants[i];
        if (!compute(in, w, &asked, &c, err)) return false;
        r->model = asked.took ? asked.took : r->size;
        r->vram_bytes[i] = need_least(c.needs.vram_bytes);
        r->most_bytes[i] = with_spare(&c);
        r->weight_bytes[i] = c.weight_bytes;
        r->says[i] = worth(f->gb * GB, r->vram_bytes[i], r->most_bytes[i]);
    }
    r->verdict = equals_words(r, in->arena);
    return !(f->precision || f->holds) || fill_example(in, w, &asked, r, err);
}

/* A size however it is written, a model as it is. */
static bool is_asked(const char *name, const char *asked)
{
    double one, other;
    if (!asked || strcmp(name, asked) == 0) return true;
    return params_parse(name, (double)NAN, &one) && params_parse(asked, (double)NAN, &other) &&
           one == other;
}

bool need_table(const struct context *in, const struct world *w, const char *size,
                const struct table_row **out, size_t *rows, struct mu_err *err)
{
    const struct guide_figure *figure;
    size_t figures, n = 0, room = 0;
    if (!catalog_guides(in->catalog, &figure, &figures, err)) return false;
    for (size_t i = 0; i < figures; i++) room += figure[i].size_count;
    struct table_row *row = NEW_ARRAY(in->arena, struct table_row, room);
    for (size_t i = 0; i < figures; i++)
        for (size_t k = 0; k < figure[i].size_count; k++) {
            if (!is_asked(figure[i].sizes[k], size)) continue;
            row[n] = (struct table_row){.figure = &figure[i],
                                        .size = figure[i].sizes[k],
                                        .as_bytes = (double)NAN,
                                        .as_weight_bytes = (double)NAN};
            if (!fill(in, w, &row[n++], err)) return false;
        }
    *out = row;
    *rows = n;
    return true;
}

bool need_sizes(const struct context *in, const char *out[], size_t most, size_t *n,
                struct mu_err *err)
{
    const struct guide_figure *figure;
    size_t figures;
    *n = 0;
    if (!catalog_guides(in->catalog, &figure, &figures, err)) return false;
    for (size_t i = 0; i < figures; i++)
        for (size_t k = 0; k < figure[i].size_count && *n < most; k++)
            out[(*n)++] = figure[i].sizes[k];
    return true;
}
