/* machine/probe_gpu_intel.h - the part of the probe that a captured tree cannot reach: what Intel's library says, put onto the rows. */
#pragma once
#include "machine/level_zero.h"
#include "machine/probe.h"

/* Cards with memory of their own gain what was said of them; a processor's GPU keeps its 0. Addresses at which nothing was seen are
 * left out. */
void probe_gpu_intel_told(const struct looking *in, struct draft *d,
                          const struct level_zero_device *said, size_t devices);
