/* Benchmark: the header of one GGUF file read and understood, again and again in one process (from the page cache, after the first).
 * Prints the median and the fastest; asserts nothing about time. Built on request, run by tools/bench.
 *
 * Usage: bench_gguf FILE. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/catalog.h"
#include "model/model.h"

enum { ROUNDS = 51 };

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of one reading; the catalogue's tables stand from the round before. */
static double reading_s(const char *file, const struct catalog *c)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct notes notes = {.arena = a};
    struct mu_err err = {.code = MU_OK};
    struct model model;
    const double start = clock_s();
    if (!model_open(file, c, a, &notes, &model, &err)) {
        fprintf(stderr, "bench_gguf: %s\n", err.text);
        exit(EXIT_FAILURE);
    }
    const double taken = clock_s() - start;
    arena_free(a);
    return taken;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: bench_gguf FILE\n", stderr);
        return EXIT_FAILURE;
    }
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct catalog *c = catalog_open(NULL, a);
    double taken[ROUNDS];
    (void)reading_s(argv[1], c); /* tables are read on first use */
    for (size_t i = 0; i < ROUNDS; i++) taken[i] = reading_s(argv[1], c);
    qsort(taken, ROUNDS, sizeof taken[0], by_size);
    printf("header read %d times: median %.2f ms, fastest %.2f ms\n", ROUNDS,
           taken[ROUNDS / 2] * 1e3, taken[0] * 1e3);
    arena_free(a);
    return EXIT_SUCCESS;
}
