/* machine/accelerator_part.h - inside machine/: an accelerator that was seen and the part of the catalogue that it is. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/quantity.h"

struct accelerator_vendor;
struct arena;
struct catalog;
struct gpu_part;
struct gpu_seen;
struct machine;

struct chip {
    const struct gpu_seen *gpu;
    uint16_t index;              /* into the facts */
    const struct gpu_part *part; /* or NULL; of several that it may be the first */
    bool several;                /* nothing tells it from others of its PCI id */
    const struct accelerator_vendor *vendor;
    double share; /* of the part: less than 1 of a slice; NaN: not known */
};
/* Accelerator i of the machine's facts. c NULL: without a part. */
struct chip chip_of(const struct machine *m, const struct catalog *c, size_t i);
/* Its own memory as somebody asked the card, or the line gave it; NaN when only a table says so, or it has none. */
double chip_told_bytes(const struct gpu_seen *g);
/* What a driver says of such a part's memory where that is known, else what it was sold with; NaN: not known. */
double chip_part_bytes(const struct gpu_part *part);
/* A figure of its part, LISTED; of a slice its share, of one that may be several parts from the least to the most of them, ESTIMATED.
 * UNKNOWN where a part has none. */
struct estimate chip_listed(const struct chip *chip, const struct catalog *c,
                            double (*figure)(const struct gpu_part *), struct arena *a);
