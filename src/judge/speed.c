/* The price list: seconds of a phase are the sum of its lines, each at the rate measured for that work, weight type, buffer and number
 * of columns with all threads; between two measured numbers of columns the rate is interpolated (both logarithmic). Where two lengths
 * of rows were measured, each row costs a fixed time beside that of its values. Attention goes by the nearest head size, since kernels
 * fall off a cliff below their vector length. A line at a device takes the rates measured at that place, else what is listed for it
 * (device_speed.h); the stream of values passes from site to site, and for large batches llama.cpp multiplies the host's weights on a
 * device that they are copied to. Left out: work that overlaps, clocks that fall while all cores are busy for minutes. */
#include "judge/speed.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "judge/device_speed.h"
#include "machine/facts.h"

static struct estimate not_priced(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
}

static enum machine_work rate_work(const struct line *l)
{
    switch (l->work) {
    case MATMUL_FLOP: return l->experts ? WORK_EXPERT_FLOP : WORK_MATMUL_FLOP;
    case ATTEND_FLOP: return WORK_ATTEND_FLOP;
    case OPERATIONS: return WORK_OPERATIONS;
    default: return WORK_ELEMENT_BYTES;
    }
}

/* What a line asks of the price list. */
struct query {
    const struct machine *machine;
    const struct line *line;
    size_t place;   /* DEVICE_NONE: the CPU */
    double threads; /* of the CPU */
    bool any_buffer;
};
enum { DEVICE_NONE = SIZE_MAX };

/* Rates are of places; whatever has none of the machine's is the CPU's. */
static bool on_cpu(const struct machine *m, const struct rate *r)
{
    return r->place >= m->places || m->place[r->place].kind == PLACE_CPU;
}

static bool is_there(const struct rate *r, const struct query *q)
{
    if (q->place != DEVICE_NONE) return r->place == q->place && !on_cpu(q->machine, r);
    return on_cpu(q->machine, r) && r->threads == q->threads;
}

static bool is_for(const struct rate *r, const struct query *q)
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

static struct rows rows_of(const struct query *q)
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

/* The measured rates on both sides of a line's columns, on rows of one length; NULL where there is none. */
struct bracket {
    const struct rate *below, *above;
};

static struct bracket bracket_of(const struct query *q, double row)
{
    struct bracket b = {NULL, NULL};
    for (size_t i = 0; i < q->machine->rates; i++) {
        const struct rate *r = &q->machine->rate[i];
        if (r->row != row || !is_for(r, q)) continue;
        if (r->tokens > q->line->columns) {
            if (!b.above || r->tokens < b.above->tokens) b.above = r;
        } else if (!b.below || r->tokens > b.below->tokens) {
            b.below = r;
        }
    }
    return b;
}

/* Work a second on rows of this length at the line's columns; false when nothing measured supports it. */
static bool rate_on(const struct query *q, double row, struct estimate *out)
{
    const struct bracket b = bracket_of(q, row);
    const double columns = q->line->columns;
    const struct rate *nearest = b.below ? b.below : b.above;
    if (!nearest || (!b.above && columns > FAR_COLUMNS * most(nearest->tokens, 1))) return false;
    *out = nearest->per_s;
    if (!b.below || !b.above || !(b.below->tokens > 0)) return true;
    const double share = log(columns / b.below->tokens) / log(b.above->tokens / b.below->tokens);
    out->low = between(out->low, b.above->per_s.low, share);
    out->likely = between(out->likely, b.above->per_s.likely, share);
    out->high = between(out->high, b.above->per_s.high, share);
    return true;
}

/* The time of a value is that of a long row's and a share of what starting a row costs. */
static double slowed(double longest, double shortest, double share)
{
    return 1 / (1 / longest + share * most(1 / shortest - 1 / longest, 0));
}

/* How far below the shortest measured row that is believed. */
static const double share_most = 2;

static bool rate_for(const struct query *q, struct estimate *out)
{
    const struct rows rows = rows_of(q);
    struct estimate shortest;
    if (!rows.any) return false;
    if (!rate_on(q, rows.longest, out)) return rate_on(q, rows.shortest, out);
    if (!(rows.shortest > 0) || !(rows.shortest < rows.longest) || !(q->line->row > 0) ||
        !rate_on(q, rows.shortest, &shortest))
        return true;
    const double all = 1 / rows.shortest - 1 / rows.longest;
    const double share = least(most((1 / q->line->row - 1 / rows.longest) / all, 0), share_most);
    out->low = slowed(out->low, shortest.low, share);
    out->likely = slowed(out->likely, shortest.likely, share);
    out->high = slowed(out->high, shortest.high, share);
    return true;
}

/* Where experts of such weights were not measured, single matrices tell, and where their buffer was not, any other: more than nothing. */
static bool price_of(const struct query *asked, struct estimate *out)
{
    struct query q = *asked;
    struct line single = *q.line;
    single.experts = false;
    q.any_buffer = false;
    if (rate_for(&q, out)) return true;
    q.line = &single;
    if (asked->line->experts && rate_for(&q, out)) return true;
    q.any_buffer = true;
    return rate_for(&q, out);
}

/* The number of threads that kernels were measured with and that comes nearest to the one asked for, from below where there is one; 0:
 * none was measured. */
static double kernel_threads(const struct machine *m, double asked)
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

/* Seconds of the host's lines and of the devices', and what they rest on. */
struct sum {
    struct estimate host, device;
    double cached_s;  /* the host's at best, if its weights come from the cache */
    double threads;   /* that the CPU's kernels were measured with */
    double moved_low; /* of what a link is listed with, the least share that it may carry */
    bool typical, listed;
    const char *why; /* no price */
};

static void add_seconds(struct estimate *s, struct estimate more)
{
    s->low += more.low;
    s->likely += more.likely;
    s->high += more.high;
}

static struct estimate seconds_at(double amount, struct estimate rate)
{
    return (struct estimate){amount / rate.high, amount / rate.likely, amount / rate.low,
                             rate.origin, rate.source};
}

/* With many columns the weights hardly count: as fast as that a product may be whose weights are in the cache already. */
static double cached_rate(const struct query *q, double measured)
{
    const double many_columns = 512;
    struct line many = *q->line;
    struct query asked = *q;
    struct estimate rate;
    many.columns = many_columns;
    asked.line = &many;
    if (many.work != MATMUL_FLOP || !price_of(&asked, &rate)) return measured;
    return most(rate.high, measured);
}

/* Whether all that one token reads on the host fits into the CPU's largest caches, so that rates measured on what does not may be too
 * low. How much is left of them for this process is not known: the high end alone knows of it. */
static bool stays_in_cache(const struct speed_asked *a, enum phase phase)
{
    const struct facts *f = a->machine->facts;
    double cache_bytes = 0, read_bytes = 0, bytes;
    for (size_t i = 0; f && i < f->cpu.caches; i++)
        if (known(f->cpu.cache[i].bytes, &bytes))
            cache_bytes = most(cache_bytes, bytes * most(f->cpu.cache[i].instances, 1));
    for (size_t i = 0; i < a->bill->lines; i++) {
        const struct line *l = &a->bill->line[i];
        if (l->phase == phase && l->site == ON_HOST) read_bytes += l->bytes;
    }
    return phase == DECODE && read_bytes > 0 && read_bytes <= cache_bytes;
}

static void on_host(const struct speed_asked *a, const struct line *l, struct sum *s)
{
    struct query q = {
        .machine = a->machine, .line = l, .place = DEVICE_NONE, .threads = s->threads};
    struct estimate rate;
    if (!(s->threads > 0)) {
        s->why = a->machine->unmeasured ? a->machine->unmeasured : "no kernel was measured";
    } else if (!price_of(&q, &rate)) {
        s->why = machine_rate(a->machine, WORK_SGEMM_FLOP, RATE_ALL_THREADS)
                     ? "no rate is known for one of its kernels"
                     : "how fast the CPU multiplies is not known (of a machine line, cpu:NAME)";
    } else {
        s->typical = s->typical || rate.origin != MEASURED;
        s->listed = s->listed || rate.origin == LISTED;
        add_seconds(&s->host, seconds_at(l->amount, rate));
        s->cached_s += l->amount / cached_rate(&q, rate.high);
    }
}

/* A range is that of its kind's truth, of experts that of dense models where they have no rows; without any it is a point. */
static struct accelerator_range range_of(const struct speed_asked *a, enum phase phase,
                                         const struct accelerator *x)
{
    const struct accelerator_range *of = phase == DECODE ? x->decode : x->prefill;
    const bool told = a->experts && !isnan(of[RANGE_EXPERTS].low);
    const struct accelerator_range r = of[told ? RANGE_EXPERTS : RANGE_DENSE];
    if (isnan(r.low)) return (struct accelerator_range){1, 1};
    return (struct accelerator_range){least(r.low, 1), most(r.high, 1)};
}

static bool at_listed(const struct speed_asked *a, const struct line *l, size_t place,
                      struct sum *s)
{
    const struct device d = {a->machine, a->world, place, a->flash, a->at_once};
    struct estimate seconds;
    if (!device_seconds(l, &d, &seconds)) return false;
    const struct accelerator *x = accelerator_of(a->world, &a->machine->place[place]);
    const struct accelerator_range r = range_of(a, (enum phase)l->phase, x);
    seconds.low = least(seconds.likely, most(seconds.low / r.high, device_seconds_least(l, &d)));
    seconds.high /= r.low;
    add_seconds(&s->device, seconds);
    s->listed = true;
    return true;
}

static void on_device(const struct speed_asked *a, const struct line *l, size_t place,
                      struct sum *s)
{
    struct query q = {.machine = a->machine, .line = l, .place = place};
    struct estimate rate;
    if (price_of(&q, &rate))
        add_seconds(&s->device, seconds_at(l->amount, rate));
    else if (!at_listed(a, l, place, s))
        s->why = "the speed of this device is not listed";
}

static size_t pool_at(const struct speed_asked *a, size_t site)
{
    return a->machine->place[a->site[site].place].pool;
}

/* The device that the host's weights are copied to for a large batch: the first that does so; 0: none. */
static size_t copies_to(const struct speed_asked *a, const struct line *l)
{
    const double least_tokens = 32; /* llama.cpp v0.5.0 ggml/src/ggml-cuda, op offload */
    if (l->phase != PREFILL || l->work != MATMUL_FLOP || !(a->at_once >= least_tokens)) return 0;
    for (size_t i = 1; a->split && i < (size_t)a->split->sites; i++)
        if (a->split->rules[i] && a->split->rules[i]->copies_weights) return i;
    return 0;
}

/* A link's rate is the most that it carries: how much slower it is was not measured, so as much as the work behind it may be. */
static void add_moved(const struct speed_asked *a, double bytes, size_t from, size_t to,
                      struct sum *s)
{
    double per_s;
    const struct link *link = from == to ? NULL : machine_link(a->machine, from, to);
    if (from == to) return;
    if (link && known(link->bytes_per_s, &per_s) && per_s > 0) {
        struct estimate seconds = estimate_exactly(bytes / per_s, ESTIMATED, NULL);
        seconds.high /= s->moved_low;
        add_seconds(&s->device, seconds);
    } else {
        s->why = "the link to a device is not known (of a machine line, link:PCIe 4.0 x16)";
    }
}

static void add_line(const struct speed_asked *a, const struct line *l, struct sum *s)
{
    if (l->site != ON_HOST) {
        /* A cache that stays on the host is copied to where flash attention looks at it. */
        if (l->work == ATTEND_FLOP && a->split && a->split->host_cache)
            add_moved(a, l->bytes / most(l->columns, 1), pool_at(a, ON_HOST), pool_at(a, l->site),
                      s);
        on_device(a, l, a->site[l->site].place, s);
        return;
    }
    const size_t to = copies_to(a, l);
    if (!to) {
        on_host(a, l, s);
        return;
    }
    add_moved(a, l->bytes / most(l->columns, 1), pool_at(a, ON_HOST), pool_at(a, to), s);
    on_device(a, l, a->site[to].place, s);
}

/* The stream of values goes from each site that has layers to the next one, as far as the link is known: it is small. */
static void pass_stream(const struct speed_asked *a, struct sum *s)
{
    size_t from = 0;
    for (size_t i = 1; a->split && i < (size_t)a->split->sites; i++) {
        if (!(a->split->layers[i] > 0)) continue;
        if (machine_link(a->machine, pool_at(a, from), pool_at(a, i)))
            add_moved(a, a->stream_bytes, pool_at(a, from), pool_at(a, i), s);
        from = i;
    }
}

static const struct residual *residual_of(enum phase phase, bool typical, const struct world *w)
{
    if (phase == DECODE)
        return residual_find(w, typical ? "cpu_speed.decode.typical" : "cpu_speed.decode");
    return residual_find(w, typical ? "cpu_speed.prefill.typical" : "cpu_speed.prefill");
}

/* measured / predicted of the host's truth class; without one the range of the rates' own runs. */
static struct accelerator_range host_range(const struct speed_asked *a, enum phase phase,
                                           const struct sum *s)
{
    const struct accelerator *cpu = s->listed ? accelerator_cpu(a->world, NULL) : NULL;
    const struct residual *r = residual_of(phase, s->typical, a->world);
    if (cpu) return range_of(a, phase, cpu);
    if (r) return (struct accelerator_range){least(r->low, 1), most(r->high, 1)};
    if (!(s->host.likely > 0)) return (struct accelerator_range){1, 1};
    return (struct accelerator_range){s->host.likely / s->host.high, s->host.likely / s->host.low};
}

static const char *rests_on(const struct sum *s)
{
    if (s->listed) return "listed rates and typical shares of them";
    return s->typical ? "typical shares of bandwidth and sgemm" : "kernel rates measured here";
}

/* As slow as work at the first device that has layers may be. */
static double moved_low(const struct speed_asked *a, enum phase phase)
{
    if (!a->split || a->split->sites < 2) return 1;
    const struct accelerator *x = accelerator_of(a->world, &a->machine->place[a->site[1].place]);
    return x ? range_of(a, phase, x).low : 1;
}

struct estimate speed_of(const struct speed_asked *a, enum phase phase)
{
    struct sum s = {.threads = kernel_threads(a->machine, a->threads),
                    .moved_low = moved_low(a, phase)};
    for (size_t i = 0; i < a->bill->lines && !s.why; i++)
        if (a->bill->line[i].phase == phase) add_line(a, &a->bill->line[i], &s);
    if (s.why) return not_priced(s.why);
    pass_stream(a, &s);
    const struct accelerator_range r = host_range(a, phase, &s);
    const double likely = s.host.likely + s.device.likely;
    if (!(likely > 0)) return not_priced("the model does no such work");
    double low = 1 / s.host.likely * r.low, high = 1 / s.host.likely * r.high;
    if (s.device.likely > 0) {
        low = 1 / (s.host.likely / r.low + s.device.high);
        high = 1 / (s.host.likely / r.high + s.device.low);
    }
    if (stays_in_cache(a, phase)) high = most(high, 1 / s.cached_s);
    return estimate_of(low, 1 / likely, high, ESTIMATED, rests_on(&s));
}
