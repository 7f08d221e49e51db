/* machine/rocm_smi.h - AMD's GPUs as their maker's libraries list them: ROCm SMI, and AMD SMI that follows it, opened while running. */
#pragma once
#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

struct arena;
struct notes;

enum { ROCM_SMI_MOST = 64, ROCM_SMI_NAME = 128 };
struct rocm_smi_device {
    uint64_t pci_address; /* as pci_parse() numbers it */
    char name[ROCM_SMI_NAME];
    /* its own memory and host memory that it may take; NaN: not said */
    double memory_bytes, used_bytes, shared_bytes, shared_used_bytes;
    const char *source; /* "ROCm SMI" */
};

/* What is asked for is called by one way of talking, of two: which functions there are, and how devices are counted. */
enum rocm_smi_way { ROCM_SMI, AMD_SMI, ROCM_SMI_WAYS };

/* Fills at most `most`, and returns how many. Absent libraries are 0 without a word; one that is there but answers nothing sound is 0, or
 * fewer, and a note. */
size_t rocm_smi_ask(struct rocm_smi_device *out, size_t most, struct notes *notes);
/* The same of one file, by one way. */
size_t rocm_smi_ask_file(const char *library, enum rocm_smi_way way, struct rocm_smi_device *out,
                         size_t most, struct notes *notes);
