/* proof/offload_truth.h - rows of a truth file of splits (classes memory_offload and memory_split): a model partly or wholly on devices,
 * each with the bytes that llama.cpp puts on the devices and on the host, beside what we say. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct mu_err;

enum offload_side { SIDE_DEVICE, SIDE_HOST, SIDES };
struct offload_row {
    const char *id;
    double measured[SIDES], predicted[SIDES]; /* bytes, of all devices together */
    double closed_form[SIDES];                /* predicted, without the exact plan */
};
struct offload_truth {
    const char *class_;
    const struct offload_row *row;
    size_t rows;
};
/* True when the text is such a file. */
bool offload_truth_is(struct str text);
bool offload_truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                        struct offload_truth *out, struct mu_err *err) NODISCARD;
/* The classes whose residuals widen what the closed form says of a device and of the host beside it. */
#define DEVICE_CLOSED_FORM_CLASS "memory_offload.device.closed_form"
#define HOST_CLOSED_FORM_CLASS "memory_offload.host.closed_form"
