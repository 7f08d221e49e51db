/* vLLM's memory on a card, as its worker works it out at start (vllm/v1/worker/gpu_worker.py, v0.11 to v0.12): it refuses unless the
 * share of all memory that it is told to take is free once its own context stands; runs the model once with as many tokens and
 * sequences as it allows; what weights and that run leave of the share becomes blocks of the cache. CUDA graphs are captured afterwards,
 * out of what the share leaves of the card. Layers that recur keep the states of as many sequences as it allows, at the most. Left out:
 * sliding windows (all layers are sized as if they looked at everything, which is the bound from above), pipelines over cards, what NCCL
 * takes, speculative decoding. */
#include "cost/vllm.h"

#include "base/num.h"
#include "cost/programs.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/model.h"

static const double block_tokens = 16; /* vllm/config/cache.py, CUDA's usual --block-size */
static const double half_bytes = 2, float_bytes = 4;
/* A value of 4 bits, and of each group of 128 a scale of 16 and a zero of 4 bits: AWQ's and GPTQ's usual layout. */
static const double four_bits_bytes = (4 + (16 + 4) / 128.0) / 8;
/* The trial run holds at least a layer's stream twice and its widest products; kernels' workspaces and copies at most double that. */
static const double trial_most = 2;
/* Logits of every sequence as floats, sorted and summed beside them when sampled. */
static const double logits_copies = 3;

double vllm_utilization(double total_bytes, double free_bytes)
{
    const double usual = 0.9; /* vllm/config/cache.py */
    return most(least(usual, floor(100 * (free_bytes - torch_context.likely) / total_bytes) / 100),
                0);
}

bool vllm_divides(const struct digest *m, double cards)
{
    const struct shape *s = m->shape;
    return cards >= 1 && fmod(s->heads, cards) == 0 &&
           (fmod(s->kv_heads, cards) == 0 || fmod(cards, s->kv_heads) == 0);
}

static double weight_bytes(const struct digest *m, const struct weight_sum *w,
                           const struct vllm_asked *asked)
{
    const bool linear = w->use == USE_MATRIX || w->use == USE_EXPERTS;
    if (m->packed_bytes > 0 && (linear || w->use == USE_HEADS))
        return w->elements * m->packed_bytes;
    const bool four = asked->weights == VLLM_FOUR_BITS && linear;
    return w->elements * (four ? four_bits_bytes : half_bytes);
}

static double all_weights(const struct digest *m, const struct vllm_asked *asked)
{
    double sum = 0;
    for (size_t i = 0; i < m->outsides; i++) sum += weight_bytes(m, &m->outside[i], asked);
    for (size_t k = 0; k < m->kinds; k++)
        for (size_t i = 0; i < m->kind[k].sums; i++)
            sum += m->kind[k].layers * weight_bytes(m, &m->kind[k].sum[i], asked);
    return sum;
}

/* Values a token has while a layer is at its widest, on one card. */
static double widest(const struct shape *s, double cards)
{
    const double experts = s->experts_used * s->expert_width + s->shared_width;
    return 2 * s->width + 3 * most(s->ffn_width, experts) / cards;
}

static double layers_that_recur(const struct digest *m)
{
    double layers = 0;
    for (size_t k = 0; k < m->kinds; k++) layers += m->kind[k].recurrent ? m->kind[k].layers : 0;
    return layers;
}

static double layers_that_attend(const struct digest *m)
{
    double others = layers_that_recur(m);
    for (size_t k = 0; k < m->kinds; k++) others += m->kind[k].feeds ? m->kind[k].layers : 0;
    return m->shape->layers - others;
}

double vllm_token_bytes(const struct digest *m, const struct vllm_asked *asked)
{
    const struct shape *s = m->shape;
    const double layers = layers_that_attend(m);
    const double indexed = s->indexer.heads > 0 ? s->indexer.head_size : 0;
    if (s->latent.kv_rank > 0)
        return layers * (s->latent.kv_rank + s->latent.rope + indexed) *
               asked->cache_value_bytes; /* an indexer's keys are kept in fewer bits: a bound */
    const double heads = most(s->kv_heads / asked->cards, 1);
    return layers * 2 * heads * s->head_size * asked->cache_value_bytes;
}

/* States of all sequences, at the most: as floats. */
static double states_bytes(const struct digest *m, const struct vllm_asked *asked)
{
    const double values = shape_convolved(m->shape) + shape_state(m->shape);
    return layers_that_recur(m) * asked->sequences * values * float_bytes / asked->cards;
}

static double tokens_in(double cache_bytes, double token)
{
    return most(floor(cache_bytes / (token * block_tokens)), 0) * block_tokens;
}

bool vllm_size(const struct digest *m, const struct vllm_asked *asked, struct vllm_sized *out)
{
    const struct shape *s = m->shape;
    if (published_unruled(m)) return false;
    const double token = vllm_token_bytes(m, asked);
    const double logits =
        asked->sequences * s->vocabulary / asked->cards * float_bytes * logits_copies;
    const double run = asked->batch_tokens * widest(s, asked->cards) * half_bytes;
    if (!(token > 0)) return false;
    *out = (struct vllm_sized){.taken_bytes = asked->utilization * asked->total_bytes,
                               .weights_bytes = all_weights(m, asked) / asked->cards,
                               .trial_low_bytes = run,
                               .trial_high_bytes = trial_most * run + logits};
    const double left = out->taken_bytes - out->weights_bytes;
    out->cache_low = tokens_in(left - out->trial_high_bytes - states_bytes(m, asked), token);
    out->cache_high = tokens_in(left - out->trial_low_bytes, token);
    if (asked->free_bytes - torch_context.likely < out->taken_bytes)
        out->refuses = "less is free than it would take";
    else if (!(out->cache_high > 0))
        out->refuses = "its share leaves nothing for the cache";
    return true;
}
