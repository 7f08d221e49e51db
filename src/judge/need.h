/* judge/need.h - the inverse of a verdict: what a machine must have for a task. Pure; nothing is allocated. */
#pragma once
#include "judge/judge.h"

struct needs {
    const char *why;           /* nothing is computed: the reason; else NULL */
    struct estimate ram_bytes; /* free, with everything on the host */
    /* Free on one device with everything there, and free on the host beside it. */
    struct estimate vram_bytes, beside_bytes;
    double disk_bytes;      /* the model's own file, nearly: its weights */
    double token_bytes;     /* of weights and cache that a decoded token reads */
    const char *vram_about; /* whose rules vram_bytes follows: a backend of llama.cpp */
};
/* backend: whose device; its rules must be known to the world. */
void judge_need(const struct task *t, const struct world *w, const char *backend,
                struct needs *out);
/* Of two figures: the likely one with nothing spare, the high one with a share of the whole spare. */
double need_least(struct estimate e);
double need_with_spare(struct estimate e, double spare_share);
/* What memory must really deliver for so many tokens a second; of all weights and cache on one place. */
double need_bytes_per_s(const struct needs *n, double tokens_per_s);
