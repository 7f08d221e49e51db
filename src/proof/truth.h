/* proof/truth.h - rows of a truth file, each with what was measured and what we say. The prediction reads of a row only its model's
 * hparams, its quant and its config; `truth` is read for the comparison alone. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct mu_err;

enum truth_part { PART_TOTAL, PART_WEIGHTS, PART_KV, PART_COMPUTE, PART_OUTPUT, PARTS };

struct truth_row {
    const char *id, *model;
    double measured[PARTS], predicted[PARTS]; /* bytes */
    double closed_form_total;                 /* predicted, without the exact plan */
};
struct truth {
    const char *class_;
    const struct truth_row *row;
    size_t rows;
};
bool truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                struct truth *out, struct mu_err *err) NODISCARD;
/* The class whose residuals widen what the closed form says; its errors are one score of a file. */
#define CLOSED_FORM_CLASS "memory_cpu.total.closed_form"
