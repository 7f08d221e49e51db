/* A machine looked at in a test: a committed tree, or one made file by file in a temporary folder and removed again. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/facts.h"
#include "machine/machine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    struct arena *arena;
    struct notes notes;
    struct root root;
    const struct machine *machine;
    const struct facts *facts;
};

static inline void seen_at(struct seen *s, const char *path, const char *(*env)(const char *name))
{
    struct mu_err err = {0};
    memset(s, 0, sizeof *s);
    s->arena = arena_new(ARENA_USUAL_BYTES);
    s->notes.arena = s->arena;
    if (!root_open(path, &s->root, &err)) fail_msg("%s", err.text);
    const struct looking in = {.root = &s->root, .arena = s->arena, .notes = &s->notes, .env = env};
    if (!machine_detect(&in, &s->machine, &err)) fail_msg("%s", err.text);
    s->facts = s->machine->facts;
}

static inline void seen_release(struct seen *s)
{
    root_close(&s->root);
    arena_free(s->arena);
}

static inline bool noted(const struct seen *s, const char *part)
{
    for (size_t i = 0; i < s->notes.count; i++)
        if (strstr(s->notes.note[i], part)) return true;
    return false;
}

struct tree {
    char path[64];
};

static inline void tree_make(struct tree *t)
{
    snprintf(t->path, sizeof t->path, "/tmp/muster-tree-XXXXXX");
    assert_non_null(mkdtemp(t->path));
}

static inline void tree_bytes(const struct tree *t, const char *file, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", t->path, file);
    for (char *p = path + strlen(t->path) + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static inline void tree_file(const struct tree *t, const char *file, const char *text)
{
    tree_bytes(t, file, text, strlen(text));
}

static inline int removed(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void tree_remove(const struct tree *t)
{
    nftw(t->path, removed, 16, FTW_DEPTH | FTW_PHYS);
}

/* A known quantity's value; the test fails when it is unknown. */
static inline double value_of(struct quantity q)
{
    double value = 0;
    if (!known(q, &value)) fail_msg("unknown: %s", q.source ? q.source : "no reason given");
    return value;
}

/* cmocka's assert_float_equal compares floats, which forgets the last bytes of a gibibyte. */
#define assert_exactly(got, wanted)                                                   \
    do {                                                                              \
        const double got_ = (got), wanted_ = (wanted);                                \
        if (got_ != wanted_) fail_msg("%s is %.17g, not %.17g", #got, got_, wanted_); \
    } while (0)
#define assert_value(q, wanted) assert_exactly(value_of(q), (wanted))
