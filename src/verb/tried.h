/* verb/tried.h - a model that was run, and what had been said of it; between the verb that runs it and the screen. */
#pragma once
#include "measure/trial_cut.h"
#include "measure/trial_run.h"
#include "verb/common.h"

enum trial_unit { TRIAL_BYTES, TRIAL_SECONDS, TRIAL_TOKENS_PER_S };
/* One thing that was predicted and measured; NaN: not known. */
struct trial_row {
    const char *what;
    enum trial_unit unit;
    struct estimate predicted;
    double low, measured, high;
    bool stretch; /* a mapped file, counted from the first to the last tensor in it */
};
enum { TRIAL_ROWS = 12, TRIAL_RUNS = 2 };

struct tried {
    struct subject subject;
    struct world world;
    struct asked asked;
    double threads, tokens, reps, timeout_s;
    struct verdict verdict; /* of the whole model */
    /* Why it was not run although nothing failed; NULL: it ran. needs_bytes of usable_bytes, where memory is why. */
    const char *refused;
    double needs_bytes;

    struct trial_cut cut[TRIAL_RUNS]; /* none for a file that is here */
    size_t runs;
    struct trial_run run[TRIAL_RUNS];         /* the last is the one whose memory is shown */
    struct verdict verdict_of_last;           /* what was predicted for it */
    double touch_bytes;                       /* between tokens of the shorter cut */
    struct trial_seconds prefill_s, decode_s; /* of the whole */
    struct trial_row row[TRIAL_ROWS];
    size_t rows;
    const char *how, *kept; /* kept: the file of the sample, or NULL */
};
/* The verb for a model that writes, or encodes: with trial.h's, one of those that v_trial.c picks from. */
bool trial_generate(const struct request *q, const struct context *in, struct answer *out,
                    struct mu_err *err) NODISCARD;
/* Fills the rows from what was run. */
void tried_compare(struct tried *t);
/* Of a busy run when there was one. */
const char *tried_conditions(const struct tried *t);

void show_tried(struct doc *d, const struct tried *t);
void write_tried(struct buf *out, const struct tried *t, const struct notes *notes);
