/* catalog/guides.h - figures that guides give for memory, by size of the model (data/guides.json). */
#pragma once
#include "catalog/catalog.h"

struct guide_figure {
    const char *name, *level; /* "7B in FP16", "memory" */
    const char *precision;    /* a mix; NULL: the guide does not say */
    const char *card;         /* an accelerator it is said to go into, or NULL */
    const char *source, *confidence;
    const char *const *sizes; /* "7B" */
    size_t size_count;
    double gb; /* of 10^9 bytes */
};
bool catalog_guides(const struct catalog *c, const struct guide_figure **out, size_t *count,
                    struct mu_err *err) NODISCARD;
