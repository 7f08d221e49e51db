/* model/gguf_write.h - a GGUF header made of a model's figures: all that llama.cpp needs to load a model of that shape, and nothing
 * about what it learnt. A hole of the right size behind it makes a file of it (memory is sized to the byte without any download);
 * random weights in the hole make a file that runs as fast as the real one. */
#pragma once
#include "model/model.h"

struct gguf_asked {
    const struct model
        *model; /* with tensors: model_from_gguf, or model_tensors of a shape and a mix */
    const struct catalog *catalog;
    /* No vocabulary, only its size: a hundredth of the bytes, read at once, and as good for all but text. Without: a made-up one of the
     * model's size (pieces of SentencePiece; words for an encoder), so that every program of llama.cpp runs. */
    bool bare;
};
struct gguf_written {
    struct str header; /* metadata, tensor infos; padded to where the data begins */
    double file_bytes; /* with the data */
};
/* MU_NO with the reason where the architecture's keys are not known or llama.cpp would refuse them. The bytes live in the arena. */
bool gguf_write(const struct gguf_asked *asked, struct arena *a, struct gguf_written *out,
                struct mu_err *err) NODISCARD;
/* The header of a file, or of the first part of a split one (the bytes to where the weights begin), without its vocabulary, of which the
 * size is kept, and with the tensors of all parts: all that decides memory, read by llama.cpp at once. m: read from that file. */
bool gguf_bare(struct str header, const struct model *m, const struct catalog *c, struct arena *a,
               struct gguf_written *out, struct mu_err *err) NODISCARD;
/* The same model with k of its layers, the mix of their kinds kept as nearly as k allows (dense lead, experts, windows, more bits), in the
 * model's order, renumbered. 1 <= k <= layers, a whole number; a multiple of model_cut_step() keeps windows in proportion. */
bool model_cut(const struct model *m, double k, struct arena *a, struct model *out,
               struct mu_err *err) NODISCARD;
/* After how many layers the pattern of windows and experts comes again; 1: each layer has the same. */
double model_cut_step(const struct shape *s);
