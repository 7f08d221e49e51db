/* base/arena.c - memory that lives as long as a command's answer: a list of zeroed chunks, freed at once.
 *
 * Nothing is ever given back one by one. Chunks double up to 1 MiB, so that a small answer costs little and a large one few calls.
 * The stated maximum is not enforced here: arena_within() tells the reader of untrusted input, who can give a better message than
 * an allocator can. */
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_CHUNK = 16 << 10, LARGEST_CHUNK = 1 << 20 };

struct chunk {
    struct chunk *before;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *last;
    size_t most, used, next_size;
};

void out_of_memory(void)
{
    static const char sentence[] =
        "muster: out of memory: the system has none left to give; close other programs, or give "
        "this one a smaller input\n";
    const ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written; /* there is nobody left to tell */
    _exit(err_exit_status(MU_INTERNAL));
}

static struct chunk *chunk_new(struct arena *a, size_t least)
{
    const size_t size = least > a->next_size ? least : a->next_size;
    uint64_t whole;
    struct chunk *c = num_add(size, sizeof(struct chunk), &whole) ? calloc(1, (size_t)whole) : NULL;
    if (!c) out_of_memory();
    c->size = size;
    if (a->next_size < LARGEST_CHUNK) a->next_size *= 2;
    return c;
}

struct arena *arena_new(size_t most_bytes)
{
    struct arena *a = calloc(1, sizeof *a);
    if (!a) out_of_memory();
    a->most = most_bytes;
    a->next_size = FIRST_CHUNK;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a) return;
    for (struct chunk *c = a->last; c;) {
        struct chunk *before = c->before;
        free(c);
        c = before;
    }
    free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
    uint64_t padded;
    if (!num_pad(size ? size : 1, alignof(max_align_t), &padded)) out_of_memory();
    const size_t need = (size_t)padded;
    struct chunk *c = a->last;
    if (!c || c->size - c->used < need) {
        c = chunk_new(a, need);
        /* A chunk made for one large piece goes behind the one still being filled. */
        if (a->last && a->last->size - a->last->used > c->size - need) {
            c->before = a->last->before;
            a->last->before = c;
        } else {
            c->before = a->last;
            a->last = c;
        }
    }
    void *p = c->bytes + c->used;
    c->used += need;
    a->used += need;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    uint64_t whole;
    if (!num_mul(count, size, &whole)) out_of_memory();
    return arena_alloc(a, (size_t)whole);
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

bool arena_within(const struct arena *a, struct mu_err *err)
{
    if (a->used <= a->most) return true;
    return err_set(err, MU_DATA,
                   "the input needs more than the %zu MiB of memory allowed for one answer",
                   a->most >> 20);
}
