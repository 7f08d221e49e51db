/* measure/trial_cut.h - some layers of a model that is not here, as a file in memory that llama.cpp loads like any other. */
#pragma once
#include "model/digest.h"

struct arena;
struct mu_err;

struct trial_cut {
    double layers;
    struct model model;
    struct digest digest;
    double file_bytes;
    int file; /* a memory file with the header in it; -1: not open */
};
/* How many layers the shorter of two cuts has: from 4 on the first number with which twice as many, drawn out, give the whole's weights and
 * kinds of layers; all layers when the model has fewer than twice that. whole: with tensors. */
bool trial_cut_size(const struct model *whole, const struct catalog *c, struct arena *a,
                    double *out, struct mu_err *err) NODISCARD;
/* Lays a cut of so many layers out; no file yet. */
bool trial_cut_make(const struct model *whole, double layers, const struct catalog *c,
                    struct arena *a, struct trial_cut *out, struct mu_err *err) NODISCARD;
/* Puts its header into a memory file. */
bool trial_cut_open(struct trial_cut *cut, const struct catalog *c, struct arena *a,
                    struct mu_err *err) NODISCARD;
void trial_cut_close(struct trial_cut *cut);
