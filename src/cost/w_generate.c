/* generate: text from a prompt, with llama.cpp unless another runtime is asked for (runtime.h), as a llama-server of v0.5.0 is set up
 * unless told otherwise. The row of its knobs, their defaults, the bill that its parts make up (llama.h), and the rule of thumb that
 * people use instead. Left out: several prompts' cache on disk. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/generate.h"
#include "cost/llama.h"
#include "cost/runtime.h"
#include "model/digest.h"

enum {
    TOKENS_MOST = 1 << 24,
    LAYERS_MOST = 512,       /* llama.cpp v0.5.0 src/llama-hparams.h */
    LAYERS_ASKED_MOST = 9999 /* people ask for 99 or 999 and mean all */
};
#define FIELD(name) offsetof(struct generate, name)

static const char *const repack_choices[] = {"on", "off", NULL};
static const char *const flash_choices[] = {"auto", "on", "off", NULL}; /* and enum offload */
static const char *const count_words[] = {"auto", "all", NULL};
/* llama.cpp v0.5.0 common/arg.cpp */
static const char *const cache_types[] = {"f32",  "f16",    "bf16", "q8_0", "q4_0",
                                          "q4_1", "iq4_nl", "q5_0", "q5_1", NULL};

static const char *const runtime_choices[] = {"llama.cpp", "ollama", "transformers", "vllm", NULL};
const char *const dtype_words[] = {"auto", "fp32", "fp16", "bf16", "int8", "nf4", NULL};

/* What they give way to, strong to weak. */
static const char *const any_to_auto[] = {"*", "auto", NULL};
static const char *const offload_rungs[] = {"on", "auto", NULL};
static const char *const cache_rungs[] = {"f32", "f16|bf16", "q8_0", "q5_1", "q4_0", NULL};
static const char *const off_rungs[] = {"on", "off", NULL};
static const char *const flash_rungs[] = {"off", "auto|on", NULL};
const char *const dtype_rungs[] = {"fp32", "auto|fp16|bf16", "int8", "nf4", NULL};

const struct knob generate_knobs[GENERATE_KNOBS] = {
    {.name = "context_tokens",
     .option = "ctx",
     .words = "context, tokens; the smaller of 8k and the model's own",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(context_tokens),
     .ladder = {.kind = LADDER_HALVE,
                .cost = COSTS_LENGTH,
                .floor = 512,
                .step = 256,
                .above = "prompt_tokens"}},
    {.name = "prompt_tokens",
     .option = "prompt",
     .words = "length of the prompt that speed is given for; 512",
     .kind = KNOB_TOKENS,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(prompt_tokens)},
    AMOUNT_KNOB("prompts", "prompts", "prompts in all, one after the other; 0 is not said",
                FIELD(prompts)),
    {.name = "new_tokens",
     .option = "new-tokens",
     .words = "tokens written behind each prompt; 0 is not said",
     .kind = KNOB_TOKENS,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(new_tokens),
     .amount = true},
    {.name = "depth_tokens",
     .option = "depth",
     .words = "tokens in the cache before that prompt; 0",
     .kind = KNOB_TOKENS,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(depth_tokens)},
    {.name = "threads",
     .option = "threads",
     .words = "threads that work; 0: all that one process may use",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = 65536,
     .offset = FIELD(threads)},
    {.name = "sequences",
     .option = "parallel",
     .words = "sequences at once; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = SEQUENCES_MOST,
     .offset = FIELD(sequences),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_EXTENT, .floor = 1}},
    {.name = "batch_tokens",
     .option = "batch",
     .words = "tokens of a batch; 2048",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(batch_tokens)},
    {.name = "ubatch_tokens",
     .option = "ubatch",
     .words = "tokens of a micro-batch; 512",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = TOKENS_MOST,
     .offset = FIELD(ubatch_tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 64}},
    {.name = "gpu_layers",
     .option = "gpu-layers",
     .words =
         "layers on accelerators, the output counts as one: a number, all, or auto: as many as "
         "is fastest",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = LAYERS_ASKED_MOST,
     .choices = count_words,
     .offset = FIELD(gpu_layers),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = any_to_auto}},
    {.name = "tensor_split",
     .option = "tensor-split",
     .words = "shares of several accelerators, in their order: 3,1; by memory",
     .kind = KNOB_SHARES,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(tensor_split)},
    {.name = "cpu_moe",
     .option = "n-cpu-moe",
     .words = "layers, from the first, whose experts stay on the host: a number, all, or auto: as "
              "few as fit",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = LAYERS_ASKED_MOST,
     .choices = count_words,
     .offset = FIELD(cpu_moe),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = any_to_auto}},
    {.name = "kv_offload",
     .option = "kv-offload",
     .words = "the KV cache of layers on accelerators lies there too; auto (on)",
     .kind = KNOB_CHOICE,
     .choices = flash_choices,
     .offset = FIELD(kv_offload),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = offload_rungs}},
    {.name = "kv_type",
     .option = "kv-type",
     .words = "type of the KV cache, K and V; f16",
     .kind = KNOB_TYPE,
     .choices = cache_types,
     .offset = FIELD(kv_type_k),
     .also = FIELD(kv_type_v),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = cache_rungs}},
    {.name = "kv_type_k",
     .option = "kv-type-k",
     .words = "type of the K cache; f16",
     .kind = KNOB_TYPE,
     .choices = cache_types,
     .offset = FIELD(kv_type_k)},
    {.name = "kv_type_v",
     .option = "kv-type-v",
     .words = "type of the V cache; f16",
     .kind = KNOB_TYPE,
     .choices = cache_types,
     .offset = FIELD(kv_type_v)},
    {.name = "kv_unified",
     .option = "kv-unified",
     .words = "one cache that all sequences share; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(kv_unified)},
    {.name = "swa_full",
     .option = "swa-full",
     .words = "a whole cache for sliding-window layers too; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(swa_full),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = off_rungs}},
    {.name = "flash_attention",
     .option = "flash-attention",
     .words = "attention without a matrix of scores; auto (on)",
     .kind = KNOB_CHOICE,
     .choices = flash_choices,
     .offset = FIELD(flash_attention),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_NOTHING, .rungs = flash_rungs}},
    {.name = "repack",
     .option = "repack",
     .words = "weights laid out anew for this CPU's kernels; on",
     .kind = KNOB_CHOICE,
     .choices = repack_choices,
     .offset = FIELD(repack)},
    {.name = "mmap",
     .option = "mmap",
     .words = "the model file mapped instead of read; on",
     .kind = KNOB_SWITCH,
     .offset = FIELD(mmap)},
    {.name = "outputs_max",
     .option = "outputs-max",
     .words = "rows of logits reserved; one a sequence, 0: a whole micro-batch",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = TOKENS_MOST,
     .offset = FIELD(outputs_max)},
    {.name = "embeddings",
     .option = "embeddings",
     .words = "embeddings given out beside logits; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(embeddings)},
    {.name = "runtime",
     .option = "runtime",
     .words = "the program that runs it; llama.cpp",
     .kind = KNOB_CHOICE,
     .choices = runtime_choices,
     .offset = FIELD(runtime)},
    {.name = "dtype",
     .option = "dtype",
     .words = "of the weights, under transformers and vLLM; auto (16 bits, as most are published)",
     .kind = KNOB_CHOICE,
     .choices = dtype_words,
     .offset = FIELD(dtype),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = dtype_rungs}},
};
static_assert(sizeof generate_knobs / sizeof *generate_knobs == GENERATE_KNOBS, "all are set");

static const struct weight_type *type_named(const struct weight_type *types, const char *name)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].name && strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

/* llama.cpp v0.5.0 common/common.h, as llama-server sets them; its context is the model's own, which is more than most want. */
void generate_usual(struct generate *g, const struct digest *m, const struct weight_type *types)
{
    const double trained = m->shape->context_tokens;
    const struct architecture *arch = m->shape->arch;
    const struct weight_type *half = type_named(types, "F16");
    *g = (struct generate){
        .context_tokens = trained > 0 ? least(8192, trained) : 8192,
        .batch_tokens = 2048,
        .ubatch_tokens = 512,
        .sequences = 1,
        .kv_type_k = half,
        .kv_type_v = half,
        .mmap = true,
        .repack = REPACK_ON,
        .flash_attention = FLASH_AUTO,
        .outputs_max = OUTPUTS_AS_SEQUENCES,
        .embeddings = arch && arch->encoder,
        .prompt_tokens = 512,
        .gpu_layers = KNOB_AUTO,
        .cpu_moe = KNOB_AUTO,
        .kv_offload = OFFLOAD_AUTO,
    };
}

/* Whether a head's keys and values are whole blocks of the cache's types. */
static bool blocks_divide_heads(const struct shape *s, const struct generate *g)
{
    const bool latent = s->latent.kv_rank > 0;
    const double key = latent ? s->latent.kv_rank + s->latent.rope : s->head_size;
    const double value = latent ? s->latent.kv_rank : s->head_size;
    return fmod(key, g->kv_type_k->block) == 0 && fmod(value, g->kv_type_v->block) == 0;
}

/* What llama.cpp refuses to load, or we have no rule for; NULL: neither. */
static const char *unruled(const struct digest *m, const struct generate *g)
{
    const bool flash = g->flash_attention != (double)FLASH_OFF;
    if (g->dtype != (double)DTYPE_AUTO)
        return "it takes the types of the file (--quant), not --dtype, under llama.cpp and Ollama";
    if (m->unruled) return m->unruled;
    if (m->shape->unruled) return m->shape->unruled;
    if (!m->shape->arch) return "its architecture is not known";
    if (m->shape->arch->unruled) return m->shape->arch->unruled;
    if (!(m->shape->layers <= LAYERS_MOST)) return "llama.cpp loads at most 512 layers";
    if (m->shape->arch->encoder) return NULL;
    if ((m->shape->latent.kv_rank > 0 || m->shape->compressed.groups > 0) &&
        g->kv_type_k != g->kv_type_v)
        return "llama.cpp refuses different K and V cache types with latent attention";
    if (!flash && g->kv_type_v->block > 1)
        return "llama.cpp refuses a quantised V cache without flash attention";
    if (flash && !blocks_divide_heads(m->shape, g))
        return "llama.cpp refuses a cache type whose blocks do not divide a head of this model";
    return NULL;
}

/* All that ABOUT()s stand in, under llama.cpp. */
void generate_beside(struct bill *b, const struct digest *m, const struct split *s)
{
    llama_process(b, m);
    llama_drivers(b, s);
}

void llama_bill(struct bill *b, const struct digest *m, const struct generate *asked,
                const struct split *s)
{
    struct generate g = *asked;
    b->unruled = unruled(m, &g);
    if (b->unruled) return;
    if (split_pins_host(s)) g.repack = REPACK_OFF;
    const struct derived d = llama_context(b, m, &g);
    const struct spread spread = llama_spread(m, s);
    const struct llama l = {m, &g, &d, &spread};
    llama_weights(b, &l);
    llama_kv_cache(b, &l);
    llama_compute(b, &l);
    llama_output(b, m, &g);
    llama_beside(b, &l);
    generate_beside(b, m, s);
    llama_work(b, &l);
}

void generate_bill(struct bill *b, const struct digest *m, const void *chosen,
                   const struct split *s)
{
    const struct generate *g = chosen;
    assert(s->sites >= 1 && s->sites <= SITES);
    runtime_of(g)->bill(b, m, g, s);
}

/* ---- the rule of thumb: parameters x nominal bytes x overhead */

/* The bits that a type's name promises: the first number in it (Q4_K_M: 4, F16: 16). */
static double bits_in_name(const char *name)
{
    double bits = 0;
    while (*name && !(*name >= '0' && *name <= '9')) name++;
    for (; *name >= '0' && *name <= '9'; name++) bits = 10 * bits + (*name - '0');
    return bits;
}

/* The type that most bytes of the model are in. */
static const char *commonest_type(const struct digest *m)
{
    double bytes[TYPES] = {0};
    size_t best = 0;
    for (size_t i = 0; i < m->kinds; i++)
        for (size_t k = 0; k < m->kind[i].sums; k++)
            bytes[m->kind[i].sum[k].type] += m->kind[i].layers * m->kind[i].sum[k].bytes;
    for (size_t i = 0; i < TYPES; i++)
        if (bytes[i] > bytes[best]) best = i;
    return m->types[best].name;
}

static double nominal_bytes(const struct digest *m)
{
    const double bits_per_byte = 8;
    if (m->unruled) return 0;
    return m->parameters * bits_in_name(m->quant ? m->quant : commonest_type(m)) / bits_per_byte;
}

static double text_bytes(const struct digest *m, const void *chosen)
{
    (void)chosen;
    return nominal_bytes(m) * 1.15;
}

static double reasoning_bytes(const struct digest *m, const void *chosen)
{
    (void)chosen;
    return nominal_bytes(m) * 1.25;
}

static double audio_bytes(const struct digest *m, const void *chosen)
{
    (void)chosen;
    return nominal_bytes(m) * 1.30;
}

static double video_bytes(const struct digest *m, const void *chosen)
{
    (void)chosen;
    return nominal_bytes(m) * 1.40;
}

#define SIZING_GUIDE "introduction to VRAM sizing (seed 004)"

/* The reason why a rule differs stands once, with the rule for this kind of model. */
const struct guide_rule generate_rules[GENERATE_RULES] = {
    {"parameters x bytes x 1.15",
     "it counts the bits in the type's name, where blocks carry scales and some matrices are kept "
     "wider, and a fixed share for the rest: no context, no logits, no repacked copies",
     SIZING_GUIDE, text_bytes},
    {"parameters x bytes x 1.25", "the same rule with its overhead for reasoning models",
     SIZING_GUIDE, reasoning_bytes},
    {"parameters x bytes x 1.30", "the same rule with its overhead for audio models", SIZING_GUIDE,
     audio_bytes},
    {"parameters x bytes x 1.40", "the same rule with its overhead for video models", SIZING_GUIDE,
     video_bytes},
};

double generate_prompts(const void *knobs)
{
    const struct generate *g = knobs;
    return g->prompts > 0 ? g->prompts : (double)NAN;
}

extern const struct workload workload_generate;
const struct workload workload_generate = {
    .name = "generate",
    .words = "text from a prompt",
    .knob = generate_knobs,
    .knobs = GENERATE_KNOBS,
    .size = sizeof(struct generate),
    .bill = generate_bill,
    .beside = generate_beside,
    .rule = generate_rules,
    .rules = GENERATE_RULES,
    .unit = "prompt",
    .units = generate_prompts,
};
