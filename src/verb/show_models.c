/* The rows of `muster models` for people and as a document. What is left out is always counted. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "verb/models.h"

#define RATE_UNIT " tok/s"

const char *rank_end_word(enum rank_end end)
{
    static const char *const word[] = {"runs well", "slow",      "tight",
                                       "too large", "not known", "not computed"};
    return word[end];
}

/* The unit stands in the column's head. */
const char *models_rate_words(struct arena *a, struct estimate e)
{
    struct str s = str_of(speed_words(a, e));
    if (str_ends(s, S(RATE_UNIT))) s.n -= sizeof RATE_UNIT - 1;
    return str_copy(a, s);
}

/* "128k" where it is whole thousands of 1024. */
static const char *context_words(struct arena *a, double tokens)
{
    if (!(tokens > 0)) return "any"; /* it fits, and nobody says how long it was trained for */
    if (tokens >= 1024 && fmod(tokens, 1024) == 0) return str_format(a, "%.0fk", tokens / 1024);
    return str_format(a, "%.0f", tokens);
}

static enum tone tone_of(enum rank_end end)
{
    if (end == RANK_WELL) return TONE_GOOD;
    return end == RANK_TOO_LARGE ? TONE_BAD : end <= RANK_TIGHT ? TONE_WARN : TONE_DIM;
}

static const char *last_words(const struct models_row *r, struct arena *a)
{
    return r->where ? str_format(a, "%s, %s", r->where, r->short_why) : r->short_why;
}

static void add_row(struct doc *d, struct block *b, const struct models_row *r, bool published)
{
    struct arena *a = d->arena;
    const struct ranked *k = &r->ranked;
    const bool computed = r->end != RANK_NOT_COMPUTED, runs = r->end <= RANK_TIGHT;
    struct cell cell[8];
    size_t n = 0;
    double loss;
    cell[n++] = (struct cell){.text = name_alone(k->part->hf_id)};
    if (published) cell[n++] = (struct cell){.text = units_number(a, r->quality, 3)};
    const bool lossy = known(k->mix->perplexity_increase, &loss);
    cell[n++] = (struct cell){.text = computed ? k->mix->name : "?"};
    cell[n++] = (struct cell){.text = computed && lossy ? str_format(a, "%.1f", loss * 100) : "?"};
    cell[n++] = (struct cell){.text = computed ? units_bytes(a, verdict_needs(&k->verdict)) : "?"};
    cell[n++] = (struct cell){.text = runs ? models_rate_words(a, r->per_s) : "-"};
    cell[n++] = (struct cell){.text = runs ? context_words(a, k->largest_context_tokens) : "-"};
    cell[n++] = (struct cell){last_words(r, a), tone_of(r->end)};
    table_row(d, b, cell);
}

static void show_group(struct doc *d, const struct models *m, bool published)
{
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    static const enum align align_bare[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT,
                                            ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    const char **head = NEW_ARRAY(d->arena, const char *, COUNT_OF(align));
    size_t n = 0;
    if (!models_group(m, published)) return;
    head[n++] = published ? "Quality published" : "No quality published";
    if (published) head[n++] = m->use->quality;
    head[n++] = "quant";
    head[n++] = "loss %";
    head[n++] = "memory";
    head[n++] = m->writes ? "tok/s" : "read tok/s";
    head[n++] = "context";
    head[n++] = "runs on, why";
    struct block *b = doc_table(d, NULL, head, published ? align : align_bare, n);
    for (size_t i = 0; i < m->rows; i++)
        if (isnan(m->row[i]->quality) != published) add_row(d, b, m->row[i], published);
}

static void show_left_out(struct doc *d, const struct models *m)
{
    const struct {
        size_t n;
        const char *why;
    } left[] = {{m->filtered, "by family, licence or size"},
                {m->fits_not, "because they do not fit, or nothing is computed of them"},
                {m->slower, "because they are slower than asked"},
                {m->speed_unknown, "because their speed here is not known"},
                {m->limited, "behind the limit (--limit 0 shows all)"}};
    for (size_t i = 0; i < COUNT_OF(left); i++)
        if (left[i].n) doc_note(d, TONE_DIM, "left out: %zu %s", left[i].n, left[i].why);
}

static void show_meaning(struct doc *d, const struct models *m)
{
    struct arena *a = d->arena;
    struct str source = str_of(m->row[0]->ranked.mix->perplexity_increase.source);
    const char *of_what = str_copy(a, str_cut(&source, ','));
    const char *fast =
        m->ranking.decode_least_per_s > 0
            ? str_format(a, ", likely %g tok/s or more (else: too slow) where that is known",
                         m->ranking.decode_least_per_s)
            : "";
    doc_note(d, TONE_DIM,
             "loss: more perplexity than unquantised, as published %s; yours may lose more or "
             "less. Each in the best quantisation within +%.0f %% that fits with %.0f %% of "
             "memory to spare (else: too big) at %.0f tokens or all it was trained for%s",
             of_what, m->ranking.perplexity_most * 100, m->ranking.spare_share * 100,
             m->ranking.context_tokens, fast);
    bool cards = false;
    for (size_t i = 0; i < m->machine->pools; i++)
        cards = cards || m->machine->pool[i].kind == POOL_DEVICE;
    if (cards)
        doc_note(d, TONE_DIM,
                 "all under llama.cpp: checkpoints in AWQ, GPTQ or FP8 are not ranked; what "
                 "vLLM makes of a card muster fit says, and models --installed of what is here");
    if (models_group(m, true))
        doc_note(d, TONE_DIM, "%s: %s", m->use->quality, m->use->quality_words);
    if (models_group(m, false))
        doc_note(d, TONE_DIM,
                 "%zu have no published quality for this that the catalogue knows: ranked among "
                 "themselves, by parameters unless --sort says otherwise",
                 models_group(m, false));
}

static bool best_is_known(const struct models *m)
{
    return m->rows && m->sort == SORT_QUALITY && m->row[0]->end == RANK_WELL &&
           !isnan(m->row[0]->quality);
}

void show_models_ranked(struct doc *d, const struct models *m)
{
    if (!m->run)
        doc_answer(d, TONE_BAD, "No model for %s that is looked at runs well here, of %zu",
                   m->use->title, m->served);
    else if (best_is_known(m))
        doc_answer(d, TONE_GOOD, "%zu of %zu models for %s run well here; best known: %s %s",
                   m->run, m->served, m->use->title, name_alone(m->row[0]->ranked.part->hf_id),
                   m->row[0]->ranked.mix->name);
    else
        doc_answer(d, TONE_GOOD, "%zu of %zu models for %s run well here", m->run, m->served,
                   m->use->title);
    show_group(d, m, true);
    show_group(d, m, false);
    if (m->rows) show_meaning(d, m);
    show_left_out(d, m);
}

/* ---- the document */

static void write_row(struct writer *w, const struct models_row *r)
{
    const struct ranked *k = &r->ranked;
    const struct model_part *p = k->part;
    const bool computed = r->end != RANK_NOT_COMPUTED, runs = r->end <= RANK_TIGHT;
    const double nan = (double)NAN;
    writer_map(w);
    writer_put_cstr(w, "model", p->hf_id);
    writer_put_cstr(w, "family", p->family);
    writer_put_cstr(w, "license", p->license);
    writer_put_number(w, "parameters", p->params_text);
    writer_put_number(w, "quality", r->quality);
    writer_put_cstr(w, "end", rank_end_word(r->end));
    writer_put_cstr(w, "quant", computed ? k->mix->name : NULL);
    writer_put_number(w, "perplexity_increase",
                      computed ? known_or(k->mix->perplexity_increase, nan) : nan);
    writer_put_number(w, "memory_bytes", computed ? verdict_needs(&k->verdict) : nan);
    writer_put_cstr(w, "fits", fits_word(k->verdict.fits));
    write_estimate(w, "decode_tokens_per_s", k->verdict.decode_per_s);
    write_estimate(w, "prefill_tokens_per_s", k->verdict.prefill_per_s);
    writer_put_number(w, "context_tokens", computed ? k->context_tokens : nan);
    writer_put_number(w, "largest_context_tokens", runs ? k->largest_context_tokens : nan);
    writer_put_cstr(w, "where", r->where);
    writer_put_cstr(w, "why", r->why);
    writer_map_end(w);
}

static void write_left_out(struct writer *w, const struct models *m)
{
    writer_key(w, "left_out");
    writer_map(w);
    writer_put_number(w, "filtered", (double)m->filtered);
    writer_put_number(w, "not_fitting", (double)m->fits_not);
    writer_put_number(w, "slower", (double)m->slower);
    writer_put_number(w, "speed_unknown", (double)m->speed_unknown);
    writer_put_number(w, "limited", (double)m->limited);
    writer_map_end(w);
}

void write_models(const struct models *m, const struct notes *notes, struct buf *out)
{
    static const char *const sort[] = {"quality", "params", "speed", "memory"};
    struct writer w = document_begin(out, "models/1");
    writer_put_cstr(&w, "use", m->use->name);
    writer_put_cstr(&w, "sort", sort[m->sort]);
    writer_put_cstr(&w, "quality_is", m->use->quality_words);
    writer_put_cstr(&w, "loss_is",
                    m->rows ? m->row[0]->ranked.mix->perplexity_increase.source : NULL);
    writer_put_number(&w, "perplexity_most", m->ranking.perplexity_most);
    writer_put_number(&w, "spare_share", m->ranking.spare_share);
    writer_put_number(&w, "decode_least_tokens_per_s", m->ranking.decode_least_per_s);
    writer_put_number(&w, "served", (double)m->served);
    writer_put_number(&w, "run_well", (double)m->run);
    write_left_out(&w, m);
    writer_key(&w, "rows");
    writer_list(&w);
    for (size_t i = 0; i < m->rows; i++) write_row(&w, m->row[i]);
    writer_list_end(&w);
    write_notes(&w, notes);
    writer_map_end(&w);
}
