/* judge/judge.h - cost held against a machine: the invoice. Pure; called thousands of times, so judge_task allocates nothing. */
#pragma once
#include "cost/cost.h"
#include "judge/calibrate.h"
#include "machine/machine.h"

struct arena;
struct catalog;
struct mix;
struct model_part;
struct mu_err;

/* measured / predicted of a truth class: the shortest range that holds nine rows in ten (data/residuals.json, made by selftest). */
struct residual {
    const char *class_;
    double low, likely, high, rows;
};
/* What a kernel usually reaches, as a share of what people measure: for a machine whose kernels were not (data/kernels.json). */
struct typical {
    struct rate rate; /* of one share; work, type, tokens, row and buffer stand */
    enum machine_work
        of; /* memory read or sgemm; MACHINE_WORK_COUNT: of nothing, the share is the rate */
};
struct world { /* what a judgement may use beside the machine */
    const struct residual *residual;
    size_t residuals;
    const struct typical *typical;
    size_t typicals;
    const struct site_rules *rules; /* of llama.cpp's backends */
    size_t backends;
    const struct accelerator *accelerator;
    size_t accelerators;
    const struct catalog *catalog; /* parts whose rates are listed only */
    const struct sample *sample;   /* trials of this machine, oldest first */
    size_t samples;
    struct calibration decode, prefill; /* what they say of the rates; models 0: nothing */
    double calibrated_threads;
    const struct utilisation *utilisation; /* what programs on PyTorch reach of rates */
    size_t utilisations;
};
/* How llama.cpp lays things out on that backend; NULL: not known, as on the CPU. */
const struct site_rules *judge_site_rules(const struct world *w, const char *backend);
/* The shipped residuals, typical kernels and shares of accelerators. */
bool judge_world(const struct catalog *c, struct arena *a, struct world *out,
                 struct mu_err *err) NODISCARD;
/* Trials of the machine, with so many threads, join the world: they replace the estimate of what was tried and correct the others. */
void judge_samples(struct world *w, const struct sample *sample, size_t samples, double threads);
/* The machine with typical rates, ESTIMATED, for kernels that were not measured, as far as its memory and matrix rates are known; LISTED
 * where those are only what the catalogue lists for a CPU that the machine was made of by name. */
const struct machine *judge_typical(const struct machine *m, const struct world *w,
                                    struct arena *a);
const struct residual *residual_find(const struct world *w, const char *class_); /* or NULL */

/* Speed of accelerators without a measurement: what a backend reaches on an architecture, as shares of what is listed
 * (data/accelerators.json, fitted by tools/fit-accelerators). */
struct accelerator;

/* FITS_UNKNOWN: the memory there is is not known; FITS_NOT_COMPUTED: what is needed has no rule. */
enum fits { FITS, FITS_PROBABLY, FITS_NOT, FITS_UNKNOWN, FITS_NOT_COMPUTED };
/* What a split puts at one site, and what there is. */
struct site {
    uint16_t place, pool; /* index into the machine's */
    enum fits fits;
    struct estimate held_bytes;             /* its lines of the bill */
    double beside_bytes, beside_most_bytes; /* process and vocabulary, or the driver's context */
    double usable_bytes;  /* of the pool, or of the place's part of it; NaN: unknown */
    const char *bound_by; /* what bound that */
};
struct verdict {
    enum fits fits;          /* the worst of all sites' */
    struct split split;      /* what lies where: as asked for, else as judge/placement.h found it */
    struct site site[SITES]; /* as many as split.sites */
    const char *why;         /* why not, where it is not a site's memory; else NULL */
    struct bill bill;        /* the evidence itself: every face renders its lines */
    struct estimate prefill_per_s,
        decode_per_s; /* tokens a second; UNKNOWN with the reason in source when not priced */
    /* Decoded tokens a joule, were every device that works drawing all it may: at least so many. UNKNOWN where a device's power is not
     * known, or only the host works. */
    struct estimate decode_per_joule;
    /* Seconds of one unit (workload.unit), and of the amount asked for (judge/time.h). UNKNOWN with the reason. */
    struct estimate unit_s, duration_s;
    /* What such a workload leaves on the disk: of one unit, and of the amount asked for, UNKNOWN where none was; 0: nothing. */
    struct estimate unit_disk_bytes, disk_bytes;
};
const char *fits_word(enum fits fits);   /* "yes", "probably", "no", "not known", "not computed" */
double site_needs(const struct site *s); /* likely: held and beside it */
double site_needs_most(const struct site *s); /* the same at its high end */
/* The site that decides: the first of those that fit worst. */
const struct site *verdict_binding(const struct verdict *v);
double verdict_needs(const struct verdict *v); /* likely, of all sites */
/* Everything that llama.cpp can put on devices lies there: all layers, the output and the cache. */
bool verdict_all_on_devices(const struct verdict *v);

/* With devices that can be used, the placement is searched for (judge/placement.h). */
void judge_task(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *out);
/* The class whose residuals widen what a site of this task holds; NULL: exact. A plan that was never held against truth is no better than
 * the closed form. */
const struct residual *judge_memory_residual(const struct task *t, const struct split *s, int site,
                                             const struct world *w);
/* Where the sites of a split lie: places of the machine, the CPU first. */
struct seats {
    uint16_t place[SITES];
};
/* The same with everything where the split says. */
void judge_split(const struct task *t, const struct machine *m, const struct world *w,
                 const struct split *s, const struct seats *at, struct verdict *out);
/* A site has no more than that, and why: judges again whether it fits. */
void judge_narrow(struct verdict *v, int site, double usable_bytes, const char *bound_by);
/* Judges again what follows from what the sites hold: fits, why, usable bytes and what bounds them. */
void judge_fits(const struct machine *m, struct verdict *v);
/* The context of all sequences together that the model was trained for: its own, times the sequences unless they share it. */
double judge_trained_context(const struct task *t);
/* The largest context (a multiple of `step`, at most that) that fits, not only probably; 0 when none does or nothing is computed. */
double judge_largest_context(const struct task *t, const struct machine *m, const struct world *w,
                             double step);
/* Tokens a second of all its sequences together, where they decode at the same time, placed as that verdict is: rough, since there is no
 * truth of it. UNKNOWN where there is one sequence alone, or no speed. */
struct estimate judge_decoding_together(const struct task *t, const struct verdict *placed,
                                        const struct machine *m, const struct world *w);
/* The most sequences that fit, not only probably, with the context asked for; 0 when none does or nothing is computed. */
double judge_largest_sequences(const struct task *t, const struct machine *m,
                               const struct world *w);
/* Speed behind so many tokens in the cache: none, then ever more up to the end of the context. 0 rows for what does not write. */
struct depth {
    double tokens;
    struct estimate decode_per_s, prefill_per_s;
};
enum { DEPTHS_MOST = 8 };
size_t judge_depths(const struct task *t, const struct machine *m, const struct world *w,
                    struct depth out[DEPTHS_MOST]);
/* Which extra weight buffers llama.cpp's CPU backend would use on this machine, best first, into the knobs. */
void judge_buffers(const struct machine *m, const struct catalog *c, struct arena *a,
                   struct generate *g);
/* Once buffers and knobs are set: turns repacking off where llama.cpp would fall over with this model's weights in one of those
 * buffers, and says why; NULL: it does not. */
const char *judge_repacking(const struct digest *m, struct generate *g);
/* What somebody's figure for memory is worth beside ours: "confirmed" from what is needed with nothing spare up to that with `spare_share`
 * to spare, else "too low" or "too high"; "unsupported" when nothing is computed. */
const char *judge_figure(double guide_bytes, const struct verdict *v, double spare_share);

/* A model that runs well here: the best quantisation within the quality bound that fits with a tenth to spare, at 8k or the model's
 * own context, and decodes fast enough. */
struct ranked {
    const struct model_part *part;
    const struct mix *mix;
    double context_tokens, largest_context_tokens;
    struct verdict verdict;
    const struct mix *better; /* the next better one, and whether it fits; NULL: there is none */
    enum fits better_fits;
};
struct ranking {
    double perplexity_most;    /* share: 0.05 */
    double spare_share;        /* 0.1 */
    double decode_least_per_s; /* 10; not asked when speed is not known */
    double context_tokens;     /* 8192 */
    const char *const *quants; /* candidate mixes, NULL-terminated */
};
extern const struct ranking ranking_usual;
/* The candidate mixes within the quality bound, best quality first. */
size_t ranking_mixes(const struct ranking *r, const struct catalog *c, const struct mix *out[],
                     size_t room);
/* At most `room` models, by parameters, largest first; one row a shape (sister releases are left out). */
size_t judge_rank(const struct ranking *r, const struct machine *m, const struct catalog *c,
                  const struct world *w, struct arena *a, struct ranked *out, size_t room);
