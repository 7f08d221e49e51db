/* measure/capture.h - hidden states and attention maps of a model, as .npy files: how large they will be, and the run that makes them. */
#pragma once
#include "base/fields.h"
#include "measure/measure.h"

struct digest;
struct generate;
struct shape;

enum capture_kind { CAPTURE_HIDDEN_STATES, CAPTURE_ATTENTION };
/* The formula of one layer's figures, in words for people. */
const char *capture_formula(enum capture_kind kind);
/* Bytes of one layer: tokens x width x 4, or heads x tokens x tokens x 4. NaN where the shape does not say. */
double capture_layer_bytes(enum capture_kind kind, const struct shape *s, double tokens);
/* "0,8,last", "all": layers in order, each once. False (MU_USAGE) names what is wrong. */
bool capture_layers(const char *text, double layers, struct arena *a, const double **out,
                    size_t *count, struct mu_err *err) NODISCARD;
/* The name of a layer's file in the folder. */
const char *capture_file_name(enum capture_kind kind, double layer, struct arena *a);

struct capture_asked {
    enum capture_kind kind;
    const char
        *file; /* a path; or NULL and an open file, which the child fills with random weights */
    int open_file;
    const struct digest *model;
    const struct generate *knobs;
    const double *layer;
    size_t layers;
    double tokens, threads;
    const char *folder; /* is there, and holds none of the names */
    double timeout_s, memory_most_bytes;
};
struct captured_file {
    const char *file;
    double layer, heads, rows, columns; /* heads: NaN for hidden states */
    double data_bytes, file_bytes;
    bool finite;
    double row_sum_low, row_sum_high; /* of attention */
    double predicted_bytes;           /* the caller's formula; not of the answer */
};
struct captured {
    const char *llama,
        *prompt; /* prompt: "text", or "random tokens" where the vocabulary holds no words */
    double load_s, without_s, with_s, copy_s, write_s, runs, peak_bytes;
    const struct captured_file *file;
    size_t files;
};
extern const struct fields captured_table;

/* Runs it; the lock is the caller's. On failure none of the files is left. False with a sentence and its code, as ask.h has them. */
bool capture_run(const struct measuring *in, const struct capture_asked *asked,
                 struct captured *out, struct mu_err *err) NODISCARD;
