/* What `muster need` found, for people and as a document. Memory in GiB; guides' figures as they give them, in GB of 10^9 bytes. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "model/digest.h"
#include "verb/fetching.h"
#include "verb/need.h"

enum { OFFERS_SHOWN = 8 };

/* An encoder decodes nothing. */
static bool writes(const struct need *n)
{
    const struct architecture *arch = n->level[0].asked.digest->shape->arch;
    return !arch || !arch->encoder;
}

static const char *speed_asked(struct arena *a, double per_s)
{
    return isnan(per_s) ? "any speed" : str_format(a, "%g tok/s", per_s);
}

static void show_levels(struct doc *d, const struct need *n)
{
    static const char *const head[] = {"",        "quant",   "context", "speed",    "in RAM",
                                       "or VRAM", "and RAM", "disk",    "bandwidth"};
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
        "in RAM: all on the host; or VRAM: all on one card, and RAM beside it, its driver counted "
        "as %s takes it. minimum: likely, nothing spare; recommended: high end, %.0f %% spare. "
        "bandwidth: what memory must really deliver at that speed with the context full; what is "
        "listed must be more",
        n->level[0].needs.vram_about, n->level[NEED_RECOMMENDED].spare_share * 100);
}

static const char *price_words(struct arena *a, const struct offer *o, enum offer_kind kind)
{
    if (isnan(o->usd)) return "?";
    return str_format(a, kind == OFFER_CLOUD ? "%.2f USD/h" : "%.0f USD", o->usd);
}

/* Whether one that is shown has that mark. */
static bool any_shown(const struct offers *o, bool (*has)(const struct offer *o))
{
    for (size_t i = 0; i < o->offers && i < OFFERS_SHOWN; i++)
        if (has(&o->offer[i])) return true;
    return false;
}

static bool is_on_cpu(const struct offer *o)
{
    return o->on_cpu;
}

static bool is_assumed(const struct offer *o)
{
    return o->ram_assumed;
}

static const char *const short_words[] = {
#define SHORT_WORDS(name, key, words) words,
    SHORTS(SHORT_WORDS)
#undef SHORT_WORDS
};
static const char *const short_keys[] = {
#define SHORT_KEY(name, key, words) key,
    SHORTS(SHORT_KEY)
#undef SHORT_KEY
};

/* The level, and why it is not the better one. */
static const char *does_words(struct arena *a, const struct need *n, const struct offer *o)
{
    const char *name = n->level[o->level].name;
    const char *own = n->level[o->level].asked.digest->quant;
    const char *better = n->level[NEED_RECOMMENDED].asked.digest->quant;
    if (o->level == NEED_RECOMMENDED) return name;
    if (!own || !better || strcmp(own, better) == 0) better = "more";
    return str_format(a, "%s (%s: %s)", name, better, short_words[o->short_of]);
}

static const char *offer_words(struct arena *a, const struct offer *o)
{
    if (o->ram_assumed) return str_format(a, "%s *", o->name);
    if (o->count > 1) return str_format(a, "%.0f x %s", o->count, o->name);
    return o->on_cpu ? str_format(a, "%s (CPU)", o->name) : o->name;
}

/* Of what shares memory: from the least that does to the most it comes with. */
static const char *memory_words(struct arena *a, const struct offer *o)
{
    const double gib = 0x1p30;
    if (o->most_bytes > o->memory_bytes)
        return str_format(a, "%.0f-%.0f GiB", o->memory_bytes / gib, o->most_bytes / gib);
    return units_bytes(a, o->memory_bytes);
}

static void show_offers(struct doc *d, const struct need *n, enum offer_kind kind)
{
    static const char *const heads[OFFER_KINDS] = {"Accelerators", "Chips, in the machine's RAM",
                                                   "CPUs, all in RAM", "Instances"};
    static const char *const memory[OFFER_KINDS] = {"memory", "RAM", "RAM from", "memory"};
    static const char *const price[OFFER_KINDS] = {"street price", "price", "price", "price"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    struct arena *a = d->arena;
    const struct offers *o = &n->of[kind];
    const char **head = NEW_ARRAY(a, const char *, COUNT_OF(align));
    const char *const rest[] = {heads[kind], "does", memory[kind], "decode", price[kind], "as of"};
    memcpy(head, rest, sizeof rest);
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(align));
    for (size_t i = 0; i < o->offers && i < OFFERS_SHOWN; i++) {
        const struct offer *x = &o->offer[i];
        const struct cell cell[] = {
            {.text = offer_words(a, x)},       {.text = does_words(a, n, x)},
            {.text = memory_words(a, x)},      {.text = writes(n) ? speed_words(a, x->per_s) : "-"},
            {.text = price_words(a, x, kind)}, {.text = isnan(x->usd) ? "" : x->usd_date}};
        table_row(d, b, cell);
    }
    const char *rest_of = "";
    if (o->offers > OFFERS_SHOWN)
        rest_of = str_format(a, "; %zu more do", o->offers - OFFERS_SHOWN);
    for (int k = 0; k < SHORT_OF_COUNT; k++)
        if (o->without[k])
            rest_of = str_format(a, "%s; %zu %s", rest_of, o->without[k], short_words[k]);
    if (o->retired)
        rest_of = str_format(a, "%s; retired and not offered: %zu", rest_of, o->retired);
    if (kind == OFFER_SHARED && o->offers)
        rest_of = str_format(a,
                             "%s; RAM: the least of the machine that does, to the most the chip "
                             "comes with",
                             rest_of);
    if (any_shown(o, is_on_cpu))
        rest_of = str_format(a,
                             "%s; CPU: no accelerator, a share of its processor's listed rates by "
                             "threads, nothing measured stands behind it",
                             rest_of);
    if (any_shown(o, is_assumed))
        rest_of = str_format(a, "%s; *: its RAM is not listed, enough beside the card is assumed",
                             rest_of);
    if (*rest_of) doc_note(d, TONE_DIM, "%s", rest_of + 2);
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
        if (kind == OFFER_CLOUD) {
            writer_put_bool(w, "on_cpu", x->on_cpu);
            writer_put_bool(w, "ram_assumed", x->ram_assumed);
        }
        writer_put_cstr(w, "does", n->level[x->level].name);
        writer_put_cstr(w, "more_is", short_keys[x->short_of]);
        writer_put_number(w, "memory_bytes", x->memory_bytes);
        if (kind == OFFER_SHARED) writer_put_number(w, "most_memory_bytes", x->most_bytes);
        write_estimate(w, "decode_tokens_per_s", x->per_s);
        writer_put_number(w, kind == OFFER_CLOUD ? "usd_per_hour" : "usd", x->usd);
        writer_put_cstr(w, "price_date", isnan(x->usd) ? NULL : x->usd_date);
        writer_map_end(w);
    }
    writer_list_end(w);
    for (int k = SHORT_OF_NOTHING + 1; k < SHORT_OF_COUNT; k++)
        writer_put_number(w, short_keys[k], (double)o->without[k]);
    writer_put_number(w, "retired", (double)o->retired);
    writer_map_end(w);
}

void write_need(const struct need *n, const struct guides_shown *g, const struct notes *notes,
                struct buf *out)
{
    static const char *const kind[OFFER_KINDS] = {"accelerators", "shared_memory", "cpus",
                                                  "instances"};
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
    write_guides(&w, g);
    write_notes(&w, notes);
    writer_map_end(&w);
}
