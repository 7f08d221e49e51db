/* What this computer is: runs the table of probes and makes pools, places and the fingerprint of what they found; and the small
 * questions that every caller has of a machine (its memory, its CPU, a rate).
 *
 * Only the root decides where a machine is looked for: the running kernel itself is never asked, so nothing of this host can leak into
 * a captured tree. The fingerprint is FNV-1a of 64 bits (www.isthe.com/chongo/tech/comp/fnv) over what decides speed. */
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/root.h"
#include "machine/accelerators.h"
#include "machine/probe.h"
#include <assert.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *word, *unit;
} works[] = {
#define WORK_ROW(name, word, unit) {word, unit},
    WORKS(WORK_ROW)
#undef WORK_ROW
};

const char *machine_work_word(enum machine_work work)
{
    assert((size_t)work < COUNT_OF(works));
    return works[work].word;
}

const char *machine_work_unit(enum machine_work work)
{
    assert((size_t)work < COUNT_OF(works));
    return works[work].unit;
}

bool machine_work_parse(const char *word, enum machine_work *out)
{
    for (size_t i = 0; i < COUNT_OF(works); i++) {
        if (strcmp(works[i].word, word) != 0) continue;
        *out = (enum machine_work)i;
        return true;
    }
    return false;
}

static void hash_text(uint64_t *hash, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++)
        *hash = (*hash ^ (unsigned char)*p) * 0x100000001b3;
    *hash = (*hash ^ '\n') * 0x100000001b3; /* "ab" and "c" are not "a" and "bc" */
}

/* A number the same text on every run; "?" when not known. */
static void hash_quantity(uint64_t *hash, struct quantity q, double unit, struct arena *a)
{
    double value;
    hash_text(hash, known(q, &value) ? str_format(a, "%.2f", value / unit) : "?");
}

static const char *fingerprint_of(const struct facts *f, const struct place *cpu, struct arena *a)
{
    const double gibibyte = 1 << 30;
    uint64_t hash = 0xcbf29ce484222325;
    struct quantity memory = f->memory.total_bytes;
    memory.value = round(memory.value / gibibyte) * gibibyte;
    hash_text(&hash, f->cpu.name);
    hash_quantity(&hash, f->cpu.cores, 1, a);
    hash_quantity(&hash, cpu->threads, 1, a);
    hash_quantity(&hash, memory, gibibyte, a);
    hash_text(&hash, f->os.machine_id);
    return str_format(a, "%016llx", (unsigned long long)hash);
}

static bool own_disk(const struct facts *f, size_t i)
{
    return f->disk[i].same_as == (double)i;
}

/* Host memory first, then one pool a disk; accelerators come behind (machine/accelerators.c). */
static void pools_made(const struct draft *d, struct machine *m)
{
    const struct facts *f = &d->facts;
    struct pool *pool = NEW_ARRAY(d->arena, struct pool, 1 + f->disks);
    pool[m->pools++] = (struct pool){.kind = POOL_MEMORY,
                                     .name = "memory",
                                     .total_bytes = f->memory.total_bytes,
                                     .usable_bytes = d->memory.bytes,
                                     .bound_by = d->memory.what};
    for (size_t i = 0; i < f->disks; i++)
        if (own_disk(f, i))
            pool[m->pools++] = (struct pool){.kind = POOL_DISK,
                                             .name = f->disk[i].mount,
                                             .total_bytes = f->disk[i].total_bytes,
                                             .usable_bytes = f->disk[i].free_bytes,
                                             .bound_by = "free space"};
    m->pool = pool;
}

static void places_made(const struct draft *d, struct machine *m)
{
    struct place *place = NEW(d->arena, struct place);
    *place = (struct place){.kind = PLACE_CPU,
                            .name = "CPU",
                            .pool = 0,
                            .threads = d->cpus.cpus,
                            .bound_by = d->cpus.what};
    m->places = 1;
    m->place = place;
}

bool machine_detect(const struct looking *in, const struct machine **out, struct mu_err *err)
{
    if (!root_has(in->root, "/proc") && !root_has(in->root, "/sys"))
        return err_set(
            err, MU_NOINPUT,
            "cannot look at the machine under %s: it has neither /proc nor /sys; give the "
            "folder that holds them, as hwloc-gather-topology makes it",
            in->root->path);
    struct draft *d = NEW(in->arena, struct draft);
    draft_init(d, in);
    for (const struct probe *const *p = machine_probes; *p; p++) (*p)->finds(in, d);
    if (!arena_within(in->arena, err)) return err_add(err, "looking at the machine");
    struct machine *m = NEW(in->arena, struct machine);
    pools_made(d, m);
    places_made(d, m);
    m->name = d->facts.os.hostname;
    m->fingerprint = fingerprint_of(&d->facts, &m->place[0], in->arena);
    m->unmeasured =
        in->root->captured ? "only this machine itself can be measured" : "not measured yet";
    m->facts = &d->facts;
    m->here = !in->root->captured;
    *out = machine_with_accelerators(m, in->catalog, in->arena);
    return true;
}

static struct machine *copied(const struct machine *m, struct arena *a)
{
    struct machine *copy = NEW(a, struct machine);
    *copy = *m;
    return copy;
}

static bool at_cpu(const struct machine *m, const struct rate *r)
{
    return r->place >= m->places || m->place[r->place].kind == PLACE_CPU;
}

static bool holds(const struct rate *rate, size_t rates, const struct rate *like)
{
    for (size_t i = 0; i < rates; i++)
        if (rate[i].place == like->place && rate[i].work == like->work &&
            rate[i].per_s.origin == like->per_s.origin)
            return true;
    return false;
}

/* These, and what is known of accelerators and not among them. */
static void rates_set(struct machine *m, const struct rate *rate, size_t rates, struct arena *a)
{
    struct rate *all = NEW_ARRAY(a, struct rate, rates + m->rates + 1);
    size_t n = rates;
    if (rates) memcpy(all, rate, rates * sizeof *rate);
    for (size_t i = 0; i < m->rates; i++)
        if (!at_cpu(m, &m->rate[i]) && !holds(rate, rates, &m->rate[i])) all[n++] = m->rate[i];
    m->rate = all;
    m->rates = n;
}

const struct machine *machine_with_rates(const struct machine *m, const struct rate *rate,
                                         size_t rates, struct arena *a)
{
    struct machine *copy = copied(m, a);
    rates_set(copy, rate, rates, a);
    copy->unmeasured = NULL;
    return copy;
}

const struct machine *machine_unmeasured(const struct machine *m, const char *why, struct arena *a)
{
    struct machine *copy = copied(m, a);
    rates_set(copy, NULL, 0, a);
    copy->unmeasured = why;
    return copy;
}

const struct rate *machine_rate(const struct machine *m, enum machine_work work,
                                enum rate_threads threads)
{
    const struct rate *best = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (!at_cpu(m, r) || r->work != work || (threads == RATE_ONE_THREAD && r->threads != 1))
            continue;
        if (!best || r->threads > best->threads) best = r;
    }
    return best;
}

bool machine_rated(const struct machine *m)
{
    for (size_t i = 0; i < m->rates; i++)
        if (at_cpu(m, &m->rate[i])) return true;
    return false;
}

const struct rate *machine_place_rate(const struct machine *m, size_t place, enum machine_work work)
{
    const struct rate *best = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->place != place || r->work != work) continue;
        if (!best || r->per_s.origin > best->per_s.origin) best = r;
    }
    return best;
}

const struct link *machine_link(const struct machine *m, size_t from, size_t to)
{
    for (size_t i = 0; i < m->links; i++)
        if (m->link[i].from == from && m->link[i].to == to) return &m->link[i];
    return NULL;
}

const struct pool *machine_memory(const struct machine *m)
{
    assert(m->pools > 0); /* every machine has a pool of host memory */
    for (size_t i = 0; i < m->pools; i++)
        if (m->pool[i].kind == POOL_MEMORY || m->pool[i].kind == POOL_SHARED) return &m->pool[i];
    return NULL;
}

const struct place *machine_cpu(const struct machine *m)
{
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].kind == PLACE_CPU) return &m->place[i];
    return NULL;
}
