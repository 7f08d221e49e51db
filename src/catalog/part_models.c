/* catalog/part_models.c - models by name, from data/models.json.
 *
 * A name is looked for as it stands (hf_id, the part of it behind the organisation, aliases: Ollama's name:tag among them), then without
 * an organisation in front, and last without endings that do not change the shape (-instruct, :latest ...), on either side. A better
 * claim hides lesser ones: an hf_id wins over an alias. Several rows with the same claim are all named; the first of the file, the
 * most used, is taken. A format in a name (-Q4_K_M) is not cut off: it is a question of its own. */
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/table.h"

#include <math.h>

enum { RANK_ID, RANK_SHORT_ID, RANK_ALIAS, RANK_LOOSE };

struct models {
    struct model_part *row;
    size_t count;
    struct names names;
};

static const struct field mla_field[] = {
    ROW_NUMBER(model_part, "q_lora_rank", mla.q_lora_rank),
    ROW_NUMBER(model_part, "kv_lora_rank", mla.kv_lora_rank),
    ROW_NUMBER(model_part, "qk_nope_head_dim", mla.qk_nope_head_dim),
    ROW_NUMBER(model_part, "qk_rope_head_dim", mla.qk_rope_head_dim),
    ROW_NUMBER(model_part, "v_head_dim", mla.v_head_dim),
    ROW_NUMBER(model_part, "index_n_heads", mla.index_n_heads),
    ROW_NUMBER(model_part, "index_head_dim", mla.index_head_dim),
    ROW_NUMBER(model_part, "index_topk", mla.index_topk),
};
static const struct fields mla_fields = ROW_FIELDS(model_part, mla_field);

static const struct field compressed_field[] = {
    ROW_TEXT(model_part, "kind", compressed.kind),
    ROW_NUMBER(model_part, "output_groups", compressed.output_groups),
    ROW_NUMBER(model_part, "output_rank", compressed.output_rank),
    ROW_NUMBER(model_part, "streams", compressed.streams),
    ROW_NUMBER(model_part, "hashed_layers", compressed.hashed_layers),
    ROW_NUMBER(model_part, "lead_layers", compressed.lead_layers),
    ROW_NUMBER(model_part, "lead_ratio", compressed.lead_ratio),
};
static const struct fields compressed_fields = ROW_FIELDS(model_part, compressed_field);

static const struct field hybrid_field[] = {
    ROW_TEXT(model_part, "kind", hybrid.kind),
    ROW_TEXT(model_part, "attention_layers", hybrid.attention_layers),
    ROW_NUMBER(model_part, "n_full_attention_layers", hybrid.n_full_attention_layers),
    ROW_NUMBER(model_part, "n_linear_layers", hybrid.n_linear_layers),
    ROW_NUMBER(model_part, "full_attention_interval", hybrid.full_attention_interval),
    ROW_NUMBER(model_part, "linear_key_heads", hybrid.linear_key_heads),
    ROW_NUMBER(model_part, "linear_value_heads", hybrid.linear_value_heads),
    ROW_NUMBER(model_part, "linear_head_dim", hybrid.linear_head_dim),
    ROW_NUMBER(model_part, "conv_kernel", hybrid.conv_kernel),
    ROW_NUMBER(model_part, "d_inner", hybrid.d_inner),
    ROW_NUMBER(model_part, "d_state", hybrid.d_state),
    ROW_NUMBER(model_part, "dt_rank", hybrid.dt_rank),
    ROW_NUMBER(model_part, "n_groups", hybrid.n_groups),
    ROW_NUMBER(model_part, "n_ssm_heads", hybrid.n_ssm_heads),
    ROW_TEXT(model_part, "layer_pattern", hybrid.layer_pattern),
};
static const struct fields hybrid_fields = ROW_FIELDS(model_part, hybrid_field);

static const struct field shape_field[] = {
    ROW_TEXT(model_part, "kind", shape.kind),
    ROW_TEXT(model_part, "qk_norm", shape.qk_norm),
    ROW_FLAG(model_part, "gated_ffn", shape.gated_ffn),
    ROW_FLAG(model_part, "qkv_bias", shape.qkv_bias),
    ROW_FLAG(model_part, "attn_output_bias", shape.attn_output_bias),
    ROW_FLAG(model_part, "ffn_bias", shape.ffn_bias),
    ROW_FLAG(model_part, "norm_bias", shape.norm_bias),
    ROW_FLAG(model_part, "output_bias", shape.output_bias),
    ROW_FLAG(model_part, "pooler", shape.pooler),
    ROW_FLAG(model_part, "has_output_matrix", shape.has_output_matrix),
    ROW_FLAG(model_part, "router_bias", shape.router_bias),
    ROW_FLAG(model_part, "shared_gate", shape.shared_gate),
    ROW_FLAG(model_part, "final_norm", shape.final_norm),
    ROW_FLAG(model_part, "double_wide_ffn_on_shared", shape.double_wide_ffn_on_shared),
    ROW_NUMBER(model_part, "norms_per_layer", shape.norms_per_layer),
    ROW_NUMBER(model_part, "learned_positions", shape.learned_positions),
    ROW_NUMBER(model_part, "embedding_norm", shape.embedding_norm),
    ROW_NUMBER(model_part, "token_types", shape.token_types),
    ROW_NUMBER(model_part, "extra_params", shape.extra_params),
};
static const struct fields shape_fields = ROW_FIELDS(model_part, shape_field);

static const struct field published_field[] = {
    ROW_TEXT(model_part, "type", published.type),
    ROW_TEXT(model_part, "part", published.part),
    ROW_NUMBER(model_part, "bits", published.bits),
    ROW_NUMBER(model_part, "scale_bits", published.scale_bits),
    ROW_NUMBER(model_part, "group", published.group),
};
static const struct fields published_fields = ROW_FIELDS(model_part, published_field);

static const struct field rope_field[] = {ROW_TEXT(model_part, "type", rope_scaling)};
static const struct fields rope_fields = ROW_FIELDS(model_part, rope_field);
static const struct field quality_field[] = {ROW_NUMBER(model_part, "mmlu", mmlu)};
static const struct fields quality_fields = ROW_FIELDS(model_part, quality_field);

static const struct field model_field[] = {
    ROW_TEXT(model_part, "hf_id", hf_id),
    ROW_TEXT(model_part, "family", family),
    ROW_TEXT(model_part, "arch", arch),
    ROW_TEXT(model_part, "license", license),
    ROW_TEXT(model_part, "release", release),
    ROW_TEXT(model_part, "task", task),
    ROW_TEXT(model_part, "modality", modality),
    ROW_TEXT(model_part, "confidence", confidence),
    ROW_TEXT(model_part, "source", source),
    ROW_TEXT(model_part, "note", note),
    ROW_TEXTS(model_part, "aliases", aliases, alias_count),
    ROW_NUMBER(model_part, "params_total", params_total),
    ROW_NUMBER(model_part, "params_text", params_text),
    ROW_NUMBER(model_part, "params_active", params_active),
    ROW_NUMBER(model_part, "params_computed", params_computed),
    ROW_NUMBER(model_part, "params_published", params_published),
    ROW_NUMBER(model_part, "n_layers", n_layers),
    ROW_NUMBER(model_part, "d_model", d_model),
    ROW_NUMBER(model_part, "n_heads", n_heads),
    ROW_NUMBER(model_part, "n_kv_heads", n_kv_heads),
    ROW_NUMBER(model_part, "head_dim", head_dim),
    ROW_NUMBER(model_part, "d_ff", d_ff),
    ROW_NUMBER(model_part, "vocab_size", vocab_size),
    ROW_NUMBER(model_part, "max_context", max_context),
    ROW_NUMBER(model_part, "n_experts", n_experts),
    ROW_NUMBER(model_part, "n_experts_used", n_experts_used),
    ROW_NUMBER(model_part, "d_ff_expert", d_ff_expert),
    ROW_NUMBER(model_part, "n_shared_experts", n_shared_experts),
    ROW_NUMBER(model_part, "d_ff_shared_expert", d_ff_shared_expert),
    ROW_NUMBER(model_part, "first_dense_layers", first_dense_layers),
    ROW_NUMBER(model_part, "moe_layer_step", moe_layer_step),
    ROW_NUMBER(model_part, "expert_latent_dim", expert_latent_dim),
    ROW_NUMBER(model_part, "sliding_window", sliding_window),
    ROW_NUMBER(model_part, "global_head_dim", global_head_dim),
    ROW_NUMBER(model_part, "global_kv_heads", global_kv_heads),
    ROW_NUMBER(model_part, "n_kv_shared_layers", n_kv_shared_layers),
    ROW_NUMBER(model_part, "per_layer_embedding_dim", per_layer_embedding_dim),
    ROW_NUMBER(model_part, "side_streams", side_streams),
    ROW_NUMBER(model_part, "residual_rank", residual_rank),
    ROW_FLAG(model_part, "attention_k_eq_v", attention_k_eq_v),
    ROW_TEXT(model_part, "sliding_pattern", sliding_pattern),
    ROW_FLAG(model_part, "tied_embeddings", tied_embeddings),
    ROW_FLAG(model_part, "gated", gated),
    ROW_TEXT(model_part, "native_quant", native_quant),
    ROW_NUMBER(model_part, "embedding_dim", embedding_dim),
    ROW_TEXT(model_part, "native_mix", native_mix),
    ROW_MAP("published", published_fields),
    ROW_MAP("rope_scaling", rope_fields),
    ROW_MAP("mla", mla_fields),
    ROW_MAP("compressed", compressed_fields),
    ROW_MAP("hybrid", hybrid_fields),
    ROW_MAP("shape", shape_fields),
    ROW_MAP("quality", quality_fields),
};
static const struct fields model_fields = ROW_FIELDS(model_part, model_field);

/* ---- figures ---- */

/* No model has more: what a shape is computed from stays whole, and its products finite. The last row is for all others. */
static const struct {
    const char *starts;
    double most;
} bounds[] = {
    {"params", 1e18},
    {"extra_params", 1e18},
    {"max_context", 0x1p31},
    {"sliding_window", 0x1p31},
    {"learned_positions", 0x1p31},
    {"n_layers", 4096},
    {"n_full_attention_layers", 4096},
    {"n_linear_layers", 4096},
    {"first_dense_layers", 4096},
    {"moe_layer_step", 4096},
    {"norms_per_layer", 4096},
    {"", 0x1p24},
};

static bool figure_checked(const struct field *f, const struct json *j, struct mu_err *err)
{
    double x;
    size_t i = 0;
    if (!json_number(j, &x)) return true; /* fields_read says what is wrong with its kind */
    while (!str_starts(str_of(f->name), str_of(bounds[i].starts))) i++;
    return (x >= 0 && x <= bounds[i].most && x == floor(x)) ||
           err_set(err, MU_DATA, "%s is %g; it takes a whole number from 0 to %.0f", f->name, x,
                   bounds[i].most);
}

static bool figures_checked(const struct fields *t, const struct json *row, struct mu_err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct field *f = &t->field[i];
        const struct json *j = json_get(row, f->name);
        if (f->kind == FIELD_NUMBER && !figure_checked(f, j, err)) return false;
        if (f->kind == FIELD_STRUCT && f->of != &quality_fields && !figures_checked(f->of, j, err))
            return false;
    }
    return true;
}

static bool row_checked(const struct json *row, struct mu_err *err)
{
    return figures_checked(&model_fields, row, err);
}

/* ---- spellings ---- */

static struct str without_organisation(struct str name)
{
    size_t from = name.n;
    while (from && name.p[from - 1] != '/') from--;
    return (struct str){name.p + from, name.n - from};
}

/* The name without organisation and without endings that say how a model was trained or packed, which its shape does not depend on. */
static struct str loose(struct str name)
{
    static const char *const endings[] = {"instruct", "it", "chat", "latest", "hf", "gguf"};
    struct str s = without_organisation(name);
    for (;;) {
        size_t n = s.n;
        while (n && !byte_is_word(s.p[n - 1])) n--;
        size_t from = n;
        while (from && byte_is_word(s.p[from - 1])) from--;
        bool ending = false;
        for (size_t i = 0; i < COUNT_OF(endings); i++)
            ending =
                ending || str_eq_nocase((struct str){s.p + from, n - from}, str_of(endings[i]));
        if (!ending || !from) return s;
        s.n = from;
    }
}

static void add_names(struct names *names, const struct model_part *m, size_t row)
{
    const struct str id = str_of(m->hf_id);
    names_add(names, m->hf_id, row, RANK_ID);
    names_add(names, str_copy(names->arena, without_organisation(id)), row, RANK_SHORT_ID);
    names_add(names, str_copy(names->arena, loose(id)), row, RANK_LOOSE);
    for (size_t i = 0; i < m->alias_count; i++) {
        names_add(names, m->aliases[i], row, RANK_ALIAS);
        names_add(names, str_copy(names->arena, loose(str_of(m->aliases[i]))), row, RANK_LOOSE);
    }
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    static const struct row_kind kind = {"entries", &model_fields,
                                         offsetof(struct model_part, hf_id), row_checked};
    struct sheets s = {.count = 0};
    struct rows rows;
    if (!sheets_open(c, "models.json", &s, err)) return NULL;
    const bool whole = sheets_rows(c, &s, &kind, &rows, err);
    sheets_close(&s);
    if (!whole) return NULL;
    struct models *all = NEW(c->arena, struct models);
    *all = (struct models){rows.row, rows.count, names_new(c->arena)};
    for (size_t i = 0; i < all->count; i++) {
        struct model_part *m = &all->row[i];
        m->mla.present = !isnan(m->mla.kv_lora_rank);
        m->hybrid.present = m->hybrid.kind != NULL;
        add_names(&all->names, m, i);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_models(const struct catalog *c, const struct model_part **out, size_t *count,
                    struct mu_err *err)
{
    const struct models *all = part_once(c, PART_MODELS, load, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

enum catalog_match catalog_model(const struct catalog *c, struct str name,
                                 const struct model_part **out, const char **others)
{
    const struct models *all = part_once(c, PART_MODELS, load, NULL);
    const struct str tries[] = {name, without_organisation(name), loose(name)};
    const struct spelling *first = NULL;
    size_t n = 0;
    for (size_t i = 0; all && !n && i < COUNT_OF(tries); i++)
        n = names_find(&all->names, tries[i], &first);
    if (!n) return MATCH_NONE;
    *out = &all->row[first->row];
    const char *rest = "";
    for (size_t i = 1; i < n; i++)
        rest = str_format(c->arena, "%s%s%s", rest,
                          i == 1       ? ""
                          : i + 1 == n ? " and "
                                       : ", ",
                          all->row[first[i].row].hf_id);
    if (others) *others = n > 1 ? rest : NULL;
    return n > 1 ? MATCH_SEVERAL : MATCH_ONE;
}

/* Near is at most a third of the letters changed. */
const char *catalog_model_near(const struct catalog *c, struct str name)
{
    const struct models *all = part_once(c, PART_MODELS, load, NULL);
    const struct str plain = str_of(str_plain(c->arena, without_organisation(name)));
    const struct spelling *best = NULL;
    size_t least_edits = plain.n / 3 + 1;
    for (size_t i = 0; all && i < all->names.count; i++) {
        const struct spelling *s = &all->names.entry[i];
        const size_t edits = str_distance(plain, str_of(s->plain));
        if (s->rank == RANK_ID || s->rank == RANK_LOOSE || edits >= least_edits) continue;
        least_edits = edits;
        best = s;
    }
    return best ? best->text : NULL;
}
