/* catalog/names.c - who is called what: spellings without punctuation, sorted, found by halving.
 *
 * A name may belong to several rows (cards that differ by memory only); the best rank wins, and within it the rows keep their order.
 * Knows nothing of what the rows are. */
#include "base/arena.h"
#include "catalog/table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

struct names names_new(struct arena *a)
{
    return (struct names){a, NULL, 0, 0};
}

void names_add(struct names *n, const char *text, size_t row, unsigned rank)
{
    if (!text) return;
    const char *plain = str_plain(n->arena, str_of(text));
    if (!*plain) return;
    if (n->count == n->room) {
        const size_t room = n->room ? n->room * 2 : FIRST_ROOM;
        struct spelling *larger = NEW_ARRAY(n->arena, struct spelling, room);
        if (n->count) memcpy(larger, n->entry, n->count * sizeof *larger);
        n->entry = larger;
        n->room = room;
    }
    n->entry[n->count++] = (struct spelling){plain, text, row, rank};
}

void names_add_all(struct names *n, const char *const *texts, size_t count, size_t row,
                   unsigned rank)
{
    for (size_t i = 0; i < count; i++) names_add(n, texts[i], row, rank);
}

static int by_name(const void *a, const void *b)
{
    const struct spelling *x = a;
    const struct spelling *y = b;
    const int order = strcmp(x->plain, y->plain);
    if (order) return order;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Sorts, and keeps of each row's equal spellings the one of the best rank. */
void names_sort(struct names *n)
{
    size_t kept = 0;
    if (!n->count) return;
    qsort(n->entry, n->count, sizeof *n->entry, by_name);
    for (size_t i = 0; i < n->count; i++) {
        bool again = false;
        for (size_t k = kept; k-- && !strcmp(n->entry[k].plain, n->entry[i].plain);)
            again = again || n->entry[k].row == n->entry[i].row;
        if (!again) n->entry[kept++] = n->entry[i];
    }
    n->count = kept;
}

/* strcmp(plain, name without punctuation), without a copy. */
static int order_of(const char *plain, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        const bool capital = c >= 'A' && c <= 'Z';
        if (!capital && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) continue;
        const int order = (unsigned char)*plain - (capital ? c - 'A' + 'a' : c);
        if (order) return order;
        plain++;
    }
    return *plain ? 1 : 0;
}

size_t names_find(const struct names *n, struct str name, const struct spelling **first)
{
    size_t low = 0;
    size_t high = n->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order_of(n->entry[middle].plain, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t count = 0;
    for (size_t i = low; i < n->count && !order_of(n->entry[i].plain, name); i++)
        count += n->entry[i].rank == n->entry[low].rank;
    if (count) *first = &n->entry[low];
    return count;
}

size_t names_row(const struct names *n, struct str name)
{
    const struct spelling *first;
    return names_find(n, name, &first) ? first->row : SIZE_MAX;
}
