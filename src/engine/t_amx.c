/* engine/t_amx.c - do the extra buffers of the CPU compute what plain memory does? {} in, a line for each product out: {"buffer": "AMX",
 * "type": "q4_K", "tokens": 64, "error": 1e-14}.
 *
 * A CPU may say that it has matrix tiles where a hypervisor traps them, and a compiler has built them wrong before: then the process dies
 * of a signal here, in a child, in a fraction of a second, and not in the middle of a measurement. The error is the squared difference
 * over the squared plain result. Left out: whether they are faster. */
#include "engine/kernels.h"

#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml.h>

#include "base/arena.h"
#include "engine/engine.h"
#include "engine/llama_use.h"

enum { ROW = 1024, ROWS = 256, TOKENS = 64, MEMORY_BYTES = 4 << 20, ROOM_BYTES = 4 << 20 };
static const double error_most = 1e-3;
static const int types[] = {GGML_TYPE_F16,  GGML_TYPE_Q8_0, GGML_TYPE_Q4_0,   GGML_TYPE_Q4_K,
                            GGML_TYPE_Q5_K, GGML_TYPE_Q6_K, GGML_TYPE_IQ4_XS, GGML_TYPE_MXFP4};

struct checking {
    const struct asked *in;
    struct kernels kernels;
    struct ground ground;
    float *result[2]; /* here, plain */
};

static bool product(struct checking *c, ggml_backend_buffer_type_t where, int type, int64_t tokens,
                    float *out, struct mu_err *err)
{
    struct ring ring;
    struct steps steps;
    size_t at = 0;
    if (!ring_open(&ring, where, &(struct matrix){type, ROW, ROWS, 1}, &c->ground, err))
        return false;
    steps_open(&steps);
    struct ggml_tensor *x = ggml_new_tensor_2d(steps.context, GGML_TYPE_F32, ROW, tokens);
    steps_place(&c->kernels, x, &at);
    struct ggml_tensor *y = ggml_mul_mat(steps.context, ring_next(&ring), x);
    steps_place(&c->kernels, y, &at);
    ggml_build_forward_expand(steps.graph, y);
    (void)steps_run(&c->kernels, &steps);
    memcpy(out, y->data, ggml_nbytes(y));
    steps_close(&steps);
    ring_close(&ring);
    return true;
}

static double error_of(const struct checking *c, int64_t tokens)
{
    double off = 0, all = 0;
    for (int64_t i = 0; i < ROWS * tokens; i++) {
        const double have = (double)c->result[0][i], want = (double)c->result[1][i];
        off += (have - want) * (have - want);
        all += want * want;
    }
    return off / all;
}

static bool check(struct checking *c, ggml_backend_buffer_type_t where, int type, int64_t tokens,
                  struct mu_err *err)
{
    if (!product(c, where, type, tokens, c->result[0], err) ||
        !product(c, kernels_plain(&c->kernels), type, tokens, c->result[1], err))
        return false;
    const double error = error_of(c, tokens);
    const char *buffer = ggml_backend_buft_name(where);
    const char *name = ggml_type_name((enum ggml_type)type);
    if (!(error < error_most)) /* a NaN is no agreement */
        return err_set(err, MU_INTERNAL,
                       "products of %s in %s buffers are wrong here: off by %g of the square", name,
                       buffer, error);
    struct say s;
    say_begin(&s);
    writer_put_cstr(&s.w, "buffer", buffer);
    writer_put_cstr(&s.w, "type", name);
    writer_put_number(&s.w, "tokens", (double)tokens);
    writer_put_number(&s.w, "error", error);
    say_end(&s);
    return true;
}

static bool check_all(struct checking *c, struct mu_err *err)
{
    ggml_backend_buffer_type_t kind[KINDS_MOST];
    const size_t kinds = kernels_kinds(&c->kernels, kind);
    bool extra = false;
    for (size_t i = 0; i + 1 < kinds; i++)
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            if (!kernels_takes(&c->kernels, kind[i], &(struct matrix){types[t], ROW, ROWS, 1}))
                continue;
            extra = true;
            if (!check(c, kind[i], types[t], 1, err) || !check(c, kind[i], types[t], TOKENS, err))
                return false;
        }
    if (!extra) say_note(c->in->arena, "llama.cpp uses no extra buffers on this CPU");
    return true;
}

static const struct room room = {ROOM_BYTES, ROOM_BYTES, ROOM_BYTES};

static bool run(const struct asked *in, struct mu_err *err)
{
    struct checking c = {.in = in};
    if (!llama_use(err) || !kernels_open(&c.kernels, NULL, &room, err)) return false;
    c.ground =
        (struct ground){.memory = arena_alloc(in->arena, MEMORY_BYTES), .bytes = MEMORY_BYTES};
    for (size_t i = 0; i < 2; i++) c.result[i] = NEW_ARRAY(in->arena, float, (size_t)ROWS *TOKENS);
    const bool good = kernels_threads(&c.kernels, in->threads, err) && check_all(&c, err);
    kernels_close(&c.kernels);
    return good;
}

const struct engine_test engine_amx = {
    "amx", "whether products in the CPU's extra buffers are right here", run};
