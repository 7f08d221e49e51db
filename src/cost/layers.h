/* cost/layers.h - layers that are chosen: so many of them, or which, as "0,8,16-24,-1". */
#pragma once
#include "base/str.h"
#include <stdint.h>

struct arena;

enum { LAYERS_NAMED = 512, LAYERS_BEHIND = 64 };
struct layer_list {
    double number;                     /* so many, whichever; 0: all. Only where none is named */
    uint64_t named[LAYERS_NAMED / 64]; /* a bit each, from the first, 0 */
    uint64_t behind;                   /* a bit each, from the last: bit 0 is -1 */
};
/* False: not such a list. A number alone says how many; one layer alone is "8-8". */
bool layers_parse(struct str text, struct layer_list *out) NODISCARD;
/* As layers_parse() reads it. */
const char *layers_text(const struct layer_list *l, struct arena *a);
/* How many they are of so many there are; NaN: one that is named is not there. */
double layers_chosen(const struct layer_list *l, double all);
