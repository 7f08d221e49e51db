/* verb/near.c - finds what was probably meant. A third of the letters may be wrong; a beginning of the word always counts. */
#include "verb/near.h"

struct near near_to(struct str wanted)
{
    return (struct near){.wanted = wanted, .distance = wanted.n / 3 + 1};
}

void near_try(struct near *n, const char *candidate)
{
    const struct str s = str_of(candidate);
    const bool begins = n->wanted.n > 1 && str_starts(s, n->wanted);
    const size_t distance = begins ? 1 : str_distance(s, n->wanted);
    if (distance > n->distance || (n->best && distance == n->distance)) return;
    if (distance >= s.n) return;
    n->best = candidate;
    n->distance = distance;
}

const char *near_words(const struct near *n, const char *before, struct arena *a)
{
    return n->best ? str_format(a, "; did you mean %s%s?", before, n->best) : "";
}
