/* machine/probe_gpu_amd.h - the part of the probe that a captured tree cannot reach: what AMD's library says, put onto the rows. */
#pragma once
#include "machine/probe.h"
#include "machine/rocm_smi.h"

/* Fills what the driver's files left open of the GPUs at those addresses; where both state how much memory there is and differ, the
 * lesser counts, and a note says so. Addresses at which nothing was seen are left out. */
void probe_gpu_amd_told(const struct looking *in, struct draft *d,
                        const struct rocm_smi_device *said, size_t devices);
/* Whether the driver's files left the memory of a GPU of this maker open, or what of it is used. */
bool probe_gpu_amd_silent(const struct draft *d);
