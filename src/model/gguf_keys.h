/* model/gguf_keys.h - the metadata of a GGUF header, pair by pair, as model/gguf_write.c puts it in front of the tensors. */
#pragma once
#include "model/model.h"

/* The bytes of the pairs so far, and how many there are. */
struct gguf_pairs {
    struct buf *to;
    const char *architecture; /* put in front of keys by pair_*() */
    uint64_t count;
};
void bytes_u32(struct buf *to, uint32_t x);
void bytes_u64(struct buf *to, uint64_t x);
void bytes_text(struct buf *to, struct str s);

/* Figures of the shape and what the architecture wants besides. MU_NO when llama.cpp would not load them. */
bool gguf_keys(struct gguf_pairs *p, const struct model *m, uint32_t file_type,
               struct mu_err *err) NODISCARD;
enum { GGUF_ALIGNMENT = 32 }; /* of the header's end and of each tensor behind it */
/* Every tensor's info. *end: where its data ends, padded, behind the header. */
void gguf_infos(struct buf *to, const struct model *m, const struct weight_type *types,
                double *end);
/* tokenizer.ggml.*: a vocabulary of the model's size, or only its size. */
void gguf_vocabulary(struct gguf_pairs *p, const struct shape *s, bool bare);
