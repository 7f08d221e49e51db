/* Benchmark: an operand ("hf:org/name:file", "ollama:name") turned into the path it leads to, again and again in one process. Prints the
 * median and the fastest; asserts nothing about time. Built on request, run by tools/bench.
 *
 * Usage: bench_names OPERAND, with the environment that says where the caches are. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/stores.h"

enum { ROUNDS = 51 };

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static double resolving_s(const char *operand)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    const char *path;
    const double start = clock_s();
    if (!stores_operand(operand, environment, a, &path, &err)) {
        fprintf(stderr, "bench_names: %s\n", err.text);
        exit(EXIT_FAILURE);
    }
    const double taken = clock_s() - start;
    arena_free(a);
    return taken;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: bench_names OPERAND\n", stderr);
        return EXIT_FAILURE;
    }
    double taken[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) taken[i] = resolving_s(argv[1]);
    qsort(taken, ROUNDS, sizeof taken[0], by_size);
    printf("resolved %d times: median %.2f ms, fastest %.2f ms\n", ROUNDS, taken[ROUNDS / 2] * 1e3,
           taken[0] * 1e3);
    return EXIT_SUCCESS;
}
