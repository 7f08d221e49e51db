/* Benchmark: every catalogue model x 12 quantisations x 4 contexts judged on one machine (digest, bill, verdict). Prints the count and
 * the time; asserts nothing about it. Built with the tests, run by tools/bench. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/root.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "judge/judge.h"
#include "model/digest.h"

static const char *const quants[] = {"Q2_K",   "Q3_K_S", "Q3_K_M", "Q4_0", "IQ4_XS", "Q4_K_S",
                                     "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0",   "F16"};
static const double contexts[] = {2048, 4096, 8192, 32768};

struct counts {
    size_t judged, computed;
};

static struct counts sweep(const struct machine *m, const struct catalog *c, const struct world *w,
                           struct arena *a)
{
    const struct model_part *part;
    size_t parts;
    struct counts n = {0, 0};
    struct generate usual = {.context_tokens = 0};
    const struct weight_type *types = catalog_types(c, NULL);
    if (!catalog_models(c, &part, &parts, NULL)) exit(EXIT_FAILURE);
    judge_buffers(m, c, a, &usual);
    for (size_t i = 0; i < parts; i++) {
        struct shape shape;
        shape_from_part(&part[i], c, a, &shape);
        for (size_t q = 0; q < COUNT_OF(quants); q++) {
            struct digest d;
            struct generate g;
            digest_of_shape(&shape, catalog_mix(c, str_of(quants[q])), c, &d);
            generate_usual(&g, &d, types);
            memcpy(g.buffer, usual.buffer, sizeof g.buffer);
            g.closed_form = true;
            for (size_t k = 0; k < COUNT_OF(contexts); k++) {
                struct verdict v;
                g.context_tokens = contexts[k];
                judge_task(&(struct task){cost_workload(S("generate")), &d, &g}, m, w, &v);
                n.judged++;
                n.computed += v.fits != FITS_NOT_COMPUTED;
            }
        }
    }
    return n;
}

int main(void)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    const struct catalog *c = catalog_open(NULL, a);
    struct root root;
    const struct machine *m;
    struct world w;
    if (!root_open(NULL, &root, &err)) return EXIT_FAILURE;
    const struct looking in = {.root = &root, .catalog = c, .arena = a};
    if (!machine_from_line(S("cpu:16 ram:64GiB bandwidth:60GB/s"), &in, &m, &err) ||
        !judge_world(c, a, &w, &err)) {
        fprintf(stderr, "bench_sweep: %s\n", err.text);
        return EXIT_FAILURE;
    }
    sweep(m, c, &w, a); /* tables are read on first use */
    const double start = clock_s();
    const struct counts n = sweep(m, c, &w, a);
    printf("%zu judgements (%zu computed) in %.1f ms\n", n.judged, n.computed,
           (clock_s() - start) * 1e3);
    root_close(&root);
    arena_free(a);
    return n.computed ? EXIT_SUCCESS : EXIT_FAILURE;
}
