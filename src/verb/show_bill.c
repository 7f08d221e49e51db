/* A bill and its verdict, on a screen and as JSON: what is held, what it was computed from, how fast it would be. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/notes.h"
#include "base/units.h"
#include "verb/common.h"

const char *speed_words(struct arena *a, struct estimate per_s)
{
    return estimate_known(per_s) ? units_token_rate(a, per_s.low, per_s.high) : "?";
}

void show_bill(struct doc *d, const struct verdict *v)
{
    if (v->bill.unruled) return;
    struct block *b = doc_stack(d, "Memory");
    const double whole = isnan(v->site[ON_HOST].usable_bytes) ||
                                 v->site[ON_HOST].usable_bytes < v->site[ON_HOST].held_bytes.likely
                             ? v->site[ON_HOST].held_bytes.likely + v->site[ON_HOST].beside_bytes
                             : v->site[ON_HOST].usable_bytes;
    for (size_t i = 0; i < v->bill.lines; i++) {
        const struct line *l = &v->bill.line[i];
        if (l->phase != HELD) continue;
        const char *name = l->held_as == HELD_MAPPED
                               ? str_format(d->arena, "%s (not counted)", l->term->name)
                               : l->term->name;
        stack_row(d, b, name, l->amount / whole, units_bytes(d->arena, l->amount));
    }
}

struct explaining {
    struct doc *doc;
    struct block *table;
};

static void explain_row(void *to, const char *name, const char *formula, double value,
                        const char *source)
{
    struct explaining *e = to;
    const struct cell row[] = {
        {.text = name},
        {.text = str_format(e->doc->arena, "%.15g", value)},
        {.text = formula ? str_format(e->doc->arena, "= %s", formula) : (source ? source : "")}};
    table_row(e->doc, e->table, row);
}

void show_explanation(struct doc *d, const struct task *t, const struct verdict *v)
{
    static const char *const head[] = {"name", "value", "formula or source"};
    static const char *const line_head[] = {"held or worked", "amount", "formula", "source"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT};
    static const enum align line_align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT, ALIGN_LEFT};
    struct explaining e = {d, doc_table(d, "Computed from", head, align, COUNT_OF(head))};
    struct bill *again = NEW(d->arena, struct bill);
    again->note = explain_row;
    again->to = &e;
    cost_bill(t, &v->split, again);
    struct block *b = doc_table(d, "Lines of the bill", line_head, line_align, COUNT_OF(line_head));
    for (size_t i = 0; i < again->lines; i++) {
        const struct line *l = &again->line[i];
        const struct cell row[] = {{.text = l->term->name},
                                   {.text = str_format(d->arena, "%.15g", l->amount)},
                                   {.text = l->term->formula},
                                   {.text = l->term->source ? l->term->source : ""}};
        table_row(d, b, row);
    }
}

struct writer document_begin(struct buf *out, const char *schema)
{
    struct writer w = writer_of(out, false);
    writer_map(&w);
    writer_put_cstr(&w, "muster", MUSTER_VERSION);
    writer_put_cstr(&w, "schema", schema);
    return w;
}

void write_estimate(struct writer *w, const char *key, struct estimate e)
{
    writer_key(w, key);
    writer_map(w);
    if (estimate_known(e)) {
        writer_put_number(w, "low", e.low);
        writer_put_number(w, "likely", e.likely);
        writer_put_number(w, "high", e.high);
        writer_put_cstr(w, "origin", origin_word(e.origin));
        writer_put_cstr(w, "source", e.source);
    } else {
        writer_put_number(w, "likely", (double)NAN);
        writer_put_cstr(w, "why", e.source);
    }
    writer_map_end(w);
}

static void write_lines(struct writer *w, const struct bill *b)
{
    static const char *const held[] = {"own", "mapped", "process"};
    writer_key(w, "held");
    writer_list(w);
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        if (l->phase != HELD) continue;
        writer_map(w);
        writer_put_cstr(w, "name", l->term->name);
        writer_put_cstr(w, "group", l->term->group);
        writer_put_cstr(w, "as", held[l->held_as]);
        writer_put_number(w, "bytes", l->amount);
        writer_put_cstr(w, "formula", l->term->formula);
        writer_put_cstr(w, "source", l->term->source);
        writer_map_end(w);
    }
    writer_list_end(w);
}

void write_verdict(struct writer *w, const struct verdict *v)
{
    writer_put_cstr(w, "fits", fits_word(v->fits));
    if (v->why) writer_put_cstr(w, "why", v->why);
    write_estimate(w, "held_bytes", v->site[ON_HOST].held_bytes);
    writer_put_number(w, "process_bytes", v->site[ON_HOST].beside_bytes);
    writer_put_number(w, "usable_bytes", v->site[ON_HOST].usable_bytes);
    writer_put_cstr(w, "bound_by", v->site[ON_HOST].bound_by);
    write_estimate(w, "prefill_tokens_per_s", v->prefill_per_s);
    write_estimate(w, "decode_tokens_per_s", v->decode_per_s);
    write_lines(w, &v->bill);
}

void write_notes(struct writer *w, const struct notes *n)
{
    writer_key(w, "notes");
    writer_list(w);
    for (size_t i = 0; i < n->count; i++) writer_cstr(w, n->note[i]);
    writer_list_end(w);
}
