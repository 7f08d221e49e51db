/* engine/kernels.h - single operations of ggml on this CPU, with the buffers and threads that llama.cpp gives them. llama_use() goes
 * before. */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct crew;
struct ggml_backend;
struct ggml_backend_buffer;
struct ggml_backend_buffer_type;
struct ggml_backend_device;
struct ggml_cgraph;
struct ggml_context;
struct ggml_tensor;
struct ggml_threadpool;

struct kernels {
    struct ggml_backend_device *device;
    struct ggml_backend *backend;
    struct ggml_threadpool *pool;
    size_t threads;
    /* Activations and results: `room` bytes of ordinary numbers between -1 and 1. */
    struct ggml_backend_buffer *scratch;
    size_t room_bytes;
};
bool kernels_open(struct kernels *k, size_t room_bytes, struct mu_err *err) NODISCARD;
void kernels_close(struct kernels *k); /* safe on a zeroed one */
/* The operations from now on are done by so many, in a pool that stays, as llama-server and llama-bench have it. */
bool kernels_threads(struct kernels *k, size_t threads, struct mu_err *err) NODISCARD;

/* Whether ggml's type id is one of weights that can be multiplied with. */
bool kernels_multiplies(int type);
/* Weights: rows of so many values; of experts so many matrices in one tensor, else 1. */
struct matrix {
    int type; /* ggml's id */
    int64_t row, rows, experts;
};
struct ggml_backend_buffer_type *kernels_plain(const struct kernels *k);
/* All kinds of buffers that weights may lie in, in the order llama.cpp tries them, plain memory last. Room for KINDS_MOST. */
enum { KINDS_MOST = 16 };
size_t kernels_kinds(const struct kernels *k, struct ggml_backend_buffer_type **out);
/* Whether such a matrix can be multiplied with there. */
bool kernels_takes(const struct kernels *k, struct ggml_backend_buffer_type *where,
                   const struct matrix *m);

/* Equal matrices one after the other in memory, as many as it holds, MATRICES_MOST at most: walked in turn, the time from one touch of a
 * byte to the next is a whole round. The memory is the caller's and serves one ring after the other, since touching fresh memory takes
 * longer than measuring. */
enum { MATRICES_MOST = 4096 };
struct ring {
    struct ggml_context *names;
    struct ggml_backend_buffer
        *first; /* a buffer of the right kind, where the first is converted */
    struct ggml_tensor **matrix;
    size_t count, turns; /* turns: matrices taken so far */
    double bytes;        /* of all of them */
};
/* Where rings lie, and who fills it. crew: NULL, the caller alone. */
struct ground {
    char *memory;
    size_t bytes, threads;
    struct crew *crew;
};
/* False (MU_UNAVAILABLE) when not one of them fits. */
bool ring_open(struct ring *r, struct ggml_backend_buffer_type *where, const struct matrix *m,
               const struct ground *ground, struct mu_err *err) NODISCARD;
void ring_close(struct ring *r);
struct ggml_tensor *ring_next(struct ring *r);

/* A list of operations. Their inputs and results are given places in the scratch room. */
enum { OPERATIONS_MOST = 512 };
struct steps {
    struct ggml_context *context;
    struct ggml_cgraph *graph;
};
void steps_open(struct steps *s);
void steps_close(struct steps *s);
/* Gives a tensor its place in the room, `at` bytes from its start; *at moves behind it. */
void steps_place(const struct kernels *k, struct ggml_tensor *t, size_t *at);
/* Runs them all; seconds. */
double steps_run(const struct kernels *k, struct steps *s);
