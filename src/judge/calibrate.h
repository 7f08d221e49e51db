/* judge/calibrate.h - what really happened on this machine beside what was said. A sample of the very task replaces its estimate; all of
 * them together say how far our speeds are off here. proof/sample.h keeps them; pure. */
#pragma once
#include "cost/cost.h"

enum { SAMPLES_MOST = 256 };

struct sample_figures {    /* NaN: not known */
    double resident_bytes; /* of the process at its peak, file pages among it */
    double prefill_per_s, decode_per_s, load_s;
};
struct sample {
    const char *when, *model, *quant, *kind; /* quant may be NULL */
    double weight_bytes;
    /* What it ran with. It decoded behind depth and prompt. */
    double context_tokens, depth_tokens, prompt_tokens, ubatch_tokens, threads;
    const char *kv_type_k, *kv_type_v;
    bool flash_off, repack, mmap;
    /* predicted: by the rates alone, before any sample was used, else the ratio of the two would wander. */
    struct sample_figures predicted, measured;
    const char *llama, *how, *conditions;
};

/* The newest sample of this model, with settings that make no difference to its speed; NULL: none. Samples stand oldest first. */
const struct sample *calibrate_find(const struct sample *sample, size_t samples,
                                    const struct task *t, double threads);

/* measured / predicted over the models that were tried while nothing else ran, each model's newest sample: the median and its ends.
 * models 0: none, and the rest is NaN. */
struct calibration {
    double low, likely, high;
    size_t models;
};
struct calibration calibrate_decode(const struct sample *sample, size_t samples, double threads);
struct calibration calibrate_prefill(const struct sample *sample, size_t samples, double threads);
