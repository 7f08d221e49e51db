/* machine/mounts.h - which mount a path stands on, from the text of /proc/self/mountinfo. */
#pragma once
#include "base/str.h"
#include <stdbool.h>

struct arena;

struct mount {
    uint64_t major, minor;
    const char *folder; /* the part of the file system that is mounted: "/" when all of it */
    const char *at;     /* mount point */
    const char *filesystem, *source;
};

/* Mount tables write blanks and backslashes as \040 and the like; a NUL becomes "?". */
const char *mount_text(struct arena *a, struct str s);
/* The mount with the longest mount point that holds the absolute path; of several the latest. False when there is none. */
bool mount_of(struct str mountinfo, struct str path, struct arena *a, struct mount *out) NODISCARD;
