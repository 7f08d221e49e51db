/* model/hf_config.h - the shape of a model from the config.json of its folder, as the hub's libraries write it, and how its weights are
 * said to be quantised. */
#pragma once
#include "model/shape.h"

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
struct hf_config {
    const char *model_type;
    bool checked; /* a published configuration of this type met its published count */
    struct shape shape;
    struct hf_quantization quantization;
    double parameters; /* that its figures make, also where the shape has no rule; 0: not counted */
};

/* Refuses what is no configuration and what names an unknown model_type; what is known but has no rule carries shape.unruled. */
bool hf_config_read(struct str bytes, const char *name, const struct catalog *c, struct arena *a,
                    struct hf_config *out, struct mu_err *err) NODISCARD;
