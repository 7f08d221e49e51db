/* base/notes.c - the list of things an answer must confess, in the order they happened, each once. */
#include "base/notes.h"
#include "base/arena.h"
#include "base/str.h"

#include <stdarg.h>
#include <string.h>

void note_add(struct notes *n, const char *format, ...)
{
    if (!n) return;
    va_list list;
    va_start(list, format);
    const char *text = str_vformat(n->arena, format, list);
    va_end(list);
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->note[i], text)) return;
    if (n->count == n->room) {
        const size_t room = n->room ? n->room * 2 : 8;
        const char **grown = NEW_ARRAY(n->arena, const char *, room);
        if (n->count) memcpy(grown, n->note, n->count * sizeof *grown);
        n->note = grown;
        n->room = room;
    }
    n->note[n->count++] = text;
}

void fell_back(struct notes *n, const char *to, const char *because)
{
    note_add(n, "using %s: %s", to, because);
}
