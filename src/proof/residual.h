/* proof/residual.h - the ranges that ship (data/residuals.json): measured / predicted of a class. */
#pragma once
#include "base/attr.h"
#include <stdbool.h>

struct catalog;
struct mu_err;

struct residual_range {
    double low, high;
};
/* *has is false when the class ships no range. */
bool residual_shipped(const struct catalog *c, const char *class_, struct residual_range *out,
                      bool *has, struct mu_err *err) NODISCARD;
