/* sweep: trainings one behind the other, alike but for the rank of their adapters or for what changes no memory (seeds, rates, data). The
 * memory is that of the largest, the work the sum of all. Each loads the model again.
 * Rests on finetune. Left out: several at a time, and sweeps over other settings, each of which is a finetune of its own. */
#include <math.h>

#include "base/num.h"
#include "cost/finetune_knobs.h"

static double largest_rank(const struct finetune *f)
{
    double largest = 0;
    for (size_t i = 0; i < SITES - 1; i++) largest = most(largest, f->ranks[i]);
    return largest;
}

static double ranks_of(const struct finetune *f)
{
    double n = 0;
    for (size_t i = 0; i < SITES - 1; i++) n += f->ranks[i] > 0;
    return n;
}

/* Ranks that are listed are a run each; 0: nobody said. */
static double runs_of(const struct finetune *f)
{
    const double ranks = ranks_of(f);
    return f->runs > 0 ? f->runs * most(ranks, 1) : ranks;
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    struct finetune f = *(const struct finetune *)chosen;
    if (largest_rank(&f) > 0 && f.method == (double)FINETUNE_FULL) {
        b->unruled = "training of all weights has no ranks: leave --ranks out, or give --method";
        return;
    }
    if (largest_rank(&f) > 0) f.rank = largest_rank(&f);
    workload_finetune.bill(b, m, &f, s);
    for (size_t i = 0; runs_of(&f) > 1 && i < b->lines; i++)
        if (b->line[i].phase == ONCE) b->line[i].amount *= runs_of(&f); /* each loads it again */
}

/* Of all runs. */
static double steps_of(const void *chosen)
{
    const struct finetune *f = chosen;
    const double runs = runs_of(f);
    return runs > 0 ? runs * finetune_steps(f) : (double)NAN;
}

const struct workload workload_sweep = {
    .name = "sweep",
    .words = "trainings one behind the other; the largest decides the memory",
    .knob = finetune_knobs,
    .knobs = SWEEP_KNOBS,
    .size = sizeof(struct finetune),
    .bill = bill,
    .usual = finetune_defaults,
    .unit = "step",
    .units = steps_of,
    .truth = "training.peak",
};
