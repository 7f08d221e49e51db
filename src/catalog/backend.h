/* catalog/backend.h - how llama.cpp lays out memory on each backend (data/backends.json). */
#pragma once
#include "catalog/catalog.h"

struct backend {
    const char *name; /* as llama.cpp names its devices: "CUDA", "ROCm", "Vulkan" */
    double alignment_bytes, row_multiple;
    double context_bytes, context_most_bytes; /* 0: not known */
    bool host_buffer, copies_weights, pipelines, cache_as_halves;
    /* the environment in which it counts unlike devices as drivers list them, "NAME=VALUE"; NULL: it does so anyway, or that is not known */
    const char *in_order;
    const char *confidence, *source; /* confidence: "high", "medium", "low" */
};
bool catalog_backends(const struct catalog *c, const struct backend **out, size_t *count,
                      struct mu_err *err) NODISCARD;
/* By name; NULL when there is none. */
const struct backend *catalog_backend(const struct catalog *c, struct str name);
