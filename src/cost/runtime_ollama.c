/* Ollama: llama.cpp's rules with Ollama's own settings. Those of 0.12 (envconfig/config.go, llama/llama.go, llm/server.go): 4096 tokens
 * for each of OLLAMA_NUM_PARALLEL (1) requests, batches of 512, a cache of F16, logits reserved for a whole batch, layers dealt whole.
 * Flash attention is off but for some architectures, so off here: a bound from above where Ollama turns it on. Left out: the engine of
 * its own that some architectures have, models that it splits over devices only when one does not hold them. */
#include "base/num.h"
#include "cost/runtime.h"
#include "model/digest.h"

void ollama_usual(struct generate *g)
{
    const double num_ctx = 4096, num_batch = 512;
    g->context_tokens = least(num_ctx, g->context_tokens);
    g->batch_tokens = g->ubatch_tokens = num_batch;
    g->outputs_max = 0;
    g->flash_attention = FLASH_OFF;
    g->cpu_moe = 0;
    g->kv_offload = OFFLOAD_ON;
}

static const char *unruled(const struct generate *g, const struct split *s)
{
    if (s->host_experts > 0 || (g->cpu_moe != 0 && g->cpu_moe != (double)KNOB_AUTO))
        return "Ollama deals whole layers: it keeps no experts apart (--n-cpu-moe)";
    if (s->host_cache) return "Ollama keeps a layer's cache beside its weights (--kv-offload on)";
    if (g->kv_type_k != g->kv_type_v) return "Ollama has one type for keys and values";
    return NULL;
}

void ollama_bill(struct bill *b, const struct digest *m, const struct generate *g,
                 const struct split *s)
{
    b->unruled = unruled(g, s);
    if (!b->unruled) llama_bill(b, m, g, s);
}
