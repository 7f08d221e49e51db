/* proof/accelerator_truth.h - rows of a truth file of class gpu_speed: speeds that people published for named hardware, each beside what we
 * say of that hardware from the catalogue alone, all layers on the one device, or dealt evenly over several like ones. */
#pragma once
#include "base/str.h"

struct arena;
struct bill;
struct catalog;
struct gpu_part;
struct mu_err;
struct place;

/* What a row counts as. SEVERAL: several like devices decode; UNSIZED: the size of the model's file is not given, nor always the backend; CPU: no accelerator; CROWD:
 * wall-clock times of whoever sent them. X(name, class) */
#define PUBLISHED(X)                                  \
    X(PUBLISHED_DECODE, "gpu_speed.decode")           \
    X(PUBLISHED_PREFILL, "gpu_speed.prefill")         \
    X(PUBLISHED_MOE_DECODE, "gpu_speed.decode.moe")   \
    X(PUBLISHED_MOE_PREFILL, "gpu_speed.prefill.moe") \
    X(PUBLISHED_SEVERAL, "gpu_speed.several")         \
    X(PUBLISHED_UNSIZED, "gpu_speed.decode.unsized")  \
    X(PUBLISHED_CPU, "gpu_speed.cpu")                 \
    X(PUBLISHED_CROWD, "gpu_speed.crowd")
enum published {
#define PUBLISHED_ENUM(name, class_) name,
    PUBLISHED(PUBLISHED_ENUM)
#undef PUBLISHED_ENUM
        PUBLISHED_COUNT
};
const char *published_class(enum published p);

struct published_row {
    enum published as;
    const char *id; /* "NVIDIA A100 PCIe, Llama-3-8B Q4_K_M tg512" */
    double devices;
    double measured, predicted, low, high; /* tokens a second; predicted NaN when not priced */
};
struct accelerator_truth {
    const struct published_row *row;
    size_t rows;
    /* Rows that nothing is said of: other runtimes, models or hardware that the catalogue does not have. */
    size_t left_out;
};
/* Told of each row on an accelerator what its prediction is made of, for fitting; NULL: nobody listens. */
struct published_listener {
    void (*hears)(void *to, const struct published_row *row, const struct bill *bill,
                  const struct place *place, const struct gpu_part *part, const char *made);
    void *to;
};
bool accelerator_truth_is(struct str text);
bool accelerator_truth_read(struct str text, const char *name, const struct catalog *c,
                            struct arena *a, const struct published_listener *listener,
                            struct accelerator_truth *out, struct mu_err *err) NODISCARD;
