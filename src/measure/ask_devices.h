/* measure/ask_devices.h - which devices llama.cpp can use here, asked of muster-engine and of its builds for GPUs. */
#pragma once
#include "machine/machine.h"

struct measuring;

/* m with its GPUs as llama.cpp sees them (machine/devices.h). Asks only where there can be an answer: a GPU that computes was seen, or a
 * build of the engine for GPUs stands beside it ("muster-engine-cuda", "-vulkan"). What fails is a note, and m comes back as it was. */
const struct machine *measure_devices(const struct measuring *in, const struct machine *m);
/* Path of the build of the engine that has this device of llama.cpp's ("CUDA0"): one for its backend where it stands, else the CPU's own,
 * whose llama.cpp may have it too. */
const char *measure_build_of(const struct measuring *in, const char *device);
