/* evaluate: plain inference over a set of prompts, as after training to see what was learned and what forgotten: each prompt is read at
 * once, then answered, or where nothing is written each of its tokens is scored, for which the logits of all of them stay. A reference kept
 * beside the tuned model has its weights once more; an adapter is switched off in place, which costs nothing.
 * Rests on transformers' bill (runtime_transformers.c) and on the losses of data/frameworks.json. Left out: the metrics, and how long packed
 * weights, experts and latent attention take. */
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "cost/evaluate.h"
#include "cost/runtime.h"
#include "cost/torch_work.h"
#include "cost/training.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct evaluate, name)
enum { RANK_MOST = 1 << 14 };

static const char *const references[] = {"none", "model", "adapter", NULL};
static const struct knob knobs[] = {
    DEVICE_KNOB,
    EVALUATE_KNOBS,
    {.name = "reference",
     .option = "reference",
     .words = "what it is held against: none; model, a second one as large in memory; or "
              "adapter, itself with its adapter switched off; none",
     .kind = KNOB_CHOICE,
     .choices = references,
     .offset = FIELD(reference)},
    {.name = "rank",
     .option = "rank",
     .words = "of an adapter on all matrices of the layers; 16",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = RANK_MOST,
     .offset = FIELD(rank)},
    AMOUNT_KNOB("prompts", "prompts", "prompts in all; 0 is not said", FIELD(prompts)),
};

void evaluate_usual(struct evaluate *e)
{
    *e = (struct evaluate){.sequences = 1, .sequence_tokens = 512, .rank = 16, .at_once = true};
}

/* The same as transformers would be asked for it. */
static struct generate as_generated(const struct digest *m, const struct evaluate *e)
{
    struct generate g;
    generate_usual(&g, m, m->types);
    generate_under(&g, RUNTIME_TRANSFORMERS);
    g.sequences = e->sequences;
    g.context_tokens = e->sequence_tokens + e->new_tokens;
    g.dtype = e->dtype;
    return g;
}

double evaluate_weight_bytes(const struct digest *m, const struct evaluate *e)
{
    const struct generate g = as_generated(m, e);
    return transformers_weight_bytes(m, &g);
}

void evaluate_model(struct bill *b, const struct digest *m, const struct evaluate *e,
                    const struct split *s)
{
    const struct generate g = as_generated(m, e);
    const int site = s->sites > 1 ? 1 : ON_HOST;
    struct split whole = *s;
    if (s->sites > 1) whole.layers[1] = m->shape->layers + 1;
    transformers_bill(b, m, &g, &whole);
    if (b->unruled || e->new_tokens > 0) return;
    GIVEN(b, vocabulary, m->shape->vocabulary, "model");
    GIVEN(b, scored_tokens, e->sequences * e->sequence_tokens, "--batch and --seq");
    ABOUT(b, scored_bytes, 6, 10, 14,
          "of a logit: itself, in F32, its log_softmax; data/frameworks.json, losses without the "
          "gradient");
    HOLD(b, site, "logits of each token", "output", vocabulary * scored_tokens * scored_bytes,
         "transformers: the loss of labels; smaller: --batch, --seq");
}

void evaluate_adapter(struct bill *b, const struct digest *m, const struct evaluate *e, int site)
{
    const unsigned layers_targets = (1U << TO_HEAD) - 1;
    b->unruled = training_unruled(m->shape);
    if (b->unruled) return;
    GIVEN(b, adapter_parameters, training_adapter_parameters(m->shape, layers_targets, e->rank),
          "model and --rank");
    HOLD(b, site, "adapter", "adapters", adapter_parameters * 4,
         "PEFT keeps adapters in F32; smaller: --rank");
}

/* Packed weights are unpacked for each product, of which nothing measured tells what it takes. */
static bool is_packed(const struct digest *m, const struct evaluate *e)
{
    return e->dtype == (double)DTYPE_INT8 || e->dtype == (double)DTYPE_NF4 || m->packed_bytes > 0;
}

void evaluate_work(struct bill *b, const struct digest *m, const struct evaluate *e,
                   const struct split *s)
{
    const double value_bytes = e->dtype == (double)DTYPE_FP32 ? 4 : 2;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    const struct passes prompts = {.phase = UNIT,
                                   .site = site,
                                   .passes = 1,
                                   .tokens = e->sequences * e->sequence_tokens,
                                   .sequence_tokens = e->sequence_tokens,
                                   .value_bytes = value_bytes,
                                   .causal = true,
                                   .logits = !(e->new_tokens > 0)};
    const struct written behind = {site, e->sequences, e->new_tokens, value_bytes};
    if (is_packed(m, e) || forward_unruled(m->shape)) return;
    torch_passes(b, m->shape, &prompts);
    torch_written(b, m, &behind);
}

void evaluate_load(struct bill *b, const struct digest *m)
{
    const double published_bytes = 2;
    torch_load(b, m, published_bytes);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct evaluate *e = chosen;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    evaluate_model(b, m, e, s);
    if (b->unruled) return;
    evaluate_work(b, m, e, s);
    evaluate_load(b, m);
    if (e->reference != (double)REFERENCE_NONE) evaluate_work(b, m, e, s);
    if (e->reference == (double)REFERENCE_MODEL) evaluate_load(b, m);
    if (e->reference == (double)REFERENCE_ADAPTER) evaluate_adapter(b, m, e, site);
    if (b->unruled || e->reference != (double)REFERENCE_MODEL) return;
    GIVEN(b, reference_bytes, evaluate_weight_bytes(m, e), "model and --dtype");
    HOLD(b, site, "weights of the reference", "weights", reference_bytes,
         "a second model as large; none: --reference adapter");
}

double evaluate_batches(const void *chosen)
{
    const struct evaluate *e = chosen;
    return e->prompts > 0 ? ceil(e->prompts / e->sequences) : (double)NAN;
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    evaluate_usual(chosen);
}

const struct workload workload_evaluate = {
    .name = "evaluate",
    .words = "a model run over a set of prompts, beside a reference or alone",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct evaluate),
    .bill = bill,
    .usual = usual,
    .unit = "batch",
    .units = evaluate_batches,
};
