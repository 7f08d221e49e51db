/* proof/speed_truth.h - rows of a truth file of speed (classes cpu_speed and cpu_speed_measured): llama-bench runs, each beside what we say from the file's own
 * rates. Rows that hold kernel rates are priced with them, those of a file that holds only bandwidth and sgemm
 * with typical shares of those. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct mu_err;

struct speed_row {
    const char *id;                        /* "TinyLlama-1.1B Q8_0 tg64 d2048 t2" */
    bool decode;                           /* else prefill */
    double measured, predicted, low, high; /* tokens a second; predicted NaN when not priced */
};
struct speed_truth {
    const char *class_;
    const struct speed_row *row;
    size_t rows;
    bool typical; /* priced with typical shares */
};
/* True when the text is such a file. */
bool speed_truth_is(struct str text);
bool speed_truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                      struct speed_truth *out, struct mu_err *err) NODISCARD;
