/* judge/price.h - what a unit of a line's work costs at a place where kernels were measured. Pure. */
#pragma once
#include <stdint.h>

#include "judge/judge.h"

struct price_query {
    const struct machine *machine;
    const struct line *line;
    size_t place;    /* PRICE_CPU: the CPU */
    double threads;  /* of the CPU */
    bool any_buffer; /* set by price_of() */
};
#define PRICE_CPU SIZE_MAX
/* Work a second for a line; false when nothing measured supports it. Where experts of such weights were not measured, single matrices
 * tell, and where their buffer was not, any other: more than nothing. */
bool price_of(const struct price_query *asked, struct estimate *out);
/* The number of threads that the CPU's kernels were measured with and that comes nearest to the one asked for (0: all), from below where
 * there is one; 0: none was measured. */
double price_threads(const struct machine *m, double asked);
