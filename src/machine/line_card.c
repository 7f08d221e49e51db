/* What stands behind a card's name in a machine line, cut off word by word from its end: how many, how much memory, how much is free, how fast
 * it is read. What is no such word stays part of the name. */
#include "machine/line_card.h"
#include "base/units.h"

#include <math.h>

/* Cuts the last word off; false when there is but one. */
static bool last_word(struct str *s, struct str *word)
{
    size_t i = s->n;
    while (i && !byte_is_blank(s->p[i - 1])) i--;
    if (!i || i == s->n) return false;
    *word = (struct str){s->p + i, s->n - i};
    *s = str_trim((struct str){s->p, i});
    return true;
}

struct str card_next(struct str *rest)
{
    size_t i = 0;
    size_t open = 0;
    for (; i < rest->n && (open || rest->p[i] != ','); i++) {
        if (rest->p[i] == '(') open++;
        if (rest->p[i] == ')' && open) open--;
    }
    if (open) return str_cut(rest, ',');
    const struct str card = {rest->p, i};
    *rest = i < rest->n ? (struct str){rest->p + i + 1, rest->n - i - 1} : (struct str){NULL, 0};
    return card;
}

bool card_times(struct str *name, uint64_t *times)
{
    struct str rest = *name;
    struct str word;
    *times = 1;
    if (!last_word(&rest, &word) || word.n < 2) return true;
    const bool before = word.p[0] == 'x' || word.p[0] == 'X';
    const bool behind = word.p[word.n - 1] == 'x' || word.p[word.n - 1] == 'X';
    if (!before && !behind) return true;
    const struct str number = {word.p + before, word.n - 1};
    uint64_t n;
    if (!str_u64(number, &n)) return true;
    *name = rest;
    *times = n;
    return n >= 1 && n <= LINE_GPUS_MOST;
}

/* Cuts "GB", "GiB", "MB" or "MiB" off a word's end: how many GiB one is, as the trade counts memory; 0: it has none. */
static double cut_unit(struct str *word)
{
    static const struct {
        struct str unit;
        double gib;
    } units[] = {{{"GiB", 3}, 1}, {{"GB", 2}, 1}, {{"MiB", 3}, 0x1p-10}, {{"MB", 2}, 0x1p-10}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t n = units[i].unit.n;
        if (word->n < n) continue;
        if (!str_eq_nocase((struct str){word->p + word->n - n, n}, units[i].unit)) continue;
        word->n -= n;
        return units[i].gib;
    }
    return 0;
}

/* "12GB", "24 GiB", "24564 MiB" at the end of a card's name, in GiB; at least `least_gib`. */
static bool cut_size(struct str *name, double least_gib, double *gib)
{
    const double most_gib = 4096;
    struct str rest = *name;
    struct str word;
    double n;
    *gib = (double)NAN;
    if (!last_word(&rest, &word)) return false;
    const double unit = cut_unit(&word);
    if (!(unit > 0) || (!word.n && !last_word(&rest, &word)) || !str_f64(word, &n)) return false;
    if (!(n * unit >= least_gib && n * unit <= most_gib)) return false;
    *gib = n * unit;
    *name = rest;
    return true;
}

void card_memory(struct str *name, double *gib)
{
    const double least_gib = 0x1p-10;
    (void)cut_size(name, least_gib, gib);
}

bool card_free(struct str *name, double *gib)
{
    struct str rest = *name;
    struct str word;
    double n;
    *gib = (double)NAN;
    if (!cut_size(&rest, 0, &n) || !last_word(&rest, &word) || !str_eq_nocase(word, S("free")))
        return false;
    *gib = n;
    *name = rest;
    return true;
}

bool card_read(struct str *name, double *per_s)
{
    static const double least_per_s = 1e9, most_per_s = 1e14;
    struct str rest = *name;
    struct str word;
    double n;
    *per_s = (double)NAN;
    if (!last_word(&rest, &word) || !str_ends(word, S("/s"))) return false;
    const char *end = word.p + word.n - 2;
    if (!(word.p[0] >= '0' && word.p[0] <= '9') && !last_word(&rest, &word)) return false;
    word.n = (size_t)(end - word.p);
    if (!units_parse_bytes(word, 1, &n) || !(n >= least_per_s && n <= most_per_s)) return false;
    *per_s = n;
    *name = rest;
    return true;
}
