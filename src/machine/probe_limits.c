/* What one process may really use: the least of available memory, control groups, ulimits, the kernel's promise limit and a Slurm
 * allocation; of CPUs, the least of those online, its affinity, cpusets, quotas and the allocation. Each limit names itself.
 *
 * Reads /proc/self/{limits,status} besides what memory, CPU and budget_*.c read. Everything comes through the root, so that a captured
 * tree's limits are that machine's. Without a figure of available memory there is no budget: limits alone promise too much. */
#include "base/root.h"
#include "machine/budget.h"
#include "machine/probe.h"
#include "machine/proc_text.h"
#include <math.h>

static void add_bytes(struct draft *out, const char *what, struct quantity bytes)
{
    draft_add_limit(
        out, (struct limit){.what = what, .bytes = bytes, .cpus = unknown("a limit of memory")});
}

static void add_cpus(struct draft *out, const char *what, double cpus, const char *source)
{
    draft_add_limit(out, (struct limit){.what = what,
                                        .bytes = unknown("a limit of CPUs"),
                                        .cpus = quantity_of(cpus, REPORTED, source)});
}

static void ulimits_look(const struct looking *in, struct draft *out)
{
    static const struct {
        const char *row, *what;
        bool counts_mappings;
    } rows[] = {{"Max address space", "ulimit -v", true}, {"Max data size", "ulimit -d", false}};
    struct str text;
    double bytes;
    if (!root_text(in->root, "/proc/self/limits", in->arena, &text)) return;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (proc_limit(text, rows[i].row, &bytes))
            draft_add_limit(
                out, (struct limit){.what = rows[i].what,
                                    .bytes = quantity_of(bytes, REPORTED, "/proc/self/limits"),
                                    .counts_mappings = rows[i].counts_mappings,
                                    .cpus = unknown("a limit of memory")});
}

static bool listed(const struct draft *out, double count)
{
    double cpus;
    for (size_t i = 0; i < out->facts.limits; i++)
        if (known(out->facts.limit[i].cpus, &cpus) && cpus == count) return true;
    return false;
}

/* A cpuset shows in the affinity too: the affinity is a limit of its own only when it is another number. */
static void affinity_look(const struct looking *in, struct draft *out)
{
    struct str text, list;
    struct cpu_set allowed;
    if (!root_text(in->root, "/proc/self/status", in->arena, &text) ||
        !proc_value(text, "Cpus_allowed_list", &list) || !cpu_set_parse(list, &allowed))
        return;
    allowed = cpu_set_and(&allowed, &out->online);
    const double count = (double)cpu_set_count(&allowed);
    if (count > 0 && !listed(out, count)) add_cpus(out, "CPU affinity", count, "/proc/self/status");
}

/* Memory before CPUs, the tightest first; equals stay in the order they were found. */
static bool stands_before(const struct limit *a, const struct limit *b)
{
    double x, y;
    const bool a_memory = known(a->bytes, &x), b_memory = known(b->bytes, &y);
    if (a_memory != b_memory) return a_memory;
    if (a_memory) return x < y;
    return known_or(a->cpus, HUGE_VAL) < known_or(b->cpus, HUGE_VAL);
}

static void sort(struct limit *limit, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && stands_before(&limit[k], &limit[k - 1]); k--) {
            const struct limit moved = limit[k];
            limit[k] = limit[k - 1];
            limit[k - 1] = moved;
        }
}

static void tightest_kept(struct draft *out)
{
    const struct facts *f = &out->facts;
    for (size_t i = 0; i < f->limits; i++) {
        const struct limit *l = &f->limit[i];
        if (known(l->bytes, NULL) && !out->memory.what) out->memory = *l;
        if (known(l->cpus, NULL) && !out->cpus.what) out->cpus = *l;
    }
    if (!known(f->memory.available_bytes, NULL)) {
        out->memory.what = NULL;
        out->memory.bytes = unknown("available memory is not known");
    }
}

static void finds(const struct looking *in, struct draft *out)
{
    const struct memory_facts *m = &out->facts.memory;
    const double online = (double)cpu_set_count(&out->online);
    if (known(m->available_bytes, NULL)) add_bytes(out, "available memory", m->available_bytes);
    if (known(out->commit_left_bytes, NULL))
        add_bytes(out, "commit limit (vm.overcommit_memory = 2)", out->commit_left_bytes);
    if (online > 0) add_cpus(out, "CPUs online", online, "/sys/devices/system/cpu/online");
    budget_cgroups(in, out);
    affinity_look(in, out);
    ulimits_look(in, out);
    budget_slurm(in, out);
    sort(out->limit.item, out->limit.count);
    tightest_kept(out);
}

const struct probe probe_limits = {"limits", "what one process may use, and what binds it", finds};
