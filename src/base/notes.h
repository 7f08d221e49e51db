/* base/notes.h - what the answer must confess: every fallback goes through fell_back() and lands in the answer's notes. */
#pragma once
#include "base/attr.h"
#include <stddef.h>

struct arena;
struct notes {
    struct arena *arena;
    const char **note;
    size_t count, room;
};

void note_add(struct notes *n, const char *format, ...)
    PRINTF(2, 3); /* a sentence; the same one twice is kept once; n may be NULL */
/* "using <to>: <because>" */
void fell_back(struct notes *n, const char *to, const char *because);
