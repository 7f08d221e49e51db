/* engine/t_gemm.c - matrix products in double and single precision: what numpy's BLAS reaches here.
 *
 * C = A B for square matrices, through cblas and the OpenBLAS that is installed, with one thread and with all; the size follows from
 * the time given, from about 500 to 2000. The work is 2 n^3 flop. Left out: filling the matrices, the first product (it warms the
 * caches and OpenBLAS's own buffers), and other libraries, which may be faster on the same CPU. */
#include "engine/engine.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/idle.h"

enum { TRIAL_SIZE = 256, LEAST_SIZE = 512, MOST_SIZE = 2048, SIZE_STEP = 64 };
enum { LEAST_RUNS = 3, USUAL_RUNS = 4 };

struct gemm {
    const char *work, *routine;
    size_t value_bytes;
    void (*multiply)(const struct gemm *g, int n);
    void *a, *b, *c;
};

static void multiply_double(const struct gemm *g, int n)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, g->a, n, g->b, n, 0, g->c,
                n);
}

static void multiply_single(const struct gemm *g, int n)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, g->a, n, g->b, n, 0, g->c,
                n);
}

static const struct gemm gemms[] = {
    {.work = "dgemm",
     .routine = "dgemm",
     .value_bytes = sizeof(double),
     .multiply = multiply_double},
    {.work = "sgemm",
     .routine = "sgemm",
     .value_bytes = sizeof(float),
     .multiply = multiply_single},
};

static double flop(int n)
{
    return 2.0 * n * n * n;
}

/* Any ordinary numbers do: no value is faster than another. */
static void fill(const struct gemm *g, void *to, size_t values)
{
    for (size_t i = 0; i < values; i++) {
        const double value = 0.5 + (double)(i % 251) / 502;
        if (g->value_bytes == sizeof(double))
            ((double *)to)[i] = value;
        else
            ((float *)to)[i] = (float)value;
    }
}

/* The largest size whose runs fit in the time, but not less than LEAST_SIZE, nor more than `most_size`. */
static int size_for(const struct gemm *g, double run_s, int most_size)
{
    g->multiply(g, TRIAL_SIZE);
    const double start_s = clock_s();
    g->multiply(g, TRIAL_SIZE);
    const double flop_per_s = flop(TRIAL_SIZE) / most(clock_s() - start_s, 1e-6);
    const double n = most(cbrt(flop_per_s * run_s / 2), LEAST_SIZE);
    return (int)(least(n, most_size) / SIZE_STEP) * SIZE_STEP;
}

static void measure(const struct gemm *g, const struct asked *in, double seconds, int most_size)
{
    struct arena *a = in->arena;
    struct idle idle;
    idle_start(&idle);
    const double start_s = clock_s();
    const int n = size_for(g, seconds / (USUAL_RUNS + 1), most_size);
    struct runs runs = {.work = g->work, .threads = (size_t)openblas_get_num_threads()};
    g->multiply(g, n);
    while (runs.count < LEAST_RUNS || (clock_s() - start_s < seconds && runs.count < RUNS_MOST)) {
        const double run_start_s = clock_s();
        g->multiply(g, n);
        runs_add(&runs, flop(n), clock_s() - run_start_s);
        idle_sample(&idle);
    }
    const char *source = str_format(
        a, "muster-engine gemm: %s of %d x %d, OpenBLAS for %s (what numpy's BLAS reaches)",
        g->routine, n, n, openblas_get_corename());
    say_rate(&runs, source, idle_words(&idle, (double)runs.threads, a), a);
}

/* All sizes of one precision use the same three matrices. */
static bool measure_kind(struct gemm g, const struct asked *in, struct mu_err *err)
{
    const double room = sqrt(in->bytes / 3 / (double)g.value_bytes);
    const int most_size = (int)least(room, MOST_SIZE);
    if (most_size < TRIAL_SIZE)
        return err_set(err, MU_UNAVAILABLE,
                       "three matrices of %d x %d need more than the %.0f bytes given", TRIAL_SIZE,
                       TRIAL_SIZE, in->bytes);
    const size_t values = (size_t)most_size * (size_t)most_size;
    void *block = calloc(3 * values, g.value_bytes);
    if (!block) out_of_memory();
    g.a = block;
    g.b = (char *)block + values * g.value_bytes;
    g.c = (char *)block + 2 * values * g.value_bytes;
    fill(&g, block, 2 * values);
    const size_t counts[] = {1, in->threads};
    for (size_t i = 0; i < (in->threads > 1 ? 2 : 1); i++) {
        openblas_set_num_threads((int)counts[i]);
        measure(&g, in, in->seconds / (in->threads > 1 ? 4 : 2), most_size);
    }
    free(block);
    return true;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    for (size_t i = 0; i < COUNT_OF(gemms); i++)
        if (!measure_kind(gemms[i], in, err)) return false;
    return true;
}

const struct engine_test engine_gemm = {"gemm", "dgemm and sgemm through OpenBLAS", run};
