/* tests/unit/noted.h - what the notes of an answer say. */
#pragma once
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "base/notes.h"

static inline bool noted(const struct notes *notes, const char *part)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(notes->note[i], part)) return true;
    return false;
}

/* Fails with all notes printed. */
static inline void assert_noted(const struct notes *notes, const char *part)
{
    if (noted(notes, part)) return;
    for (size_t i = 0; i < notes->count; i++) print_error("note: %s\n", notes->note[i]);
    fail_msg("no note has \"%s\"", part);
}
