/* The output buffer: one row of logits, and of embeddings when asked for, for each sequence, in F32. */
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

void llama_output(struct bill *b, const struct digest *m, const struct generate *g)
{
    static const double float_bytes = 4;
    GIVEN(b, element_bytes, float_bytes, "F32");
    GIVEN(b, sequences, g->sequences, "--parallel");
    GIVEN(b, vocabulary, m->shape->vocabulary, "model");
    GIVEN(b, embedding_width, g->embeddings ? m->shape->width : 0, "model and --embeddings");
    HOLD(b, ON_HOST, "output buffer", "output",
         element_bytes * sequences * (vocabulary + embedding_width),
         "llama.cpp v0.5.0 src/llama-context.cpp");
}
