/* The field tables of all facts about a machine: what a report's `facts` holds, key by key, and what its schema says of it.
 *
 * Order and names here are the document's. What each means stands in machine/facts.h. */
#include "machine/facts.h"
#include "base/attr.h"

#include <stddef.h>

#define TABLE(type, word, rows)                      \
    {                                                \
        (word), sizeof(type), (rows), COUNT_OF(rows) \
    }
#define TEXT(type, member, words)                                            \
    {                                                                        \
#member, FIELD_TEXT, offsetof(type, member), (words), NULL, 0, false \
    }
#define NUMBER(type, member, words)                                            \
    {                                                                          \
#member, FIELD_NUMBER, offsetof(type, member), (words), NULL, 0, false \
    }
#define QUANTITY(type, member, words)                                            \
    {                                                                            \
#member, FIELD_QUANTITY, offsetof(type, member), (words), NULL, 0, false \
    }
#define STRUCT(type, member, words, table)                                         \
    {                                                                              \
#member, FIELD_STRUCT, offsetof(type, member), (words), &(table), 0, false \
    }
#define LIST(name, type, member, count, words, table)                                         \
    {                                                                                         \
        (name), FIELD_LIST, offsetof(type, member), (words), &(table), offsetof(type, count), \
            false                                                                             \
    }
#define TEXTS(type, member, count, words)                                                         \
    {                                                                                             \
#member, FIELD_TEXTS, offsetof(type, member), (words), NULL, offsetof(type, count), false \
    }

static const struct field cluster_fields[] = {
    TEXT(struct cpu_cluster, kind, "performance, efficiency, low power; empty when all are alike"),
    QUANTITY(struct cpu_cluster, cores, "cores of this kind"),
    QUANTITY(struct cpu_cluster, threads, "logical CPUs of this kind"),
    QUANTITY(struct cpu_cluster, max_hz, "highest clock, Hz"),
};
static const struct fields cluster_table = TABLE(struct cpu_cluster, "cluster", cluster_fields);

static const struct field cache_fields[] = {
    TEXT(struct cpu_cache, name, "L1d, L1i, L2, L3"),
    QUANTITY(struct cpu_cache, bytes, "size of one, bytes"),
    NUMBER(struct cpu_cache, instances, "how many there are"),
};
static const struct fields cache_table = TABLE(struct cpu_cache, "cache", cache_fields);

static const struct field cpu_fields[] = {
    TEXT(struct cpu_facts, name, "as the processor names itself"),
    TEXT(struct cpu_facts, vendor, "as the processor names it"),
    QUANTITY(struct cpu_facts, packages, "sockets"),
    QUANTITY(struct cpu_facts, cores, "physical cores"),
    QUANTITY(struct cpu_facts, threads, "logical CPUs online"),
    LIST("clusters", struct cpu_facts, cluster, clusters, "cores by kind", cluster_table),
    LIST("caches", struct cpu_facts, cache, caches, "caches by level", cache_table),
    TEXTS(struct cpu_facts, features, feature_count, "instruction sets that matter to inference"),
    TEXT(struct cpu_facts, governor, "frequency governor, null when none is seen"),
};
static const struct fields cpu_table = TABLE(struct cpu_facts, "cpu", cpu_fields);

static const struct field memory_fields[] = {
    QUANTITY(struct memory_facts, total_bytes, "memory the kernel manages, bytes"),
    QUANTITY(struct memory_facts, available_bytes, "MemAvailable, bytes"),
    QUANTITY(struct memory_facts, free_bytes, "MemFree, bytes"),
    QUANTITY(struct memory_facts, swap_total_bytes, "swap, bytes"),
    QUANTITY(struct memory_facts, swap_free_bytes, "swap not in use, bytes"),
    QUANTITY(struct memory_facts, huge_pages_bytes, "memory set aside as huge pages, bytes"),
    QUANTITY(struct memory_facts, huge_page_size_bytes, "size of one huge page, bytes"),
};
static const struct fields memory_table = TABLE(struct memory_facts, "memory", memory_fields);

static const struct field numa_fields[] = {
    NUMBER(struct numa_node, id, "the kernel's number of the node"),
    QUANTITY(struct numa_node, cpus, "logical CPUs of the node"),
    QUANTITY(struct numa_node, memory_bytes, "memory of the node, bytes"),
};
static const struct fields numa_table = TABLE(struct numa_node, "numa", numa_fields);

static const struct field disk_fields[] = {
    TEXT(struct disk_facts, purpose, "root, this folder, HF cache, Ollama models"),
    TEXT(struct disk_facts, path, "the path looked at"),
    TEXT(struct disk_facts, mount, "mount point it stands on"),
    TEXT(struct disk_facts, filesystem, "file system"),
    TEXT(struct disk_facts, device, "what is mounted there"),
    TEXT(struct disk_facts, kind,
         "nvme, ssd, hdd, flash, virtual, network, memory; null when not known"),
    QUANTITY(struct disk_facts, free_bytes, "free for this user, bytes"),
    QUANTITY(struct disk_facts, total_bytes, "size of the file system, bytes"),
    NUMBER(struct disk_facts, same_as, "index of the first disk listed that is this one"),
};
static const struct fields disk_table = TABLE(struct disk_facts, "disk", disk_fields);

static const struct field gpu_fields[] = {
    TEXT(struct gpu_seen, name, "the catalogue's name, or what a line or a report calls it"),
    TEXT(struct gpu_seen, vendor, "maker, by PCI id"),
    TEXT(struct gpu_seen, pci_address, "domain:bus:device.function"),
    TEXT(struct gpu_seen, pci_id, "vendor:device, hexadecimal"),
    TEXT(struct gpu_seen, driver, "kernel driver bound to it, null when none"),
    QUANTITY(struct gpu_seen, memory_bytes, "its memory, bytes"),
    TEXT(struct gpu_seen, sized, "what is known of its memory and speed"),
};
static const struct fields gpu_table = TABLE(struct gpu_seen, "gpu", gpu_fields);

static const struct field os_fields[] = {
    TEXT(struct os_facts, platform, "Linux"),
    TEXT(struct os_facts, distribution, "its own pretty name"),
    TEXT(struct os_facts, kernel, "kernel release"),
    TEXT(struct os_facts, architecture, "as uname -m says"),
    TEXT(struct os_facts, hostname, "host name"),
    TEXT(struct os_facts, virtual_machine,
         "what runs this virtual machine; null when none is seen"),
    TEXT(struct os_facts, container, "what runs this container; null when none is seen"),
    TEXT(struct os_facts, wsl, "1 or 2; null when this is not WSL"),
    TEXT(struct os_facts, python_version, "sys.version of the first python3 in PATH"),
};
static const struct fields os_table = TABLE(struct os_facts, "os", os_fields);

static const struct field ollama_fields[] = {
    {"installed", FIELD_BOOL, offsetof(struct ollama_facts, installed), "its program is found",
     NULL, 0, false},
    TEXT(struct ollama_facts, path, "its program"),
    TEXTS(struct ollama_facts, models, model_count, "models its store lists"),
    TEXT(struct ollama_facts, store, "where its models stand"),
};
static const struct fields ollama_table = TABLE(struct ollama_facts, "ollama", ollama_fields);

static const struct field limit_fields[] = {
    TEXT(struct limit, what, "what limits a process"),
    QUANTITY(struct limit, bytes, "memory left under it, bytes"),
    QUANTITY(struct limit, cpus, "CPUs it leaves; may be a fraction"),
};
static const struct fields limit_table = TABLE(struct limit, "limit", limit_fields);

static const struct field facts_fields[] = {
    STRUCT(struct facts, cpu, "the processor", cpu_table),
    STRUCT(struct facts, memory, "memory as the system counts it", memory_table),
    LIST("numa", struct facts, numa, numa_nodes, "NUMA nodes", numa_table),
    LIST("disks", struct facts, disk, disks, "disks by purpose", disk_table),
    LIST("gpus", struct facts, gpu, gpus, "GPUs and accelerators seen", gpu_table),
    STRUCT(struct facts, os, "operating system", os_table),
    STRUCT(struct facts, ollama, "Ollama", ollama_table),
    LIST("limits", struct facts, limit, limits, "what limits one process, tightest first",
         limit_table),
};
const struct fields facts_table = TABLE(struct facts, "facts", facts_fields);
