/* machine/accelerators.h - the accelerators that were seen, made into pools, places, links and listed rates. No I/O but the catalogue. */
#pragma once
#include "machine/machine.h"

struct gpu_seen;

/* A copy of m where every accelerator that a process may use and whose memory is known, or listed for its part, is a place "GPU n",
 * behind the CPU. One with memory of its own has a pool of kind POOL_DEVICE, of which what is free is usable, and a link each way to
 * host memory. One without works in the memory pool, which becomes POOL_SHARED, up to the place's limit_bytes; it is a place only
 * where its bandwidth is listed or was measured. Figures of the catalogue stand as LISTED rates with 0 threads. May be called again
 * when the facts have changed: what m had of accelerators is made anew, but for measured rates. m itself when there are none.
 * c NULL: nothing is looked up. */
const struct machine *machine_with_accelerators(const struct machine *m, const struct catalog *c,
                                                struct arena *a);
/* Whether a process may compute on it: neither hidden, nor a screen only, nor an NPU, nor a card cut into slices that are seen too. */
bool accelerator_usable(const struct machine *m, const struct gpu_seen *gpu);
/* The place made of accelerator i of the facts, or NULL. */
const struct place *machine_place_of_gpu(const struct machine *m, size_t i);
