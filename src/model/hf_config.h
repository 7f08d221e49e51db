/* model/hf_config.h - the shape of a model from the config.json of its folder, as the hub's libraries write it, and how its weights are
 * said to be quantised. */
#pragma once
#include "model/hf_quantization.h"
#include "model/shape.h"

struct hf_config {
    const char *model_type;
    bool checked; /* a published configuration of this type met its published count */
    struct shape shape;
    struct hf_quantization quantization;
    const char *dtype; /* "float32", as it says its weights are; NULL: it doesn't */
    double parameters; /* that its figures make, also where the shape has no rule; 0: not counted */
};

/* Refuses what is no configuration and what names an unknown model_type; what is known but has no rule carries shape.unruled. */
bool hf_config_read(struct str bytes, const char *name, const struct catalog *c, struct arena *a,
                    struct hf_config *out, struct mu_err *err) NODISCARD;
