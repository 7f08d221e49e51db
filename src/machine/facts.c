/* The field tables of all facts about a machine: what a report's `facts` holds, key by key, and what its schema says of it.
 *
 * Order and names here are the document's. What each means stands in machine/facts.h. */
#include "machine/facts.h"
#include "base/attr.h"

#include <stddef.h>

static const struct field cluster_fields[] = {
    FIELD(FIELD_TEXT, struct cpu_cluster, kind,
          "performance, efficiency, low power; empty when all are alike"),
    FIELD(FIELD_QUANTITY, struct cpu_cluster, cores, "cores of this kind"),
    FIELD(FIELD_QUANTITY, struct cpu_cluster, threads, "logical CPUs of this kind"),
    FIELD(FIELD_QUANTITY, struct cpu_cluster, max_hz, "highest clock, Hz"),
};
static const struct fields cluster_table =
    FIELD_TABLE(struct cpu_cluster, "cluster", cluster_fields);

static const struct field cache_fields[] = {
    FIELD(FIELD_TEXT, struct cpu_cache, name, "L1d, L1i, L2, L3"),
    FIELD(FIELD_QUANTITY, struct cpu_cache, bytes, "size of one, bytes"),
    FIELD(FIELD_NUMBER, struct cpu_cache, instances, "how many there are"),
};
static const struct fields cache_table = FIELD_TABLE(struct cpu_cache, "cache", cache_fields);

static const struct field cpu_fields[] = {
    FIELD(FIELD_TEXT, struct cpu_facts, name, "as the processor names itself"),
    FIELD(FIELD_TEXT, struct cpu_facts, vendor, "as the processor names it"),
    FIELD(FIELD_QUANTITY, struct cpu_facts, packages, "sockets"),
    FIELD(FIELD_QUANTITY, struct cpu_facts, cores, "physical cores"),
    FIELD(FIELD_QUANTITY, struct cpu_facts, threads, "logical CPUs online"),
    FIELD_ROWS("clusters", struct cpu_facts, cluster, clusters, "cores by kind", cluster_table),
    FIELD_ROWS("caches", struct cpu_facts, cache, caches, "caches by level", cache_table),
    FIELD_WORDS("features", struct cpu_facts, features, feature_count,
                "instruction sets that matter to inference"),
    FIELD(FIELD_TEXT, struct cpu_facts, governor, "frequency governor, null when none is seen"),
};
static const struct fields cpu_table = FIELD_TABLE(struct cpu_facts, "cpu", cpu_fields);

static const struct field memory_fields[] = {
    FIELD(FIELD_QUANTITY, struct memory_facts, total_bytes, "memory the kernel manages, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, available_bytes, "MemAvailable, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, free_bytes, "MemFree, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, swap_total_bytes, "swap, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, swap_free_bytes, "swap not in use, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, huge_pages_bytes,
          "memory set aside as huge pages, bytes"),
    FIELD(FIELD_QUANTITY, struct memory_facts, huge_page_size_bytes,
          "size of one huge page, bytes"),
};
static const struct fields memory_table = FIELD_TABLE(struct memory_facts, "memory", memory_fields);

static const struct field numa_fields[] = {
    FIELD(FIELD_NUMBER, struct numa_node, id, "the kernel's number of the node"),
    FIELD(FIELD_QUANTITY, struct numa_node, cpus, "logical CPUs of the node"),
    FIELD(FIELD_QUANTITY, struct numa_node, memory_bytes, "memory of the node, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, struct numa_node, free_bytes,
                   "of it, free or soon free when asked, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, struct numa_node, package, "the socket that its CPUs are on"),
};
static const struct fields numa_table = FIELD_TABLE(struct numa_node, "numa", numa_fields);

static const struct field disk_fields[] = {
    FIELD(FIELD_TEXT, struct disk_facts, purpose, "root, this folder, HF cache, Ollama models"),
    FIELD(FIELD_TEXT, struct disk_facts, path, "the path looked at"),
    FIELD(FIELD_TEXT, struct disk_facts, mount, "mount point it stands on"),
    FIELD(FIELD_TEXT, struct disk_facts, filesystem, "file system"),
    FIELD(FIELD_TEXT, struct disk_facts, device, "what is mounted there"),
    FIELD(FIELD_TEXT, struct disk_facts, kind,
          "nvme, ssd, hdd, flash, virtual, network, memory; null when not known"),
    FIELD(FIELD_QUANTITY, struct disk_facts, free_bytes, "free for this user, bytes"),
    FIELD(FIELD_QUANTITY, struct disk_facts, total_bytes, "size of the file system, bytes"),
    FIELD(FIELD_NUMBER, struct disk_facts, same_as,
          "index of the first disk listed that is this one"),
};
static const struct fields disk_table = FIELD_TABLE(struct disk_facts, "disk", disk_fields);

#define GPU struct gpu_seen
static const struct field gpu_fields[] = {
    FIELD(FIELD_TEXT, GPU, name, "as its driver says, else the catalogue's, or a line's"),
    FIELD(FIELD_TEXT, GPU, vendor, "maker, by PCI id"),
    FIELD(FIELD_TEXT, GPU, pci_address, "domain:bus:device.function"),
    FIELD(FIELD_TEXT, GPU, pci_id, "vendor:device, hexadecimal"),
    FIELD(FIELD_TEXT, GPU, driver, "kernel driver bound to it, null when none"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, kind, "gpu, integrated gpu, gpu slice or npu"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, part, "its row of the catalogue"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, uuid, "its driver's name for it"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, parent, "of a slice: uuid of the card it is cut from"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, compute, "what it runs: 8.6, gfx1100, Xe-HPG"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, driver_version, "of its driver"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, runtime, "the newest its driver takes, CUDA 12.4"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, hidden, "why a process may not use it"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, link, "to the host, PCIe 4.0 x16"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, peers, "links to other cards"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, limited_by, "what bounds shared_bytes"),
    FIELD(FIELD_QUANTITY, GPU, memory_bytes, "its own memory, bytes; 0 of a chip without any"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, used_bytes, "of its memory, by everybody, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, free_bytes, "of its memory, when asked, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, visible_bytes, "of its memory, what the CPU reaches"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, shared_bytes, "host memory it may take beside, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, shared_used_bytes, "host memory it has taken, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, link_bytes_per_s, "to the host, one way, bytes a second"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, power_w, "what it may draw, watts"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, processes, "how many use it"),
    FIELD(FIELD_TEXT, GPU, sized, "what is known of its memory and speed"),
    FIELD_OPTIONAL(FIELD_TEXT, GPU, engine, "its names in llama.cpp"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, engine_total_bytes,
                   "its memory as llama.cpp counts it, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, GPU, engine_free_bytes, "free of it when asked, bytes"),
};
static const struct fields gpu_table = FIELD_TABLE(struct gpu_seen, "gpu", gpu_fields);

static const struct field os_fields[] = {
    FIELD(FIELD_TEXT, struct os_facts, platform, "Linux"),
    FIELD(FIELD_TEXT, struct os_facts, distribution, "its own pretty name"),
    FIELD(FIELD_TEXT, struct os_facts, kernel, "kernel release"),
    FIELD(FIELD_TEXT, struct os_facts, architecture, "as uname -m says"),
    FIELD(FIELD_TEXT, struct os_facts, hostname, "host name"),
    FIELD(FIELD_TEXT, struct os_facts, virtual_machine,
          "what runs this virtual machine; null when none is seen"),
    FIELD(FIELD_TEXT, struct os_facts, container,
          "what runs this container; null when none is seen"),
    FIELD(FIELD_TEXT, struct os_facts, wsl, "1 or 2; null when this is not WSL"),
    FIELD(FIELD_TEXT, struct os_facts, python_version, "sys.version of the first python3 in PATH"),
};
static const struct fields os_table = FIELD_TABLE(struct os_facts, "os", os_fields);

static const struct field ollama_fields[] = {
    {"installed", FIELD_BOOL, offsetof(struct ollama_facts, installed), "its program is found",
     NULL, 0, false},
    FIELD(FIELD_TEXT, struct ollama_facts, path, "its program"),
    FIELD_WORDS("models", struct ollama_facts, models, model_count, "models its store lists"),
    FIELD(FIELD_TEXT, struct ollama_facts, store, "where its models stand"),
};
static const struct fields ollama_table = FIELD_TABLE(struct ollama_facts, "ollama", ollama_fields);

static const struct field limit_fields[] = {
    FIELD(FIELD_TEXT, struct limit, what, "what limits a process"),
    FIELD(FIELD_QUANTITY, struct limit, bytes, "memory left under it, bytes"),
    FIELD(FIELD_BOOL, struct limit, counts_mappings, "mapped files count against it too"),
    FIELD(FIELD_QUANTITY, struct limit, cpus, "CPUs it leaves; may be a fraction"),
};
static const struct fields limit_table = FIELD_TABLE(struct limit, "limit", limit_fields);

static const struct field facts_fields[] = {
    FIELD_MAP(struct facts, cpu, "the processor", cpu_table),
    FIELD_MAP(struct facts, memory, "memory as the system counts it", memory_table),
    FIELD_ROWS("numa", struct facts, numa, numa_nodes, "NUMA nodes", numa_table),
    FIELD_ROWS("disks", struct facts, disk, disks, "disks by purpose", disk_table),
    FIELD_ROWS("gpus", struct facts, gpu, gpus, "GPUs and accelerators seen", gpu_table),
    FIELD_MAP(struct facts, os, "operating system", os_table),
    FIELD_MAP(struct facts, ollama, "Ollama", ollama_table),
    FIELD_ROWS("limits", struct facts, limit, limits, "what limits one process, tightest first",
               limit_table),
};
const struct fields facts_table = FIELD_TABLE(struct facts, "facts", facts_fields);
