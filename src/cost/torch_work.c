/* What programs on PyTorch work at: a forward pass multiplies with every matrix of the layers (two operations a weight and token), attends
 * (scores and what they weigh, half of it where later tokens are not looked at), moves what stands between the products through memory, reads
 * the weights, and starts the kernels of each layer one after the other. Left out: look-ups, samplers, tokenizers, reading data, the start of
 * the program. Figures of the passes' moves: kept values, written once, read once and once more by what is no product. */
#include "cost/torch_work.h"

#include "base/num.h"
#include "cost/training.h"
#include "model/digest.h"

#define LINE(phase_, work_, site_, row_) \
    ((struct line){                      \
        .phase = (uint8_t)(phase_), .work = (work_), .site = (uint8_t)(site_), .row = (row_)})

void torch_passes(struct bill *b, const struct shape *s, const struct passes *p)
{
    const struct training_parts parts = training_parts(s, false);
    GIVEN(b, passes, p->passes, "above");
    GIVEN(b, pass_tokens, p->tokens, "above");
    GIVEN(b, sequence_tokens, p->sequence_tokens, "--seq");
    GIVEN(b, value_bytes, p->value_bytes, "--precision");
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, layer_parameters, parts.layer_matrices, "model");
    GIVEN(b, head_parameters, p->logits ? s->vocabulary * s->width : 0, "model");
    GIVEN(b, attention_width, s->heads * s->head_size, "model");
    GIVEN(b, seen_share, p->causal ? 0.5 : 1, "later tokens are not looked at");
    GIVEN(b, heads, p->eager ? s->heads : 0, "model");
    GIVEN(b, moves, 3, "each value is written once and read twice");
    LET(b, layer_values, 4 * s->width + 3 * s->ffn_width + heads * sequence_tokens);
    WORK(b, LINE(p->phase, TORCH_FLOP, p->site, value_bytes), "products",
         passes * pass_tokens *
             (2 * (layer_parameters + head_parameters) +
              4 * seen_share * layers * attention_width * sequence_tokens),
         "two operations a weight and token, four a pair of tokens and value of a head");
    WORK(b, LINE(p->phase, ELEMENT_BYTES, p->site, 0), "between products",
         passes * (pass_tokens * layers * layer_values * moves + layer_parameters) * value_bytes,
         "inputs and outputs of each product, and the weights");
    WORK(b, LINE(p->phase, LAYER_RUNS, p->site, 0), "runs of layers", passes * layers,
         "kernels are started one after the other");
}

void torch_written(struct bill *b, const struct digest *m, const struct written *w)
{
    const struct shape *s = m->shape;
    GIVEN(b, parameters, s->parameters > 0 ? s->parameters : m->parameters, "model");
    GIVEN(b, value_bytes, w->value_bytes, "--precision");
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, sequences, w->sequences, "--batch");
    LET(b, steps, most(w->tokens - 1, 0)); /* the prompt's pass gives the first */
    WORK(b, LINE(UNIT, TORCH_FLOP, w->site, value_bytes), "products of new tokens",
         2 * steps * sequences * parameters, "two operations a weight and token");
    WORK(b, LINE(UNIT, ELEMENT_BYTES, w->site, 0), "weights for new tokens",
         steps * parameters * value_bytes, "each token reads all weights");
    WORK(b, LINE(UNIT, LAYER_RUNS, w->site, 0), "runs of layers for new tokens", steps * layers,
         "kernels are started one after the other");
}

void torch_taken(struct bill *b, const struct taken *t)
{
    GIVEN(b, kept_bytes, t->bytes, "above");
    LET(b, crossing_bytes, t->off && t->site != ON_HOST ? kept_bytes : 0);
    LET(b, file_bytes, t->file && !(t->numbers > 0) ? kept_bytes : 0);
    LET(b, text_numbers, t->file ? t->numbers : 0);
    WORK(b, LINE(UNIT, LINK_BYTES, t->site, 0), "copied to the host", crossing_bytes,
         "what is kept leaves the device");
    WORK(b, LINE(UNIT, FILE_BYTES_WRITTEN, ON_HOST, 0), "written", file_bytes, "as computed");
    WORK(b, LINE(UNIT, TEXT_NUMBERS, ON_HOST, 0), "written as text", text_numbers,
         "one number after the other");
}

void torch_load(struct bill *b, const struct digest *m, double file_bytes_per_parameter)
{
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    GIVEN(b, file_bytes, file_bytes_per_parameter, "of a parameter, as such models are published");
    WORK(b, LINE(ONCE, FILE_BYTES_READ, ON_HOST, 0), "the model's files", parameters * file_bytes,
         "read once, before the first");
}
