/* model/shape.h - the figures of a model that decide what it costs. From GGUF metadata, a catalogue row or a truth row alike. */
#pragma once
#include "base/quantity.h"
#include "base/str.h"
#include <stdint.h>

struct architecture;
struct arena;
struct catalog;
struct model_part;
struct mu_err;

enum qk_norm { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_FULL };
/* Cells that become one: llama.cpp v0.5.0 src/models/deepseek4.cpp knows these two. */
enum { FINE_RATIO = 4, COARSE_RATIO = 128 };
enum pooling { POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST, POOLING_RANK };

struct shape {
    const char *arch_name;
    const struct architecture *arch; /* NULL: llama.cpp does not know it, or we do not */
    /* why nothing can be computed: "it keeps a recurrent state ...", or NULL */
    const char *unruled;
    double layers, width, heads, kv_heads, head_size, ffn_width, vocabulary, context_tokens;
    double experts, experts_used, expert_width, dense_lead; /* experts 0: dense */
    double expert_every; /* n: the layers i with (i + 1) % n == 0 have experts; 1: all */
    double shared_width; /* of all shared experts together, 0 none */
    double expert_input; /* what experts see of a token, brought down to it; 0: all of its width */
    bool shared_gate;    /* qwen2moe: the shared expert has a gate of its own */
    double window_tokens, window_period; /* layer i sees a window when i % period < period - 1 */
    struct {
        double head_size,
            kv_heads;         /* of layers that see all, where others have other ones; 0: alike */
        bool keys_are_values; /* these have no matrix of values */
    } whole;
    double shared_layers;    /* so many at the end attend to what an earlier one keeps */
    double shared_ffn_width; /* of those; 0: as the others */
    double
        layer_embedding; /* values of an embedding of each layer's own, looked up by token; 0: none */
    struct {
        double
            count; /* streams beside each other, each layer predicts and corrects them; 0: one alone */
        double rank; /* of the learned way past attention */
    } streams;
    bool layer_scale; /* one figure that what a layer gives is multiplied with */
    struct {
        double q_rank, kv_rank, rope, nope, value;
    } latent; /* MLA; kv_rank 0: none. q_rank 0: full-rank query. head_size is nope + rope */
    struct {
        double heads, head_size; /* heads 0: every token attends to all cells */
        double chosen;           /* cells that each token attends to */
    } indexer;                   /* scores cells by keys of its own, of which it keeps a cache */
    struct {
        double groups, rank;  /* of the matrices behind attention, each of low rank; 0: none */
        double rope;          /* of a head's values those that are rotated */
        double streams;       /* copies of the stream that each layer mixes */
        double hashed_layers; /* so many first ones choose experts by the token alone */
        uint8_t fine[64], coarse[64]; /* a bit each: layers that keep every so many cells as one */
    } compressed;
    struct {
        double kernel; /* of the convolution over tokens; 0: every layer attends */
        double groups, heads, head_size; /* groups of keys, heads of values, values of one */
        double state;                    /* entries that each value keeps: as many as a key has */
        double rank;                     /* of the selective scan's steps */
        uint8_t layer[64];               /* a bit each: the layers that recur */
        uint8_t feeds[64];               /* and those that only feed forward */
    } recurrent;
    bool tied; /* no output matrix of its own; encoders too, which have none */
    bool qkv_bias, attention_output_bias, ffn_bias, norm_bias, output_bias, output_norm,
        router_bias, post_norms;
    bool fused_qkv, fused_gate_up, gated_ffn;
    bool attention_sinks; /* one figure a head that takes part in the softmax */
    bool sub_norms;       /* norms in front of the attention output and of FFN down */
    enum qk_norm qk_norm;
    double norms_per_layer, learned_positions, token_types, embedding_norm;
    double rope_factors; /* entries of a tensor of rotation factors, 0 none */
    double rope_tensors; /* how many of those: 1 rope_freqs, 2 the long and the short ones */
    enum pooling pooling;
    double parameters; /* published or counted; 0 unknown */
};

/* From a row of the catalogue. Never fails: what cannot be computed carries `unruled`. */
void shape_from_part(const struct model_part *part, const struct catalog *c, struct arena *a,
                     struct shape *out);
/* Why nothing is computed for its architecture, or NULL. */
const char *shape_architecture_unruled(const struct shape *s, struct arena *a);
/* What a layer is by its place. */
struct layer_sort {
    bool window, experts, recurrent, shared; /* attends to an earlier layer's cache */
    bool bare;                               /* no norm in front of its attention */
    bool fine, coarse, hashed;               /* compressed attention */
    bool feeds;                              /* neither attends nor recurs */
};
struct layer_sort shape_layer(const struct shape *s, double layer);
bool shape_layer_recurs(const struct shape *s, double layer);
void shape_recur(struct shape *s, size_t layer);
bool shape_layer_feeds(const struct shape *s, double layer);
void shape_feed(struct shape *s, size_t layer);
bool shape_attends(const struct shape *s); /* does any layer? */
/* Says how many cells of a layer become one: FINE_RATIO, COARSE_RATIO; others: none do. */
void shape_compress(struct shape *s, size_t layer, double ratio);
/* 32-bit figures that a recurrent layer keeps of each sequence: of its convolution, and its state. */
double shape_convolved(const struct shape *s);
double shape_state(const struct shape *s);
bool shape_states_divide(const struct shape *s); /* evenly by heads and by groups */
double shape_head_size(const struct shape *s, bool window);
double shape_kv_heads(const struct shape *s, bool window);
double shape_ffn_width(const struct shape *s, bool shared);
bool shape_layer_is_window(const struct shape *s, double layer);
bool shape_layer_has_experts(const struct shape *s, double layer);
/* llama.cpp takes no biases of an encoder's experts. */
bool shape_experts_biased(const struct shape *s);
