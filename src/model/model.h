/* model/model.h - what this model is: its shape, its tensors when a file was read, and where that is known from. */
#pragma once
#include "catalog/types.h"
#include "model/shape.h"
#include <stdint.h>

struct arena;
struct catalog;
struct mix;
struct mu_err;
struct notes;
struct published_as;
struct stored;

/* What llama.cpp does with a tensor; decides the buffer it lies in and whether a token reads it. */
enum weight_use {
    USE_LOOKUP,  /* rows fetched by index: token, position and type embeddings */
    USE_MATRIX,  /* 2-D, multiplied with every token */
    USE_EXPERTS, /* 3-D, multiplied by chosen experts */
    USE_HEADS,   /* 3-D, multiplied per head (MLA) */
    USE_VECTOR,  /* norms, biases, routers kept in F32 */
    USE_OUTPUT,  /* the output matrix; a tied one is the token embedding used twice */
};
struct tensor {
    struct str name;
    uint64_t dims[4]; /* ne0 (row length) first; absent ones 1 */
    uint32_t type;    /* ggml type id */
    int32_t layer;    /* -1: outside the layers */
    enum weight_use use;
    enum tensor_class class_;
};
struct model {
    const char *name;
    struct shape shape;
    const struct tensor *tensor; /* those outside the layers first, then layer by layer */
    size_t tensors;              /* none for a model known by shape alone */
    const char *quant;           /* "Q4_K_M", the file's own or the mix asked for; NULL unknown */
    double file_bytes;           /* all parts, as long as they should be; 0 when there is no file */
    double missing_bytes;  /* of these: weights not there (a header alone, a broken download) */
    double header_bytes;   /* of the first part, to where the weights begin */
    double files;          /* parts of a split GGUF */
    const char *tokenizer; /* tokenizer.ggml.model, or NULL */
    enum origin origin;    /* REPORTED by a file, LISTED in the catalogue */
    const char *source;
    /* the weights as published, in safetensors; NULL: not there, or another format (model/safetensors.h) */
    const struct stored *stored;
    const char *dtype; /* that its configuration says ("float32"); NULL: it doesn't */
    const struct published_as *published; /* of the catalogue; NULL: in 16 bits, or not known */
    const char *native_quant; /* the mix that holds it as it was trained, NULL: none is known to */
};

/* A GGUF header, whole or the first of a split (`-00001-of-000NN.gguf`: the other parts beside it are read too). */
bool model_from_gguf(const char *path, const struct catalog *c, struct arena *a, struct model *out,
                     struct mu_err *err) NODISCARD;
/* The same from bytes (one part), for tests and fuzzing. */
bool model_from_gguf_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                           const struct catalog *c, struct arena *a, struct model *out,
                           struct mu_err *err) NODISCARD;
/* An operand of a command: a GGUF file, a folder with config.json, that file or a safetensors file in it, or a catalogue name in any
 * spelling. Notes say which was taken when several could be meant. */
bool model_open(const char *operand, const struct catalog *c, struct arena *a, struct notes *notes,
                struct model *out, struct mu_err *err) NODISCARD;
/* A shape and the mix applied to it. */
struct tensors_asked {
    const struct shape *shape;
    const struct mix *mix;
    const struct catalog *catalog;
};
/* Every tensor of a shape under a mix, those outside the layers first, then layer by layer; names as llama.cpp's, but for the names of
 * norms that some architectures call otherwise. False with the reason (MU_NO) when the shape or the mix has no rule. */
bool model_tensors(const struct tensors_asked *asked, struct arena *a, const struct tensor **out,
                   size_t *count, struct mu_err *err) NODISCARD;
double tensor_bytes(const struct tensor *t, const struct weight_type *types); /* unpadded */
