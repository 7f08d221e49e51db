/* vLLM's bill (vllm.h says where its rules are from): on each of some like cards an even share of the weights, what its trial run
 * takes, and a cache of whole blocks for every sequence's context. What else it takes, up to its share of the card, is judged where the
 * card is known. What its own context takes is no part of that share. A quantised checkpoint keeps what its files hold. Bounds: no row of
 * truth scores them. Left out: as in vllm.c; checkpoints that are not on this disk. */
#include "base/num.h"
#include "catalog/types.h"
#include "cost/programs.h"
#include "cost/runtime.h"
#include "cost/vllm.h"
#include "model/digest.h"

#define VLLM "vLLM 0.11 vllm/v1/worker/gpu_worker.py"
#define VLLM_BLOCKS "vLLM 0.11 vllm/config/cache.py, blocks of 16 tokens"

static const double block_tokens = 16;

static const char *unruled(const struct digest *m, const struct generate *g, const struct split *s)
{
    const char *why = published_unruled_as_asked(m, g);
    if (why) return why;
    if (g->dtype == (double)DTYPE_INT8 || g->dtype == (double)DTYPE_NF4 ||
        g->dtype == (double)DTYPE_FP32)
        return "muster has a plan of vLLM in 16 bits only (--dtype auto, fp16, bf16)";
    if (g->gpu_layers > 0 || (g->cpu_moe != 0 && g->cpu_moe != (double)KNOB_AUTO))
        return "vLLM deals layers by itself: leave --gpu-layers and --n-cpu-moe out";
    if (s->sites < 2 || g->gpu_layers == 0)
        return "vLLM needs a card with memory of its own that CUDA or ROCm computes on";
    if (!vllm_divides(m, s->sites - 1))
        return "vLLM needs as many cards as divide the heads of attention";
    return NULL;
}

void vllm_bill(struct bill *b, const struct digest *m, const struct generate *g,
               const struct split *s)
{
    struct vllm_sized v;
    const bool narrow = g->kv_type_k->block_bytes / g->kv_type_k->block < 2;
    const struct vllm_asked asked = {.weights = VLLM_HALF,
                                     .cards = s->sites - 1,
                                     .batch_tokens = g->batch_tokens,
                                     .sequences = g->sequences,
                                     .cache_value_bytes = narrow ? 1 : 2};
    b->unruled = unruled(m, g, s);
    if (!b->unruled && !vllm_size(m, &asked, &v))
        b->unruled = "muster has no plan of what vLLM caches of it";
    if (b->unruled) return;
    GIVEN(b, sequences, g->sequences, "--parallel");
    GIVEN(b, context_tokens, g->context_tokens, "--ctx, of each sequence");
    GIVEN(b, step_tokens, block_tokens, VLLM_BLOCKS);
    GIVEN(b, token_bytes, vllm_token_bytes(m, &asked), "model, and 2 bytes a value or 1 (fp8)");
    GIVEN(b, weights_bytes, v.weights_bytes,
          m->packed_bytes > 0 ? "the checkpoint's files, an even share of them"
                              : "model, an even share of it in 16 bits");
    ABOUT(b, trial_bytes, v.trial_low_bytes, (v.trial_low_bytes + v.trial_high_bytes) / 2,
          v.trial_high_bytes, "from a layer at its widest to twice that and the logits sorted");
    ABOUT(b, python_bytes, vllm_process.low, vllm_process.likely, vllm_process.high,
          vllm_process.source);
    LET(b, sequence_tokens, pad_to(context_tokens, step_tokens));
    for (int site = 1; site < s->sites; site++) {
        HOLD(b, site, "weights", "weights", weights_bytes, VLLM);
        HOLD(b, site, "KV cache", "kv", sequences * sequence_tokens * token_bytes, VLLM_BLOCKS);
        HOLD(b, site, "trial run", "compute", trial_bytes, VLLM);
    }
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "Python, PyTorch and libraries", "process", python_bytes,
            TORCH_PROCESS);
}
