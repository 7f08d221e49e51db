/* measure/state.h - what is kept between runs: one JSON file a kind and machine fingerprint in the state folder. */
#pragma once
#include "base/fields.h"

struct arena;
struct machine;
struct mu_err;

/* "FOLDER/KIND-FINGERPRINT.json"; NULL when there is no folder, or a fingerprint that is none (it becomes part of a path). */
const char *state_path(const char *folder, const char *kind, const struct machine *m,
                       struct arena *a);
/* Reads such a file, of at most so many bytes, by its field table. */
bool state_read(const char *path, size_t most_bytes, const struct fields *table, struct arena *a,
                void *out, struct mu_err *err) NODISCARD;
