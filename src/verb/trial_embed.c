/* muster trial MODEL --kind embed: the guide's test of an embedding model with the real engine, and its outcome in the guide's words.
 *
 * A success is exit status 0, a failure and a timeout are 1; where the test could not be run (no engine, or it crashed) that is an error
 * with its sentence. The context is short and holds several sentences at once, as servers of embeddings do. */
#include "verb/trial.h"

#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/units.h"
#include "measure/lock.h"
#include "model/digest.h"
#include "verb/embedding_test.h"
#include "verb/trial_whole.h"

static void show(struct doc *d, const struct trial_whole *t, const struct embedded *e,
                 enum embedding_outcome outcome)
{
    struct arena *a = d->arena;
    doc_answer(d, outcome == EMBEDDING_SUCCESS ? TONE_GOOD : TONE_BAD, "%s %s: %s",
               t->asked.digest->name, t->asked.digest->quant ? t->asked.digest->quant : "",
               embedding_sentence(e, a));
    if (outcome != EMBEDDING_SUCCESS) return;
    struct block *b = doc_facts(d, NULL);
    facts_row(d, b, "memory", "%s before, %s loaded, %s at the peak; %s of it the model's file",
              units_bytes(a, e->baseline_bytes), units_bytes(a, e->loaded_bytes),
              units_bytes(a, e->peak_bytes), units_bytes(a, e->file_bytes));
    facts_row(d, b, "predicted", "%s", units_bytes(a, t->predicted_bytes));
    facts_row(d, b, "load", "%s", units_seconds(a, e->load_s));
    facts_row(d, b, "sentences", "%.0f in %s: %s a second, %.0f tokens (%s%s)", e->sentences,
              units_seconds(a, e->encode_s), units_number(a, e->sentences / e->encode_s, 3),
              e->tokens, e->prompt, t->file ? "" : ", by a made-up vocabulary");
    facts_row(d, b, "embeddings", "%.0f figures each, pooling %s, %.0f of %.0f differ", e->width,
              e->pooling, e->differ, e->sentences);
    facts_row(d, b, "limit", "%.0f s, the guide's", embedding_limit_s());
    facts_row(d, b, "engine", "%s, %.0f threads", e->llama, t->threads);
}

static void write_json(struct buf *out, const struct context *in, const struct trial_whole *t,
                       const struct embedded *e)
{
    struct writer w = document_begin(out, "embedding/1");
    writer_put_cstr(&w, "model", t->asked.digest->name);
    writer_put_cstr(&w, "quant", t->asked.digest->quant);
    writer_put_cstr(&w, "file", t->file);
    writer_put_bool(&w, "synthetic", !t->file);
    writer_put_number(&w, "threads", t->threads);
    writer_put_number(&w, "limit_s", embedding_limit_s());
    writer_put_number(&w, "predicted_bytes", t->predicted_bytes);
    fields_write_members(&embedded_table, e, &w);
    writer_put_number(&w, "sentences_per_s", e->sentences / e->encode_s);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

/* False only where there is no outcome to show. */
static bool test(struct trial_whole *t, const struct context *in, struct embedded *out,
                 enum embedding_outcome *outcome, struct mu_err *err)
{
    const char *why;
    int lock;
    embedding_knobs(&t->asked.knobs, t->asked.digest->shape);
    if (!trial_whole_fits(t, in, 0, &why, err)) return false;
    if (why) {
        *outcome = EMBEDDING_FAIL;
        *out = embedding_not_run(*outcome, str_format(in->arena, "not tried, since %s", why));
        return true;
    }
    if (!trial_whole_make(t, in, err) || !measure_lock_alone(&t->how, &lock, err)) return false;
    const struct embedding_asked asked = {.file = t->file,
                                          .open_file = t->open_file,
                                          .model = t->asked.digest,
                                          .knobs = &t->asked.knobs,
                                          .threads = t->threads,
                                          .memory_most_bytes =
                                              t->usable_bytes > 0 ? t->usable_bytes : 0};
    enum mu_code code;
    *outcome = embedding_run(&t->how, &asked, out, &code);
    measure_unlock(lock);
    if (*outcome != EMBEDDING_SKIP && *outcome != EMBEDDING_ERROR) return true;
    return err_set(err, code, "%s: %s", out->outcome, out->why);
}

bool trial_embed(const struct request *q, const struct context *in, struct answer *out,
                 struct mu_err *err)
{
    struct trial_whole *t = NEW(in->arena, struct trial_whole);
    struct embedded e = {.outcome = NULL};
    enum embedding_outcome outcome = EMBEDDING_ERROR;
    if (!trial_whole_open(q, in, t, err)) return false;
    const bool run = test(t, in, &e, &outcome, err);
    trial_whole_close(t);
    if (!run) return false;
    show(&out->doc, t, &e, outcome);
    show_notes(&out->doc, in->notes);
    write_json(&out->json, in, t, &e);
    out->no = outcome != EMBEDDING_SUCCESS;
    return true;
}
