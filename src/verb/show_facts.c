/* What the catalogue says of a part, shown: its leading figures first, then every key of its row in the order of the file, with the unit
 * that the key's name ends in, then the file, its date, source and confidence. Which figures lead is one table a kind. */
#include "verb/show_facts.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"

enum { LEADING_MOST = 6, LINE_BYTES = 4096 };

/* Units by the end of a key, the longer ends first. */
static const struct {
    const char *ending, *unit;
} units[] = {
    {"_tflops", "TFLOPS"}, {"_tops", "TOPS"}, {"_gbps", "Gb/s"}, {"_gbs", "GB/s"}, {"_gib", "GiB"},
    {"_mib", "MiB"},       {"_mts", "MT/s"},  {"_ghz", "GHz"},   {"_mhz", "MHz"},  {"_bits", "bit"},
    {"_bytes", "bytes"},   {"_usd", "USD"},   {"_pct", "%"},     {"_w", "W"},
};

struct leading {
    const char *key, *head;
    const char *unit; /* behind it in a line of text; NULL: none */
};
static const struct leading leading[KNOWN_KIND_COUNT][LEADING_MOST] = {
    [KNOWN_GPU] = {{"memory_gib", "GiB", "GiB"},
                   {"memory_bandwidth_gbs", "GB/s", "GB/s"},
                   {"fp16_tensor_tflops", "F16 TFLOPS", "TFLOPS of F16"},
                   {"tdp_w", "W", "W"},
                   {"launch_year", "year", NULL}},
    [KNOWN_CPU] = {{"cores", "cores", "cores"},
                   {"threads", "threads", "threads"},
                   {"memory_type", "memory", NULL},
                   {"theoretical_bandwidth_gbs", "GB/s", "GB/s"},
                   {"launch_year", "year", NULL}},
    [KNOWN_CLOUD] = {{"provider", "of", NULL},
                     {"gpu_count", "GPUs", "x"},
                     {"gpu", "GPU", NULL},
                     {"usd_per_hour", "USD/h", "USD an hour"},
                     {"price_date", "as of", NULL},
                     {"status", "status", NULL}},
    [KNOWN_MODEL] = {{"params_total", "parameters", "parameters"},
                     {"n_layers", "layers", "layers"},
                     {"max_context", "context", "tokens of context"},
                     {"license", "licence", NULL},
                     {"release", "released", NULL}},
    [KNOWN_QUANT] = {{"bits_per_weight", "bits", "bits a weight"},
                     {"effective_bpw_llama31_8b_without_imatrix", "of an 8B", "bits a weight"},
                     {"file_gib_llama31_8b", "8B, GiB", "GiB for an 8B"},
                     {"bits", "bits a value", "bits a value"},
                     {"ppl", "perplexity", "perplexity"},
                     {"kld", "KLD", "KLD"}},
    [KNOWN_SOURCE] = {{"model", "model", NULL}},
    [KNOWN_GUIDE] = {{"seed", "seed", NULL}, {"verdict", "verdict", NULL}},
    [KNOWN_SOFTWARE] = {{"released", "released", NULL}, {"python_min", "Python from", NULL}},
};

static size_t unit_at(const char *key)
{
    size_t i = 0;
    while (i < COUNT_OF(units) && !str_ends(str_of(key), str_of(units[i].ending))) i++;
    return i;
}

/* Keys that people know by other words. */
static const struct {
    const char *key, *words;
} labels[] = {
    {"memory_mts", "memory rate"},
    {"usd_per_hour", "USD an hour"},
    {"usd_per_hour_spot", "USD an hour, spot"},
    {"usd_per_gpu_hour", "USD an hour of a GPU"},
    {"tdp_w", "power (TDP)"},
    {"check_pct", "off what was published"},
    {"ppl", "perplexity"},
    {"delta_ppl", "perplexity lost"},
    {"base_ppl", "perplexity of the base"},
    {"kld", "KL divergence"},
};

static const char *label(const char *key, struct arena *a)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (strcmp(labels[i].key, key) == 0) return labels[i].words;
    const size_t unit = unit_at(key);
    size_t n = strlen(key);
    if (unit < COUNT_OF(units)) n -= strlen(units[unit].ending);
    char *text = NEW_ARRAY(a, char, n + 1);
    for (size_t i = 0; i < n; i++) text[i] = key[i];
    for (size_t i = 0; i < n; i++)
        if (text[i] == '_') text[i] = ' ';
    return text;
}

static bool counts_parameters(const char *key)
{
    return str_starts(str_of(key), S("params_"));
}

static const char *value(const struct known_fact *f, struct arena *a)
{
    const size_t unit = unit_at(f->key);
    if (f->kind == JSON_NUMBER_KIND && counts_parameters(f->key))
        return str_format(a, "%s (%s)", units_count(a, f->number), f->text);
    if (unit == COUNT_OF(units) || f->kind != JSON_NUMBER_KIND)
        return f->kind == JSON_NULL_KIND ? "?" : f->text;
    return str_format(a, "%s %s", f->text, units[unit].unit);
}

static const char *short_value(const struct known_fact *f, struct arena *a)
{
    if (!f || f->kind == JSON_NULL_KIND) return "";
    return f->kind == JSON_NUMBER_KIND && counts_parameters(f->key) ? units_count(a, f->number)
                                                                    : f->text;
}

bool facts_retired(const struct known_row *row)
{
    const struct known_fact *status = known_fact_of(row, "status");
    return status && strcmp(status->text, "retired") == 0;
}

bool facts_wrong(const struct known_row *row)
{
    const struct known_fact *verdict = known_fact_of(row, "verdict");
    return verdict && strcmp(verdict->text, "wrong") == 0;
}

const char *facts_headline(enum known_kind kind, const struct known_row *row, struct arena *a)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; i < LEADING_MOST && leading[kind][i].key; i++) {
        const struct leading *l = &leading[kind][i];
        const char *text = short_value(known_fact_of(row, l->key), a);
        if (!*text) continue;
        const bool counts = l->unit && strcmp(l->unit, "x") == 0; /* stands before what it counts */
        const bool counted = line.n > 2 && str_ends(buf_text(&line), S(" x"));
        buf_format(&line, "%s%s%s%s",
                   !line.n   ? ""
                   : counted ? " "
                             : ", ",
                   text, l->unit ? " " : "",
                   l->unit && !counts ? l->unit
                   : counts           ? "x"
                                      : "");
    }
    const char *text = str_copy(a, buf_text(&line));
    buf_release(&line);
    return text;
}

/* In the title, or at the end of what is shown. */
static bool told_apart(const char *key)
{
    static const char *const keys[] = {"id", "name", "source", "confidence"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

void show_facts(struct doc *d, const struct known_row *row)
{
    struct block *b = doc_facts(d, str_format(d->arena, "%s · %s", row->name, row->what));
    for (size_t i = 0; i < row->facts; i++) {
        const struct known_fact *f = &row->fact[i];
        if (told_apart(f->key) || !*f->text) continue;
        facts_row(d, b, label(f->key, d->arena), "%s", value(f, d->arena));
    }
    facts_row(d, b, "confidence", "%s", row->confidence ? row->confidence : "not said");
    facts_row(d, b, "source", "%s", row->source ? row->source : "not said");
    facts_row(d, b, "from", "%s%s%s%s", row->file, row->own ? ", your own" : "",
              row->collected ? ", as of " : "", row->collected ? row->collected : "");
}

/* The leading figures that any of the rows has. */
static size_t columns_of(enum known_kind kind, const struct known_row *const *row, size_t rows,
                         const struct leading *out[LEADING_MOST])
{
    size_t n = 0;
    for (size_t i = 0; i < LEADING_MOST && leading[kind][i].key; i++) {
        bool any = false;
        for (size_t r = 0; r < rows && !any; r++)
            any = known_fact_of(row[r], leading[kind][i].key) != NULL;
        if (any) out[n++] = &leading[kind][i];
    }
    return n;
}

void show_facts_table(struct doc *d, enum known_kind kind, const struct known_row *const *row,
                      size_t rows)
{
    const struct leading *column[LEADING_MOST];
    const size_t n = columns_of(kind, row, rows, column);
    const char **head = NEW_ARRAY(d->arena, const char *, n + 2);
    enum align *align = NEW_ARRAY(d->arena, enum align, n + 2);
    struct cell *cell = NEW_ARRAY(d->arena, struct cell, n + 2);
    const bool kinds = kind == KNOWN_QUANT || kind == KNOWN_SOFTWARE;
    head[0] = "name";
    for (size_t c = 0; c < n; c++) {
        head[c + 1] = column[c]->head;
        const struct known_fact *f = NULL;
        for (size_t r = 0; r < rows && !f; r++) f = known_fact_of(row[r], column[c]->key);
        align[c + 1] = f && f->kind == JSON_NUMBER_KIND ? ALIGN_RIGHT : ALIGN_LEFT;
    }
    head[n + 1] = kinds ? "what" : "confidence";
    struct block *b = doc_table(d, NULL, head, align, n + 2);
    for (size_t r = 0; r < rows; r++) {
        const enum tone tone = facts_retired(row[r]) ? TONE_DIM : TONE_PLAIN;
        cell[0] = (struct cell){row[r]->name, tone};
        for (size_t c = 0; c < n; c++)
            cell[c + 1] =
                (struct cell){short_value(known_fact_of(row[r], column[c]->key), d->arena), tone};
        const char *last = kinds ? row[r]->what : row[r]->confidence ? row[r]->confidence : "";
        cell[n + 1] = (struct cell){
            row[r]->own ? str_format(d->arena, "%s%syour own", last, *last ? ", " : "") : last,
            tone};
        table_row(d, b, cell);
    }
}
