/* base/quantity.c - makes facts with an origin, and is the one door through which their values are read.
 *
 * A value that is not finite is never a fact: it becomes unknown, with what was given as source kept as the reason. */
#include "base/quantity.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static const char *const words[ORIGIN_COUNT] = {
#define ORIGIN_WORD(origin, word) [origin] = (word),
    ORIGINS(ORIGIN_WORD)
#undef ORIGIN_WORD
};

const char *origin_word(enum origin origin)
{
    return words[origin];
}

bool origin_parse(const char *word, enum origin *out)
{
    for (int i = 0; i < ORIGIN_COUNT; i++)
        if (!strcmp(words[i], word)) {
            *out = (enum origin)i;
            return true;
        }
    return false;
}

struct quantity quantity_of(double value, enum origin origin, const char *source)
{
    if (origin == UNKNOWN || !isfinite(value)) return unknown(source);
    return (struct quantity){value, origin, source};
}

struct quantity unknown(const char *why)
{
    return (struct quantity){(double)NAN, UNKNOWN, why};
}

bool known(struct quantity q, double *value)
{
    if (q.origin == UNKNOWN) return false;
    if (value) *value = q.value;
    return true;
}

double known_or(struct quantity q, double otherwise)
{
    return q.origin == UNKNOWN ? otherwise : q.value;
}

bool estimate_known(struct estimate e)
{
    return e.origin != UNKNOWN;
}

struct estimate estimate_of(double low, double likely, double high, enum origin origin,
                            const char *source)
{
    if (origin == UNKNOWN || !isfinite(low) || !isfinite(likely) || !isfinite(high))
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, source};
    assert(low <= likely && likely <= high);
    return (struct estimate){low, likely, high, origin, source};
}

struct estimate estimate_exactly(double value, enum origin origin, const char *source)
{
    return estimate_of(value, value, value, origin, source);
}
