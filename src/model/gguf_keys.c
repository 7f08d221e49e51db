/* model/gguf_keys.c - the metadata that llama.cpp v0.5.0 reads when it loads a model: figures of the shape under the names of
 * model/gguf.h, and what an architecture wants besides (data/architectures.json, "keys"), with values that leave the same nodes in its
 * graph as the real ones.
 *
 * From src/llama-model.cpp (load_hparams) and the load_arch_hparams of each file in src/models. Left out: everything that changes
 * results only (rotation bases, scales of positions, token ids). */
#include "model/gguf_keys.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/architecture.h"

#include <string.h>

/* Types of values, from the GGUF specification. */
enum { GGUF_U32 = 4, GGUF_I32 = 5, GGUF_F32 = 6, GGUF_BOOL = 7, GGUF_TEXT = 8, GGUF_LIST = 9 };
enum { GATING_SIGMOID = 2, GATING_SOFTPLUS = 4, LIST_MOST = 8, QUANTIZATION_VERSION = 2 };
#define NORM_EPSILON 1e-5

void bytes_u32(struct buf *to, uint32_t x)
{
    char raw[4];
    for (size_t i = 0; i < sizeof raw; i++) raw[i] = (char)(x >> (8 * i) & 0xff);
    buf_add(to, (struct str){raw, sizeof raw});
}

void bytes_u64(struct buf *to, uint64_t x)
{
    bytes_u32(to, (uint32_t)(x & 0xffffffff));
    bytes_u32(to, (uint32_t)(x >> 32));
}

void bytes_text(struct buf *to, struct str s)
{
    bytes_u64(to, s.n);
    buf_add(to, s);
}

static void bytes_f32(struct buf *to, double x)
{
    const float value = (float)x;
    uint32_t raw;
    memcpy(&raw, &value, sizeof raw);
    bytes_u32(to, raw);
}

/* A key of the architecture's own, and the type of what follows. */
static void key(struct gguf_pairs *p, struct str name, uint32_t type)
{
    const size_t prefix = strlen(p->architecture);
    bytes_u64(p->to, prefix + 1 + name.n);
    buf_add(p->to, str_of(p->architecture));
    buf_char(p->to, '.');
    buf_add(p->to, name);
    bytes_u32(p->to, type);
    p->count++;
}

static void general(struct gguf_pairs *p, const char *name, uint32_t type)
{
    bytes_text(p->to, str_of(name));
    bytes_u32(p->to, type);
    p->count++;
}

static void pair_text(struct gguf_pairs *p, const char *name, const char *value)
{
    general(p, name, GGUF_TEXT);
    bytes_text(p->to, str_of(value));
}

static void figure(struct gguf_pairs *p, const char *name, double x)
{
    key(p, str_of(name), GGUF_U32);
    bytes_u32(p->to, (uint32_t)x);
}

static void figure_if(struct gguf_pairs *p, const char *name, double x)
{
    if (x > 0) figure(p, name, x);
}

static void flag(struct gguf_pairs *p, struct str name, bool x)
{
    key(p, name, GGUF_BOOL);
    buf_char(p->to, x ? 1 : 0);
}

static void real(struct gguf_pairs *p, struct str name, double x)
{
    key(p, name, GGUF_F32);
    bytes_f32(p->to, x);
}

/* ---- what the architecture wants besides: "logit_scale=8.0", "rope.dimension_sections=24,20,20,0" ---- */

static bool list_of(struct str s, double *item, size_t *count)
{
    *count = 0;
    while (s.p) {
        if (*count == LIST_MOST || !str_f64(str_cut(&s, ','), &item[*count])) return false;
        ++*count;
    }
    return true;
}

static void list(struct gguf_pairs *p, struct str name, const double *item, size_t count)
{
    key(p, name, GGUF_LIST);
    bytes_u32(p->to, GGUF_I32);
    bytes_u64(p->to, count);
    for (size_t i = 0; i < count; i++) bytes_u32(p->to, (uint32_t)(int32_t)item[i]);
}

static void wanted(struct gguf_pairs *p, const char *text)
{
    struct str value = str_of(text);
    const struct str name = str_cut(&value, '=');
    double item[LIST_MOST] = {0};
    size_t count = 0;
    if (str_is(value, "true") || str_is(value, "false")) {
        flag(p, name, str_is(value, "true"));
    } else if (!list_of(value, item, &count)) {
        key(p, name, GGUF_TEXT);
        bytes_text(p->to, value);
    } else if (count > 1) {
        list(p, name, item, count);
    } else if (str_has(value, S("."))) {
        real(p, name, item[0]);
    } else {
        key(p, name, GGUF_U32);
        bytes_u32(p->to, (uint32_t)(int32_t)item[0]);
    }
}

/* ---- figures of the shape ---- */

/* A figure of each layer. */
static void by_layer(struct gguf_pairs *p, struct str name, const struct shape *s,
                     double (*at)(const struct shape *s, double layer))
{
    key(p, name, GGUF_LIST);
    bytes_u32(p->to, GGUF_I32);
    bytes_u64(p->to, (uint64_t)s->layers);
    for (size_t i = 0; (double)i < s->layers; i++) bytes_u32(p->to, (uint32_t)at(s, (double)i));
}

/* None where a layer recurs or only feeds forward. */
static double kv_heads_at(const struct shape *s, double layer)
{
    const struct layer_sort sort = shape_layer(s, layer);
    return sort.recurrent || sort.feeds ? 0 : shape_kv_heads(s, sort.window);
}

/* Where layers are of one part, none where one does not feed forward. */
static double ffn_width_at(const struct shape *s, double layer)
{
    const struct layer_sort sort = shape_layer(s, layer);
    if (s->arch->one_part) return sort.feeds ? (sort.experts ? s->expert_width : s->ffn_width) : 0;
    return shape_ffn_width(s, shape_layer(s, layer).shared);
}

static void windows_by_layer(struct gguf_pairs *p, const struct shape *s)
{
    key(p, S("attention.sliding_window_pattern"), GGUF_LIST);
    bytes_u32(p->to, GGUF_BOOL);
    bytes_u64(p->to, (uint64_t)s->layers);
    for (size_t i = 0; (double)i < s->layers; i++)
        buf_char(p->to, shape_layer_is_window(s, (double)i) ? 1 : 0);
}

/* Of layers that differ in heads. */
static void unlike_layers(struct gguf_pairs *p, const struct shape *s)
{
    if (!s->arch->unlike_layers) return;
    windows_by_layer(p, s);
    figure(p, "attention.key_length_swa", s->head_size);
    figure(p, "attention.value_length_swa", s->head_size);
    figure(p, "attention.shared_kv_layers", s->shared_layers);
    figure(p, "embedding_length_per_layer_input", s->layer_embedding);
    figure(p, "rope.dimension_count_swa", s->head_size);
}

/* Of streams beside each other. */
static void streams(struct gguf_pairs *p, const struct shape *s)
{
    if (!(s->streams.count > 0)) return;
    figure(p, "altup.num_inputs", s->streams.count);
    figure(p, "embedding_length_per_layer_input", s->layer_embedding);
}

static double ratio_at(const struct shape *s, double layer)
{
    const struct layer_sort sort = shape_layer(s, layer);
    return sort.fine ? FINE_RATIO : sort.coarse ? COARSE_RATIO : 0;
}

static void indexer(struct gguf_pairs *p, const struct shape *s)
{
    figure_if(p, "attention.indexer.head_count", s->indexer.heads);
    figure_if(p, "attention.indexer.key_length", s->indexer.head_size);
    figure_if(p, "attention.indexer.top_k", s->indexer.chosen);
}

static void compressed(struct gguf_pairs *p, const struct shape *s)
{
    if (!(s->compressed.groups > 0)) return;
    figure(p, "attention.q_lora_rank", s->latent.q_rank);
    figure(p, "attention.output_group_count", s->compressed.groups);
    figure(p, "attention.output_lora_rank", s->compressed.rank);
    figure(p, "hyper_connection.count", s->compressed.streams);
    figure(p, "hash_layer_count", s->compressed.hashed_layers);
    by_layer(p, S("attention.compress_ratios"), s, ratio_at);
}

/* The first layer that attends tells how often one does. */
static double attends_every(const struct shape *s)
{
    double first = 0;
    while (first < s->layers && shape_layer_recurs(s, first)) first++;
    return first + 1;
}

static void recurrent(struct gguf_pairs *p, const struct shape *s)
{
    const enum recurrence how = s->arch->recurrence;
    if (how == RECURRENCE_CONVOLUTION) figure(p, "shortconv.l_cache", s->recurrent.kernel);
    if (how == RECURRENCE_CONVOLUTION || how == RECURRENCE_NONE) return;
    figure(p, "ssm.conv_kernel", s->recurrent.kernel);
    figure(p, "ssm.inner_size", s->recurrent.heads * s->recurrent.head_size);
    figure(p, "ssm.state_size", s->recurrent.state);
    figure(p, "ssm.time_step_rank",
           how == RECURRENCE_SCAN ? s->recurrent.rank : s->recurrent.heads);
    figure_if(p, "ssm.group_count", s->recurrent.groups);
    if (how == RECURRENCE_DELTA) figure(p, "full_attention_interval", attends_every(s));
}

/* Those of layers that differ in them: read back by their list, except where every n-th layer attends. */
static bool heads_by_layer(const struct shape *s)
{
    const enum recurrence how = s->arch->recurrence;
    return s->arch->unlike_layers || (how != RECURRENCE_NONE && how != RECURRENCE_DELTA);
}

static void heads(struct gguf_pairs *p, const struct shape *s)
{
    const bool latent = s->latent.kv_rank > 0;
    const double head = shape_head_size(s, false);
    const double key_length = latent ? s->latent.kv_rank + s->latent.rope : head;
    figure(p, "attention.head_count", s->heads);
    if (heads_by_layer(s))
        by_layer(p, S("attention.head_count_kv"), s, kv_heads_at);
    else
        figure(p, "attention.head_count_kv", latent ? 1 : s->kv_heads);
    if (!(s->heads > 0)) return;
    figure(p, "attention.key_length", key_length);
    figure(p, "attention.value_length", latent ? s->latent.kv_rank : head);
    if (s->arch->rope)
        figure(p, "rope.dimension_count",
               latent                   ? s->latent.rope
               : s->compressed.rope > 0 ? s->compressed.rope
               : s->rope_tensors > 0    ? 2 * s->rope_factors
                                        : head);
    if (!latent) return;
    figure(p, "attention.q_lora_rank", s->latent.q_rank);
    figure(p, "attention.kv_lora_rank", s->latent.kv_rank);
    figure(p, "attention.key_length_mla", s->latent.nope + s->latent.rope);
    figure(p, "attention.value_length_mla", s->latent.value);
}

static void experts(struct gguf_pairs *p, const struct shape *s)
{
    if (s->experts <= 0) return;
    figure(p, "expert_count", s->experts);
    figure(p, "expert_used_count", s->experts_used);
    figure(p, "expert_feed_forward_length", s->expert_width);
    figure(p, "expert_shared_count", s->expert_width > 0 ? s->shared_width / s->expert_width : 0);
    figure_if(p, "expert_shared_feed_forward_length", s->shared_width);
    figure_if(p, "moe_latent_size", s->expert_input);
    figure(p, "leading_dense_block_count", s->dense_lead);
    figure_if(p, s->arch->encoder ? "moe_every_n_layers" : "interleave_moe_layer_step",
              s->expert_every);
    /* a bias that only chooses goes with gates of their own; one of a linear router does not */
    if (s->router_bias && !s->arch->router_bias)
        figure(p, "expert_gating_func",
               s->compressed.groups > 0 ? GATING_SOFTPLUS : GATING_SIGMOID);
    if (s->arch->expert_weights_normalised) flag(p, S("expert_weights_norm"), true);
}

/* Position rows decide where there are any: llama.cpp takes their number for the context's length. A model without attention has no
 * limit of its own. */
static double context_length(const struct shape *s)
{
    if (s->arch->context_tokens > 0 && !shape_attends(s)) return s->arch->context_tokens;
    return s->learned_positions > 0 ? s->learned_positions : s->context_tokens;
}

static bool refused(const struct model *m, struct mu_err *err)
{
    const struct shape *s = &m->shape;
    const char *why = NULL;
    if (!s->arch || s->arch->unruled) why = "the metadata of its architecture is not known here";
    if (!why && !m->tensors) why = "its tensors are not known";
    if (!why && context_length(s) <= 0) why = "its context length is not known";
    /* src/models/deepseek2.cpp takes these for models whose queries have full rank, whatever the header says */
    if (!why && s->latent.q_rank > 0 && (s->layers == 26 || s->layers == 27))
        why = "llama.cpp reads its queries otherwise at this number of layers; take one more";
    if (why)
        err_set(err, MU_NO, "cannot write a GGUF header of %s: %s", m->name ? m->name : "a model",
                why);
    return why != NULL;
}

bool gguf_keys(struct gguf_pairs *p, const struct model *m, uint32_t file_type, struct mu_err *err)
{
    const struct shape *s = &m->shape;
    if (refused(m, err)) return false;
    p->architecture = s->arch->name;
    pair_text(p, "general.architecture", p->architecture);
    pair_text(p, "general.type", "model");
    pair_text(p, "general.name", m->name ? m->name : p->architecture);
    general(p, "general.file_type", GGUF_U32);
    bytes_u32(p->to, file_type);
    general(p, "general.quantization_version", GGUF_U32);
    bytes_u32(p->to, QUANTIZATION_VERSION);
    figure(p, "block_count", s->layers);
    figure(p, "context_length", context_length(s));
    figure(p, "embedding_length", s->width);
    if (s->shared_ffn_width > 0 || s->arch->one_part)
        by_layer(p, S("feed_forward_length"), s, ffn_width_at);
    else
        figure(p, "feed_forward_length",
               s->arch->ffn_is_expert && s->experts > 0 ? s->expert_width : s->ffn_width);
    figure(p, "vocab_size", s->vocabulary);
    heads(p, s);
    recurrent(p, s);
    unlike_layers(p, s);
    streams(p, s);
    indexer(p, s);
    compressed(p, s);
    experts(p, s);
    if (!(s->arch->window_tokens > 0)) figure_if(p, "attention.sliding_window", s->window_tokens);
    figure_if(p, "n_deepstack_layers", s->arch->deepstack_layers);
    real(p, S("attention.layer_norm_epsilon"), NORM_EPSILON);
    real(p, S("attention.layer_norm_rms_epsilon"), NORM_EPSILON);
    if (s->arch->encoder) {
        flag(p, S("attention.causal"), false);
        figure(p, "pooling_type", (double)s->pooling);
    }
    if (s->rope_tensors > 1) wanted(p, "rope.scaling.type=longrope");
    for (size_t i = 0; i < s->arch->key_count; i++) wanted(p, s->arch->keys[i]);
    return true;
}

/* ---- the vocabulary ---- */

enum { PIECES_LEAST = 260, WORDS_LEAST = 104, NAME_ROOM = 24 };
enum { TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 3, TOKEN_BYTE = 6 };

struct token {
    char name[NAME_ROOM];
    size_t n;
    uint32_t type;
};

static void token_is(struct token *t, const char *name, uint32_t type)
{
    t->n = strlen(name);
    memcpy(t->name, name, t->n);
    t->type = type;
}

/* The mark of a word's beginning, then its number in letters: no two alike, no long ones. */
static void token_word(struct token *t, uint32_t number)
{
    memcpy(t->name, "\xe2\x96\x81", 3);
    t->n = 3;
    do {
        t->name[t->n++] = (char)('a' + number % 26);
        number /= 26;
    } while (number);
    t->type = TOKEN_NORMAL;
}

/* Pieces as SentencePiece has them: unknown, begin, end, every byte, then words. */
static void piece(struct token *t, uint32_t i)
{
    static const char *const first[] = {"<unk>", "<s>", "</s>"};
    static const char digits[] = "0123456789ABCDEF";
    const uint32_t byte = i - (uint32_t)COUNT_OF(first);
    if (i < COUNT_OF(first)) {
        token_is(t, first[i], i ? TOKEN_CONTROL : TOKEN_UNKNOWN);
    } else if (byte < 256) {
        const char name[] = {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>', '\0'};
        token_is(t, name, TOKEN_BYTE);
    } else {
        token_word(t, i);
    }
}

/* Words as WordPiece has them, special ones where llama.cpp looks for them when the header is silent. */
static void word_piece(struct token *t, uint32_t i)
{
    static const char *const special[] = {"[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    enum { SPECIAL_AT = 100 };
    if (i == 0)
        token_is(t, "[PAD]", TOKEN_CONTROL);
    else if (i >= SPECIAL_AT && i < SPECIAL_AT + COUNT_OF(special))
        token_is(t, special[i - SPECIAL_AT], i == SPECIAL_AT ? TOKEN_UNKNOWN : TOKEN_CONTROL);
    else
        token_word(t, i);
}

static void list_begin(struct gguf_pairs *p, const char *name, uint32_t type, uint32_t count)
{
    general(p, name, GGUF_LIST);
    bytes_u32(p->to, type);
    bytes_u64(p->to, count);
}

static void tokens(struct gguf_pairs *p, uint32_t count, void (*make)(struct token *, uint32_t))
{
    struct token t;
    list_begin(p, "tokenizer.ggml.tokens", GGUF_TEXT, count);
    for (uint32_t i = 0; i < count; i++) {
        make(&t, i);
        bytes_text(p->to, (struct str){t.name, t.n});
    }
    list_begin(p, "tokenizer.ggml.scores", GGUF_F32, count);
    for (uint32_t i = 0; i < count; i++) bytes_f32(p->to, -(double)i);
    list_begin(p, "tokenizer.ggml.token_type", GGUF_I32, count);
    for (uint32_t i = 0; i < count; i++) {
        make(&t, i);
        bytes_u32(p->to, t.type);
    }
}

void gguf_vocabulary(struct gguf_pairs *p, const struct shape *s, bool bare)
{
    const bool encoder = s->arch->encoder;
    bare |= s->vocabulary < (encoder ? WORDS_LEAST : PIECES_LEAST);
    pair_text(p, "tokenizer.ggml.model", bare ? "none" : encoder ? "bert" : "llama");
    if (encoder) {
        general(p, "tokenizer.ggml.token_type_count", GGUF_U32);
        bytes_u32(p->to, s->token_types > 0 ? (uint32_t)s->token_types : 1);
    }
    if (!bare) tokens(p, (uint32_t)s->vocabulary, encoder ? word_piece : piece);
}
