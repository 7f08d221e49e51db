/* tests/unit/unit.h - cmocka, behind the headers it wants before it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka 1.1 compares floats only; this one doubles, and prints both. */
#define assert_close(have, want, within)                                   \
    do {                                                                   \
        const double have_ = (have), want_ = (want), off_ = have_ - want_; \
        if (!(off_ <= (within) && -off_ <= (within)))                      \
            fail_msg("%.17g is not %.17g", have_, want_);                  \
    } while (0)
