/* measure/exact.c - asks muster-engine for the buffers that llama.cpp lays out for a model, and believes what can be believed.
 *
 * The child gets an open file that is in memory only: a header, and a hole as long as the weights. Of a file it is its own metadata
 * without the vocabulary, which costs most of the time and decides nothing here, before the tensors of all its parts; else it is made of
 * the figures. Nothing is allocated, so the answer comes in milliseconds for a model of any size, downloaded or not. */
#include "measure/exact.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/mapped.h"
#include "base/num.h"
#include "measure/ask.h"
#include "measure/session_request.h"
#include "model/gguf_write.h"
#include "model/model.h"

enum { REQUEST_BYTES = 16 << 10, NAME_BYTES = 64 };
static const double timeout_s = 30, bytes_most = 9007199254740992.0; /* 2^53 */
static const double engine_most_bytes =
    2147483648.0; /* the vocabulary and the graph, nothing else */

static const struct field buffer_fields[] = {
    FIELD(FIELD_TEXT, struct allocated_buffer, buffer, "llama.cpp's buffer type"),
    FIELD(FIELD_TEXT, struct allocated_buffer, device, "ggml's device that it belongs to"),
    FIELD(FIELD_BOOL, struct allocated_buffer, host, "plain memory of the host"),
    FIELD(FIELD_NUMBER, struct allocated_buffer, model_bytes, "weights"),
    FIELD(FIELD_NUMBER, struct allocated_buffer, context_bytes, "KV cache and other state"),
    FIELD(FIELD_NUMBER, struct allocated_buffer, compute_bytes, "compute buffer"),
};
static const struct fields buffer_table =
    FIELD_TABLE(struct allocated_buffer, "buffer", buffer_fields);
static const struct field allocated_fields[] = {
    FIELD(FIELD_TEXT, struct allocated, llama, "version of llama.cpp"),
    FIELD(FIELD_TEXT, struct allocated, ggml, "version of ggml"),
    FIELD(FIELD_NUMBER, struct allocated, context_tokens, "context as llama.cpp padded it"),
    FIELD(FIELD_NUMBER, struct allocated, output_bytes, "logits and embeddings, in no buffer"),
    FIELD_ROWS("buffers", struct allocated, buffer, buffers, "by buffer type", buffer_table),
};
const struct fields measure_exact_table =
    FIELD_TABLE(struct allocated, "allocated", allocated_fields);

/* ---- the answer */

static bool plain_name(const char **name, struct arena *a)
{
    if (!*name || !**name || strlen(*name) > NAME_BYTES) return false;
    *name = str_visible(a, str_of(*name));
    return true;
}

/* Written so that a NaN fails. */
static bool whole_bytes(double x)
{
    return x >= 0 && x <= bytes_most && floor(x) == x;
}

/* llama.cpp gives them in the order of their addresses. */
static int by_name(const void *left, const void *right)
{
    const struct allocated_buffer *a = left, *b = right;
    const int order = strcmp(a->buffer, b->buffer);
    return order ? order : strcmp(a->device, b->device);
}

static bool buffers_checked(struct allocated *x, struct arena *a, struct mu_err *err)
{
    struct allocated_buffer *buffer = NEW_ARRAY(a, struct allocated_buffer, x->buffers);
    double model_bytes = 0;
    for (size_t i = 0; i < x->buffers; i++) {
        struct allocated_buffer *b = &buffer[i];
        *b = x->buffer[i];
        if (!b->device || !*b->device) b->device = "CPU"; /* ggml's plain buffer names none */
        if (!plain_name(&b->buffer, a) || !plain_name(&b->device, a))
            return err_set(err, MU_DATA, "a buffer has no sensible name");
        if (!whole_bytes(b->model_bytes) || !whole_bytes(b->context_bytes) ||
            !whole_bytes(b->compute_bytes))
            return err_set(err, MU_DATA, "the buffer %s has no whole number of bytes", b->buffer);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(buffer[k].buffer, b->buffer) && !strcmp(buffer[k].device, b->device))
                return err_set(err, MU_DATA, "the buffer %s was said twice", b->buffer);
        model_bytes += b->model_bytes;
    }
    if (x->buffers) qsort(buffer, x->buffers, sizeof *buffer, by_name);
    x->buffer = buffer;
    return model_bytes > 0 || err_set(err, MU_DATA, "no buffer holds weights");
}

struct hearing {
    const struct measuring *in;
    struct allocated heard;
    bool said;
};

static bool heard_answer(void *to, const struct json *j, struct mu_err *err)
{
    struct hearing *h = to;
    struct allocated x = {.llama = NULL};
    struct arena *a = h->in->arena;
    if (h->said) return err_set(err, MU_DATA, "the answer was said twice");
    if (json_count(json_get(j, "buffers")) > ALLOCATED_BUFFERS)
        return err_set(err, MU_DATA, "it has more than %d buffers", ALLOCATED_BUFFERS);
    if (!fields_read(&measure_exact_table, j, &x, a, err)) return false;
    if (!plain_name(&x.llama, a) || !plain_name(&x.ggml, a))
        return err_set(err, MU_DATA, "it does not say which llama.cpp it is");
    if (!whole_bytes(x.output_bytes) || !whole_bytes(x.context_tokens))
        return err_set(err, MU_DATA, "its output buffer or context is no whole number");
    if (!buffers_checked(&x, a, err)) return false;
    h->heard = x;
    h->said = true;
    return true;
}

/* ---- the file */

static bool written(int fd, struct str bytes)
{
    while (bytes.n) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return true;
}

/* Past a limit on the size of files, the kernel would end us with a signal instead of refusing. */
static bool size_allowed(double bytes)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           bytes <= (double)limit.rlim_cur;
}

/* A file in memory: the header, then a hole. -1 with a message. */
static int header_file(struct str header, double file_bytes, struct mu_err *err)
{
    if (!(file_bytes <= bytes_most) || !size_allowed(file_bytes)) {
        err_set(err, MU_UNAVAILABLE, "a file of %.0f bytes cannot be made in memory", file_bytes);
        return -1;
    }
    const int fd = memfd_create("muster-header", MFD_CLOEXEC);
    if (fd >= 0 && written(fd, header) && ftruncate(fd, (off_t)file_bytes) == 0) return fd;
    err_errno(err, "cannot make a model's header in memory");
    if (fd >= 0) close(fd);
    return -1;
}

static int model_file(const struct measuring *in, const struct exact_asked *asked,
                      struct mu_err *err)
{
    const struct gguf_asked wanted = {asked->model, asked->catalog, .bare = true};
    struct gguf_written w = {.file_bytes = 0};
    bool good;
    if (asked->file) {
        struct mapped file;
        if (!mapped_open(asked->file, (uint64_t)asked->model->header_bytes, &file, NULL, err))
            return -1;
        good = gguf_bare(file.bytes, asked->model, asked->catalog, in->arena, &w, err);
        mapped_close(&file);
    } else {
        good = gguf_write(&wanted, in->arena, &w, err);
    }
    return good ? header_file(w.header, w.file_bytes, err) : -1;
}

/* ---- the question */

struct asking {
    const struct measuring *in;
    const struct exact_asked *asked;
    int file; /* the model's header */
};

static void ask(const struct asking *k, enum repack repack, struct hearing *h,
                struct asked_end *end)
{
    const double most_bytes = k->asked->memory_most_bytes;
    struct generate knobs = *k->asked->knobs;
    knobs.repack = repack;
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    struct writer w = writer_of(&request, true);
    writer_map(&w);
    put_session(&w, str_format(k->in->arena, "/proc/self/fd/%d", k->file), k->asked->digest,
                &knobs);
    writer_map_end(&w);
    const struct question question = {.test = "exact",
                                      .request = buf_text(&request),
                                      .row = heard_answer,
                                      .to = h,
                                      .timeout_s = timeout_s,
                                      .memory_most_bytes =
                                          most_bytes > 0 ? least(most_bytes, engine_most_bytes)
                                                         : engine_most_bytes,
                                      .file = k->file};
    *h = (struct hearing){.in = k->in};
    engine_ask(k->in, &question, end);
    buf_release(&request);
    if (!end->why && !h->said) end->why = "muster-engine said nothing about memory";
}

/* llama.cpp may stop at weights that its kernels want laid out otherwise, and only at those. */
static const char *without_repacking(const struct asking *k)
{
    struct hearing h;
    struct asked_end end;
    ask(k, REPACK_OFF, &h, &end);
    return end.why
               ? ""
               : "; with --repack off it does lay this model out: start llama.cpp with --no-repack";
}

static enum exact_end asked_of_engine(const struct asking *k, struct allocated *out,
                                      struct mu_err *err)
{
    const enum repack repack = (enum repack)k->asked->knobs->repack;
    struct hearing h;
    struct asked_end end;
    ask(k, repack, &h, &end);
    if (!end.why) {
        *out = h.heard;
        return EXACT_DONE;
    }
    if (end.code == MU_USAGE) { /* it does not know the test */
        err_set(err, MU_UNAVAILABLE, "this muster-engine was built without llama.cpp");
        return EXACT_ABSENT;
    }
    const bool crashed = end.code == MU_INTERNAL && repack == REPACK_ON;
    err_set(err, end.code == MU_OK ? MU_INTERNAL : end.code, "%s%s", end.why,
            crashed ? without_repacking(k) : "");
    return EXACT_FAILED;
}

enum exact_end measure_exact(const struct measuring *in, const struct exact_asked *asked,
                             struct allocated *out, struct mu_err *err)
{
    if (!in->engine) {
        err_set(err, MU_UNAVAILABLE,
                "muster-engine was not found beside muster; install it, or name it in "
                "MUSTER_ENGINE");
        return EXACT_ABSENT;
    }
    const struct asking k = {in, asked, model_file(in, asked, err)};
    if (k.file < 0) return EXACT_FAILED;
    const enum exact_end end = asked_of_engine(&k, out, err);
    close(k.file);
    return end;
}
