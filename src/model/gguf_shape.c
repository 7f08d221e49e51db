/* model/gguf_shape.c - the shape of a model from a GGUF header: figures from the metadata, flags from which tensors there are. What the
 * header does not say or says layer by layer in different figures leaves `unruled` set, with the reason.
 *
 * Keys and defaults as llama.cpp v0.5.0 reads them (src/llama-arch.cpp, src/llama-model.cpp). */
#include "base/arena.h"
#include "base/num.h"
#include "catalog/architecture.h"
#include "model/gguf.h"
#include "model/naming.h"

/* A figure past this is damage; it keeps every product within 64 bits. */
#define FIGURE_MOST 2147483647.0

struct making {
    const struct gguf *g;
    struct shape s;
    bool gate;    /* there is a gate matrix of its own */
    double norms; /* of one layer */
    double up_rows, expert_down_row, shared_down_row;
    double query_norm; /* entries */
    double key_matrices, value_matrices, indexers;
    double first_expert; /* layers before the first with experts */
};

static void because(struct shape *s, const char *why)
{
    if (!s->unruled) s->unruled = why;
}

/* Layers that recur have no heads of keys. */
static bool recurs(const struct making *k)
{
    return k->s.arch && k->s.arch->recurrence != RECURRENCE_NONE;
}

/* The figure, or `otherwise` when it is absent. One that differs by layer or is out of range leaves the shape unruled. */
static double figure(struct making *k, enum gguf_key key, double otherwise)
{
    const struct gguf_figure *f = &k->g->key[key];
    if (!f->present) return otherwise;
    const bool two = k->s.arch && k->s.arch->unlike_layers && !f->many;
    if ((f->differs && !two) || (f->zeros && f->value != 0 && !recurs(k)))
        because(&k->s, "its layers differ in heads or widths, for which there is no rule");
    if (f->value >= 0 && f->value <= FIGURE_MOST && f->value == floor(f->value)) return f->value;
    because(&k->s, "a figure in its header is out of range");
    return otherwise;
}

static void figures(struct making *k)
{
    struct shape *s = &k->s;
    s->layers = figure(k, GGUF_LAYERS, 0) - figure(k, GGUF_FURTHER_LAYERS, 0);
    s->width = figure(k, GGUF_WIDTH, 0);
    s->heads = figure(k, GGUF_HEADS, 0);
    s->kv_heads = figure(k, GGUF_KV_HEADS, s->heads);
    s->head_size = figure(k, GGUF_KEY_LENGTH, s->heads > 0 ? s->width / s->heads : 0);
    s->ffn_width = figure(k, GGUF_FFN_WIDTH, 0);
    s->context_tokens = figure(k, GGUF_CONTEXT, 0);
    s->window_tokens = figure(k, GGUF_WINDOW, 0);
    s->window_period = s->arch ? s->arch->window_period : 0;
    if (s->arch && s->arch->window_tokens > 0) s->window_tokens = s->arch->window_tokens;
    s->vocabulary = k->g->tokens > 0 ? k->g->tokens : figure(k, GGUF_VOCABULARY, 0);
    s->experts = figure(k, GGUF_EXPERTS, 0);
    if (figure(k, GGUF_KV_RANK, 0) <= 0 &&
        figure(k, GGUF_VALUE_LENGTH, s->head_size) != s->head_size)
        because(s, "its keys and values differ in length, for which there is no rule");
    const double pooling = figure(k, GGUF_POOLING, POOLING_NONE);
    if (pooling <= POOLING_RANK) s->pooling = (enum pooling)pooling;
}

static void latent(struct making *k)
{
    struct shape *s = &k->s;
    const double rank = figure(k, GGUF_KV_RANK, 0), key = figure(k, GGUF_KEY_LENGTH_MLA, 0);
    if (rank <= 0) return;
    s->latent.kv_rank = rank;
    s->latent.q_rank = figure(k, GGUF_Q_RANK, 0);
    s->latent.rope = figure(k, GGUF_ROPE_DIMENSIONS, 0);
    s->latent.nope = key - s->latent.rope;
    s->latent.value = figure(k, GGUF_VALUE_LENGTH_MLA, 0);
    s->head_size = key;
    s->kv_heads = s->heads;
    if (s->latent.nope <= 0 || s->latent.value <= 0)
        because(s, "the file was made before llama.cpp kept latent attention compressed; convert "
                   "it anew");
}

static void indexer(struct making *k)
{
    struct shape *s = &k->s;
    s->indexer.heads = figure(k, GGUF_INDEX_HEADS, 0);
    s->indexer.head_size = figure(k, GGUF_INDEX_SIZE, 0);
    s->indexer.chosen = figure(k, GGUF_INDEX_CHOSEN, 0);
    if (s->indexer.heads > 0 && !(s->indexer.head_size > 0 && s->indexer.chosen > 0))
        because(s, "its header does not give the figures of its indexer");
    if (s->indexer.heads > 0 && k->g->key[GGUF_OUTPUT_GROUPS].present) return;
    if (s->indexer.heads > 0 && k->indexers != s->layers)
        because(s, "some of its layers choose cells by the indexer of another, for which there is "
                   "no rule");
}

/* Which layers compress, and how much, is said by their tables. */
static void compressed(struct making *k)
{
    struct shape *s = &k->s;
    s->compressed.groups = figure(k, GGUF_OUTPUT_GROUPS, 0);
    if (!(s->compressed.groups > 0)) return;
    s->latent.q_rank = figure(k, GGUF_Q_RANK, 0);
    s->compressed.rank = figure(k, GGUF_OUTPUT_RANK, 0);
    s->compressed.rope = figure(k, GGUF_ROPE_DIMENSIONS, 0);
    s->compressed.streams = figure(k, GGUF_STREAMS, 0);
    s->compressed.hashed_layers = figure(k, GGUF_HASHED_LAYERS, 0);
    s->window_period = s->layers + 1;
}

/* Layers with a window come first, the others' heads are told beside theirs. */
static void unlike_layers(struct making *k)
{
    struct shape *s = &k->s;
    const struct gguf_figure *kv = &k->g->key[GGUF_KV_HEADS], *ffn = &k->g->key[GGUF_FFN_WIDTH];
    const struct gguf_figure *pattern = &k->g->key[GGUF_WINDOW_PATTERN];
    if (!s->arch || !s->arch->unlike_layers) return;
    s->whole.head_size = s->head_size;
    s->head_size = figure(k, GGUF_KEY_LENGTH_WINDOW, s->head_size);
    s->whole.kv_heads = kv->differs ? kv->other : s->kv_heads;
    s->shared_layers = figure(k, GGUF_SHARED_LAYERS, 0);
    s->shared_ffn_width = ffn->differs ? ffn->other : 0;
    s->layer_embedding = figure(k, GGUF_LAYER_EMBEDDING, 0);
    if (!pattern->list || !pattern->zeros)
        because(s, "which of its layers have a sliding window is not said layer by layer");
    s->window_period = pattern->first_zero + 1;
}

/* Counted by the tensors that mix them. */
static void streams(struct making *k)
{
    struct shape *s = &k->s;
    if (s->streams.count > 0) s->layer_embedding = figure(k, GGUF_LAYER_EMBEDDING, 0);
}

static void stream_tensor(struct making *k, const struct tensor *t, struct str name)
{
    if (str_is(name, "altup_router.weight")) k->s.streams.count = (double)t->dims[1];
    if (str_is(name, "attn_compressor_ape.weight"))
        shape_compress(&k->s, (size_t)t->layer, (double)t->dims[1]);
    if (str_is(name, "laurel_l.weight")) k->s.streams.rank = (double)t->dims[1];
}

static void recurrent(struct making *k)
{
    struct shape *s = &k->s;
    if (!recurs(k)) return;
    if (!k->g->key[GGUF_SHORT_KERNEL].present && !k->g->key[GGUF_CONV_KERNEL].present)
        because(s, "its header does not give the figures of its recurrent layers");
    if (s->arch->recurrence == RECURRENCE_CONVOLUTION) {
        s->recurrent.kernel = figure(k, GGUF_SHORT_KERNEL, 0);
        return;
    }
    const double inner = figure(k, GGUF_INNER, 0), rank = figure(k, GGUF_TIME_RANK, 0);
    const bool scan = s->arch->recurrence == RECURRENCE_SCAN;
    s->recurrent.kernel = figure(k, GGUF_CONV_KERNEL, 0);
    s->recurrent.state = figure(k, GGUF_STATE, 0);
    s->recurrent.groups = figure(k, GGUF_GROUPS, 0);
    s->recurrent.heads = scan ? inner : rank;
    s->recurrent.rank = scan ? rank : 0;
    s->recurrent.head_size = s->recurrent.heads > 0 ? inner / s->recurrent.heads : 0;
    if (s->arch->recurrence == RECURRENCE_DELTA && s->recurrent.head_size != s->recurrent.state)
        because(s, "its heads of states are not those of the gated delta rule");
    if (!(s->recurrent.head_size > 0) || !shape_states_divide(s))
        because(s, "its header does not give the figures of its recurrent layers");
}

static void outside(struct making *k, const struct tensor *t)
{
    struct shape *s = &k->s;
    const struct str name = t->name;
    const double row = (double)t->dims[0], rows = (double)t->dims[1];
    if (str_is(name, "output.weight")) s->tied = false;
    if (str_is(name, "output.bias")) s->output_bias = true;
    if (str_is(name, "output_norm.weight")) s->output_norm = true;
    if (str_is(name, "token_embd_norm.weight")) {
        const bool last = s->arch && s->arch->output_norm;
        if (last)
            s->output_norm = true;
        else
            s->embedding_norm = 1;
    }
    if (str_is(name, "position_embd.weight")) s->learned_positions = rows;
    if (str_is(name, "token_types.weight")) s->token_types = rows;
    if (str_is(name, "token_embd.weight") && s->vocabulary <= 0) s->vocabulary = rows;
    if (str_starts(name, S("rope_freqs.weight")) || str_starts(name, S("rope_factors_"))) {
        s->rope_factors = row;
        s->rope_tensors++;
    }
}

static void attention(struct making *k, const struct tensor *t, struct str name)
{
    struct shape *s = &k->s;
    if (str_is(name, "attn_qkv.weight") && !recurs(k)) s->fused_qkv = true;
    if (str_is(name, "attn_q.bias") || str_is(name, "attn_qkv.bias")) s->qkv_bias = true;
    if (str_is(name, "attn_output.bias")) s->attention_output_bias = true;
    if (str_is(name, "attn_sinks.weight")) s->attention_sinks = true;
    if (str_is(name, "attn_sub_norm.weight")) s->sub_norms = true;
    if (str_is(name, "attn_v.weight")) k->value_matrices++;
    if (str_is(name, "attn_k.weight")) k->key_matrices++;
    if (str_is(name, "indexer.attn_k.weight")) k->indexers += t->layer < s->layers;
    if (str_is(name, "layer_output_scale.weight")) s->layer_scale = true;
    if (str_is(name, "attn_q_norm.weight")) k->query_norm = (double)t->dims[0] * (double)t->dims[1];
    if (str_is(name, "attn_norm.bias") || str_is(name, "attn_output_norm.bias"))
        s->norm_bias = true;
}

/* A layer that recurs is known by the tensors of its convolution. */
static void recurrence(struct making *k, const struct tensor *t, struct str name)
{
    if (recurs(k) && (str_is(name, "ssm_conv1d.weight") || str_is(name, "shortconv.conv.weight")))
        shape_recur(&k->s, (size_t)t->layer);
}

static void feed_forward(struct making *k, const struct tensor *t, struct str name)
{
    struct shape *s = &k->s;
    if (s->arch && s->arch->one_part && str_starts(name, S("ffn_")))
        shape_feed(s, (size_t)t->layer);
    if (str_is(name, "ffn_gate.weight") || str_is(name, "ffn_gate_exps.weight")) k->gate = true;
    if (str_is(name, "ffn_gate_up_exps.weight")) k->gate = true;
    if (str_is(name, "ffn_up.weight")) k->up_rows = (double)t->dims[1];
    if (str_is(name, "ffn_down.bias") || str_is(name, "ffn_up_exps.bias")) s->ffn_bias = true;
    if (str_is(name, "ffn_gate_inp.bias") || str_is(name, "exp_probs_b.bias"))
        s->router_bias = true;
    if (str_is(name, "ffn_gate_inp_shexp.weight")) s->shared_gate = true;
    if (str_is(name, "ffn_down_exps.weight")) {
        k->expert_down_row = (double)t->dims[0];
        k->first_expert = least(k->first_expert, t->layer);
    }
    if (str_is(name, "ffn_down_shexp.weight")) k->shared_down_row = (double)t->dims[0];
}

/* A norm between the parts of a layer, not one inside attention or FFN. */
static bool is_layer_norm(struct str name)
{
    return str_ends(name, S("norm.weight")) || str_ends(name, S("norm_2.weight"))
               ? !str_has(name, S("_q_")) && !str_has(name, S("_k_")) &&
                     !str_has(name, S("_sub_")) && !str_has(name, S("_kv_")) &&
                     !str_has(name, S("ssm_")) && !str_has(name, S("_ffw_norm_")) &&
                     !str_is(name, "post_norm.weight") && !str_has(name, S("altup_")) &&
                     !str_starts(name, S("indexer.")) && !str_has(name, S("compressor_")) &&
                     !str_has(name, S("laurel_"))
               : false;
}

static void from_tensors(struct making *k, const struct tensor *t, size_t n)
{
    const int32_t usual = k->s.arch && k->s.arch->first_bare; /* a layer like most */
    k->s.tied = true;
    for (size_t i = 0; i < n; i++) {
        const struct str name = naming_of(&t[i]);
        if (t[i].layer < 0) {
            outside(k, &t[i]);
        } else {
            attention(k, &t[i], name);
            recurrence(k, &t[i], name);
            feed_forward(k, &t[i], name);
            stream_tensor(k, &t[i], name);
        }
        if (t[i].layer == usual && is_layer_norm(name)) k->norms++;
    }
    k->s.norms_per_layer = k->norms;
    k->s.post_norms = k->norms >= 4;
}

static void feed_forward_shape(struct making *k)
{
    struct shape *s = &k->s;
    s->fused_gate_up = !k->gate && s->ffn_width > 0 && k->up_rows == 2 * s->ffn_width;
    s->gated_ffn = k->gate || s->fused_gate_up;
}

static void experts(struct making *k)
{
    struct shape *s = &k->s;
    if (s->experts <= 0) return;
    s->experts_used = figure(k, GGUF_EXPERTS_USED, 0);
    s->expert_width = k->expert_down_row;
    s->dense_lead = figure(k, GGUF_DENSE_LEAD, 0);
    const bool by_place =
        s->dense_lead <= 0 && k->first_expert < s->layers && !(s->arch && s->arch->one_part);
    s->expert_every =
        figure(k, GGUF_EXPERT_EVERY,
               figure(k, GGUF_ENCODER_EXPERT_EVERY, by_place ? k->first_expert + 1 : 1));
    s->shared_width = k->shared_down_row;
    s->expert_input = figure(k, GGUF_EXPERT_INPUT, 0);
}

static void attention_shape(struct making *k)
{
    struct shape *s = &k->s;
    const double norm = k->query_norm;
    s->qk_norm = norm <= 0                                                   ? QK_NORM_NONE
                 : norm == s->head_size || norm == shape_head_size(s, false) ? QK_NORM_HEAD
                                                                             : QK_NORM_FULL;
    s->whole.keys_are_values = k->value_matrices < k->key_matrices;
    const struct gguf_figure *pattern = &k->g->key[GGUF_WINDOW_PATTERN];
    if (pattern->present && !pattern->list && s->arch && s->window_tokens > 0 &&
        s->arch->window_period > 0 && pattern->value != s->arch->window_period)
        because(s, "its sliding windows follow another pattern than llama.cpp's own");
}

/* Does each layer hold what the figures say? */
static void compare(struct shape *s, const struct tensor *t, size_t n)
{
    double layers = 0;
    for (size_t i = 0; i < n;) {
        const int32_t layer = t[i].layer;
        bool has_experts = false;
        for (; i < n && t[i].layer == layer; i++) has_experts |= t[i].use == USE_EXPERTS;
        if (layer < 0 || layer >= s->layers) continue;
        layers++;
        if (has_experts != shape_layer_has_experts(s, layer))
            because(s, "its expert layers are not where its header says");
    }
    if (layers != s->layers) because(s, "layers that its header counts are not in the file");
}

void gguf_shape(const struct gguf *g, const struct tensor *tensor, size_t tensors,
                const struct catalog *c, struct arena *a, struct shape *out)
{
    struct making k = {.g = g, .first_expert = FIGURE_MOST};
    struct shape *s = &k.s;
    s->arch_name = str_visible(a, g->architecture);
    s->arch = catalog_architecture(c, g->architecture);
    s->unruled = shape_architecture_unruled(s, a);
    figures(&k);
    from_tensors(&k, tensor, tensors);
    latent(&k);
    indexer(&k);
    compressed(&k);
    unlike_layers(&k);
    streams(&k);
    recurrent(&k);
    attention_shape(&k);
    feed_forward_shape(&k);
    experts(&k);
    const bool heads = (s->heads > 0 && s->kv_heads > 0) || (recurs(&k) && !shape_attends(s));
    if (s->layers <= 0 || s->width <= 0 || !heads)
        because(s, "its header does not give the figures of a transformer");
    compare(s, tensor, tensors);
    for (size_t i = 0; i < tensors; i++)
        s->parameters += (double)tensor[i].dims[0] * (double)tensor[i].dims[1] *
                         (double)tensor[i].dims[2] * (double)tensor[i].dims[3];
    *out = *s;
}
