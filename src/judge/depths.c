/* Decline with depth: the same task judged behind more and more tokens that are in the cache already, at the depths benchmarks use and
 * at the end of the context. Left out: a context that is shared by several sequences, of which one alone is looked at. */
#include "judge/judge.h"

#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/runtime.h"
#include "model/digest.h"

/* The same placement at every depth: it was chosen once. */
static struct depth behind(const struct task *t, const struct verdict *placed, double tokens,
                           const struct machine *m, const struct world *w)
{
    struct generate g = *(const struct generate *)t->knobs;
    const struct task deeper = {t->kind, t->model, &g};
    struct seats at;
    struct verdict v;
    for (int i = 0; i < placed->split.sites; i++) at.place[i] = placed->site[i].place;
    g.depth_tokens = tokens;
    judge_split(&deeper, m, w, &placed->split, &at, &v);
    return (struct depth){tokens, v.decode_per_s, v.prefill_per_s};
}

size_t judge_depths(const struct task *t, const struct machine *m, const struct world *w,
                    struct depth out[DEPTHS_MOST])
{
    const double first_tokens = 2048, times = 4;
    const struct generate *g = t->knobs;
    const struct shape *s = t->model->shape;
    if (runtime_of(g)->unpriced) return 0;
    if (t->model->unruled || s->unruled || !s->arch || s->arch->encoder) return 0;
    const double room = least(generate_derived(t->model, g).cells, g->context_tokens);
    const double end_tokens = room - g->prompt_tokens;
    size_t n = 0;
    if (!(end_tokens >= 0)) return 0;
    struct verdict placed;
    judge_task(t, m, w, &placed);
    out[n++] = behind(t, &placed, 0, m, w);
    double tokens = first_tokens;
    while (tokens < end_tokens && n < DEPTHS_MOST - 1) {
        out[n++] = behind(t, &placed, tokens, m, w);
        tokens *= times;
    }
    if (end_tokens > 0) out[n++] = behind(t, &placed, end_tokens, m, w);
    return n;
}
