/* How many users a machine serves: the most sequences at the context asked for that fit, found by halving. Pure. Left out: how fast
 * each of them is served. */
#include "base/num.h"
#include "judge/judge.h"

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
