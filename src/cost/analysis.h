/* cost/analysis.h - what analysis of a model keeps: hidden states, attention maps, probes and statistics over them. Beside what is kept, the model itself runs under transformers: its weights, cache, logits. */
#pragma once
#include "cost/cost.h"
#include "cost/layers.h"

struct shape;

enum capture_place { CAPTURED_ON_DEVICE, CAPTURED_ON_HOST, CAPTURED_ON_DISK };
enum capture_format { CAPTURE_NPY, CAPTURE_SAFETENSORS, CAPTURE_CSV };
struct capture { /* of hidden-states and attention */
    double device;
    double sequences, sequence_tokens;
    double new_tokens; /* generated behind them; the states of each are kept, too */
    double trials;     /* whose states are kept at once */
    /* For hidden states 0 is what the embeddings give, n what is behind layer n; for maps of attention 0 is the first. Usual: all. */
    struct layer_list layers;
    double value_bytes; /* of weights and of what is kept; usual 2 */
    double precision;   /* a choice: fp16, fp32; value_bytes, where it is not 0, goes before it */
    double place, format;
    double samples; /* amount: sequences in all; 0: nobody said */
};
struct probe { /* a linear classifier on states */
    double device, samples, inputs, classes, batch;
    double epochs;         /* amount */
    bool double_precision; /* scikit-learn's solvers: numbers of 8 bytes, and a copy */
};
struct embed {
    double device, sequences, sequence_tokens, precision, texts;
    double samples; /* amount: sentences in all */
};
enum retrieve_index { INDEX_FLAT, INDEX_HNSW, INDEX_IVF, INDEX_IVF_PQ };
struct retrieve {
    double index, vectors, dimensions, links, lists, code_bytes;
    bool keep_vectors;
    double queries; /* amount */
};
extern const struct workload workload_embed, workload_retrieve;
extern const struct workload workload_hidden_states, workload_attention, workload_probe,
    workload_statistics;
void capture_usual(struct capture *c);
void probe_usual(struct probe *p);
void embed_usual(struct embed *e);
void retrieve_usual(struct retrieve *r);
/* What one trial keeps. */
double hidden_states_bytes(const struct shape *s, const struct capture *c);
double attention_bytes(const struct shape *s, const struct capture *c);
/* How many states or maps a capture keeps; NaN: a layer that is named is not there. */
double hidden_states_kept(const struct shape *s, const struct capture *c);
double attention_maps_kept(const struct shape *s, const struct capture *c);
/* What is written where it goes to the disk: kept_bytes for each batch. */
struct on_disk capture_written(const struct capture *c, double kept_bytes);
/* On disk, low to high of the digits of a text. */
double capture_file_bytes(double kept_bytes, const struct capture *c, bool high);
/* What training makes of a probe's weights, beyond them and its data: gradients, states and what a step of Adam makes of them. */
double probe_bytes(const struct probe *p);
/* A forward pass of eager attention without gradients: what is there at once, beyond weights, where one layer is highest. composed: its
 * activation is made of several operations (GELU by tanh), each of which leaves a tensor. */
struct forward {
    double sequences, sequence_tokens, value_bytes;
    bool composed;
};
double forward_pass_bytes(const struct shape *s, const struct forward *f);
const char *forward_unruled(const struct shape *s); /* NULL when it can be computed */
/* Lines of a model that runs under transformers: weights, cache and logits. */
void capture_model(struct bill *b, const struct digest *m, const struct capture *c,
                   const struct split *s);
extern const struct knob capture_knobs[];
double capture_batches(const void *chosen); /* units of the workloads that capture */
void capture_defaults(void *chosen, const struct digest *m, const struct catalog *c);
/* The work of one batch: the prompts' pass, what is written behind them, what is taken away of so many kept bytes. */
void capture_work(struct bill *b, const struct digest *m, const struct capture *c,
                  const struct split *s, double kept_bytes, bool eager);
double capture_value_bytes(const struct capture *c);
int capture_site(const struct capture *c, const struct split *s); /* where what is kept lies */
