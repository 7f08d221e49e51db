/* model/gguf.h - a GGUF header as it stands in one file: the metadata that decides the shape, and the tensors. What it means is
 * gguf_shape.c's business. */
#pragma once
#include "model/model.h"

/* X(key, name behind "<architecture>.") */
#define GGUF_KEYS(X)                                            \
    X(GGUF_LAYERS, "block_count")                               \
    X(GGUF_CONTEXT, "context_length")                           \
    X(GGUF_WIDTH, "embedding_length")                           \
    X(GGUF_FFN_WIDTH, "feed_forward_length")                    \
    X(GGUF_HEADS, "attention.head_count")                       \
    X(GGUF_KV_HEADS, "attention.head_count_kv")                 \
    X(GGUF_KEY_LENGTH, "attention.key_length")                  \
    X(GGUF_VALUE_LENGTH, "attention.value_length")              \
    X(GGUF_KEY_LENGTH_MLA, "attention.key_length_mla")          \
    X(GGUF_VALUE_LENGTH_MLA, "attention.value_length_mla")      \
    X(GGUF_KV_RANK, "attention.kv_lora_rank")                   \
    X(GGUF_Q_RANK, "attention.q_lora_rank")                     \
    X(GGUF_ROPE_DIMENSIONS, "rope.dimension_count")             \
    X(GGUF_WINDOW, "attention.sliding_window")                  \
    X(GGUF_WINDOW_PATTERN, "attention.sliding_window_pattern")  \
    X(GGUF_EXPERTS, "expert_count")                             \
    X(GGUF_EXPERTS_USED, "expert_used_count")                   \
    X(GGUF_EXPERT_WIDTH, "expert_feed_forward_length")          \
    X(GGUF_DENSE_LEAD, "leading_dense_block_count")             \
    X(GGUF_EXPERT_EVERY, "interleave_moe_layer_step")           \
    X(GGUF_ENCODER_EXPERT_EVERY, "moe_every_n_layers")          \
    X(GGUF_FURTHER_LAYERS, "nextn_predict_layers")              \
    X(GGUF_POOLING, "pooling_type")                             \
    X(GGUF_KEY_LENGTH_WINDOW, "attention.key_length_swa")       \
    X(GGUF_SHARED_LAYERS, "attention.shared_kv_layers")         \
    X(GGUF_LAYER_EMBEDDING, "embedding_length_per_layer_input") \
    X(GGUF_INDEX_HEADS, "attention.indexer.head_count")         \
    X(GGUF_INDEX_SIZE, "attention.indexer.key_length")          \
    X(GGUF_INDEX_CHOSEN, "attention.indexer.top_k")             \
    X(GGUF_OUTPUT_GROUPS, "attention.output_group_count")       \
    X(GGUF_OUTPUT_RANK, "attention.output_lora_rank")           \
    X(GGUF_STREAMS, "hyper_connection.count")                   \
    X(GGUF_HASHED_LAYERS, "hash_layer_count")                   \
    X(GGUF_CONV_KERNEL, "ssm.conv_kernel")                      \
    X(GGUF_INNER, "ssm.inner_size")                             \
    X(GGUF_STATE, "ssm.state_size")                             \
    X(GGUF_TIME_RANK, "ssm.time_step_rank")                     \
    X(GGUF_GROUPS, "ssm.group_count")                           \
    X(GGUF_SHORT_KERNEL, "shortconv.l_cache")                   \
    X(GGUF_EXPERT_INPUT, "moe_latent_size")                     \
    X(GGUF_VOCABULARY, "vocab_size")

enum gguf_key {
#define GGUF_ENUM(key, name) key,
    GGUF_KEYS(GGUF_ENUM)
#undef GGUF_ENUM
        GGUF_KEY_COUNT
};

/* A number, or one number a layer: then `value` is the first that is not 0, `other` the next one that differs from it, `many` says whether
 * there are more, and `zeros` whether some layers have none, the first at first_zero. */
struct gguf_figure {
    bool present, differs, list, zeros, many;
    double value, other, first_zero;
};
struct gguf {
    const char *file; /* for messages */
    struct str architecture, name, kind,
        tokenizer; /* views into the bytes; empty when absent. kind: general.type */
    bool adapter;  /* metadata of an adapter was seen */
    struct gguf_figure key[GGUF_KEY_COUNT];
    struct gguf_figure file_type, alignment, split_part, split_parts, split_tensors;
    double tokens;         /* entries of the vocabulary, 0: none in the file */
    struct tensor *tensor; /* in the order of the file; names copied */
    size_t tensors;
    uint64_t file_bytes;
    uint64_t header_bytes;  /* to where the tensors' data begins */
    uint64_t missing_bytes; /* how much the tensors reach past the file's end */
    bool cut; /* of one that could not be read: the bytes given end inside its header */
    struct str adapter_type,
        projector; /* adapter.type, clip.projector_type; views, empty when absent */
    struct gguf_figure adapter_alpha; /* adapter.lora.alpha */
};

struct gguf_source {
    struct str bytes; /* the front of the file, or all of it */
    uint64_t file_bytes;
    const char *name;
    const struct weight_type *types;
    /* Told of each pair of the metadata, in their order: its key, and all its bytes. NULL: nobody. */
    void (*pair)(void *to, struct str key, struct str bytes);
    void *to;
};
/* Reads one header. The views in *out live as long as the bytes. */
bool gguf_read(const struct gguf_source *from, struct arena *a, struct gguf *out,
               struct mu_err *err) NODISCARD;
/* The shape a header and the tensors of all its parts say; never fails, `unruled` says why nothing can be computed. tensor: grouped by
 * layer. */
void gguf_shape(const struct gguf *g, const struct tensor *tensor, size_t tensors,
                const struct catalog *c, struct arena *a, struct shape *out);
