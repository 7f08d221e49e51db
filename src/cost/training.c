/* The parts of a model as training sees them, and what autograd keeps of one layer: norms, the inputs of matrices whose weight trains or
 * whose adapter reads them, attention's operands, the feed-forward's. What a framework does of its own is its row of frameworks.json.
 *
 * Rests on tensors counted while real layers ran forward (data/truth/training.json, torch 1.13) and on published peaks.
 * Left out: mixtures of experts and latent attention, for which no such count was made. */
#include "cost/training.h"
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

const char *training_unruled(const struct shape *s)
{
    if (s->experts > 0) return "training a mixture of experts has no rule yet";
    if (s->latent.kv_rank > 0) return "training with latent attention has no rule yet";
    if (s->unruled) return s->unruled;
    if (!(s->layers > 0 && s->width > 0 && s->heads > 0 && s->head_size > 0 && s->ffn_width > 0))
        return "its shape is not known";
    return NULL;
}

void training_matrix(const struct shape *s, enum target t, double *in, double *out)
{
    const double query = s->heads * s->head_size, key = s->kv_heads * s->head_size;
    const struct {
        double in, out;
    } matrix[TARGETS] = {
        [TO_Q] = {s->width, query},
        [TO_K] = {s->width, key},
        [TO_V] = {s->width, key},
        [TO_O] = {query, s->width},
        [TO_GATE] = {s->gated_ffn ? s->width : 0, s->gated_ffn ? s->ffn_width : 0},
        [TO_UP] = {s->width, s->ffn_width},
        [TO_DOWN] = {s->ffn_width, s->width},
        [TO_HEAD] = {s->width, s->vocabulary},
    };
    *in = matrix[t].in;
    *out = matrix[t].out;
}

static double biases(const struct shape *s)
{
    const double query = s->heads * s->head_size, key = s->kv_heads * s->head_size;
    return (s->qkv_bias ? query + 2 * key : 0) + (s->attention_output_bias ? s->width : 0) +
           (s->ffn_bias ? s->width + s->ffn_width : 0);
}

struct training_parts training_parts(const struct shape *s, bool untied)
{
    const double norm = s->width * (layer_norms(s) ? 2 : 1);
    struct training_parts p = {
        .norms = s->layers * (s->norms_per_layer * norm + biases(s)) + (s->output_norm ? norm : 0),
        .embeddings = s->vocabulary * s->width,
        .positions = s->learned_positions * s->width,
    };
    for (enum target t = TO_Q; t < TO_HEAD; t++) {
        double in, out;
        training_matrix(s, t, &in, &out);
        p.layer_matrices += s->layers * in * out;
    }
    if (!s->tied || untied) p.head = s->vocabulary * s->width;
    p.all = p.layer_matrices + p.norms + p.embeddings + p.positions + p.head;
    return p;
}

double training_adapter_parameters(const struct shape *s, unsigned targets, double rank)
{
    double sum = 0;
    for (enum target t = TO_Q; t < TARGETS; t++) {
        double in, out;
        training_matrix(s, t, &in, &out);
        if (targets & 1U << t) sum += (t == TO_HEAD ? 1 : s->layers) * rank * (in + out);
    }
    return sum;
}

double training_largest_matrix(const struct shape *s, bool head)
{
    double largest = 0;
    for (enum target t = TO_Q; t < (head ? TARGETS : TO_HEAD); t++) {
        double in, out;
        training_matrix(s, t, &in, &out);
        largest = most(largest, in * out);
    }
    return largest;
}

/* ---- what a layer keeps, bytes a token */

double training_norm_kept(const struct shape *s, const struct kept_asked *k)
{
    const struct training_norm *n = k->framework->norm;
    const double w = k->compute_bytes;
    /* of each token the mean and the spread; of others their root alone */
    if (layer_norms(s)) return k->stream_bytes * s->width + 2 * float_bytes;
    const double trained = k->full ? float_bytes * n->trained_float_copies +
                                         k->stream_bytes * n->trained_compute_copies
                                   : 0;
    return s->width * (float_bytes * n->float_copies + w * n->compute_copies + trained) +
           float_bytes;
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

static double attention_kept(const struct shape *s, const struct kept_asked *k)
{
    const double w = k->compute_bytes, query = s->heads * s->head_size;
    const double key = s->kv_heads * s->head_size;
    if (k->eager) {
        /* what the softmax gives, and what values are multiplied with: that, its cast, or what dropout left of it */
        const double scores = float_bytes + (k->dropout         ? w + k->mask_bytes
                                             : w != float_bytes ? w
                                                                : 0);
        return 3 * w * query + scores * s->heads * k->sequence_tokens +
               (keeps_input(k) ? w * query : 0);
    }
    const double sums = float_bytes * s->heads; /* one a head, for the softmax */
    double kept = 2 * w * query + 2 * w * (k->framework->expands_kv ? query : key) + sums;
    if (k->framework->keeps_qkv) kept += w * (query + 2 * key) - w * key;
    return kept;
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
    unneeded += attention_kept(s, k);
    if (k->targets & out) return unneeded + first_masks(k, out, s->heads * s->head_size);
    unneeded += one_norm(s) ? 0 : training_norm_kept(s, k);
    return unneeded + first_masks(k, 1U << TO_GATE | 1U << TO_UP, s->width);
}

static double feed_forward_kept(const struct shape *s, const struct kept_asked *k)
{
    const double w = k->compute_bytes;
    const double shared = one_norm(s) ? 0 : w * s->width; /* attention's input is its input too */
    const bool product = keeps_input(k) && k->framework->keeps_product;
    const unsigned up = s->gated_ffn ? 1U << TO_GATE | 1U << TO_UP : 1U << TO_UP;
    double kept =
        keeps_input(k) ? shared * copies_of_input(k, s->gated_ffn && !s->fused_gate_up ? 2 : 1) : 0;
    kept += adapters_keep(k, up, s->width, keeps_input(k) && shared > 0);
    const double plain = k->gelu_kept > 0 ? k->gelu_kept : 1;
    kept += (s->gated_ffn ? k->framework->gated_kept : plain) * w * s->ffn_width;
    if (product) kept += w * s->ffn_width;
    return kept + adapters_keep(k, 1U << TO_DOWN, s->ffn_width, product);
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

double training_kept(const struct shape *s, const struct kept_asked *k)
{
    const unsigned qkv = 1U << TO_Q | 1U << TO_K | 1U << TO_V;
    const double query = s->heads * s->head_size;
    double kept = s->norms_per_layer * training_norm_kept(s, k) + attention_kept(s, k) +
                  feed_forward_kept(s, k);
    if (keeps_input(k))
        kept += k->compute_bytes * s->width * copies_of_input(k, s->fused_qkv ? 1 : 3);
    kept += adapters_keep(k, qkv, s->width, keeps_input(k));
    kept += adapters_keep(k, 1U << TO_O, query, k->eager ? keeps_input(k) : true);
    if (k->dropout) kept += 2 * k->mask_bytes * s->width;
    return kept + copied_inputs(s, k);
}
