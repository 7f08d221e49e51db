/* judge/typical.h - what kernels reach where nobody measured them, from data/kernels.json. */
#pragma once
#include "judge/judge.h"

/* Fills world's `typical`; false when the file is not what it should be. */
bool typical_read(const struct catalog *c, struct arena *a, struct world *out,
                  struct mu_err *err) NODISCARD;
