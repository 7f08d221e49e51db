/* catalog/architecture.h - how llama.cpp builds each architecture's graph (data/architectures.json): the traits that decide memory.
 * A row whose `checked` is false follows the nearest checked one and says so; a row with `unruled` answers "not computed, because". */
#pragma once
#include "catalog/catalog.h"

/* Attention and FFN beside each other instead of one behind the other: which two are added first, in that order. */
#define PARALLELS(X)                             \
    X(PARALLEL_NONE, "")                         \
    X(PARALLEL_FFN_STREAM, "ffn + stream")       \
    X(PARALLEL_FFN_ATTENTION, "ffn + attention") \
    X(PARALLEL_ATTENTION_FFN, "attention + ffn")
enum parallel {
#define PARALLEL_ENUM(name, text) name,
    PARALLELS(PARALLEL_ENUM)
#undef PARALLEL_ENUM
};

/* What a layer without keys and values keeps: a state of fixed size. */
#define RECURRENCES(X)                             \
    X(RECURRENCE_NONE, "")                         \
    X(RECURRENCE_DELTA, "gated delta rule")        \
    X(RECURRENCE_CONVOLUTION, "short convolution") \
    X(RECURRENCE_SCAN, "selective scan")           \
    X(RECURRENCE_DUAL, "state space duality")
enum recurrence {
#define RECURRENCE_ENUM(name, text) name,
    RECURRENCES(RECURRENCE_ENUM)
#undef RECURRENCE_ENUM
};

struct architecture {
    const char *name;    /* llama.cpp's general.architecture: "llama", "qwen2" */
    const char *unruled; /* why no rule exists ("recurrent state"), or NULL */
    const char *source;
    /* Layer i is sliding when i % period < period - 1; 0: llama.cpp ignores the window. */
    double window_period;
    double window_tokens;   /* its window whatever the file says; 0: the file's */
    double unrotated_every; /* n: layers i with (i + 1) % n == 0 do not rotate Q and K; 0: all do */
    double positions_per_token; /* usual 1 */
    double deepstack_layers;    /* first layers that add a slice of a wider embedding */
    bool checked;               /* the byte-exact plan was checked against truth rows */
    bool encoder;               /* no cache: bert and kin */
    bool layer_norm;            /* LayerNorm with bias instead of RMSNorm */
    bool norm_after;            /* norms behind attention and FFN instead of in front (bert) */
    bool post_norms;            /* norms behind as well (gemma 2, 3) */
    bool embedding_scaled, learned_positions, rope;
    bool fused_qkv, fused_qkv_bias, fused_gate_up, gated_ffn,
        projection_bias /* output and FFN biases as graph nodes */;
    bool key_before_value; /* graph order Q K V instead of Q V K */
    bool query_scaled;     /* SCALE node on Q behind RoPE */
    bool attention_softcap, final_softcap;
    bool residual_first; /* ADD(ffn_inp, y) instead of ADD(y, ffn_inp) */
    bool expert_weights_normalised;
    bool window_rope;  /* only sliding layers rotate Q and K (cohere 2) */
    bool norms_behind; /* and none in front (olmo 2) */
    bool
        output_is_embedding; /* a tied embedding is multiplied with where it lies, never loaded again (bitnet) */
    bool
        late_rows; /* the rows whose logits are asked for are taken behind all layers, not in the last */
    bool query_tempered; /* Q times an input, one figure a token */
    enum parallel parallel;
    enum recurrence recurrence; /* of the layers that do not attend */
    bool unplanned;             /* its graph has no plan: the closed form stands for it */
    bool
        output_again; /* a tied embedding is loaded a second time as the output matrix, wherever it lies */
    bool unlike_layers; /* layers differ in heads, and the last may share the caches of others */
    bool dense_beside;  /* a dense FFN beside the experts, each between norms of its own */
    bool dense_first;   /* layer i sees a window when i % period > 0 */
    bool first_bare;    /* no norm in front of the first layer's attention */
    double
        own_caches; /* so many layers from the first keep a cache, the others attend to theirs; 0: the model's */
    bool output_unused; /* an encoder that has its tied embedding loaded as an output matrix */
    bool gated_query;   /* the query's matrix makes a gate for what attention gives too */
    bool fused_decay;   /* the delta rule's beta and alpha in one matrix */
    bool one_part;   /* a layer recurs, attends or feeds forward, behind one norm: no two of them */
    bool scan_norms; /* norms on what the selective scan takes in */
    double
        context_tokens; /* where no layer attends: what conversion writes as the context's length */
    /* Tensors that llama.cpp calls otherwise here; NULL: attn_norm, ffn_norm, output_norm, exp_probs_b */
    const char *first_norm, *second_norm, *output_norm, *router_bias;
    bool
        experts_one_by_one; /* transformers takes one expert after the other, each with matrices of its own */
    bool router_in_float; /* and weights what they give in F32 */
    bool ffn_is_expert;   /* a GGUF's feed_forward_length is the width of an expert */
    /* What a GGUF holds besides the figures of every architecture, "name=value"; floats have a point. */
    const char *const *keys;
    size_t key_count;
};

bool catalog_architectures(const struct catalog *c, const struct architecture **out, size_t *count,
                           struct mu_err *err) NODISCARD;
const struct architecture *catalog_architecture(const struct catalog *c, struct str name);
/* Where llama.cpp's CPU backend puts matrices (data/buffers.json). */
struct buffer_rule {
    const char *name;     /* "CPU_REPACK", "AMX" */
    double rows_multiple; /* ne1 must divide by this */
    bool experts;         /* 3-D expert tensors too */
    bool twice_when_tied; /* a tied embedding is loaded a second time here, as the output matrix */
    /* What llama.cpp does wrong with stacks of one matrix a head of its types (USE_HEADS); NULL: nothing. */
    const char *heads_fail;
    struct {
        unsigned type;
        double growth;       /* bytes here / bytes in the file */
        const char *feature; /* CPU feature needed, NULL: none beyond the buffer's own */
    } row[24];
    size_t rows;
};
/* All rules, in the order llama.cpp tries them. */
const struct buffer_rule *catalog_buffers(const struct catalog *c, size_t *count);
const struct buffer_rule *catalog_buffer(const struct catalog *c, const char *name);
