/* cost/plan.h - where llama.cpp would place every intermediate value of its largest graph, and so how large its compute buffers are: one
 * at each site that a split uses.
 *
 * The graph is built one step (the embeddings, one layer, the output) at a time, and each step is placed as soon as it is whole: of
 * what a step makes only the residual stream and the graph's inputs outlive it. So the plan needs room for two steps, not for a model,
 * and lives on the caller's stack (about 150 KiB). The graph is walked twice: once to count how often each input is read, which decides
 * when it is freed, and once to place.
 *
 * With several sites each node is computed where its weights lie, or where it was pinned; the others follow their neighbours
 * (plan_sites.c). A run of nodes at one site is a stretch; what it reads from elsewhere is copied to its site before its first node.
 * Inputs lie on the host.
 *
 * A value is an index; 0 is nothing: a weight or the KV cache, which lie in buffers of their own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cost/bill.h"

struct derived;
struct digest;
struct llama;

enum {
    PLAN_VALUES = 512,
    PLAN_GAPS = PLAN_VALUES + 1,
    PLAN_SOURCES = 4,
    PLAN_FETCHES = 128,
    PLAN_ANYWHERE = -1
};

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
    VALUE_NEW,    /* a node with memory of its own */
    VALUE_REUSE,  /* the same, unless it can run in place of one of its sources */
    VALUE_VIEW,   /* another look at a value: no memory */
    VALUE_STORE,  /* written into the KV cache: reads, but holds nothing here */
    VALUE_OUTSIDE /* weights or a cache at another site: no memory until they are copied */
};
struct value {
    struct extent extent;
    double bytes, at;
    struct from from;
    int root;         /* the value a view looks at, 0 none */
    int reads, views; /* still to come */
    int stretch;      /* of a node: which it belongs to; of a copy: before which it is made */
    int copy_of;      /* 0: it is no copy */
    uint8_t kind;
    int8_t site;       /* PLAN_ANYWHERE until the step ends */
    bool placed, kept; /* kept: an answer of the graph, never freed */
    bool met, made;    /* of a copy of an input: read in the second walk, placed in it */
    bool weights;      /* of what lies outside: no cache */
};
struct gap {
    double at, bytes;
};
/* The compute buffer of one site. */
struct room {
    struct gap gap[PLAN_GAPS];
    int gaps;
    double alignment_bytes, peak_bytes;
    double kept_bytes; /* copies that are never freed, in front of all else */
};
struct plan {
    /* Inputs, then the stream, then the step's values and its copies; copies of inputs from the end. */
    struct value value[PLAN_VALUES];
    int values, inputs, step; /* inputs stand first; step: where the current step begins */
    int input_copies;
    struct room room[SITES];
    int sites;
    int copies;   /* of all that crosses sites; more than one when devices work at the same time */
    int here;     /* site of the stretch at hand */
    int previous; /* site of the last node that is pinned */
    int stretch, stretch_copies; /* which it is; values copied for it so far */
    int made;                    /* the stretch whose copies were placed last */
    int fetch[PLAN_FETCHES];     /* copies that this step is the first to read, in that order */
    int fetches;
    bool placing; /* the second walk */
    bool full;    /* a value too many, too large or of no size: nothing can be said */
};

/* A plan for the host alone; further sites are added before the inputs. */
void plan_start(struct plan *p, double alignment_bytes);
void plan_add_site(struct plan *p, double alignment_bytes);
/* Inputs are all made before the first step, once. */
int plan_input(struct plan *p, double bytes);
/* One that a node may run in the place of. */
int plan_input_like(struct plan *p, struct extent e);
/* Begins the second walk: counts are kept, inputs are placed, values forgotten. */
void plan_place(struct plan *p);
int plan_value(struct plan *p, enum value_kind kind, struct extent e, struct from from);
/* A look at all of a value, or at so many bytes of it. */
int plan_view(struct plan *p, int of);
int plan_part(struct plan *p, int of, double bytes);
int plan_outside(struct plan *p, int site, double bytes, bool weights);
int plan_store(struct plan *p, struct from from);
/* The site that computes it, whatever its neighbours do. */
void plan_pin(struct plan *p, int value, int site);
/* Memory that a kernel wants behind its answer. */
void plan_widen(struct plan *p, int value, double bytes);
/* Never to be freed; said in the step that makes it or, of the stream, in the next. */
void plan_keep(struct plan *p, int value);
/* Ends a step: places its values and forgets all but `stream`, whose new index it returns. next_site: where the first pinned node of
 * the next step is computed, PLAN_ANYWHERE behind the last. */
int plan_step(struct plan *p, int stream, int next_site);

/* Inside the plan: gives each node of a step its site and stretch, and makes copies of what stretches read from elsewhere, which stand
 * behind the step's values up to the returned end. */
int plan_cross(struct plan *p, int next_site);

/* Bytes of the compute buffer of each site; false when the graph is larger than the plan has room for. */
bool plan_compute_bytes(const struct llama *l, double bytes[SITES]);
