/* verb/fit.h - what `muster fit` found out, and how it is said. */
#pragma once
#include "judge/allocated.h"
#include "judge/cpu_placement.h"
#include "judge/on_devices.h"
#include "verb/common.h"

struct fetching;
struct elsewhere;
struct remedied;

struct fit {
    struct asked asked;
    struct subject subject;
    const struct machine *machine; /* the subject's, with typical rates where its own are missing */
    struct verdict verdict;
    const struct allocated *exact; /* llama.cpp's own buffers, or NULL */
    double planned_bytes;          /* beside them: our plan of the same; NaN: no rule */
    double largest_context_tokens; /* 0: none fits, or nothing computed */
    struct depth depth[DEPTHS_MOST];
    size_t depths;
    struct placed placed;
    bool devices; /* there are some that can be used */
    struct on_devices all_on;
    double largest_sequences; /* at this context; 0: none fits, nothing computed, or not asked */
    const char
        *largest_model; /* of its family, with this context and so many; NULL: none, or not asked */
    struct estimate together_per_s; /* all its sequences, decoding at the same time */
    const struct asked **other;     /* what is --together with it */
    size_t others;
    const struct fetching *fetch;    /* how the model gets here; NULL: it is a file, or nobody's */
    const struct remedied *remedied; /* what to change; NULL: nothing is to be */
    const struct machine *whole;     /* with nothing beside it; NULL: nothing is asked to be */
    const struct elsewhere *elsewhere; /* other machines; NULL: none was looked at */
};

/* Devices that can be used. */
size_t fit_devices(const struct fit *f);
/* The one accelerator by name, or how many there are. */
const char *fit_devices_words(const struct fit *f, struct arena *a);
void show_fit(struct doc *d, const struct fit *f, bool explain);
/* Whether several users, or another runtime than llama.cpp, are asked for. */
bool fit_serves(const struct fit *f);
/* The largest model of the same family that fits in its place; NULL: none. */
const char *fit_largest_of_family(const struct context *in, const struct fit *f,
                                  const struct world *w);
/* Users or batches that fit, into these facts. */
void show_serve(struct doc *d, struct block *b, const struct fit *f);
/* How fast all of them are that decode at the same time. */
void show_together(struct doc *d, struct block *b, const struct fit *f);
void write_serve(struct writer *w, const struct fit *f);
/* How it is put on the CPU, where there is a choice (show_cpu_placement.c). */
void show_cpu_placement(struct doc *d, const struct fit *f);
void write_cpu_placement(struct writer *w, const struct fit *f);
/* What to change, and where else it runs: of --min-tps (NaN: not given) and --reports. */
bool fit_remedies(const struct request *q, const struct context *in, const struct world *w,
                  double decode_least_per_s, struct fit *f, struct mu_err *err) NODISCARD;
/* The answer of workloads that write no text, once the task is asked for (fit_whole.c). */
bool fit_whole(const struct request *q, const struct context *in, const struct world *w,
               struct fit *f, struct answer *out, struct mu_err *err) NODISCARD;
/* What it leaves on the disk (show_disk.c). */
void show_disk(struct doc *d, struct block *b, const struct fit *f);
void write_disk(struct writer *w, const struct fit *f);
/* The document fit/1. */
void write_fit(const struct fit *f, const struct context *in, struct buf *out);
