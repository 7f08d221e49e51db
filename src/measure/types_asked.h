/* measure/types_asked.h - the types of weights whose speed is worth measuring. */
#pragma once
#include "measure/measure.h"

/* ggml's ids, the important ones first, into room for TYPES of catalog/types.h; how many. 0 without a catalogue. */
size_t measure_types(const struct catalog *c, enum measure_length length, double *id);
