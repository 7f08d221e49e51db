/* measure/device.h - rates of the machine's accelerators, each asked of the build of the engine that has it. */
#pragma once
#include "machine/machine.h"
#include "measure/measure.h"

/* What an accelerator is called from one run to the next, when indices have moved: its name and where it stands on the bus. NULL: the
 * place is none. */
const char *measure_device_name(const struct machine *m, size_t place, struct arena *a);
/* The place with that name; false: it is not there. */
bool measure_device_place(const struct machine *m, const char *name, struct arena *a,
                          uint16_t *out) NODISCARD;
/* Whether there is an accelerator that llama.cpp was seen to have and that is not among those names. */
bool measure_device_new(const struct measuring *in, const struct machine *m,
                        const char *const *name, size_t names);

struct device_rates {
    struct rate *rate; /* room for so many, the caller's */
    size_t room, rates;
    const char *const *device; /* lasting names of those that were tried */
    size_t devices;
    bool in_part; /* one of them gave nothing: a note says why */
};
/* Nothing where the machine has no accelerator with a place, or llama.cpp none of them. */
void measure_devices_rates(const struct measuring *in, const struct machine *m,
                           enum measure_length length, struct device_rates *out);
/* m with links between host memory and the pools of its accelerators as fast as copies were measured. */
const struct machine *measure_links(const struct machine *m, struct arena *a);
