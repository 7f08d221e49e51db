/* What is in memory at once: what one thing holds is taken off what the machine has for the next. Each is placed as it would be
 * by itself, in the order they are named. Left out: what they share (a driver's context, a file that both map). */
#include "base/arena.h"
#include "base/num.h"
#include "verb/common.h"

void hold_verdict(const struct verdict *v, double *held_bytes)
{
    if (v->bill.unruled) return;
    for (int i = 0; i < v->split.sites; i++) held_bytes[v->site[i].pool] += site_needs(&v->site[i]);
}

const struct machine *machine_left(const struct machine *m, const double *held_bytes,
                                   struct arena *a)
{
    struct machine *out = NEW(a, struct machine);
    struct pool *pool = NEW_ARRAY(a, struct pool, m->pools);
    *out = *m;
    for (size_t i = 0; i < m->pools; i++) {
        double usable;
        pool[i] = m->pool[i];
        if (!(held_bytes[i] > 0) || !known(pool[i].usable_bytes, &usable)) continue;
        pool[i].usable_bytes.value = most(usable - held_bytes[i], 0);
        pool[i].bound_by = "what is left beside the others";
    }
    out->pool = pool;
    return out;
}
