/* verb/nominal.h - a size instead of a model's name: "7B". */
#pragma once
#include "catalog/parts.h"

struct arena;

/* "8B", "350M", "1.5T"; a bare number takes `bare`. NaN as bare: none is taken. */
bool params_parse(const char *text, double bare, double *out) NODISCARD;
/* The model that stands for a dense one of so many parameters: of the shape that most models of about that size in the catalogue have,
 * the first. NULL: none is near. */
const struct model_part *nominal_model(const struct catalog *c, double params, size_t *alike);
