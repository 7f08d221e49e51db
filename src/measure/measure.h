/* measure/measure.h - the only caller of muster-engine; keeps what it measured by machine fingerprint. */
#pragma once
#include "machine/machine.h"

struct mu_err;
struct notes;
struct progress;

enum measure_length { MEASURE_USUAL, MEASURE_FULL };
struct measuring {
    const char *engine;       /* path of muster-engine; NULL: not found */
    const char *state_folder; /* $XDG_STATE_HOME/muster */
    const char *disk_folder;  /* where the disk test's file is made; NULL: no disk test */
    struct arena *arena;
    struct notes *notes;
    struct progress *progress;
};
/* Finds the engine: beside the program, in ../libexec/muster, in $MUSTER_ENGINE (given by main). NULL when there is none. */
const char *measure_engine_path(const char *program, const char *given, struct arena *a);
/* Runs the tests in a child each and returns the rates. A crash, hang, signal or kill leaves that test's rates out and a sentence in
 * notes; false only when nothing at all could be measured. */
bool measure_machine(const struct measuring *in, const struct machine *m,
                     enum measure_length length, const struct rate **out, size_t *count,
                     struct mu_err *err) NODISCARD;
/* Kept rates for this fingerprint; false when there are none (not an error). */
bool measure_kept(const struct measuring *in, const struct machine *m, const struct rate **out,
                  size_t *count, const char **when) NODISCARD;
bool measure_keep(const struct measuring *in, const struct machine *m, const struct rate *rate,
                  size_t count, struct mu_err *err) NODISCARD;
