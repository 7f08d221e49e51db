/* verb/trial_whole.h - a whole model made ready for the engine: its file, or all its layers with random weights in a file in memory. */
#pragma once
#include "measure/measure.h"
#include "verb/common.h"

struct world;

struct trial_whole {
    struct asked
        asked; /* knobs as given; the kinds of trials change them before trial_whole_fits */
    const struct machine *machine;
    struct measuring how;
    const char *file;    /* NULL: synthetic */
    int open_file;       /* of a synthetic one; -1: none */
    double memory_bytes; /* that a synthetic file will hold in memory; 0 for a real one */
    double threads;
    /* By trial_whole_fits. needed: at least; predicted: NaN where there is no rule for it. */
    double needed_bytes, predicted_bytes, usable_bytes;
};
/* The machine and the model of a request. A file whose weights are not all there is refused. */
bool trial_whole_open(const struct request *q, const struct context *in, struct trial_whole *out,
                      struct mu_err *err) NODISCARD;
/* True when it fits, beside `more_bytes` of the trial's own; `why` says what it needs and what there is. */
bool trial_whole_fits(struct trial_whole *t, const struct context *in, double more_bytes,
                      const char **why, struct mu_err *err) NODISCARD;
/* The file in memory of a synthetic one: last before it runs. */
bool trial_whole_make(struct trial_whole *t, const struct context *in,
                      struct mu_err *err) NODISCARD;
void trial_whole_close(struct trial_whole *t);
