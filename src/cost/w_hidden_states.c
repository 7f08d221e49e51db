/* hidden-states: the states behind the embeddings and behind each layer, for each token of a prompt and of what is generated, handed out by
 * transformers (output_hidden_states). They stay until the output is dropped, on the device unless each is copied away at once.
 * Measured: (layers + 1) x tokens x width x value, to the byte (class training.capture). Chosen layers are those of hooks that take no others.
 * Two to five times slower, as a guide has it, is the writing of text, not the capture: a forward pass took as long. */
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct capture, name)
enum { TOKENS_MOST = 1 << 24, COUNT_MOST = 1 << 20 };

static const char *const precisions[] = {"fp16", "fp32", NULL};
static const char *const places[] = {"device", "host", "disk", NULL};
static const char *const formats[] = {"npy", "safetensors", "csv", NULL};

/* What they give way to, strong to weak. */
static const char *const precision_rungs[] = {"fp32", "fp16", NULL};
static const char *const format_rungs[] = {"csv", "npy|safetensors", NULL};
static const char *const place_rungs[] = {"device", "host", "disk", NULL};

/* attention has the same, but generates nothing. */
const struct knob capture_knobs[] = {
    DEVICE_KNOB,
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
     .words = "tokens of a sequence; 512",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(sequence_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 64}},
    {.name = "precision",
     .option = "precision",
     .words = "type of weights and of what is kept; fp16",
     .kind = KNOB_CHOICE,
     .choices = precisions,
     .offset = FIELD(precision),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = precision_rungs}},
    {.name = "layers",
     .option = "layers",
     .words = "layers that are kept: how many, or which, as 0,8,16-24,-1; 0 is all",
     .kind = KNOB_LAYERS,
     .offset = FIELD(layers),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_EXTENT, .floor = 1, .zero_is_whole = true}},
    {.name = "place",
     .option = "place",
     .words = "where what is kept lies; device",
     .kind = KNOB_CHOICE,
     .choices = places,
     .offset = FIELD(place),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = place_rungs}},
    {.name = "file_format", /* --format is of the answer */
     .option = "file-format",
     .words = "of the files, with --place disk; npy",
     .kind = KNOB_CHOICE,
     .choices = formats,
     .offset = FIELD(format),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_NOTHING, .rungs = format_rungs}},
    {.name = "trials",
     .option = "trials",
     .words = "runs whose results are kept at once; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(trials),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1}},
    AMOUNT_KNOB("samples", "samples", "sequences in all; 0 is not said", FIELD(samples)),
    {.name = "new_tokens",
     .option = "new-tokens",
     .words = "tokens generated behind each sequence; 0",
     .kind = KNOB_TOKENS,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(new_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 1}},
};
enum { CAPTURE_KNOBS = sizeof capture_knobs / sizeof *capture_knobs };

double hidden_states_kept(const struct shape *s, const struct capture *c)
{
    return layers_chosen(&c->layers, s->layers + 1);
}

/* The last token that is generated is never fed. */
static double tokens_of(const struct capture *c)
{
    return c->sequences * (c->sequence_tokens + most(c->new_tokens - 1, 0));
}

double hidden_states_bytes(const struct shape *s, const struct capture *c)
{
    return hidden_states_kept(s, c) * tokens_of(c) * s->width * capture_value_bytes(c);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct capture *c = chosen;
    const bool disk = c->place == (double)CAPTURED_ON_DISK;
    b->unruled = m->shape->layers > 0 && m->shape->width > 0 ? NULL : "its shape is not known";
    if (!b->unruled && isnan(hidden_states_kept(m->shape, c)))
        b->unruled = "a layer that was asked for is not there (--layers)";
    if (b->unruled) return;
    capture_model(b, m, c, s);
    GIVEN(b, width, m->shape->width, "model");
    GIVEN(b, value_bytes, capture_value_bytes(c), "--precision");
    GIVEN(b, states, hidden_states_kept(m->shape, c), "model and --layers");
    LET(b, tokens, tokens_of(c));
    LET(b, held_trials, disk ? 1 : c->trials); /* one is in memory before it is written */
    HOLD(b, capture_site(c, s), "hidden states", "captures",
         states * tokens * width * value_bytes * held_trials,
         "measured to the byte (training.capture); smaller: --layers, --place disk");
    capture_work(b, m, c, s, hidden_states_bytes(m->shape, c), false);
}

/* Runs of `sequences` at once. */
double capture_batches(const void *chosen)
{
    const struct capture *c = chosen;
    return c->samples > 0 ? ceil(c->samples / c->sequences) : (double)NAN;
}

static struct on_disk writes(const struct digest *m, const void *chosen)
{
    return capture_written(chosen, hidden_states_bytes(m->shape, chosen));
}

void capture_defaults(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    capture_usual(chosen);
}

const struct workload workload_hidden_states = {
    .name = "hidden-states",
    .words = "states of layers, handed out",
    .knob = capture_knobs,
    .knobs = CAPTURE_KNOBS,
    .size = sizeof(struct capture),
    .bill = bill,
    .usual = capture_defaults,
    .unit = "batch",
    .units = capture_batches,
    .writes = writes,
};

/* ---- statistics over such states */

/* statistics: three running moments of each unit behind each layer, in F64, made in one pass; nothing else is kept. */
static void statistics_bill(struct bill *b, const struct digest *m, const void *chosen,
                            const struct split *s)
{
    struct capture c = *(const struct capture *)chosen;
    c.trials = 1;
    bill(b, m, &c, s);
    if (b->unruled) return;
    GIVEN(b, width, m->shape->width, "model");
    GIVEN(b, moment_bytes, 24, "three moments of 8 bytes");
    GIVEN(b, states, hidden_states_kept(m->shape, &c), "model and --layers");
    HOLD(b, ON_HOST, "running moments", "captures", states * width * moment_bytes,
         "mean, variance and third moment of each unit in one pass");
    GIVEN(b, state_tokens, tokens_of(&c), "above");
    WORK(b, ((struct line){.phase = UNIT, .work = ELEMENT_BYTES, .site = ON_HOST}), "moments",
         states * width * state_tokens * moment_bytes, "three sums in F64 over each value");
}

const struct workload workload_statistics = {
    .name = "statistics",
    .words = "moments of the states of layers, in one pass",
    .knob = capture_knobs,
    .knobs = CAPTURE_KNOBS,
    .size = sizeof(struct capture),
    .bill = statistics_bill,
    .usual = capture_defaults,
    .unit = "batch",
    .units = capture_batches,
};
