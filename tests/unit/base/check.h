/* tests/unit/base/check.h - cmocka's includes in the order it wants, and a scratch folder that goes away again. */
#pragma once
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* cmocka's setup and teardown: *state is the folder's path. */
static inline int scratch_open(void **state)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/muster-XXXXXX", base ? base : "/tmp") < 0) return -1;
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

static inline int scratch_close(void **state)
{
    const int failed = nftw(*state, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
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
    FILE *f = fopen(scratch_path(state, name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static inline void scratch_folder(void **state, const char *name)
{
    assert_int_equal(mkdir(scratch_path(state, name), 0755), 0);
}
