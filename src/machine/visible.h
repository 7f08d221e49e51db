/* machine/visible.h - which of the GPUs that were seen this process may use, as the environment limits it. Pure.
 *
 * Each vendor's runtime reads variables of its own, and applies them before a program sees any device. */
#pragma once
#include "machine/facts.h"

struct arena;
struct notes;

/* The makers as gpu_seen.vendor names them, by the runtime whose variables limit their GPUs. */
struct visible_vendors {
    const char *cuda, *rocm, *level_zero;
};

struct visible_in {
    const char *(*env)(const char *name); /* NULL: no variable is set */
    const char *container;                /* os_facts.container */
    struct visible_vendors vendors;
    struct arena *arena;
    struct notes *notes;
};

/* Sets gpu[].hidden of those that may not be used, with the variable that says so ("CUDA_VISIBLE_DEVICES=1"). What is hidden already
 * stays so and counts as no device: its runtime does not list it either. Of a card that is cut into slices the slices stand for it. */
void visible_apply(const struct visible_in *in, struct gpu_seen *gpu, size_t gpus);
