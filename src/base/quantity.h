/* base/quantity.h - a fact about the world is a value and where it comes from. Unknown is never 0, -1 or NaN that leaks out. */
#pragma once
#include <stdbool.h>

/* X(origin, word). In order of trust. */
#define ORIGINS(X)            \
    X(UNKNOWN, "unknown")     \
    X(ASSUMED, "assumed")     \
    X(ESTIMATED, "estimated") \
    X(LISTED, "listed")       \
    X(REPORTED, "reported")   \
    X(MEASURED, "measured")

enum origin {
#define ORIGIN_ENUM(origin, word) origin,
    ORIGINS(ORIGIN_ENUM)
#undef ORIGIN_ENUM
        ORIGIN_COUNT
};

/* value is poison (NaN) while origin is UNKNOWN: read it through known(). source: a file, a test, a catalogue row; for UNKNOWN the
 * reason why, or NULL. Lives as long as the arena it came from. */
struct quantity {
    double value;
    enum origin origin;
    const char *source;
};

/* A range: one origin, three values, low <= likely <= high. */
struct estimate {
    double low, likely, high;
    enum origin origin;
    const char *source;
};

const char *origin_word(enum origin origin);
bool origin_parse(const char *word, enum origin *out);
struct quantity quantity_of(double value, enum origin origin, const char *source);
struct quantity unknown(const char *why);
/* True and *value set when q is known. value may be NULL to only ask. */
bool known(struct quantity q, double *value);
double known_or(struct quantity q, double otherwise);
bool estimate_known(struct estimate e);
struct estimate estimate_of(double low, double likely, double high, enum origin origin,
                            const char *source);
struct estimate estimate_exactly(double value, enum origin origin, const char *source);
