/* machine/machine.h - what a computer is, what it does, what it has been seen to do. A report is this, written down.
 *
 * Flat lists: pools hold bytes, places compute, links join pools, rates are prices, sightings are workloads that really ran. The CPU
 * is a place like any other; unified memory is two places on one pool. Everything else is facts: shown and diagnosed, never priced. */
#pragma once
#include "base/quantity.h"
#include "base/str.h"
#include <stdint.h>

struct arena;
struct catalog;
struct facts;
struct mu_err;
struct notes;
struct root;

enum pool_kind { POOL_MEMORY, POOL_DEVICE, POOL_SHARED, POOL_DISK };
struct pool {
    enum pool_kind kind;
    const char *name;                          /* "memory", "GPU 0" */
    struct quantity total_bytes, usable_bytes; /* usable: what one process may really use now */
    /* what bound usable: "available memory", "cgroup /user.slice (memory.max)" */
    const char *bound_by;
};

enum place_kind { PLACE_CPU, PLACE_GPU, PLACE_NPU };
struct place {
    enum place_kind kind;
    const char *name;
    uint16_t pool;           /* index into machine.pool; two places may share one */
    struct quantity threads; /* that one process may use: affinity, cpuset, quota */
    const char *bound_by;    /* what bound them, or limit_bytes */
    /* Of an accelerator; NULL and UNKNOWN of the CPU. */
    const char *part;         /* its row of the catalogue, or NULL */
    const char *architecture; /* "Ampere", "RDNA3", "M3 GPU", as the catalogue says */
    /* of llama.cpp, what people run there: "CUDA" "ROCm" "Vulkan" "Metal" "SYCL"; NULL: none is known to work there */
    const char *backend;
    struct quantity
        limit_bytes; /* the most of a shared pool that this place may use; UNKNOWN: all of it */
    struct quantity power_w; /* what it may draw */
    uint16_t gpu;            /* index into facts.gpu */
};

/* What moves bytes between two pools, one way. */
struct link {
    uint16_t from, to; /* index into machine.pool */
    const char *words; /* "PCIe 4.0 x16", "NVLink" */
    struct quantity bytes_per_s;
};

/* What a rate is a price of. X(name, word, unit) */
#define WORKS(X)                                         \
    X(WORK_READ_BYTES, "memory read", "B/s")             \
    X(WORK_COPY_BYTES, "memory copy", "B/s")             \
    X(WORK_TRIAD_BYTES, "memory triad", "B/s")           \
    X(WORK_SGEMM_FLOP, "sgemm", "FLOP/s")                \
    X(WORK_HGEMM_FLOP, "hgemm", "FLOP/s")                \
    X(WORK_IGEMM_FLOP, "igemm", "OP/s")                  \
    X(WORK_DGEMM_FLOP, "dgemm", "FLOP/s")                \
    X(WORK_MATMUL_FLOP, "matmul", "FLOP/s")              \
    X(WORK_EXPERT_FLOP, "expert matmul", "FLOP/s")       \
    X(WORK_ATTEND_FLOP, "attend", "FLOP/s")              \
    X(WORK_OPERATIONS, "graph operations", "1/s")        \
    X(WORK_ELEMENT_BYTES, "elementwise", "B/s")          \
    X(WORK_DISK_READ_BYTES, "disk read", "B/s")          \
    X(WORK_CACHED_READ_BYTES, "page cache read", "B/s")  \
    X(WORK_GUIDE_ROUNDS, "guide's matrix rounds", "1/s") \
    X(WORK_TO_DEVICE_BYTES, "copy to device", "B/s")     \
    X(WORK_FROM_DEVICE_BYTES, "copy from device", "B/s")
enum machine_work {
#define WORK_ENUM(name, word, unit) name,
    WORKS(WORK_ENUM)
#undef WORK_ENUM
        MACHINE_WORK_COUNT
};
const char *machine_work_word(enum machine_work work); /* "memory read" */
const char *machine_work_unit(enum machine_work work);
bool machine_work_parse(const char *word, enum machine_work *out) NODISCARD;

/* A price: so much work a second, there. A new measurement is a row, not a field. */
enum { RATE_NO_TYPE = 255 };
struct rate {
    enum machine_work work;
    /* What only some works have: ggml's id of the weights (matmul) or of the cache (attend), else RATE_NO_TYPE; the columns done at
     * once, 1 when decoding, 512 for a prompt's micro-batch, else 0; the values in a row of the weights or in a head's key, 0 for any; the
     * heads that share a key and the values in a cell of the cache, for all heads (attend), 0 unknown; and the buffer that llama.cpp keeps
     * such weights in here. */
    uint8_t type;
    double tokens, row, group, cell;
    const char *buffer; /* "AMX", "CPU_REPACK", "CPU"; or NULL */
    uint16_t place;     /* index into machine.place; for disk rates the CPU */
    double threads;
    struct estimate per_s; /* low, median, high of the runs */
    double runs;
    const char *conditions; /* "idle", "busy: 1.9 runnable, PSI cpu 34 %"; NULL when not known */
};

struct machine {
    const char *name; /* hostname */
    /* of what decides speed: CPU, threads, memory size, kernel's machine id; 16 hex digits */
    const char *fingerprint;
    const struct pool *pool;
    size_t pools;
    const struct place *place;
    size_t places;
    const struct link *link;
    size_t links;
    const struct rate *rate;
    size_t rates;
    const char *unmeasured;    /* why there are no rates: "--quick was given"; NULL when measured */
    const struct facts *facts; /* machine/facts.h */
    bool here;                 /* this very machine, not a report, a line or a captured tree */
};

/* What detection looks through. env: only main() reads the environment; it hands over a lookup. */
struct looking {
    const struct root *root;
    const struct catalog *catalog; /* may be NULL: names are then not looked up */
    struct arena *arena;
    struct notes *notes;
    const char *(*env)(
        const char
            *name);     /* NULL for a captured root: nothing of this host's environment applies */
    const char *folder; /* the current folder, for its disk; NULL: not looked at */
};

/* Every probe of machine/probe.c run in turn. Fails only when the root is not a machine at all (neither /proc nor /sys). */
bool machine_detect(const struct looking *in, const struct machine **out,
                    struct mu_err *err) NODISCARD;
/* "cpu:8 ram:32GiB available:28GiB swap:0 gpu:RTX 4090 x2 disk:500GiB host:box os:linux bandwidth:60GB/s": a value runs to the next key. */
bool machine_from_line(struct str line, const struct looking *in, const struct machine **out,
                       struct mu_err *err) NODISCARD;
/* Such a line of a machine, as far as one can say it; NULL: its memory is not known. */
const char *machine_line(const struct machine *m, struct arena *a);
/* A copy that carries these rates and no `unmeasured`. Those of accelerators stay where the new ones have none of their kind. */
const struct machine *machine_with_rates(const struct machine *m, const struct rate *rate,
                                         size_t rates, struct arena *a);
const struct machine *machine_unmeasured(const struct machine *m, const char *why, struct arena *a);
/* The CPU's rate with that work and the most (all) or one thread; NULL when not measured. */
enum rate_threads { RATE_ALL_THREADS, RATE_ONE_THREAD };
const struct rate *machine_rate(const struct machine *m, enum machine_work work,
                                enum rate_threads threads);
/* Whether the CPU has any: what is listed of accelerators is no measurement. */
bool machine_rated(const struct machine *m);
/* The same at a place that is no CPU: memory read, hgemm (F16 products with F32 sums), igemm (8-bit integers), as listed for its part or
 * as measured; NULL when neither. */
const struct rate *machine_place_rate(const struct machine *m, size_t place,
                                      enum machine_work work);
/* The link from one pool to another; NULL when none is known. */
const struct link *machine_link(const struct machine *m, size_t from, size_t to);
/* The pool of host memory; every machine has one. */
const struct pool *machine_memory(const struct machine *m);
const struct place *machine_cpu(const struct machine *m);
