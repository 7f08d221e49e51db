/* machine/cgroup.h - the texts that say which control group a process is in, where that group's folder is, and what a limit file means.
 * Pure parsing: nothing here opens a file. A controller is "memory", "cpu", "cpuset" (version 1) or "" (the version 2 hierarchy). */
#pragma once
#include "base/str.h"

struct arena;

/* A mounted hierarchy: the folder it is mounted at, and the group that stands there ("/" unless the process is in a container that
 * sees only its own part). */
struct cgroup_mount {
    const char *point, *root;
};

/* The process's group in /proc/self/cgroup ("4:memory:/user.slice", "0::/"). */
bool cgroup_path(struct str text, const char *controller, struct str *out) NODISCARD;
/* From /proc/self/mountinfo. Among several mounts, the first whose root holds `path`, else the first. */
bool cgroup_mounted(struct str mountinfo, const char *controller, struct str path, struct arena *a,
                    struct cgroup_mount *out) NODISCARD;
/* From /proc/mounts, which does not say the root: "/" is taken. */
bool cgroup_mounted_plain(struct str mounts, const char *controller, struct arena *a,
                          struct cgroup_mount *out) NODISCARD;
/* What of `path` lies below the mount: "" at the mount itself, "/a/b" below. A path outside the mount, or with "..", is "". */
struct str cgroup_below(const struct cgroup_mount *m, struct str path);

/* A limit in bytes; false for "max" and for version 1's "unlimited" (the largest multiple of a page below 2^63). */
bool cgroup_limit(struct str text, double *bytes) NODISCARD;
/* CPUs that a quota allows: cpu.max ("150000 100000": 1.5), or version 1's two files. False when there is no quota. */
bool cgroup_quota(struct str cpu_max, double *cpus) NODISCARD;
bool cgroup_quota_of(struct str quota_us, struct str period_us, double *cpus) NODISCARD;
