/* Guides' figures of memory by size of the model (data/guides.json) beside what is computed for 16, 8 and 4 bit, all on one device at
 * the context of the minimum. A figure is confirmed from what is needed with nothing spare up to that with the usual share spare; GB are
 * of 10^9 bytes. Left out: what a guide means beside the model itself. */
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
    out->weight_bytes = task->digest->weight_bytes;
    return true;
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
            equal = equal ? str_format(a, "%s and %s", equal, table_quants[i])
                          : str_format(a, "equals %s", table_quants[i]);
    if (equal) return equal;
    for (int i = 0; i < TABLE_COLUMNS; i++)
        if (strcmp(r->says[i], "too high") == 0)
            return i == 0 ? str_format(a, "too high even for %s", table_quants[0])
                          : str_format(a, "too high for %s, too low for %s", table_quants[i],
                                       table_quants[i - 1]);
    return str_format(a, "too low even for %s", table_quants[TABLE_COLUMNS - 1]);
}

/* Whether it goes into the accelerator that the guide names, as a figure and as computed. */
static const char *card_words(const struct context *in, const struct world *w,
                              const struct guide_figure *f, double needs_bytes)
{
    struct arena *a = in->arena;
    if (!f->card) return NULL;
    const struct looking looking = {.root = in->root, .catalog = in->catalog, .arena = a};
    const struct machine *m = NULL;
    struct mu_err ignored = {.code = MU_OK};
    const char *line = str_format(a, "cpu:8 ram:64GiB gpu:%s", f->card);
    if (!machine_from_line(str_of(line), &looking, &m, &ignored)) return NULL;
    m = judge_typical(m, w, a);
    double usable_bytes = 0;
    for (size_t i = 0; i < m->pools; i++)
        if (m->pool[i].kind == POOL_DEVICE)
            usable_bytes = known_or(m->pool[i].usable_bytes, (double)NAN);
    return str_format(a, "%s has %s: computed %s %s", f->card, units_bytes(a, usable_bytes),
                      units_bytes(a, needs_bytes),
                      needs_bytes <= usable_bytes ? "goes into it" : "does NOT go into it");
}

static bool fill(const struct context *in, const struct world *w, struct table_row *r,
                 struct mu_err *err)
{
    const struct guide_figure *f = r->figure;
    const double figure_bytes = f->gb * GB;
    struct need_asked asked = {.operand = r->size, .context_tokens = need_context(NEED_MINIMUM)};
    struct column c;
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        asked.quant = table_quants[i];
        if (!compute(in, w, &asked, &c, err)) return false;
        r->model = asked.took ? asked.took : r->size;
        r->vram_bytes[i] = need_least(c.needs.vram_bytes);
        r->most_bytes[i] = need_with_spare(c.needs.vram_bytes, ranking_usual.spare_share);
        r->weight_bytes[i] = c.weight_bytes;
        r->says[i] = worth(figure_bytes, r->vram_bytes[i], r->most_bytes[i]);
    }
    r->equals = equals_words(r, in->arena);
    if (!f->precision) return true;
    asked.quant = f->precision;
    if (!compute(in, w, &asked, &c, err)) return false;
    const double least_bytes = need_least(c.needs.vram_bytes);
    r->card = card_words(in, w, f, least_bytes);
    r->equals = str_format(in->arena, "%s: %s; weights %.1f GB, all %.1f GB", f->precision,
                           worth(figure_bytes, least_bytes,
                                 need_with_spare(c.needs.vram_bytes, ranking_usual.spare_share)),
                           c.weight_bytes / GB, least_bytes / GB);
    return true;
}

bool need_table(const struct context *in, const struct world *w, const char *size,
                const struct table_row **out, size_t *rows, struct mu_err *err)
{
    const struct guide_figure *figure;
    size_t figures, n = 0, room = 0;
    double asked = 0, of_row;
    if (!catalog_guides(in->catalog, &figure, &figures, err)) return false;
    if (size && !params_parse(size, (double)NAN, &asked)) asked = (double)NAN;
    for (size_t i = 0; i < figures; i++) room += figure[i].size_count;
    struct table_row *row = NEW_ARRAY(in->arena, struct table_row, room);
    for (size_t i = 0; i < figures; i++)
        for (size_t k = 0; k < figure[i].size_count; k++) {
            const char *name = figure[i].sizes[k];
            if (size && (!params_parse(name, (double)NAN, &of_row) || of_row != asked)) continue;
            row[n] = (struct table_row){.figure = &figure[i], .size = name};
            if (!fill(in, w, &row[n++], err)) return false;
        }
    *out = row;
    *rows = n;
    return true;
}
