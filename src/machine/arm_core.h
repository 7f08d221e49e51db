/* machine/arm_core.h - what an ARM core is called, by the two numbers that /proc/cpuinfo has in place of a name. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;

struct arm_core {
    const char *name, *vendor; /* "Cortex-A76", "Arm"; vendor alone may be known */
};
/* By data/arm_cores.json ("0x41", "0xd0b"). Both NULL when the table is not there (catalog may be NULL) or has no such row. */
struct arm_core arm_core_named(const struct catalog *c, struct str implementer, struct str part,
                               struct arena *a);
