/* machine/cpuinfo.h - what /proc/cpuinfo says, on x86, ARM, POWER and RISC-V alike. */
#pragma once
#include "base/str.h"
#include "machine/cpu_set.h"

/* X(name in our reports, flag in /proc/cpuinfo). The order is the order of reports. */
#define CPU_FEATURES(X)             \
    X("f16c", "f16c")               \
    X("fma", "fma")                 \
    X("avx2", "avx2")               \
    X("avx_vnni", "avx_vnni")       \
    X("avx512f", "avx512f")         \
    X("avx512_vnni", "avx512_vnni") \
    X("avx512_bf16", "avx512_bf16") \
    X("amx_int8", "amx_int8")       \
    X("amx_bf16", "amx_bf16")       \
    X("neon", "asimd")              \
    X("neon", "neon")               \
    X("dotprod", "asimddp")         \
    X("i8mm", "i8mm")               \
    X("sve", "sve")                 \
    X("sve2", "sve2")

enum { CPUINFO_ARM_PARTS = 4 };

/* Views into the text; empty (n == 0) when not said. */
struct cpuinfo {
    struct str name;   /* "model name", or the kindred keys of other architectures */
    struct str vendor; /* "vendor_id" */
    struct str board;  /* "Model" or "Hardware": ARM boards */
    /* "CPU implementer"/"CPU part" pairs seen, at most four kinds of core */
    struct {
        struct str implementer, part;
    } arm[CPUINFO_ARM_PARTS];
    size_t arms;
    struct cpu_set processors;
    size_t feature_bits; /* bit i: row i of CPU_FEATURES is in every processor's list */
    bool flags_seen;
    size_t cores, packages; /* by "core id" and "physical id"; 0 when not said */
};

void cpuinfo_read(struct str text, struct cpuinfo *out);
