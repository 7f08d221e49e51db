/* tests/unit/unit.h - cmocka, behind the headers it wants before it, and what it lacks: doubles compared as doubles. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"

/* cmocka 1.1 compares floats only, which forgets the last bytes of a gibibyte. These print both values. */
#define assert_close(have, want, within)                                                         \
    do {                                                                                         \
        const double have_ = (have), want_ = (want), off_ = have_ - want_;                       \
        if (!(off_ <= (within) && -off_ <= (within)))                                            \
            fail_msg("%s is %.17g, not %.17g within %g", #have, have_, want_, (double)(within)); \
    } while (0)
#define assert_exactly(have, want)                                                      \
    do {                                                                                \
        const double have_ = (have), want_ = (want);                                    \
        if (!(have_ == want_)) fail_msg("%s is %.17g, not %.17g", #have, have_, want_); \
    } while (0)
#define assert_value(quantity, want) assert_exactly(value_of(quantity), (want))

/* A known quantity's value; the test fails when it is unknown. */
static inline double value_of(struct quantity q)
{
    double value = 0;
    if (!known(q, &value)) fail_msg("unknown: %s", q.source ? q.source : "no reason given");
    return value;
}
