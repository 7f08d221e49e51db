/* muster selftest: our own error, class by class, on the truth that ships with the program or on a file of the same schema. */
#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "proof/proof.h"
#include "verb/common.h"

enum { TRUTH_BYTES_MOST = 64 << 20, SCORES_MOST = 256 };

struct scores {
    struct score row[SCORES_MOST];
    size_t rows;
};

static bool score_text(const struct context *in, struct str text, const char *name,
                       struct scores *out, struct mu_err *err)
{
    const struct score *score;
    size_t n;
    if (!proof_score(text, name, in->catalog, in->arena, &score, &n, err)) return false;
    for (size_t i = 0; i < n && out->rows < SCORES_MOST; i++) out->row[out->rows++] = score[i];
    return true;
}

static bool score_file(const struct context *in, const char *path, struct scores *out,
                       struct mu_err *err)
{
    struct mapped m;
    if (!mapped_open(path, TRUTH_BYTES_MOST, &m, NULL, err)) return false;
    const bool ok = score_text(in, m.bytes, path, out, err);
    mapped_close(&m);
    return ok;
}

static bool over_bar(const struct score *s)
{
    return s->median_pct > s->bar_median_pct || s->p80_pct > s->bar_p80_pct ||
           s->p90_pct > s->bar_p90_pct || s->worst_pct > s->bar_worst_pct;
}

static const char *percent(struct arena *a, double x)
{
    return isnan(x) ? "" : str_format(a, "%.3f", x);
}

static void show_scores(struct doc *d, const struct scores *s)
{
    static const char *const head[] = {"class",   "rows",     "median %", "90th %",
                                       "worst %", "coverage", "bar",      "worst row"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT,  ALIGN_LEFT};
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < s->rows; i++) {
        const struct score *r = &s->row[i];
        const bool promised = !isnan(r->bar_median_pct);
        const struct cell row[] = {
            {.text = r->class_},
            {.text = str_format(d->arena, "%.0f", r->rows)},
            {.text = percent(d->arena, r->median_pct)},
            {.text = percent(d->arena, r->p90_pct)},
            {.text = percent(d->arena, r->worst_pct)},
            {.text = isnan(r->coverage) ? "" : str_format(d->arena, "%.2f", r->coverage)},
            {.text = !promised     ? ""
                     : over_bar(r) ? "over"
                                   : "met",
             .tone = over_bar(r) ? TONE_BAD : TONE_GOOD},
            {.text = r->worst_row && r->worst_pct > 0 ? str_visible(d->arena, str_of(r->worst_row))
                                                      : ""}};
        table_row(d, b, row);
    }
}

static void write_scores(const struct scores *s, struct buf *out)
{
    struct writer w = document_begin(out, "selftest/1");
    writer_key(&w, "classes");
    writer_list(&w);
    for (size_t i = 0; i < s->rows; i++) {
        const struct score *r = &s->row[i];
        writer_map(&w);
        writer_put_cstr(&w, "class", r->class_);
        writer_put_number(&w, "rows", r->rows);
        writer_put_number(&w, "median_pct", r->median_pct);
        writer_put_number(&w, "p80_pct", r->p80_pct);
        writer_put_number(&w, "p90_pct", r->p90_pct);
        writer_put_number(&w, "worst_pct", r->worst_pct);
        writer_put_cstr(&w, "worst_row", r->worst_row);
        writer_put_number(&w, "coverage", r->coverage);
        writer_map_end(&w);
    }
    writer_list_end(&w);
    writer_map_end(&w);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    const char *given[16];
    const size_t files = request_texts(q, "truth", given, COUNT_OF(given));
    struct scores *s = NEW(in->arena, struct scores);
    for (size_t i = 0; i < files; i++)
        if (!score_file(in, given[i], s, err)) return false;
    for (size_t i = 0; !files && proof_truths[i]; i++)
        if (!score_text(in, catalog_file(in->catalog, proof_truths[i]), proof_truths[i], s, err))
            return false;
    for (size_t i = 0; i < s->rows; i++) out->no = out->no || over_bar(&s->row[i]);
    doc_answer(&out->doc, out->no ? TONE_BAD : TONE_GOOD, "%s",
               out->no ? "A class is over its bar" : "Every class that has a bar meets it");
    show_scores(&out->doc, s);
    write_scores(s, &out->json);
    return true;
}

static const struct option options[] = {
    {.name = "truth",
     .kind = OPTION_TEXTS,
     .value = "FILE",
     .words = "score this file of truth rows instead of the shipped ones (repeatable)"},
};
static const char *const examples[] = {"muster selftest", "muster selftest --json", NULL};
const struct verb verb_selftest = {
    .name = "selftest",
    .words = "our own error on measured truth, class by class",
    .operands = "",
    .about = "Runs truth rows through the very code that answers users: errors in percent of what "
             "was measured, per class the median, the "
             "90th percentile and the worst. Exit status 1 when a class is over its bar.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .answer = answer,
};
