/* model/outline.c - which tensors a transformer of a given shape has, with their dimensions, as llama.cpp v0.5.0 loads them
 * (src/llama-model.cpp, src/llama-arch.cpp for the names): embeddings, attention (separate, fused or latent), FFN (gated or not, dense
 * or experts, shared experts), layers that recur (gated delta rule, short convolution) and the vectors between them.
 *
 * Left out: adapters, vision towers and predictors of further tokens (llama.cpp skips them). */
#include "model/outline.h"
#include "catalog/architecture.h"

#include <string.h>

struct list {
    struct outline *out;
    size_t n;
};

static void add(struct list *l, const struct outline *o)
{
    l->out[l->n++] = *o;
}

static void vector(struct list *l, const char *name, double n)
{
    add(l, &(struct outline){name, {(uint64_t)n, 1, 1}, USE_VECTOR, CLASS_OTHER, true});
}

static void matrix(struct list *l, const char *name, enum tensor_class class_, double row,
                   double rows)
{
    add(l, &(struct outline){name, {(uint64_t)row, (uint64_t)rows, 1}, USE_MATRIX, class_, false});
}

static const struct norm_name {
    const char *name, *weight, *bias;
} norm_names[] = {
    {"attn_norm", "attn_norm.weight", "attn_norm.bias"},
    {"ffn_norm", "ffn_norm.weight", "ffn_norm.bias"},
    {"attn_norm_2", "attn_norm_2.weight", "attn_norm_2.bias"},
    {"attn_output_norm", "attn_output_norm.weight", "attn_output_norm.bias"},
    {"layer_output_norm", "layer_output_norm.weight", "layer_output_norm.bias"},
    {"post_attention_norm", "post_attention_norm.weight", "post_attention_norm.bias"},
    {"post_ffw_norm", "post_ffw_norm.weight", "post_ffw_norm.bias"},
    {"token_embd_norm", "token_embd_norm.weight", "token_embd_norm.bias"},
    {"output_norm", "output_norm.weight", "output_norm.bias"},
};

/* A norm by name; one that the table of architectures misspells is the usual one. */
static void norm(struct list *l, const struct shape *s, const char *called, const char *usual)
{
    const struct norm_name *named = NULL;
    for (size_t i = 0; i < COUNT_OF(norm_names); i++) {
        const struct norm_name *n = &norm_names[i];
        if (called && !strcmp(n->name, called)) named = n;
        if (!named && !strcmp(n->name, usual)) named = n;
    }
    vector(l, named->weight, s->width);
    if (s->norm_bias) vector(l, named->bias, s->width);
}

/* What scores cells for sparse attention: its keys follow the stream, its queries the rank of the layer's own. */
static void indexer(struct list *l, const struct shape *s)
{
    const double size = s->indexer.head_size;
    if (!(s->indexer.heads > 0)) return;
    matrix(l, "indexer.attn_q_b.weight", CLASS_OTHER, s->latent.q_rank, s->indexer.heads * size);
    matrix(l, "indexer.attn_k.weight", CLASS_ATTN_K, s->width, size);
    vector(l, "indexer.k_norm.weight", size);
    vector(l, "indexer.k_norm.bias", size);
    matrix(l, "indexer.proj.weight", CLASS_OTHER, s->width, s->indexer.heads);
}

static void latent_attention(struct list *l, const struct shape *s)
{
    const double query = s->heads * (s->latent.nope + s->latent.rope);
    if (s->latent.q_rank > 0) {
        matrix(l, "attn_q_a.weight", CLASS_OTHER, s->width, s->latent.q_rank);
        vector(l, "attn_q_a_norm.weight", s->latent.q_rank);
        matrix(l, "attn_q_b.weight", CLASS_OTHER, s->latent.q_rank, query);
    } else {
        matrix(l, "attn_q.weight", CLASS_ATTN_Q, s->width, query);
    }
    indexer(l, s);
    const uint64_t rank = (uint64_t)s->latent.kv_rank, heads = (uint64_t)s->heads;
    matrix(l, "attn_kv_a_mqa.weight", CLASS_OTHER, s->width, s->latent.kv_rank + s->latent.rope);
    vector(l, "attn_kv_a_norm.weight", s->latent.kv_rank);
    const uint64_t nope = (uint64_t)s->latent.nope, value = (uint64_t)s->latent.value;
    add(l,
        &(struct outline){"attn_k_b.weight", {nope, rank, heads}, USE_HEADS, CLASS_OTHER, false});
    add(l,
        &(struct outline){"attn_v_b.weight", {rank, value, heads}, USE_HEADS, CLASS_OTHER, false});
    matrix(l, "attn_output.weight", CLASS_ATTN_OUTPUT, s->heads * s->latent.value, s->width);
}

/* Rows of the matrices; value 0: there is none. */
struct projected {
    double query, key, value;
};

static void projections(struct list *l, const struct shape *s, const struct projected *p)
{
    if (s->fused_qkv) {
        matrix(l, "attn_qkv.weight", CLASS_ATTN_V, s->width, p->query + 2 * p->key);
        if (s->qkv_bias) vector(l, "attn_qkv.bias", p->query + 2 * p->key);
        return;
    }
    matrix(l, "attn_q.weight", CLASS_ATTN_Q, s->width, p->query);
    matrix(l, "attn_k.weight", CLASS_ATTN_K, s->width, p->key);
    if (p->value > 0) matrix(l, "attn_v.weight", CLASS_ATTN_V, s->width, p->value);
    if (!s->qkv_bias) return;
    vector(l, "attn_q.bias", p->query);
    vector(l, "attn_k.bias", p->key);
    vector(l, "attn_v.bias", p->value);
}

/* A layer that attends to an earlier one's cache has queries alone. */
static void shared_attention(struct list *l, const struct shape *s, struct layer_sort sort)
{
    const double head = shape_head_size(s, sort.window), query = s->heads * head;
    matrix(l, "attn_q.weight", CLASS_ATTN_Q, s->width, query);
    vector(l, "attn_q_norm.weight", head);
    matrix(l, "attn_output.weight", CLASS_ATTN_OUTPUT, query, s->width);
}

/* A table that is looked up layer by layer: rows of so many values. */
static void layer_table(struct list *l, const char *name, double row, double rows)
{
    add(l, &(struct outline){
               name, {(uint64_t)row, (uint64_t)rows, 1}, USE_LOOKUP, CLASS_OTHER, false});
}

/* What makes one cell of several. The fine ones look at twice as many. */
struct compressor {
    const char *kv, *gate, *table, *norm;
};
static void compressor(struct list *l, const struct shape *s, const struct compressor *names,
                       double size, bool fine)
{
    const double row = (fine ? 2 : 1) * size;
    matrix(l, names->kv, CLASS_OTHER, s->width, row);
    matrix(l, names->gate, CLASS_OTHER, s->width, row);
    layer_table(l, names->table, row, fine ? FINE_RATIO : COARSE_RATIO);
    vector(l, names->norm, size);
}

/* How the copies of the stream are mixed, before attention and before the feed-forward. */
static void mixed_streams(struct list *l, const struct shape *s)
{
    enum { SCALES = 3 };
    const double n = s->compressed.streams, mixes = (2 + n) * n;
    matrix(l, "hc_attn_fn.weight", CLASS_OTHER, n * s->width, mixes);
    vector(l, "hc_attn_base.weight", mixes);
    vector(l, "hc_attn_scale.weight", SCALES);
    matrix(l, "hc_ffn_fn.weight", CLASS_OTHER, n * s->width, mixes);
    vector(l, "hc_ffn_base.weight", mixes);
    vector(l, "hc_ffn_scale.weight", SCALES);
}

static void compressed_attention(struct list *l, const struct shape *s, struct layer_sort sort)
{
    static const struct compressor cells = {
        "attn_compressor_kv.weight", "attn_compressor_gate.weight", "attn_compressor_ape.weight",
        "attn_compressor_norm.weight"};
    static const struct compressor keys = {
        "indexer_compressor_kv.weight", "indexer_compressor_gate.weight",
        "indexer_compressor_ape.weight", "indexer_compressor_norm.weight"};
    const double head = s->head_size, query = s->heads * head, rank = s->latent.q_rank;
    const double groups = s->compressed.groups, inner = groups * s->compressed.rank;
    matrix(l, "attn_q_a.weight", CLASS_OTHER, s->width, rank);
    vector(l, "attn_q_a_norm.weight", rank);
    matrix(l, "attn_q_b.weight", CLASS_OTHER, rank, query);
    matrix(l, "attn_kv.weight", CLASS_OTHER, s->width, head);
    vector(l, "attn_kv_a_norm.weight", head);
    vector(l, "attn_sinks.weight", s->heads);
    add(l, &(struct outline){"attn_output_a.weight",
                             {(uint64_t)(query / groups), (uint64_t)inner, 1},
                             USE_HEADS,
                             CLASS_OTHER,
                             false});
    matrix(l, "attn_output_b.weight", CLASS_OTHER, inner, s->width);
    mixed_streams(l, s);
    if (sort.fine || sort.coarse) compressor(l, s, &cells, head, sort.fine);
    if (!sort.fine) return;
    matrix(l, "indexer.proj.weight", CLASS_OTHER, s->width, s->indexer.heads);
    matrix(l, "indexer.attn_q_b.weight", CLASS_OTHER, rank,
           s->indexer.heads * s->indexer.head_size);
    compressor(l, s, &keys, s->indexer.head_size, true);
}

static void attention(struct list *l, const struct shape *s, struct layer_sort sort)
{
    if (s->latent.kv_rank > 0) {
        latent_attention(l, s);
        return;
    }
    if (s->compressed.groups > 0) {
        compressed_attention(l, s, sort);
        return;
    }
    const double head = shape_head_size(s, sort.window), query = s->heads * head;
    const double key = shape_kv_heads(s, sort.window) * head;
    if (sort.shared && !(s->streams.count > 0)) {
        shared_attention(l, s, sort);
        return;
    }
    projections(l, s,
                &(struct projected){.query = s->arch && s->arch->gated_query ? 2 * query : query,
                                    .key = key,
                                    .value = s->whole.keys_are_values && !sort.window ? 0 : key});
    if (s->qk_norm != QK_NORM_NONE) {
        const bool full = s->qk_norm == QK_NORM_FULL;
        vector(l, "attn_q_norm.weight", full ? query : head);
        vector(l, "attn_k_norm.weight", full ? key : head);
    }
    if (s->sub_norms) vector(l, "attn_sub_norm.weight", query);
    if (s->attention_sinks) vector(l, "attn_sinks.weight", s->heads);
    matrix(l, "attn_output.weight", CLASS_ATTN_OUTPUT, query, s->width);
    if (s->attention_output_bias) vector(l, "attn_output.bias", s->width);
}

/* The gated delta rule: queries, keys and values through one convolution, then a state of a matrix a head. */
static void delta_rule(struct list *l, const struct shape *s)
{
    const double heads = s->recurrent.heads, inner = heads * s->recurrent.head_size;
    const double mixed = inner + 2 * s->recurrent.groups * s->recurrent.head_size;
    matrix(l, "attn_qkv.weight", CLASS_ATTN_V, s->width, mixed);
    matrix(l, "attn_gate.weight", CLASS_OTHER, s->width, inner);
    add(l, &(struct outline){"ssm_conv1d.weight",
                             {(uint64_t)s->recurrent.kernel, (uint64_t)mixed, 1},
                             USE_VECTOR,
                             CLASS_OTHER,
                             true});
    vector(l, "ssm_dt.bias", heads);
    vector(l, "ssm_a", heads);
    if (s->arch->fused_decay) {
        matrix(l, "ssm_ba.weight", CLASS_OTHER, s->width, 2 * heads);
    } else {
        matrix(l, "ssm_beta.weight", CLASS_OTHER, s->width, heads);
        matrix(l, "ssm_alpha.weight", CLASS_OTHER, s->width, heads);
    }
    vector(l, "ssm_norm.weight", s->recurrent.head_size);
    matrix(l, "ssm_out.weight", CLASS_OTHER, inner, s->width);
}

static void short_convolution(struct list *l, const struct shape *s)
{
    add(l, &(struct outline){"shortconv.conv.weight",
                             {(uint64_t)s->recurrent.kernel, (uint64_t)s->width, 1},
                             USE_VECTOR,
                             CLASS_OTHER,
                             true});
    matrix(l, "shortconv.in_proj.weight", CLASS_OTHER, s->width, 3 * s->width);
    matrix(l, "shortconv.out_proj.weight", CLASS_OTHER, s->width, s->width);
}

/* Rows without a name of their own ending: 32-bit whatever the mix. */
static void rows(struct list *l, const char *name, double row, double count)
{
    add(l, &(struct outline){
               name, {(uint64_t)row, (uint64_t)count, 1}, USE_VECTOR, CLASS_OTHER, true});
}

/* One step size and one state a value: in, the convolution, what the step depends on, the step, out. */
static void selective_scan(struct list *l, const struct shape *s)
{
    const double inner = s->recurrent.heads * s->recurrent.head_size;
    const double state = s->recurrent.state, rank = s->recurrent.rank;
    matrix(l, "ssm_in.weight", CLASS_OTHER, s->width, 2 * inner);
    rows(l, "ssm_conv1d.weight", s->recurrent.kernel, inner);
    vector(l, "ssm_conv1d.bias", inner);
    matrix(l, "ssm_x.weight", CLASS_OTHER, inner, rank + 2 * state);
    if (s->arch->scan_norms) {
        vector(l, "ssm_dt_norm.weight", rank);
        vector(l, "ssm_b_norm.weight", state);
        vector(l, "ssm_c_norm.weight", state);
    }
    matrix(l, "ssm_dt.weight", CLASS_OTHER, rank, inner);
    vector(l, "ssm_dt.bias", inner);
    rows(l, "ssm_a", state, inner);
    vector(l, "ssm_d", inner);
    matrix(l, "ssm_out.weight", CLASS_OTHER, inner, s->width);
}

/* One step size a head; gate, values, keys, queries and steps by one matrix. */
static void state_space_duality(struct list *l, const struct shape *s)
{
    const double heads = s->recurrent.heads, inner = heads * s->recurrent.head_size;
    const double groups = s->recurrent.groups, mixed = inner + 2 * groups * s->recurrent.state;
    matrix(l, "ssm_in.weight", CLASS_OTHER, s->width, inner + mixed + heads);
    rows(l, "ssm_conv1d.weight", s->recurrent.kernel, mixed);
    vector(l, "ssm_conv1d.bias", mixed);
    vector(l, "ssm_dt.bias", heads);
    rows(l, "ssm_a", 1, heads);
    rows(l, "ssm_d", 1, heads);
    rows(l, "ssm_norm.weight", groups > 0 ? inner / groups : inner, groups);
    matrix(l, "ssm_out.weight", CLASS_OTHER, inner, s->width);
}

static void recurrence(struct list *l, const struct shape *s)
{
    switch (s->arch ? s->arch->recurrence : RECURRENCE_NONE) {
    case RECURRENCE_DELTA: delta_rule(l, s); break;
    case RECURRENCE_CONVOLUTION: short_convolution(l, s); break;
    case RECURRENCE_SCAN: selective_scan(l, s); break;
    case RECURRENCE_DUAL: state_space_duality(l, s); break;
    case RECURRENCE_NONE: break;
    }
}

static void shared_expert(struct list *l, const struct shape *s)
{
    if (s->shared_gate) vector(l, "ffn_gate_inp_shexp.weight", s->width);
    if (s->gated_ffn) matrix(l, "ffn_gate_shexp.weight", CLASS_FFN_GATE, s->width, s->shared_width);
    matrix(l, "ffn_up_shexp.weight", CLASS_FFN_UP, s->width, s->shared_width);
    matrix(l, "ffn_down_shexp.weight", CLASS_FFN_DOWN, s->shared_width, s->width);
}

/* hashed: a table gives the experts of each token, so nothing chooses. */
static void experts_of(struct list *l, const struct shape *s, bool hashed)
{
    const uint64_t width = (uint64_t)s->width, inner = (uint64_t)s->expert_width,
                   n = (uint64_t)s->experts;
    const uint64_t seen = s->expert_input > 0 ? (uint64_t)s->expert_input : width;
    const struct outline experts[] = {
        {"ffn_gate_exps.weight", {seen, inner, n}, USE_EXPERTS, CLASS_FFN_GATE, false},
        {"ffn_up_exps.weight", {seen, inner, n}, USE_EXPERTS, CLASS_FFN_UP, false},
        {"ffn_down_exps.weight", {inner, seen, n}, USE_EXPERTS, CLASS_FFN_DOWN, false}};
    const struct outline biases[] = {
        {"ffn_gate_exps.bias", {inner, n, 1}, USE_VECTOR, CLASS_OTHER, true},
        {"ffn_up_exps.bias", {inner, n, 1}, USE_VECTOR, CLASS_OTHER, true},
        {"ffn_down_exps.bias", {width, n, 1}, USE_VECTOR, CLASS_OTHER, true}};
    add(l, &(struct outline){"ffn_gate_inp.weight", {width, n, 1}, USE_VECTOR, CLASS_OTHER, true});
    const char *router_bias = s->arch ? s->arch->router_bias : NULL;
    if (hashed)
        add(l, &(struct outline){"ffn_gate_tid2eid.weight",
                                 {(uint64_t)s->experts_used, (uint64_t)s->vocabulary, 1},
                                 USE_LOOKUP,
                                 CLASS_NUMBERS,
                                 false});
    else if (s->router_bias)
        vector(l, router_bias ? router_bias : "exp_probs_b.bias", s->experts);
    if (s->expert_input > 0) {
        matrix(l, "ffn_latent_down.weight", CLASS_OTHER, s->width, s->expert_input);
        matrix(l, "ffn_latent_up.weight", CLASS_OTHER, s->expert_input, s->width);
    }
    for (size_t i = !s->gated_ffn; i < COUNT_OF(experts); i++) add(l, &experts[i]);
    for (size_t i = !s->gated_ffn; shape_experts_biased(s) && i < COUNT_OF(biases); i++)
        add(l, &biases[i]);
    if (s->shared_width > 0) shared_expert(l, s);
}

static void dense_of(struct list *l, const struct shape *s, bool shared)
{
    const double inner = shape_ffn_width(s, shared);
    const double up = s->fused_gate_up ? 2 * inner : inner;
    const bool gate = s->gated_ffn && !s->fused_gate_up;
    if (gate) matrix(l, "ffn_gate.weight", CLASS_FFN_GATE, s->width, inner);
    matrix(l, "ffn_up.weight", CLASS_FFN_UP, s->width, up);
    if (s->sub_norms) vector(l, "ffn_sub_norm.weight", inner);
    matrix(l, "ffn_down.weight", CLASS_FFN_DOWN, inner, s->width);
    if (!s->ffn_bias) return;
    const bool behind_alone = gate && s->arch && s->arch->encoder;
    if (gate && !behind_alone) vector(l, "ffn_gate.bias", inner);
    if (!behind_alone) vector(l, "ffn_up.bias", up);
    vector(l, "ffn_down.bias", s->width);
}

/* What one layer has of its own besides: an embedding of the token, brought in through a gate, and a scale. */
static void own_embedding(struct list *l, const struct shape *s)
{
    if (s->layer_embedding > 0) {
        matrix(l, "inp_gate.weight", CLASS_OTHER, s->width, s->layer_embedding);
        matrix(l, "proj.weight", CLASS_OTHER, s->layer_embedding, s->width);
        vector(l, "post_norm.weight", s->width);
    }
    if (s->layer_scale) vector(l, "layer_output_scale.weight", 1);
}

static void kept_matrix(struct list *l, const char *name, double row, double rows)
{
    matrix(l, name, CLASS_KEPT, row, rows);
}

/* What predicts and corrects the streams, in 32 bits where it is small, and the learned way past attention. */
static void streams_of_layer(struct list *l, const struct shape *s)
{
    const double n = s->streams.count;
    if (!(n > 0)) return;
    const uint64_t few = (uint64_t)n;
    add(l, &(struct outline){
               "altup_correct_coef.weight", {few, few, 1}, USE_VECTOR, CLASS_OTHER, true});
    vector(l, "altup_correct_scale.weight", s->width);
    add(l, &(struct outline){
               "altup_predict_coef.weight", {few, few * few, 1}, USE_VECTOR, CLASS_OTHER, true});
    kept_matrix(l, "altup_router.weight", s->width, n);
    vector(l, "altup_router_norm.weight", s->width);
    kept_matrix(l, "laurel_l.weight", s->width, s->streams.rank);
    kept_matrix(l, "laurel_r.weight", s->streams.rank, s->width);
    vector(l, "laurel_post_norm.weight", s->width);
}

/* From one stream to the others, and back. */
static void streams_outside(struct list *l, const struct shape *s)
{
    static const char *const names[] = {"altup_proj.weight", "altup_unembd_proj.weight"};
    const uint64_t width = (uint64_t)s->width, others = (uint64_t)s->streams.count - 1;
    for (size_t i = 0; s->streams.count > 1 && i < COUNT_OF(names); i++)
        add(l, &(struct outline){names[i], {width, width, others}, USE_HEADS, CLASS_KEPT, false});
}

static void feed_forward(struct list *l, const struct shape *s, struct layer_sort sort)
{
    const bool beside = sort.experts && s->arch && s->arch->dense_beside;
    if (!sort.experts || beside) dense_of(l, s, sort.shared);
    if (sort.experts) experts_of(l, s, sort.hashed);
    if (!beside) return;
    vector(l, "ffn_gate_inp.scale", s->width);
    vector(l, "ffn_down_exps.scale", s->experts);
    vector(l, "pre_ffw_norm_2.weight", s->width);
    vector(l, "post_ffw_norm_1.weight", s->width);
    vector(l, "post_ffw_norm_2.weight", s->width);
}

/* A layer that recurs, attends or feeds forward. */
static size_t part_layer(const struct shape *s, struct layer_sort sort, struct outline *out)
{
    struct list l = {out, 0};
    norm(&l, s, NULL, "attn_norm");
    if (sort.recurrent)
        recurrence(&l, s);
    else if (sort.feeds)
        feed_forward(&l, s, sort);
    else
        attention(&l, s, sort);
    return l.n;
}

size_t outline_layer(const struct shape *s, struct layer_sort sort, struct outline *out)
{
    if (s->arch && s->arch->one_part) return part_layer(s, sort, out);
    struct list l = {out, 0};
    const bool after = s->arch && s->arch->norm_after;
    if (!after && !sort.bare) norm(&l, s, s->arch ? s->arch->first_norm : NULL, "attn_norm");
    if (sort.recurrent)
        recurrence(&l, s);
    else
        attention(&l, s, sort);
    if (after) norm(&l, s, NULL, "attn_output_norm");
    if (s->norms_per_layer >= 4) norm(&l, s, NULL, "post_attention_norm");
    if (!after && s->norms_per_layer >= 2)
        norm(&l, s, s->arch ? s->arch->second_norm : NULL, "ffn_norm");
    feed_forward(&l, s, sort);
    if (after) norm(&l, s, NULL, "layer_output_norm");
    if (s->norms_per_layer >= 4) norm(&l, s, NULL, "post_ffw_norm");
    own_embedding(&l, s);
    streams_of_layer(&l, s);
    return l.n;
}

/* Rows fetched by index that no mix touches. */
static void lookup(struct list *l, const struct shape *s, const char *name, double rows)
{
    if (rows <= 0) return;
    add(l, &(struct outline){
               name, {(uint64_t)s->width, (uint64_t)rows, 1}, USE_LOOKUP, CLASS_OTHER, true});
}

static void rope_factors(struct list *l, const struct shape *s)
{
    if (s->rope_tensors == 1) vector(l, "rope_freqs.weight", s->rope_factors);
    if (s->rope_tensors < 2) return;
    vector(l, "rope_factors_long.weight", s->rope_factors);
    vector(l, "rope_factors_short.weight", s->rope_factors);
}

static void layer_embeddings(struct list *l, const struct shape *s)
{
    const uint64_t all = (uint64_t)(s->layer_embedding * s->layers);
    const uint64_t words = (uint64_t)s->vocabulary, width = (uint64_t)s->width;
    add(l,
        &(struct outline){
            "per_layer_token_embd.weight", {all, words, 1}, USE_LOOKUP, CLASS_TOKEN_EMBD, false});
    add(l, &(struct outline){
               "per_layer_model_proj.weight", {width, all, 1}, USE_MATRIX, CLASS_KEPT, false});
    vector(l, "per_layer_proj_norm.weight", s->layer_embedding);
}

size_t outline_outside(const struct shape *s, struct outline *out)
{
    struct list l = {out, 0};
    const uint64_t width = (uint64_t)s->width, words = (uint64_t)s->vocabulary;
    add(&l, &(struct outline){
                "token_embd.weight", {width, words, 1}, USE_LOOKUP, CLASS_TOKEN_EMBD, false});
    lookup(&l, s, "position_embd.weight", s->learned_positions);
    lookup(&l, s, "token_types.weight", s->token_types);
    if (s->layer_embedding > 0) layer_embeddings(&l, s);
    streams_outside(&l, s);
    if (s->embedding_norm > 0) norm(&l, s, NULL, "token_embd_norm");
    rope_factors(&l, s);
    if (s->output_norm) norm(&l, s, s->arch ? s->arch->output_norm : NULL, "output_norm");
    if (s->compressed.streams > 0) {
        matrix(&l, "output_hc_fn.weight", CLASS_OTHER, s->compressed.streams * s->width,
               s->compressed.streams);
        vector(&l, "output_hc_base.weight", s->compressed.streams);
        vector(&l, "output_hc_scale.weight", 1);
    }
    if (!s->tied)
        add(&l,
            &(struct outline){"output.weight", {width, words, 1}, USE_OUTPUT, CLASS_OUTPUT, false});
    if (s->output_bias) vector(&l, "output.bias", s->vocabulary);
    return l.n;
}
