/* tests/unit/shared_arena.h - one arena for all the tests of a program, set up and freed with their group. */
#pragma once
#include "base/arena.h"

static struct arena *a;

static inline int open_arena(void **state)
{
    (void)state;
    a = arena_new(ARENA_USUAL_BYTES);
    return 0;
}

static inline int close_arena(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}
