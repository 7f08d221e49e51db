/* proof/subjects.h - the models of a truth file, each under a quantisation; made when first asked for, shared by its rows. */
#pragma once
#include "model/digest.h"
#include "model/shape.h"

struct arena;
struct catalog;
struct json;
struct mu_err;

struct truth_subject {
    const char *model, *quant;
    struct shape shape;
    struct digest digest;
    const struct truth_subject *next;
};
struct truth_subjects {
    const struct catalog *catalog;
    struct arena *arena;
    const struct json *models; /* name to {"hparams": {...}} or {"catalog": name, "layers": n} */
    const struct truth_subject *first;
};
/* NULL with the reason when the file does not say enough. */
const struct truth_subject *truth_subject(struct truth_subjects *all, const char *model,
                                          const char *quant, struct mu_err *err);
/* Whether a text is a truth file of one of these classes. */
bool truth_is_of(struct str text, const char *const *classes, size_t count);
/* A text of a row, or NULL. */
const char *truth_text(const struct json *map, const char *key, struct arena *a);
