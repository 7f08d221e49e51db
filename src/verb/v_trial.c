/* muster trial: a model run for real, beside what was said of it. What is run is a kind of workload, one file each: trial_generate.c here,
 * those of trial.h beside it. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cost/cost.h"
#include "verb/trial.h"
#include "verb/tried.h"

static const struct {
    const char *kind;
    bool (*answer)(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err);
} kinds[] = {
    {"generate", trial_generate},
    {"embed", trial_embed},
    {"hidden-states", trial_hidden_states},
    {"attention", trial_attention},
};
static const char *const kind_words[] = {"generate", "embed", "hidden-states", "attention", NULL};

static bool is_capture(const char *kind)
{
    return strcmp(kind, "hidden-states") == 0 || strcmp(kind, "attention") == 0;
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    const char *kind = request_text(q, "kind");
    if (!(kind && is_capture(kind)) && (request_text(q, "layers") || request_text(q, "to")))
        return err_set(err, MU_USAGE,
                       "--layers and --to go with --kind hidden-states or --kind attention");
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (!kind || strcmp(kind, kinds[i].kind) == 0) return kinds[i].answer(q, in, out, err);
    return err_set(err, MU_INTERNAL, "no kind of trial is called %s", kind);
}

static const struct option options[] = {
    {.name = "kind",
     .letter = 'k',
     .kind = OPTION_CHOICE,
     .value = "WORD",
     .words =
         "what is run: generate (usual) reads a prompt and writes, embed is the guide's test of "
         "an embedding model, hidden-states and attention write .npy files",
     .choices = kind_words},
    {.name = "quant",
     .letter = 'q',
     .kind = OPTION_TEXT,
     .value = "MIX",
     .words = "quantisation of a catalogue model: Q4_K_M (usual), Q8_0, F16, ..."},
    {.name = "tokens",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "tokens written behind the prompt, each timed; 32; of captures: of the prompt"},
    {.name = "reps",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "how often the prompt is read, as far as ten seconds allow; 3"},
    {.name = "layers",
     .kind = OPTION_TEXT,
     .value = "LIST",
     .words = "layers that are captured: 0,8,last or all"},
    {.name = "to", .kind = OPTION_TEXT, .value = "FOLDER", .words = "where captures are written"},
    {.name = "timeout",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "give up after so many seconds; usual: by the size of the model"},
    {.name = "quick",
     .kind = OPTION_FLAG,
     .words = "measure nothing else; speeds are predicted from kept measurements"},
};
static const char *const examples[] = {
    "muster trial SmolLM2-135M --quant Q8_0 --ctx 1k --tokens 4 --reps 1",
    NULL,
};
extern const struct workload workload_generate;
const struct verb verb_trial = {
    .name = "trial",
    .words = "runs a model for real: measured beside predicted",
    .operands = "MODEL",
    .about = "Runs a model with llama.cpp in a child process and prints memory, load, prefill and "
             "decode as measured beside what was predicted. A GGUF file runs as it is; a name of "
             "the catalogue as two cuts of a few layers with random weights in memory, from which "
             "the whole is extrapolated, so nothing is downloaded. What would need more memory "
             "than the budget is not run (exit status 1). The result is kept as a sample of this "
             "machine.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .knobs = &workload_generate,
    .least_operands = 1,
    .most_operands = 1,
    .changes_things = true,
    .answer = answer,
};
