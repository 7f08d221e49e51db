/* catalog/guides.h - figures that guides give for memory, by size of the model and by precision (data/guides.json). */
#pragma once
#include "catalog/catalog.h"

struct guide_figure {
    const char *name, *level; /* "7B in FP16", "memory" */
    const char *precision;    /* a mix; NULL: the guide does not say */
    const char *source, *confidence;
    const char *const *sizes; /* "7B", or a model's name */
    size_t size_count;
    const char *const *cards; /* accelerators it is said to go into */
    size_t card_count;
    double gb;  /* of 10^9 bytes */
    bool holds; /* so much memory is said to do, in some precision */
};
bool catalog_guides(const struct catalog *c, const struct guide_figure **out, size_t *count,
                    struct mu_err *err) NODISCARD;

/* Bytes a parameter of a precision, and what real files are called that. */
struct guide_precision {
    const char *name, *source, *confidence; /* "INT4" */
    double bytes;
    const char *const *sizes; /* of the models to hold it against */
    size_t size_count;
    const char *const *mixes; /* of GGUF files */
    size_t mix_count;
    const char *const *formats; /* outside GGUF */
    size_t format_count;
};
bool catalog_precisions(const struct catalog *c, const struct guide_precision **out, size_t *count,
                        struct mu_err *err) NODISCARD;
/* Bits that such a format takes for what it quantises, its scales among them; NaN: no format is called so, or it has no one figure. */
double catalog_format_bits(const struct catalog *c, const char *name);
