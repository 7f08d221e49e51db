/* measure/exact.h - what llama.cpp itself would allocate on this machine for a model and these settings, asked of muster-engine. */
#pragma once
#include "judge/allocated.h"
#include "measure/measure.h"

struct catalog;
struct digest;
struct fields;
struct model;

struct exact_asked {
    const struct model *model; /* with tensors */
    const char *file;          /* where it stands; NULL: nowhere, a header is made of its figures */
    const struct digest *digest; /* of it */
    const struct catalog *catalog;
    const struct generate *knobs;
    double memory_most_bytes; /* 0: not known */
};
/* EXACT_ABSENT: there is no engine, or it holds no llama.cpp; nothing is wrong. EXACT_FAILED: it did not say. Both leave a message. */
enum exact_end { EXACT_DONE, EXACT_ABSENT, EXACT_FAILED };
/* No weights are read: llama.cpp gets a file's metadata, or a header made of the figures, before a hole as long as the weights. */
enum exact_end measure_exact(const struct measuring *in, const struct exact_asked *asked,
                             struct allocated *out, struct mu_err *err) NODISCARD;
/* How struct allocated stands in JSON, in the engine's answer and in ours. */
extern const struct fields measure_exact_table;
