/* machine/probe.h - one file a probe, one row of probe.c each. A probe reads through in->root only, leaves what it cannot see UNKNOWN
 * with the reason, and never fails. Probes run in the order of the table and may read what earlier ones wrote into the draft. */
#pragma once
#include "machine/cpu_set.h"
#include "machine/facts.h"
#include "machine/machine.h"

/* A list growing in the arena; the add functions below keep them. */
struct grown {
    void *item;
    size_t count, room;
};

enum { GROWN_MOST = 4096 }; /* of one kind on one machine: more are dropped, and noted */

/* What the probes fill. Single facts go straight into `facts`; items of its lists go through the add functions, which keep facts.X
 * and its count right after each call, so that later probes read the lists from `facts` too. */
struct draft {
    struct arena *arena;
    struct notes *notes;
    struct facts facts;
    struct cpu_set online;             /* logical CPUs online, empty when not known; by probe_cpu */
    struct limit memory, cpus;         /* what binds one process tightest; by probe_limits */
    struct quantity commit_left_bytes; /* known only where the kernel refuses to overcommit */
    struct grown cluster, cache, feature, numa, disk, gpu, limit;
};

void draft_init(struct draft *d, const struct looking *in);
void draft_add_cluster(struct draft *d, struct cpu_cluster item);
void draft_add_cache(struct draft *d, struct cpu_cache item);
void draft_add_feature(struct draft *d, const char *item);
void draft_add_numa(struct draft *d, struct numa_node item);
void draft_add_disk(struct draft *d, struct disk_facts item);
void draft_add_gpu(struct draft *d, struct gpu_seen item);
/* One that was added, to be completed by a later probe; valid until the next is added. */
struct gpu_seen *draft_gpu(struct draft *d, size_t i);
void draft_add_limit(struct draft *d, struct limit item);
/* The accelerator seen at that PCI address, to be completed by a later probe; NULL when none is. Good until the next one is added. */
struct gpu_seen *draft_gpu_at(struct draft *d, const char *pci_address);

struct probe {
    const char *name, *words; /* "memory", "total, available, swap and huge pages" */
    void (*finds)(const struct looking *in, struct draft *out);
};

extern const struct probe *const machine_probes[]; /* in order, ended by NULL */
extern const struct probe probe_os, probe_cpu, probe_topology, probe_memory, probe_numa,
    probe_limits;
extern const struct probe probe_disk, probe_gpu_pci, probe_ollama, probe_visible;
extern const struct probe probe_gpu_nvml, probe_gpu_amd, probe_gpu_intel, probe_gpu_soc, probe_npu;
