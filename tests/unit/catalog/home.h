/* tests/unit/catalog/home.h - a catalogue with tables of the user's own, in a folder that goes away with it. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct home {
    char folder[64];
    struct arena *arena;
    struct catalog *catalog;
};

static inline int home_open(void **state)
{
    struct home *h = calloc(1, sizeof *h);
    if (!h) return -1;
    snprintf(h->folder, sizeof h->folder, "/tmp/muster-catalog-XXXXXX");
    if (!mkdtemp(h->folder)) return -1;
    h->arena = arena_new(ARENA_USUAL_BYTES);
    h->catalog = catalog_open(h->folder, h->arena);
    *state = h;
    return 0;
}

static inline const char *home_path(const struct home *h, const char *name)
{
    return str_format(h->arena, "%s/%s", h->folder, name);
}

static inline void home_write(const struct home *h, const char *name, const char *text)
{
    FILE *f = fopen(home_path(h, name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static inline int home_close(void **state)
{
    static const char *const names[] = {"models.json",
                                        "quants.json",
                                        "gpus.json",
                                        "cpus.json",
                                        "architectures.json",
                                        "buffers.json",
                                        "experiments/mine.yaml",
                                        "experiments/llm-memory.yaml",
                                        "experiments",
                                        "residuals.json"};
    struct home *h = *state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) remove(home_path(h, names[i]));
    const int left = rmdir(h->folder);
    arena_free(h->arena);
    free(h);
    return left;
}

/* The message is there and has both parts. */
static inline void assert_message(const struct mu_err *err, const char *part, const char *other)
{
    if (!strstr(err->text, part) || !strstr(err->text, other))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err->text, part, other);
}

/* cmocka compares floats; these are doubles. */
static inline void assert_near(double got, double wanted, double allowed)
{
    if (!(got - wanted <= allowed && wanted - got <= allowed))
        fail_msg("%.17g is not %.17g within %g", got, wanted, allowed);
}
