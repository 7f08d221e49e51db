/* Tries one setting at a time with everything on devices asked for: the largest context, the most sequences, the widest narrower
 * cache, the best quantisation within the usual bound. Left out: two settings changed at once; batch sizes. */
#include "judge/on_devices.h"

#include <string.h>

#include "base/num.h"
#include "catalog/types.h"
#include "judge/placement.h"
#include "model/digest.h"

enum { MIXES = 64 };

struct trying {
    const struct machine *machine;
    const struct world *world;
    struct generate knobs;
    struct task task;
    struct verdict verdict;
};

static bool holds(struct trying *t)
{
    judge_task(&t->task, t->machine, t->world, &t->verdict);
    return t->verdict.fits == FITS && verdict_all_on_devices(&t->verdict);
}

static double largest_context(struct trying *t, double step)
{
    const double asked = t->knobs.context_tokens;
    double fitting = 0, over = floor(judge_trained_context(&t->task) / step) + 1;
    while (over - fitting > 1) {
        const double middle = floor((fitting + over) / 2);
        t->knobs.context_tokens = middle * step;
        *(holds(t) ? &fitting : &over) = middle;
    }
    t->knobs.context_tokens = asked;
    return fitting * step;
}

static double largest_sequences(struct trying *t)
{
    const double asked = t->knobs.sequences;
    double fitting = 0, over = SEQUENCES_MOST + 1;
    while (over - fitting > 1) {
        t->knobs.sequences = floor((fitting + over) / 2);
        *(holds(t) ? &fitting : &over) = t->knobs.sequences;
    }
    t->knobs.sequences = asked;
    return fitting;
}

/* Bits a value; of types as wide as each other the first counts. */
static double width(const struct weight_type *type)
{
    return type->block_bytes / type->block;
}

static const struct weight_type *narrower_cache(struct trying *t, const struct catalog *c)
{
    static const char *const narrower[] = {"q8_0", "q5_1",
                                           "q4_0"}; /* common/arg.cpp, widest first */
    const struct generate asked = t->knobs;
    const struct weight_type *found = NULL;
    for (size_t i = 0; i < sizeof narrower / sizeof *narrower && !found; i++) {
        const struct weight_type *type = catalog_type(c, str_of(narrower[i]));
        if (!type || width(type) >= width(asked.kv_type_k)) continue;
        t->knobs.kv_type_k = t->knobs.kv_type_v = type;
        if (holds(t)) found = type;
    }
    t->knobs = asked;
    return found;
}

static const struct mix *best_mix(struct trying *t, const struct catalog *c)
{
    const struct mix *mix[MIXES], *found = NULL;
    const struct digest *asked = t->task.model;
    const size_t mixes = ranking_mixes(&ranking_usual, c, mix, MIXES);
    struct digest d;
    t->task.model = &d;
    for (size_t i = 0; i < mixes && !found; i++) {
        digest_of_shape(asked->shape, mix[i], c, &d);
        if (holds(t)) found = mix[i];
    }
    t->task.model = asked;
    return found;
}

void judge_on_devices(const struct task *t, const struct machine *m, const struct catalog *c,
                      const struct world *w, double step, struct on_devices *out)
{
    uint16_t place[SITES - 1];
    *out = (struct on_devices){.context_tokens = 0};
    if (!placement_devices(m, place) || t->model->unruled) return;
    struct trying trying = {.machine = m, .world = w, .knobs = *(const struct generate *)t->knobs};
    trying.knobs.gpu_layers = KNOB_ALL;
    trying.knobs.cpu_moe = 0;
    trying.knobs.kv_offload = OFFLOAD_ON;
    trying.task = (struct task){t->kind, t->model, &trying.knobs};
    out->context_tokens = largest_context(&trying, step);
    out->sequences = largest_sequences(&trying);
    out->kv_type = narrower_cache(&trying, c);
    out->mix = best_mix(&trying, c);
}
