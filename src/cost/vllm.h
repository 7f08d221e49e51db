/* cost/vllm.h - what vLLM would make of so much memory on each of some like cards: whether it starts, and how long a context its cache
 * holds. Not a bill: vLLM takes a share of each card whatever the model needs, and asks what is left after a trial run. Bounds, not
 * estimates: no row of truth scores them. */
#pragma once
#include <stdbool.h>

struct digest;

/* As published, BF16 or what a quantised checkpoint keeps; as an AWQ or GPTQ of it would be, groups of 128. */
enum vllm_weights { VLLM_HALF, VLLM_FOUR_BITS };
struct vllm_asked {
    enum vllm_weights weights;
    double cards;                   /* --tensor-parallel-size */
    double total_bytes, free_bytes; /* of the card with least */
    double utilization;             /* --gpu-memory-utilization */
    double batch_tokens, sequences; /* --max-num-batched-tokens, --max-num-seqs */
    double cache_value_bytes;       /* 2, or 1 of --kv-cache-dtype fp8 */
};
struct vllm_sized {
    const char *refuses;                      /* why it would not start, or NULL */
    double taken_bytes;                       /* of each card: its share of all memory */
    double weights_bytes;                     /* of each card */
    double trial_low_bytes, trial_high_bytes; /* what the trial run takes beside them */
    double cache_low, cache_high; /* tokens that its cache surely and at best holds; 0: none */
};
/* False for models whose cache is none of keys and values in every layer. */
bool vllm_size(const struct digest *m, const struct vllm_asked *asked, struct vllm_sized *out);
/* Bytes of the cache that one token takes on one card; 0: it keeps something else. */
double vllm_token_bytes(const struct digest *m, const struct vllm_asked *asked);
/* The usual share of a card, or what is free of it once vLLM's own context stands, in whole hundredths. */
double vllm_utilization(double total_bytes, double free_bytes);
/* Shares of layers and heads that vLLM accepts: cards divide the heads, and the key heads or the other way round. */
bool vllm_divides(const struct digest *m, double cards);
