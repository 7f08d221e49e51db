/* verb/near.h - "did you mean": the candidate that fewest edits make of what was written. */
#pragma once
#include "base/str.h"

struct near {
    struct str wanted;
    const char *best; /* NULL: nothing is near */
    size_t distance;
};
struct near near_to(struct str wanted);
void near_try(struct near *n, const char *candidate);
/* "; did you mean X?" with `before` ("--") in front of X, or "". */
const char *near_words(const struct near *n, const char *before, struct arena *a);
