/* model/hf_count.h - how many parameters a configuration makes, also where nothing else can be computed from it. */
#pragma once
#include "model/shape.h"

struct json;

struct hf_counting {
    const struct json *config; /* its text part */
    const char *kind;          /* of its layers, as in data/models.json */
    const struct shape *shape; /* unruled or not */
    const struct catalog *catalog;
    struct arena *arena;
};
/* The width of the feed-forward that block_ff_dim stands for, as the module of short convolutions rounds it; NaN: it is not given so. */
double hf_block_width(const struct json *config);
/* 0: no rule counts layers of that kind, or the configuration lacks what it takes. What conversion makes (factors of rotation) is not
 * counted, nor poolers and other parts than the text model. */
double hf_count(const struct hf_counting *x);
