/* The context parameters that llama_context makes of those asked for: padded, shared among sequences, cut to one another (llama.cpp
 * v0.5.0 src/llama-context.cpp and src/llama-kv-cache.cpp). Everything that holds memory is sized by these. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

/* As --explain calls it. */
static const double cell_step = LLAMA_BLOCK_CELLS;

/* Cells of a sliding-window layer: the window of each sequence and one micro-batch. */
static double cells_of_window(const struct generate *g, double cells, double window_tokens,
                              double ubatch_tokens)
{
    if (g->swa_full) return cells;
    const double wanted = window_tokens * (g->kv_unified ? g->sequences : 1) + ubatch_tokens;
    return least(cells, pad_to(least(cells, wanted), cell_step));
}

/* Rows of logits reserved for one micro-batch: llama-server wants one a sequence, and all of a batch where it gives out embeddings. */
static double rows_of_logits(const struct generate *g, const struct derived *d)
{
    if (g->outputs_max < 0) return g->embeddings ? d->batch_tokens : g->sequences;
    return g->outputs_max > 0 ? g->outputs_max : d->batch_tokens;
}

struct derived llama_context(struct bill *b, const struct digest *m, const struct generate *g)
{
    const bool encoder = m->shape->arch->encoder;
    struct derived d = {.flash = g->flash_attention != (double)FLASH_OFF};
    GIVEN(b, asked_context_tokens, generate_all_tokens(g),
          g->context_each ? "--ctx of each of --parallel" : "--ctx");
    GIVEN(b, asked_batch_tokens, g->batch_tokens, "--batch");
    GIVEN(b, asked_ubatch_tokens, g->ubatch_tokens, "--ubatch");
    GIVEN(b, sequences, g->sequences, "--parallel");
    GIVEN(b, window_tokens, m->shape->window_tokens, "model, sliding window");
    LET(b, padded_tokens, pad_to(asked_context_tokens, cell_step));
    LET(b, streams, g->kv_unified ? 1 : sequences);
    LET(b, cells, pad_to(floor(padded_tokens / streams), cell_step));
    LET(b, context_tokens, (cells * streams));
    LET(b, batch_tokens,
        encoder ? asked_batch_tokens : least(asked_context_tokens, asked_batch_tokens));
    LET(b, ubatch_tokens, least(batch_tokens, asked_ubatch_tokens));
    LET(b, window_cells, cells_of_window(g, cells, window_tokens, ubatch_tokens));
    LET(b, tokens, pad_to(least(context_tokens, ubatch_tokens), sequences));
    d.context_tokens = context_tokens;
    d.cells = cells;
    d.window_cells = window_cells;
    d.streams = streams;
    d.batch_tokens = batch_tokens;
    d.ubatch_tokens = ubatch_tokens;
    d.tokens = tokens;
    LET(b, most_outputs, least(context_tokens, ubatch_tokens));
    LET(b, outputs, encoder ? most_outputs : least(most_outputs, rows_of_logits(g, &d)));
    d.outputs = outputs;
    return d;
}

struct derived generate_derived(const struct digest *m, const struct generate *g)
{
    return llama_context(NULL, m, g);
}
