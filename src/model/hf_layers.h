/* model/hf_layers.h - which layers of a configuration recur, attend or feed forward. */
#pragma once
#include <stddef.h>

struct arena;
struct json;

/* A sentence's end. */
extern const char hf_other_layers[];
/* A letter a layer, as in the catalogue's layer_pattern; NULL where nothing says it. why: nothing can be computed, because; NULL else. */
const char *hf_layers(const struct json *config, size_t layers, struct arena *a, const char **why);
