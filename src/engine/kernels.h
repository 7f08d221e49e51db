/* engine/kernels.h - single operations of ggml on this CPU, with the buffers and threads that llama.cpp gives them, or on another device.
 * llama_use() goes before. */
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

/* What lies in the scratch room, one behind the other: ordinary numbers between -1 and 1 for activations and results, a mask that hides
 * nothing, and choices of experts, which are the caller's to put. */
struct room {
    size_t mask_at, choices_at, bytes;
};
struct kernels {
    struct ggml_backend_device *device;
    struct ggml_backend *backend;
    struct ggml_threadpool *pool;
    size_t threads;
    struct ggml_backend_buffer *scratch;
    struct room room;
    bool sends; /* on another machine: its backend waits only until a list was sent */
};
/* device: what llama.cpp calls it ("CUDA0"); NULL: the CPU. */
bool kernels_open(struct kernels *k, const char *device, const struct room *room,
                  struct mu_err *err) NODISCARD;
void kernels_close(struct kernels *k); /* safe on a zeroed one */
/* Until all that was asked for is done, this tensor of it last. */
void kernels_wait(const struct kernels *k, const struct ggml_tensor *last);
/* Bytes into the scratch room. */
void kernels_put(const struct kernels *k, size_t at, const void *bytes, size_t count);
/* The operations from now on are done by so many, in a pool that stays, as llama-server and llama-bench have it. A device has its own:
 * nothing happens. */
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
/* Where rings lie, and who fills it. crew: NULL, the caller alone. memory: NULL, a buffer of the ring's own of at most so many bytes,
 * which a device fills itself. */
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
