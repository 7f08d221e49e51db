/* The knobs of finetune and sweep, and what their choices stand for: rows of data/frameworks.json, types, matrices, what a framework does by
 * itself. What it all costs is w_finetune.c's. */
#include "cost/finetune_knobs.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "model/digest.h"

enum {
    TOKENS_MOST = 1 << 24,
    BATCH_MOST = 1 << 16,
    RANK_MOST = 1 << 14,
    SHARDS_MOST = 1 << 14,
    RUNS_MOST = 1 << 20
};
#define FIELD(name) offsetof(struct finetune, name)

static const char *const methods[] = {"full", "lora", "qlora", NULL};
static const char *const precisions[] = {"bf16", "amp", "fp32", "masters", NULL};
static const char *const stores[] = {"nf4-dq", "nf4", "int8", NULL};
static const char *const optimizers[] = {"adamw",
                                         "adamw_8bit",
                                         "paged_adamw_8bit",
                                         "adamw_torchao8bit",
                                         "adafactor",
                                         "sgd",
                                         "sgdm",
                                         "lion",
                                         "muon",
                                         NULL};
static const char *const checkpointings[] = {"auto", "off", "on", "offload", "false", "true", NULL};
static const char *const frameworks[] = {
    "hf", "hf-old", "unsloth", "torchtune", "torchtune-compile", "litgpt", "liger", NULL};
static const char *const shardings[] = {"all", "gradients", "states", NULL};
static const char *const dropouts[] = {"auto", "off", "on", "false", "true", NULL};
static const char *const target_words[] = {"all", "all+head", "attention", "qv", "mlp", NULL};

/* What they give way to, strong to weak. Of frameworks to those with a loss that is never there as a whole. */
static const char *const method_rungs[] = {"full", "lora", "qlora", NULL};
static const char *const precision_rungs[] = {"masters|amp|fp32", "bf16", NULL};
static const char *const store_rungs[] = {"int8", "nf4-dq|nf4", NULL};
static const char *const optimizer_rungs[] = {"adamw", "adamw_8bit", "paged_adamw_8bit", NULL};
static const char *const checkpointing_rungs[] = {"auto|off|false", "on|true", NULL};
static const char *const framework_rungs[] = {"hf|hf-old", "liger", NULL};
static const char *const target_rungs[] = {"all+head", "all", "attention|mlp", "qv", NULL};
static const char *const shard_rungs[] = {"1", "2", "4", "8", NULL};
static const char *const on_rungs[] = {"off", "on", NULL};
static const char *const off_rungs[] = {"on", "off", NULL};

static const unsigned target_masks[] = {
    (1U << TO_HEAD) - 1,
    (1U << TARGETS) - 1,
    1U << TO_Q | 1U << TO_K | 1U << TO_V | 1U << TO_O,
    1U << TO_Q | 1U << TO_V,
    1U << TO_GATE | 1U << TO_UP | 1U << TO_DOWN,
};
static const struct training_bytes precision_bytes[] = {
    [PRECISION_BF16] = {.weight = 2, .compute = 2, .gradient = 2, .state = 2},
    [PRECISION_AMP] = {.weight = 4, .compute = 2, .gradient = 4, .state = 4},
    [PRECISION_FP32] = {.weight = 4, .compute = 4, .gradient = 4, .state = 4},
    [PRECISION_MASTERS] = {.weight = 2, .compute = 2, .gradient = 2, .state = 4, .master = 4},
};

const struct knob finetune_knobs[] = {
    DEVICE_KNOB,
    {.name = "method",
     .option = "method",
     .words = "what trains: all weights, adapters, or adapters on quantised weights; lora",
     .kind = KNOB_CHOICE,
     .choices = methods,
     .offset = FIELD(method),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = method_rungs}},
    {.name = "precision",
     .option = "precision",
     .words = "types of weights, gradients and states: bf16 throughout, amp (F32 weights, 16-bit "
              "work), fp32, or masters (16-bit weights with an F32 copy); bf16",
     .kind = KNOB_CHOICE,
     .choices = precisions,
     .offset = FIELD(precision),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = precision_rungs}},
    {.name = "micro_batch",
     .option = "micro-batch",
     .words = "sequences at once on a device; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = BATCH_MOST,
     .offset = FIELD(micro_batch),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1, .with = "accumulate"}},
    {.name = "accumulate",
     .option = "accumulate",
     .words = "micro-batches whose gradients are added up before a step; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = BATCH_MOST,
     .offset = FIELD(accumulate)},
    {.name = "seq",
     .option = "seq",
     .words = "tokens of a sequence; 512",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(sequence_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 128}},
    {.name = "rank",
     .option = "rank",
     .words = "rank of the adapters; 16",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = RANK_MOST,
     .offset = FIELD(rank),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_QUALITY, .floor = 4}},
    {.name = "targets",
     .option = "targets",
     .words = "matrices that adapters sit on; all of the layers",
     .kind = KNOB_CHOICE,
     .choices = target_words,
     .offset = FIELD(targets),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = target_rungs}},
    {.name = "lora_dropout",
     .option = "lora-dropout",
     .words = "adapters drop some of their input; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(lora_dropout)},
    {.name = "dropout",
     .option = "dropout",
     .words = "the model drops some of what its attention and FFN give; auto: as it is configured",
     .kind = KNOB_CHOICE,
     .choices = dropouts,
     .offset = FIELD(dropout)},
    {.name = "store",
     .option = "store",
     .words = "how qlora keeps the frozen weights; nf4-dq",
     .kind = KNOB_CHOICE,
     .choices = stores,
     .offset = FIELD(store),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = store_rungs}},
    {.name = "optimizer",
     .option = "optimizer",
     .words = "what updates the weights; adamw",
     .kind = KNOB_CHOICE,
     .choices = optimizers,
     .offset = FIELD(optimizer),
     .ladder = {.kind = LADDER_WORDS,
                .cost = COSTS_PRECISION,
                .rungs = optimizer_rungs,
                .on_device = true}},
    {.name = "optimizer_in_backward",
     .option = "optimizer-in-backward",
     .words = "each gradient is used up as soon as it is there; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(in_backward)},
    {.name = "checkpointing",
     .option = "checkpointing",
     .words = "layers keep their input alone and run again backward; auto: as the framework does",
     .kind = KNOB_CHOICE,
     .choices = checkpointings,
     .offset = FIELD(checkpointing),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = checkpointing_rungs}},
    {.name = "framework",
     .option = "framework",
     .words = "whose code trains; hf",
     .kind = KNOB_CHOICE,
     .choices = frameworks,
     .offset = FIELD(framework),
     .ladder = {.kind = LADDER_WORDS,
                .cost = COSTS_NOTHING,
                .rungs = framework_rungs,
                .on_device = true}},
    {.name = "eager_attention",
     .option = "eager-attention",
     .words = "scores of attention are kept, quadratic in the sequence; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(eager),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_NOTHING, .rungs = off_rungs}},
    {.name = "shards",
     .option = "shards",
     .words = "devices that share the model (FSDP, ZeRO); 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = SHARDS_MOST,
     .offset = FIELD(shards),
     .ladder =
         {.kind = LADDER_WORDS, .cost = COSTS_NOTHING, .rungs = shard_rungs, .on_device = true}},
    {.name = "cpu_offload",
     .option = "cpu-offload",
     .words = "weights and states lie on the host and come layer by layer; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(cpu_offload),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = on_rungs, .on_device = true}},
    {.name = "sharding",
     .option = "sharding",
     .words = "what they share: all (FSDP, ZeRO-3), gradients and states (ZeRO-2), states "
              "(ZeRO-1); all",
     .kind = KNOB_CHOICE,
     .choices = shardings,
     .offset = FIELD(sharding)},
    AMOUNT_KNOB("samples", "samples", "sequences of an epoch; 0 is not said", FIELD(samples)),
    AMOUNT_KNOB("epochs", "epochs", "how often it sees them; 1", FIELD(epochs)),
    AMOUNT_KNOB("steps", "steps",
                "steps of the optimizer, in place of samples and epochs; 0 is not said",
                FIELD(steps)),
    /* of a sweep alone */
    {.name = "runs",
     .option = "runs",
     .words = "trainings, one behind the other, of each rank in --ranks; 0 is not said",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = RUNS_MOST,
     .offset = FIELD(runs),
     .amount = true},
    {.name = "ranks",
     .option = "ranks",
     .words = "ranks of the adapters that are tried, in place of --rank: 8,16,64",
     .kind = KNOB_SHARES,
     .least = 1,
     .most = RANK_MOST,
     .offset = FIELD(ranks)},
};
static_assert(sizeof finetune_knobs / sizeof *finetune_knobs == SWEEP_KNOBS, "all are counted");

void finetune_usual(struct finetune *f, const struct training_table *t)
{
    *f = (struct finetune){.method = FINETUNE_LORA,
                           .micro_batch = 1,
                           .accumulate = 1,
                           .sequence_tokens = 512,
                           .rank = 16,
                           .shards = 1,
                           .epochs = 1,
                           .table = t};
}

/* ---- the knobs' choices as rows */

const struct framework *finetune_framework(const struct finetune *f)
{
    if (f->framework_row) return f->framework_row;
    return training_framework_named(f->table, str_of(frameworks[(size_t)f->framework]));
}

const struct training_optimizer *finetune_optimizer(const struct finetune *f)
{
    return training_optimizer_named(f->table, str_of(optimizers[(size_t)f->optimizer]));
}

bool finetune_full(const struct finetune *f)
{
    return f->method == (double)FINETUNE_FULL;
}

bool finetune_quantised(const struct finetune *f)
{
    return f->method == (double)FINETUNE_QLORA;
}

const struct training_store *finetune_store(const struct finetune *f)
{
    return training_store_named(f->table, str_of(stores[(size_t)f->store]));
}

unsigned finetune_targets(const struct finetune *f)
{
    return f->target_mask ? f->target_mask : target_masks[(size_t)f->targets];
}

const char *finetune_unruled(const struct shape *s, const struct finetune *f)
{
    if (!f->table || !finetune_framework(f)) return "no row of frameworks.json has this framework";
    if (!finetune_optimizer(f)) return "no row of frameworks.json has this optimizer";
    if (finetune_quantised(f) && !finetune_store(f))
        return "no row of frameworks.json has this store";
    const char *why = training_unruled(s);
    if (why) return why;
    const bool modules = s->experts > 0 || s->latent.kv_rank > 0;
    if (modules && finetune_full(f) && f->precision == (double)PRECISION_AMP)
        return "what autocast keeps of experts and latent attention was never counted: another "
               "--precision";
    if (modules && !finetune_framework(f)->runs_modules)
        return "experts and latent attention have a rule where transformers' own modules run: "
               "another --framework";
    if (!finetune_full(f) && training_targets_split(s, finetune_targets(f)))
        return "latent attention has no query, key and value of their own: adapters sit on all of "
               "it or none (--targets)";
    return NULL;
}

enum finetune_checkpointing finetune_checkpoints(const struct finetune *f)
{
    const struct framework *w = finetune_framework(f);
    const struct str usual =
        str_of(finetune_quantised(f) ? w->checkpointing_quantised : w->checkpointing);
    const enum finetune_checkpointing asked = (enum finetune_checkpointing)f->checkpointing;
    if (asked == CHECKPOINT_FALSE) return CHECKPOINT_OFF;
    if (asked == CHECKPOINT_TRUE) return CHECKPOINT_ON;
    if (asked != CHECKPOINT_AUTO) return asked;
    if (str_is(usual, "offload")) return CHECKPOINT_OFFLOAD;
    return str_is(usual, "on") ? CHECKPOINT_ON : CHECKPOINT_OFF;
}

const struct training_bytes *finetune_bytes(const struct finetune *f)
{
    return f->bytes ? f->bytes : &precision_bytes[(size_t)f->precision];
}

double finetune_adapter_bytes(const struct finetune *f)
{
    const double least_bytes = finetune_bytes(f)->compute;
    if (f->adapter_bytes > 0) return f->adapter_bytes;
    return most(finetune_framework(f)->adapter_bytes, least_bytes);
}

static const struct training_family *family_of(const struct shape *s, const struct finetune *f)
{
    return s->arch_name ? training_family_named(f->table, str_of(s->arch_name)) : NULL;
}

double finetune_activation_kept(const struct shape *s, const struct finetune *f)
{
    const struct training_family *family = family_of(s, f);
    if (f->gelu_kept > 0) return f->gelu_kept;
    return family ? family->activation_kept : 0;
}

bool finetune_drops(const struct shape *s, const struct finetune *f)
{
    const enum finetune_dropout asked = (enum finetune_dropout)f->dropout;
    const struct training_family *family = family_of(s, f);
    if (asked != DROPOUT_AUTO) return asked == DROPOUT_ON || asked == DROPOUT_TRUE;
    return family && family->dropout;
}

/* Of what a quantised model keeps plain; of others, that of all weights. */
double finetune_plain_bytes(const struct finetune *f)
{
    const double plain = finetune_bytes(f)->weight;
    if (!finetune_quantised(f)) return plain;
    if (f->unquantised_bytes > 0) return f->unquantised_bytes;
    return finetune_framework(f)->unquantised_bytes > 0 ? finetune_framework(f)->unquantised_bytes
                                                        : plain;
}

/* ---- of both workloads */

void finetune_defaults(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    struct mu_err unsaid = {.code = MU_OK}; /* a table that cannot be read leaves it unruled */
    finetune_usual(chosen, catalog_training(c, &unsaid));
}

/* Steps of the optimizer. */
double finetune_steps(const void *chosen)
{
    const struct finetune *f = chosen;
    if (f->steps > 0) return f->steps;
    if (!(f->samples > 0)) return (double)NAN;
    return ceil(f->samples * f->epochs / (f->micro_batch * f->accumulate * f->shards));
}
