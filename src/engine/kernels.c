/* engine/kernels.c - ggml's CPU backend driven the way llama.cpp drives it, without a model around it.
 *
 * The choice of buffer follows what llama.cpp's loader does for a weight: each extra buffer type of the CPU in its order is asked whether
 * it supports the product with 512 columns. Functions of the backend are taken through its registry, since it may be a library loaded at
 * run time. A ring is filled by converting one matrix and copying the converted bytes, which is many times faster than converting each;
 * kernels find a matrix by its data, whatever memory that is. On another device a ring is one buffer there, whose first matrix the
 * device copies to the others. Left out: several devices at once. */
#include "engine/kernels.h"

#include <string.h>

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/num.h"
#include "engine/blocks.h"
#include "engine/crew.h"

#include <math.h>
#include <stdlib.h>

enum { CHOICE_COLUMNS = 512, TENSORS_MOST = 4 * OPERATIONS_MOST };

static struct ggml_context *names_for(size_t tensors, bool graph)
{
    struct ggml_init_params params = {
        .mem_size = ggml_tensor_overhead() * tensors +
                    (graph ? ggml_graph_overhead_custom(OPERATIONS_MOST, false) : 0),
        .no_alloc = true};
    struct ggml_context *c = ggml_init(params);
    if (!c) out_of_memory();
    return c;
}

/* ---- the backend and its threads ---- */

static ggml_backend_reg_t registry(const struct kernels *k)
{
    return ggml_backend_dev_backend_reg(k->device);
}

static bool is_cpu(const struct kernels *k)
{
    return ggml_backend_dev_type(k->device) == GGML_BACKEND_DEVICE_TYPE_CPU;
}

/* ISO C has no cast from an object's pointer to a function's. */
#define FUNCTION(k, type, name)                               \
    ((union {                                                 \
         void *object;                                        \
         type function;                                       \
     }){ggml_backend_reg_get_proc_address(registry(k), name)} \
         .function)

typedef struct ggml_threadpool *(*pool_new)(struct ggml_threadpool_params *params);
typedef void (*pool_free)(struct ggml_threadpool *pool);
typedef void (*pool_set)(ggml_backend_t backend, struct ggml_threadpool *pool);

static void pool_close(struct kernels *k)
{
    const pool_free let_go = FUNCTION(k, pool_free, "ggml_threadpool_free");
    const pool_set set = FUNCTION(k, pool_set, "ggml_backend_cpu_set_threadpool");
    if (!k->pool || !let_go || !set) return;
    set(k->backend, NULL);
    let_go(k->pool);
    k->pool = NULL;
}

bool kernels_threads(struct kernels *k, size_t threads, struct mu_err *err)
{
    if (threads == k->threads || !is_cpu(k)) return true;
    const pool_new make = FUNCTION(k, pool_new, "ggml_threadpool_new");
    const pool_set set = FUNCTION(k, pool_set, "ggml_backend_cpu_set_threadpool");
    const ggml_backend_set_n_threads_t count =
        FUNCTION(k, ggml_backend_set_n_threads_t, "ggml_backend_set_n_threads");
    if (!make || !set || !count)
        return err_set(err, MU_UNAVAILABLE, "ggml's CPU backend has no pools of threads");
    if (threads > GGML_MAX_N_THREADS) threads = GGML_MAX_N_THREADS;
    pool_close(k);
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)threads);
    k->pool = make(&params);
    if (!k->pool)
        return err_set(err, MU_UNAVAILABLE, "ggml can't start %zu threads; try fewer", threads);
    set(k->backend, k->pool);
    count(k->backend, (int)threads);
    k->threads = threads;
    return true;
}

void kernels_put(const struct kernels *k, size_t at, const void *bytes, size_t count)
{
    struct ggml_context *c = names_for(1, false);
    struct ggml_tensor *t = ggml_new_tensor_1d(c, GGML_TYPE_I8, (int64_t)count);
    ggml_backend_tensor_alloc(k->scratch, t, (char *)ggml_backend_buffer_get_base(k->scratch) + at);
    ggml_backend_tensor_set(t, bytes, 0, count);
    ggml_free(c);
}

/* Values of all signs whose products neither vanish nor grow, up to the mask; from there on nothing. */
static void fill_room(const struct kernels *k)
{
    enum { PIECE = 1 << 18 };
    float *value = calloc(PIECE, sizeof *value);
    if (!value) out_of_memory();
    for (size_t at = 0, i = 0; at < k->room.bytes; at += PIECE * sizeof *value) {
        for (size_t n = 0; n < PIECE; n++, i++)
            value[n] =
                at < k->room.mask_at ? (float)((double)(i * 2654435761U % 65521) / 32760.5 - 1) : 0;
        kernels_put(k, at, value,
                    (size_t)least((double)(k->room.bytes - at), PIECE * sizeof *value));
    }
    free(value);
}

static bool device_of(struct kernels *k, const char *name, struct mu_err *err)
{
    k->device = name ? ggml_backend_dev_by_name(name)
                     : ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (k->device) return true;
    return name ? err_set(err, MU_UNAVAILABLE, "this llama.cpp has no device %s", name)
                : err_set(err, MU_UNAVAILABLE, "llama.cpp has no CPU backend here");
}

void kernels_wait(const struct kernels *k, const struct ggml_tensor *last)
{
    char byte;
    ggml_backend_synchronize(k->backend);
    if (k->sends) ggml_backend_tensor_get(last, &byte, 0, 1); /* an answer comes after all before */
}

bool kernels_open(struct kernels *k, const char *device, const struct room *room,
                  struct mu_err *err)
{
    *k = (struct kernels){.room = *room};
    if (!device_of(k, device, err)) return false;
    k->sends = strcmp(ggml_backend_reg_name(registry(k)), "RPC") == 0;
    k->backend = ggml_backend_dev_init(k->device, NULL);
    k->scratch = k->backend ? ggml_backend_buft_alloc_buffer(kernels_plain(k), room->bytes) : NULL;
    if (!k->scratch) {
        err_set(err, MU_UNAVAILABLE, k->backend ? "%s gives no memory" : "%s does not start",
                ggml_backend_dev_name(k->device));
        kernels_close(k);
        return false;
    }
    fill_room(k);
    return true;
}

void kernels_close(struct kernels *k)
{
    if (k->pool) pool_close(k);
    if (k->scratch) ggml_backend_buffer_free(k->scratch);
    if (k->backend) ggml_backend_free(k->backend);
    *k = (struct kernels){.device = NULL};
}

/* ---- where weights lie ---- */

bool kernels_multiplies(int type)
{
    return blocks_can(type);
}

ggml_backend_buffer_type_t kernels_plain(const struct kernels *k)
{
    return ggml_backend_dev_buffer_type(k->device);
}

static struct ggml_tensor *tensor_of(struct ggml_context *c, const struct matrix *m)
{
    const enum ggml_type type = (enum ggml_type)m->type;
    if (m->experts > 1) return ggml_new_tensor_3d(c, type, m->row, m->rows, m->experts);
    return ggml_new_tensor_2d(c, type, m->row, m->rows);
}

static struct ggml_tensor *product_of(struct ggml_context *c, const struct matrix *m,
                                      struct ggml_tensor *w)
{
    if (m->experts <= 1)
        return ggml_mul_mat(c, w, ggml_new_tensor_2d(c, GGML_TYPE_F32, m->row, CHOICE_COLUMNS));
    struct ggml_tensor *chosen = ggml_new_tensor_2d(c, GGML_TYPE_I32, 1, CHOICE_COLUMNS);
    struct ggml_tensor *x = ggml_new_tensor_3d(c, GGML_TYPE_F32, m->row, 1, CHOICE_COLUMNS);
    return ggml_mul_mat_id(c, w, x, chosen);
}

bool kernels_takes(const struct kernels *k, ggml_backend_buffer_type_t where,
                   const struct matrix *m)
{
    struct ggml_context *c = names_for(4, false);
    struct ggml_tensor *w = tensor_of(c, m);
    struct ggml_tensor *product = product_of(c, m, w);
    w->buffer = ggml_backend_buft_alloc_buffer(where, 0);
    const bool good = ggml_backend_dev_supports_op(k->device, product);
    ggml_backend_buffer_free(w->buffer);
    ggml_free(c);
    return good;
}

size_t kernels_kinds(const struct kernels *k, ggml_backend_buffer_type_t *out)
{
    const ggml_backend_dev_get_extra_bufts_t list =
        FUNCTION(k, ggml_backend_dev_get_extra_bufts_t, "ggml_backend_dev_get_extra_bufts");
    size_t n = 0;
    for (ggml_backend_buffer_type_t *extra = list ? list(k->device) : NULL;
         extra && *extra && n + 1 < KINDS_MOST; extra++)
        out[n++] = *extra;
    out[n++] = kernels_plain(k);
    return n;
}

/* ---- matrices ---- */

/* Weights as the buffer keeps them. */
static void convert(struct ggml_tensor *t)
{
    const size_t bytes = ggml_nbytes(t);
    void *raw = malloc(bytes);
    if (!raw) out_of_memory();
    blocks_fill((int)t->type, t->ne[0], ggml_nrows(t), 1 / sqrtf((float)t->ne[0]), raw);
    ggml_backend_tensor_set(t, raw, 0, bytes);
    free(raw);
}

/* A matrix of the ring has the first one's kind of buffer, whose traits ggml looks for, and data of its own in the caller's memory. */
static struct ggml_tensor *another(const struct ring *r, const struct ggml_tensor *first, char *at)
{
    struct ggml_tensor *t = ggml_dup_tensor(r->names, first);
    t->buffer = r->first;
    t->data = at;
    (void)ggml_backend_buffer_init_tensor(r->first, t);
    return t;
}

struct copying {
    const struct ring *ring;
    const void *from;
    size_t bytes, threads;
};

static void copy_some(void *to, size_t me)
{
    const struct copying *c = to;
    for (size_t i = me; i < c->ring->count; i += c->threads)
        memcpy(c->ring->matrix[i]->data, c->from, c->bytes);
}

/* One buffer for all of them, and the device copies from one to the next. */
static bool fill_there(struct ring *r, ggml_backend_buffer_type_t where, struct ggml_tensor *first,
                       size_t step)
{
    r->first = ggml_backend_buft_alloc_buffer(where, step * r->count);
    if (!r->first) return false;
    char *base = ggml_backend_buffer_get_base(r->first);
    for (size_t i = 0; i < r->count; i++) {
        r->matrix[i] = i ? ggml_dup_tensor(r->names, first) : first;
        ggml_backend_tensor_alloc(r->first, r->matrix[i], base + i * step);
        if (i)
            ggml_backend_tensor_copy(first, r->matrix[i]);
        else
            convert(first);
    }
    return true;
}

static bool fill_here(struct ring *r, ggml_backend_buffer_type_t where, struct ggml_tensor *first,
                      size_t step, const struct ground *ground)
{
    r->first = ggml_backend_buft_alloc_buffer(where, step);
    if (!r->first) return false;
    ggml_backend_tensor_alloc(r->first, first, ggml_backend_buffer_get_base(r->first));
    convert(first);
    for (size_t i = 0; i < r->count; i++)
        r->matrix[i] = another(r, first, ground->memory + i * step);
    struct copying copying = {r, first->data, step, ground->crew ? ground->threads : 1};
    if (ground->crew)
        (void)crew_run(ground->crew, ground->threads, copy_some, &copying);
    else
        copy_some(&copying, 0);
    return true;
}

bool ring_open(struct ring *r, ggml_backend_buffer_type_t where, const struct matrix *m,
               const struct ground *ground, struct mu_err *err)
{
    *r = (struct ring){.names = names_for(MATRICES_MOST + 1, false)};
    struct ggml_tensor *first = tensor_of(r->names, m);
    const size_t step = (size_t)pad_to((double)ggml_backend_buft_get_alloc_size(where, first),
                                       (double)ggml_backend_buft_get_alignment(where));
    const size_t fit = ground->bytes / step;
    r->count = fit < MATRICES_MOST ? fit : MATRICES_MOST;
    r->matrix = calloc(r->count + 1, sizeof(void *));
    if (!r->matrix) out_of_memory();
    const bool good = r->count && (ground->memory ? fill_here(r, where, first, step, ground)
                                                  : fill_there(r, where, first, step));
    r->bytes = (double)(step * r->count);
    if (good) return true;
    ring_close(r);
    return err_set(err, MU_UNAVAILABLE, "%zu bytes hold no matrix of %zu bytes", ground->bytes,
                   step);
}

void ring_close(struct ring *r)
{
    if (r->first) ggml_backend_buffer_free(r->first);
    if (r->names) ggml_free(r->names);
    free(r->matrix);
    *r = (struct ring){.names = NULL};
}

struct ggml_tensor *ring_next(struct ring *r)
{
    return r->matrix[r->turns++ % r->count];
}

/* ---- operations ---- */

void steps_open(struct steps *s)
{
    s->context = names_for(TENSORS_MOST, true);
    s->graph = ggml_new_graph_custom(s->context, OPERATIONS_MOST, false);
}

void steps_close(struct steps *s)
{
    ggml_free(s->context);
}

void steps_place(const struct kernels *k, struct ggml_tensor *t, size_t *at)
{
    char *base = ggml_backend_buffer_get_base(k->scratch);
    ggml_backend_tensor_alloc(k->scratch, t, base + *at);
    const size_t step = ggml_backend_buffer_get_alignment(k->scratch);
    *at = (size_t)pad_to((double)(*at + ggml_backend_buffer_get_alloc_size(k->scratch, t)),
                         most((double)step, 64));
}

double steps_run(const struct kernels *k, struct steps *s)
{
    const double start_s = clock_s();
    (void)ggml_backend_graph_compute_async(k->backend, s->graph);
    kernels_wait(k, ggml_graph_node(s->graph, -1));
    return clock_s() - start_s;
}
