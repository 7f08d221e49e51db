/* model/digest.h - what costs are computed from: tensors summed per kind of layer. Cost never walks tensors.
 * From the shape and a mix alone, or from a tensor list: a test compares both for every catalogue model. */
#pragma once
#include "catalog/types.h"
#include "model/model.h"

enum { DIGEST_KINDS = 12, DIGEST_SUMS = 24, DIGEST_LAYERS = 512 };

/* Tensors alike in type, use and the row multiples that decide repacking. */
struct weight_sum {
    uint8_t type;    /* ggml id */
    uint8_t use;     /* enum weight_use */
    uint8_t rows_of; /* 32, 8 or 1: the largest of these that divides the number of rows (ne1) */
    double bytes;    /* each tensor padded to 32 bytes, as llama.cpp lays them out */
    double elements, rows,
        tensors; /* rows: of all tensors, so that elements / rows is their mean length */
};
/* One layer of its kind: multiply by `layers` for all of them. */
struct layer_kind {
    double layers; /* how many are like this */
    bool window, experts, recurrent, shared, feeds, fine, coarse;
    struct weight_sum sum[DIGEST_SUMS];
    size_t sums;
};
struct digest {
    const char *name, *quant;
    const struct shape *shape;
    const struct weight_type *types; /* TYPES rows */
    struct layer_kind kind[DIGEST_KINDS];
    size_t kinds;
    uint8_t kind_of[DIGEST_LAYERS]; /* of each layer; llama.cpp loads no model with more of them */
    /* embeddings, output matrix, norms outside the layers */
    struct weight_sum outside[DIGEST_SUMS];
    size_t outsides;
    double weight_bytes; /* all of the above */
    double parameters;   /* elements counted */
    /* of a checkpoint that is published quantised: bytes of a value of its linear layers, scales and zeros counted in; 0: none */
    double packed_bytes;
    const char *unruled; /* why this cannot be computed, or NULL */
    enum origin origin;
};

/* Both leave `unruled` set instead of failing. */
void digest_of_model(const struct model *m, const struct catalog *c, struct digest *out);
void digest_of_shape(const struct shape *s, const struct mix *mix, const struct catalog *c,
                     struct digest *out);
/* What the files of a checkpoint (bytes of all its tensors) leave for the linear layers once the rest is counted in 16 bits. */
void digest_pack(struct digest *d, double stored_bytes);
double digest_packed_bytes(const struct digest *d); /* of all weights so; 0: not packed */
/* The linear layers, or their experts alone, with so many bytes a value, the rest in 16 bits. */
void digest_pack_part(struct digest *d, bool experts_alone, double value_bytes);
