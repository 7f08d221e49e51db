/* tests/unit/scratch.h - a folder for one test, that goes away again with all that is in it, and files in it. */
#pragma once
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCHED(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

/* A new folder's path, freed by who asked for it; NULL when there is none to be had. */
static inline char *scratch_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/muster-XXXXXX", base ? base : "/tmp") < 0) return NULL;
    if (mkdtemp(path)) return path;
    free(path);
    return NULL;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Removes a folder of scratch_make() with all that is in it, and frees its path. */
static inline int scratch_remove(char *path)
{
    const int failed = nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
    return failed;
}

static inline void scratch_write(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* cmocka's setup and teardown: *state is the folder's path. */
static inline int scratch_open(void **state)
{
    *state = scratch_make();
    return *state ? 0 : -1;
}

static inline int scratch_close(void **state)
{
    return scratch_remove(*state);
}

/* "<folder>/<name>", in one of four buffers used in turn. */
static inline const char *scratch_path(void **state, const char *name)
{
    static char paths[4][4096];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
    return path;
}

static inline void scratch_put(void **state, const char *name, const char *text)
{
    scratch_write(scratch_path(state, name), text, strlen(text));
}

static inline void scratch_folder(void **state, const char *name)
{
    assert_int_equal(mkdir(scratch_path(state, name), 0755), 0);
}
