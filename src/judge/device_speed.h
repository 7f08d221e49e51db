/* judge/device_speed.h - how long a line of a bill takes on an accelerator whose kernels nobody measured. Pure. */
#pragma once
#include "judge/accelerator.h"

/* Where and how a line is worked. */
struct device {
    const struct machine *machine;
    const struct world *world;
    size_t place;
    bool flash; /* flash attention */
    double
        at_once; /* tokens of a prompt's micro-batch: products with fewer columns are of chosen experts */
};
/* Seconds of one token of the line, from the rates listed for the place and the shares of data/accelerators.json. False when the place
 * has no such rate, or no row. The range is a point; speed_of() widens sums. */
bool device_seconds(const struct line *l, const struct device *d, struct estimate *out);
/* What its reading takes at the listed bandwidth: no range goes below. */
double device_seconds_least(const struct line *l, const struct device *d);
