/* measure/trial_run.h - a model run for real in a child, and two cuts of it drawn out to the whole. */
#pragma once
#include "base/fields.h"
#include "measure/measure.h"

struct digest;
struct generate;

struct trial_asked {
    const char
        *file; /* a path; or NULL and an open file, which the child fills with random weights */
    int open_file;
    const struct digest *model;
    const struct generate *knobs;
    double threads, tokens, reps; /* tokens decoded behind the prompt; runs of the prompt */
    double seconds;               /* about how long each of the two */
    double touch_bytes; /* of other memory, between tokens: what a cut lacks of the model */
    double timeout_s, memory_most_bytes;
};

struct trial_seconds { /* of one run of the prompt, or one token; NaN when there was none */
    double low, likely, high, runs;
};
struct trial_resident { /* of the child, bytes; NaN where the kernel does not say */
    double bytes, own_bytes, file_bytes, shared_bytes, peak_bytes;
};
struct trial_buffer {
    const char *buffer, *device;
    bool host;
    double model_bytes, context_bytes, compute_bytes;
};
struct trial_run {
    double layers; /* the caller's; not of the answer */
    double load_s, context_s, warm_up_s;
    double read_bytes; /* fetched from a disk while it loaded; NaN: not told */
    struct trial_seconds prefill_s, decode_s;
    struct trial_resident before, resident; /* before the load; at its most, behind the prompt */
    const struct trial_buffer *buffer;
    size_t buffers;
    const char *conditions, *llama;
};
extern const struct fields trial_run_table;

/* Runs it; the lock is the caller's. False with a sentence and its code, as ask.h has them. */
bool trial_run(const struct measuring *in, const struct trial_asked *asked, struct trial_run *out,
               struct mu_err *err) NODISCARD;
/* What a buffer holds is the model file itself, mapped: the whole stretch from its first to its last tensor there. */
bool trial_buffer_mapped(const struct trial_buffer *b);
/* The time of all layers from that of k and of 2k of them: t(2k) + (all - 2k) (t(2k) - t(k)) / k. A layer's time is the difference of the
 * fastest runs, since what disturbs a run only slows it, and what is off by a little here is off by many layers there; high takes the
 * medians. All NaN when the longer cut was not the slower one, which is no measurement. */
struct trial_seconds trial_drawn_out(struct trial_seconds of_k, struct trial_seconds of_twice,
                                     double k, double layers);
