/* Layers that are chosen, from text and back. A list names each by its place, those with a dash in front from the end; what stands twice
 * counts once. Left out: steps ("every second"). */
#include "cost/layers.h"

#include <math.h>

#include "base/arena.h"
#include "base/num.h"

enum { DIGITS_MOST = 4 };

/* Digits off the front. */
static bool take_number(struct str *rest, unsigned *out)
{
    size_t n = 0;
    unsigned x = 0;
    while (n < rest->n && n < DIGITS_MOST && rest->p[n] >= '0' && rest->p[n] <= '9')
        x = x * 10 + (unsigned)(rest->p[n++] - '0');
    if (!n) return false;
    *rest = (struct str){rest->p + n, rest->n - n};
    *out = x;
    return true;
}

static bool take_dash(struct str *rest)
{
    if (!rest->n || *rest->p != '-') return false;
    *rest = (struct str){rest->p + 1, rest->n - 1};
    return true;
}

/* "8", "8-16", "-1" */
static bool take_named(struct str one, struct layer_list *out)
{
    unsigned first, last;
    if (take_dash(&one)) {
        if (!take_number(&one, &first) || one.n || !first || first > LAYERS_BEHIND) return false;
        out->behind |= (uint64_t)1 << (first - 1);
        return true;
    }
    if (!take_number(&one, &first)) return false;
    last = first;
    if (take_dash(&one) && !take_number(&one, &last)) return false;
    if (one.n || last < first || last >= LAYERS_NAMED) return false;
    for (unsigned i = first; i <= last; i++) out->named[i / 64] |= (uint64_t)1 << i % 64;
    return true;
}

bool layers_parse(struct str text, struct layer_list *out)
{
    struct str rest = text;
    unsigned number;
    *out = (struct layer_list){.number = 0};
    if (take_number(&rest, &number) && !rest.n) {
        out->number = number;
        return true;
    }
    rest = text;
    do {
        if (!take_named(str_cut(&rest, ','), out)) return false;
    } while (rest.p);
    return true;
}

static bool is_named(const struct layer_list *l, size_t i)
{
    return l->named[i / 64] >> i % 64 & 1;
}

static bool names_any(const struct layer_list *l)
{
    uint64_t any = l->behind;
    for (size_t i = 0; i < LAYERS_NAMED / 64; i++) any |= l->named[i];
    return any != 0;
}

const char *layers_text(const struct layer_list *l, struct arena *a)
{
    const char *text = "";
    if (!names_any(l)) return str_format(a, "%.0f", l->number);
    for (size_t i = 0; i < LAYERS_NAMED; i++) {
        size_t last = i;
        if (!is_named(l, i)) continue;
        while (last + 1 < LAYERS_NAMED && is_named(l, last + 1)) last++;
        text = str_format(a, "%s%s%zu", text, *text ? "," : "", i);
        if (last > i) text = str_format(a, "%s-%zu", text, last);
        i = last;
    }
    for (size_t i = LAYERS_BEHIND; i-- > 0;)
        if (l->behind >> i & 1) text = str_format(a, "%s%s-%zu", text, *text ? "," : "", i + 1);
    /* one alone is a range, too: a number alone says how many */
    struct str rest = str_of(text);
    unsigned alone;
    return take_number(&rest, &alone) && !rest.n ? str_format(a, "%u-%u", alone, alone) : text;
}

double layers_chosen(const struct layer_list *l, double all)
{
    double n = 0;
    if (!names_any(l)) return l->number > 0 ? least(l->number, all) : all;
    for (size_t i = 0; i < LAYERS_NAMED; i++) {
        const double from_end = all - (double)i;
        if (is_named(l, i) && (double)i >= all) return (double)NAN;
        const bool behind = from_end >= 1 && from_end <= (double)LAYERS_BEHIND &&
                            l->behind >> (unsigned)(from_end - 1) & 1;
        n += is_named(l, i) || behind;
    }
    for (size_t i = 0; i < LAYERS_BEHIND; i++)
        if (l->behind >> i & 1 && (double)i >= all) return (double)NAN;
    return n;
}
