/* machine/devices.h - the devices that llama.cpp lists, joined with the GPUs that detection saw. No I/O: lists in, a list out. */
#pragma once
#include "base/fields.h"
#include "machine/machine.h"

/* One device as muster-engine says it (test "devices"). */
struct device {
    const char *name;               /* "CUDA0", "Vulkan0": what its options call it */
    const char *description;        /* the card, in its driver's words */
    const char *backend;            /* "CUDA", "Vulkan", "Metal", "RPC", "CPU" */
    const char *type;               /* "GPU", "IGPU" (the machine's own memory), "ACCEL", "CPU" */
    const char *id;                 /* PCI address, or NULL */
    double free_bytes, total_bytes; /* NaN: not said */
    bool software;                  /* a GPU in name only: the CPU does its work */
    const char *source;             /* "llama.cpp 0.5.0" */
};
enum { DEVICES_MOST = 64, DEVICE_TEXT_BYTES = 256 };
extern const struct fields device_table;

/* False with a message when that is no device: a name or backend missing, text too long, a size that is none. */
bool device_sound(const struct device *d, struct mu_err *err) NODISCARD;

/* m with its GPUs as llama.cpp sees them: engine, engine_total_bytes and engine_free_bytes filled, and `sized` in words. One card that
 * two backends list is one card, with both names and the first one's figures; parts of one card under the same backend are added up.
 * Devices are found by PCI address, else by name; those that no GPU seen fits are added at the end, and `sized` says what they are; of
 * a GPU that no device fits it says so. CPUs and accelerators that only help them are left out, and devices past DEVICES_MOST. */
const struct machine *devices_join(const struct machine *m, const struct device *device,
                                   size_t devices, struct arena *a);
