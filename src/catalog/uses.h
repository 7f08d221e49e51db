/* catalog/uses.h - what people use models for, and which models serve (data/uses.json). */
#pragma once
#include "catalog/parts.h"

struct arena;

struct use {
    const char *name, *title; /* "embed", "embeddings" */
    /* The model's figure that says how good it is at this, and what that is; NULL: nobody published one that the catalogue has. */
    const char *quality, *quality_words;
    const char *source, *confidence;
    const char *const *tasks, *const *modalities, *const *families, *const *words,
                                                                        *const *without_families,
                                                                            *const *without_words;
    size_t task_count, modality_count, family_count, word_count, without_family_count,
        without_word_count;
};
bool catalog_uses(const struct catalog *c, const struct use **out, size_t *count,
                  struct mu_err *err) NODISCARD;
/* By name; NULL when there is none. */
const struct use *catalog_use(const struct catalog *c, struct str name);
bool use_serves(const struct use *u, const struct model_part *m, struct arena *a);
/* How good a model is at it; NaN: not published, or of something else. */
double use_quality(const struct use *u, const struct model_part *m);
