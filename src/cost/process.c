/* The process itself and its vocabulary, shown beside the total: no buffer of llama.cpp, so no truth class holds it to the byte. What
 * a token of the vocabulary costs depends on the tokenizer: least without merges (SPM, WPM), most with many (BPE).
 * On a device, what its driver takes for a process that uses it. */
#include "base/num.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

#define PEAK_RSS "peak RSS of llama.cpp v0.5.0 beside its buffers, 29 model and quantisation pairs"

void llama_drivers(struct bill *b, const struct split *s)
{
    for (int site = 1; site < s->sites; site++) {
        const struct site_rules *r = split_rules(s, site);
        ABOUT(b, driver_bytes, r->context_bytes, r->context_bytes,
              most(r->context_bytes, r->context_most_bytes), "data/backends.json");
        HOLD_AS(b, HELD_PROCESS, site, "driver", "process", driver_bytes, "data/backends.json");
    }
}

void llama_process(struct bill *b, const struct digest *m)
{
    GIVEN(b, vocabulary, m->shape->vocabulary, "model");
    GIVEN(b, code_bytes, 7.5e6, PEAK_RSS);
    GIVEN(b, heap_bytes, 2e6, PEAK_RSS);
    ABOUT(b, token_bytes, 150, 320, 430, PEAK_RSS);
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "process and vocabulary", "process",
            code_bytes + heap_bytes + vocabulary * token_bytes, PEAK_RSS);
}
