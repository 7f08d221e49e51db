/* model/hf_count.c - the parameters of a configuration. Layers that a digest knows are counted by it, whether llama.cpp has a graph for
 * the architecture or not; state-space layers, short convolutions and linear attention by the matrices that their own modules make
 * (transformers 4.57: modeling_mamba.py, modeling_lfm2.py, modeling_qwen3_next.py, modeling_granitemoehybrid.py), read as facts. Left out: kinds of layers that have
 * neither. */
#include "model/hf_count.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "model/digest.h"

#include <string.h>

#define FIGURE_MOST 0x1p31

/* A whole number under the first key that has one; NaN: none. */
static double figure(const struct hf_counting *x, const char *key, const char *other)
{
    double n;
    const char *const keys[] = {key, other};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i] && json_number(json_get(x->config, keys[i]), &n) && n >= 0 &&
            n <= FIGURE_MOST && n == floor(n))
            return n;
    return (double)NAN;
}

static bool is_set(const struct hf_counting *x, const char *key, bool otherwise)
{
    bool set = otherwise;
    return json_bool(json_get(x->config, key), &set) ? set : otherwise;
}

/* The embedding, an output matrix of its own where there is one, and the norm behind the layers. */
static double outside(const struct shape *s)
{
    return s->vocabulary * s->width * (s->tied ? 1 : 2) + s->width;
}

/* ---- state space: one module a layer, and the norm before it */

static double of_mamba(const struct hf_counting *x)
{
    const struct shape *s = x->shape;
    const double d = s->width, state = figure(x, "state_size", NULL);
    const double kernel = figure(x, "conv_kernel", NULL);
    const double inner = figure(x, "intermediate_size", "d_inner");
    const double given = figure(x, "time_step_rank", NULL);
    const double rank = isnan(given) ? ceil(d / 16) : given; /* "auto" */
    const double bias = is_set(x, "use_bias", false) ? 2 * inner + d : 0;
    const double convolution = inner * (kernel + (is_set(x, "use_conv_bias", true) ? 1 : 0));
    const double selection = inner * (rank + 2 * state) + rank * inner + inner;
    const double memory = inner * state + inner;
    return outside(s) +
           s->layers * (2 * d * inner + convolution + selection + memory + inner * d + bias + d);
}

/* ---- attention in some layers, something narrower in the others */

static double attention(const struct shape *s, bool gated)
{
    const double queries = s->heads * s->head_size, keys = s->kv_heads * s->head_size;
    return s->width * (queries * (gated ? 2 : 1) + 2 * keys) + queries * s->width +
           2 * s->head_size; /* the norms of a head's query and key */
}

/* How many layers attend: by a list of kinds, a list of indices, or every n-th. */
static double attending(const struct hf_counting *x)
{
    const struct json *kinds = json_get(x->config, "layer_types");
    const double every = figure(x, "full_attention_interval", NULL);
    double n = 0;
    struct str kind;
    if (!json_count(kinds) && !isnan(every)) return every > 0 ? floor(x->shape->layers / every) : 0;
    if (!json_count(kinds)) return (double)json_count(json_get(x->config, "full_attn_idxs"));
    for (size_t i = 0; i < json_count(kinds); i++)
        n += json_text(json_at(kinds, i), &kind) &&
             (str_is(kind, "full_attention") || str_is(kind, "attention"));
    return n;
}

static double ffn(double width, double inner)
{
    return 3 * width * inner;
}

double hf_block_width(const struct json *config)
{
    const struct hf_counting only = {.config = config};
    const double given = figure(&only, "block_ff_dim", NULL);
    const double step = figure(&only, "block_multiple_of", NULL);
    double times = 1;
    if (!is_set(&only, "block_auto_adjust_ff_dim", false)) return given;
    if (!json_number(json_get(config, "block_ffn_dim_multiplier"), &times)) times = 1;
    return pad_to(floor(times * floor(2 * given / 3)), isnan(step) || step < 1 ? 1 : step);
}

/* Else the width is given as others give it. */
static double adjusted(const struct hf_counting *x)
{
    const double wide = hf_block_width(x->config);
    return isnan(wide) ? figure(x, "intermediate_size", NULL) : wide;
}

static double of_short_convolutions(const struct hf_counting *x)
{
    const struct shape *s = x->shape;
    const double d = s->width, with = attending(x), without = s->layers - with;
    const double kernel = figure(x, "conv_L_cache", NULL);
    const double bias = is_set(x, "conv_bias", false) ? 5 * d : 0;
    const double convolution = 4 * d * d + d * kernel + bias;
    const double mixers = with * attention(s, false) + without * convolution + s->layers * 2 * d;
    const double experts = figure(x, "num_experts", NULL);
    if (isnan(experts)) return outside(s) + mixers + s->layers * ffn(d, adjusted(x));
    const double dense = figure(x, "num_dense_layers", NULL);
    const double each = figure(x, "moe_intermediate_size", NULL);
    const double router = d * experts + (is_set(x, "use_expert_bias", false) ? experts : 0);
    return outside(s) + mixers + dense * ffn(d, adjusted(x)) +
           (s->layers - dense) * (experts * ffn(d, each) + router);
}

static double of_linear_attention(const struct hf_counting *x)
{
    const struct shape *s = x->shape;
    const double d = s->width, with = attending(x), without = s->layers - with;
    const double value_heads = figure(x, "linear_num_value_heads", NULL);
    const double value_size = figure(x, "linear_value_head_dim", NULL);
    const double keys =
        figure(x, "linear_num_key_heads", NULL) * figure(x, "linear_key_head_dim", NULL);
    const double values = value_heads * value_size;
    const double convolution = (2 * keys + values) * figure(x, "linear_conv_kernel_dim", NULL);
    const double linear = d * (2 * keys + values) + d * values + 2 * d * value_heads + convolution +
                          2 * value_heads + value_size + values * d;
    const double mixers = with * attention(s, true) + without * linear + s->layers * 2 * d;
    const double experts = figure(x, "num_experts", NULL);
    if (isnan(experts)) return outside(s) + mixers + s->layers * ffn(d, s->ffn_width);
    const double each = figure(x, "moe_intermediate_size", NULL);
    const double shared = figure(x, "shared_expert_intermediate_size", NULL);
    return outside(s) + mixers +
           s->layers * (experts * ffn(d, each) + d * experts + ffn(d, shared) + d);
}

/* State space of the second kind in most layers, experts and a shared feed-forward in all. */
static double of_second_state_space(const struct hf_counting *x)
{
    const struct shape *s = x->shape;
    const double d = s->width, with = attending(x), without = s->layers - with;
    const double heads = figure(x, "mamba_n_heads", NULL);
    const double inner = heads * figure(x, "mamba_d_head", NULL);
    const double mixed =
        inner + 2 * figure(x, "mamba_n_groups", NULL) * figure(x, "mamba_d_state", NULL);
    const double kernel = figure(x, "mamba_d_conv", NULL);
    const double convolution = mixed * (kernel + (is_set(x, "mamba_conv_bias", true) ? 1 : 0));
    const double bias = is_set(x, "mamba_proj_bias", false) ? inner + mixed + heads + d : 0;
    const double state =
        d * (inner + mixed + heads) + convolution + 3 * heads + inner + inner * d + bias;
    const double attends = attention(s, false) - 2 * s->head_size; /* no norms of heads here */
    const double experts = figure(x, "num_local_experts", NULL);
    const double each = figure(x, "intermediate_size", NULL);
    const double shared = figure(x, "shared_intermediate_size", NULL);
    const double moe = experts > 0 ? experts * ffn(d, each) + d * experts : experts;
    return outside(s) + with * attends + without * state +
           s->layers * (moe + ffn(d, shared) + 2 * d);
}

/* ---- */

/* What a digest of the shape counts; another architecture stands in where llama.cpp has no graph of this one. */
static double of_digest(const struct hf_counting *x)
{
    const struct mix *plain = catalog_mix(x->catalog, S("F16"));
    struct digest *d = NEW(x->arena, struct digest);
    struct shape s = *x->shape;
    const bool encoder = x->kind && strcmp(x->kind, "encoder") == 0;
    s.unruled = NULL;
    if (s.arch && s.arch->recurrence != RECURRENCE_NONE &&
        !(shape_state(&s) > 0 && s.vocabulary > 0))
        return 0;
    if (!s.arch) s.arch = catalog_architecture(x->catalog, encoder ? S("bert") : S("llama"));
    if (!plain || !s.arch || !x->kind) return 0;
    digest_of_shape(&s, plain, x->catalog, d);
    return d->unruled ? 0 : d->parameters - s.rope_tensors * s.rope_factors;
}

double hf_count(const struct hf_counting *x)
{
    static const struct {
        const char *kind;
        double (*count)(const struct hf_counting *);
    } own[] = {{"mamba1", of_mamba},
               {"lfm2", of_short_convolutions},
               {"granitehybrid", of_second_state_space},
               {"qwen_hybrid", of_linear_attention}};
    static const char *const digested[] = {"dense",  "encoder", "moe",        "mla_moe", "gpt_oss",
                                           "llama4", "mamba2",  "nemotron_h", "jamba"};
    double n = 0;
    if (!x->kind || !(x->shape->layers > 0) || !(x->shape->width > 0)) return 0;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(x->kind, own[i].kind) == 0) n = own[i].count(x);
    for (size_t i = 0; i < COUNT_OF(digested); i++)
        if (strcmp(x->kind, digested[i]) == 0) n = of_digest(x);
    return n > 0 && n < 0x1p53 ? n : 0; /* NaN, of what is not said, neither */
}
