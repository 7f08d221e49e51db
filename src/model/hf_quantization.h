/* model/hf_quantization.h - how the weights of a model folder are said to be quantised. */
#pragma once
#include <stdbool.h>

struct arena;
struct json;

/* quantization_config, as far as it decides bytes. */
struct hf_quantization {
    const char *
        method; /* "awq", "gptq", "bitsandbytes", "fp8", "compressed-tensors", "mxfp4"; NULL: none */
    const char *type;        /* of the numbers, where it is said: "nf4", "float", "int"; or NULL */
    double bits, group_size; /* of one number, and how many share a scale; 0 not said */
    bool double_quant;       /* the scales are quantised again */
    /* a weight that is quantised, its scales and zero points included; 0 not known */
    double bits_per_weight;
};

/* Of the configuration's text part, or of the whole it stands in, *out zeroed by the caller. */
void hf_quantization_read(const struct json *config, const struct json *root, struct arena *a,
                          struct hf_quantization *out);
