/* Parses /proc/self/cgroup, mount tables and the values of limit files, for control groups of both versions.
 *
 * Formats: cgroups(7), proc_pid_mountinfo(5), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux. A machine may
 * have both versions mounted at once, each controller living in one of them. */
#include "machine/cgroup.h"
#include "base/arena.h"
#include "machine/mounts.h"
#include "machine/proc_text.h"

/* Version 1 writes "no limit" as LONG_MAX rounded down to a page; no machine has a limit of 2^53 bytes, so every such value is none. */
bool cgroup_limit(struct str text, double *bytes)
{
    return proc_bytes(text, bytes);
}

static bool list_has(struct str list, const char *item)
{
    struct str rest = list;
    while (rest.n)
        if (str_is(str_cut(&rest, ','), item)) return true;
    return false;
}

bool cgroup_path(struct str text, const char *controller, struct str *out)
{
    struct str rest = text;
    while (rest.n) {
        struct str path = str_line(&rest);
        const struct str id = str_cut(&path, ':'), controllers = str_cut(&path, ':');
        if (!path.n || path.p[0] != '/') continue;
        if (*controller ? !list_has(controllers, controller) : controllers.n || !str_is(id, "0"))
            continue;
        *out = path;
        return true;
    }
    return false;
}

static bool is_hierarchy(struct str type, struct str options, const char *controller)
{
    return *controller ? str_is(type, "cgroup") && list_has(options, controller)
                       : str_is(type, "cgroup2");
}

static bool mount_line(struct str line, const char *controller, struct arena *a,
                       struct cgroup_mount *out)
{
    struct str rest = line;
    for (int i = 0; i < 3; i++) str_cut(&rest, ' '); /* id, parent, device */
    const struct str root = str_cut(&rest, ' '), point = str_cut(&rest, ' ');
    while (rest.n && !str_is(str_cut(&rest, ' '), "-")) continue; /* options */
    const struct str type = str_cut(&rest, ' ');
    str_cut(&rest, ' '); /* source */
    if (!root.n || !point.n || !is_hierarchy(type, rest, controller)) return false;
    out->point = mount_text(a, point);
    out->root = mount_text(a, root);
    return true;
}

static bool holds(const struct cgroup_mount *m, struct str path)
{
    const struct str root = str_of(m->root);
    if (str_is(root, "/")) return true;
    return str_starts(path, root) && (path.n == root.n || path.p[root.n] == '/');
}

bool cgroup_mounted(struct str mountinfo, const char *controller, struct str path, struct arena *a,
                    struct cgroup_mount *out)
{
    struct str rest = mountinfo;
    bool found = false;
    while (rest.n) {
        struct cgroup_mount mount;
        if (!mount_line(str_line(&rest), controller, a, &mount)) continue;
        if (!found || holds(&mount, path)) *out = mount;
        found = true;
        if (holds(out, path)) break;
    }
    return found;
}

bool cgroup_mounted_plain(struct str mounts, const char *controller, struct arena *a,
                          struct cgroup_mount *out)
{
    struct str rest = mounts;
    while (rest.n) {
        struct str line = str_line(&rest);
        str_cut(&line, ' '); /* source */
        const struct str point = str_cut(&line, ' '), type = str_cut(&line, ' ');
        if (!point.n || !is_hierarchy(type, str_cut(&line, ' '), controller)) continue;
        out->point = mount_text(a, point);
        out->root = "/";
        return true;
    }
    return false;
}

struct str cgroup_below(const struct cgroup_mount *m, struct str path)
{
    struct str parts = path;
    while (parts.n)
        if (str_is(str_cut(&parts, '/'), "..")) return S("");
    if (!holds(m, path)) return S("");
    const size_t root = str_is(str_of(m->root), "/") ? 0 : str_of(m->root).n;
    struct str below = {path.p + root, path.n - root};
    while (below.n && below.p[below.n - 1] == '/') below.n--;
    return below;
}

bool cgroup_quota_of(struct str quota_us, struct str period_us, double *cpus)
{
    uint64_t quota, period;
    if (!str_u64(str_trim(quota_us), &quota) || !str_u64(str_trim(period_us), &period) ||
        quota == 0 || period == 0)
        return false;
    *cpus = (double)quota / (double)period;
    return true;
}

bool cgroup_quota(struct str cpu_max, double *cpus)
{
    struct str period = str_trim(cpu_max);
    const struct str quota = str_cut(&period, ' ');
    return cgroup_quota_of(quota, period, cpus);
}
