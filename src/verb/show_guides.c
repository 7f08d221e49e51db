/* Guides' figures of memory beside computed ones, for people and as part of need's document: the table by size, the worked examples, the
 * bytes a parameter. Guides' figures as they give them, in GB of 10^9 bytes, and in GiB beside what is computed. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/guides.h"
#include "judge/ranker.h"
#include "verb/need.h"

#define GB 1e9

static const char *bytes_or(struct arena *a, double bytes)
{
    return isnan(bytes) ? "?" : units_bytes(a, bytes);
}

static void add_size(struct doc *d, struct block *b, const struct table_row *r)
{
    struct arena *a = d->arena;
    const char *name = r->figure->size_count > 1
                           ? str_format(a, "%s (%s)", r->figure->name, r->size)
                           : r->figure->name;
    const struct cell cell[] = {{.text = name},
                                {.text = str_format(a, "%g", r->figure->gb)},
                                {.text = units_bytes(a, r->figure->gb * GB)},
                                {.text = bytes_or(a, r->vram_bytes[0])},
                                {.text = bytes_or(a, r->vram_bytes[1])},
                                {.text = bytes_or(a, r->vram_bytes[2])},
                                {.text = r->verdict}};
    table_row(d, b, cell);
}

static void show_sizes(struct doc *d, const struct guides_shown *g)
{
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    static const char *const head[] = {"Guides, by size", "GB",    "is",        "F16",
                                       "8 bit",           "4 bit", "the figure"};
    struct block *b = NULL;
    for (size_t i = 0; i < g->rows; i++) {
        if (g->row[i].as) continue;
        if (!b) b = doc_table(d, NULL, head, align, COUNT_OF(head));
        add_size(d, b, &g->row[i]);
    }
    if (!b) return;
    doc_note(d, TONE_DIM,
             "GB: the guides' own, of 10^9 bytes. Computed: VRAM, all on one card at 4k, likely; "
             "8 bit is %s, 4 bit %s. A figure equals what it holds with nothing to %.0f %% spare",
             table_quants[1], table_quants[2], ranking_usual.spare_share * 100);
}

static const char *card_words(struct arena *a, const struct table_card *c)
{
    return str_format(a, "%s (%s): %s", c->name, units_bytes(a, c->usable_bytes),
                      c->holds ? "holds it" : "does NOT hold it");
}

static void add_example(struct doc *d, struct block *b, const struct table_row *r)
{
    struct arena *a = d->arena;
    const char *verdict = r->verdict;
    for (size_t i = 0; i < r->cards; i++)
        verdict = str_format(a, "%s%s %s", verdict, i ? "," : ";", card_words(a, &r->card[i]));
    const struct cell cell[] = {{.text = r->figure->name},
                                {.text = str_format(a, "%g", r->figure->gb)},
                                {.text = units_bytes(a, r->figure->gb * GB)},
                                {.text = r->as},
                                {.text = bytes_or(a, r->as_weight_bytes)},
                                {.text = bytes_or(a, r->as_bytes)},
                                {.text = verdict}};
    table_row(d, b, cell);
}

static void show_examples(struct doc *d, const struct guides_shown *g)
{
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    static const char *const head[] = {"Guides, examples", "GB",  "is",        "as",
                                       "weights",          "all", "the figure"};
    struct block *b = NULL;
    for (size_t i = 0; i < g->rows; i++) {
        if (!g->row[i].as) continue;
        if (!b) b = doc_table(d, NULL, head, align, COUNT_OF(head));
        add_example(d, b, &g->row[i]);
    }
    if (b) doc_note(d, TONE_DIM, "all: with the cache of 4k tokens, buffers and the card's driver");
}

/* A format's name up to where it goes into detail, with its bits. */
static const char *file_words(struct arena *a, const struct precision_row *r)
{
    const char *detail = strstr(r->file, " (");
    const int n = (int)(detail ? (size_t)(detail - r->file) : strlen(r->file));
    if (isnan(r->bits)) return r->file;
    return str_format(a, "%.*s, %s bit", n, r->file, units_number(a, r->bits, 3));
}

static void show_precisions(struct doc *d, const struct guides_shown *g)
{
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT, ALIGN_RIGHT,
                                       ALIGN_LEFT};
    static const char *const head[] = {"Guides, bytes a parameter", "says", "a real file", "takes",
                                       "the figure"};
    struct arena *a = d->arena;
    if (!g->precisions) return;
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < g->precisions; i++) {
        const struct precision_row *r = &g->precision[i];
        const char *off = r->says;
        if (strcmp(off, "confirmed") != 0)
            off = str_format(a, "%s by %.0f %%", off, fabs(1 - r->guide->bytes / r->bytes) * 100);
        const char *file = file_words(a, r);
        const struct cell cell[] = {{.text = r->guide->name},
                                    {.text = str_format(a, "%g", r->guide->bytes)},
                                    {.text = file},
                                    {.text = str_format(a, "%.3f", r->bytes)},
                                    {.text = off}};
        table_row(d, b, cell);
    }
    doc_note(d, TONE_DIM,
             "takes: bytes a parameter of the whole file of %s. With bits: formats outside GGUF, "
             "for the matrices they quantise; embeddings, output and norms stay at 16 bit",
             g->precision[0].model);
}

void show_guides(struct doc *d, const struct guides_shown *g)
{
    const char *models = "";
    show_sizes(d, g);
    show_examples(d, g);
    for (size_t i = 0; i < g->rows; i++) {
        const struct table_row *r = &g->row[i];
        bool told = strcmp(r->size, r->model) == 0;
        for (size_t k = 0; k < i; k++) told = told || strcmp(g->row[k].size, r->size) == 0;
        if (!told)
            models = str_format(d->arena, "%s%s%s by %s", models, *models ? ", " : "", r->size,
                                r->model);
    }
    if (*models) doc_note(d, TONE_DIM, "sizes: %s", models);
    show_precisions(d, g);
}

/* ---- the document */

static void write_row(struct writer *w, const struct table_row *r)
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
    writer_put_cstr(w, "verdict", r->verdict);
    writer_put_cstr(w, "as", r->as);
    writer_put_number(w, "as_weight_bytes", r->as_weight_bytes);
    writer_put_number(w, "as_vram_bytes", r->as_bytes);
    writer_key(w, "cards");
    writer_list(w);
    for (size_t i = 0; i < r->cards; i++) {
        writer_map(w);
        writer_put_cstr(w, "name", r->card[i].name);
        writer_put_number(w, "usable_bytes", r->card[i].usable_bytes);
        writer_put_bool(w, "holds", r->card[i].holds);
        writer_map_end(w);
    }
    writer_list_end(w);
    writer_map_end(w);
}

void write_guides(struct writer *w, const struct guides_shown *g)
{
    writer_key(w, "guides");
    writer_list(w);
    for (size_t i = 0; i < g->rows; i++) write_row(w, &g->row[i]);
    writer_list_end(w);
    writer_key(w, "precisions");
    writer_list(w);
    for (size_t i = 0; i < g->precisions; i++) {
        const struct precision_row *r = &g->precision[i];
        writer_map(w);
        writer_put_cstr(w, "name", r->guide->name);
        writer_put_number(w, "guide_bytes_per_parameter", r->guide->bytes);
        writer_put_cstr(w, "source", r->guide->source);
        writer_put_cstr(w, "file", r->file);
        writer_put_number(w, "bits_per_quantised_weight", r->bits);
        writer_put_cstr(w, "model", r->model);
        writer_put_number(w, "bytes_per_parameter", r->bytes);
        writer_put_cstr(w, "guide_is", r->says);
        writer_map_end(w);
    }
    writer_list_end(w);
}
