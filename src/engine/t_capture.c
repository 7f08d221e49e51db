/* engine/t_capture.c - hidden states or attention maps of chosen layers, taken out of llama.cpp's own graph while it runs, as .npy.
 *
 * Beside session.h's keys: "kind" ("hidden-states" or "attention"), "layers" [0, 8], "tokens" (of the prompt), "folder". llama.cpp calls
 * us for each tensor of the graph: "l_out-N" is what layer N hands on, [tokens][width]; "kq_soft_max-N" the attention of layer N,
 * [heads][tokens][cells], which exists without flash attention only. A prompt that is longer than a micro-batch comes in pieces; the
 * cells of an empty cache are the positions, so the pieces make one square [heads][tokens][tokens], and what is not written (the cells
 * behind a piece) is zero. The prompt runs alternately without taking anything and with it, after once to warm up. Lines of the
 * answer: {"file" ...} for each, then one with the times. With "fill" the model's file is a header that gets random weights first.
 */
#include "engine/engine.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/llama_use.h"
#include "engine/npy.h"
#include "engine/prompt.h"
#include "engine/session.h"

enum { LAYERS_MOST = 512, TOKENS_MOST = 1 << 20, RUNS_USUAL = 3 };
static const double repeat_most_s = 1; /* a prompt that takes longer is timed once */

/* One layer's file. */
struct taken {
    size_t layer, rows; /* tokens written so far */
    struct npy file;
    uint64_t dimension[NPY_DIMENSIONS];
    size_t dimensions;
    double sum_low, sum_high; /* of attention's rows */
    bool finite, made;
};
struct capture {
    const struct asked *in;
    bool attention, on; /* off: the graph runs as it would, nothing is taken */
    size_t tokens, layers;
    struct taken *layer;
    float *piece,
        *rows; /* one head's or one layer's values as they come, and as they are written */
    size_t piece_room, rows_room;
    bool text; /* what the prompt is made of */
    size_t runs;
    double without_s, with_s, copy_s, write_s;
    struct mu_err err; /* the first thing that went wrong: llama.cpp cannot carry it */
};

static const char *name_of(const struct capture *c)
{
    return c->attention ? "kq_soft_max-" : "l_out-";
}

static struct taken *wanted(struct capture *c, const struct ggml_tensor *t)
{
    const size_t n = strlen(name_of(c));
    uint64_t layer;
    if (!c->on || strncmp(t->name, name_of(c), n) != 0 || !str_u64(str_of(t->name + n), &layer))
        return NULL;
    for (size_t i = 0; i < c->layers; i++)
        if (c->layer[i].layer == layer) return &c->layer[i];
    return NULL;
}

static float *room_for(float **p, size_t *room, size_t values)
{
    if (values > *room) {
        free(*p);
        *p = calloc(values, sizeof(float));
        if (!*p) out_of_memory();
        *room = values;
    }
    return *p;
}

static bool make_file(struct capture *c, struct taken *to, struct mu_err *err)
{
    const char *path = str_format(c->in->arena, "%s/%s-%03zu.npy", c->in->folder,
                                  c->attention ? "attention" : "hidden-states", to->layer);
    to->made = npy_create(path, to->dimension, to->dimensions, &to->file, err);
    return to->made;
}

static bool write_rows(struct capture *c, const struct taken *to, uint64_t first,
                       const float *value, size_t values)
{
    const double start_s = clock_s();
    const bool good = npy_write(&to->file, first, value, values, &c->err);
    c->write_s += clock_s() - start_s;
    return good;
}

/* l_out: [width, tokens of this piece] */
static bool take_hidden(struct capture *c, struct taken *to, const struct ggml_tensor *t)
{
    const size_t width = (size_t)t->ne[0], rows = (size_t)t->ne[1];
    if (!to->made) {
        to->dimensions = 2;
        to->dimension[0] = c->tokens;
        to->dimension[1] = width;
        if (!make_file(c, to, &c->err)) return false;
    }
    if (t->ne[2] != 1 || t->ne[3] != 1 || to->rows + rows > c->tokens || width != to->dimension[1])
        return err_set(&c->err, MU_INTERNAL, "%s has an unexpected shape", t->name);
    const double start_s = clock_s();
    float *value = room_for(&c->piece, &c->piece_room, width * rows);
    ggml_backend_tensor_get(t, value, 0, width * rows * sizeof(float));
    for (size_t i = 0; i < width * rows; i++) to->finite = to->finite && isfinite((double)value[i]);
    c->copy_s += clock_s() - start_s;
    if (!write_rows(c, to, (uint64_t)to->rows * width, value, width * rows)) return false;
    to->rows += rows;
    return true;
}

/* One head's rows of this piece, widened or cut to the tokens of the prompt: cells behind them hold nothing. */
static void widen(struct capture *c, struct taken *to, size_t rows, size_t cells)
{
    const size_t kept = cells < c->tokens ? cells : c->tokens;
    for (size_t r = 0; r < rows; r++) {
        float *row = c->rows + r * c->tokens;
        double sum = 0;
        memcpy(row, c->piece + r * cells, kept * sizeof(float));
        memset(row + kept, 0, (c->tokens - kept) * sizeof(float));
        for (size_t i = 0; i < kept; i++) sum += (double)row[i];
        to->finite = to->finite && isfinite(sum);
        to->sum_low = least(to->sum_low, sum);
        to->sum_high = most(to->sum_high, sum);
    }
}

/* kq_soft_max: [cells, tokens of this piece, heads] */
static bool take_attention(struct capture *c, struct taken *to, const struct ggml_tensor *t)
{
    const size_t cells = (size_t)t->ne[0], rows = (size_t)t->ne[1], heads = (size_t)t->ne[2];
    if (!to->made) {
        to->dimensions = 3;
        to->dimension[0] = heads;
        to->dimension[1] = to->dimension[2] = c->tokens;
        if (!make_file(c, to, &c->err)) return false;
    }
    if (t->ne[3] != 1 || to->rows + rows > c->tokens || heads != to->dimension[0])
        return err_set(&c->err, MU_INTERNAL, "%s has an unexpected shape", t->name);
    room_for(&c->piece, &c->piece_room, cells * rows);
    room_for(&c->rows, &c->rows_room, c->tokens * rows);
    for (size_t head = 0; head < heads; head++) {
        const double start_s = clock_s();
        ggml_backend_tensor_get(t, c->piece, head * t->nb[2], cells * rows * sizeof(float));
        widen(c, to, rows, cells);
        c->copy_s += clock_s() - start_s;
        const uint64_t first = ((uint64_t)head * c->tokens + to->rows) * c->tokens;
        if (!write_rows(c, to, first, c->rows, rows * c->tokens)) return false;
    }
    to->rows += rows;
    return true;
}

/* Asked first whether we want a tensor, then given it. Stopping the graph is no use: the error waits until the end. */
static bool look(struct ggml_tensor *t, bool ask, void *to)
{
    struct capture *c = to;
    struct taken *taken = c->err.code == MU_OK ? wanted(c, t) : NULL;
    if (ask || !taken) return !ask || taken;
    if (t->type != GGML_TYPE_F32 || !ggml_is_contiguous(t))
        err_set(&c->err, MU_INTERNAL, "%s is not a plain array of float32", t->name);
    else
        (void)(c->attention ? take_attention(c, taken, t) : take_hidden(c, taken, t));
    return true;
}

static bool layers_of(struct capture *c, struct mu_err *err)
{
    const struct json *list = json_get(c->in->json, "layers");
    c->layers = json_count(list);
    if (json_kind(list) != JSON_LIST_KIND || !c->layers || c->layers > LAYERS_MOST)
        return err_set(err, MU_DATA, "the request's \"layers\" is not a list of 1 to %d numbers",
                       LAYERS_MOST);
    c->layer = NEW_ARRAY(c->in->arena, struct taken, c->layers);
    for (size_t i = 0; i < c->layers; i++) {
        double layer;
        if (!json_number(json_at(list, i), &layer) || !(layer >= 0) || layer != floor(layer) ||
            layer > LAYERS_MOST)
            return err_set(err, MU_DATA, "the request's \"layers\" holds something else");
        c->layer[i] = (struct taken){.layer = (size_t)layer,
                                     .finite = true,
                                     .sum_low = (double)INFINITY,
                                     .sum_high = -(double)INFINITY};
    }
    return true;
}

static bool capture_read(const struct asked *in, struct capture *c, struct mu_err *err)
{
    struct str kind = {0};
    double tokens = 0;
    *c = (struct capture){.in = in};
    (void)!json_text(json_get(in->json, "kind"), &kind);
    c->attention = str_is(kind, "attention");
    if (!c->attention && !str_is(kind, "hidden-states"))
        return err_set(err, MU_DATA,
                       "the request's \"kind\" is neither hidden-states nor attention");
    if (!in->folder) return err_set(err, MU_DATA, "the request has no \"folder\" for the files");
    if (!asked_number(in->json, "tokens", 1, TOKENS_MOST, &tokens, err)) return false;
    if (!(tokens >= 1) || tokens != floor(tokens))
        return err_set(err, MU_DATA, "the request's \"tokens\" is not a whole number");
    c->tokens = (size_t)tokens;
    return layers_of(c, err);
}

static void say_file(const struct capture *c, const struct taken *t)
{
    const uint64_t *last = t->dimension + t->dimensions;
    struct say say;
    say_begin(&say);
    writer_put_cstr(&say.w, "file", strrchr(t->file.path, '/') + 1);
    writer_put_number(&say.w, "layer", (double)t->layer);
    writer_put_number(&say.w, "heads", c->attention ? (double)t->dimension[0] : (double)NAN);
    writer_put_number(&say.w, "rows", (double)last[-2]);
    writer_put_number(&say.w, "columns", (double)last[-1]);
    writer_put_number(&say.w, "data_bytes", (double)t->file.data_bytes);
    writer_put_number(&say.w, "file_bytes", (double)(t->file.header_bytes + t->file.data_bytes));
    writer_put_bool(&say.w, "finite", t->finite);
    writer_put_number(&say.w, "row_sum_low", c->attention ? t->sum_low : (double)NAN);
    writer_put_number(&say.w, "row_sum_high", c->attention ? t->sum_high : (double)NAN);
    say_end(&say);
}

static void say_run(const struct capture *c, const struct session *s)
{
    struct say say;
    say_begin(&say);
    writer_put_cstr(&say.w, "llama", llama_words(c->in->arena));
    writer_put_cstr(&say.w, "prompt", c->text ? "text" : "random tokens");
    writer_put_number(&say.w, "load_s", s->load_s + s->context_s);
    writer_put_number(&say.w, "without_s", c->without_s);
    writer_put_number(&say.w, "with_s", c->with_s);
    writer_put_number(&say.w, "copy_s", c->copy_s);
    writer_put_number(&say.w, "write_s", c->write_s);
    writer_put_number(&say.w, "runs", (double)c->runs);
    writer_put_number(&say.w, "peak_bytes", session_resident().peak_bytes);
    say_end(&say);
}

static bool all_there(const struct capture *c, const struct session *s, struct mu_err *err)
{
    char architecture[64] = "unknown";
    llama_model_meta_val_str(s->model, "general.architecture", architecture, sizeof architecture);
    for (size_t i = 0; i < c->layers; i++) {
        const struct taken *t = &c->layer[i];
        if (!t->made)
            return err_set(err, MU_UNAVAILABLE,
                           "layer %zu gives no %s: llama.cpp's graph of the architecture %s has no "
                           "tensor %s%zu there",
                           t->layer, c->attention ? "attention map" : "hidden states", architecture,
                           name_of(c), t->layer);
        if (t->rows != c->tokens)
            return err_set(err, MU_UNAVAILABLE, "layer %zu gave %zu of %zu rows", t->layer, t->rows,
                           c->tokens);
    }
    return true;
}

/* The last layer computes the rows that come out, so its hidden states need all of them; so does a model that only encodes. */
static enum session_rows rows_of(const struct capture *c, const struct session *s)
{
    const size_t last = (size_t)llama_model_n_layer(s->model) - 1;
    bool whole = !s->remembers;
    for (size_t i = 0; i < c->layers; i++)
        whole = whole || (!c->attention && c->layer[i].layer == last);
    return whole ? ROWS_ALL : ROWS_LAST;
}

/* One run of the prompt; the best of several is kept, with its own share of copying and writing. */
static bool prefill(struct capture *c, struct session *s, const struct prompt *p, double *best_s,
                    struct mu_err *err)
{
    double seconds = 0;
    const double copy_s = c->copy_s, write_s = c->write_s;
    c->copy_s = c->write_s = 0;
    for (size_t i = 0; i < c->layers; i++) c->layer[i].rows = 0;
    session_forget(s);
    const bool ran = session_run(s, p->token, p->tokens, rows_of(c, s), &seconds, err);
    if (c->err.code != MU_OK) return err_set(err, c->err.code, "%s", c->err.text);
    if (!ran) return false;
    if (!c->on || !(seconds < *best_s)) {
        c->copy_s = copy_s;
        c->write_s = write_s;
    }
    *best_s = least(*best_s, seconds);
    return true;
}

static bool runs(struct capture *c, struct session *s, struct mu_err *err)
{
    struct prompt p;
    double warm_s = (double)INFINITY;
    if (!prompt_of(s, c->tokens, c->in->arena, &p, err)) return false;
    c->text = p.text;
    c->without_s = c->with_s = (double)INFINITY;
    if (!prefill(c, s, &p, &warm_s, err)) return false; /* pages touched, buffers laid out */
    const size_t runs = warm_s > repeat_most_s ? 1 : RUNS_USUAL;
    for (; c->runs < runs; c->runs++) { /* in turn, so that other work on the machine meets both */
        c->on = false;
        if (!prefill(c, s, &p, &c->without_s, err)) return false;
        c->on = true;
        if (!prefill(c, s, &p, &c->with_s, err) || !all_there(c, s, err)) return false;
    }
    for (size_t i = 0; i < c->layers; i++) {
        if (!npy_close(&c->layer[i].file, err)) return false;
        say_file(c, &c->layer[i]);
    }
    say_run(c, s);
    return true;
}

/* An interrupt leaves no half-written file. Only what may be called in a handler is called. */
static struct capture *interrupted;

static void remove_parts(int number)
{
    for (size_t i = 0; interrupted && i < interrupted->layers; i++)
        if (interrupted->layer[i].file.fd > 0) unlink(interrupted->layer[i].file.part);
    raise(number); /* as it would have ended us: the handler is gone */
}

static void expect_interrupt(struct capture *c)
{
    struct sigaction action = {.sa_handler = remove_parts, .sa_flags = (int)SA_RESETHAND};
    interrupted = c;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct session_asked asked;
    struct session s = {.model = NULL};
    struct capture *c = NEW(in->arena, struct capture);
    if (!session_asked_read(in, &asked, err) || !capture_read(in, c, err) || !llama_use(err))
        return false;
    expect_interrupt(c);
    asked.look = look;
    asked.to = c;
    bool good = prompt_fill(in, asked.file, err) && session_open(&asked, &s, err);
    /* llama.cpp would abort */
    if (good && rows_of(c, &s) == ROWS_ALL && asked.outputs_max > 0 &&
        asked.outputs_max < least(asked.batch_tokens, (double)c->tokens))
        good = err_set(err, MU_DATA, "the request's \"outputs_max\" is less than its batch");
    good = good && runs(c, &s, err);
    for (size_t i = 0; i < c->layers; i++) npy_discard(&c->layer[i].file);
    session_close(&s);
    free(c->piece);
    free(c->rows);
    return good;
}

const struct engine_test engine_capture = {
    "capture", "hidden states or attention maps of a model's layers, as .npy files", run};
