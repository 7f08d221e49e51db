/* base/num.h - integers that come from outside go through here. Each function writes *out only when the result fits. */
#pragma once
#include "base/attr.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

NODISCARD static inline bool num_add(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return false;
    *out = sum;
    return true;
}

NODISCARD static inline bool num_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

/* n rounded up to a multiple of step (step > 0). */
NODISCARD static inline bool num_pad(uint64_t n, uint64_t step, uint64_t *out)
{
    const uint64_t rest = n % step;
    return num_add(n, rest ? step - rest : 0, out);
}

/* A number that may be absent, NaN. */
static inline double number_or(double x, double otherwise)
{
    return isnan(x) ? otherwise : x;
}

/* Inside cost/ and judge/ everything is double: bytes are exact to 2^53 (8 PiB). */
static inline double least(double a, double b)
{
    return a < b ? a : b;
}
static inline double most(double a, double b)
{
    return a > b ? a : b;
}
static inline double pad_to(double n, double step)
{
    return ceil(n / step) * step;
}
