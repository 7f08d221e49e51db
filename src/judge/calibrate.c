/* Samples held against a task, and against each other. Left out: weights of samples by likeness to the task (kind of weights, size), which
 * would need more of them than one machine has; samples made while other work ran, which say what the machine did and not what it can. */
#include "judge/calibrate.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/types.h"
#include "model/digest.h"

static bool same_model(const struct sample *a, const struct sample *b)
{
    return a->weight_bytes == b->weight_bytes && str_same(a->model, b->model) &&
           str_same(a->quant, b->quant);
}

/* How much context is reserved makes no difference to speed, only how much of it is used. */
static bool of_task(const struct sample *s, const struct task *t, double threads)
{
    const struct generate *g = t->knobs;
    return str_same(s->kind, t->kind->name) && str_same(s->model, t->model->name) &&
           str_same(s->quant, t->model->quant) && s->weight_bytes == t->model->weight_bytes &&
           s->prompt_tokens == g->prompt_tokens && s->depth_tokens == g->depth_tokens &&
           s->ubatch_tokens == g->ubatch_tokens && str_same(s->kv_type_k, g->kv_type_k->name) &&
           str_same(s->kv_type_v, g->kv_type_v->name) &&
           s->flash_off == (g->flash_attention == (double)FLASH_OFF) &&
           s->repack == (g->repack == (double)REPACK_ON) && s->threads == threads;
}

const struct sample *calibrate_find(const struct sample *sample, size_t samples,
                                    const struct task *t, double threads)
{
    for (size_t i = samples; i-- > 0;)
        if (of_task(&sample[i], t, threads)) return &sample[i];
    return NULL;
}

static bool idle(const struct sample *s)
{
    return s->conditions && strncmp(s->conditions, "busy", 4) != 0;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double figure(const struct sample_figures *f, size_t offset)
{
    double value;
    memcpy(&value, (const char *)f + offset, sizeof value);
    return value;
}

static double ratio_of(const struct sample *s, size_t offset)
{
    return figure(&s->measured, offset) / figure(&s->predicted, offset);
}

static bool counts(const struct sample *s, double threads, size_t offset)
{
    const double ratio = ratio_of(s, offset);
    return s->threads == threads && idle(s) && isfinite(ratio) && ratio > 0;
}

static struct calibration calibrate(const struct sample *sample, size_t samples, double threads,
                                    size_t offset)
{
    double ratio[SAMPLES_MOST];
    size_t n = 0;
    for (size_t i = samples; i-- > 0 && n < SAMPLES_MOST;) {
        bool newer = false;
        if (!counts(&sample[i], threads, offset)) continue;
        for (size_t k = i + 1; k < samples && !newer; k++)
            newer = same_model(&sample[i], &sample[k]) && counts(&sample[k], threads, offset);
        if (!newer) ratio[n++] = ratio_of(&sample[i], offset);
    }
    if (!n) return (struct calibration){(double)NAN, (double)NAN, (double)NAN, 0};
    qsort(ratio, n, sizeof ratio[0], by_size);
    const double upper = ratio[n / 2];
    return (struct calibration){.low = ratio[0],
                                .likely = n % 2 ? upper : (upper + ratio[n / 2 - 1]) / 2,
                                .high = ratio[n - 1],
                                .models = n};
}

struct calibration calibrate_decode(const struct sample *sample, size_t samples, double threads)
{
    return calibrate(sample, samples, threads, offsetof(struct sample_figures, decode_per_s));
}

struct calibration calibrate_prefill(const struct sample *sample, size_t samples, double threads)
{
    return calibrate(sample, samples, threads, offsetof(struct sample_figures, prefill_per_s));
}
