/* proof/proof.h - what really happened beside what was said. selftest runs truth rows through the very code that answers users. */
#pragma once
#include "base/str.h"

struct arena;
struct buf;
struct catalog;
struct mu_err;

struct score { /* one class of truth: absolute errors in percent of the truth */
    const char *class_;
    double rows, median_pct, p80_pct, p90_pct, worst_pct;
    const char *worst_row;
    /* share of rows inside the printed range; NaN for exact classes and classes without a range */
    double coverage;
    /* what is promised; NaN: nothing promised */
    double bar_median_pct, bar_p80_pct, bar_p90_pct, bar_worst_pct;
};
/* text: a file of the schema of memory_cpu.json. Only a row's model hparams, quant and config are read for the prediction. */
bool proof_score(struct str text, const char *name, const struct catalog *c, struct arena *a,
                 const struct score **out, size_t *count, struct mu_err *err) NODISCARD;
/* The truth that ships with the program, by its name in the catalogue; NULL ends. */
extern const char *const proof_truths[];
/* Residual quantiles (measured / predicted) of its classes that are not exact: the text of data/residuals.json. */
bool proof_residuals(const struct catalog *c, struct arena *a, struct buf *out,
                     struct mu_err *err) NODISCARD;
