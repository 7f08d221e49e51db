/* snn-run: T timesteps of a transformer whose layers spike, in F32. Step by step, a forward pass is made T times and its logits are added
 * up: beside those of this step, the sum and its scaled copy are kept, so memory stops growing at three. All steps at once (layer by layer)
 * hold the activations of T times as many sequences. Neurons keep a state for each unit in front of them (AdEx two); where a converter
 * makes neurons but does not call them, there are none, and the T passes are alike.
 * Rests on runs measured for both modes (class training.snn). Left out: neurons over the sequence. */
#include <assert.h>
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "cost/programs.h"
#include "cost/spiking.h"
#include "cost/torch_work.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct spiking, name)
#define MEASURED "measured (training.snn)"
enum { TOKENS_MOST = 1 << 24, STEPS_MOST = 1 << 16, COUNT_MOST = 1 << 16 };

static const double float_bytes = 4;
static const char *const modes[] = {"step", "layer", NULL};
static const char *const neurons[] = {"bypassed", "lif", "adex", NULL};

/* What they give way to, strong to weak. One model at a time is loaded again for the other's turn. */
static const char *const mode_rungs[] = {"layer", "step", NULL};
static const char *const off_rungs[] = {"on", "off", NULL};

static const struct knob knobs[] = {
    DEVICE_KNOB,
    {.name = "timesteps",
     .option = "timesteps",
     .words = "forward passes whose outputs are added up; 8",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = STEPS_MOST,
     .offset = FIELD(timesteps),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_QUALITY, .floor = 1}},
    {.name = "mode",
     .option = "mode",
     .words = "one step behind the other, or all steps layer by layer; step",
     .kind = KNOB_CHOICE,
     .choices = modes,
     .offset = FIELD(mode),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = mode_rungs}},
    {.name = "neuron",
     .option = "neuron",
     .words = "what keeps a state in front of each layer's products; bypassed",
     .kind = KNOB_CHOICE,
     .choices = neurons,
     .offset = FIELD(neuron)},
    {.name = "sequences",
     .option = "batch",
     .words = "sequences at once; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(sequences),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1}},
    {.name = "seq",
     .option = "seq",
     .words = "tokens fed at once; 512",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(sequence_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 64}},
    {.name = "beside_original",
     .option = "beside-original",
     .words = "the model it was made of stays in memory, as tests that compare both have it; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(beside_original),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = off_rungs}},
    AMOUNT_KNOB("prompts", "prompts", "fed in all; 0 is not said", FIELD(prompts)),
};

void spiking_usual(struct spiking *k)
{
    *k = (struct spiking){
        .timesteps = 8, .sequences = 1, .sequence_tokens = 512, .calibration_samples = 10};
}

struct parts {
    double activations, logits, kept_logits, states;
};

/* A forward pass is highest within a layer, or at its end, where logits are; whichever is more is billed. */
static struct parts parts_of(struct bill *b, const struct shape *s, const struct spiking *k)
{
    const bool at_once = k->mode == (double)SPIKING_LAYER;
    const double per_neuron = k->neuron == (double)NEURON_ADEX  ? 2
                              : k->neuron == (double)NEURON_LIF ? 1
                                                                : 0;
    const struct forward f = {.sequences = k->sequences * (at_once ? k->timesteps : 1),
                              .sequence_tokens = k->sequence_tokens,
                              .value_bytes = float_bytes,
                              .composed = true};
    GIVEN(b, timesteps, k->timesteps, "--timesteps");
    LET(b, step_tokens, k->sequences * k->sequence_tokens);
    LET(b, forward_bytes, forward_pass_bytes(s, &f));
    LET(b, logits_bytes, float_bytes * step_tokens * s->vocabulary);
    LET(b, earlier, at_once ? 0 : least(timesteps - 1, 2));
    LET(b, neurons_bytes,
        per_neuron * s->layers * step_tokens * (3 * s->width + s->ffn_width) * float_bytes);
    LET(b, at_end_bytes, (at_once ? 2 : least(timesteps + 1, 3)) * logits_bytes);
    struct parts p = {.states = neurons_bytes};
    if (forward_bytes + earlier * logits_bytes < at_end_bytes) {
        p.kept_logits = at_end_bytes;
        return p;
    }
    p.activations = forward_bytes;
    p.kept_logits = earlier * logits_bytes;
    return p;
}

double spiking_run_bytes(const struct shape *s, const struct spiking *k)
{
    const struct parts p = parts_of(NULL, s, k);
    return p.activations + p.kept_logits + p.states;
}

/* As many forward passes as timesteps, or one over all of them, and each step's states and logits read and written. */
static void work(struct bill *b, const struct digest *m, const struct spiking *k, int site)
{
    const double at_once = k->mode == (double)SPIKING_LAYER ? k->timesteps : 1;
    const struct passes passes = {.phase = UNIT,
                                  .site = site,
                                  .passes = k->timesteps / at_once,
                                  .tokens = k->sequences * k->sequence_tokens * at_once,
                                  .sequence_tokens = k->sequence_tokens,
                                  .value_bytes = float_bytes,
                                  .eager = true,
                                  .logits = true};
    const struct line moved = {.phase = UNIT, .work = ELEMENT_BYTES, .site = (uint8_t)site};
    const struct parts p = parts_of(NULL, m->shape, k);
    torch_passes(b, m->shape, &passes);
    GIVEN(b, timesteps, k->timesteps, "--timesteps");
    GIVEN(b, states_bytes, p.states, "above");
    GIVEN(b, kept_logits_bytes, p.kept_logits, "above");
    WORK(b, (moved), "states and sums", timesteps * (2 * states_bytes + kept_logits_bytes),
         "each step reads and writes them");
    torch_load(b, m, float_bytes);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct spiking *k = chosen;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    assert(s->sites >= 1 && s->sites <= SITES);
    b->unruled = forward_unruled(m->shape);
    if (b->unruled) return;
    const struct parts p = parts_of(b, m->shape, k);
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    GIVEN(b, value_bytes, float_bytes, "F32, whatever the model came in");
    GIVEN(b, layers, m->shape->layers, "model");
    GIVEN(b, width, m->shape->heads * m->shape->head_size, "model; all heads keep keys");
    GIVEN(b, activation_bytes, p.activations, "above");
    GIVEN(b, kept_logits_bytes, p.kept_logits, "above");
    GIVEN(b, states_bytes, p.states, "above");
    LET(b, fed_tokens, k->sequences * k->sequence_tokens);
    LET(b, models, k->beside_original ? 2 : 1);
    HOLD(b, site, "weights", "weights", models * parameters * value_bytes,
         "each parameter in F32; smaller: another model, --beside-original off");
    HOLD(b, site, "KV cache", "kv", 2 * 2 * layers * width * value_bytes * fed_tokens,
         "twice while a new one is joined from the old; smaller: --seq");
    HOLD(b, site, "activations", "activations", activation_bytes,
         MEASURED "; smaller: --seq, --batch, --mode step");
    HOLD(b, site, "kept logits", "logits", kept_logits_bytes,
         MEASURED ": the sum, this step's and a scaled copy; smaller: --seq, --batch");
    HOLD(b, site, "membrane states", "activations", states_bytes,
         MEASURED ": one a unit in front of each layer's products");
    torch_on_host(b);
    torch_on_device(b, site);
    work(b, m, k, site);
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    spiking_usual(chosen);
}

static double units(const void *chosen)
{
    const struct spiking *k = chosen;
    return k->prompts > 0 ? k->prompts : (double)NAN;
}

const struct workload workload_snn_run = {
    .name = "snn-run",
    .words = "a spiking network over timesteps",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct spiking),
    .bill = bill,
    .usual = usual,
    .unit = "prompt",
    .units = units,
};
