/* tests/unit/model/model_rig.h - the embedded catalogue for a group of tests, and how two digests are compared. */
#pragma once
#include "../unit.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "catalog/parts.h"
#include "model/digest.h"

static struct arena *arena;
static struct catalog *catalog;

static inline int open_catalog(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 30);
    catalog = catalog_open(NULL, arena);
    return 0;
}

static inline int close_catalog(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* A file of the sources, by its path in them. */
static inline struct str source_file(const char *path)
{
    struct mapped m;
    struct mu_err err = {.code = MU_OK};
    if (!mapped_open(str_format(arena, "%s/%s", SOURCE_ROOT, path), 0, &m, NULL, &err))
        fail_msg("%s", err.text);
    const struct str copy = {str_copy(arena, m.bytes), m.bytes.n};
    mapped_close(&m);
    return copy;
}

static inline void sums_are_equal(const char *what, const struct weight_sum *a, size_t n,
                                  const struct weight_sum *b, size_t m)
{
    if (n != m) fail_msg("%s: %zu and %zu sums", what, n, m);
    for (size_t i = 0; i < n; i++)
        if (a[i].type != b[i].type || a[i].use != b[i].use || a[i].rows_of != b[i].rows_of ||
            a[i].bytes != b[i].bytes || a[i].elements != b[i].elements ||
            a[i].tensors != b[i].tensors)
            fail_msg("%s: sum %zu is %.0f bytes of type %u and %.0f bytes of type %u", what, i,
                     a[i].bytes, a[i].type, b[i].bytes, b[i].type);
}

static inline void digests_are_equal(const char *what, const struct digest *a,
                                     const struct digest *b)
{
    if (a->unruled || b->unruled)
        fail_msg("%s: unruled: %s, %s", what, a->unruled ? a->unruled : "no",
                 b->unruled ? b->unruled : "no");
    sums_are_equal(what, a->outside, a->outsides, b->outside, b->outsides);
    if (a->kinds != b->kinds) fail_msg("%s: %zu and %zu kinds of layers", what, a->kinds, b->kinds);
    for (size_t i = 0; i < a->kinds; i++) {
        const struct layer_kind *x = &a->kind[i], *y = &b->kind[i];
        if (x->layers != y->layers || x->window != y->window || x->experts != y->experts)
            fail_msg("%s: kind %zu has %.0f and %.0f layers", what, i, x->layers, y->layers);
        sums_are_equal(what, x->sum, x->sums, y->sum, y->sums);
    }
    if (a->weight_bytes != b->weight_bytes || a->parameters != b->parameters)
        fail_msg("%s: %.0f and %.0f bytes", what, a->weight_bytes, b->weight_bytes);
}
