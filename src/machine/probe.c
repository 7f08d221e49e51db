/* The table of probes, in the order they run, and the draft they fill.
 *
 * Adding a probe is one file with its `const struct probe` and one row here. Later rows may read what earlier ones found: the budget
 * (probe_limits) stands after memory, CPU and topology; probe_visible, which says what may not be used, stands last. */
#include "machine/probe.h"
#include "base/arena.h"
#include "base/notes.h"
#include <assert.h>
#include <string.h>

const struct probe *const machine_probes[] = {
    &probe_os,      &probe_cpu,      &probe_topology, &probe_memory,
    &probe_numa,    &probe_limits,   &probe_ollama,   &probe_disk,
    &probe_gpu_pci, &probe_gpu_nvml, &probe_gpu_amd,  &probe_gpu_intel,
    &probe_gpu_soc, &probe_npu,      &probe_visible,  NULL,
};

void draft_init(struct draft *d, const struct looking *in)
{
    const struct quantity not_looked_at = unknown("not looked at");
    memset(d, 0, sizeof *d);
    d->arena = in->arena;
    d->notes = in->notes;
    struct memory_facts *m = &d->facts.memory;
    *m = (struct memory_facts){not_looked_at, not_looked_at, not_looked_at, not_looked_at,
                               not_looked_at, not_looked_at, not_looked_at};
    d->facts.cpu.packages = d->facts.cpu.cores = d->facts.cpu.threads = not_looked_at;
    d->memory.bytes = d->memory.cpus = d->cpus.bytes = d->cpus.cpus = not_looked_at;
    d->commit_left_bytes = not_looked_at;
}

/* Room for one more item at the end of the list, or NULL when it is full. */
static void *grown_next(struct draft *d, struct grown *g, size_t size, const char *what)
{
    if (g->count == GROWN_MOST) {
        note_add(d->notes, "only the first %d %s are kept", GROWN_MOST, what);
        return NULL;
    }
    if (g->count == g->room) {
        const size_t room = g->room ? g->room * 2 : 8;
        void *more = arena_array(d->arena, room, size);
        if (g->count) memcpy(more, g->item, g->count * size);
        g->item = more;
        g->room = room;
    }
    return (char *)g->item + g->count++ * size;
}

static void add(struct draft *d, struct grown *g, const void *item, size_t size, const char *what)
{
    void *place = grown_next(d, g, size, what);
    if (place) memcpy(place, item, size);
}

void draft_add_cluster(struct draft *d, struct cpu_cluster item)
{
    add(d, &d->cluster, &item, sizeof item, "kinds of core");
    d->facts.cpu.cluster = d->cluster.item;
    d->facts.cpu.clusters = d->cluster.count;
}

void draft_add_cache(struct draft *d, struct cpu_cache item)
{
    add(d, &d->cache, &item, sizeof item, "kinds of cache");
    d->facts.cpu.cache = d->cache.item;
    d->facts.cpu.caches = d->cache.count;
}

void draft_add_feature(struct draft *d, const char *item)
{
    add(d, &d->feature, &item, sizeof item, "CPU features");
    d->facts.cpu.features = d->feature.item;
    d->facts.cpu.feature_count = d->feature.count;
}

void draft_add_numa(struct draft *d, struct numa_node item)
{
    add(d, &d->numa, &item, sizeof item, "NUMA nodes");
    d->facts.numa = d->numa.item;
    d->facts.numa_nodes = d->numa.count;
}

void draft_add_disk(struct draft *d, struct disk_facts item)
{
    add(d, &d->disk, &item, sizeof item, "disks");
    d->facts.disk = d->disk.item;
    d->facts.disks = d->disk.count;
}

void draft_add_gpu(struct draft *d, struct gpu_seen item)
{
    add(d, &d->gpu, &item, sizeof item, "GPUs");
    d->facts.gpu = d->gpu.item;
    d->facts.gpus = d->gpu.count;
}

struct gpu_seen *draft_gpu(struct draft *d, size_t i)
{
    assert(i < d->gpu.count);
    return (struct gpu_seen *)d->gpu.item + i;
}

struct gpu_seen *draft_gpu_at(struct draft *d, const char *pci_address)
{
    struct gpu_seen *gpu = d->gpu.item;
    for (size_t i = 0; i < d->gpu.count; i++)
        if (gpu[i].pci_address && strcmp(gpu[i].pci_address, pci_address) == 0) return &gpu[i];
    return NULL;
}

void draft_add_limit(struct draft *d, struct limit item)
{
    add(d, &d->limit, &item, sizeof item, "limits");
    d->facts.limit = d->limit.item;
    d->facts.limits = d->limit.count;
}
