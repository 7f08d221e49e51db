/* snn-convert: a transformer loaded in F32 and turned into a spiking one. Loading holds the checkpoint's bytes beside the model for a while;
 * a full conversion replaces the attention of one layer after the other by products of its own, and runs a few short prompts to find the
 * thresholds. A simplified one changes nothing but a figure, and has no loop over time at all.
 * Rests on the converter's source (STAC, commit a523218); nothing measured stands behind the load's peak, so it is a range.
 * Left out: conversions that trace a graph, which fail on such models and fall back to the simplified one. */
#include "base/num.h"
#include "cost/analysis.h"
#include "cost/programs.h"
#include "cost/spiking.h"
#include "cost/torch_work.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct spiking, name)
#define CONVERTER "STAC at commit a523218, read"
enum { SAMPLES_MOST = 1 << 20 };

static const char *const conversions[] = {"simplified", "full", NULL};

static const char *const conversion_rungs[] = {"full", "simplified", NULL};

static const struct knob knobs[] = {
    {.name = "conversion",
     .option = "conversion",
     .words = "simplified, or full with calibration; simplified",
     .kind = KNOB_CHOICE,
     .choices = conversions,
     .offset = FIELD(conversion),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = conversion_rungs}},
    {.name = "calibration_samples",
     .option = "calibration-samples",
     .words = "short prompts that thresholds are found with, one at a time; 10",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = SAMPLES_MOST,
     .offset = FIELD(calibration_samples)},
};

static const double calibration_tokens = 128; /* of the converter */

static void calibration(struct bill *b, const struct digest *m)
{
    const struct forward f = {
        .sequences = 1, .sequence_tokens = calibration_tokens, .value_bytes = 4, .composed = true};
    GIVEN(b, forward_bytes, forward_pass_bytes(m->shape, &f), "one prompt of 128 tokens");
    GIVEN(b, layers, m->shape->layers, "model");
    GIVEN(b, widths, 4 * m->shape->width + m->shape->ffn_width, "model");
    HOLD(b, ON_HOST, "calibration", "activations", forward_bytes + 4 * layers * widths,
         CONVERTER ": one forward pass, and the largest value of each channel");
}

/* Loading, filling and saving, and the prompts that find thresholds. */
static void work(struct bill *b, const struct digest *m, double prompts)
{
    const struct line moved = {.phase = UNIT, .work = ELEMENT_BYTES, .site = ON_HOST};
    const struct line read = {.phase = UNIT, .work = FILE_BYTES_READ, .site = ON_HOST};
    const struct line saved = {.phase = UNIT, .work = FILE_BYTES_WRITTEN, .site = ON_HOST};
    const struct passes passes = {.phase = UNIT,
                                  .site = ON_HOST,
                                  .passes = prompts,
                                  .tokens = calibration_tokens,
                                  .sequence_tokens = calibration_tokens,
                                  .value_bytes = 4,
                                  .eager = true,
                                  .logits = true};
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    WORK(b, (read), "the model's files", 4 * parameters,
         "a checkpoint in F32; half of it in 16 bits");
    WORK(b, (moved), "weights filled", 3 * 4 * parameters,
         "made with random values, written over by what was read");
    WORK(b, (saved), "saved", 4 * parameters, CONVERTER ": torch.save of all weights in F32");
    torch_passes(b, m->shape, &passes);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct spiking *k = chosen;
    const bool full = k->conversion == (double)CONVERT_FULL;
    (void)s; /* conversions run on the host */
    b->unruled = forward_unruled(m->shape);
    if (!b->unruled && full && m->shape->kv_heads < m->shape->heads)
        b->unruled = "the converter refuses heads that share keys and values";
    if (b->unruled) return;
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    GIVEN(b, width, m->shape->width, "model");
    ABOUT(b, loaded_bytes, 2, 4, 4, "the checkpoint beside the model: 2 to 4 bytes a parameter");
    ABOUT(b, runtime_bytes, torch_process.low, torch_process.likely, torch_process.high,
          torch_process.source);
    HOLD(b, ON_HOST, "weights", "weights", 4 * parameters, CONVERTER ": loaded in F32");
    HOLD(b, ON_HOST, "checkpoint while loading", "weights", loaded_bytes * parameters,
         "transformers: what is read stands beside what is filled; smaller: a lazy load");
    if (full) {
        HOLD(b, ON_HOST, "one layer's new attention", "work", 4 * (4 * width * width + 4 * width),
             CONVERTER ": four products with bias, one layer at a time");
        if (k->calibration_samples > 0) calibration(b, m);
    }
    HOLD(b, ON_HOST, "program", "process", runtime_bytes, TORCH_PROCESS);
    work(b, m, full ? k->calibration_samples : 0);
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    spiking_usual(chosen);
}

static double units(const void *chosen)
{
    (void)chosen;
    return 1;
}

const struct workload workload_snn_convert = {
    .name = "snn-convert",
    .words = "a transformer turned into a spiking network",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct spiking),
    .bill = bill,
    .usual = usual,
    .unit = "conversion",
    .units = units,
};
