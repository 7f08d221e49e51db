/* engine/blocks.c - weights that were never learnt: normal values quantised by ggml itself, so that every block is one a real file could
 * hold, and as slow or fast to multiply with as a real one.
 *
 * Quantising is slow, so a prime number of rows is made once for each type and length of row and repeated; being prime, it falls out of
 * step with matrices and experts, which therefore differ, and each tensor begins at another of the rows. Values are normal with a
 * standard deviation of one over the root of the row, which keeps what flows through any number of layers near one. Before the first
 * block of IQ1 and IQ2 types ggml makes tables, for seconds. Left out: the distribution of any real model's weights (the kernels' time
 * does not depend on it) and I8 to F64, which no mix uses. */
#include "engine/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ggml.h>
#include <gguf.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/twister.h"

enum { PATTERN_VALUES = 1 << 18, ROW_MOST = 1 << 24, PATTERNS_MOST = 64, CHUNK_BYTES = 1 << 20 };
#define VECTOR_SCALE 0.02F

/* Rows made once. */
struct pattern {
    enum ggml_type type;
    int64_t row;
    float scale;
    size_t rows, row_bytes;
    char *bytes;
};

static void normal_values(float *to, size_t n, float scale)
{
    struct twister t;
    twister_seed(&t, 1);
    for (size_t i = 0; i < n; i += 2) {
        const double radius = sqrt(-2 * log(1 - twister_double(&t)));
        const double angle = 2 * M_PI * twister_double(&t);
        to[i] = scale * (float)(radius * cos(angle));
        if (i + 1 < n) to[i + 1] = scale * (float)(radius * sin(angle));
    }
}

/* The largest of these primes that keeps the pattern small, or all the rows there are. */
static size_t pattern_rows(int64_t row, int64_t rows)
{
    static const size_t primes[] = {61, 31, 13, 7};
    size_t i = 0;
    while (i + 1 < COUNT_OF(primes) && (int64_t)primes[i] * row > PATTERN_VALUES) i++;
    return rows < (int64_t)primes[i] ? (size_t)rows : primes[i];
}

static void *room(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p) out_of_memory();
    return p;
}

static void pattern_make(struct pattern *p)
{
    const size_t row = (size_t)p->row;
    float *values = room(p->rows * row, sizeof *values), *importance = NULL;
    normal_values(values, p->rows * row, p->scale);
    if (ggml_quantize_requires_imatrix(p->type)) {
        importance = room(row, sizeof *importance);
        for (size_t i = 0; i < row; i++) importance[i] = 1;
    }
    p->bytes = room(p->rows, p->row_bytes);
    ggml_quantize_chunk(p->type, values, p->bytes, 0, (int64_t)p->rows, p->row, importance);
    free(importance);
    free(values);
}

static struct pattern pattern_of(int type, int64_t row, int64_t rows, float scale)
{
    struct pattern p = {.type = (enum ggml_type)type, .row = row, .scale = scale};
    p.rows = pattern_rows(row, rows);
    p.row_bytes = ggml_row_size(p.type, row);
    return p;
}

/* `rows` rows from the pattern's row `from` on. */
static void repeat(const struct pattern *p, size_t from, size_t rows, char *to)
{
    for (size_t done = 0; done < rows;) {
        const size_t at = (from + done) % p->rows;
        const size_t n = p->rows - at < rows - done ? p->rows - at : rows - done;
        memcpy(to + done * p->row_bytes, p->bytes + at * p->row_bytes, n * p->row_bytes);
        done += n;
    }
}

void blocks_fill(int type, int64_t row, int64_t rows, float scale, void *to)
{
    struct pattern p = pattern_of(type, row, rows, scale);
    pattern_make(&p);
    repeat(&p, 0, (size_t)rows, to);
    free(p.bytes);
}

bool blocks_can(int type)
{
    if (type < 0 || type >= GGML_TYPE_COUNT) return false;
    const enum ggml_type t = (enum ggml_type)type;
    if (t == GGML_TYPE_Q8_1 || t == GGML_TYPE_Q8_K) return false; /* of activations only */
    return ggml_is_quantized(t) || t == GGML_TYPE_F32 || t == GGML_TYPE_F16 || t == GGML_TYPE_BF16;
}

/* ---- a file ---- */

struct filling {
    const char *path;
    int fd;
    uint64_t data_at;
    struct pattern *pattern; /* of the matrices so far, PATTERNS_MOST at most */
    size_t patterns;
    char *chunk; /* CHUNK_BYTES, or one row */
    size_t chunk_bytes;
};
struct placed {
    const char *name;
    enum ggml_type type;
    int64_t row, rows;
    uint64_t at;
};

static bool write_at(const struct filling *f, const char *from, size_t n, uint64_t at,
                     struct mu_err *err)
{
    while (n) {
        const ssize_t done = pwrite(f->fd, from, n, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return err_errno(err, "cannot write weights to %s", f->path);
        from += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return true;
}

/* The pattern of a matrix, made when it is the first of its kind. */
static const struct pattern *pattern_for(struct filling *f, const struct placed *t)
{
    const struct pattern like = pattern_of((int)t->type, t->row, t->rows, 1 / sqrtf((float)t->row));
    for (size_t i = 0; i < f->patterns; i++) {
        const struct pattern *p = &f->pattern[i];
        if (p->type == like.type && p->row == like.row && p->rows == like.rows) return p;
    }
    if (f->patterns == PATTERNS_MOST) free(f->pattern[--f->patterns].bytes);
    struct pattern *p = &f->pattern[f->patterns++];
    *p = like;
    pattern_make(p);
    return p;
}

static size_t hash_of(const char *name)
{
    size_t hash = 5381;
    for (; *name; name++) hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static void chunk_room(struct filling *f, size_t bytes)
{
    if (bytes <= f->chunk_bytes) return;
    free(f->chunk);
    f->chunk = room(bytes, 1);
    f->chunk_bytes = bytes;
}

static bool fill_matrix(struct filling *f, const struct placed *t, struct mu_err *err)
{
    const struct pattern *p = pattern_for(f, t);
    const size_t shift = hash_of(t->name);
    chunk_room(f, p->row_bytes > CHUNK_BYTES ? p->row_bytes : CHUNK_BYTES);
    const size_t rows = (size_t)t->rows, step = f->chunk_bytes / p->row_bytes;
    for (size_t done = 0; done < rows; done += step) {
        const size_t n = rows - done < step ? rows - done : step;
        repeat(p, shift + done, n, f->chunk);
        if (!write_at(f, f->chunk, n * p->row_bytes, t->at + done * p->row_bytes, err))
            return false;
    }
    return true;
}

/* Factors, 1 that change nothing: norms, rotation. Decays of a recurrent state are below 0. */
static bool constant_of(struct str name, float *value)
{
    const bool one =
        (str_ends(name, S(".weight")) && str_has(name, S("norm"))) || str_starts(name, S("rope_"));
    const bool decay = str_ends(name, S(".ssm_a"));
    *value = decay ? -1.0F : 1.0F;
    return one || decay;
}

/* Norms, biases, everything in F32 that has few values. */
static bool fill_vector(struct filling *f, const struct placed *t, struct mu_err *err)
{
    const size_t n = (size_t)t->row * (size_t)t->rows;
    chunk_room(f, n * sizeof(float));
    float *values = (float *)(void *)f->chunk, value = 0;
    if (constant_of(str_of(t->name), &value))
        for (size_t i = 0; i < n; i++) values[i] = value;
    else
        normal_values(values, n, VECTOR_SCALE);
    return write_at(f, f->chunk, n * sizeof(float), t->at, err);
}

/* Reads the i-th tensor of the header; false when it cannot be filled. */
static bool placed_at(const struct filling *f, const struct gguf_context *g, int64_t i,
                      struct placed *out, struct mu_err *err)
{
    const int64_t *dims = gguf_get_tensor_ne(g, i);
    *out = (struct placed){.name = gguf_get_tensor_name(g, i),
                           .type = gguf_get_tensor_type(g, i),
                           .row = dims[0],
                           .rows = dims[1] * dims[2] * dims[3],
                           .at = f->data_at + gguf_get_tensor_offset(g, i)};
    if (!blocks_can((int)out->type))
        return err_set(err, MU_DATA, "cannot fill %s: no weights can be made of type %s", f->path,
                       ggml_type_name(out->type));
    if (out->row < 1 || out->row > ROW_MOST || out->rows < 1 ||
        out->row % ggml_blck_size(out->type) != 0)
        return err_set(err, MU_DATA, "cannot fill %s: tensor %s has impossible dimensions", f->path,
                       out->name);
    return true;
}

static bool fill_all(struct filling *f, const struct gguf_context *g, struct mu_err *err)
{
    uint64_t end = gguf_get_data_offset(g);
    f->data_at = end;
    for (int64_t i = 0; i < gguf_get_n_tensors(g); i++) {
        const uint64_t at = f->data_at + gguf_get_tensor_offset(g, i) + gguf_get_tensor_size(g, i);
        if (at > end) end = at;
    }
    if (!num_pad(end, gguf_get_alignment(g), &end) || ftruncate(f->fd, (off_t)end) != 0)
        return err_errno(err, "cannot make %s as large as its tensors", f->path);
    for (int64_t i = 0; i < gguf_get_n_tensors(g); i++) {
        struct placed t;
        if (!placed_at(f, g, i, &t, err)) return false;
        const bool vector = t.type == GGML_TYPE_F32 && t.row * t.rows <= PATTERN_VALUES;
        if (!(vector ? fill_vector(f, &t, err) : fill_matrix(f, &t, err))) return false;
    }
    return true;
}

bool blocks_fill_file(const char *path, struct arena *a, struct mu_err *err)
{
    struct filling f = {.path = path, .fd = open(path, O_RDWR | O_CLOEXEC)};
    if (f.fd < 0) return err_errno(err, "cannot open %s to fill it", path);
    f.pattern = NEW_ARRAY(a, struct pattern, PATTERNS_MOST);
    struct gguf_context *g =
        gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true, .ctx = NULL});
    bool filled = g ? fill_all(&f, g, err)
                    : err_set(err, MU_DATA, "cannot fill %s: its GGUF header cannot be read", path);
    if (close(f.fd) != 0 && filled) filled = err_errno(err, "cannot write weights to %s", path);
    if (g) gguf_free(g);
    for (size_t i = 0; i < f.patterns; i++) free(f.pattern[i].bytes);
    free(f.chunk);
    return filled;
}
