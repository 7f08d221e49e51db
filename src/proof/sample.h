/* proof/sample.h - what really happened beside what was said, kept between runs: one file a machine fingerprint in the state folder. */
#pragma once
#include "base/attr.h"
#include "judge/calibrate.h"

struct arena;
struct machine;
struct mu_err;
struct notes;

struct sample_place {
    const char *state_folder; /* NULL: nothing is kept */
    const struct machine *machine;
    struct arena *arena;
    struct notes *notes;
};
/* Where they stand; NULL when there is no folder or no fingerprint. */
const char *samples_path(const struct sample_place *in);
/* Oldest first, at most SAMPLES_MOST. False when there are none: not an error; a file that can't be used is a note. */
bool samples_read(const struct sample_place *in, const struct sample **out,
                  size_t *count) NODISCARD;
/* Adds one behind those kept; the oldest go when there are too many, and so does a file that can't be used. Not to be done by two at once:
 * the measuring lock is held. */
bool sample_keep(const struct sample_place *in, const struct sample *s,
                 struct mu_err *err) NODISCARD;
