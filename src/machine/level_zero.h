/* machine/level_zero.h - Intel's GPUs as their own library lists them: sysman of oneAPI Level Zero, opened while running. */
#pragma once
#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

struct notes;

enum { LEVEL_ZERO_MOST = 64, LEVEL_ZERO_NAME = 256 };
struct level_zero_device {
    uint64_t pci_address; /* as pci_parse() numbers it */
    char name[LEVEL_ZERO_NAME];
    double memory_bytes, free_bytes; /* of memory on the device; NaN: not said */
};

/* Fills at most `most`, and returns how many. `library` is a file to open instead of the system's, NULL for that. An absent library is
 * 0 without a word; one that is there but answers nothing sound is 0, or fewer, and a note. */
size_t level_zero_ask(const char *library, struct level_zero_device *out, size_t most,
                      struct notes *notes);
