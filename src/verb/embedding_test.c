/* The guide's script loads an embedding model as its third step. Where one lies in a cache, `check` does the same with it.
 *
 * The smallest file whose header names an architecture that only encodes is taken: the guide's own is one of the smallest there are.
 * Kept by machine and file, so that it runs once; an outcome that may be chance (a timeout, an error) is kept as well, until --full. */
#include "verb/embedding_test.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/progress.h"
#include "base/root.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "machine/model_files.h"
#include "measure/embedding_kept.h"
#include "measure/lock.h"
#include "model/digest.h"
#include "model/model.h"

enum { BATCH_TOKENS = 512, SEQUENCES = 32 };
static const double file_most_bytes = 1 << 30;

void embedding_knobs(struct generate *g, const struct shape *s)
{
    const double tokens =
        s->context_tokens > 0 ? least(s->context_tokens, BATCH_TOKENS) : (double)BATCH_TOKENS;
    g->context_tokens = g->batch_tokens = g->ubatch_tokens = g->prompt_tokens = tokens;
    g->sequences = least(SEQUENCES, tokens);
    g->kv_unified = true;
    g->embeddings = true;
    g->outputs_max = 0;
}

const char *embedding_sentence(const struct embedded *e, struct arena *a)
{
    if (e->why) return str_format(a, "%s: %s", e->outcome, e->why);
    return str_format(a, "%s: loaded in %s, %.0f sentences in %s, memory %s before, %s at the peak",
                      e->outcome, units_seconds(a, e->load_s), e->sentences,
                      units_seconds(a, e->encode_s), units_bytes(a, e->baseline_bytes),
                      units_bytes(a, e->peak_bytes));
}

/* A model that embeds; the reranker beside it ranks. */
static bool embeds(const struct context *in, const struct model_file *f, const struct machine *m,
                   struct asked *out)
{
    const struct architecture *arch =
        f->architecture ? catalog_architecture(in->catalog, str_of(f->architecture)) : NULL;
    struct mu_err err = {.code = MU_OK};
    return arch && arch->encoder && f->bytes <= file_most_bytes &&
           asked_generate(in, f->path, NULL, m, out, &err) && !(out->model->missing_bytes > 0) &&
           out->model->shape.pooling != POOLING_RANK;
}

static bool find(const struct context *in, const struct machine *m, struct model_file *file,
                 struct asked *asked)
{
    const struct looking looking = {
        .root = in->root, .arena = in->arena, .notes = in->notes, .env = in->env};
    const struct model_file *found;
    const size_t files = machine_model_files(&looking, &found);
    for (size_t i = 0; i < files; i++)
        if (embeds(in, &found[i], m, asked)) {
            *file = found[i];
            return true;
        }
    return false;
}

static bool run(const struct measuring *how, const struct machine *m, struct asked *asked,
                const struct model_file *file, struct embedding_kept *out)
{
    struct mu_err err = {.code = MU_OK};
    const double usable = known_or(machine_memory(m)->usable_bytes, 0);
    int lock;
    embedding_knobs(&asked->knobs, asked->digest->shape);
    if (!measure_lock_alone(how, &lock, &err)) {
        note_add(how->notes, "the embedding test was not made: %s", err.text);
        return false;
    }
    if (how->progress) progress_show(how->progress, "testing an embedding model", -1);
    const struct embedding_asked question = {
        .file = file->path,
        .model = asked->digest,
        .knobs = &asked->knobs,
        .threads = most(floor(known_or(machine_cpu(m)->threads, 1)), 1),
        .memory_most_bytes = usable};
    enum mu_code code;
    *out = (struct embedding_kept){.when = clock_stamp(how->arena),
                                   .model = asked->model->name,
                                   .file = file->path,
                                   .file_bytes = file->bytes,
                                   .file_modified_s = file->modified_s};
    const enum embedding_outcome outcome = embedding_run(how, &question, &out->embedded, &code);
    if (how->progress) progress_end(how->progress);
    measure_unlock(lock);
    if (outcome != EMBEDDING_SKIP && !embedding_kept_write(how, m, out, &err))
        note_add(how->notes, "the embedding test is not kept: %s", err.text);
    return true;
}

static bool still_there(const struct embedding_kept *k, struct arena *a)
{
    struct model_file now;
    return machine_model_file(k->file, a, &now) && now.bytes == k->file_bytes &&
           now.modified_s == k->file_modified_s;
}

const char *embedding_check(const struct request *q, const struct context *in,
                            const struct subject *s, bool *good)
{
    const struct machine *m = s->machine;
    const struct measuring how = subject_measuring(in, s);
    struct embedding_kept k;
    struct model_file file;
    struct asked asked;
    if (!m->here || in->root->captured) return NULL;
    bool kept =
        !request_flag(q, "full") && embedding_kept_read(&how, m, &k) && still_there(&k, in->arena);
    if (!kept && (request_flag(q, "quick") || !how.engine || !find(in, m, &file, &asked) ||
                  !run(&how, m, &asked, &file, &k)))
        return NULL;
    *good = strcmp(k.embedded.outcome, embedding_outcome_word(EMBEDDING_SUCCESS)) == 0;
    return str_format(in->arena, "%s (%s, %s%s)", embedding_sentence(&k.embedded, in->arena),
                      k.model, kept ? "kept from " : "just now", kept ? k.when : "");
}
