/* verb/common.h - what several commands do alike: find the machine a request speaks of, get its rates, show it, show a bill. */
#pragma once
#include "base/json.h"
#include "judge/judge.h"
#include "machine/machine.h"
#include "machine/report.h"
#include "verb/verb.h"

struct experiment_set;
struct measuring;
struct model;
struct beside_model;

/* What a request is about. system and benchmark are the guide's figures: a report's own, else made of the machine. */
struct subject {
    const struct machine *machine;
    const struct report *report; /* the report it was read from, or NULL */
    struct guide_system system;
    struct guide_benchmark benchmark;
    const char *when;   /* of the rates: "just now", "kept from 2026-11-21 08:15:00", or NULL */
    const char *no_amx; /* why AMX fails though the CPU has it; NULL: not so, or not known */
};
/* What detection and the stores of models look through. */
struct looking context_looking(const struct context *in);
/* The machine of --machine (a saved report, or a line of key:value), else what detection sees under --root; without rates. */
bool subject_machine(const struct request *q, const struct context *in, struct subject *out,
                     struct mu_err *err) NODISCARD;
/* The machine of a saved report, without rates that it does not hold. */
bool subject_of_report(const struct context *in, const char *path, struct subject *out,
                       struct mu_err *err) NODISCARD;
/* Adds what llama.cpp says of its GPUs, when it is this machine and there are any; never with --quick. */
void subject_devices(const struct request *q, const struct context *in, struct subject *s);
/* Adds its rates: kept ones, else measured now (never with --quick, never for a machine that is not this one; then `unmeasured` says
 * why). Measuring that fails is a note, not an error. */
void subject_rates(const struct request *q, const struct context *in, struct subject *s);
/* For what runs a model and needs no rates: learns whether the CPU's matrix tiles work, from what is kept, else by a check of a second. */
void subject_checked(const struct context *in, struct subject *s);
/* How measure/ is asked about this machine. */
struct measuring subject_measuring(const struct context *in, const struct subject *s);
/* The world for judging on this machine, which gains typical kernel rates where its own were not measured. */
bool world_here(const struct context *in, const struct machine **m, struct world *out,
                struct mu_err *err) NODISCARD;
/* -e SET or FILE; llm-memory when not given. */
bool subject_set(const struct request *q, const struct context *in,
                 const struct experiment_set **out, struct mu_err *err) NODISCARD;
/* The same, where "all" is each set that ships. */
enum { SETS_MOST = 8 };
struct subject_sets {
    const struct experiment_set *set[SETS_MOST];
    size_t sets;
};
bool subject_sets(const struct request *q, const struct context *in, struct subject_sets *out,
                  struct mu_err *err) NODISCARD;

/* How busy the machine was when one of these was measured, or NULL: such rates are shown, but not trusted for good. */
const char *rates_busy(const struct rate *rate, size_t rates);
void show_machine(struct doc *d, const struct machine *m);
void show_speed(struct doc *d, const struct machine *m, const struct catalog *c, const char *when);
void show_notes(struct doc *d, const struct notes *n);

/* A task and all that it points to. */
struct asked {
    const struct model *model;
    const char *file; /* the model's path, NULL for one of the catalogue */
    const char
        *url; /* where that file is the copy of a header, what it was fetched from; else NULL */
    const char *folder; /* of safetensors, or that file; else NULL */
    struct digest *digest;
    struct generate knobs; /* of what writes text */
    void *own_knobs;       /* of other workloads: their struct; NULL: the ones above */
    struct task task;
    const char *
        unchecked; /* a note for whoever shows our plan of its memory; NULL: the plan was checked */
    const struct beside_model
        *beside; /* what runs beside it (verb/beside_model.h), NULL: nothing */
};
/* The model of a name or a file under a mix (NULL: the file's own, else the usual one, with a note), knobs at their defaults for m. */
bool asked_generate(const struct context *in, const char *operand, const char *quant,
                    const struct machine *m, struct asked *out, struct mu_err *err) NODISCARD;
/* The same for a kind of workload (NULL: generate) and a runtime, by name (NULL: llama.cpp), whose own defaults the knobs then have. One
 * that takes weights as published takes no mix. */
struct asking {
    const char *operand, *quant, *kind, *runtime;
};
bool asked_task(const struct context *in, const struct asking *how, const struct machine *m,
                struct asked *out, struct mu_err *err) NODISCARD;
/* A quantisation behind a catalogue model's name (NAME:Q8_0) taken off it; false, and nothing changed: none is there. */
bool named_quant(const struct context *in, const char **operand, const char **quant);
/* The same into *quant, where --quant stands if it was given: both must agree. */
bool named_quant_agreed(const struct context *in, const char **operand, const char **quant,
                        struct mu_err *err) NODISCARD;
/* --online, and what it makes of an operand: the path of the header's copy where the model is not on this disk; without it, and of any
 * other operand, the operand itself. For commands that need no more of a model than its header. */
bool online_operand(const struct request *q, const struct context *in, const char *operand,
                    const char **out, struct mu_err *err) NODISCARD;
/* A hub's name of a model without its owner. */
const char *name_alone(const char *hub_name);
/* Knobs given in the request set upon the defaults, and settled. */
bool asked_knobs(const struct request *q, const struct context *in, struct asked *a,
                 struct mu_err *err) NODISCARD;
/* For what runs on the CPU alone: nothing is put on devices, and nobody asked for it. */
bool asked_on_host(struct asked *a, struct mu_err *err) NODISCARD;
/* One of the task's knobs from text, its YAML key or option. */
bool asked_set(const struct context *in, struct asked *a, const char *name, const char *value,
               struct mu_err *err) NODISCARD;
/* "Q4_K_M", "bf16"; of what writes no text the knobs that are not as usual: "method full, micro_batch 4". */
const char *asked_words(const struct context *in, const struct asked *a);
/* Once the knobs are set, by asked_knobs or else: settles what this machine and model do not allow, with a note. */
void asked_settle(const struct context *in, struct asked *a);
/* The model with a list of its tensors: a file's own, or made of the shape and the mix that was taken. */
bool asked_tensors(const struct context *in, const struct asked *asked, struct model *out,
                   struct mu_err *err) NODISCARD;
/* A task as it was judged on a machine, and where. */
struct placed {
    const struct asked *asked;
    const struct machine *machine;
    const struct verdict *verdict;
};
const char *lower_case(struct arena *a, const char *name); /* of ASCII */
/* Joins b's blocks: the command of the runtime that was asked for. */
void show_runtime_command(struct doc *d, const struct placed *p);
/* "4096 tokens", "8 users with 8192 tokens each", "batch 4, context 4096 each". */
const char *extent_words(const struct asked *asked, struct arena *a);
/* What this machine has when other things hold so much of each of its pools (as many figures as it has pools). */
const struct machine *machine_left(const struct machine *m, const double *held_bytes,
                                   struct arena *a);
/* Adds what a verdict's sites need to the pools they lie in. */
void hold_verdict(const struct verdict *v, double *held_bytes);
/* A word as a shell reads it back: in single quotes unless it is plain. */
const char *shell_word(const char *word, struct arena *a);
/* The llama-server command line that runs it. */
const char *llama_command(const struct placed *p, struct arena *a);
/* "-ot 'blk\\.[0-6]...=CPU'": the experts of so many layers, from the first, on the host; NULL: of none. */
const char *override_words(double layers, struct arena *a);
/* The devices in the order that it takes llama.cpp to count them in; NULL: all are alike, or the engine told. */
const char *device_order_words(const struct placed *p, struct arena *a);
/* How other programs would run it, with what they would make of it; only those that can. */
void show_runtimes(struct doc *d, const struct placed *p);
/* An accelerator's name as people know it, with its number where several are called alike; the CPU is "the host". */
const char *place_called(const struct machine *m, size_t place, struct arena *a);
/* "21 of 33 layers on RTX 3060, the rest on the host". */
const char *placement_words(const struct placed *p, struct arena *a);
/* "5.10 GiB of 11.6 GiB there, 620 MiB of 28.0 GiB on the host", behind the words of the placement. */
const char *needs_words(const struct placed *p, struct arena *a);
/* What a placement that does not fit is over by, site by site; empty: nothing is. */
const char *missing_words(const struct placed *p, struct arena *a);
/* What is held, by site, and how much of it. */
void show_bill(struct doc *d, const struct placed *p);
/* The line of its own that holds most, or NULL; and the switch that its source says makes it smaller, or NULL. */
const struct line *bill_largest(const struct bill *b);
const char *line_smaller_by(const struct line *l);
/* Every name, value, formula and source that the bill was made of. */
void show_explanation(struct doc *d, const struct task *t, const struct verdict *v);

/* "38-44 tok/s", or "?" when it was not priced. */
const char *speed_words(struct arena *a, struct estimate per_s);
/* `{"muster": ..., "schema": ...` of a document; the caller closes the map. */
struct writer document_begin(struct buf *out, const char *schema);
void write_estimate(struct writer *w, const char *key, struct estimate e);
/* How long it takes: a unit of it, and the amount asked for. */
void show_time(struct doc *d, struct block *b, const struct task *t, const struct verdict *v);
void write_time(struct writer *w, const struct task *t, const struct verdict *v);
/* What that time is made of: the longest of its lines, all of them, and as JSON. */
void show_longest(struct doc *d, struct block *b, const struct machine *m, const struct world *w,
                  const struct verdict *v);
void show_worked(struct doc *d, const struct machine *m, const struct world *w,
                 const struct workload *kind, const struct verdict *v);
void write_worked(struct writer *w, const struct machine *m, const struct world *world,
                  const struct verdict *v);
void write_verdict(struct writer *w, const struct placed *p, struct arena *a);
void write_notes(struct writer *w, const struct notes *n);
