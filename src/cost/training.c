/* The parts of a model as training sees them, and what autograd keeps of one layer: norms, the inputs of matrices whose weight trains or
 * whose adapter reads them, attention's operands, the feed-forward's or that of the experts a token goes to. What a framework does of its
 * own is its row of frameworks.json.
 *
 * Rests on tensors counted while real layers ran forward (data/truth/training.json, and tests/torch/test_training_experts.py for experts,
 * latent attention and norms of heads; torch 1.13) and on published peaks. Experts are taken one after the other, as transformers 4.57 does
 * (modeling_qwen3_moe.py, modeling_deepseek_v3.py): a token's input is gathered for each expert that it goes to, what that gives is weighted,
 * and the sum keeps what it adds.
 * Left out: experts in one product (grouped kernels), losses that balance them, and layers that recur. */
#include "cost/training.h"

#include <math.h>

#include "base/num.h"
#include "catalog/architecture.h"
#include "model/shape.h"

static const double float_bytes = 4;

static bool layer_norms(const struct shape *s)
{
    return s->norm_bias || (s->arch && s->arch->layer_norm);
}

/* Falcon and kin: one norm feeds attention and FFN. */
static bool one_norm(const struct shape *s)
{
    return s->norms_per_layer < 2;
}

static bool is_latent(const struct shape *s)
{
    return s->latent.kv_rank > 0;
}

static const char *experts_unruled(const struct shape *s)
{
    if (!s->arch || !s->arch->experts_one_by_one)
        return "training this architecture's experts has no rule: they are not known to be taken "
               "one after the other";
    if (!(s->experts_used > 0 && s->expert_width > 0)) return "its shape is not known";
    return NULL;
}

static const char *layers_unruled(const struct shape *s)
{
    if (s->recurrent.kernel > 0 || (s->arch && s->arch->recurrence != RECURRENCE_NONE))
        return "training layers that recur has no rule";
    if (s->whole.head_size > 0 || s->shared_layers > 0 || s->streams.count > 0 ||
        (s->arch && s->arch->unlike_layers))
        return "training layers that differ in heads or share what they keep has no rule";
    if (s->indexer.heads > 0 || s->compressed.groups > 0)
        return "training sparse or compressed attention has no rule";
    return NULL;
}

const char *training_unruled(const struct shape *s)
{
    const char *why = layers_unruled(s);
    if (why) return why;
    if (s->experts > 0 && (why = experts_unruled(s))) return why;
    if (s->unruled) return s->unruled;
    if (!(s->layers > 0 && s->width > 0 && s->heads > 0 && s->head_size > 0 &&
          (s->ffn_width > 0 || s->experts > 0)))
        return "its shape is not known";
    return NULL;
}

bool training_targets_split(const struct shape *s, unsigned targets)
{
    const unsigned qkv = 1U << TO_Q | 1U << TO_K | 1U << TO_V;
    return is_latent(s) && (targets & qkv) != 0 && (targets & qkv) != qkv;
}

/* ---- matrices of the layers */

enum { MATRICES = 16 };
struct matrix {
    enum target target;
    double in, out;
    double count; /* in the whole model */
    double met;   /* of these, by a token */
};
struct matrices {
    struct matrix row[MATRICES];
    size_t rows;
};

static void add(struct matrices *x, struct matrix m)
{
    if (m.in > 0 && m.out > 0 && m.count > 0) x->row[x->rows++] = m;
}

static double expert_layers(const struct shape *s)
{
    double n = 0;
    for (size_t i = 0; s->experts > 0 && (double)i < s->layers; i++)
        n += shape_layer_has_experts(s, (double)i);
    return n;
}

static void add_attention(struct matrices *x, const struct shape *s)
{
    const double n = s->layers, query = s->heads * s->head_size, key = s->kv_heads * s->head_size;
    if (!is_latent(s)) {
        add(x, (struct matrix){TO_Q, s->width, query, n, n});
        add(x, (struct matrix){TO_K, s->width, key, n, n});
        add(x, (struct matrix){TO_V, s->width, key, n, n});
        add(x, (struct matrix){TO_O, query, s->width, n, n});
        return;
    }
    /* query and its way down, where it has one; keys and values down to what is kept; both up again */
    if (s->latent.q_rank > 0) add(x, (struct matrix){TO_Q, s->width, s->latent.q_rank, n, n});
    add(x, (struct matrix){TO_Q, s->latent.q_rank > 0 ? s->latent.q_rank : s->width, query, n, n});
    add(x, (struct matrix){TO_K, s->width, s->latent.kv_rank + s->latent.rope, n, n});
    add(x, (struct matrix){TO_V, s->latent.kv_rank, s->heads * (s->latent.nope + s->latent.value),
                           n, n});
    add(x, (struct matrix){TO_O, s->heads * s->latent.value, s->width, n, n});
}

static void add_feed_forward(struct matrices *x, const struct shape *s, double width,
                             const struct matrix *counted)
{
    const double n = counted->count, met = counted->met;
    if (s->gated_ffn) add(x, (struct matrix){TO_GATE, s->width, width, n, met});
    add(x, (struct matrix){TO_UP, s->width, width, n, met});
    add(x, (struct matrix){TO_DOWN, width, s->width, n, met});
}

static struct matrices matrices_of(const struct shape *s)
{
    struct matrices x = {.rows = 0};
    const double with = expert_layers(s), without = s->layers - with;
    add_attention(&x, s);
    add_feed_forward(&x, s, s->ffn_width, &(struct matrix){.count = without, .met = without});
    add_feed_forward(&x, s, s->shared_width, &(struct matrix){.count = with, .met = with});
    add_feed_forward(&x, s, s->expert_width,
                     &(struct matrix){.count = with * s->experts, .met = with * s->experts_used});
    return x;
}

static double biases(const struct shape *s)
{
    const double query = s->heads * s->head_size, key = s->kv_heads * s->head_size;
    return (s->qkv_bias ? query + 2 * key : 0) + (s->attention_output_bias ? s->width : 0) +
           (s->ffn_bias ? s->width + s->ffn_width : 0);
}

/* Norms within attention: on each head, on all of them, or on what latent attention comes down to. */
static double inner_norms(const struct shape *s)
{
    if (is_latent(s)) return s->latent.q_rank + s->latent.kv_rank;
    if (s->qk_norm == QK_NORM_HEAD) return 2 * s->head_size;
    return s->qk_norm == QK_NORM_FULL ? (s->heads + s->kv_heads) * s->head_size : 0;
}

static double routers(const struct shape *s)
{
    return expert_layers(s) * (s->width * s->experts + (s->router_bias ? s->experts : 0) +
                               (s->shared_gate ? s->width : 0));
}

struct training_parts training_parts(const struct shape *s, bool untied)
{
    const double norm = s->width * (layer_norms(s) ? 2 : 1);
    const struct matrices x = matrices_of(s);
    struct training_parts p = {
        .norms = s->layers * (s->norms_per_layer * norm + inner_norms(s) + biases(s)) +
                 (s->output_norm ? norm : 0) + routers(s),
        .embeddings = s->vocabulary * s->width,
        .positions = s->learned_positions * s->width,
    };
    for (size_t i = 0; i < x.rows; i++) {
        p.layer_matrices += x.row[i].count * x.row[i].in * x.row[i].out;
        p.met_matrices += x.row[i].met * x.row[i].in * x.row[i].out;
    }
    if (!s->tied || untied) p.head = s->vocabulary * s->width;
    p.all = p.layer_matrices + p.norms + p.embeddings + p.positions + p.head;
    return p;
}

double training_adapter_parameters(const struct shape *s, unsigned targets, double rank)
{
    const struct matrices x = matrices_of(s);
    double sum = targets & 1U << TO_HEAD ? rank * (s->width + s->vocabulary) : 0;
    for (size_t i = 0; i < x.rows; i++)
        if (targets & 1U << x.row[i].target)
            sum += x.row[i].count * rank * (x.row[i].in + x.row[i].out);
    return sum;
}

double training_attention_parameters(const struct shape *s)
{
    const struct matrices x = matrices_of(s);
    double sum = 0;
    for (size_t i = 0; i < x.rows; i++)
        if (x.row[i].target <= TO_O) sum += x.row[i].in * x.row[i].out;
    return sum;
}

double training_largest_matrix(const struct shape *s, bool head)
{
    const struct matrices x = matrices_of(s);
    double largest = head ? s->width * s->vocabulary : 0;
    for (size_t i = 0; i < x.rows; i++) largest = most(largest, x.row[i].in * x.row[i].out);
    return largest;
}

double training_ffn_width(const struct shape *s)
{
    const double with = expert_layers(s);
    const double dense = with < s->layers ? s->ffn_width : 0;
    return most(dense, with > 0 ? most(s->expert_width, s->shared_width) : 0);
}

double training_attention_width(const struct shape *s)
{
    return s->heads * (is_latent(s) ? s->latent.value : s->head_size);
}

/* ---- what a layer keeps, bytes a token */

static double norm_value_kept(const struct shape *s, const struct kept_asked *k)
{
    const struct training_norm *n = k->framework->norm;
    const double w = k->compute_bytes;
    const double trained = k->full ? float_bytes * n->trained_float_copies +
                                         k->stream_bytes * n->trained_compute_copies
                                   : 0;
    if (layer_norms(s)) return k->stream_bytes;
    return float_bytes * n->float_copies + w * n->compute_copies + trained;
}

/* Of each row that is normed the mean and the spread; of root mean squares their root alone. */
static double norm_row_kept(const struct shape *s)
{
    return layer_norms(s) ? 2 * float_bytes : float_bytes;
}

double training_norm_kept(const struct shape *s, const struct kept_asked *k)
{
    return s->width * norm_value_kept(s, k) + norm_row_kept(s);
}

/* What adapters of matrices with one input keep of it: each its own copy where its type differs or it drops some, else one for all of them,
 * which the layer may keep anyway. */
static double adapters_keep(const struct kept_asked *k, unsigned group, double input, bool kept)
{
    const bool joint = k->framework->joint_qkv_adapter && (group & 1U << TO_Q);
    double on = 0, bytes = 0;
    if (k->full) return 0;
    for (unsigned hit = k->targets & group; hit; hit &= hit - 1) on++;
    if (!(on > 0)) return 0;
    if (k->lora_dropout)
        bytes = (joint ? 1 : on) * (k->mask_bytes + k->adapter_bytes) * input;
    else if (k->adapter_bytes != k->compute_bytes)
        bytes = (joint ? 1 : on) * k->adapter_bytes * input;
    else if (!kept)
        bytes = k->compute_bytes * input;
    return bytes + on * k->rank * k->adapter_bytes;
}

/* Under autocast each matrix casts what it reads for itself. */
static double copies_of_input(const struct kept_asked *k, double matrices)
{
    return k->stream_bytes > k->compute_bytes ? matrices : 1;
}

static bool keeps_input(const struct kept_asked *k)
{
    return k->full || (k->quantised && k->framework->quantised_input);
}

/* Operands of attention by what autograd holds of them: values lie in one product with the keys' part where attention is latent. */
struct operands {
    double query, key, values, values_alone, answer;
};

static struct operands operands_of(const struct shape *s, const struct kept_asked *k)
{
    const double query = s->heads * s->head_size;
    const double key = k->framework->expands_kv ? query : s->kv_heads * s->head_size;
    if (!is_latent(s)) return (struct operands){query, key, key, query, query};
    const double value = s->heads * s->latent.value;
    return (struct operands){query, query, s->heads * s->latent.nope + value, value, value};
}

static double attention_kept(const struct shape *s, const struct kept_asked *k)
{
    const double w = k->compute_bytes, query = s->heads * s->head_size;
    const double key = s->kv_heads * s->head_size;
    const struct operands x = operands_of(s, k);
    if (k->eager) {
        /* what the softmax gives, and what values are multiplied with: that, its cast, or what dropout left of it */
        const double scores = float_bytes + (k->dropout         ? w + k->mask_bytes
                                             : w != float_bytes ? w
                                                                : 0);
        return w * (2 * query + x.values_alone) + scores * s->heads * k->sequence_tokens +
               (keeps_input(k) ? w * x.answer : 0);
    }
    const double sums = float_bytes * s->heads; /* one a head, for the softmax */
    double kept = w * (x.query + x.key + x.values + x.answer) + sums;
    if (k->framework->keeps_qkv) kept += w * (query + 2 * key) - w * key;
    return kept;
}

/* Norms within attention, and the inputs of latent attention's matrices behind them. */
static double inner_kept(const struct shape *s, const struct kept_asked *k)
{
    const double ranks = s->latent.q_rank + s->latent.kv_rank;
    const double norm = norm_value_kept(s, k);
    /* where nothing is cast, what a norm keeps of its input is all that came down with it */
    const double beside = k->compute_bytes == float_bytes ? float_bytes * s->latent.rope : 0;
    if (is_latent(s))
        return beside + ranks * (norm + (keeps_input(k) ? k->compute_bytes : 0)) +
               norm_row_kept(s) * (s->latent.q_rank > 0 ? 2 : 1) +
               (s->latent.q_rank > 0
                    ? adapters_keep(k, 1U << TO_Q, s->latent.q_rank, keeps_input(k))
                    : 0) +
               adapters_keep(k, 1U << TO_V, s->latent.kv_rank, keeps_input(k));
    if (s->qk_norm == QK_NORM_NONE) return 0;
    const double rows = s->qk_norm == QK_NORM_FULL ? 2 : s->heads + s->kv_heads;
    return (s->heads + s->kv_heads) * s->head_size * norm + rows * norm_row_kept(s);
}

/* What is between a feed-forward's input and its answer, of so many values. */
static double between_kept(const struct shape *s, const struct kept_asked *k, double values)
{
    const double w = k->compute_bytes, plain = k->gelu_kept > 0 ? k->gelu_kept : 1;
    const bool product = keeps_input(k) && k->framework->keeps_product;
    double kept = (s->gated_ffn ? k->framework->gated_kept : plain) * w * values;
    if (product) kept += w * values;
    return kept + adapters_keep(k, 1U << TO_DOWN, values, product);
}

static unsigned up_of(const struct shape *s)
{
    return s->gated_ffn ? 1U << TO_GATE | 1U << TO_UP : 1U << TO_UP;
}

static double feed_forward_kept(const struct shape *s, const struct kept_asked *k)
{
    /* attention's input is its input too, where one norm feeds both */
    const double shared = one_norm(s) ? 0 : k->compute_bytes * s->width;
    const double copies = copies_of_input(k, s->gated_ffn && !s->fused_gate_up ? 2 : 1);
    return (keeps_input(k) ? shared * copies : 0) +
           adapters_keep(k, up_of(s), s->width, keeps_input(k) && shared > 0) +
           between_kept(s, k, s->ffn_width);
}

/* Of each expert that a token goes to: its input, gathered; what is between; its answer and that once weighted; where it came from and goes
 * to (three indices, two figures). Besides: the router's input and shares, the shared expert. */
static double experts_kept(const struct shape *s, const struct kept_asked *k)
{
    const double w = k->compute_bytes, index_bytes = 3 * 8 + 2 * float_bytes;
    const bool wide = s->arch && s->arch->router_in_float;
    const double gathered =
        (keeps_input(k) ? w * s->width : 0) + adapters_keep(k, up_of(s), s->width, keeps_input(k));
    const double answer = s->width * (w + (wide ? float_bytes : w));
    const double routed = gathered + between_kept(s, k, s->expert_width) + answer + index_bytes;
    const double router = float_bytes * s->experts +
                          (wide && k->full && w != float_bytes ? float_bytes * s->width : 0);
    double kept = s->experts_used * routed + router + (keeps_input(k) ? w * s->width : 0);
    if (s->shared_width > 0)
        kept += adapters_keep(k, up_of(s), s->width, keeps_input(k)) +
                between_kept(s, k, s->shared_width) + (s->shared_gate ? w * s->width : 0);
    return kept;
}

/* F32 copies of the quantised matrices' inputs, in place of those kept in the type computed in. */
static double copied_inputs(const struct shape *s, const struct kept_asked *k)
{
    const double query = s->heads * s->head_size;
    const double copies = s->width * (s->gated_ffn ? 3 : 2) + query + s->ffn_width;
    if (!k->quantised) return 0;
    return k->framework->input_float_bytes * copies -
           (k->framework->input_float_bytes > 0 && k->framework->quantised_input
                ? k->compute_bytes * (2 * s->width + s->ffn_width)
                : 0);
}

/* A layer with experts or without. */
static double layer_kept(const struct shape *s, const struct kept_asked *k, bool experts)
{
    /* latent attention: query and keys with values come down from one input */
    const unsigned qkv =
        is_latent(s) ? 1U << TO_Q | 1U << TO_K : 1U << TO_Q | 1U << TO_K | 1U << TO_V;
    double kept = s->norms_per_layer * training_norm_kept(s, k) + attention_kept(s, k) +
                  inner_kept(s, k) + (experts ? experts_kept(s, k) : feed_forward_kept(s, k));
    if (keeps_input(k))
        kept += k->compute_bytes * s->width *
                copies_of_input(k, s->fused_qkv   ? 1
                                   : is_latent(s) ? 2
                                                  : 3);
    kept += adapters_keep(k, qkv, s->width, keeps_input(k));
    kept +=
        adapters_keep(k, 1U << TO_O, training_attention_width(s), k->eager ? keeps_input(k) : true);
    if (k->dropout) kept += 2 * k->mask_bytes * s->width;
    return kept + copied_inputs(s, k);
}

struct layers_kept training_kept(const struct shape *s, const struct kept_asked *k)
{
    const double with = expert_layers(s), without = s->layers - with;
    const double dense = without > 0 ? layer_kept(s, k, false) : 0;
    const double experts = with > 0 ? layer_kept(s, k, true) : 0;
    return (struct layers_kept){.mean = (without * dense + with * experts) / s->layers,
                                .most = most(dense, experts)};
}

/* Masks of the first adapters, whose input has no gradient. */
static double first_masks(const struct kept_asked *k, unsigned group, double input)
{
    const bool joint = k->framework->joint_qkv_adapter && (group & 1U << TO_Q);
    double on = 0;
    for (unsigned hit = k->targets & group; hit; hit &= hit - 1) on++;
    return k->lora_dropout ? (joint ? least(on, 1) : on) * k->mask_bytes * input : 0;
}

double training_unneeded(const struct shape *s, const struct kept_asked *k)
{
    const unsigned qkv = 1U << TO_Q | 1U << TO_K | 1U << TO_V, out = 1U << TO_O;
    double unneeded = training_norm_kept(s, k);
    if (k->full) return 0;
    if (k->targets & qkv) return unneeded + first_masks(k, qkv, s->width);
    unneeded += attention_kept(s, k) + inner_kept(s, k);
    if (k->targets & out) return unneeded + first_masks(k, out, training_attention_width(s));
    unneeded += one_norm(s) ? 0 : training_norm_kept(s, k);
    return unneeded + (s->experts > 0 ? 0 : first_masks(k, up_of(s), s->width));
}
