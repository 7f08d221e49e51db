/* engine/t_guide.c - the capability guide's own benchmark: rounds of filling two random matrices and multiplying them.
 *
 * The guide (seed 001) times 100 rounds of a = rand(1000, 1000), b = rand(1000, 1000), c = dot(a, b) in numpy. A round here costs
 * what it costs there: the same generator, the same BLAS, matrices that are allocated anew while the old ones still live, as numpy
 * does it (large arrays ask for huge pages). As many rounds as fit in the time; the likely figure is rounds over time, as the guide's
 * is, so 100 over it is the guide's time for its 100 rounds. Left out: a first round that warms OpenBLAS up
 * (one of the guide's hundred), and Python's own time between the calls (microseconds a round). */
#include "engine/engine.h"

#include <cblas.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/idle.h"
#include "engine/twister.h"

enum { SIZE = 1000, LEAST_ROUNDS = 3, GUIDE_ROUNDS = 100 };

static double *matrix(void)
{
    const size_t bytes = sizeof(double) * SIZE * SIZE;
    double *p = malloc(bytes);
    if (!p) out_of_memory();
    /* numpy asks for huge pages from the first whole page on; a kernel without them says no, and nothing is lost. */
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t skip = (page - (uintptr_t)p % page) % page;
    (void)madvise((char *)p + skip, bytes - skip, MADV_HUGEPAGE);
    return p;
}

static void replace(double **old, double *fresh)
{
    free(*old);
    *old = fresh;
}

static void round_of(struct twister *t, double *m[3])
{
    for (int i = 0; i < 2; i++) {
        double *const fresh = matrix();
        twister_fill(t, twister_double, fresh, (size_t)SIZE * SIZE);
        replace(&m[i], fresh);
    }
    double *const product = matrix();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIZE, SIZE, SIZE, 1, m[0], SIZE, m[1],
                SIZE, 0, product, SIZE);
    replace(&m[2], product);
}

static bool run(const struct asked *in, struct mu_err *err)
{
    (void)err;
    openblas_set_num_threads((int)in->threads);
    struct runs runs = {.work = "guide's matrix rounds",
                        .threads = (size_t)openblas_get_num_threads()};
    struct twister twister;
    twister_seed(&twister, 1);
    double *m[3] = {NULL, NULL, NULL}, total_s = 0;
    round_of(&twister, m);
    struct idle idle;
    idle_start(&idle);
    while (runs.count < LEAST_ROUNDS || (total_s < in->seconds && runs.count < GUIDE_ROUNDS)) {
        const double start_s = clock_s();
        round_of(&twister, m);
        const double seconds = clock_s() - start_s;
        runs_add(&runs, 1, seconds);
        total_s += seconds;
        idle_sample(&idle);
    }
    for (int i = 0; i < 3; i++) free(m[i]);
    runs.likely = (double)runs.count / total_s;
    const char *source = str_format(in->arena, "muster-engine guide: %zu of the guide's %d rounds",
                                    runs.count, GUIDE_ROUNDS);
    say_rate(&runs, source, idle_words(&idle, (double)runs.threads, in->arena), in->arena);
    return true;
}

const struct engine_test engine_guide = {"guide", "the capability guide's rounds of matrices", run};
