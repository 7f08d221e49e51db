/* engine/session.h - a model of llama.cpp loaded as a request asks, a context on it, and steps that are timed.
 *
 * Keys of the request, beside those of engine.h: "file" (needed; it may be /proc/self/fd/N), "context_tokens" "batch_tokens"
 * "ubatch_tokens" "sequences" "outputs_max", "kv_type_k" "kv_type_v" (ggml's ids), "flash_attention" ("auto" "on" "off"), "mmap"
 * "repack" "kv_unified" "swa_full" "embeddings" (true or false). What is absent is as llama-server has it. On the other side
 * measure/session_request.h writes them. */
#pragma once
#include "engine/engine.h"
#include <stdint.h>

struct ggml_tensor;
struct ggml_threadpool;
struct llama_context;
struct llama_model;

struct session_asked {
    const char *file;
    double context_tokens, batch_tokens, ubatch_tokens, sequences, outputs_max;
    double kv_type_k, kv_type_v;
    int flash_attention; /* enum llama_flash_attn_type */
    bool mmap, repack, kv_unified, swa_full, embeddings;
    size_t threads;
    /* What is no key; session_asked_read leaves it as the server has it. pooling: enum llama_pooling_type. look: sees the graph while it
     * runs (ggml_backend_sched_eval_callback), or NULL. no_alloc: sizes alone, nothing is loaded. */
    bool no_alloc;
    int pooling;
    bool (*look)(struct ggml_tensor *t, bool ask, void *to);
    void *to;
};
/* The keys above out of in->json; threads are in->threads. MU_DATA names the key. */
bool session_asked_read(const struct asked *in, struct session_asked *out,
                        struct mu_err *err) NODISCARD;

struct session {
    struct llama_model *model;
    struct llama_context *context;
    double load_s, context_s; /* how long each took */
    int32_t vocabulary;
    size_t batch_tokens; /* the most that one call takes */
    bool remembers;      /* it has a cache; false: it only encodes */
    struct ggml_threadpool *pool;
};
/* llama_use() goes before. The message says what llama.cpp said. *out is open only on success. */
bool session_open(const struct session_asked *asked, struct session *out,
                  struct mu_err *err) NODISCARD;
void session_close(struct session *s); /* safe on a zeroed one, and twice */

/* Which rows come out of a step: the last token's, as a server asks, or each token's. */
enum session_rows { ROWS_LAST, ROWS_ALL };
/* Runs tokens behind those in the cache, in batches, and waits for the last. seconds may be NULL. Models that only encode need ROWS_ALL,
 * and all tokens in one micro-batch. */
bool session_run(struct session *s, const int32_t *token, size_t tokens, enum session_rows rows,
                 double *seconds, struct mu_err *err) NODISCARD;
void session_forget(struct session *s); /* an empty cache */
/* Leaves the first tokens of the cache; false, and the cache as it was, where a model's state can't go back. */
bool session_rewind(struct session *s, size_t tokens) NODISCARD;
/* Tokens of the vocabulary in no order, the same ones for the same seed. */
void session_tokens(const struct session *s, uint64_t seed, int32_t *out, size_t tokens);

/* Memory of this process in bytes (/proc/self/status): resident now, of that its own, of mapped files and shared; and the most that ever
 * was resident. NaN where the kernel does not say. */
struct resident {
    double bytes, own_bytes, file_bytes, shared_bytes, peak_bytes;
};
struct resident session_resident(void);
/* "key": [{"buffer", "device", "host", "model_bytes", "context_bytes", "compute_bytes"}, ...] into an open map: what llama.cpp holds. */
void write_buffers(struct writer *w, const char *key, const struct session *s);
