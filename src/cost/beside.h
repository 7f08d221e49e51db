/* cost/beside.h - what one process of llama.cpp holds beside the model itself: adapters, a projector, a draft model. */
#pragma once
#include "model/digest.h"

/* Adapters lie beside the weights that they change, but never in a buffer that lays weights out anew. */
struct beside_adapters {
    double lookup_bytes, output_bytes; /* of the look-up tables, and of what is behind the layers */
    double layer_bytes[DIGEST_LAYERS], expert_bytes[DIGEST_LAYERS];
    /* Of the widest matrix that is changed, and of the output's: its rows and the adapter's rank, for what is computed beside its
     * product. */
    double widest_values, output_values;
};
struct beside {
    const struct beside_adapters *adapters; /* NULL: none */
    double projector_bytes;                 /* 0: none */
    const struct digest *draft;             /* NULL: none */
    const struct weight_type *draft_cache;  /* of K and V */
};
