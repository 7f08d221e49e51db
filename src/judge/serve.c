/* How many users a machine serves: the most sequences at the context asked for that fit, found by halving; and how fast it serves them when
 * all decode at the same time. Pure. Left out: prompts that come in between, and sequences behind unlike depths. */
#include "base/num.h"
#include "cost/runtime.h"
#include "judge/judge.h"

struct estimate judge_decoding_together(const struct task *t, const struct verdict *placed,
                                        const struct machine *m, const struct world *w)
{
    struct generate g = *(const struct generate *)t->knobs;
    const struct task all = {t->kind, t->model, &g};
    struct seats at;
    struct verdict v;
    if (!(g.sequences > 1) || runtime_of(&g)->unpriced || !estimate_known(placed->decode_per_s))
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, NULL};
    for (int i = 0; i < placed->split.sites; i++) at.place[i] = placed->site[i].place;
    g.decoding = g.sequences;
    judge_split(&all, m, w, &placed->split, &at, &v);
    return v.decode_per_s;
}

double judge_largest_sequences(const struct task *t, const struct machine *m, const struct world *w)
{
    struct generate g = *(const struct generate *)t->knobs;
    const struct task asked = {t->kind, t->model, &g};
    struct verdict v;
    double fitting = 0, over = SEQUENCES_MOST + 1;
    while (over - fitting > 1) {
        g.sequences = floor((fitting + over) / 2);
        judge_task(&asked, m, w, &v);
        if (v.fits == FITS_UNKNOWN || v.fits == FITS_NOT_COMPUTED) return 0;
        if (v.fits == FITS)
            fitting = g.sequences;
        else
            over = g.sequences;
    }
    return fitting;
}
