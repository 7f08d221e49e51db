/* model/gguf_write.h - a GGUF header made of a model's figures: all that llama.cpp needs to load a model of that shape, and nothing
 * about what it learnt. A hole of the right size behind it makes a file of it (memory is sized to the byte without any download);
 * random weights in the hole make a file that runs as fast as the real one. */
#pragma once
#include "model/model.h"

struct buf;

struct gguf_written {
    struct str
        header; /* metadata, a minimal vocabulary of the model's size, tensor infos; padded to where the data begins */
    double file_bytes; /* with the data */
};
/* m: with tensors (model_from_gguf, or model_tensors of a shape and a mix). MU_NO with the reason where the architecture's keys are not
 * known. The bytes live in the arena. */
bool gguf_write(const struct model *m, struct arena *a, struct gguf_written *out,
                struct mu_err *err) NODISCARD;
/* The same model with k of its layers, the mix of their kinds kept as nearly as k allows (dense lead, experts, windows, more bits), in the
 * model's order, renumbered. 1 <= k <= layers. */
bool model_cut(const struct model *m, double k, struct arena *a, struct model *out,
               struct mu_err *err) NODISCARD;
