/* What the control groups leave: memory, CPU quota and CPU set, of both versions, at every level up to the mount.
 *
 * A memory limit leaves its figure less what the group uses, plus the file cache that can be dropped at once (inactive_file). memory.high
 * does not kill but slows to a crawl, so it binds like memory.max. Above a container's mount nothing can be seen. Reads /proc/self/cgroup,
 * /proc/self/mountinfo (else /proc/mounts, else the usual places) and the groups' own files. */
#include "base/notes.h"
#include "base/num.h"
#include "base/root.h"
#include "machine/budget.h"
#include "machine/cgroup.h"
#include "machine/probe.h"
#include "machine/proc_text.h"

enum { LEVELS_MOST = 64 };

struct memory_file {
    const char *controller, *limit, *usage, *droppable;
};
static const struct memory_file memory_files[] = {
    {"", "memory.max", "memory.current", "inactive_file"},
    {"", "memory.high", "memory.current", "inactive_file"},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
};

struct set_file {
    const char *controller, *file;
};
static const struct set_file set_files[] = {
    {"", "cpuset.cpus.effective"},
    {"", "cpuset.cpus"},
    {"cpuset", "cpuset.effective_cpus"},
    {"cpuset", "cpuset.cpus"},
};

static const char *const controllers[] = {"", "memory", "cpu", "cpuset"};

/* One group: its folder under the root looked at, and its name as the process knows it. */
struct group {
    const struct looking *in;
    struct draft *out;
    const char *controller, *folder, *name;
};

static bool file_word(const struct group *g, const char *file, struct str *text)
{
    return root_wordf(g->in->root, g->in->arena, text, "%s/%s", g->folder, file);
}

static const char *limit_name(const struct group *g, const char *file)
{
    return str_format(g->in->arena, "cgroup %s (%s)", g->name, file);
}

static void memory_look(const struct group *g, const struct memory_file *f)
{
    struct str text;
    double limit, usage = 0;
    uint64_t droppable = 0;
    if (!file_word(g, f->limit, &text) || !cgroup_limit(text, &limit)) return;
    if (!file_word(g, f->usage, &text) || !proc_bytes(text, &usage)) usage = 0;
    if (!file_word(g, "memory.stat", &text) || !proc_pair(text, f->droppable, &droppable))
        droppable = 0;
    const double left = limit - usage + least((double)droppable, usage);
    draft_add_limit(g->out,
                    (struct limit){.what = limit_name(g, f->limit),
                                   .bytes = quantity_of(most(left, 0), REPORTED,
                                                        "limit - usage + inactive file cache"),
                                   .cpus = unknown("a limit of memory")});
}

static void quota_look(const struct group *g)
{
    struct str text, period;
    double cpus;
    const char *file = *g->controller ? "cpu.cfs_quota_us" : "cpu.max";
    if (!file_word(g, file, &text)) return;
    const bool bounded = *g->controller ? file_word(g, "cpu.cfs_period_us", &period) &&
                                              cgroup_quota_of(text, period, &cpus)
                                        : cgroup_quota(text, &cpus);
    if (!bounded) return;
    draft_add_limit(g->out, (struct limit){.what = limit_name(g, file),
                                           .bytes = unknown("a limit of CPUs"),
                                           .cpus = quantity_of(cpus, REPORTED, "quota / period")});
}

/* True when the group has a set of its own: groups above hold at least as much and need not be read. */
static bool set_look(const struct group *g)
{
    const size_t online = cpu_set_count(&g->out->online);
    for (size_t i = 0; i < COUNT_OF(set_files); i++) {
        const struct set_file *f = &set_files[i];
        struct str text;
        struct cpu_set set;
        if (!str_is(str_of(f->controller), g->controller) || !file_word(g, f->file, &text) ||
            !cpu_set_parse(text, &set))
            continue;
        set = cpu_set_and(&set, &g->out->online);
        const size_t count = cpu_set_count(&set);
        if (!count) continue;
        if (count < online)
            draft_add_limit(g->out,
                            (struct limit){.what = limit_name(g, f->file),
                                           .bytes = unknown("a limit of CPUs"),
                                           .cpus = quantity_of((double)count, REPORTED, f->file)});
        return true;
    }
    return false;
}

static bool is_controller(const struct group *g, const char *name)
{
    return !*g->controller || str_is(str_of(g->controller), name);
}

/* From the process's own group up to the one that stands at the mount. */
static void levels_look(struct group g, const struct cgroup_mount *mount, struct str below)
{
    const char *root = str_is(str_of(mount->root), "/") ? "" : mount->root;
    bool set_seen = false;
    for (int level = 0; level < LEVELS_MOST; level++) {
        g.folder = str_format(g.in->arena, "%s%.*s", mount->point, STR_ARG(below));
        const char *name = str_format(g.in->arena, "%s%.*s", root, STR_ARG(below));
        g.name = *name ? str_visible(g.in->arena, str_of(name)) : "/";
        for (size_t i = 0; i < COUNT_OF(memory_files); i++)
            if (str_is(str_of(memory_files[i].controller), g.controller))
                memory_look(&g, &memory_files[i]);
        if (is_controller(&g, "cpu")) quota_look(&g);
        if (is_controller(&g, "cpuset") && !set_seen) set_seen = set_look(&g);
        if (!below.n) return;
        while (below.n && below.p[below.n - 1] != '/') below.n--;
        while (below.n && below.p[below.n - 1] == '/') below.n--;
    }
    note_add(g.in->notes, "control groups nest deeper than %d: outer limits were not read",
             LEVELS_MOST);
}

struct tables {
    struct str groups, mountinfo, mounts;
    bool has_mountinfo, has_mounts;
};

static bool mount_found(const struct looking *in, const struct tables *t, const char *controller,
                        struct str path, struct cgroup_mount *out)
{
    if (t->has_mountinfo) return cgroup_mounted(t->mountinfo, controller, path, in->arena, out);
    if (t->has_mounts) return cgroup_mounted_plain(t->mounts, controller, in->arena, out);
    out->point =
        *controller ? str_format(in->arena, "/sys/fs/cgroup/%s", controller) : "/sys/fs/cgroup";
    out->root = "/";
    return root_has(in->root, out->point);
}

void budget_cgroups(const struct looking *in, struct draft *out)
{
    struct tables t = {.has_mountinfo = false};
    t.has_mountinfo = root_text(in->root, "/proc/self/mountinfo", in->arena, &t.mountinfo);
    t.has_mounts = root_text(in->root, "/proc/mounts", in->arena, &t.mounts);
    const bool has_groups = root_text(in->root, "/proc/self/cgroup", in->arena, &t.groups);
    if (!has_groups)
        fell_back(in->notes, "the outermost control groups", "there is no /proc/self/cgroup");
    if (!t.has_mountinfo && !t.has_mounts)
        fell_back(in->notes, "/sys/fs/cgroup as the place of control groups",
                  "there is no table of mounts");
    for (size_t i = 0; i < COUNT_OF(controllers); i++) {
        struct str path = S("/");
        struct cgroup_mount mount;
        if (has_groups && !cgroup_path(t.groups, controllers[i], &path)) continue;
        if (!mount_found(in, &t, controllers[i], path, &mount)) continue;
        levels_look((struct group){.in = in, .out = out, .controller = controllers[i]}, &mount,
                    cgroup_below(&mount, path));
    }
}
