/* cost/device_map.h - where transformers puts the layers of a model with device_map="auto" (accelerate). Weights alone are dealt; the
 * cache and whatever a run needs come on top, in what is kept back. */
#pragma once
#include "cost/bill.h"

struct digest;

struct mapped_layers {
    double value_bytes; /* of a weight: 2 */
    int sites;          /* 0: memory, 1..: cards, in their order */
    double free_bytes[SITES];
    double layers[SITES], on_disk; /* answered: whole layers, and bytes of all modules there */
    double weights_bytes[SITES];
};
/* False for a model whose tensors are not known. */
bool device_map_auto(const struct digest *m, struct mapped_layers *io);
