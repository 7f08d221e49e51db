/* model/hf_config.c - config.json of a model folder: its figures become a row as the catalogue holds them, and the shape follows from that
 * row by the catalogue's own rules. Which model_type is which architecture, and what its keys are called where they are called otherwise,
 * is data (data/hf_architectures.json).
 *
 * The text part of a model with several is taken (text_config and its like). Left out: vision and audio parts, predictors of further
 * tokens, adapters, and configurations that need code of their own to be read. */
#include "model/hf_config.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/hf_architecture.h"
#include "catalog/parts.h"
#include "model/hf_count.h"
#include "model/hf_layers.h"

#include <math.h>
#include <string.h>

enum { SPELLINGS = 4, LAYERS_MOST = 4096 };
#define WIDTH_MOST 0x1p24
#define TOKENS_MOST 0x1p31

struct reading {
    const char *name;          /* of the file */
    const struct json *config; /* its text part, where it has several */
    const struct hf_architecture *type;
    struct arena *a;
    struct mu_err *err;
    struct model_part part;
    double padded_positions, sub_norms;
    double ssm_head_dim,
        expand; /* of a state space: values of a head, inner width by the model's */
    const char *refused;
    const char *arch, *kind; /* where its rules name others than its type's; NULL */
};

enum member_kind { MEMBER_NUMBER, MEMBER_FLAG };
struct member {
    const char *name;
    enum member_kind kind;
    size_t offset; /* in struct reading */
    double most;
    const char *usual[SPELLINGS]; /* spellings, tried in order */
};
#define PART(member) (offsetof(struct reading, part) + offsetof(struct model_part, member))
#define FLAG(member)                                 \
    {                                                \
#member, MEMBER_FLAG, PART(shape.member), 1, \
        {                                            \
            NULL                                     \
        }                                            \
    }
static const struct member members[] = {
    {"n_layers",
     MEMBER_NUMBER,
     PART(n_layers),
     LAYERS_MOST,
     {"num_hidden_layers", "n_layer", "num_layers"}},
    {"d_model", MEMBER_NUMBER, PART(d_model), WIDTH_MOST, {"hidden_size", "n_embd", "d_model"}},
    {"n_heads", MEMBER_NUMBER, PART(n_heads), WIDTH_MOST, {"num_attention_heads", "n_head"}},
    {"n_kv_heads",
     MEMBER_NUMBER,
     PART(n_kv_heads),
     WIDTH_MOST,
     {"num_key_value_heads", "num_kv_heads"}},
    {"head_dim", MEMBER_NUMBER, PART(head_dim), WIDTH_MOST, {"head_dim"}},
    {"d_ff", MEMBER_NUMBER, PART(d_ff), WIDTH_MOST, {"intermediate_size"}},
    {"vocab_size", MEMBER_NUMBER, PART(vocab_size), WIDTH_MOST, {"vocab_size"}},
    {"max_context", MEMBER_NUMBER, PART(max_context), TOKENS_MOST, {"max_position_embeddings"}},
    {"n_experts",
     MEMBER_NUMBER,
     PART(n_experts),
     WIDTH_MOST,
     {"num_local_experts", "num_experts", "n_routed_experts"}},
    {"n_experts_used",
     MEMBER_NUMBER,
     PART(n_experts_used),
     WIDTH_MOST,
     {"num_experts_per_tok", "num_experts_per_token"}},
    {"d_ff_expert", MEMBER_NUMBER, PART(d_ff_expert), WIDTH_MOST, {"moe_intermediate_size"}},
    {"n_shared_experts", MEMBER_NUMBER, PART(n_shared_experts), WIDTH_MOST, {"n_shared_experts"}},
    {"d_ff_shared_expert",
     MEMBER_NUMBER,
     PART(d_ff_shared_expert),
     WIDTH_MOST,
     {"shared_expert_intermediate_size"}},
    {"first_dense_layers",
     MEMBER_NUMBER,
     PART(first_dense_layers),
     LAYERS_MOST,
     {"first_k_dense_replace", "num_dense_layers"}},
    {"moe_layer_step", MEMBER_NUMBER, PART(moe_layer_step), LAYERS_MOST, {NULL}},
    {"sliding_window", MEMBER_NUMBER, PART(sliding_window), TOKENS_MOST, {"sliding_window"}},
    {"global_head_dim", MEMBER_NUMBER, PART(global_head_dim), WIDTH_MOST, {"global_head_dim"}},
    {"global_kv_heads",
     MEMBER_NUMBER,
     PART(global_kv_heads),
     WIDTH_MOST,
     {"num_global_key_value_heads"}},
    {"shared_layers",
     MEMBER_NUMBER,
     PART(n_kv_shared_layers),
     LAYERS_MOST,
     {"num_kv_shared_layers"}},
    {"layer_embedding",
     MEMBER_NUMBER,
     PART(per_layer_embedding_dim),
     WIDTH_MOST,
     {"hidden_size_per_layer_input"}},
    {"output_groups", MEMBER_NUMBER, PART(compressed.output_groups), WIDTH_MOST, {"o_groups"}},
    {"output_rank", MEMBER_NUMBER, PART(compressed.output_rank), WIDTH_MOST, {"o_lora_rank"}},
    {"mixed_streams", MEMBER_NUMBER, PART(compressed.streams), LAYERS_MOST, {"hc_mult"}},
    {"hashed_layers",
     MEMBER_NUMBER,
     PART(compressed.hashed_layers),
     LAYERS_MOST,
     {"num_hash_layers"}},
    {"lead_layers", MEMBER_NUMBER, PART(compressed.lead_layers), LAYERS_MOST, {NULL}},
    {"lead_ratio", MEMBER_NUMBER, PART(compressed.lead_ratio), LAYERS_MOST, {NULL}},
    {"side_streams", MEMBER_NUMBER, PART(side_streams), LAYERS_MOST, {"altup_num_inputs"}},
    {"residual_rank", MEMBER_NUMBER, PART(residual_rank), WIDTH_MOST, {"laurel_rank"}},
    {"keys_are_values", MEMBER_FLAG, PART(attention_k_eq_v), 1, {"attention_k_eq_v"}},
    {"wide_shared_ffn",
     MEMBER_FLAG,
     PART(shape.double_wide_ffn_on_shared),
     1,
     {"use_double_wide_mlp"}},
    {"q_lora_rank", MEMBER_NUMBER, PART(mla.q_lora_rank), WIDTH_MOST, {"q_lora_rank"}},
    {"kv_lora_rank", MEMBER_NUMBER, PART(mla.kv_lora_rank), WIDTH_MOST, {"kv_lora_rank"}},
    {"qk_nope_head_dim",
     MEMBER_NUMBER,
     PART(mla.qk_nope_head_dim),
     WIDTH_MOST,
     {"qk_nope_head_dim"}},
    {"qk_rope_head_dim",
     MEMBER_NUMBER,
     PART(mla.qk_rope_head_dim),
     WIDTH_MOST,
     {"qk_rope_head_dim"}},
    {"v_head_dim", MEMBER_NUMBER, PART(mla.v_head_dim), WIDTH_MOST, {"v_head_dim"}},
    {"index_heads", MEMBER_NUMBER, PART(mla.index_n_heads), WIDTH_MOST, {"index_n_heads"}},
    {"index_size", MEMBER_NUMBER, PART(mla.index_head_dim), WIDTH_MOST, {"index_head_dim"}},
    {"index_chosen", MEMBER_NUMBER, PART(mla.index_topk), TOKENS_MOST, {"index_topk"}},
    {"key_heads",
     MEMBER_NUMBER,
     PART(hybrid.linear_key_heads),
     WIDTH_MOST,
     {"linear_num_key_heads"}},
    {"value_heads",
     MEMBER_NUMBER,
     PART(hybrid.linear_value_heads),
     WIDTH_MOST,
     {"linear_num_value_heads"}},
    {"state_size",
     MEMBER_NUMBER,
     PART(hybrid.linear_head_dim),
     WIDTH_MOST,
     {"linear_key_head_dim"}},
    {"conv_kernel",
     MEMBER_NUMBER,
     PART(hybrid.conv_kernel),
     WIDTH_MOST,
     {"linear_conv_kernel_dim", "conv_L_cache", "conv_kernel", "mamba_d_conv"}},
    {"d_inner", MEMBER_NUMBER, PART(hybrid.d_inner), WIDTH_MOST, {NULL}},
    {"d_state",
     MEMBER_NUMBER,
     PART(hybrid.d_state),
     WIDTH_MOST,
     {"state_size", "mamba_d_state", "ssm_state_size"}},
    {"dt_rank",
     MEMBER_NUMBER,
     PART(hybrid.dt_rank),
     WIDTH_MOST,
     {"time_step_rank", "mamba_dt_rank"}},
    {"n_groups", MEMBER_NUMBER, PART(hybrid.n_groups), WIDTH_MOST, {"n_groups", "mamba_n_groups"}},
    {"n_ssm_heads",
     MEMBER_NUMBER,
     PART(hybrid.n_ssm_heads),
     WIDTH_MOST,
     {"mamba_n_heads", "mamba_num_heads"}},
    {"ssm_head_dim",
     MEMBER_NUMBER,
     offsetof(struct reading, ssm_head_dim),
     WIDTH_MOST,
     {"mamba_d_head", "mamba_head_dim"}},
    {"expand",
     MEMBER_NUMBER,
     offsetof(struct reading, expand),
     WIDTH_MOST,
     {"mamba_expand", "expand"}},
    {"expert_latent_dim", MEMBER_NUMBER, PART(expert_latent_dim), WIDTH_MOST, {"moe_latent_size"}},
    {"attention_every",
     MEMBER_NUMBER,
     PART(hybrid.full_attention_interval),
     LAYERS_MOST,
     {"full_attention_interval"}},
    {"token_types", MEMBER_NUMBER, PART(shape.token_types), WIDTH_MOST, {"type_vocab_size"}},
    {"learned_positions", MEMBER_NUMBER, PART(shape.learned_positions), TOKENS_MOST, {NULL}},
    {"norms_per_layer", MEMBER_NUMBER, PART(shape.norms_per_layer), 4, {NULL}},
    {"embedding_norm", MEMBER_NUMBER, PART(shape.embedding_norm), 1, {NULL}},
    {"padded_positions",
     MEMBER_NUMBER,
     offsetof(struct reading, padded_positions),
     LAYERS_MOST,
     {NULL}},
    {"sub_norms", MEMBER_NUMBER, offsetof(struct reading, sub_norms), 1, {NULL}},
    {"tied_embeddings", MEMBER_FLAG, PART(tied_embeddings), 1, {"tie_word_embeddings"}},
    FLAG(gated_ffn),
    FLAG(qkv_bias),
    FLAG(attn_output_bias),
    FLAG(ffn_bias),
    FLAG(norm_bias),
    FLAG(output_bias),
    FLAG(router_bias),
    FLAG(shared_gate),
    FLAG(final_norm),
};

static const struct member *member_named(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_is(name, members[i].name)) return &members[i];
    return NULL;
}

static double *number_at(struct reading *r, const struct member *m)
{
    return (double *)(void *)((char *)r + m->offset);
}

static bool *flag_at(struct reading *r, const struct member *m)
{
    return (bool *)(void *)((char *)r + m->offset);
}

static bool wrong(struct reading *r, const char *key, double most)
{
    return err_set(r->err, MU_DATA, "cannot use %s: %s is not a whole number from 0 to %.0f",
                   r->name, str_visible(r->a, str_of(key)), most);
}

/* Widths that some architectures give layer by layer. */
static const struct json *first_of(struct reading *r, const struct json *list)
{
    double first = 0, other;
    if (!json_number(json_at(list, 0), &first)) return NULL;
    for (size_t i = 1; i < json_count(list) && i < LAYERS_MOST; i++)
        if ((!json_number(json_at(list, i), &other) || other != first) && !r->refused)
            r->refused = "its layers differ in heads or widths, for which there is no rule";
    return json_at(list, 0);
}

/* The figure under a spelling, when it is there and not null. */
static bool take(struct reading *r, const struct member *m, const char *key)
{
    const struct json *j = json_get(r->config, key);
    double x;
    bool set;
    struct str word;
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (json_text(j, &word) && str_is(word, "auto")) return true; /* follows from others */
    if (m->kind == MEMBER_FLAG) {
        if (!json_bool(j, &set))
            return err_set(r->err, MU_DATA, "cannot use %s: %s is neither true nor false", r->name,
                           key);
        *flag_at(r, m) = set;
        return true;
    }
    if (json_kind(j) == JSON_LIST_KIND) j = first_of(r, j);
    if (!json_number(j, &x) || !(x >= 0 && x <= m->most) || x != floor(x))
        return wrong(r, key, m->most);
    *number_at(r, m) = x;
    return true;
}

static bool is_there(const struct reading *r, const char *key)
{
    return json_kind(json_get(r->config, key)) != JSON_NULL_KIND;
}

/* "member=rest" */
static const struct member *assigned(const char *text, struct str *rest)
{
    *rest = str_of(text);
    return member_named(str_trim(str_cut(rest, '=')));
}

/* By the spellings of its type, else by the usual ones. */
static bool read_member(struct reading *r, const struct member *m)
{
    bool usual = true;
    for (size_t i = 0; i < r->type->key_count; i++) {
        struct str key;
        if (assigned(r->type->keys[i], &key) != m) continue;
        if (!key.n) usual = false;
        if (key.n && is_there(r, key.p)) return take(r, m, key.p);
    }
    for (size_t i = 0; usual && i < SPELLINGS && m->usual[i]; i++)
        if (is_there(r, m->usual[i])) return take(r, m, m->usual[i]);
    return true;
}

/* A value of the table: a word, a number, a multiple of another member, a spelling. Of refusals the first stands, until one without words
 * takes it back. */
static bool set_member(struct reading *r, struct str name, struct str value)
{
    const struct member *m = member_named(name), *of;
    struct str rest = value;
    double x = 0, times = 0;
    if (str_is(name, "qk_norm")) {
        r->part.shape.qk_norm = str_copy(r->a, value);
        return true;
    }
    if (str_is(name, "refuse")) {
        if (!r->refused || !value.n) r->refused = value.n ? str_copy(r->a, value) : NULL;
        return true;
    }
    if (str_is(name, "arch") || str_is(name, "kind")) {
        *(str_is(name, "arch") ? &r->arch : &r->kind) = str_copy(r->a, value);
        return true;
    }
    if (!m)
        return err_set(r->err, MU_DATA, "hf_architectures.json: %s: %.*s is no member",
                       r->type->name, STR_ARG(name));
    if (m->kind == MEMBER_FLAG) {
        *flag_at(r, m) = !str_is(value, "0");
        return true;
    }
    if (str_f64(value, &x)) {
        *number_at(r, m) = x;
        return true;
    }
    if (str_f64(str_cut(&rest, '*'), &times) && (of = member_named(rest)) != NULL) {
        *number_at(r, m) = times * *number_at(r, of);
        return true;
    }
    return take(r, m, str_copy(r->a, value));
}

/* What the configuration does not say; multiples come behind what they are multiples of. */
static bool defaults(struct reading *r, bool multiples)
{
    for (size_t i = 0; i < r->type->set_count; i++) {
        struct str value = str_of(r->type->sets[i]);
        const struct str name = str_trim(str_cut(&value, '='));
        const struct member *m = member_named(name);
        if (str_has(value, S("*")) != multiples) continue;
        if (multiples && m && !isnan(*number_at(r, m))) continue;
        if (!set_member(r, name, value)) return false;
    }
    return true;
}

/* "key" is true or a number above 0, "!key" is false, "key=word" is that word. */
static bool holds(const struct reading *r, struct str condition)
{
    struct str word = condition, text;
    bool set;
    double number;
    const bool negated = str_starts(condition, S("!"));
    const struct str key = str_cut(&word, '=');
    if (word.p)
        return json_text(json_get(r->config, str_copy(r->a, key)), &text) && str_eq(text, word);
    if (negated) condition = (struct str){condition.p + 1, condition.n - 1};
    const struct json *j = json_get(r->config, str_copy(r->a, condition));
    if (json_number(j, &number)) return !negated && number > 0;
    return json_bool(j, &set) && set != negated;
}

/* "condition: member=value" */
static bool rules(struct reading *r)
{
    for (size_t i = 0; i < r->type->rule_count; i++) {
        struct str rest = str_of(r->type->rules[i]);
        if (!holds(r, str_trim(str_cut(&rest, ':')))) continue;
        const struct str name = str_trim(str_cut(&rest, '='));
        if (!set_member(r, name, str_trim(rest))) return false;
    }
    return true;
}

static bool figures(struct reading *r)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].kind == MEMBER_NUMBER) *number_at(r, &members[i]) = (double)NAN;
    r->padded_positions = r->sub_norms = 0;
    if (!defaults(r, false)) return false;
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (!read_member(r, &members[i])) return false;
    return defaults(r, true) && rules(r);
}

/* The inner width by its heads or by the model's width; steps of as many values as mamba_ssm takes when it is told "auto". */
static void finish_state_space(struct reading *r)
{
    enum { WIDTH_OF_RANK = 16 };
    struct model_part *p = &r->part;
    if (isnan(p->hybrid.d_inner)) p->hybrid.d_inner = p->hybrid.n_ssm_heads * r->ssm_head_dim;
    if (isnan(p->hybrid.d_inner)) p->hybrid.d_inner = r->expand * p->d_model;
    if (isnan(p->hybrid.dt_rank)) p->hybrid.dt_rank = ceil(p->d_model / WIDTH_OF_RANK);
    p->hybrid.present = p->hybrid.conv_kernel > 0;
}

/* Figures that a row of the catalogue has and no configuration does. */
static void finish_part(struct reading *r)
{
    struct model_part *p = &r->part;
    finish_state_space(r);
    p->arch = r->arch ? r->arch : r->type->arch;
    p->shape.kind = r->kind ? r->kind : r->type->kind;
    p->params_total = p->params_text = p->shape.extra_params = (double)NAN;
    p->mla.present = !isnan(p->mla.kv_lora_rank);
    if (p->compressed.output_groups > 0) p->compressed.kind = "by list";
    if (r->padded_positions > 0 && p->max_context > r->padded_positions)
        p->max_context -= r->padded_positions;
    if (r->sub_norms > 0) p->shape.extra_params = p->n_layers * (p->d_model + p->d_ff);
}

/* rope_scaling, or rope_parameters as later versions call it. */
static const struct json *rotation(const struct reading *r, const char **kind)
{
    static const char *const maps[] = {"rope_scaling", "rope_parameters"};
    *kind = NULL;
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        const struct json *map = json_get(r->config, maps[i]);
        struct str type;
        if (!json_text(json_get(map, "rope_type"), &type) &&
            !json_text(json_get(map, "type"), &type))
            continue;
        if (str_is(type, "llama3")) *kind = "llama3";
        if (str_is(type, "longrope") || str_is(type, "su")) *kind = "longrope";
        return map;
    }
    return NULL;
}

static void because(struct shape *s, const char *why)
{
    if (!s->unruled) s->unruled = why;
}

static void refuse(struct reading *r, const char *why)
{
    if (!r->refused) r->refused = why;
}

static bool has(const char *letters, char which)
{
    return strchr(letters, which) != NULL;
}

/* Layers of all parts where they have several; of one part each, they feed forward in one way. */
static bool has_rule(const char *letters, bool one_part)
{
    const bool sparse = has(letters, 'E'), dense = has(letters, '-');
    return one_part ? !(sparse && dense) : !sparse && !dense;
}

/* What it is where nothing recurs. */
static void plain(struct reading *r)
{
    struct model_part *p = &r->part;
    if (!r->type->plain_arch) return;
    p->arch = r->type->plain_arch;
    p->shape.kind = "dense";
    if (p->n_experts > 0) refuse(r, hf_other_layers);
}

/* Which of its layers recur, where it says so. */
static void layer_pattern(struct reading *r, const struct architecture *arch)
{
    struct model_part *p = &r->part;
    const size_t layers = p->n_layers >= 1 ? (size_t)p->n_layers : 0;
    if (!arch || arch->recurrence == RECURRENCE_NONE || !layers) return;
    const char *why;
    const char *letters = hf_layers(r->config, layers, r->a, &why);
    if (why) refuse(r, why);
    if (!letters) {
        if (arch->one_part && p->n_heads > 0)
            refuse(r, "it does not say which of its layers attend");
        return;
    }
    p->hybrid.layer_pattern = letters;
    if (!has_rule(letters, arch->one_part)) refuse(r, hf_other_layers);
    if (arch->one_part && !has(letters, 'E')) p->n_experts = (double)NAN;
    if (!has(letters, 'M')) plain(r);
}

/* Do its sliding layers lie where llama.cpp expects them? */
static void windows(const struct reading *r, struct shape *s)
{
    const struct json *types = json_get(r->config, "layer_types");
    struct str first;
    if (s->arch && s->arch->unlike_layers) /* up to the first that sees all */
        for (s->window_period = 1;
             json_text(json_at(types, (size_t)s->window_period - 1), &first) &&
             str_is(first, "sliding_attention");)
            s->window_period++;
    const double period = s->window_period;
    double given;
    if (period <= 0 || s->window_tokens <= 0) return;
    if ((json_number(json_get(r->config, "sliding_window_pattern"), &given) ||
         json_number(json_get(r->config, "global_attn_every_n_layers"), &given)) &&
        given != period)
        because(s, "its sliding windows follow another pattern than llama.cpp's own");
    for (size_t i = 0; i < json_count(types) && i < (size_t)s->layers; i++) {
        struct str type;
        if (!json_text(json_at(types, i), &type) ||
            str_is(type, "sliding_attention") != shape_layer_is_window(s, (double)i))
            because(s, "its sliding windows follow another pattern than llama.cpp's own");
    }
}

/* How much each layer compresses, where a list says so. */
static void compressions(const struct reading *r, struct shape *s)
{
    const struct json *ratios = json_get(r->config, "compress_ratios");
    if (!(s->compressed.groups > 0)) return;
    if (json_count(ratios) < (size_t)s->layers)
        because(s, "its configuration does not say how much each layer compresses");
    memset(s->compressed.fine, 0, sizeof s->compressed.fine);
    memset(s->compressed.coarse, 0, sizeof s->compressed.coarse);
    for (size_t i = 0; i < json_count(ratios) && i < (size_t)s->layers; i++) {
        double ratio = -1;
        if (!json_number(json_at(ratios, i), &ratio) ||
            (ratio != 0 && ratio != FINE_RATIO && ratio != COARSE_RATIO))
            because(s, "a layer compresses as much as llama.cpp has no graph for");
        shape_compress(s, i, ratio);
    }
}

/* Layers that take the choice of another's indexer. */
static void indexers(const struct reading *r, struct shape *s)
{
    const struct json *types = json_get(r->config, "indexer_types");
    if (s->indexer.heads > 0 && !(s->indexer.head_size > 0 && s->indexer.chosen > 0))
        because(s, "its configuration does not give the figures of its indexer");
    for (size_t i = 0; i < json_count(types) && i < LAYERS_MOST; i++) {
        struct str type;
        if (!json_text(json_at(types, i), &type) || !str_is(type, "full"))
            because(s, "some of its layers choose cells by the indexer of another, for which there "
                       "is no rule");
    }
}

static bool whole(double x)
{
    return x >= 0 && x == floor(x);
}

static bool has_figures(const struct shape *s)
{
    const bool heads = s->heads > 0 && s->kv_heads > 0 && whole(s->head_size) && s->head_size > 0;
    return s->layers > 0 && s->width > 0 && s->vocabulary > 0 && (heads || !shape_attends(s));
}

static void check_experts(const struct reading *r, struct shape *s)
{
    double offset;
    if (json_count(json_get(r->config, "mlp_only_layers")))
        because(s, "its expert layers follow a list, for which there is no rule");
    if (s->experts > 0 && (s->expert_width <= 0 || s->experts_used <= 0))
        because(s, "its configuration does not give the figures of its experts");
    if (s->dense_lead < s->layers && s->experts <= 0 && s->latent.kv_rank > 0)
        because(s, "its configuration does not give the figures of its experts");
    if (s->experts > 0 && json_number(json_get(r->config, "expert_layer_offset"), &offset) &&
        offset != s->expert_every - 1)
        because(s, "its expert layers are placed in a way for which there is no rule");
}

static void check(const struct reading *r, struct shape *s)
{
    because(s, r->refused);
    if (!has_figures(s)) because(s, "its configuration does not give the figures of a transformer");
    if (s->recurrent.kernel > 0 && !shape_states_divide(s))
        because(s, "its states do not divide evenly by heads and groups");
    check_experts(r, s);
    windows(r, s);
    indexers(r, s);
    compressions(r, s);
}

/* ---- which part, which type ---- */

/* The text part of a model with several; the configuration itself when it has no such part. */
static const struct json *text_part(const struct json *root)
{
    static const char *const inner[] = {"text_config", "llm_config", "language_config"};
    for (size_t i = 0; i < COUNT_OF(inner); i++) {
        const struct json *part = json_get(root, inner[i]);
        if (json_kind(part) == JSON_MAP_KIND && json_count(part)) return part;
    }
    return root;
}

static bool known_type(struct reading *r, const struct json *root, const struct catalog *c,
                       struct str *type)
{
    if (!json_text(json_get(r->config, "model_type"), type) &&
        !json_text(json_get(root, "model_type"), type))
        return err_set(r->err, MU_DATA,
                       "cannot use %s: it names no model_type, so it is not known which model it "
                       "configures",
                       r->name);
    r->type = catalog_hf_architecture(c, *type);
    if (r->type) return true;
    if (!catalog_sound(c, r->err)) return false;
    const char *near = catalog_hf_architecture_near(c, *type);
    return err_set(r->err, MU_DATA,
                   "cannot use %s: the model_type %s is not known here; the nearest known is %s",
                   r->name, str_visible(r->a, *type), near ? near : "none");
}

/* ---- the whole ---- */

/* Models of several parts say for the whole whether their embedding is tied. */
static void tied(struct reading *r, const struct json *root)
{
    bool set;
    if (!is_there(r, "tie_word_embeddings") &&
        json_bool(json_get(root, "tie_word_embeddings"), &set))
        r->part.tied_embeddings = set;
}

static bool make_shape(struct reading *r, const struct json *root, const struct catalog *c,
                       struct shape *out)
{
    if (!figures(r)) return false;
    tied(r, root);
    finish_part(r);
    const struct json *scaling = rotation(r, &r->part.rope_scaling);
    const double wide = hf_block_width(r->config);
    if (wide > 0 && wide <= WIDTH_MOST) r->part.d_ff = wide;
    layer_pattern(r, catalog_architecture(c, str_of(r->type->arch)));
    shape_from_part(&r->part, c, r->a, out);
    const double factors = (double)json_count(json_get(scaling, "long_factor"));
    if (out->rope_tensors > 1 && factors > 0 && factors <= WIDTH_MOST) out->rope_factors = factors;
    check(r, out);
    return true;
}

/* torch_dtype, which transformers 4.56 and newer write as dtype. */
static const char *dtype_of(const struct json *config, const struct json *root, struct arena *a)
{
    static const char *const keys[] = {"dtype", "torch_dtype"};
    enum { WORD_MOST = 32 };
    struct str text;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if ((json_text(json_get(root, keys[i]), &text) ||
             json_text(json_get(config, keys[i]), &text)) &&
            text.n <= WORD_MOST)
            return str_visible(a, text);
    return NULL;
}

bool hf_config_read(struct str bytes, const char *name, const struct catalog *c, struct arena *a,
                    struct hf_config *out, struct mu_err *err)
{
    struct json *root = NULL;
    struct str type = {NULL, 0};
    const char *shown = str_visible(a, str_of(name));
    if (!json_parse(bytes, shown, &root, err)) return false;
    struct reading *r = NEW(a, struct reading);
    *r = (struct reading){.name = shown, .config = text_part(root), .a = a, .err = err};
    struct hf_config made = {.model_type = NULL};
    bool read = json_kind(root) == JSON_MAP_KIND ||
                err_set(err, MU_DATA, "cannot use %s: it is not a configuration", shown);
    read = read && known_type(r, root, c, &type) && make_shape(r, root, c, &made.shape);
    if (read) {
        made.model_type = str_visible(a, type);
        made.checked = r->type->checked;
        hf_quantization_read(r->config, root, a, &made.quantization);
        made.dtype = dtype_of(r->config, root, a);
        const struct hf_counting counting = {r->config, r->type->kind, &made.shape, c, a};
        made.parameters = r->refused ? 0 : hf_count(&counting);
        read = arena_within(a, err);
    }
    json_free(root);
    if (read) *out = made;
    return read;
}
