/* proof/subjects.h - a truth file while it is read: its rows one after another, and its models, each under a quantisation; made when first
 * asked for, shared by the rows. */
#pragma once
#include "model/digest.h"
#include "model/shape.h"

struct arena;
struct bill;
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
/* What the rows of a file have in common. */
struct truth_reading {
    const struct catalog *catalog;
    struct arena *arena;
    struct truth_subjects subjects;
    const char *class_;
    struct bill *bill; /* room for one */
};
struct truth_rows_kind {
    size_t row_bytes; /* of the struct that a row becomes */
    bool (*row_read)(struct truth_reading *r, const struct json *row, void *out,
                     struct mu_err *err);
};
/* A file of a class with such rows, at least one; catalog and arena of *r are filled in by the caller. *rows is an array in the arena. */
bool truth_rows_read(struct str text, const char *name, const struct truth_rows_kind *kind,
                     struct truth_reading *r, const void **rows, size_t *count,
                     struct mu_err *err) NODISCARD;
/* Whether a text is a truth file of one of these classes. */
bool truth_is_of(struct str text, const char *const *classes, size_t count);
/* A text of a row, or NULL. */
const char *truth_text(const struct json *map, const char *key, struct arena *a);
