/* cost/plan.h - where llama.cpp would place every intermediate value of its largest graph, and so how large its compute buffer is.
 *
 * The graph is built one step (the embeddings, one layer, the output) at a time, and each step is placed as soon as it is whole: of
 * what a step makes only the residual stream and the graph's inputs outlive it. So the plan needs room for two steps, not for a model,
 * and lives on the caller's stack (about 60 KiB). The graph is walked twice: once to count how often each input is read, which decides
 * when it is freed, and once to place.
 *
 * A value is an index; 0 is nothing: a weight or the KV cache, which lie in buffers of their own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct derived;
struct digest;
struct generate;

enum { PLAN_VALUES = 512, PLAN_GAPS = PLAN_VALUES + 1, PLAN_SOURCES = 4 };

/* Elements per dimension, row first. Values alike in it may share memory. */
struct extent {
    double element_bytes, n[4];
};
/* The values a node reads, in the order of its sources; weights and the cache left out. */
struct from {
    int of[PLAN_SOURCES];
};
#define FROM(...) ((struct from){{__VA_ARGS__}})

enum value_kind {
    VALUE_NEW,   /* a node with memory of its own */
    VALUE_REUSE, /* the same, unless it can run in place of one of its sources */
    VALUE_VIEW,  /* another look at a value: no memory */
    VALUE_STORE  /* written into the KV cache: reads, but holds nothing here */
};
struct value {
    struct extent extent;
    double bytes, at;
    struct from from;
    int root;         /* the value a view looks at, 0 none */
    int reads, views; /* still to come */
    uint8_t kind;
    bool placed, kept; /* kept: an answer of the graph, never freed */
};
struct gap {
    double at, bytes;
};
struct plan {
    struct value value[PLAN_VALUES];
    int values, inputs, step; /* inputs stand first; step: where the current step begins */
    struct gap gap[PLAN_GAPS];
    int gaps;
    double peak_bytes;
    bool placing; /* the second walk */
    bool full;    /* a value too many, too large or of no size: nothing can be said */
};

void plan_start(struct plan *p);
/* Inputs are all made before the first step, once. */
int plan_input(struct plan *p, double bytes);
/* Begins the second walk: counts are kept, inputs are placed, values forgotten. */
void plan_place(struct plan *p);
int plan_value(struct plan *p, enum value_kind kind, struct extent e, struct from from);
int plan_view(struct plan *p, int of);
void plan_store(struct plan *p, struct from from);
/* Never to be freed; said in the step that makes it or, of the stream, in the next. */
void plan_keep(struct plan *p, int value);
/* Ends a step: places its values and forgets all but `stream`, whose new index it returns. */
int plan_step(struct plan *p, int stream);

/* Bytes of the compute buffer; false when the graph is larger than the plan has room for. */
bool plan_compute_bytes(const struct digest *m, const struct generate *g, double *bytes);
