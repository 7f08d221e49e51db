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

/* A site's stack is as long as what may be used there, or as what it needs where that is more. */
static double whole_of(const struct site *s)
{
    const double needs = site_needs(s);
    return isnan(s->usable_bytes) || s->usable_bytes < needs ? needs : s->usable_bytes;
}

/* "11.6 GiB free of 12.0 GiB", "12.0 GiB", "budget 28.0 GiB". */
static const char *site_title(const struct placed *p, int site, struct arena *a)
{
    const struct site *s = &p->verdict->site[site];
    const struct pool *pool = &p->machine->pool[s->pool];
    double total_bytes;
    if (p->verdict->split.sites == 1) return "Memory";
    const char *usable = units_bytes(a, s->usable_bytes);
    const char *name = place_called(p->machine, s->place, a);
    if (site == ON_HOST) return str_format(a, "Memory of %s, budget %s", name, usable);
    if (pool->kind == POOL_DEVICE && known(pool->total_bytes, &total_bytes) &&
        s->usable_bytes < total_bytes)
        return str_format(a, "Memory of %s, %s free of %s", name, usable,
                          units_bytes(a, total_bytes));
    return str_format(a, "Memory of %s, %s", name, usable);
}

void show_bill(struct doc *d, const struct placed *p)
{
    const struct verdict *v = p->verdict;
    if (v->bill.unruled) return;
    for (int n = 1; n <= v->split.sites; n++) {
        const int site = n % v->split.sites; /* the host last */
        struct block *b = doc_stack(d, site_title(p, site, d->arena));
        for (size_t i = 0; i < v->bill.lines; i++) {
            const struct line *l = &v->bill.line[i];
            if (l->phase != HELD || l->site != site) continue;
            const char *name = l->held_as == HELD_MAPPED
                                   ? str_format(d->arena, "%s (not counted)", l->term->name)
                                   : l->term->name;
            stack_row(d, b, name, l->amount / whole_of(&v->site[site]),
                      units_bytes(d->arena, l->amount));
        }
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
        writer_put_number(w, "site", l->site);
        writer_put_number(w, "bytes", l->amount);
        writer_put_cstr(w, "formula", l->term->formula);
        writer_put_cstr(w, "source", l->term->source);
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void write_sites(struct writer *w, const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    writer_key(w, "sites");
    writer_list(w);
    for (int i = 0; i < v->split.sites; i++) {
        const struct site *s = &v->site[i];
        const struct place *place = &p->machine->place[s->place];
        writer_map(w);
        writer_put_cstr(w, "name", place_called(p->machine, s->place, a));
        writer_put_cstr(w, "part", place->part);
        writer_put_cstr(w, "backend", i == ON_HOST ? NULL : place->backend);
        writer_put_cstr(w, "pool", p->machine->pool[s->pool].name);
        writer_put_number(w, "layers", v->split.sites == 1 ? (double)NAN : v->split.layers[i]);
        writer_put_cstr(w, "fits", fits_word(s->fits));
        write_estimate(w, "held_bytes", s->held_bytes);
        writer_put_number(w, "beside_bytes", s->beside_bytes);
        writer_put_number(w, "usable_bytes", s->usable_bytes);
        writer_put_cstr(w, "bound_by", s->bound_by);
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void write_placement(struct writer *w, const struct placed *p, struct arena *a)
{
    const struct split *s = &p->verdict->split;
    double layers = 0;
    for (int i = 1; i < s->sites; i++) layers += s->layers[i];
    writer_key(w, "placement");
    writer_map(w);
    writer_put_cstr(w, "words", placement_words(p, a));
    writer_put_number(w, "gpu_layers", layers);
    writer_put_number(w, "cpu_moe", s->sites > 1 ? s->host_experts : 0);
    writer_put_bool(w, "kv_offload", s->sites > 1 && !s->host_cache);
    writer_map_end(w);
}

void write_verdict(struct writer *w, const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    writer_put_cstr(w, "fits", fits_word(v->fits));
    if (v->why) writer_put_cstr(w, "why", v->why);
    write_placement(w, p, a);
    write_sites(w, p, a);
    write_estimate(w, "prefill_tokens_per_s", v->prefill_per_s);
    write_estimate(w, "decode_tokens_per_s", v->decode_per_s);
    write_estimate(w, "decode_tokens_per_j", v->decode_per_joule);
    write_lines(w, &v->bill);
}

void write_notes(struct writer *w, const struct notes *n)
{
    writer_key(w, "notes");
    writer_list(w);
    for (size_t i = 0; i < n->count; i++) writer_cstr(w, n->note[i]);
    writer_list_end(w);
}
