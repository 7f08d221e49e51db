/* embed: sentences turned into vectors by an encoder under sentence-transformers, and the vectors kept. Activations are highest within one
 * layer: its scores of attention and the tensors of its feed-forward. Rests on a MiniLM-like encoder measured at four sizes (class
 * training.embed). Left out: the tokenizer; texts that are shorter than the longest. */
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "cost/programs.h"
#include "cost/torch_work.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct embed, name)
enum { TOKENS_MOST = 1 << 20, COUNT_MOST = 1 << 16 };
static const double texts_most = 1e12;

static const char *const precisions[] = {"fp32", "fp16", NULL};

static const struct knob knobs[] = {
    DEVICE_KNOB,
    {.name = "sequences",
     .option = "batch",
     .words = "sentences at once; 32",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(sequences),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1}},
    {.name = "seq",
     .option = "seq",
     .words = "tokens of the longest sentence; 256",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(sequence_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 32}},
    {.name = "precision",
     .option = "precision",
     .words = "type of weights and activations; fp32",
     .kind = KNOB_CHOICE,
     .choices = precisions,
     .offset = FIELD(precision),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = precisions}},
    {.name = "texts",
     .option = "texts",
     .words = "sentences whose vectors are kept in memory; 0",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = 1e12,
     .offset = FIELD(texts)},
    AMOUNT_KNOB("samples", "samples", "sentences in all; 0 is not said", FIELD(samples)),
};

void embed_usual(struct embed *e)
{
    *e = (struct embed){.sequences = 32, .sequence_tokens = 256};
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct embed *e = chosen;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    b->unruled = forward_unruled(m->shape);
    if (b->unruled) return;
    GIVEN(b, value_bytes, e->precision > 0 ? 2 : 4, "--precision");
    const struct forward f = {.sequences = e->sequences,
                              .sequence_tokens = e->sequence_tokens,
                              .value_bytes = value_bytes};
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    GIVEN(b, width, m->shape->width, "model");
    GIVEN(b, texts, least(e->texts, texts_most), "--texts");
    LET(b, layer_bytes, forward_pass_bytes(m->shape, &f));
    HOLD(b, site, "weights", "weights", parameters * value_bytes, "each parameter in its type");
    HOLD(b, site, "activations", "activations", layer_bytes,
         "measured (training.embed); smaller: --batch, --seq");
    HOLD(b, ON_HOST, "vectors", "captures", texts * width * 4, "one F32 vector a sentence");
    torch_on_host(b);
    torch_on_device(b, site);
    const struct passes pass = {.phase = UNIT,
                                .site = site,
                                .passes = 1,
                                .tokens = e->sequences * e->sequence_tokens,
                                .sequence_tokens = e->sequence_tokens,
                                .value_bytes = value_bytes,
                                .eager = true};
    torch_passes(b, m->shape, &pass);
    torch_load(b, m, 4);
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    embed_usual(chosen);
}

static double units(const void *chosen)
{
    const struct embed *e = chosen;
    return e->samples > 0 ? ceil(e->samples / e->sequences) : (double)NAN;
}

const struct workload workload_embed = {
    .name = "embed",
    .words = "sentences turned into vectors",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct embed),
    .bill = bill,
    .usual = usual,
    .unit = "batch",
    .units = units,
};
