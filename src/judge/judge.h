/* judge/judge.h - cost held against a machine: the invoice. Pure; called thousands of times, so it allocates nothing. */
#pragma once
#include "cost/cost.h"
#include "machine/machine.h"

struct
    residual { /* measured / predicted of a truth class; shipped in data/residuals.json, made by selftest */
    const char *class_;
    double p05, p95;
    double rows;
    const char
        *rough; /* a stated bound instead of a quantile, with its reason; NULL for quantiles */
};
const struct residual *residual_find(const struct residual *r, size_t n, const char *class_);

enum fits { FITS, FITS_PROBABLY, FITS_NOT, FITS_UNKNOWN };
struct verdict {
    enum fits fits;
    const char *why;  /* when FITS_UNKNOWN: "not computed, because ..."; else what bound it */
    struct bill bill; /* the evidence itself: every face renders its lines */
    struct split split;
    struct estimate pool_bytes[SITES]; /* needed, by machine pool */
    double process_bytes;              /* beside pool_bytes: process and vocabulary */
    double usable_bytes;               /* of the pool that binds */
    struct estimate prefill_per_s,
        decode_per_s; /* tokens a second; origin UNKNOWN with the reason in source when not priced */
};
struct world { /* what a judgement may use beside the machine */
    const struct residual *residual;
    size_t residuals;
};
void judge_task(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *out);
/* The largest value of a token knob (a multiple of `step`) that still fits; 0 when none does. */
double judge_largest_context(const struct task *t, const struct machine *m, const struct world *w,
                             double step);
/* Which extra weight buffers llama.cpp would use on this machine's CPU. */
void judge_buffers(const struct machine *m, const struct catalog *c, struct generate *g);
