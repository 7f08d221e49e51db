/* How the CPU is built: packages, cores, kinds of core (hybrid parts), caches.
 *
 * Reads /sys/devices/system/cpu/cpuN/{topology,cache,cpufreq,cpu_capacity}, and /sys/devices/cpu_core, cpu_atom and cpu_lowpower where
 * the kernel names the kinds itself. Something shared (core, package, cache) is counted at the lowest online CPU that shares it, so
 * an offline sibling changes nothing. Where /sys says nothing, what probe_cpu read from /proc/cpuinfo stays.
 * Meanings: Documentation/ABI/testing/sysfs-devices-system-cpu and Documentation/admin-guide/cputopology.rst of Linux. */
#include "base/arena.h"
#include "base/num.h"
#include "base/root.h"
#include "machine/probe.h"
#include "machine/proc_text.h"
#include <string.h>

#define CPU_FOLDER "/sys/devices/system/cpu/cpu%zu/"

enum { KINDS_MOST = 3, CACHE_ROWS_MOST = 24, CACHE_INDEX_MOST = 16, CACHE_LEVEL_MOST = 9 };

/* Cores whose top speed or capacity is within a tenth of the best of their kind are one kind: parts favour some of their equal cores by
 * a few per cent, different kinds differ by a third and more. hwloc draws its line between kinds of CPU at the same tenth. */
static const double same_kind_share = 0.9;

struct shape {
    const struct looking *in;
    const struct cpu_set *online;
    struct cpu_set core_first; /* the lowest online CPU of each core */
};

/* Each file under its newer name, its older one, and both as masks. */
static const char *const core_lists[] = {"topology/core_cpus_list",
                                         "topology/thread_siblings_list"};
static const char *const core_masks[] = {"topology/core_cpus", "topology/thread_siblings"};
static const char *const package_lists[] = {"topology/package_cpus_list",
                                            "topology/core_siblings_list"};
static const char *const package_masks[] = {"topology/package_cpus", "topology/core_siblings"};

static bool sharers(const struct shape *s, size_t cpu, const char *const lists[2],
                    const char *const masks[2], struct cpu_set *out)
{
    struct str text;
    for (size_t i = 0; i < 2; i++)
        if (root_wordf(s->in->root, s->in->arena, &text, CPU_FOLDER "%s", cpu, lists[i]) &&
            text.n && cpu_set_parse(text, out))
            return true;
    for (size_t i = 0; i < 2; i++)
        if (root_wordf(s->in->root, s->in->arena, &text, CPU_FOLDER "%s", cpu, masks[i]) &&
            cpu_set_parse_mask(text, out))
            return true;
    return false;
}

static bool is_first(const struct shape *s, size_t cpu, const struct cpu_set *shared)
{
    for (size_t i = cpu_set_next(shared, 0); i < cpu; i = cpu_set_next(shared, i + 1))
        if (cpu_set_has(s->online, i)) return false;
    return true;
}

/* A CPU without a topology folder is its own core: single-core kernels leave it out. */
static void cores_found(struct shape *s, struct draft *out)
{
    size_t packages = 0, cores = 0, said = 0;
    for (size_t cpu = cpu_set_next(s->online, 0); cpu < CPU_SET_MOST;
         cpu = cpu_set_next(s->online, cpu + 1)) {
        struct cpu_set shared;
        if (!sharers(s, cpu, core_lists, core_masks, &shared)) {
            cpu_set_add(&s->core_first, cpu);
            cores++;
            continue;
        }
        said++;
        if (!is_first(s, cpu, &shared)) continue;
        cpu_set_add(&s->core_first, cpu);
        cores++;
        if (sharers(s, cpu, package_lists, package_masks, &shared) && is_first(s, cpu, &shared))
            packages++;
    }
    const char *source = "/sys/devices/system/cpu/cpu*/topology";
    if (said) out->facts.cpu.cores = quantity_of((double)cores, REPORTED, source);
    if (packages) out->facts.cpu.packages = quantity_of((double)packages, REPORTED, source);
}

struct kind {
    const char *name;
    struct cpu_set cpus;
};
static const char *const kind_names[KINDS_MOST] = {"performance", "efficiency", "low power"};

static bool number_of(const struct shape *s, size_t cpu, const char *file, double *out)
{
    uint64_t n;
    if (!root_u64f(s->in->root, &n, CPU_FOLDER "%s", cpu, file) || n == 0) return false;
    *out = (double)n;
    return true;
}

static size_t kinds_named(const struct shape *s, struct kind *kind)
{
    static const char *const folders[KINDS_MOST] = {"cpu_core", "cpu_atom", "cpu_lowpower"};
    size_t count = 0;
    for (size_t i = 0; i < KINDS_MOST; i++) {
        struct str text;
        struct cpu_set cpus;
        if (!root_wordf(s->in->root, s->in->arena, &text, "/sys/devices/%s/cpus", folders[i]) ||
            !cpu_set_parse(text, &cpus))
            continue;
        cpus = cpu_set_and(&cpus, s->online);
        if (!cpu_set_count(&cpus)) continue;
        kind[count].name = kind_names[i];
        kind[count++].cpus = cpus;
    }
    return count;
}

/* The CPUs of `left` whose figure is within a tenth of the best among them, moved out of `left`. */
static struct cpu_set best_of(struct cpu_set *left, const double *figure)
{
    struct cpu_set best = {0};
    double top = 0;
    for (size_t cpu = cpu_set_next(left, 0); cpu < CPU_SET_MOST; cpu = cpu_set_next(left, cpu + 1))
        top = most(top, figure[cpu]);
    for (size_t cpu = cpu_set_next(left, 0); cpu < CPU_SET_MOST;
         cpu = cpu_set_next(left, cpu + 1)) {
        if (figure[cpu] < top * same_kind_share) continue;
        cpu_set_add(&best, cpu);
        left->word[cpu / 64] &= ~((uint64_t)1 << (cpu % 64));
    }
    return best;
}

/* Kinds told apart by a figure that every CPU has: capacity (ARM), or top frequency. What is left after two kinds is the third. */
static size_t kinds_by(const struct shape *s, const char *file, struct kind *kind)
{
    double *figure = NEW_ARRAY(s->in->arena, double, CPU_SET_MOST);
    struct cpu_set left = *s->online;
    for (size_t cpu = cpu_set_next(&left, 0); cpu < CPU_SET_MOST;
         cpu = cpu_set_next(&left, cpu + 1))
        if (!number_of(s, cpu, file, &figure[cpu])) return 0;
    size_t count = 0;
    while (cpu_set_count(&left) && count < KINDS_MOST) {
        kind[count].name = kind_names[count];
        kind[count].cpus = count == KINDS_MOST - 1 ? left : best_of(&left, figure);
        count++;
    }
    return count;
}

static struct quantity top_hz(const struct shape *s, const struct cpu_set *cpus)
{
    double top = 0, khz;
    for (size_t cpu = cpu_set_next(cpus, 0); cpu < CPU_SET_MOST; cpu = cpu_set_next(cpus, cpu + 1))
        if (number_of(s, cpu, "cpufreq/cpuinfo_max_freq", &khz)) top = most(top, khz);
    return top > 0 ? quantity_of(top * 1000, REPORTED, "cpufreq/cpuinfo_max_freq")
                   : unknown("no cpufreq folder: usual in virtual machines");
}

static void clusters_found(const struct shape *s, struct draft *out)
{
    struct kind kind[KINDS_MOST];
    size_t count = kinds_named(s, kind);
    if (count < 2) count = kinds_by(s, "cpu_capacity", kind);
    if (count < 2) count = kinds_by(s, "cpufreq/cpuinfo_max_freq", kind);
    if (count < 2) {
        count = 1;
        kind[0] = (struct kind){"", *s->online};
    }
    for (size_t i = 0; i < count; i++) {
        const struct cpu_set firsts = cpu_set_and(&kind[i].cpus, &s->core_first);
        const char *source = "/sys/devices/system/cpu";
        struct cpu_cluster cluster = {
            .kind = kind[i].name,
            .cores = quantity_of((double)cpu_set_count(&firsts), REPORTED, source),
            .threads = quantity_of((double)cpu_set_count(&kind[i].cpus), REPORTED, source),
            .max_hz = top_hz(s, &kind[i].cpus)};
        if (count == 1) cluster.cores = out->facts.cpu.cores;
        draft_add_cluster(out, cluster);
    }
}

/* Caches of one level, type and size: one row of the report. */
struct cache_row {
    uint64_t level;
    char type;    /* 'd', 'i', or 0: unified */
    double bytes; /* 0: not said */
    double instances;
};
struct cache_rows {
    struct cache_row row[CACHE_ROWS_MOST];
    size_t count;
};

static void cache_count(struct cache_rows *rows, struct cache_row found)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct cache_row *r = &rows->row[i];
        if (r->level != found.level || r->type != found.type || r->bytes != found.bytes) continue;
        r->instances++;
        return;
    }
    if (rows->count < CACHE_ROWS_MOST) rows->row[rows->count++] = found;
}

#define CACHE_FOLDER CPU_FOLDER "cache/index%zu/"

static bool cache_shared(const struct shape *s, size_t cpu, size_t index, struct cpu_set *out)
{
    struct str text;
    const struct root *root = s->in->root;
    struct arena *a = s->in->arena;
    if (root_wordf(root, a, &text, CACHE_FOLDER "shared_cpu_list", cpu, index) && text.n &&
        cpu_set_parse(text, out))
        return true;
    return root_wordf(root, a, &text, CACHE_FOLDER "shared_cpu_map", cpu, index) &&
           cpu_set_parse_mask(text, out);
}

/* False when there is no such index. A cache whose sharers are not said is this CPU's own. */
static bool cache_look(const struct shape *s, size_t cpu, size_t index, struct cache_rows *rows)
{
    struct cache_row found = {.instances = 1};
    struct cpu_set shared;
    struct str text;
    const struct root *root = s->in->root;
    struct arena *a = s->in->arena;
    if (!root_u64f(root, &found.level, CACHE_FOLDER "level", cpu, index)) return false;
    if (found.level == 0 || found.level > CACHE_LEVEL_MOST) return true;
    if (cache_shared(s, cpu, index, &shared) && !is_first(s, cpu, &shared)) return true;
    if (root_wordf(root, a, &text, CACHE_FOLDER "type", cpu, index))
        found.type = str_is(text, "Data") ? 'd' : str_is(text, "Instruction") ? 'i' : 0;
    if (!root_wordf(root, a, &text, CACHE_FOLDER "size", cpu, index) ||
        !proc_cache_size(text, &found.bytes))
        found.bytes = 0;
    cache_count(rows, found);
    return true;
}

/* By level, data before instructions, the larger first. */
static bool stands_before(const struct cache_row *a, const struct cache_row *b)
{
    if (a->level != b->level) return a->level < b->level;
    if (a->type != b->type) return a->type == 'd' || (a->type == 'i' && b->type != 'd');
    return a->bytes > b->bytes;
}

static void caches_found(const struct shape *s, struct draft *out)
{
    struct cache_rows rows = {.count = 0};
    for (size_t cpu = cpu_set_next(s->online, 0); cpu < CPU_SET_MOST;
         cpu = cpu_set_next(s->online, cpu + 1))
        for (size_t i = 0; i < CACHE_INDEX_MOST; i++)
            if (!cache_look(s, cpu, i, &rows)) break;
    for (size_t i = 1; i < rows.count; i++)
        for (size_t k = i; k > 0 && stands_before(&rows.row[k], &rows.row[k - 1]); k--) {
            const struct cache_row moved = rows.row[k];
            rows.row[k] = rows.row[k - 1];
            rows.row[k - 1] = moved;
        }
    for (size_t i = 0; i < rows.count; i++) {
        const struct cache_row *r = &rows.row[i];
        const char type[2] = {r->type, '\0'};
        draft_add_cache(out, (struct cpu_cache){
                                 .name = str_format(out->arena, "L%u%s", (unsigned)r->level, type),
                                 .bytes = r->bytes > 0
                                              ? quantity_of(r->bytes, REPORTED, "cache/index*/size")
                                              : unknown("the kernel gives no size of this cache"),
                                 .instances = r->instances});
    }
}

static void finds(const struct looking *in, struct draft *out)
{
    struct shape s = {.in = in, .online = &out->online};
    if (!cpu_set_count(&out->online)) return;
    cores_found(&s, out);
    clusters_found(&s, out);
    caches_found(&s, out);
}

const struct probe probe_topology = {"topology", "packages, cores, kinds of core, caches", finds};
