/* measure/trial_run.c - asks the engine to run a model and believes its one line only when all of it can be believed.
 *
 * An engine that says nothing, says two lines, or says figures that cannot be is our own fault (70), a hang or too much memory leaves it
 * unavailable (69): a trial without figures is no trial, so unlike a measurement that fails nothing is left over. */
#include "measure/trial_run.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "cost/cost.h"
#include "measure/ask.h"
#include "measure/rows.h"
#include "measure/session_request.h"

enum { REQUEST_BYTES = 64 << 10, BUFFERS_MOST = 32 };
static const double seconds_most = 1e7, bytes_most = 1e18;

static const struct field seconds_fields[] = {
    FIELD(FIELD_NUMBER, struct trial_seconds, low, "fastest run, seconds"),
    FIELD(FIELD_NUMBER, struct trial_seconds, likely, "median"),
    FIELD(FIELD_NUMBER, struct trial_seconds, high, "slowest run"),
    FIELD(FIELD_NUMBER, struct trial_seconds, runs, "how many"),
};
static const struct fields seconds_table =
    FIELD_TABLE(struct trial_seconds, "seconds", seconds_fields);
static const struct field resident_fields[] = {
    FIELD(FIELD_NUMBER, struct trial_resident, bytes, "resident memory of the process"),
    FIELD(FIELD_NUMBER, struct trial_resident, own_bytes, "its own part"),
    FIELD(FIELD_NUMBER, struct trial_resident, file_bytes, "pages of mapped files"),
    FIELD(FIELD_NUMBER, struct trial_resident, shared_bytes, "shared pages, a file in memory"),
    FIELD(FIELD_NUMBER, struct trial_resident, peak_bytes, "the most that ever was resident"),
};
static const struct fields resident_table =
    FIELD_TABLE(struct trial_resident, "resident", resident_fields);
static const struct field buffer_fields[] = {
    FIELD(FIELD_TEXT, struct trial_buffer, buffer, "llama.cpp's name of the buffer type"),
    FIELD(FIELD_TEXT, struct trial_buffer, device, "of which device; may be empty"),
    FIELD(FIELD_BOOL, struct trial_buffer, host, "the CPU can read it"),
    FIELD(FIELD_NUMBER, struct trial_buffer, model_bytes, "weights in it"),
    FIELD(FIELD_NUMBER, struct trial_buffer, context_bytes, "KV cache and state in it"),
    FIELD(FIELD_NUMBER, struct trial_buffer, compute_bytes, "compute buffer"),
};
static const struct fields buffer_table = FIELD_TABLE(struct trial_buffer, "buffer", buffer_fields);
static const struct field run_fields[] = {
    FIELD_OPTIONAL(FIELD_NUMBER, struct trial_run, layers, "layers of the model that ran"),
    FIELD(FIELD_NUMBER, struct trial_run, load_s, "opening the model, seconds"),
    FIELD(FIELD_NUMBER, struct trial_run, context_s, "making the context, seconds"),
    FIELD(FIELD_NUMBER, struct trial_run, warm_up_s, "the first token, which touches all weights"),
    FIELD(FIELD_NUMBER, struct trial_run, read_bytes, "fetched from a disk while it loaded"),
    FIELD_MAP(struct trial_run, prefill_s, "the whole prompt", seconds_table),
    FIELD_MAP(struct trial_run, decode_s, "one token behind the prompt", seconds_table),
    FIELD_MAP(struct trial_run, before, "memory before the load", resident_table),
    FIELD_MAP(struct trial_run, resident, "memory behind the prompt", resident_table),
    FIELD_ROWS("buffers", struct trial_run, buffer, buffers, "what llama.cpp allocated",
               buffer_table),
    FIELD(FIELD_TEXT, struct trial_run, conditions, "idle, or what else ran"),
    FIELD(FIELD_TEXT, struct trial_run, llama, "llama.cpp's version"),
};
const struct fields trial_run_table = FIELD_TABLE(struct trial_run, "run", run_fields);

/* ---- what can be believed */

static bool in_bounds(double x, double most)
{
    return x >= 0 && x <= most;
}

static bool seconds_good(const struct trial_seconds *s)
{
    if (isnan(s->runs) && isnan(s->likely)) return true;
    return s->low > 0 && s->low <= s->likely && s->likely <= s->high && s->high <= seconds_most &&
           s->runs >= 1 && s->runs <= 1e6 && floor(s->runs) == s->runs;
}

static bool known_or_bounded(double x)
{
    return isnan(x) || in_bounds(x, bytes_most);
}

static bool resident_good(const struct trial_resident *r)
{
    return known_or_bounded(r->bytes) && known_or_bounded(r->own_bytes) &&
           known_or_bounded(r->file_bytes) && known_or_bounded(r->shared_bytes) &&
           known_or_bounded(r->peak_bytes);
}

static bool buffers_good(struct trial_run *r, struct arena *a)
{
    struct trial_buffer *shown = NEW_ARRAY(a, struct trial_buffer, r->buffers + 1);
    if (!r->buffers || r->buffers > BUFFERS_MOST) return false;
    for (size_t i = 0; i < r->buffers; i++) {
        const struct trial_buffer *b = &r->buffer[i];
        if (!measure_text_good(b->buffer) || !measure_text_good(b->device) ||
            !in_bounds(b->model_bytes, bytes_most) || !in_bounds(b->context_bytes, bytes_most) ||
            !in_bounds(b->compute_bytes, bytes_most))
            return false;
        shown[i] = *b;
        shown[i].buffer = str_visible(a, str_of(b->buffer));
        shown[i].device = str_visible(a, str_of(b->device));
    }
    r->buffer = shown;
    return true;
}

struct hearing {
    struct trial_run run;
    struct arena *arena;
    size_t rows;
};

static bool heard(void *to, const struct json *row, struct mu_err *err)
{
    struct hearing *h = to;
    struct trial_run *r = &h->run;
    if (h->rows++) return err_set(err, MU_DATA, "a trial answers with one line, not more");
    if (!fields_read(&trial_run_table, row, r, h->arena, err)) return false;
    if (!in_bounds(r->load_s, seconds_most) || !in_bounds(r->context_s, seconds_most) ||
        !in_bounds(r->warm_up_s, seconds_most) || !seconds_good(&r->prefill_s) ||
        !seconds_good(&r->decode_s))
        return err_set(err, MU_DATA, "its times cannot be");
    if (!known_or_bounded(r->read_bytes) || !resident_good(&r->before) ||
        !resident_good(&r->resident) || !buffers_good(r, h->arena))
        return err_set(err, MU_DATA, "its memory cannot be");
    if (!measure_text_good(r->conditions) || !measure_text_good(r->llama))
        return err_set(err, MU_DATA, "it lacks its conditions or llama.cpp's version");
    r->conditions = str_visible(h->arena, str_of(r->conditions));
    r->llama = str_visible(h->arena, str_of(r->llama));
    return true;
}

/* ---- the question */

static void put_request(struct buf *to, const struct trial_asked *asked, struct arena *a)
{
    struct writer w = writer_of(to, true);
    writer_map(&w);
    put_run(&w, asked->file, asked->open_file, asked->threads, asked->model, asked->knobs, a);
    writer_put_number(&w, "seconds", asked->seconds);
    writer_put_number(&w, "depth_tokens", asked->knobs->depth_tokens);
    writer_put_number(&w, "prompt_tokens", asked->knobs->prompt_tokens);
    writer_put_number(&w, "tokens", asked->tokens);
    writer_put_number(&w, "reps", asked->reps);
    writer_put_number(&w, "touch_bytes", asked->touch_bytes);
    writer_map_end(&w);
}

/* llama.cpp v0.5.0 aborts on some models (DeepSeek's) with weights laid out anew, and only then. */
static const char *way_out(const struct asked_end *end, const struct generate *g)
{
    const bool aborted = end->code == MU_INTERNAL && strstr(end->why, "SIGABRT");
    return aborted && g->repack == (double)REPACK_ON ? "; it may run with --repack off" : "";
}

/* An engine that was built without llama.cpp knows no such test and shows how it is used. */
static bool not_run(const struct asked_end *end, const struct generate *g, struct mu_err *err)
{
    if (end->code == MU_USAGE)
        return err_set(err, MU_UNAVAILABLE,
                       "running the model: this muster-engine was built without llama.cpp; build "
                       "it again with it (tools/get-llama)");
    return err_set(err, end->code == MU_OK ? MU_INTERNAL : end->code, "running the model: %s%s",
                   end->why, way_out(end, g));
}

bool trial_run(const struct measuring *in, const struct trial_asked *asked, struct trial_run *out,
               struct mu_err *err)
{
    if (!in->engine)
        return err_set(err, MU_UNAVAILABLE,
                       "running the model: muster-engine was not found beside muster; install it, "
                       "or name it in MUSTER_ENGINE");
    struct hearing h = {.arena = in->arena};
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    put_request(&request, asked, in->arena);
    const struct question question = {.test = "trial",
                                      .request = buf_text(&request),
                                      .row = heard,
                                      .to = &h,
                                      .timeout_s = asked->timeout_s,
                                      .memory_most_bytes = asked->memory_most_bytes,
                                      .file = asked->file ? 0 : asked->open_file};
    struct asked_end end;
    engine_ask(in, &question, &end);
    buf_release(&request);
    if (end.why) return not_run(&end, asked->knobs, err);
    if (!h.rows) return err_set(err, MU_INTERNAL, "running the model: muster-engine said nothing");
    *out = h.run;
    out->layers = (double)NAN;
    return true;
}

bool trial_buffer_mapped(const struct trial_buffer *b)
{
    return str_ends(str_of(b->buffer), S("_Mapped"));
}

struct trial_seconds trial_drawn_out(struct trial_seconds of_k, struct trial_seconds of_twice,
                                     double k, double layers)
{
    const double times = (layers - 2 * k) / k;
    const double more = times * (of_twice.low - of_k.low);
    const double more_of_medians = times * (of_twice.likely - of_k.likely);
    if (!(more >= 0) || !(of_twice.low > of_k.low))
        return (struct trial_seconds){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    return (struct trial_seconds){.low = of_twice.low + more,
                                  .likely = of_twice.likely + more,
                                  .high = of_twice.likely + most(more, more_of_medians),
                                  .runs = least(of_k.runs, of_twice.runs)};
}
