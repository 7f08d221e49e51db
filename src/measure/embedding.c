/* measure/embedding.c - runs the guide's model loading test and decides as its script does.
 *
 * The script's outcomes, seed 001, test_model_loading: SUCCESS when the model was loaded and embedded the sentences; SKIP when the
 * library that would do it is not installed (here: no engine, or one without llama.cpp); FAIL when memory did not suffice, or anything
 * else went wrong in loading and embedding; TIMEOUT when it took longer than 30 seconds; ERROR when the test itself could not be run
 * or died. Beyond the script: it kills no test for memory (ours is watched), and its memory is the whole system's, ours the process's. */
#include "measure/embedding.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "measure/ask.h"
#include "measure/rows.h"
#include "measure/session_request.h"
#include "model/digest.h"

enum { REQUEST_BYTES = 64 << 10, SENTENCES = 100 };
static const double guide_limit_s = 30, seconds_most = 1e7, bytes_most = 1e18;
/* llama.cpp's number of mean pooling, for a model that says nothing: what the guide's model does. */
static const double pooling_unspecified = -1, pooling_mean = 1;

static const struct field embedded_fields[] = {
    FIELD(FIELD_TEXT, struct embedded, outcome, "the guide's word"),
    FIELD(FIELD_TEXT, struct embedded, why, "the reason; null for a success"),
    FIELD(FIELD_TEXT, struct embedded, llama, "llama.cpp's version"),
    FIELD(FIELD_TEXT, struct embedded, pooling, "mean, cls or last"),
    FIELD(FIELD_TEXT, struct embedded, prompt, "text or random tokens"),
    FIELD(FIELD_NUMBER, struct embedded, width, "figures of an embedding"),
    FIELD(FIELD_NUMBER, struct embedded, sentences, "embedded"),
    FIELD(FIELD_NUMBER, struct embedded, differ, "embeddings that differ from all others"),
    FIELD(FIELD_NUMBER, struct embedded, tokens, "of all sentences"),
    FIELD(FIELD_NUMBER, struct embedded, load_s, "opening the model and its context, seconds"),
    FIELD(FIELD_NUMBER, struct embedded, encode_s, "all sentences, seconds"),
    FIELD(FIELD_NUMBER, struct embedded, baseline_bytes, "resident before the model is opened"),
    FIELD(FIELD_NUMBER, struct embedded, loaded_bytes, "resident when it was open"),
    FIELD(FIELD_NUMBER, struct embedded, peak_bytes, "the most that was resident"),
    FIELD(FIELD_NUMBER, struct embedded, file_bytes, "of that, pages of the model's file"),
};
const struct fields embedded_table = FIELD_TABLE(struct embedded, "embedding", embedded_fields);

const char *embedding_outcome_word(enum embedding_outcome outcome)
{
    static const char *const word[] = {
#define EMBEDDING_WORD(name, word) word,
        EMBEDDING_OUTCOMES(EMBEDDING_WORD)
#undef EMBEDDING_WORD
    };
    return outcome < EMBEDDING_OUTCOME_COUNT ? word[outcome] : "ERROR";
}

double embedding_limit_s(void)
{
    return guide_limit_s;
}

struct hearing {
    struct arena *arena;
    struct embedded embedded;
    size_t rows;
};

static bool in_bounds(double x, double most)
{
    return x >= 0 && x <= most;
}

static bool counts_good(const struct embedded *e)
{
    return e->sentences == SENTENCES && e->differ >= 1 && e->differ <= e->sentences &&
           e->width >= 1 && e->tokens >= e->sentences;
}

static bool memory_good(const struct embedded *e)
{
    return in_bounds(e->baseline_bytes, bytes_most) && e->peak_bytes >= e->baseline_bytes &&
           in_bounds(e->loaded_bytes, e->peak_bytes);
}

static bool heard(void *to, const struct json *row, struct mu_err *err)
{
    struct hearing *h = to;
    struct embedded *e = &h->embedded;
    if (h->rows++) return err_set(err, MU_DATA, "the test answers with one line, not more");
    if (!fields_read(&embedded_table, row, e, h->arena, err)) return false;
    if (!counts_good(e)) return err_set(err, MU_DATA, "its counts cannot be");
    if (!in_bounds(e->load_s, seconds_most) || !(e->encode_s > 0) || e->encode_s > seconds_most)
        return err_set(err, MU_DATA, "its times cannot be");
    if (!memory_good(e)) return err_set(err, MU_DATA, "its memory cannot be");
    if (!measure_text_good(e->llama) || !measure_text_good(e->pooling) ||
        !measure_text_good(e->prompt))
        return err_set(err, MU_DATA, "it lacks llama.cpp's version, the pooling or the prompt");
    e->llama = str_visible(h->arena, str_of(e->llama));
    e->pooling = str_visible(h->arena, str_of(e->pooling));
    e->prompt = str_visible(h->arena, str_of(e->prompt));
    return true;
}

static void put_request(struct buf *to, const struct embedding_asked *asked, struct arena *a)
{
    struct writer w = writer_of(to, true);
    const bool silent = asked->model->shape->pooling == POOLING_NONE;
    writer_map(&w);
    put_run(&w, asked->file, asked->open_file, asked->threads, asked->model, asked->knobs, a);
    writer_put_number(&w, "pooling", silent ? pooling_mean : pooling_unspecified);
    writer_map_end(&w);
}

/* What the script would have printed. */
static enum embedding_outcome outcome_of(const struct asked_end *end, size_t rows, const char **why)
{
    *why = end->why;
    if (!end->why && rows == 1) return EMBEDDING_SUCCESS;
    if (!end->why) *why = "muster-engine did not answer";
    if (end->hung) return EMBEDDING_TIMEOUT;
    if (end->code == MU_USAGE) {
        *why = "this muster-engine was built without llama.cpp; build it again with it "
               "(tools/get-llama)";
        return EMBEDDING_SKIP;
    }
    /* the engine began, and ended by itself with a reason, or was ended for its memory */
    const bool said = end->seconds > 0 && end->code != MU_INTERNAL && end->code != MU_OK;
    return said ? EMBEDDING_FAIL : EMBEDDING_ERROR;
}

struct embedded embedding_not_run(enum embedding_outcome outcome, const char *why)
{
    const double no = (double)NAN;
    return (struct embedded){.outcome = embedding_outcome_word(outcome),
                             .why = why,
                             .width = no,
                             .sentences = no,
                             .differ = no,
                             .tokens = no,
                             .load_s = no,
                             .encode_s = no,
                             .baseline_bytes = no,
                             .loaded_bytes = no,
                             .peak_bytes = no,
                             .file_bytes = no};
}

enum embedding_outcome embedding_run(const struct measuring *in,
                                     const struct embedding_asked *asked, struct embedded *out,
                                     enum mu_code *code)
{
    if (!in->engine) {
        *out =
            embedding_not_run(EMBEDDING_SKIP, "muster-engine was not found beside muster; install "
                                              "it, or name it in MUSTER_ENGINE");
        *code = MU_UNAVAILABLE;
        return EMBEDDING_SKIP;
    }
    struct hearing h = {.arena = in->arena};
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    put_request(&request, asked, in->arena);
    const struct question question = {.test = "embed",
                                      .request = buf_text(&request),
                                      .row = heard,
                                      .to = &h,
                                      .timeout_s =
                                          asked->limit_s > 0 ? asked->limit_s : guide_limit_s,
                                      .memory_most_bytes = asked->memory_most_bytes,
                                      .file = asked->file ? 0 : asked->open_file};
    struct asked_end end;
    engine_ask(in, &question, &end);
    buf_release(&request);
    const char *why = NULL;
    const enum embedding_outcome outcome = outcome_of(&end, h.rows, &why);
    *out = outcome == EMBEDDING_SUCCESS ? h.embedded : embedding_not_run(outcome, why);
    if (outcome == EMBEDDING_SUCCESS) {
        out->outcome = embedding_outcome_word(outcome);
        out->why = NULL;
    }
    *code = outcome == EMBEDDING_SKIP ? MU_UNAVAILABLE : end.code;
    if (outcome == EMBEDDING_ERROR && *code == MU_OK) *code = MU_INTERNAL;
    return outcome;
}
