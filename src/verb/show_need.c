/* What `muster need` found, for people and as a document. Memory in GiB; guides' figures as they give them, in GB of 10^9 bytes. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/guides.h"
#include "model/digest.h"
#include "verb/fetching.h"
#include "verb/need.h"

enum { OFFERS_SHOWN = 8 };
#define GB 1e9

static const char *speed_asked(struct arena *a, double per_s)
{
    return isnan(per_s) ? "any speed" : str_format(a, "%g tok/s", per_s);
}

static void show_levels(struct doc *d, const struct need *n)
{
    static const char *const head[] = {"",        "quant", "context",
                                       "speed",   "RAM",   "or VRAM, all on one card",
                                       "and RAM", "disk",  "bandwidth"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    struct arena *a = d->arena;
    struct block *b = doc_table(d, "Free memory", head, align, COUNT_OF(head));
    for (int i = 0; i < NEED_LEVELS; i++) {
        const struct need_case *c = &n->level[i];
        const struct cell cell[] = {
            {.text = c->name},
            {.text = c->asked.digest->quant},
            {.text = str_format(a, "%.0f", c->context_tokens)},
            {.text = speed_asked(a, c->least_per_s)},
            {.text = units_bytes(a, c->ram_bytes)},
            {.text = units_bytes(a, c->vram_bytes)},
            {.text = units_bytes(a, c->beside_bytes)},
            {.text = units_bytes(a, c->needs.disk_bytes)},
            {.text = isnan(c->read_per_s) ? "-" : units_byte_rate(a, c->read_per_s)}};
        table_row(d, b, cell);
    }
    doc_note(
        d, TONE_DIM,
        "minimum: likely, nothing spare; recommended: high end, %.0f %% spare. bandwidth: what "
        "memory must really deliver at that speed with the context full; what is listed must "
        "be more. A card's driver is counted as %s takes it",
        n->level[NEED_RECOMMENDED].spare_share * 100, n->level[0].needs.vram_about);
}

static const char *price_words(struct arena *a, const struct offer *o, enum offer_kind kind)
{
    if (isnan(o->usd)) return "?";
    return str_format(a, kind == OFFER_CLOUD ? "%.2f USD/h" : "%.0f USD", o->usd);
}

static void show_offers(struct doc *d, const struct need *n, enum offer_kind kind)
{
    static const char *const heads[OFFER_KINDS] = {"Accelerators", "CPUs, all in RAM", "Instances"};
    static const char *const price[OFFER_KINDS] = {"street price", "price", "price"};
    static const char *const word[OFFER_KINDS] = {
        "accelerators are too small, too slow or not for llama.cpp",
        "CPUs are too small or too slow",
        "instances are too small, too slow or have no accelerator"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    struct arena *a = d->arena;
    const struct offers *o = &n->of[kind];
    const char **head = NEW_ARRAY(a, const char *, COUNT_OF(align));
    const char *const rest[] = {heads[kind], "does", "memory", "decode", price[kind], "as of"};
    memcpy(head, rest, sizeof rest);
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(align));
    for (size_t i = 0; i < o->offers && i < OFFERS_SHOWN; i++) {
        const struct offer *x = &o->offer[i];
        const struct cell cell[] = {
            {.text = x->count > 1 ? str_format(a, "%.0f x %s", x->count, x->name) : x->name},
            {.text = n->level[x->level].name},
            {.text = units_bytes(a, x->memory_bytes)},
            {.text = speed_words(a, x->per_s)},
            {.text = price_words(a, x, kind)},
            {.text = isnan(x->usd) ? "" : x->usd_date}};
        table_row(d, b, cell);
    }
    const char *more =
        o->offers > OFFERS_SHOWN ? str_format(a, "%zu more do; ", o->offers - OFFERS_SHOWN) : "";
    doc_note(d, TONE_DIM, "%s%zu %s%s%s%s", more, o->not_reaching, word[kind],
             o->speed_unknown ? str_format(a, ", %zu of unknown speed", o->speed_unknown) : "",
             o->shared ? str_format(a,
                                    "; %zu share the machine's memory: muster fit --machine "
                                    "sizes those",
                                    o->shared)
                       : "",
             o->retired ? str_format(a, "; %zu are retired and not offered", o->retired) : "");
}

/* How long the files of both levels take, on lines taken as examples. */
static void show_fetching(struct doc *d, const struct need *n)
{
    struct arena *a = d->arena;
    const char *text = NULL;
    for (int i = 0; i < NEED_LEVELS; i++) {
        const struct need_case *c = &n->level[i];
        const char *time = fetch_examples_words(c->needs.disk_bytes, a);
        if (!time) continue;
        const char *one = str_format(a, "%s %s", c->name, time);
        text = text ? str_format(a, "%s; %s", text, one) : one;
    }
    if (text) doc_note(d, TONE_DIM, "to fetch it, as examples: %s", text);
}

void show_need(struct doc *d, const struct need *n)
{
    struct arena *a = d->arena;
    const struct need_case *low = &n->level[NEED_MINIMUM], *high = &n->level[NEED_RECOMMENDED];
    if (low->needs.why) {
        doc_answer(d, TONE_BAD, "Not computed: %s: %s", low->asked.digest->name, low->needs.why);
        return;
    }
    doc_answer(d, TONE_PLAIN, "%s needs %s of RAM, or %s on a card, at least; %s or %s recommended",
               low->asked.digest->name, units_bytes(a, low->ram_bytes),
               units_bytes(a, low->vram_bytes), units_bytes(a, high->ram_bytes),
               units_bytes(a, high->vram_bytes));
    if (n->stands_for) doc_note(d, TONE_WARN, "assumed shape: %s", n->stands_for);
    show_levels(d, n);
    show_fetching(d, n);
    for (int k = 0; k < OFFER_KINDS; k++) show_offers(d, n, (enum offer_kind)k);
}

void show_need_table(struct doc *d, const struct table_row *row, size_t rows)
{
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    static const char *const head[] = {"Guides' figures", "GB",    "F16",
                                       "8 bit",           "4 bit", "the figure"};
    struct arena *a = d->arena;
    if (!rows) return;
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < rows; i++) {
        const struct table_row *r = &row[i];
        const char *name = r->figure->size_count > 1
                               ? str_format(a, "%s (%s)", r->figure->name, r->size)
                               : r->figure->name;
        const struct cell cell[] = {{.text = name},
                                    {.text = str_format(a, "%g", r->figure->gb)},
                                    {.text = units_bytes(a, r->vram_bytes[0])},
                                    {.text = units_bytes(a, r->vram_bytes[1])},
                                    {.text = units_bytes(a, r->vram_bytes[2])},
                                    {.text = r->equals}};
        table_row(d, b, cell);
    }
    doc_note(d, TONE_DIM,
             "GB: the guides' own, of 10^9 bytes. Computed: VRAM, all on one card, likely; as %s, "
             "%s and %s. A figure equals what it holds with nothing to %.0f %% spare",
             table_quants[0], table_quants[1], table_quants[2], ranking_usual.spare_share * 100);
    for (size_t i = 0; i < rows; i++) {
        bool told = false;
        for (size_t k = 0; k < i; k++) told = told || strcmp(row[k].size, row[i].size) == 0;
        if (!told) doc_note(d, TONE_DIM, "%s: %s stands for it", row[i].size, row[i].model);
        if (row[i].card) doc_note(d, TONE_DIM, "%s: %s", row[i].figure->name, row[i].card);
    }
}

/* ---- the document */

static void write_level(struct writer *w, const struct need_case *c)
{
    writer_map(w);
    writer_put_cstr(w, "name", c->name);
    writer_put_cstr(w, "quant", c->asked.digest->quant);
    writer_put_number(w, "context_tokens", c->context_tokens);
    writer_put_number(w, "least_tokens_per_s", c->least_per_s);
    writer_put_number(w, "spare_share", c->spare_share);
    writer_put_number(w, "ram_bytes", c->ram_bytes);
    writer_put_number(w, "vram_bytes", c->vram_bytes);
    writer_put_number(w, "ram_beside_bytes", c->beside_bytes);
    writer_put_number(w, "disk_bytes", c->needs.disk_bytes);
    writer_put_number(w, "read_bytes_per_s", c->read_per_s);
    writer_put_number(w, "read_bytes_per_token", c->needs.token_bytes);
    writer_map_end(w);
}

static void write_offers(struct writer *w, const struct need *n, enum offer_kind kind)
{
    const struct offers *o = &n->of[kind];
    writer_map(w);
    writer_key(w, "offers");
    writer_list(w);
    for (size_t i = 0; i < o->offers; i++) {
        const struct offer *x = &o->offer[i];
        writer_map(w);
        writer_put_cstr(w, "name", x->name);
        writer_put_number(w, "count", x->count);
        writer_put_cstr(w, "does", n->level[x->level].name);
        writer_put_number(w, "memory_bytes", x->memory_bytes);
        write_estimate(w, "decode_tokens_per_s", x->per_s);
        writer_put_number(w, kind == OFFER_CLOUD ? "usd_per_hour" : "usd", x->usd);
        writer_put_cstr(w, "price_date", isnan(x->usd) ? NULL : x->usd_date);
        writer_map_end(w);
    }
    writer_list_end(w);
    writer_put_number(w, "not_reaching", (double)o->not_reaching);
    writer_put_number(w, "speed_unknown", (double)o->speed_unknown);
    writer_put_number(w, "shared_memory", (double)o->shared);
    writer_put_number(w, "retired", (double)o->retired);
    writer_map_end(w);
}

static void write_table_row(struct writer *w, const struct table_row *r)
{
    writer_map(w);
    writer_put_cstr(w, "name", r->figure->name);
    writer_put_cstr(w, "level", r->figure->level);
    writer_put_number(w, "guide_bytes", r->figure->gb * GB);
    writer_put_cstr(w, "source", r->figure->source);
    writer_put_cstr(w, "size", r->size);
    writer_put_cstr(w, "model", r->model);
    writer_key(w, "columns");
    writer_list(w);
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        writer_map(w);
        writer_put_cstr(w, "quant", table_quants[i]);
        writer_put_number(w, "weight_bytes", r->weight_bytes[i]);
        writer_put_number(w, "vram_bytes", r->vram_bytes[i]);
        writer_put_number(w, "vram_with_spare_bytes", r->most_bytes[i]);
        writer_put_cstr(w, "guide_is", r->says[i]);
        writer_map_end(w);
    }
    writer_list_end(w);
    writer_put_cstr(w, "verdict", r->equals);
    writer_put_cstr(w, "card", r->card);
    writer_map_end(w);
}

void write_need(const struct need *n, const struct table_row *row, size_t rows,
                const struct notes *notes, struct buf *out)
{
    static const char *const kind[OFFER_KINDS] = {"accelerators", "cpus", "instances"};
    const char *why = n ? n->level[0].needs.why : NULL;
    struct writer w = document_begin(out, "need/1");
    writer_put_cstr(&w, "model", n ? n->level[0].asked.digest->name : NULL);
    writer_put_cstr(&w, "assumed", n ? n->stands_for : NULL);
    writer_put_cstr(&w, "why", why);
    writer_key(&w, "levels");
    writer_list(&w);
    for (int i = 0; n && !why && i < NEED_LEVELS; i++) write_level(&w, &n->level[i]);
    writer_list_end(&w);
    for (int k = 0; k < OFFER_KINDS; k++) {
        writer_key(&w, kind[k]);
        if (n && !why)
            write_offers(&w, n, (enum offer_kind)k);
        else
            writer_null(&w);
    }
    writer_key(&w, "guides");
    writer_list(&w);
    for (size_t i = 0; i < rows; i++) write_table_row(&w, &row[i]);
    writer_list_end(&w);
    write_notes(&w, notes);
    writer_map_end(&w);
}
