/* cost/training.h - what training keeps, by the shape of a model: parameters by part, those of adapters, and the bytes that one layer keeps
 * for the backward pass of each token. Transformers, dense or with experts; for others training_unruled() says why not. */
#pragma once
#include "catalog/frameworks.h"

struct shape;

/* Matrices that an adapter may sit on, as bits of a mask. */
enum target { TO_Q, TO_K, TO_V, TO_O, TO_GATE, TO_UP, TO_DOWN, TO_HEAD, TARGETS };

struct training_parts {    /* parameters */
    double layer_matrices; /* of all layers, all experts */
    double met_matrices;   /* of these, those that a token meets */
    double norms;          /* and biases and routers */
    double embeddings, positions, head;
    double all;
};
struct
    training_bytes { /* of one parameter or value; master: of the copy that optimizers update, 0 none */
    double weight, compute, gradient, state, master;
};
/* How a layer is trained: what decides which tensors stay for the backward pass. */
struct kept_asked {
    const struct framework *framework;
    double sequence_tokens;
    double compute_bytes, adapter_bytes;
    double stream_bytes; /* of a value between layers: under autocast as the weights have it */
    bool full; /* all weights train; else adapters on the matrices of the mask, of so high a rank */
    bool quantised;
    bool eager;        /* scores of attention are kept */
    bool dropout;      /* of the model itself */
    bool lora_dropout; /* of the adapters' inputs */
    double mask_bytes; /* of one value in a dropout mask */
    double gelu_kept;  /* tensors that a plain FFN's activation keeps; 0: one */
    unsigned targets;
    double rank;
};
/* Why nothing is computed for this model, or NULL. */
const char *training_unruled(const struct shape *s);
struct training_parts training_parts(const struct shape *s, bool untied);
/* The mask has some of query, key and value, but not all, where latent attention has no such matrices of their own. */
bool training_targets_split(const struct shape *s, unsigned targets);
double training_adapter_parameters(const struct shape *s, unsigned targets, double rank);
double training_attention_parameters(const struct shape *s); /* of one layer's matrices */
double training_largest_matrix(const struct shape *s, bool head);
/* The widest feed-forward that a token goes through at once, and what attention gives. */
double training_ffn_width(const struct shape *s);
double training_attention_width(const struct shape *s);
/* Bytes a token that one layer keeps: of all in the mean, and the layer that keeps most. */
struct layers_kept {
    double mean, most;
};
struct layers_kept training_kept(const struct shape *s, const struct kept_asked *k);
/* Of these: what one norm keeps. */
double training_norm_kept(const struct shape *s, const struct kept_asked *k);
/* And what the first layer of a frozen model does not keep: all in front of its first adapter, which no gradient reaches. */
double training_unneeded(const struct shape *s, const struct kept_asked *k);
