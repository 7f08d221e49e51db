/* From the words of a truth file to a shape and to knobs. Only what llama.cpp itself reads of a model file is taken: what follows from
 * the architecture comes from its row of the catalogue. */
#include "proof/hparams.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "model/shape.h"

/* Counts no model has are read as if they were not there. */
static const double number_most = 1e12, layers_most = 4096;

static double number(const struct json *map, const char *key, double otherwise)
{
    double x;
    return json_number(json_get(map, key), &x) && x >= 0 && x <= number_most ? x : otherwise;
}

static bool yes(const struct json *map, const char *key)
{
    bool x;
    return json_bool(json_get(map, key), &x) && x;
}

static struct str word(const struct json *map, const char *key)
{
    struct str s;
    return json_text(json_get(map, key), &s) ? s : str_of("");
}

static enum qk_norm qk_norm_of(const struct json *h)
{
    if (str_is(word(h, "qk_norm"), "head")) return QK_NORM_HEAD;
    return str_is(word(h, "qk_norm"), "full") ? QK_NORM_FULL : QK_NORM_NONE;
}

static enum pooling pooling_of(const struct json *h)
{
    static const enum pooling by_id[] = {POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST,
                                         POOLING_RANK}; /* llama.cpp v0.5.0 include/llama.h */
    const size_t id = (size_t)number(h, "pooling", 0);
    return id < COUNT_OF(by_id) ? by_id[id] : POOLING_NONE;
}

static void sizes(const struct json *h, struct shape *s)
{
    s->layers = number(h, "n_layer", 0);
    s->width = number(h, "n_embd", 0);
    s->heads = number(h, "n_head", 0);
    s->kv_heads = number(h, "n_head_kv", s->heads);
    s->head_size = number(h, "head_dim", s->heads > 0 ? s->width / s->heads : 0);
    s->ffn_width = number(h, "n_ff", 0);
    s->vocabulary = number(h, "n_vocab", 0);
    s->context_tokens = number(h, "n_ctx_train", 0);
    s->window_tokens = number(h, "n_swa", 0);
    s->window_period = s->arch ? s->arch->window_period : 0;
    s->rope_tensors = yes(h, "rope_freqs");
    s->rope_factors = s->rope_tensors * s->head_size / 2;
    s->pooling = pooling_of(h);
}

static void mixture(const struct json *h, struct shape *s)
{
    const double shared = number(h, "n_ff_shexp", 0);
    s->experts = number(h, "n_expert", 0);
    s->expert_every = 1;
    s->experts_used = number(h, "n_expert_used", 0);
    s->expert_width = number(h, "n_ff_exp", s->ffn_width);
    s->dense_lead = number(h, "n_dense_lead", 0);
    s->shared_gate = shared > 0;
    s->shared_width = shared > 0 ? shared : number(h, "n_expert_shared", 0) * s->expert_width;
}

static void latent(const struct json *h, struct shape *s)
{
    const struct json *mla = json_get(h, "mla");
    s->latent.q_rank = number(mla, "q_lora", 0);
    s->latent.kv_rank = number(mla, "kv_lora", 0);
    s->latent.rope = number(mla, "rope", 0);
    s->latent.nope = number(mla, "nope", 0);
    s->latent.value = number(mla, "v", 0);
}

static void traits(const struct json *h, struct shape *s)
{
    const struct architecture *a = s->arch;
    s->tied = yes(h, "tied");
    s->post_norms = yes(h, "post_norms");
    s->qk_norm = qk_norm_of(h);
    s->qkv_bias = yes(h, "qkv_bias") || a->fused_qkv_bias || (a->encoder && a->projection_bias);
    s->attention_output_bias = s->ffn_bias = a->projection_bias;
    s->norm_bias = a->layer_norm;
    s->output_norm = !a->encoder;
    s->fused_qkv = a->fused_qkv;
    s->fused_gate_up = a->fused_gate_up;
    s->gated_ffn = a->gated_ffn;
    s->norms_per_layer = s->post_norms ? 4 : 2;
    s->learned_positions = a->learned_positions ? s->context_tokens : 0;
    s->token_types = a->encoder ? 2 : 0;
    s->embedding_norm = a->encoder ? 1 : 0;
}

bool hparams_shape(const struct json *hparams, const struct catalog *c, struct arena *a,
                   struct shape *out, struct mu_err *err)
{
    const struct str arch = word(hparams, "arch");
    *out = (struct shape){.arch_name = str_copy(a, arch)};
    out->arch = catalog_architecture(c, arch);
    if (!out->arch)
        return err_set(err, MU_DATA, "hparams: no architecture is called \"%s\"",
                       str_visible(a, arch));
    sizes(hparams, out);
    mixture(hparams, out);
    latent(hparams, out);
    traits(hparams, out);
    if (!(out->layers > 0 && out->layers <= layers_most && out->width > 0 && out->heads > 0 &&
          out->vocabulary > 0))
        return err_set(err, MU_DATA, "hparams: n_layer, n_embd, n_head and n_vocab are needed");
    return true;
}

/* ---- what was asked */

/* The CPUs that the truth was made on, by class: best buffer first. */
static const struct truth_cpu {
    const char *class_, *buffer[EXTRA_BUFFERS];
} truth_cpus[] = {
    {"memory_amx", {"AMX", "CPU_REPACK"}},
    {NULL, {"CPU_REPACK", NULL}},
};
static const char *const truth_features[] = {"avx2", "avx512f", "amx_int8", NULL};

static bool has_feature(const char *feature)
{
    for (size_t i = 0; truth_features[i]; i++)
        if (strcmp(truth_features[i], feature) == 0) return true;
    return false;
}

static const struct buffer_rule *usable(const struct buffer_rule *rule, struct arena *a)
{
    if (!rule) return NULL;
    struct buffer_rule *out = NEW(a, struct buffer_rule);
    *out = *rule;
    out->rows = 0;
    for (size_t i = 0; i < rule->rows; i++)
        if (!rule->row[i].feature || has_feature(rule->row[i].feature))
            out->row[out->rows++] = rule->row[i];
    return out;
}

void hparams_buffers(const char *class_, const struct catalog *c, struct arena *a,
                     struct generate *out)
{
    const struct truth_cpu *cpu = truth_cpus;
    while (cpu->class_ && strcmp(cpu->class_, class_ ? class_ : "") != 0) cpu++;
    for (size_t i = 0; i < EXTRA_BUFFERS; i++)
        out->buffer[i] = cpu->buffer[i] ? usable(catalog_buffer(c, cpu->buffer[i]), a) : NULL;
}

bool hparams_generate(const struct json *config, const char *class_, const struct catalog *c,
                      struct arena *a, struct generate *out, struct mu_err *err)
{
    const struct str key = word(config, "type_k"), value = word(config, "type_v");
    *out = (struct generate){
        .context_tokens = number(config, "n_ctx", 0),
        .batch_tokens = number(config, "n_batch", 0),
        .ubatch_tokens = number(config, "n_ubatch", 0),
        .sequences = number(config, "n_seq_max", 1),
        .kv_type_k = catalog_type(c, key),
        .kv_type_v = catalog_type(c, value),
        .kv_unified = yes(config, "kv_unified"),
        .swa_full = yes(config, "swa_full"),
        .embeddings = yes(config, "embeddings"),
        .repack = yes(config, "extra_buffer_types") ? REPACK_ON : REPACK_OFF,
        .flash_attention = str_is(word(config, "flash_attn"), "off") ? FLASH_OFF : FLASH_AUTO,
        .outputs_max = number(config, "n_outputs_max", 0),
    };
    if (!(out->context_tokens > 0 && out->batch_tokens > 0 && out->ubatch_tokens > 0 &&
          out->sequences > 0))
        return err_set(err, MU_DATA, "config: n_ctx, n_batch, n_ubatch and n_seq_max are needed");
    if (!out->kv_type_k || !out->kv_type_v)
        return err_set(err, MU_DATA, "config: no type is called \"%s\" or \"%s\"",
                       str_visible(a, key), str_visible(a, value));
    hparams_buffers(class_, c, a, out);
    return true;
}
