/* How long a phase takes: the sum of its lines. The host's go by the rates of its kernels (price.h), those at a device by the rates
 * measured at that place, else by what is listed for it (device_speed.h); the stream of values passes from site to site, and for large
 * batches llama.cpp multiplies the host's weights on a device that they are copied to. Left out: work that overlaps, clocks that fall
 * while all cores are busy for minutes. */
#include "judge/speed.h"

#include <math.h>

#include "base/num.h"
#include "judge/device_speed.h"
#include "judge/price.h"
#include "machine/facts.h"

static struct estimate not_priced(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
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
static double cached_rate(const struct price_query *q, double measured)
{
    const double many_columns = 512;
    struct line many = *q->line;
    struct price_query asked = *q;
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
    struct price_query q = {
        .machine = a->machine, .line = l, .place = PRICE_CPU, .threads = s->threads};
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

/* Sequences that decode together are a small batch: as unsure as a prompt and as one alone. */
static bool is_batch(const struct speed_asked *a, enum phase phase)
{
    return phase == DECODE && a->decoding > 1;
}

/* Devices that hold layers. */
static int devices_at_work(const struct speed_asked *a)
{
    int working = 0;
    for (int i = 1; a->split && i < a->split->sites; i++) working += a->split->layers[i] > 0;
    return working;
}

static struct accelerator_range wider(struct accelerator_range a, struct accelerator_range b)
{
    return (struct accelerator_range){least(a.low, b.low), most(a.high, b.high)};
}

/* Several devices have truth of their own, of few cards: what they do is no surer than what one does. */
static struct accelerator_range device_range(const struct speed_asked *a, enum phase phase,
                                             const struct accelerator *x)
{
    struct accelerator_range r = range_of(a, phase, x);
    if (is_batch(a, phase)) r = wider(r, range_of(a, PREFILL, x));
    return devices_at_work(a) > 1 && x->several.low > 0 ? wider(r, x->several) : r;
}

static bool at_listed(const struct speed_asked *a, const struct line *l, size_t place,
                      struct sum *s)
{
    const double at_once = l->phase == DECODE ? most(a->decoding, 1) : a->at_once;
    const struct device d = {a->machine, a->world, place, a->flash, at_once};
    struct estimate seconds;
    if (!device_seconds(l, &d, &seconds)) return false;
    const struct accelerator *x = accelerator_of(a->world, &a->machine->place[place]);
    const struct accelerator_range r = device_range(a, (enum phase)l->phase, x);
    seconds.low = least(seconds.likely, most(seconds.low / r.high, device_seconds_least(l, &d)));
    seconds.high /= r.low;
    add_seconds(&s->device, seconds);
    s->listed = true;
    return true;
}

static void on_device(const struct speed_asked *a, const struct line *l, size_t place,
                      struct sum *s)
{
    struct price_query q = {.machine = a->machine, .line = l, .place = place};
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
    const double tokens = l->phase == DECODE ? a->decoding : a->at_once;
    if (l->work != MATMUL_FLOP || !(tokens >= least_tokens)) return 0;
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

/* What a token loses where a device waits for the one before it: a prompt's tokens cross together. */
static double handoff_s(const struct speed_asked *a, enum phase phase, size_t site)
{
    const struct accelerator *x = accelerator_of(a->world, &a->machine->place[a->site[site].place]);
    if (!x || !(x->handoff_s > 0)) return 0;
    return x->handoff_s / most(phase == DECODE ? a->decoding : a->at_once, 1);
}

/* Between the host and a device such a loss was never measured: it is in the high end alone, each way of each layer whose experts are
 * on the host, and once where layers are. */
static void cross_host(const struct speed_asked *a, enum phase phase, struct sum *s)
{
    if (!devices_at_work(a)) return;
    const double both_ways = 2 * a->split->host_experts + (a->split->layers[ON_HOST] > 0);
    s->device.high += both_ways * handoff_s(a, phase, 1);
}

/* The stream of values goes from each site that has layers to the next one, as far as the link is known: it is small. */
static void pass_stream(const struct speed_asked *a, enum phase phase, struct sum *s)
{
    size_t from = 0;
    for (size_t i = 1; a->split && i < (size_t)a->split->sites; i++) {
        if (!(a->split->layers[i] > 0)) continue;
        if (from > 0)
            add_seconds(&s->device, estimate_exactly(handoff_s(a, phase, i), ESTIMATED, NULL));
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

/* The host and devices take turns. */
static bool is_mixed(const struct speed_asked *a)
{
    return devices_at_work(a) > 0 &&
           (a->split->layers[ON_HOST] > 0 || a->split->host_experts > 0 || a->split->host_cache);
}

/* measured / predicted of the host's truth class, beside devices that of typical rates, which is wider: nothing was held against the
 * truth there; without one the range of the rates' own runs. */
static struct accelerator_range host_range(const struct speed_asked *a, enum phase phase,
                                           const struct sum *s)
{
    const struct accelerator *cpu = s->listed ? accelerator_cpu(a->world, NULL) : NULL;
    const struct residual *r = residual_of(phase, s->typical || is_mixed(a), a->world);
    if (cpu && is_batch(a, phase)) return wider(range_of(a, phase, cpu), range_of(a, PREFILL, cpu));
    if (cpu) return range_of(a, phase, cpu);
    if (r) return (struct accelerator_range){least(r->low, 1), most(r->high, 1)};
    if (!(s->host.likely > 0)) return (struct accelerator_range){1, 1};
    return (struct accelerator_range){s->host.likely / s->host.high, s->host.likely / s->host.low};
}

static const char *rests_on(const struct speed_asked *a, enum phase phase, const struct sum *s)
{
    const bool several = devices_at_work(a) > 1;
    if (is_batch(a, phase) && s->listed && !is_mixed(a) && devices_at_work(a) == 1)
        return "rough: held against small batches of two cards";
    if (is_batch(a, phase)) return "rough: no truth of sequences that decode together";
    if (s->listed && is_mixed(a))
        return "rough: listed rates, and no truth of work that host and devices share";
    if (s->listed && several && phase == DECODE)
        return "listed rates and shares of them; handing over as published of four like cards";
    if (s->listed && several)
        return "rough: listed rates, and no truth of prompts on several devices";
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
    struct sum s = {.threads = price_threads(a->machine, a->threads),
                    .moved_low = moved_low(a, phase)};
    for (size_t i = 0; i < a->bill->lines && !s.why; i++)
        if (a->bill->line[i].phase == phase) add_line(a, &a->bill->line[i], &s);
    if (s.why) return not_priced(s.why);
    pass_stream(a, phase, &s);
    cross_host(a, phase, &s);
    const struct accelerator_range r = host_range(a, phase, &s);
    const double likely = s.host.likely + s.device.likely;
    if (!(likely > 0)) return not_priced("the model does no such work");
    double low = 1 / s.host.likely * r.low, high = 1 / s.host.likely * r.high;
    if (s.device.likely > 0) {
        low = 1 / (s.host.likely / r.low + s.device.high);
        high = 1 / (s.host.likely / r.high + s.device.low);
    }
    if (stays_in_cache(a, phase)) high = most(high, 1 / s.cached_s);
    return estimate_of(low, 1 / likely, high, ESTIMATED, rests_on(a, phase, &s));
}
