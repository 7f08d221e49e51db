/* model/outline.h - the tensors that a shape has by rule: those of one layer and those outside the layers, without types. The tensor
 * list and the digest both come from here. */
#pragma once
#include "model/model.h"

enum { OUTLINE_MOST = 40 };
struct outline {
    const char *name; /* "attn_q.weight", without "blk.N." */
    uint64_t dims[3]; /* row length first */
    enum weight_use use;
    enum tensor_class class_;
    bool plain; /* F32 whatever the mix: norms, biases, routers, position and type embeddings */
};
/* out: room for OUTLINE_MOST. Returns how many. */
size_t outline_layer(const struct shape *s, struct layer_sort sort, struct outline *out);
size_t outline_outside(const struct shape *s, struct outline *out);
