/* base/arena.h - results live in an arena owned by the command and are freed at once.
 *
 * arena_alloc() never returns NULL: memory is zeroed, aligned for any type, and when the system has none left the one handler prints
 * a sentence and exits 70. An arena has a stated maximum. Past it allocation still succeeds but arena_within() answers false, and
 * every reader of untrusted input asks it inside its loops: over the cap is an ordinary error, never an exit. */
#pragma once
#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct mu_err;

enum { ARENA_USUAL_BYTES = 256 << 20 };

struct arena *arena_new(size_t most_bytes);
void arena_free(struct arena *a); /* a may be NULL */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size); /* checked multiplication */
size_t arena_used(const struct arena *a);
bool arena_within(const struct arena *a, struct mu_err *err)
    NODISCARD; /* MU_DATA when the input needed more than the cap */

#define NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define NEW_ARRAY(a, type, count) ((type *)arena_array((a), (count), sizeof(type)))

/* The one out-of-memory handler: one message, exit 70. */
NORETURN void out_of_memory(void);
