/* judge/allocated.h - a verdict's memory from the buffers that llama.cpp itself laid out for a model, in place of our plan of them. */
#pragma once
#include "judge/judge.h"

enum { ALLOCATED_BUFFERS = 16 }; /* three lines of a bill each */

/* One buffer type of llama.cpp's, in bytes. */
struct allocated_buffer {
    const char *buffer, *device; /* "AMX", "CPU" */
    bool host;
    double model_bytes, context_bytes, compute_bytes;
};
struct allocated {
    const char *llama, *ggml; /* versions */
    const struct allocated_buffer *buffer;
    size_t buffers;        /* at most ALLOCATED_BUFFERS */
    double output_bytes;   /* of logits; in no buffer above */
    double context_tokens; /* as llama.cpp padded it */
};

/* What totals add up by; as the groups of a bill. */
struct allocated_groups {
    double weights_bytes, kv_bytes, compute_bytes, output_bytes;
};
struct allocated_groups allocated_sums(const struct allocated *x);
struct allocated_groups allocated_planned(const struct bill *b);
double allocated_total(struct allocated_groups g);

/* The verdict of judge_task with its own lines of memory exchanged for the buffers, a point now; it is computed even where our plan has no
 * rule. The process, mapped pages and speeds stay as they were. */
void judge_allocated(const struct allocated *x, const struct task *t, const struct machine *m,
                     struct arena *a, struct verdict *v);
