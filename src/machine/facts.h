/* machine/facts.h - what is shown and diagnosed about a machine, but never priced. Each has one field table (machine/facts.c). */
#pragma once
#include "base/fields.h"
#include "base/quantity.h"

struct cpu_cluster {  /* cores of one kind: one row on most machines, two or three on a hybrid */
    const char *kind; /* "performance", "efficiency", "low power", or "" when all are alike */
    struct quantity cores, threads, max_hz;
};
struct cpu_cache {
    const char *name;      /* "L1d", "L2", "L3" */
    struct quantity bytes; /* of one */
    double instances;
};
struct cpu_facts {
    const char *name, *vendor;
    struct quantity packages, cores, threads; /* threads: logical CPUs online */
    const struct cpu_cluster *cluster;
    size_t clusters;
    const struct cpu_cache *cache;
    size_t caches;
    /* of: avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_int8 amx_bf16 neon dotprod i8mm sve sve2 f16c fma */
    const char *const *features;
    size_t feature_count;
    const char *governor; /* cpufreq, NULL when none */
};
struct memory_facts {
    struct quantity total_bytes, available_bytes, free_bytes, swap_total_bytes, swap_free_bytes,
        huge_pages_bytes, huge_page_size_bytes;
};
struct numa_node {
    double id;
    struct quantity cpus, memory_bytes;
    struct quantity free_bytes; /* of its memory: free, or file pages that were not used lately */
    struct quantity package;    /* the kernel's number of the socket that all its CPUs are on */
};
struct disk_facts {
    const char *purpose; /* "root", "this folder", "HF cache", "Ollama models" */
    const char *path, *mount, *filesystem, *device;
    const char *kind; /* "nvme", "ssd", "hdd", "virtual", "network", "memory", or NULL */
    struct quantity free_bytes, total_bytes;
    double same_as; /* index of an earlier disk with the same device number, or its own index */
};
/* An accelerator: what the bus, its driver and the catalogue say, in this order of probes; what a later one knows better replaces. */
struct gpu_seen {
    const char *name, *vendor, *pci_address, *pci_id,
        *driver;               /* name as its driver says, else the catalogue's, or NULL */
    const char *kind;          /* "gpu", "integrated gpu", "gpu slice" (MIG), "npu"; NULL: "gpu" */
    const char *part;          /* its row of the catalogue, or NULL */
    const char *uuid, *parent; /* of a slice: the card it is cut from, its UUID */
    /* "8.6" (CUDA compute capability), "gfx1100", "Xe-HPG"; NULL: not known */
    const char *compute, *driver_version,
        *runtime;       /* runtime: the newest its driver takes, "CUDA 12.4" */
    const char *hidden; /* why a process may not use it: "CUDA_VISIBLE_DEVICES=1"; NULL: it may */
    const char *link;   /* to the host: "PCIe 4.0 x16" */
    const char *peers;  /* "NVLink to 0000:41:00.0, 4 links" */
    const char *
        limited_by; /* what bounds shared_bytes: "GTT, amdgpu", "two thirds of memory, Metal's default" */
    struct quantity memory_bytes; /* its own memory; of a chip without any 0; UNKNOWN until sized */
    struct quantity used_bytes, free_bytes; /* of memory_bytes, by everybody, at this moment */
    struct quantity visible_bytes;          /* of memory_bytes, what the CPU can reach */
    struct quantity shared_bytes, shared_used_bytes; /* host memory it may take beside its own */
    struct quantity link_bytes_per_s, power_w, processes;
    const char *
        sized; /* "seen, not sized yet", GPU_DISPLAY_ONLY, "23.1 of 24.0 GiB free", "CUDA0, 23.1 GiB free" */
    /* as the engine sees it (machine/devices.h): what llama.cpp calls it, NULL when it was not asked or can't use it */
    const char *engine;
    struct quantity engine_total_bytes, engine_free_bytes;
};
#define GPU_DISPLAY_ONLY "display only"
/* Of gpu_seen.kind. */
#define GPU_INTEGRATED "integrated gpu"
#define GPU_SLICE "gpu slice"
#define GPU_NPU "npu"
struct os_facts {
    const char *platform;     /* "Linux" */
    const char *distribution; /* "Debian GNU/Linux 12 (bookworm)" */
    const char *kernel, *architecture, *hostname;
    /* confidential (machine-id(5)): goes into the fingerprint, never into a report */
    const char *machine_id;
    const char *virtual_machine; /* "kvm", "vmware", NULL: none seen */
    const char *container;       /* "docker", "podman", "lxc", "kubernetes", NULL */
    const char *wsl;             /* "1", "2", NULL */
    const char *python_version;  /* sys.version of the first python3 in PATH, or NULL */
};
struct ollama_facts {
    bool installed;
    const char *path;
    const char *const *models;
    size_t model_count; /* from its store's manifests */
    const char *store;  /* where models stand */
};
/* One thing that limits a process, tightest first. */
struct limit {
    /* "available memory", "cgroup /docker/x (memory.max)", "ulimit -v", "Slurm allocation" */
    const char *what;
    struct quantity bytes; /* for memory limits; what is left under it, not the limit itself */
    bool counts_mappings;  /* mapped files count against it too: a limit of address space */
    struct quantity cpus;  /* for CPU limits; may be a fraction (quota) */
};
struct facts {
    struct cpu_facts cpu;
    struct memory_facts memory;
    const struct numa_node *numa;
    size_t numa_nodes;
    const struct disk_facts *disk;
    size_t disks;
    const struct gpu_seen *gpu;
    size_t gpus;
    struct os_facts os;
    struct ollama_facts ollama;
    const struct limit *limit;
    size_t limits;
};

extern const struct fields facts_table;
