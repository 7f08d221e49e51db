/* What the analyses share: the model that runs beside them under transformers, where captures lie, and how large they are as files.
 * Rests on captures that were measured to the byte (class training.capture) and on transformers' own order of work: logits of all tokens are
 * made, in F32 too. Left out: the process itself (Python and its libraries) and what a loader holds for a moment. */
#include "cost/analysis.h"

#include <math.h>

#include "base/num.h"
#include "cost/runtime.h"
#include "cost/torch_work.h"
#include "model/digest.h"

double capture_value_bytes(const struct capture *c)
{
    const double half_bytes = 2, float_bytes = 4;
    if (c->value_bytes > 0) return c->value_bytes;
    return c->precision > 0 ? float_bytes : half_bytes;
}

void capture_usual(struct capture *c)
{
    *c = (struct capture){.sequences = 1, .sequence_tokens = 512, .trials = 1};
}

int capture_site(const struct capture *c, const struct split *s)
{
    return s->sites > 1 && c->place == (double)CAPTURED_ON_DEVICE ? 1 : ON_HOST;
}

double capture_file_bytes(double kept_bytes, const struct capture *c, bool high)
{
    const double text_low = 10, text_high = 20; /* of one number in a CSV, with its comma */
    const double numbers = kept_bytes / capture_value_bytes(c);
    if (c->format == (double)CAPTURE_CSV) return numbers * (high ? text_high : text_low);
    return kept_bytes;
}

struct on_disk capture_written(const struct capture *c, double kept_bytes)
{
    const double batches = c->samples > 0 ? c->samples / c->sequences : (double)NAN;
    if (c->place != (double)CAPTURED_ON_DISK) return (struct on_disk){0, 0, 1};
    return (struct on_disk){capture_file_bytes(kept_bytes, c, false),
                            capture_file_bytes(kept_bytes, c, true), batches};
}

const char *forward_unruled(const struct shape *s)
{
    if (s->experts > 0) return "a mixture of experts has no rule here yet";
    if (s->latent.kv_rank > 0) return "latent attention has no rule here yet";
    if (!(s->layers > 0 && s->width > 0 && s->heads > 0 && s->ffn_width > 0))
        return "its shape is not known";
    return NULL;
}

/* Measured on encoders and GPT-2s (training.embed, training.snn): scores, the feed-forward's tensors, the residual and its sum, and where
 * positions are learned, theirs. */
double forward_pass_bytes(const struct shape *s, const struct forward *f)
{
    const double composed_tensors = 5, plain_tensors = 3;
    const double inner = f->composed && !s->gated_ffn ? composed_tensors : plain_tensors;
    const double token = 2 * s->width + inner * s->ffn_width + s->heads * f->sequence_tokens;
    const double positions = s->learned_positions > 0 ? s->width * f->sequence_tokens : 0;
    return f->value_bytes * (f->sequences * f->sequence_tokens * token + positions);
}

void capture_model(struct bill *b, const struct digest *m, const struct capture *c,
                   const struct split *s)
{
    const int site = s->sites > 1 ? 1 : ON_HOST;
    const struct shape *shape = m->shape;
    GIVEN(b, parameters, shape->parameters > 0 ? shape->parameters : m->parameters, "model");
    GIVEN(b, value_bytes, capture_value_bytes(c), "--precision");
    GIVEN(b, layers, shape->layers, "model");
    GIVEN(b, cached_values, transformers_keys(shape) + transformers_values(shape),
          "model, keys and values of a token in one layer");
    GIVEN(b, vocabulary, shape->vocabulary, "model");
    LET(b, prompt_tokens, c->sequences * c->sequence_tokens);
    LET(b, all_tokens, prompt_tokens + c->sequences * c->new_tokens);
    HOLD(b, site, "weights", "weights", parameters * value_bytes,
         "transformers: each parameter in the type asked for");
    HOLD(b, site, "KV cache", "kv", layers * cached_values * value_bytes * all_tokens,
         "transformers DynamicCache, on by default");
    HOLD(b, site, "logits", "logits", vocabulary * prompt_tokens * (value_bytes + 4),
         "transformers: logits of all tokens, and an F32 copy");
}

void capture_work(struct bill *b, const struct digest *m, const struct capture *c,
                  const struct split *s, double kept_bytes, bool eager)
{
    const int site = s->sites > 1 ? 1 : ON_HOST;
    const bool device = c->place == (double)CAPTURED_ON_DEVICE;
    const double published_bytes = 2;
    if (forward_unruled(m->shape)) return;
    const struct passes prompt = {.phase = UNIT,
                                  .site = site,
                                  .passes = 1,
                                  .tokens = c->sequences * c->sequence_tokens,
                                  .sequence_tokens = c->sequence_tokens,
                                  .value_bytes = capture_value_bytes(c),
                                  .eager = eager,
                                  .causal = !eager,
                                  .logits = true};
    const struct written behind = {site, c->sequences, c->new_tokens, capture_value_bytes(c)};
    const struct taken taken = {
        .site = site,
        .bytes = kept_bytes,
        .numbers = c->format == (double)CAPTURE_CSV ? kept_bytes / capture_value_bytes(c) : 0,
        .off = !device,
        .file = c->place == (double)CAPTURED_ON_DISK};
    torch_passes(b, m->shape, &prompt);
    torch_written(b, m, &behind);
    torch_taken(b, &taken);
    torch_load(b, m, published_bytes);
}
