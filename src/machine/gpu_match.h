/* machine/gpu_match.h - which row of the catalogue an accelerator is: by PCI id, then by memory size, then by name and memory. Memory
 * sizes are bytes, NaN where not known. No I/O but the catalogue. */
#pragma once
#include "machine/machine.h"

struct gpu_part;
struct gpu_seen;

struct gpu_match {
    const struct gpu_part *part; /* the one row that fits, or NULL */
    const char *names;           /* all rows that fit, "A or B"; NULL when none does */
    size_t rows;                 /* how many carry the id */
    bool unified;                /* every one of them shares the memory of its host */
    double memory_gib;           /* of those that fit, when they are alike; else NaN */
};
struct gpu_match gpu_match_id(const struct looking *in, const char *pci_id, double memory_bytes);
/* A driver's or a list's own words: "AMD Radeon 780M Graphics", "Intel(R) Arc(TM) A770 Graphics". NULL when the catalogue has no such
 * row, or none of that memory size. */
const struct gpu_part *gpu_match_name(const struct looking *in, const char *name,
                                      double memory_bytes);
/* limited_by of a GPU that may take whatever the host has. */
#define GPU_ALL_HOST_MEMORY "all host memory"
/* What is known of its memory, for people: "23.1 GiB free of 24.0 GiB", "512 MiB of its own, and up to 62.0 GiB of host memory (GTT,
 * amdgpu)", "shares host memory". NULL when nothing is. */
const char *gpu_sized_words(const struct looking *in, const struct gpu_seen *g);
