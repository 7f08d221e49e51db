/* cost/cost.h - workloads and their knobs. One row a workload: cost/w_NAME.c and one line in cost.c; the row is what options, YAML keys,
 * help and tests come from. Cost knows no machine: where things lie is a split, which buffers a CPU has is a knob. */
#pragma once
#include "base/str.h"
#include "cost/bill.h"
#include "cost/knob.h"

struct arena;
struct backend;
struct beside;
struct buffer_rule;
struct catalog;
struct digest;
struct mu_err;
struct weight_type;

/* generate on llama.cpp: the knobs, with a llama-server's defaults (generate_usual). */
enum flash_attention { FLASH_AUTO, FLASH_ON, FLASH_OFF };
enum repack { REPACK_ON, REPACK_OFF };
enum { OUTPUTS_AS_SEQUENCES = -1, EXTRA_BUFFERS = 2, SEQUENCES_MOST = 256 };
/* Whose layout a bill is of (cost/runtime.h), and what it keeps weights in; auto: 16 bits, as most models are published. */
enum runtime_id { RUNTIME_LLAMA, RUNTIME_OLLAMA, RUNTIME_TRANSFORMERS, RUNTIME_VLLM, RUNTIMES };
enum dtype { DTYPE_AUTO, DTYPE_FP32, DTYPE_FP16, DTYPE_BF16, DTYPE_INT8, DTYPE_NF4 };
/* Where things lie, for whoever searches for a split; a bill does not look at them. */
enum offload { OFFLOAD_AUTO, OFFLOAD_ON, OFFLOAD_OFF };
enum { KNOB_AUTO = -1, KNOB_ALL = -2 }; /* of a KNOB_COUNT that has words */
struct generate {
    double context_tokens; /* usual: the smaller of 8192 and the model's own */
    double batch_tokens, ubatch_tokens, sequences;
    const struct weight_type *kv_type_k, *kv_type_v;
    bool kv_unified, swa_full, mmap, embeddings;
    double repack;          /* enum repack */
    double flash_attention; /* enum flash_attention */
    /* Rows of logits reserved; 0: a whole ubatch, as llama-cli and llama-bench do. Usual: OUTPUTS_AS_SEQUENCES. */
    double outputs_max;
    /* What speed is given for: a prompt so long (usual 512), behind so many tokens that are in the cache already (usual 0). Decoding
     * stands behind both. */
    double prompt_tokens, depth_tokens;
    double threads; /* that work; usual 0: all that one process may use */
    /* Layers on devices (the output counts as one) and layers whose experts stay on the host: a number, KNOB_ALL, usual KNOB_AUTO. */
    double gpu_layers, cpu_moe;
    double kv_offload;              /* enum offload */
    double tensor_split[SITES - 1]; /* shares of the devices in their order; all 0: auto */
    /* Extra weight buffers this CPU has, best first (AMX, CPU_REPACK), of their rows those it can use; NULL: none. Set by judge. */
    const struct buffer_rule *buffer[EXTRA_BUFFERS];
    bool closed_form; /* compute buffer by its closed form (sweeps, rankings), not the exact plan */
    double runtime;   /* enum runtime_id */
    double dtype;     /* enum dtype; of runtimes that take weights as published */
    /* context_tokens is what each sequence has: serve, and every runtime but llama.cpp, whose -c is of all of them together. */
    bool context_each;
    /* Adapters, a projector, a draft model (cost/beside.h); usual NULL: none. */
    const struct beside *beside;
    double prompts,
        new_tokens; /* amount: prompts, and tokens written behind each; 0: nobody said */
    /* Sequences that decode together, each behind the same depth; below 2: one alone. No knob: who judges asks for it. */
    double decoding;
};

/* How llama.cpp lays things out at a site, by its backend: data/backends.json. The host's are those of plain CPU buffers. */
struct site_rules {
    const char *backend; /* "CPU", "CUDA", "RPC" */
    const char
        *in_order; /* environment that makes it count devices as drivers list them, or NULL */
    double alignment_bytes; /* of tensors and of values in the compute buffer: 32, CUDA 128 */
    double row_multiple;    /* quantised rows are padded to so many values: CUDA 512; 0: not */
    double context_bytes;   /* what the driver takes beside all buffers, likely */
    double context_most_bytes;
    bool host_buffer;    /* host weights lie in memory pinned for it, so not repacked */
    bool copies_weights; /* host weights are copied here for large batches (op offload) */
    /* Several such devices work at the same time, and then hold what crosses sites four times over. */
    bool pipelines;
    bool cache_as_halves; /* attention wants a cache of other types as F16 too, behind its answer */
};
struct site_rules site_rules_of(const struct backend *b);

/* Where layers lie. Machine-free: site 0 is the host, 1.. are devices. The output (norm and matrix) counts as the layer behind the last,
 * as llama.cpp counts it; look-up tables stay on the host. Sites hold runs of layers in their order, the host's first. */
struct split {
    int sites;
    double first_layer[SITES], layers[SITES];
    double
        host_experts; /* experts of so many layers, from the first, stay on the host (--n-cpu-moe) */
    bool host_cache;  /* the KV cache of device layers stays on the host (--no-kv-offload) */
    const struct site_rules *rules[SITES]; /* NULL: those of site 0, the CPU */
};
extern const struct split split_host; /* everything on the host */

struct guide_rule { /* a rule of thumb people use, computed beside ours */
    const char *name, *words, *source;
    double (*bytes)(const struct digest *m, const void *knobs);
};
/* What a workload leaves on the disk: of one unit, least and most, and how many units' worth that is in all; NaN: no amount was said. */
struct on_disk {
    double low_bytes, high_bytes, units;
};
struct workload {
    const char *name, *words;
    const struct knob *knob;
    size_t knobs;
    size_t size; /* of the knobs' struct */
    void (*bill)(struct bill *b, const struct digest *m, const void *knobs, const struct split *s);
    /* The lines of such a bill that are not its own (HELD_PROCESS), where every ABOUT() stands; NULL: the
     * whole bill is run again for them. */
    void (*beside)(struct bill *b, const struct digest *m, const struct split *s);
    const struct guide_rule *rule;
    size_t rules;
    /* The rest is of workloads whose knobs are not a struct generate. Their defaults; the catalogue's tables were read before. */
    void (*usual)(void *knobs, const struct digest *m, const struct catalog *c);
    const char
        *unit; /* what its work is billed for one of: "step", "batch"; NULL: no work is billed */
    double (*units)(const void *knobs); /* how many of them; NaN: no amount was said */
    const char *truth; /* the class whose residuals its held bytes have; NULL: its ABOUT()s alone */
    struct on_disk (*writes)(const struct digest *m, const void *knobs); /* NULL: nothing */
    bool modelless; /* it runs no model: its digest has a name and nothing else */
};
extern const struct workload *const workloads[]; /* NULL-terminated */
const struct workload *cost_workload(struct str name);
/* Text written by a model: knobs are a struct generate, dealt over sites, priced by llama.cpp's kernels. */
bool cost_writes_text(const struct workload *w);

struct task {
    const struct workload *kind;
    const struct digest *model;
    const void *knobs;
};
void cost_bill(const struct task *t, const struct split *s, struct bill *out);
/* Of a bill that has a rule: what is beside the held bytes alone, to be bent at little cost. */
void cost_beside(const struct task *t, const struct split *s, struct bill *out);
void generate_usual(struct generate *g, const struct digest *m, const struct weight_type *types);
/* The same with what another runtime has by itself; every sequence has a context of its own there. */
void generate_under(struct generate *g, enum runtime_id runtime);
/* Tokens that all sequences may have in the cache together, as they were asked for. */
double generate_all_tokens(const struct generate *g);
/* Sets one knob from text ("8k", "q8_0", "off"). The message names the choices. */
bool knob_set(const struct workload *w, void *knobs, struct str name, struct str value,
              const struct catalog *c, struct mu_err *err);
/* By its name or option; NULL: the workload has none of it. */
const struct knob *knob_find(const struct workload *w, struct str name);
/* A number, how many layers, a choice's index, a switch as 0 or 1; NaN where the workload has no such knob. */
double knob_number(const struct workload *w, const void *knobs, const char *name);
/* The word that it stands on: "qlora", "on", "F16", "auto"; NULL where it is a number, or shares. */
const char *knob_word(const struct knob *k, const void *knobs);
/* A number where it takes numbers (KNOB_TOKENS, KNOB_COUNT). */
void knob_put(const struct knob *k, void *knobs, double number);
/* As knob_set() reads it back: "4", "qlora", "on", "q8_0", "3,1". */
const char *knob_text(const struct knob *k, const void *knobs, struct arena *a);
/* The context parameters as llama_context derives them (padding, streams); used by kv.c and the plan. cells: of one stream. tokens:
 * of the largest micro-batch. outputs: rows of logits reserved. */
struct derived {
    double context_tokens, cells, window_cells, streams, batch_tokens, ubatch_tokens, tokens,
        outputs;
    bool flash;
};
struct derived generate_derived(const struct digest *m, const struct generate *g);
