/* catalog/hf_architecture.h - what the config.json of a model folder means, by its model_type (data/hf_architectures.json). The lists are
 * short texts of a closed form, which model/hf_config.c reads: see "about" in the table. */
#pragma once
#include "catalog/catalog.h"

struct hf_architecture {
    const char *name;       /* model_type: "llama", "gemma3_text" */
    const char *arch;       /* llama.cpp's name of it */
    const char *kind;       /* of its layers, as in data/models.json */
    const char *plain_arch; /* what it is where none of its layers recurs; NULL: the same */
    const char *source;
    bool checked; /* a published configuration met its published parameter count */
    const char *const *sets, *const *keys, *const *rules;
    size_t set_count, key_count, rule_count;
};

/* By model_type or an alias in any spelling; NULL when unknown. */
const struct hf_architecture *catalog_hf_architecture(const struct catalog *c, struct str name);
/* The nearest known model_type; NULL when the table cannot be read or is empty. */
const char *catalog_hf_architecture_near(const struct catalog *c, struct str name);
bool catalog_hf_architectures(const struct catalog *c, const struct hf_architecture **out,
                              size_t *count, struct mu_err *err) NODISCARD;
