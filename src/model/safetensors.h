/* model/safetensors.h - weights as published: safetensors files, one or several with an index, their tensors counted by type. The header
 * alone is read: eight bytes of length, then JSON (github.com/huggingface/safetensors, "Format"). */
#pragma once
#include "model/hf_config.h"

/* Types of a tensor and their bits. X(name, bits) */
#define STORED_TYPES(X) \
    X("F64", 64)        \
    X("F32", 32)        \
    X("F16", 16)        \
    X("BF16", 16)       \
    X("F8_E4M3", 8)     \
    X("F8_E5M2", 8)     \
    X("F8_E8M0", 8)     \
    X("F8_E4M3FNUZ", 8) \
    X("F8_E5M2FNUZ", 8) \
    X("F6_E2M3", 6)     \
    X("F6_E3M2", 6)     \
    X("F4", 4)          \
    X("I64", 64)        \
    X("U64", 64)        \
    X("I32", 32)        \
    X("U32", 32)        \
    X("I16", 16)        \
    X("U16", 16)        \
    X("I8", 8)          \
    X("U8", 8)          \
    X("BOOL", 8)        \
    X("C64", 64)
enum {
#define STORED_ONE(name, bits) +1
    STORED_KINDS = STORED_TYPES(STORED_ONE)
#undef STORED_ONE
};

struct stored_sum {
    const char *type; /* "BF16" */
    double tensors, elements, bytes;
};
struct stored {
    struct stored_sum
        sum[STORED_KINDS]; /* in the order of STORED_TYPES; those without tensors too */
    double tensors, bytes; /* of all, without headers */
    double parameters;     /* packed ones counted one by one, scales and the like left out */
    double
        file_bytes; /* as long as the files should be; with an index, shards that are missing too */
    double missing_bytes;      /* of these: not there */
    double files;              /* that the model has */
    const char *missing_file;  /* the first file that is not there, or NULL */
    double missing_files;      /* how many are not */
    double bits_per_parameter; /* bytes * 8 / parameters of the files that are there; 0 unknown */
    const char *quantisation;  /* in words, "awq, 4 bits, groups of 128"; NULL: none */
};

/* One file's header; `bytes` is its front. A file shorter than its header says has missing_bytes, a longer one is refused. */
bool stored_from_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                       const struct hf_quantization *q, struct arena *a, struct stored *out,
                       struct mu_err *err) NODISCARD;
/* A file. */
bool stored_from_file(const char *path, const struct hf_quantization *q, struct arena *a,
                      struct stored *out, struct mu_err *err) NODISCARD;
/* model.safetensors.index.json and the shards beside it. A shard that is not there is counted, not refused. */
bool stored_from_index(const char *path, const struct hf_quantization *q, struct arena *a,
                       struct stored *out, struct mu_err *err) NODISCARD;
/* The same without shards: the names of an index's files, each once, in order. For tests and fuzzing as well. */
bool stored_index_read(struct str bytes, const char *name, struct arena *a,
                       const char *const **file, size_t *files, double *tensors,
                       double *total_bytes, struct mu_err *err) NODISCARD;
/* "fp8", "awq, 4 bits, groups of 128"; NULL when none. */
const char *stored_quantisation(const struct hf_quantization *q, struct arena *a);
