/* measure/state.h - what is kept between runs: one JSON file a kind and machine fingerprint in the state folder. */
#pragma once
#include "base/fields.h"

struct arena;
struct machine;
struct mu_err;

/* "FOLDER/KIND-FINGERPRINT.json"; NULL when there is no folder, or a fingerprint that is none (it becomes part of a path). */
const char *state_path(const char *folder, const char *kind, const struct machine *m,
                       struct arena *a);
/* Reads such a file by its field table; one of more than 4 MiB is refused. */
bool state_read(const char *path, const struct fields *table, struct arena *a, void *out,
                struct mu_err *err) NODISCARD;
/* Writes it, and makes the folder where there is none. What would not be read back is not written. */
bool state_write(const char *folder, const char *path, const struct fields *table, const void *kept,
                 struct mu_err *err) NODISCARD;
