/* Accelerators by size of the model, for `muster doc`: what `muster need` finds for the sizes that guides speak of (data/guides.json) and
 * for the models of the set, for writing text under llama.cpp. Left out: several cards for one model. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "model/digest.h"
#include "verb/need_asked.h"
#include "verb/nominal.h"
#include "verb/paper.h"

/* Sizes up to so many times the largest model of the set are of interest to its users. */
enum { SIZES_MOST = 64, TIMES_LARGEST = 4 };

struct listing {
    const char *name[SIZES_MOST];
    double params[SIZES_MOST];
    bool of_set[SIZES_MOST];
    size_t n;
};

static void list(struct listing *l, const char *name, double params, bool of_set)
{
    size_t at = l->n;
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->name[i], name) == 0) return;
    if (l->n == SIZES_MOST) return;
    for (; at > 0 && params < l->params[at - 1]; at--) {
        l->name[at] = l->name[at - 1];
        l->params[at] = l->params[at - 1];
        l->of_set[at] = l->of_set[at - 1];
    }
    l->name[at] = name;
    l->params[at] = params;
    l->of_set[at] = of_set;
    l->n++;
}

/* Those that are not far above the set's own. */
static bool list_guides(const struct context *in, double params_most, struct listing *l,
                        struct mu_err *err)
{
    const char *size[SIZES_MOST];
    size_t n;
    double params;
    if (!need_sizes(in, size, SIZES_MOST, &n, err)) return false;
    for (size_t i = 0; i < n; i++)
        if (params_parse(size[i], (double)NAN, &params) && params <= params_most)
            list(l, size[i], params, false);
    return true;
}

/* Of the single cards that do it at that level or better: the cheapest, and the one with least memory. */
static const char *cards_words(struct arena *a, const struct need *n, enum need_level level)
{
    const struct offers *o = &n->of[OFFER_GPU];
    const struct offer *cheapest = NULL, *smallest = NULL;
    for (size_t i = 0; i < o->offers; i++) {
        const struct offer *x = &o->offer[i];
        if (x->level < level || x->count > 1) continue;
        if (!isnan(x->usd) && (!cheapest || x->usd < cheapest->usd)) cheapest = x;
        if (!smallest || x->memory_bytes < smallest->memory_bytes) smallest = x;
    }
    if (!smallest) return NULL;
    if (!cheapest) return str_format(a, "%s; none with a price", smallest->name);
    const char *price =
        str_format(a, "%s, %.0f USD (%s)", cheapest->name, cheapest->usd, cheapest->usd_date);
    return smallest == cheapest ? price : str_format(a, "%s; %s", smallest->name, price);
}

static const char *kept(struct arena *a, const char *text)
{
    return text ? str_copy(a, str_of(text)) : NULL;
}

/* What outlives the search, which needs memory for hundreds of machines. */
static void keep(const struct need *n, struct arena *a, struct paper_size *out)
{
    out->model = kept(a, n->level[0].asked.digest->name);
    out->why = kept(a, n->level[0].needs.why);
    for (int i = 0; !out->why && i < NEED_LEVELS; i++) {
        const struct need_case *c = &n->level[i];
        out->level[i] = (struct paper_level){.quant = kept(a, c->asked.digest->quant),
                                             .context_tokens = c->context_tokens,
                                             .vram_bytes = c->vram_bytes,
                                             .ram_bytes = c->ram_bytes,
                                             .cards = cards_words(a, n, (enum need_level)i)};
    }
}

static bool has_model(const struct paper *p, const char *name)
{
    for (size_t i = 0; i < p->sizes; i++)
        if (strcmp(p->size[i].model, name) == 0) return true;
    return false;
}

static void find_size(const struct context *in, const struct world *w, struct paper *p,
                      struct paper_size size)
{
    struct arena *scratch = arena_new(ARENA_USUAL_BYTES);
    struct notes notes = {.arena = scratch};
    struct context aside = *in;
    const struct request q = {.operand = {size.name}, .operands = 1};
    struct need *n = NEW(scratch, struct need);
    struct mu_err none = {.code = MU_OK};
    aside.arena = scratch;
    aside.notes = &notes;
    if (need_find(&q, &aside, w, n, &none) && /* else no model of that size is known */
        !has_model(p, n->level[0].asked.digest->name)) {
        keep(n, in->arena, &size);
        p->size[p->sizes++] = size;
    }
    arena_free(scratch);
}

bool paper_sizes(const struct context *in, const struct world *w, struct paper *p,
                 struct mu_err *err)
{
    struct listing l = {.n = 0};
    for (size_t i = 0; i < p->rows; i++)
        if (p->row[i].asked && p->row[i].experiment->model)
            list(&l, p->row[i].experiment->model, p->row[i].asked->digest->parameters, true);
    if (!list_guides(in, l.n ? l.params[l.n - 1] * TIMES_LARGEST : HUGE_VAL, &l, err)) return false;
    p->size = NEW_ARRAY(in->arena, struct paper_size, l.n);
    for (size_t i = 0; i < l.n; i++)
        find_size(in, w, p, (struct paper_size){.name = l.name[i], .of_set = l.of_set[i]});
    return true;
}

static struct cell needs_cell(struct arena *a, const struct paper_size *s, enum need_level level)
{
    const struct paper_level *l = &s->level[level];
    if (s->why) return (struct cell){.text = "?"};
    return (struct cell){.text = str_format(a, "%s, %s", units_bytes(a, l->vram_bytes), l->quant)};
}

static struct cell cards_cell(const struct paper_size *s, enum need_level level)
{
    if (s->why) return (struct cell){.text = level == NEED_MINIMUM ? s->why : ""};
    return (struct cell){.text = s->level[level].cards ? s->level[level].cards : "no single card"};
}

void show_doc_sizes(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"model", "minimum", "recommended", "cards for the minimum",
                                       "cards recommended"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT,
                                       ALIGN_LEFT};
    doc_heading(d, "Accelerators by model size");
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < p->sizes; i++) {
        const struct paper_size *s = &p->size[i];
        const char *name = name_alone(s->model);
        if (!s->of_set) name = str_format(d->arena, "%s, as %s", s->name, name);
        const struct cell row[] = {{.text = name},
                                   needs_cell(d->arena, s, NEED_MINIMUM),
                                   needs_cell(d->arena, s, NEED_RECOMMENDED),
                                   cards_cell(s, NEED_MINIMUM),
                                   cards_cell(s, NEED_RECOMMENDED)};
        table_row(d, b, row);
    }
    doc_note(
        d, TONE_DIM,
        "For writing text under llama.cpp with everything on one card, its driver counted. "
        "Minimum: the smallest quantisation within +%.0f %% perplexity at %.0f tokens, "
        "likely, nothing spare. Recommended: 8 bits a weight at %.0f tokens (or all it was "
        "trained for), %.0f %% spare, %.0f tokens a second. Cards: the one with least memory, and "
        "the cheapest by street price on its date. Each row again: muster need MODEL",
        ranking_usual.perplexity_most * 100, need_context(NEED_MINIMUM),
        ranking_usual.context_tokens, ranking_usual.spare_share * 100,
        ranking_usual.decode_least_per_s);
}
