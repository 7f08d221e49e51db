/* The price list: each line at the rate measured for that work, weight type, buffer and number of columns with all threads; between two
 * measured numbers of columns the rate is interpolated (both logarithmic). Where two lengths of rows were measured, each row costs a fixed
 * time beside that of its values. Attention goes by the nearest head size, since kernels fall off a cliff below their vector length;
 * there by how many heads share a key, and by how wide a cell is: keys of one head that lie far apart are read slower. */
#include "judge/price.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/llama.h"

static enum machine_work rate_work(const struct line *l)
{
    switch (l->work) {
    case MATMUL_FLOP: return l->experts ? WORK_EXPERT_FLOP : WORK_MATMUL_FLOP;
    case ATTEND_FLOP: return WORK_ATTEND_FLOP;
    case OPERATIONS: return WORK_OPERATIONS;
    default: return WORK_ELEMENT_BYTES;
    }
}

/* Rates are of places; whatever has none of the machine's is the CPU's. */
static bool on_cpu(const struct machine *m, const struct rate *r)
{
    return r->place >= m->places || m->place[r->place].kind == PLACE_CPU;
}

static bool is_there(const struct rate *r, const struct price_query *q)
{
    if (q->place != PRICE_CPU) return r->place == q->place && !on_cpu(q->machine, r);
    return on_cpu(q->machine, r) && r->threads == q->threads;
}

static bool is_for(const struct rate *r, const struct price_query *q)
{
    const struct line *l = q->line;
    if (r->work != rate_work(l) || !is_there(r, q)) return false;
    if (l->work == MATMUL_FLOP)
        return r->type == l->type &&
               (q->any_buffer || !r->buffer || !l->buffer || strcmp(r->buffer, l->buffer) == 0);
    return l->work != ATTEND_FLOP || r->type == l->type;
}

/* Lengths of rows that were measured: the shortest and the longest, of heads twice the nearest. */
struct rows {
    double shortest, longest;
    bool any;
};

static double row_distance(double measured, double row)
{
    return measured > 0 && row > 0 ? fabs(log(measured / row)) : 0;
}

static struct rows rows_of(const struct price_query *q)
{
    struct rows rows = {0, 0, false};
    for (size_t i = 0; i < q->machine->rates; i++) {
        const struct rate *r = &q->machine->rate[i];
        const double row = r->row, now = rows.longest, wanted = q->line->row;
        if (!is_for(r, q)) continue;
        const bool nearer = row_distance(row, wanted) < row_distance(now, wanted);
        if (!rows.any || (q->line->work == ATTEND_FLOP && nearer))
            rows = (struct rows){row, row, true};
        else if (q->line->work != ATTEND_FLOP)
            rows = (struct rows){least(rows.shortest, row), most(now, row), true};
    }
    return rows;
}

/* A rate says nothing of so many times its columns: what streams with one multiplies blocks with hundreds. */
enum { FAR_COLUMNS = 32 };

static double between(double below, double above, double share)
{
    return exp(log(below) + share * (log(above) - log(below)));
}

static void scale(struct estimate *e, double by)
{
    e->low *= by;
    e->likely *= by;
    e->high *= by;
}

static void move(struct estimate *from, const struct estimate *to, double share)
{
    from->low = between(from->low, to->low, share);
    from->likely = between(from->likely, to->likely, share);
    from->high = between(from->high, to->high, share);
}

/* Rates alike but for their columns: on rows of one length, with so many heads to a key and cells so wide. */
struct curve {
    double row, group, cell;
};
/* The measured rates on both sides of a line's columns; NULL where there is none. */
struct bracket {
    const struct rate *below, *above;
};

static struct bracket bracket_of(const struct price_query *q, struct curve c)
{
    struct bracket b = {NULL, NULL};
    for (size_t i = 0; i < q->machine->rates; i++) {
        const struct rate *r = &q->machine->rate[i];
        if (r->row != c.row || r->group != c.group || r->cell != c.cell || !is_for(r, q)) continue;
        if (r->tokens > q->line->columns) {
            if (!b.above || r->tokens < b.above->tokens) b.above = r;
        } else if (!b.below || r->tokens > b.below->tokens) {
            b.below = r;
        }
    }
    return b;
}

/* Work a second at the line's columns; false when nothing measured supports it. */
static bool rate_on(const struct price_query *q, struct curve c, struct estimate *out)
{
    const struct bracket b = bracket_of(q, c);
    const double columns = q->line->columns;
    const struct rate *nearest = b.below ? b.below : b.above;
    if (!nearest || (!b.above && columns > FAR_COLUMNS * most(nearest->tokens, 1))) return false;
    *out = nearest->per_s;
    if (!b.below || !b.above || !(b.below->tokens > 0)) return true;
    const double share = log(columns / b.below->tokens) / log(b.above->tokens / b.below->tokens);
    move(out, &b.above->per_s, share);
    return true;
}

/* The same only between measured columns, or at one: beside a curve that is longer. */
static bool rate_beside(const struct price_query *q, struct curve c, struct estimate *out)
{
    const struct bracket b = bracket_of(q, c);
    const bool at = b.below && b.below->tokens == q->line->columns;
    return (at || (b.below && b.above)) && rate_on(q, c, out);
}

/* Time is a share for each value and a fixed one for each row: measured where rows are few and where they are many. share: how many there
 * are, from 0, as few, to 1, as many. */
static double slowed(double few, double many, double share)
{
    const double least_time = 0.5; /* of that with few */
    return 1 / most(1 / few + share * most(1 / many - 1 / few, 0), least_time / few);
}

static void slow(struct estimate *few, const struct estimate *many, double share)
{
    few->low = slowed(few->low, many->low, share);
    few->likely = slowed(few->likely, many->likely, share);
    few->high = slowed(few->high, many->high, share);
}

/* How far below the shortest measured row that is believed. */
static const double share_most = 2;

/* Where `wanted` stands between `few`, the longer, and `many`, as rows go. */
static double share_of(double wanted, double few, double many)
{
    return least((1 / wanted - 1 / few) / (1 / many - 1 / few), share_most);
}

/* ---- attention ---- */

/* A layout of the cache that was measured for the line's columns. */
struct layout {
    double group, cell;
    struct estimate per_s;
};
enum { LAYOUTS_MOST = 16 };

static size_t layouts_of(const struct price_query *q, double row, struct layout *out)
{
    size_t n = 0;
    for (size_t i = 0; i < q->machine->rates && n < LAYOUTS_MOST; i++) {
        const struct rate *r = &q->machine->rate[i];
        bool there = r->row != row || !is_for(r, q);
        for (size_t k = 0; k < n; k++)
            there = there || (out[k].group == r->group && out[k].cell == r->cell);
        if (there) continue;
        out[n] = (struct layout){.group = r->group, .cell = r->cell};
        n += rate_beside(q, (struct curve){row, r->group, r->cell}, &out[n].per_s);
    }
    return n;
}

/* The nearest measured group on one side of the wanted one, or at it, of its layouts the widest; NULL: none. */
static const struct layout *nearest(const struct layout *at, size_t n, double wanted, bool below)
{
    const struct layout *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const double group = at[i].group;
        if (below ? group > wanted : group < wanted) continue;
        const bool nearer = best && (below ? group > best->group : group < best->group);
        if (!best || nearer || (group == best->group && at[i].cell > best->cell)) best = &at[i];
    }
    return best;
}

/* As much faster as narrower cells were, with as many heads to a key or nearly. */
static void narrow(const struct layout *at, size_t n, const struct line *l, struct estimate *out)
{
    const struct layout *wide = NULL, *thin = NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (at[i].group == at[k].group && at[i].cell > at[k].cell && at[k].cell > 0 &&
                (!wide ||
                 row_distance(at[i].group, l->group) < row_distance(wide->group, l->group))) {
                wide = &at[i];
                thin = &at[k];
            }
    if (!wide || !(l->cell > 0) || l->cell >= wide->cell) return;
    const double share = least(log(wide->cell / l->cell) / log(wide->cell / thin->cell), 1);
    scale(out, pow(thin->per_s.likely / wide->per_s.likely, share));
}

/* Of any layout that has a rate not too far off. */
static bool rate_anywhere(const struct price_query *q, double row, struct estimate *out)
{
    for (size_t i = 0; i < q->machine->rates; i++) {
        const struct rate *r = &q->machine->rate[i];
        if (r->row == row && is_for(r, q) &&
            rate_on(q, (struct curve){row, r->group, r->cell}, out))
            return true;
    }
    return false;
}

/* How much longer it takes than what is seen says: llama.cpp cuts the cells it walks over into one piece a thread, and the thread that sees
 * most of its own is waited for. What is seen begins with the first cell, but for a window, which begins anywhere in its ring. It cuts
 * longer caches that are not quantised, for single tokens; all else by heads. Source: ggml-cpu's flash attention, v0.5.0. */
static double waited(const struct line *l, double threads)
{
    enum { F32 = 0, F16 = 1, CUT_FROM = 512 };
    const double seen = l->seen, piece = l->kept / threads;
    double longest = least(seen, piece);
    if (l->columns > 1 || (l->type != F32 && l->type != F16) || l->kept < CUT_FROM || !(seen > 0))
        return 1;
    if (l->kept - seen >= LLAMA_BLOCK_CELLS && seen <= piece)
        longest = seen - seen * seen / (4 * piece);
    else if (l->kept - seen >= LLAMA_BLOCK_CELLS && seen < 2 * piece)
        longest = piece - (2 * piece - seen) * (2 * piece - seen) / (4 * piece);
    return most(threads * longest / seen, 1);
}

/* As most models have it. */
static const double usual_group = 4;

static bool attend_rate(const struct price_query *q, double row, struct estimate *out)
{
    struct layout at[LAYOUTS_MOST];
    const size_t n = layouts_of(q, row, at);
    const double group = q->line->group > 0 ? q->line->group : usual_group;
    const struct layout *below = nearest(at, n, group, true), *above = nearest(at, n, group, false);
    if (!below && !above) return rate_anywhere(q, row, out);
    *out = below ? below->per_s : above->per_s;
    if (below && above && below->group > 0 && below->group < above->group)
        move(out, &above->per_s, log(group / below->group) / log(above->group / below->group));
    narrow(at, n, q->line, out);
    if (q->place == PRICE_CPU && q->threads > 1) scale(out, 1 / waited(q->line, q->threads));
    return true;
}

static bool rate_for(const struct price_query *q, struct estimate *out)
{
    const struct rows rows = rows_of(q);
    struct estimate shortest;
    if (!rows.any) return false;
    if (q->line->work == ATTEND_FLOP) return attend_rate(q, rows.longest, out);
    if (!rate_on(q, (struct curve){.row = rows.longest}, out))
        return rate_on(q, (struct curve){.row = rows.shortest}, out);
    if (rows.shortest > 0 && rows.shortest < rows.longest && q->line->row > 0 &&
        rate_beside(q, (struct curve){.row = rows.shortest}, &shortest))
        slow(out, &shortest, most(share_of(q->line->row, rows.longest, rows.shortest), 0));
    return true;
}

bool price_of(const struct price_query *asked, struct estimate *out)
{
    struct price_query q = *asked;
    struct line single = *q.line;
    single.experts = false;
    q.any_buffer = false;
    if (rate_for(&q, out)) return true;
    q.line = &single;
    if (asked->line->experts && rate_for(&q, out)) return true;
    q.any_buffer = true;
    return rate_for(&q, out);
}

double price_threads(const struct machine *m, double asked)
{
    double below = 0, above = 0;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->work != WORK_MATMUL_FLOP || !on_cpu(m, r)) continue;
        if (!(asked > 0) || r->threads <= asked)
            below = most(below, r->threads);
        else
            above = above > 0 ? least(above, r->threads) : r->threads;
    }
    return below > 0 ? below : above;
}
