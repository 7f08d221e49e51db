/* One unit of a workload priced where it lies: products at a share of the place's matrix rate, what is moved at a share of its bandwidth,
 * links and disks at theirs; an accelerator's kernels are started while it works, so the longer of the two counts, a CPU's are not. The
 * shares are what programs on PyTorch reach (judge/utilisation.h), with their ranges; all of them are bent at once, so a range is wide.
 * On a CPU 16 bits are taken to be no faster than singles, which they are on few. Left out: work that overlaps, clocks that fall, the
 * start of the program. */
#include "judge/time.h"

#include <math.h>

#include "base/num.h"
#include "judge/utilisation.h"

enum bucket { COMPUTED, STARTED, CROSSED, BUCKETS };
struct pricing {
    const struct machine *machine;
    const struct world *world;
    const struct verdict *verdict;
    struct share at[2][BUCKETS]; /* seconds on the host and on a device */
    bool rough;                  /* a row of low confidence, or a rate that is listed of a CPU */
    bool measured, listed;
    const char *why; /* no price */
};

static struct estimate untimed(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
}

static bool on_cpu(const struct pricing *p, const struct line *l)
{
    return p->machine->place[p->verdict->site[l->site].place].kind == PLACE_CPU;
}

static const struct rate *rate_at(const struct pricing *p, const struct line *l,
                                  enum machine_work work)
{
    const uint16_t place = p->verdict->site[l->site].place;
    return on_cpu(p, l) ? machine_rate(p->machine, work, RATE_ALL_THREADS)
                        : machine_place_rate(p->machine, place, work);
}

/* Halves where they are no slower than singles; a CPU's singles. */
static const struct rate *product_rate(const struct pricing *p, const struct line *l)
{
    const double half_bytes = 2;
    const struct rate *singles = rate_at(p, l, WORK_SGEMM_FLOP);
    const struct rate *halves = rate_at(p, l, WORK_HGEMM_FLOP);
    if (on_cpu(p, l) || l->row > half_bytes || !halves) return singles;
    return singles && singles->per_s.likely > halves->per_s.likely ? singles : halves;
}

static void add(struct pricing *p, const struct line *l, enum bucket to, struct share seconds)
{
    struct share *at = &p->at[l->site != ON_HOST][to];
    at->low += seconds.low;
    at->likely += seconds.likely;
    at->high += seconds.high;
}

static struct share times(double amount, struct share each)
{
    return (struct share){amount * each.low, amount * each.likely, amount * each.high};
}

static const char *unrated(const struct pricing *p, const struct line *l)
{
    if (!on_cpu(p, l)) return "the speed of this device is not listed";
    const bool read = machine_rate(p->machine, WORK_READ_BYTES, RATE_ALL_THREADS);
    return p->machine->unmeasured && (p->machine->here || !read)
               ? p->machine->unmeasured
               : "how fast the CPU multiplies and reads is not known (of a machine line, cpu:NAME)";
}

/* At a share of a rate; cost: so much of it for one of the amount. */
static void at_rate(struct pricing *p, const struct line *l, const struct rate *rate,
                    struct share share, double low_cost, double likely_cost, double high_cost)
{
    if (!rate || !(rate->per_s.low > 0)) {
        p->why = unrated(p, l);
        return;
    }
    p->measured = p->measured || rate->per_s.origin == MEASURED;
    p->listed = p->listed || rate->per_s.origin != MEASURED;
    add(p, l, l->work == STEP_BYTES || l->work == UNPACKED ? CROSSED : COMPUTED,
        (struct share){l->amount * low_cost / (rate->per_s.high * share.high),
                       l->amount * likely_cost / (rate->per_s.likely * share.likely),
                       l->amount * high_cost / (rate->per_s.low * share.low)});
}

static void at_link(struct pricing *p, const struct line *l, struct share share)
{
    const uint16_t host = p->verdict->site[ON_HOST].pool, device = p->verdict->site[l->site].pool;
    const struct link *link = machine_link(p->machine, host, device);
    double per_s;
    if (l->site == ON_HOST || host == device) return;
    if (!link || !known(link->bytes_per_s, &per_s) || !(per_s > 0)) {
        p->why = "the link to a device is not known (of a machine line, link:PCIe 4.0 x16)";
        return;
    }
    add(p, l, CROSSED,
        (struct share){l->amount / (per_s * share.high), l->amount / (per_s * share.likely),
                       l->amount / (per_s * share.low)});
}

static void at_disk(struct pricing *p, const struct line *l, struct share share)
{
    const struct rate *r = machine_rate(p->machine, WORK_DISK_READ_BYTES, RATE_ALL_THREADS);
    if (!r || !(r->per_s.low > 0)) {
        p->why = "how fast the disk is was not measured";
        return;
    }
    if (l->work == FILE_BYTES_READ) share = (struct share){1, 1, 1};
    add(p, l, CROSSED,
        (struct share){l->amount / (r->per_s.high * share.high),
                       l->amount / (r->per_s.likely * share.likely),
                       l->amount / (r->per_s.low * share.low)});
}

static void price(struct pricing *p, const struct line *l)
{
    const struct place *place = &p->machine->place[p->verdict->site[l->site].place];
    const struct utilisation *u = utilisation_of(p->world, place);
    const struct rate *read = rate_at(p, l, WORK_READ_BYTES);
    if (!u) {
        p->why = "what programs on PyTorch reach on such a device is not known";
        return;
    }
    p->rough = p->rough || !u->confidence || *u->confidence == 'l';
    switch (l->work) {
    case TORCH_FLOP: at_rate(p, l, product_rate(p, l), u->product, 1, 1, 1); break;
    case ELEMENT_BYTES: at_rate(p, l, read, u->moved, 1, 1, 1); break;
    case STEP_BYTES: at_rate(p, l, read, u->step, 1, 1, 1); break;
    case UNPACKED:
        at_rate(p, l, read, (struct share){1, 1, 1}, u->unpack_bytes.low, u->unpack_bytes.likely,
                u->unpack_bytes.high);
        break;
    case LAYER_RUNS: add(p, l, STARTED, times(l->amount, u->launch_s)); break;
    case LINK_BYTES: at_link(p, l, u->link); break;
    case FILE_BYTES_READ:
    case FILE_BYTES_WRITTEN: at_disk(p, l, u->written); break;
    case TEXT_NUMBERS: add(p, l, CROSSED, times(l->amount, u->text_s)); break;
    case RANDOM_READS: add(p, l, CROSSED, times(l->amount, u->random_read_s)); break;
    default: p->why = "such work has no price"; break;
    }
}

/* A device starts kernels while it works; a CPU does both itself. */
static double together(const struct pricing *p, size_t offset)
{
#define AT(where, bucket) (*(const double *)((const char *)&p->at[where][bucket] + offset))
    return AT(0, COMPUTED) + AT(0, STARTED) + AT(0, CROSSED) +
           most(AT(1, COMPUTED), AT(1, STARTED)) + AT(1, CROSSED);
#undef AT
}

double judge_line_s(const struct machine *m, const struct world *w, const struct verdict *v,
                    const struct line *l)
{
    struct pricing p = {.machine = m, .world = w, .verdict = v};
    price(&p, l);
    return p.why ? (double)NAN : together(&p, offsetof(struct share, likely));
}

static const char *rests_on(const struct pricing *p, bool published)
{
    if (!p->listed && p->measured)
        return "rough: rates measured here, and what PyTorch reached of such on one machine";
    if (p->rough || !published) return "rough: listed rates, and what few runs reached of such";
    return "listed rates, and what published training reached of such";
}

/* UNKNOWN with the reason; 0 seconds where the bill has no such line. */
static struct estimate phase_s(const struct task *t, const struct machine *m, const struct world *w,
                               const struct verdict *v, enum phase phase)
{
    struct pricing p = {.machine = m, .world = w, .verdict = v};
    size_t lines = 0;
    for (size_t i = 0; i < v->bill.lines && !p.why; i++) {
        const struct line *l = &v->bill.line[i];
        if (l->phase != phase) continue;
        lines++;
        price(&p, l);
    }
    if (p.why) return untimed(p.why);
    if (!lines && phase == UNIT) return untimed("its work has no rule yet");
    const double low = together(&p, offsetof(struct share, low));
    const double likely = together(&p, offsetof(struct share, likely));
    const double high = together(&p, offsetof(struct share, high));
    if (!isfinite(high)) return untimed("its work has no price");
    return estimate_of(low, likely, high, ESTIMATED, rests_on(&p, t->kind->truth != NULL));
}

static struct estimate of_all(const struct task *t, struct estimate unit, struct estimate once)
{
    const double units = t->kind->units ? t->kind->units(t->knobs) : (double)NAN;
    if (!estimate_known(unit)) return untimed(unit.source);
    if (isnan(units)) return untimed("how much of it there is was not said");
    const bool begins = estimate_known(once);
    return estimate_of(units * unit.low + (begins ? once.low : 0),
                       units * unit.likely + (begins ? once.likely : 0),
                       units * unit.high + (begins ? once.high : 0), ESTIMATED, unit.source);
}

/* A prompt read and so many tokens written behind it, by the speeds that were judged. */
static void time_text(const struct task *t, struct verdict *v)
{
    const struct generate *g = t->knobs;
    const struct estimate none = untimed(NULL);
    v->unit_s = v->duration_s = untimed("how many tokens are written was not said");
    if (!(g->new_tokens > 0)) return;
    if (!estimate_known(v->decode_per_s)) {
        v->unit_s = v->duration_s = untimed(v->decode_per_s.source);
        return;
    }
    const struct estimate *read = &v->prefill_per_s, *write = &v->decode_per_s;
    if (g->prompt_tokens > 0 && !estimate_known(*read)) {
        v->unit_s = v->duration_s = untimed(read->source);
        return;
    }
    const double prompt = g->prompt_tokens > 0 ? g->prompt_tokens : 0;
    v->unit_s =
        estimate_of((prompt > 0 ? prompt / read->high : 0) + g->new_tokens / write->high,
                    (prompt > 0 ? prompt / read->likely : 0) + g->new_tokens / write->likely,
                    (prompt > 0 ? prompt / read->low : 0) + g->new_tokens / write->low, ESTIMATED,
                    "speeds above, one prompt after the other");
    v->duration_s = of_all(t, v->unit_s, none);
}

void judge_time(const struct task *t, const struct machine *m, const struct world *w,
                struct verdict *v)
{
    if (cost_writes_text(t->kind)) {
        time_text(t, v);
        return;
    }
    v->unit_s = phase_s(t, m, w, v, UNIT);
    v->duration_s = of_all(t, v->unit_s, phase_s(t, m, w, v, ONCE));
}
