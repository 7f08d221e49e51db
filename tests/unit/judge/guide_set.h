/* tests/unit/judge/guide_set.h - the shipped set of experiments, in an arena; failing loudly when it cannot be read. */
#pragma once
#include "../unit.h"

#include "base/arena.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "judge/experiment.h"

static inline const struct experiment_set *guide_set(struct arena *a)
{
    const struct experiment_set *set = NULL;
    struct mu_err err = {.code = MU_OK};
    const struct str text = catalog_file(catalog_open(NULL, a), "experiments/llm-memory.yaml");
    if (!experiment_set_parse(text, "llm-memory", a, &set, &err)) fail_msg("%s", err.text);
    return set;
}
