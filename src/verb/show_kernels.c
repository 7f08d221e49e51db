/* verb/show_kernels.c - rates of products and attention, a row for each type of weights in each kind of buffer.
 *
 * Decode is shown as bytes of weights a second, which is what people compare with their memory; everything else as operations. Runs,
 * spread and conditions are in the JSON. */
#include "verb/show_kernels.h"

#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/types.h"

enum { ROW_TYPES = 3, PROMPT_TOKENS = 512 };

bool kernel_work(enum machine_work work)
{
    return work == WORK_MATMUL_FLOP || work == WORK_EXPERT_FLOP || work == WORK_ATTEND_FLOP;
}

static bool same_kind(const struct rate *a, const struct rate *b)
{
    return a->place == b->place && a->work == b->work && a->type == b->type && a->row == b->row &&
           a->group == b->group && a->cell == b->cell && str_same(a->buffer, b->buffer);
}

/* The rate of the same kind with so many columns and the most threads, or one; NULL when not measured. */
static const struct rate *rate_at(const struct machine *m, const struct rate *kind, double tokens,
                                  enum rate_threads threads)
{
    const struct rate *best = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (!same_kind(r, kind) || r->tokens != tokens) continue;
        if (threads == RATE_ONE_THREAD && r->threads != 1) continue;
        if (!best || r->threads > best->threads) best = r;
    }
    return best;
}

static const struct weight_type *type_of(const struct rate *r, const struct catalog *c)
{
    const struct weight_type *types = r->type < TYPES ? catalog_types(c, NULL) : NULL;
    return types && types[r->type].name ? &types[r->type] : NULL;
}

/* One multiply and one add a weight. */
static double weights_bytes_per_s(const struct rate *r, const struct weight_type *t)
{
    return r->per_s.likely / 2 * t->block_bytes / t->block;
}

/* Cards have rows of their own (show_machine.c). */
static bool on_card(const struct machine *m, const struct rate *r)
{
    return r->place < m->places && m->place[r->place].kind != PLACE_CPU;
}

/* The first of its kind among the rates. */
static bool first_of_kind(const struct machine *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_kind(&m->rate[i], &m->rate[at])) return false;
    return true;
}

/* The first buffer of a type is the one llama.cpp takes. */
static bool first_of_type(const struct machine *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (m->rate[i].work == m->rate[at].work && m->rate[i].type == m->rate[at].type)
            return false;
    return true;
}

static void add_words(struct buf *to, const char *name, const char *words)
{
    if (to->n) buf_add(to, S(", "));
    buf_add(to, str_of(name));
    buf_char(to, ' ');
    buf_add(to, str_of(words));
}

void show_kernel_rows(struct doc *d, struct block *b, const struct machine *m,
                      const struct catalog *c)
{
    struct buf decode, prefill;
    buf_init(&decode, 4096);
    buf_init(&prefill, 4096);
    size_t shown = 0;
    for (size_t i = 0; i < m->rates && shown < ROW_TYPES; i++) {
        const struct rate *r = &m->rate[i];
        const struct weight_type *t = type_of(r, c);
        if (r->work != WORK_MATMUL_FLOP || !t || on_card(m, r) || !first_of_type(m, i)) continue;
        const struct rate *one = rate_at(m, r, 1, RATE_ALL_THREADS);
        const struct rate *many = rate_at(m, r, PROMPT_TOKENS, RATE_ALL_THREADS);
        if (one)
            add_words(&decode, t->name, units_byte_rate(d->arena, weights_bytes_per_s(one, t)));
        if (many) add_words(&prefill, t->name, units_flop_rate(d->arena, many->per_s.likely));
        shown++;
    }
    if (decode.n) facts_row(d, b, "decode", "%s of weights", str_copy(d->arena, buf_text(&decode)));
    if (prefill.n) facts_row(d, b, "prefill", "%s", str_copy(d->arena, buf_text(&prefill)));
    buf_release(&decode);
    buf_release(&prefill);
}

static struct cell giga(struct doc *d, double per_s)
{
    return (struct cell){.text = units_number(d->arena, per_s / 1e9, 3)};
}

static struct cell flop_cell(struct doc *d, const struct machine *m, const struct rate *kind,
                             double tokens, enum rate_threads threads)
{
    const struct rate *r = rate_at(m, kind, tokens, threads);
    return r ? giga(d, r->per_s.likely) : (struct cell){.text = ""};
}

static struct cell bytes_cell(struct doc *d, const struct machine *m, const struct rate *kind,
                              const struct weight_type *t, enum rate_threads threads)
{
    const struct rate *r = rate_at(m, kind, 1, threads);
    return r ? giga(d, weights_bytes_per_s(r, t)) : (struct cell){.text = ""};
}

static struct cell count_cell(struct doc *d, double count)
{
    return (struct cell){.text = count > 0 ? str_format(d->arena, "%g", count) : ""};
}

static void show_products(struct doc *d, const struct machine *m, const struct catalog *c)
{
    static const char *const head[] = {"products with", "buffer",  "row", "decode, GB/s",
                                       "1 thread",      "x8",      "x32", "x128",
                                       "x512, GFLOP/s", "1 thread"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT};
    struct block *b = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        const struct weight_type *t = type_of(r, c);
        const bool experts = r->work == WORK_EXPERT_FLOP;
        if ((r->work != WORK_MATMUL_FLOP && !experts) || !t || on_card(m, r) ||
            !first_of_kind(m, i))
            continue;
        if (!b) b = doc_table(d, NULL, head, align, COUNT_OF(head));
        const struct cell row[] = {
            {.text = experts ? str_format(d->arena, "%s experts", t->name) : t->name},
            {.text = r->buffer},
            count_cell(d, r->row),
            bytes_cell(d, m, r, t, RATE_ALL_THREADS),
            bytes_cell(d, m, r, t, RATE_ONE_THREAD),
            flop_cell(d, m, r, 8, RATE_ALL_THREADS),
            flop_cell(d, m, r, 32, RATE_ALL_THREADS),
            flop_cell(d, m, r, 128, RATE_ALL_THREADS),
            flop_cell(d, m, r, PROMPT_TOKENS, RATE_ALL_THREADS),
            flop_cell(d, m, r, PROMPT_TOKENS, RATE_ONE_THREAD),
        };
        table_row(d, b, row);
    }
}

static void show_attention(struct doc *d, const struct machine *m, const struct catalog *c)
{
    static const char *const head[] = {"attention to",    "head",     "to a key", "cell",
                                       "decode, GFLOP/s", "1 thread", "x512",     "1 thread"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    struct block *b = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        const struct weight_type *t = type_of(r, c);
        if (r->work != WORK_ATTEND_FLOP || !t || on_card(m, r) || !first_of_kind(m, i)) continue;
        if (!b) b = doc_table(d, NULL, head, align, COUNT_OF(head));
        const struct cell row[] = {
            {.text = t->name},
            count_cell(d, r->row),
            count_cell(d, r->group),
            count_cell(d, r->cell),
            flop_cell(d, m, r, 1, RATE_ALL_THREADS),
            flop_cell(d, m, r, 1, RATE_ONE_THREAD),
            flop_cell(d, m, r, PROMPT_TOKENS, RATE_ALL_THREADS),
            flop_cell(d, m, r, PROMPT_TOKENS, RATE_ONE_THREAD),
        };
        table_row(d, b, row);
    }
}

void show_kernel_tables(struct doc *d, const struct machine *m, const struct catalog *c)
{
    show_products(d, m, c);
    show_attention(d, m, c);
}
