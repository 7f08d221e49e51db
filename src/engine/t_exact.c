/* engine/t_exact.c - the memory that llama.cpp itself would take for a model and these settings, to the byte: the model is loaded and a
 * context made with no_alloc, so that everything is laid out and nothing allocated. Only the file's header is read: a header with a hole
 * behind it does. "real": true in the request allocates all of it, which is what the tests hold it against.
 *
 * One line: the version, the context as llama.cpp padded it, the buffers, and the output buffer, which is in no breakdown: it is computed
 * as llama_context::output_reserve does (v0.5.0 src/llama-context.cpp) and held against the size that llama.cpp logs. File pages are not
 * counted, so mmap is never used here. Left out: devices, adapters, projectors. */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ggml.h>
#include <llama.h>

#include "engine/llama_use.h"
#include "engine/session.h"

static const double MiB = 1 << 20;
/* Half of the last digit that is logged, and what a double may be off. */
static const double half_digit_mib = 0.005 + 1e-9;

/* What llama.cpp logs about its output buffer, caught on the way to whoever listened before. */
struct listening {
    ggml_log_callback before;
    void *before_to;
    double output_mib; /* NaN: it has not said */
};

static void listen(enum ggml_log_level level, const char *text, void *to)
{
    static const char words[] = "output buffer size =";
    struct listening *l = to;
    const char *at = level == GGML_LOG_LEVEL_INFO ? strstr(text, words) : NULL;
    if (at) {
        const char *figure = at + strlen(words);
        char *end;
        const double mib = strtod(figure, &end);
        l->output_mib = end > figure ? mib : (double)NAN;
    }
    if (l->before) l->before(level, text, l->before_to);
}

/* A row of logits for each sequence, and of embeddings where they are asked for. */
static double output_bytes(const struct session *s, const struct session_asked *a)
{
    const double width = a->embeddings ? llama_model_n_embd_out(s->model) : 0;
    return (double)sizeof(float) * a->sequences * (s->vocabulary + width);
}

static bool say_memory(const struct session *s, const struct session_asked *a,
                       const struct listening *l, struct mu_err *err)
{
    const double output = output_bytes(s, a);
    if (fabs(output / MiB - l->output_mib) > half_digit_mib)
        return err_set(err, MU_INTERNAL,
                       "llama.cpp says that its output buffer is %.2f MiB, where %.0f bytes were "
                       "expected",
                       l->output_mib, output);
    struct say line;
    say_begin(&line);
    writer_put_cstr(&line.w, "llama", llama_version());
    writer_put_cstr(&line.w, "ggml", ggml_version());
    writer_put_bool(&line.w, "allocated", !a->no_alloc);
    writer_put_number(&line.w, "context_tokens", llama_n_ctx(s->context));
    writer_put_number(&line.w, "output_bytes", output);
    write_buffers(&line.w, "buffers", s);
    say_end(&line);
    return true;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct session_asked a = {.file = NULL};
    struct session s = {.model = NULL};
    struct listening l = {.output_mib = (double)NAN};
    bool real = false;
    const struct json *j = json_get(in->json, "real");
    if (!llama_use(err) || !session_asked_read(in, &a, err)) return false;
    if (j && !json_bool(j, &real))
        return err_set(err, MU_DATA, "the request's \"real\" is neither true nor false");
    a.mmap = false;
    a.no_alloc = !real;
    llama_log_get(&l.before, &l.before_to);
    llama_log_set(listen, &l);
    const bool good = session_open(&a, &s, err) && say_memory(&s, &a, &l, err);
    session_close(&s);
    llama_log_set(l.before, l.before_to);
    return good;
}

const struct engine_test engine_exact = {
    "exact", "memory of a model, as llama.cpp itself allocates it", run};
