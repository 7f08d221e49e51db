/* measure/measure.h - the only caller of muster-engine; keeps what it measured by machine fingerprint. */
#pragma once
#include "machine/machine.h"

struct catalog;
struct mu_err;
struct notes;
struct progress;

enum measure_length { MEASURE_USUAL, MEASURE_FULL };
struct measuring {
    const char *engine;       /* path of muster-engine; NULL: not found */
    const char *state_folder; /* $XDG_STATE_HOME/muster; NULL: nothing is kept or locked */
    const char *disk_folder;  /* where the disk test's file is made; NULL: no disk test */
    struct arena *arena;
    struct notes *notes;
    struct progress *progress; /* may be NULL */
    /* Knows types of weights by name; NULL: their speed is not measured. */
    const struct catalog *catalog;
    bool no_amx;        /* the engine is told to leave AMX alone, since it does not work here */
    double timeout_s;   /* for one test; 0: the usual one */
    double lock_wait_s; /* for another measurement to end; 0: the usual one */
};
/* Finds the engine: the one given ($MUSTER_ENGINE, by main) whatever it is, else beside the program, else in ../libexec/muster.
 * program: its path; without a slash the running program's own is taken. NULL when there is none. */
const char *measure_engine_path(const char *program, const char *given, struct arena *a);
/* What measuring found. */
struct measured {
    const struct rate *rate;
    size_t rates;
    const char *when; /* of a kept one */
    double age_s;     /* of a kept one, by its file */
    bool
        stale; /* kept, but another build of the engine measured it: its kernels may be slower or faster; or an accelerator came */
    const char *
        no_amx; /* why AMX does not work here though the CPU has it; NULL: it works, or there is none */
    bool in_part; /* just measured, and a test failed: a sentence in notes says which */
    const char *const *device; /* accelerators that were tried, by their lasting names */
    size_t devices;
};
/* Runs the tests in a child each and returns the rates. A crash, hang, signal or kill leaves that test's rates out and a sentence in
 * notes; false only when nothing at all could be measured. Two measurements at once wait for each other. */
bool measure_machine(const struct measuring *in, const struct machine *m,
                     enum measure_length length, struct measured *out,
                     struct mu_err *err) NODISCARD;
/* Whether the CPU's matrix tiles give right products, in a child of about a second: why not, which is noted too; NULL: they do, or the CPU
 * lists none, or the engine cannot tell. */
const char *measure_no_amx(const struct measuring *in, const struct machine *m);
/* What is kept for this fingerprint; false when there is nothing (not an error; a file that can't be
 * used is a note). */
bool measure_kept(const struct measuring *in, const struct machine *m,
                  struct measured *out) NODISCARD;
bool measure_keep(const struct measuring *in, const struct machine *m,
                  const struct measured *measured, struct mu_err *err) NODISCARD;
/* The machine with these rates, and without the CPU features that don't work. */
const struct machine *measure_applied(const struct machine *m, const struct measured *measured,
                                      struct arena *a);
