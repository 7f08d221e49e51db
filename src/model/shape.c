/* model/shape.c - the shape of a catalogue row: figures, flags, and what follows from the architecture's traits. Rows of a kind whose
 * layers have no rule, and architectures that carry `unruled`, keep their figures and say why nothing is computed.
 *
 * Left out: pooling heads and classifiers of encoders (llama.cpp does not load them to embed) and predictors of further tokens. */
#include "model/shape.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/parts.h"

#include <string.h>

static bool has_bit(const uint8_t bits[64], double layer)
{
    const size_t i = (size_t)layer;
    return i / 8 < 64 && (bits[i / 8] >> (i % 8) & 1);
}

static void set_bit(uint8_t bits[64], size_t i)
{
    if (i / 8 < 64) bits[i / 8] |= (uint8_t)(1U << (i % 8));
}

static double or_none(double x)
{
    return isnan(x) ? 0 : x;
}

static bool is(const char *kind, const char *which)
{
    return kind && !strcmp(kind, which);
}

static void figures(struct shape *s, const struct model_part *p)
{
    s->layers = or_none(p->n_layers);
    s->width = or_none(p->d_model);
    s->heads = or_none(p->n_heads);
    s->kv_heads = number_or(p->n_kv_heads, s->heads);
    s->head_size = number_or(p->head_dim, s->heads > 0 ? s->width / s->heads : 0);
    s->ffn_width = or_none(p->d_ff);
    s->vocabulary = or_none(p->vocab_size);
    s->context_tokens = or_none(p->max_context);
    s->window_tokens = or_none(p->sliding_window);
    s->parameters = number_or(p->params_text, or_none(p->params_total));
    s->norms_per_layer = or_none(p->shape.norms_per_layer);
    s->token_types = or_none(p->shape.token_types);
    s->embedding_norm = or_none(p->shape.embedding_norm);
    /* rows kept free in front for padding are cut off on conversion */
    s->learned_positions =
        least(or_none(p->shape.learned_positions), number_or(p->max_context, (double)INFINITY));
}

static void flags(struct shape *s, const struct model_part *p)
{
    s->tied = p->tied_embeddings;
    s->qkv_bias = p->shape.qkv_bias;
    s->attention_output_bias = p->shape.attn_output_bias;
    s->ffn_bias = p->shape.ffn_bias;
    s->norm_bias = p->shape.norm_bias;
    s->output_bias = p->shape.output_bias;
    s->output_norm = p->shape.final_norm;
    s->router_bias = p->shape.router_bias;
    s->gated_ffn = p->shape.gated_ffn;
    s->qk_norm = is(p->shape.qk_norm, "head")   ? QK_NORM_HEAD
                 : is(p->shape.qk_norm, "full") ? QK_NORM_FULL
                                                : QK_NORM_NONE;
    s->post_norms = s->norms_per_layer >= 4;
    if (!s->arch) return;
    s->window_period = s->arch->window_period;
    if (s->arch->window_tokens > 0) s->window_tokens = s->arch->window_tokens;
    s->fused_qkv = s->arch->fused_qkv;
    s->fused_gate_up = s->arch->fused_gate_up;
}

static void experts(struct shape *s, const struct model_part *p)
{
    s->experts = or_none(p->n_experts);
    if (s->experts <= 0) return;
    s->experts_used = or_none(p->n_experts_used);
    s->expert_input = or_none(p->expert_latent_dim);
    s->expert_width = or_none(p->d_ff_expert);
    s->dense_lead = or_none(p->first_dense_layers);
    s->expert_every = number_or(p->moe_layer_step, 1);
    s->shared_width =
        number_or(p->d_ff_shared_expert, or_none(p->n_shared_experts) * s->expert_width);
    s->shared_gate = p->shape.shared_gate;
    if (!is(p->shape.kind, "gpt_oss")) return;
    s->router_bias = s->ffn_bias = s->attention_sinks = true;
}

/* What sparse attention chooses cells with. */
static void indexer(struct shape *s, const struct model_part *p)
{
    s->indexer.heads = or_none(p->mla.index_n_heads);
    s->indexer.head_size = or_none(p->mla.index_head_dim);
    s->indexer.chosen = or_none(p->mla.index_topk);
}

static void latent(struct shape *s, const struct model_part *p)
{
    if (!p->mla.present) return;
    s->latent.q_rank = or_none(p->mla.q_lora_rank);
    s->latent.kv_rank = or_none(p->mla.kv_lora_rank);
    s->latent.nope = or_none(p->mla.qk_nope_head_dim);
    s->latent.rope = or_none(p->mla.qk_rope_head_dim);
    s->latent.value = or_none(p->mla.v_head_dim);
    indexer(s, p);
    s->head_size = s->latent.nope + s->latent.rope;
    s->kv_heads = s->heads;
}

/* An encoder has no output matrix of its own; its biases and norms follow from its architecture. */
static void encoder(struct shape *s)
{
    /* of one that llama.cpp has no graph for: as the first ones were */
    static const struct architecture first = {
        .projection_bias = true, .norm_after = true, .layer_norm = true};
    const struct architecture *a = s->arch && !s->arch->unruled ? s->arch : &first;
    s->tied = true;
    s->pooling = POOLING_MEAN;
    s->qkv_bias = s->attention_output_bias = s->ffn_bias = a->projection_bias;
    s->norm_bias = a->norm_after;
    s->output_norm = !a->norm_after;
    s->gated_ffn = a->gated_ffn;
    s->norms_per_layer = a->post_norms ? 4 : 2;
    s->embedding_norm = a->layer_norm;
}

/* The state space's figures; one head a value where none are named. */
static void state_space(struct shape *s, const struct model_part *p)
{
    const double inner = or_none(p->hybrid.d_inner);
    const bool scan = s->arch->recurrence == RECURRENCE_SCAN;
    s->recurrent.heads = scan ? inner : or_none(p->hybrid.n_ssm_heads);
    s->recurrent.head_size = s->recurrent.heads > 0 ? inner / s->recurrent.heads : 0;
    s->recurrent.groups = scan ? 0 : or_none(p->hybrid.n_groups);
    s->recurrent.state = or_none(p->hybrid.d_state);
    s->recurrent.rank = or_none(p->hybrid.dt_rank);
    if (s->arch->one_part) s->norms_per_layer = 1;
}

static void delta_rule(struct shape *s, const struct model_part *p)
{
    s->qk_norm = QK_NORM_HEAD;
    s->shared_gate = s->shared_width > 0;
    s->router_bias = s->arch->recurrence == RECURRENCE_CONVOLUTION && s->experts > 0;
    s->recurrent.groups = or_none(p->hybrid.linear_key_heads);
    s->recurrent.heads = or_none(p->hybrid.linear_value_heads);
    s->recurrent.head_size = s->recurrent.state = or_none(p->hybrid.linear_head_dim);
}

/* A letter a layer, as some publish it. */
static void patterned(struct shape *s, const char *pattern)
{
    const size_t letters = strlen(pattern);
    for (size_t i = 0; (double)i < s->layers && i < letters; i++) {
        if (pattern[i] == 'M') shape_recur(s, i);
        if (pattern[i] == 'E' || pattern[i] == '-') shape_feed(s, i);
    }
}

static bool is_listed(const char *list, double layer)
{
    struct str rest = str_of(list);
    while (rest.p) {
        double at;
        if (str_f64(str_cut(&rest, ','), &at) && at == layer) return true;
    }
    return false;
}

/* Whether a layer attends where others recur: as listed, else every n-th does, else as many as there are, spread evenly. */
static bool attends(const struct model_part *p, double layers, double layer)
{
    const double every = or_none(p->hybrid.full_attention_interval);
    const double some = or_none(p->hybrid.n_full_attention_layers);
    if (p->hybrid.attention_layers) return is_listed(p->hybrid.attention_layers, layer);
    if (every > 0) return fmod(layer + 1, every) == 0;
    return floor((layer + 1) * some / layers) > floor(layer * some / layers);
}

/* By its pattern, else one by one. */
static void recurrent(struct shape *s, const struct model_part *p)
{
    if (!p->hybrid.present || !s->arch || s->arch->recurrence == RECURRENCE_NONE) return;
    s->recurrent.kernel = or_none(p->hybrid.conv_kernel);
    if (s->arch->recurrence == RECURRENCE_SCAN || s->arch->recurrence == RECURRENCE_DUAL)
        state_space(s, p);
    else
        delta_rule(s, p);
    if (p->hybrid.layer_pattern) {
        patterned(s, p->hybrid.layer_pattern);
        return;
    }
    for (size_t i = 0; (double)i < s->layers; i++)
        if (!attends(p, s->layers, (double)i)) shape_recur(s, i);
}

/* The number of layers in "5 local : 1 global" after which the pattern begins anew; 0: it says none. */
static double period_of(const char *pattern)
{
    struct str rest = str_of(pattern ? pattern : "");
    const struct str first = str_cut(&rest, ' ');
    double local = 0;
    return str_starts(rest, S("local")) && str_f64(first, &local) ? local + 1 : 0;
}

/* Layers that see all and layers with a window differ in heads, and the last may attend to what others keep. */
static void unlike_layers(struct shape *s, const struct model_part *p)
{
    if (!s->arch || !s->arch->unlike_layers) return;
    s->window_period = period_of(p->sliding_pattern);
    s->whole.head_size = or_none(p->global_head_dim);
    s->whole.kv_heads = or_none(p->global_kv_heads);
    s->whole.keys_are_values = p->attention_k_eq_v;
    s->shared_layers = or_none(p->n_kv_shared_layers);
    if (p->shape.double_wide_ffn_on_shared) s->shared_ffn_width = 2 * s->ffn_width;
    s->layer_embedding = or_none(p->per_layer_embedding_dim);
    s->layer_scale = s->post_norms = true;
    s->norms_per_layer = 4;
    s->qk_norm = QK_NORM_HEAD;
    s->shared_width = 0;
    s->rope_tensors = 1;
    s->rope_factors = s->whole.head_size / 2;
}

/* Several streams beside each other, of which each layer works on one. */
static void streams(struct shape *s, const struct model_part *p)
{
    if (!s->arch || !(or_none(p->side_streams) > 0)) return;
    s->streams.count = p->side_streams;
    s->streams.rank = or_none(p->residual_rank);
    s->layer_embedding = or_none(p->per_layer_embedding_dim);
}

/* Behind the lead, layers that compress little and much take turns. */
static void compressed(struct shape *s, const struct model_part *p)
{
    if (!p->compressed.kind) return;
    const double lead = or_none(p->compressed.lead_layers);
    s->latent.q_rank = or_none(p->mla.q_lora_rank);
    indexer(s, p);
    s->compressed.groups = or_none(p->compressed.output_groups);
    s->compressed.rank = or_none(p->compressed.output_rank);
    s->compressed.rope = or_none(p->mla.qk_rope_head_dim);
    s->compressed.streams = or_none(p->compressed.streams);
    s->compressed.hashed_layers = or_none(p->compressed.hashed_layers);
    s->attention_sinks = true;
    s->window_period = s->layers + 1; /* every one */
    for (size_t i = 0; (double)i < s->layers; i++) {
        const double behind = (double)i - lead;
        const double turn = fmod(behind, 2) == 0 ? FINE_RATIO : COARSE_RATIO;
        shape_compress(s, i, behind < 0 ? or_none(p->compressed.lead_ratio) : turn);
    }
}

static void rotation(struct shape *s, const struct model_part *p)
{
    s->rope_tensors = is(p->rope_scaling, "llama3") ? 1 : is(p->rope_scaling, "longrope") ? 2 : 0;
    if (s->rope_tensors > 0) s->rope_factors = s->head_size / 2;
}

static bool has_rule(const char *kind)
{
    static const char *const ruled[] = {"dense",   "encoder",       "moe",         "mla_moe",
                                        "gpt_oss", "llama4",        "qwen_hybrid", "lfm2",
                                        "gemma4",  "gemma3n",       "deepseek4",   "mamba1",
                                        "mamba2",  "granitehybrid", "nemotron_h",  "jamba"};
    for (size_t i = 0; i < COUNT_OF(ruled); i++)
        if (is(kind, ruled[i])) return true;
    return false;
}

static bool lacks_recurrence(const struct shape *s)
{
    if (!s->arch || s->arch->recurrence == RECURRENCE_NONE) return false;
    return !(s->recurrent.kernel > 0) ||
           (s->arch->recurrence != RECURRENCE_CONVOLUTION && !(shape_state(s) > 0));
}

static const char *why_not(const struct shape *s, const char *kind, struct arena *a)
{
    if (s->arch && s->arch->unruled) return s->arch->unruled;
    if (s->layers <= 0) return "its shape is not known";
    if (lacks_recurrence(s)) return "the figures of its recurrent layers are not known";
    if (!kind) return "the catalogue lacks details of its layers";
    return has_rule(kind) ? shape_architecture_unruled(s, a) : "its kind of layers has no rule";
}

const char *shape_architecture_unruled(const struct shape *s, struct arena *a)
{
    if (s->arch) return s->arch->unruled;
    if (!s->arch_name) return "its architecture is not named";
    return str_format(a, "how llama.cpp runs the architecture %s is not known here", s->arch_name);
}

void shape_from_part(const struct model_part *part, const struct catalog *c, struct arena *a,
                     struct shape *out)
{
    struct shape s = {.arch_name = part->arch, .arch = catalog_architecture(c, str_of(part->arch))};
    figures(&s, part);
    flags(&s, part);
    experts(&s, part);
    latent(&s, part);
    recurrent(&s, part);
    rotation(&s, part);
    unlike_layers(&s, part);
    streams(&s, part);
    compressed(&s, part);
    if (is(part->shape.kind, "encoder")) encoder(&s);
    const double extra = or_none(part->shape.extra_params);
    s.sub_norms = extra > 0 && extra == s.layers * (s.width + s.ffn_width);
    s.unruled = why_not(&s, part->shape.kind, a);
    *out = s;
}

bool shape_layer_is_window(const struct shape *s, double layer)
{
    if (s->window_period <= 0 || s->window_tokens <= 0) return false;
    const double place = fmod(layer, s->window_period);
    return s->arch && s->arch->dense_first ? place > 0 : place < s->window_period - 1;
}

bool shape_layer_has_experts(const struct shape *s, double layer)
{
    if (s->arch && s->arch->one_part && !shape_layer_feeds(s, layer)) return false;
    return s->experts > 0 && layer >= s->dense_lead &&
           (s->expert_every <= 1 || fmod(layer + 1, s->expert_every) == 0);
}

/* The last layers that attend to what earlier ones keep. */
static double shared_layers(const struct shape *s)
{
    const double own = s->arch ? s->arch->own_caches : 0;
    return own > 0 ? most(s->layers - own, 0) : s->shared_layers;
}

bool shape_experts_biased(const struct shape *s)
{
    return s->experts > 0 && s->ffn_bias && !(s->arch && s->arch->encoder);
}

struct layer_sort shape_layer(const struct shape *s, double layer)
{
    return (struct layer_sort){.window = shape_layer_is_window(s, layer),
                               .experts = shape_layer_has_experts(s, layer),
                               .recurrent = shape_layer_recurs(s, layer),
                               .feeds = shape_layer_feeds(s, layer),
                               .shared = layer >= s->layers - shared_layers(s),
                               .bare = layer <= 0 && s->arch && s->arch->first_bare,
                               .fine = has_bit(s->compressed.fine, layer),
                               .coarse = has_bit(s->compressed.coarse, layer),
                               .hashed = layer < s->compressed.hashed_layers};
}

double shape_head_size(const struct shape *s, bool window)
{
    return !window && s->whole.head_size > 0 ? s->whole.head_size : s->head_size;
}

double shape_kv_heads(const struct shape *s, bool window)
{
    return !window && s->whole.kv_heads > 0 ? s->whole.kv_heads : s->kv_heads;
}

double shape_ffn_width(const struct shape *s, bool shared)
{
    return shared && s->shared_ffn_width > 0 ? s->shared_ffn_width : s->ffn_width;
}

bool shape_layer_recurs(const struct shape *s, double layer)
{
    return has_bit(s->recurrent.layer, layer);
}

void shape_recur(struct shape *s, size_t layer)
{
    set_bit(s->recurrent.layer, layer);
}

bool shape_layer_feeds(const struct shape *s, double layer)
{
    return has_bit(s->recurrent.feeds, layer);
}

void shape_feed(struct shape *s, size_t layer)
{
    set_bit(s->recurrent.feeds, layer);
}

bool shape_attends(const struct shape *s)
{
    for (size_t i = 0; (double)i < s->layers; i++)
        if (!shape_layer_recurs(s, (double)i) && !shape_layer_feeds(s, (double)i)) return true;
    return false;
}

void shape_compress(struct shape *s, size_t layer, double ratio)
{
    if (ratio == FINE_RATIO) set_bit(s->compressed.fine, layer);
    if (ratio == COARSE_RATIO) set_bit(s->compressed.coarse, layer);
}

double shape_convolved(const struct shape *s)
{
    const double kept = s->recurrent.kernel - 1;
    const double inner = s->recurrent.heads * s->recurrent.head_size;
    if (!(s->recurrent.kernel > 0) || !s->arch) return 0;
    return kept * (s->arch->recurrence == RECURRENCE_CONVOLUTION
                       ? s->width
                       : inner + 2 * s->recurrent.groups * s->recurrent.state);
}

bool shape_states_divide(const struct shape *s)
{
    const double head = s->recurrent.head_size, groups = s->recurrent.groups;
    const bool grouped = s->arch && s->arch->recurrence == RECURRENCE_DUAL;
    return head == floor(head) &&
           (!grouped || (groups > 0 && fmod(s->recurrent.heads * head, groups) == 0));
}

double shape_state(const struct shape *s)
{
    return s->recurrent.heads * s->recurrent.head_size * s->recurrent.state;
}
