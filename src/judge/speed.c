/* The price list: seconds of a phase are the sum of its lines, each at the rate measured for that work, weight type, buffer and number
 * of columns with all threads; between two measured numbers of columns the rate is interpolated (both logarithmic). Attention goes by
 * the nearest head size, since kernels fall off a cliff below their vector length. Left out: work that overlaps, clocks that fall
 * while all cores are busy for minutes. */
#include "judge/speed.h"

#include <math.h>
#include <string.h>

#include "base/num.h"

static struct estimate not_priced(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
}

static enum machine_work rate_work(unsigned work)
{
    switch (work) {
    case MATMUL_FLOP: return WORK_MATMUL_FLOP;
    case ATTEND_FLOP: return WORK_ATTEND_FLOP;
    case OPERATIONS: return WORK_OPERATIONS;
    default: return WORK_ELEMENT_BYTES;
    }
}

/* The measured rates on both sides of a line's columns; `below` alone when they are the same or above is missing. */
struct bracket {
    const struct rate *below, *above;
};

static double row_distance(const struct rate *r, double row)
{
    return r->row > 0 && row > 0 ? fabs(log(r->row / row)) : 0;
}

static bool is_for(const struct rate *r, const struct line *l, bool any_buffer)
{
    if (l->work == MATMUL_FLOP)
        return r->type == l->type &&
               (any_buffer || !r->buffer || !l->buffer || strcmp(r->buffer, l->buffer) == 0);
    return l->work != ATTEND_FLOP || r->type == l->type;
}

/* Nearer on its side: by head size first, then by columns. */
static bool nearer(const struct rate *r, const struct rate *best, const struct line *l)
{
    if (!best) return true;
    const double new = row_distance(r, l->row), old = row_distance(best, l->row);
    if (new != old) return new < old;
    return fabs(r->tokens - l->columns) < fabs(best->tokens - l->columns);
}

static struct bracket bracket_of(const struct machine *m, const struct line *l, double threads,
                                 bool any_buffer)
{
    const enum machine_work work = rate_work(l->work);
    struct bracket b = {NULL, NULL};
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->work != work || r->threads != threads || !is_for(r, l, any_buffer)) continue;
        const struct rate **side = r->tokens <= l->columns ? &b.below : &b.above;
        if (nearer(r, *side, l)) *side = r;
    }
    return b;
}

/* A rate says nothing of so many times its columns: what streams with one multiplies blocks with hundreds. */
enum { FAR_COLUMNS = 32 };

static double between(double below, double above, double share)
{
    return exp(log(below) + share * (log(above) - log(below)));
}

/* Work a second for a line; false when nothing measured supports it. */
static bool rate_for(const struct machine *m, const struct line *l, double threads,
                     struct estimate *out)
{
    struct bracket b = bracket_of(m, l, threads, false);
    if (!b.below && !b.above) b = bracket_of(m, l, threads, true);
    if (!b.below) b.below = b.above;
    if (!b.below || (!b.above && l->columns > FAR_COLUMNS * most(b.below->tokens, 1))) return false;
    *out = b.below->per_s;
    if (!b.above || b.above == b.below || !(b.below->tokens > 0) || l->columns <= b.below->tokens)
        return true;
    const double share = log(l->columns / b.below->tokens) / log(b.above->tokens / b.below->tokens);
    out->low = between(out->low, b.above->per_s.low, share);
    out->likely = between(out->likely, b.above->per_s.likely, share);
    out->high = between(out->high, b.above->per_s.high, share);
    return true;
}

/* The number of threads that kernels were measured with and that comes nearest to the one asked for, from below where there is one; 0:
 * none was measured. */
static double kernel_threads(const struct machine *m, double asked)
{
    double below = 0, above = 0;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->work != WORK_MATMUL_FLOP) continue;
        if (!(asked > 0) || r->threads <= asked)
            below = most(below, r->threads);
        else
            above = above > 0 ? least(above, r->threads) : r->threads;
    }
    return below > 0 ? below : above;
}

static const struct residual *residual_of(enum phase phase, enum origin origin,
                                          const struct world *w)
{
    const bool measured = origin == MEASURED;
    if (phase == DECODE)
        return residual_find(w, measured ? "cpu_speed.decode" : "cpu_speed.decode.typical");
    return residual_find(w, measured ? "cpu_speed.prefill" : "cpu_speed.prefill.typical");
}

struct estimate speed_of(const struct bill *b, enum phase phase, const struct machine *m,
                         double threads, const struct world *w)
{
    struct estimate seconds = {0, 0, 0, MEASURED, NULL}, rate;
    const double measured = kernel_threads(m, threads);
    if (!(measured > 0))
        return not_priced(m->unmeasured ? m->unmeasured : "no kernel was measured");
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        if (l->phase != phase) continue;
        if (!rate_for(m, l, measured, &rate))
            return not_priced("no rate is known for one of its kernels");
        seconds.low += l->amount / rate.high;
        seconds.likely += l->amount / rate.likely;
        seconds.high += l->amount / rate.low;
        if (rate.origin != MEASURED) seconds.origin = ESTIMATED;
    }
    if (!(seconds.likely > 0)) return not_priced("the model does no such work");
    const struct residual *r = residual_of(phase, seconds.origin, w);
    const double likely = 1 / seconds.likely;
    const enum origin origin = ESTIMATED; /* computed from rates, measured or typical */
    if (!r) return estimate_of(1 / seconds.high, likely, 1 / seconds.low, origin, "kernel rates");
    return estimate_of(likely * least(r->low, 1), likely, likely * most(r->high, 1), origin,
                       seconds.origin == MEASURED ? "kernel rates measured here"
                                                  : "typical shares of bandwidth and sgemm");
}
