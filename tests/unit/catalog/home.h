/* tests/unit/catalog/home.h - a catalogue with tables of the user's own, in a folder that goes away with it. */
#pragma once
#include "../scratch.h"

#include "base/arena.h"
#include "base/err.h"
#include "catalog/catalog.h"

struct home {
    char *folder;
    struct arena *arena;
    struct catalog *catalog;
};

static inline int home_open(void **state)
{
    struct home *h = calloc(1, sizeof *h);
    if (!h) return -1;
    h->folder = scratch_make();
    if (!h->folder) return -1;
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
    scratch_write(home_path(h, name), text, strlen(text));
}

/* Fails when anything stands in the folder that no test put there. */
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
                                        "residuals.json",
                                        "clouds.json",
                                        "requirements.json",
                                        "sources.json",
                                        "utilisation.json"};
    struct home *h = *state;
    for (size_t i = 0; i < COUNT_OF(names); i++) remove(home_path(h, names[i]));
    const int left = rmdir(h->folder);
    arena_free(h->arena);
    free(h->folder);
    free(h);
    return left;
}

#define HOMED(test) cmocka_unit_test_setup_teardown(test, home_open, home_close)

/* The message is there and has both parts. */
static inline void assert_message(const struct mu_err *err, const char *part, const char *other)
{
    if (!strstr(err->text, part) || !strstr(err->text, other))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err->text, part, other);
}
