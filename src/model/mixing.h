/* model/mixing.h - which type each tensor of a shape gets when llama-quantize makes a mix of it (without an importance matrix). */
#pragma once
#include "model/outline.h"

struct mixing {
    const struct mix *mix;
    const struct shape *shape;
    const struct weight_type *types; /* TYPES rows */
    const struct weight_type *f32;
    unsigned conditions; /* bits of the conditions by layer that this mix asks */
    const char *unruled; /* set by mixing_type() when no type can be given; a sentence's end */
};
/* false: the table of types cannot be read. */
bool mixing_begin(struct mixing *m, const struct shape *s, const struct mix *mix,
                  const struct catalog *c) NODISCARD;
/* layer: -1 outside the layers. NULL when llama-quantize would refuse; `unruled` says why. */
const struct weight_type *mixing_type(struct mixing *m, const struct outline *o, int layer);
/* Layers with the same key get the same types; bits below 1 << MIXING_KEY_BITS. */
enum { MIXING_KEY_BITS = 32 };
uint64_t mixing_layer_key(const struct mixing *m, int layer);
