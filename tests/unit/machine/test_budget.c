/* What one process may use: control groups of both versions in every shape they come, ulimits, the kernel's promise limit, affinity, Slurm;
 * and that nothing of this host's environment reaches a captured tree. */
#include "tree.h"

#include "machine/probe.h"

/* 32 GiB, 24 GiB available, eight CPUs. */
static const struct tree_entry plain[] = {
    {"/proc/meminfo", "MemTotal: 33554432 kB\nMemFree: 20971520 kB\nMemAvailable: 25165824 kB\n"},
    {"/sys/devices/system/cpu/online", "0-7\n"},
};

/* The mount of version 2 of control groups, all of it. */
static const char unified[] = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

/* Looks at the plain machine with these files beside its own, or in their place. */
static void see(struct seen *s, const struct tree_entry *file, size_t files)
{
    struct tree t;
    tree_make(&t);
    tree_files(&t, plain, COUNT_OF(plain));
    tree_files(&t, file, files);
    seen_at(s, t.path, NULL);
    tree_remove(&t);
}

static const struct limit *limit_named(const struct seen *s, const char *what)
{
    for (size_t i = 0; i < s->facts->limits; i++)
        if (strcmp(s->facts->limit[i].what, what) == 0) return &s->facts->limit[i];
    fail_msg("no limit %s", what);
    return NULL;
}

static void assert_memory(const struct seen *s, double bytes, const char *by)
{
    assert_value(machine_memory(s->machine)->usable_bytes, bytes);
    assert_string_equal(machine_memory(s->machine)->bound_by, by);
}

static void every_level_up_the_tree(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "0::/a/b/c\n"},
        {"/proc/self/mountinfo", unified},
        {"/sys/fs/cgroup/a/memory.max", "8589934592\n"},
        {"/sys/fs/cgroup/a/memory.current", "1073741824\n"},
        {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
        {"/sys/fs/cgroup/a/b/memory.high", "6442450944\n"},
        {"/sys/fs/cgroup/a/b/c/memory.max", "10737418240\n"},
        {"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"},
        {"/sys/fs/cgroup/a/cpu.max", "250000 100000\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 6 * GIB, "cgroup /a/b (memory.high)");
    assert_value(limit_named(&s, "cgroup /a (memory.max)")->bytes, 7 * GIB);
    assert_value(limit_named(&s, "cgroup /a/b/c (memory.max)")->bytes, 10 * GIB);
    assert_value(machine_cpu(s.machine)->threads, 2.5);
    assert_string_equal(machine_cpu(s.machine)->bound_by, "cgroup /a (cpu.max)");
    seen_release(&s);
}

static void left_is_never_negative(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "0::/x\n"},
        {"/proc/self/mountinfo", unified},
        {"/sys/fs/cgroup/x/memory.max", "1048576\n"},
        {"/sys/fs/cgroup/x/memory.current", "99999999\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 0, "cgroup /x (memory.max)");
    seen_release(&s);
}

/* File cache that can be dropped counts as left, but never more of it than the group uses. */
static void droppable_cache_is_capped(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "0::/x\n"},
        {"/proc/self/mountinfo", unified},
        {"/sys/fs/cgroup/x/memory.max", "4294967296\n"},
        {"/sys/fs/cgroup/x/memory.current", "1073741824\n"},
        {"/sys/fs/cgroup/x/memory.stat", "anon 5\ninactive_file 18446744073709551615\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 4 * GIB, "cgroup /x (memory.max)");
    seen_release(&s);
}

/* A container without a group namespace: its path is the host's, and only its own part is mounted. */
static void container_without_namespace(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "9:memory:/docker/abc\n8:cpuset:/docker/abc\n"},
        {"/proc/self/mountinfo",
         "50 40 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
         "51 40 0:31 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"},
        {"/sys/fs/cgroup/memory/memory.usage_in_bytes", "1073741824\n"},
        {"/sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 536870912\n"},
        {"/sys/fs/cgroup/cpuset/cpuset.cpus", "2,5\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 1.5 * GIB, "cgroup /docker/abc (memory.limit_in_bytes)");
    assert_value(machine_cpu(s.machine)->threads, 2);
    assert_string_equal(machine_cpu(s.machine)->bound_by, "cgroup /docker/abc (cpuset.cpus)");
    seen_release(&s);
}

/* A path above the namespace ("/../..") is not followed out of the mount. */
static void path_out_of_the_mount(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "0::/../../other\n"},
        {"/proc/self/mountinfo",
         "30 24 0:26 /../.. /sys/fs/cgroup\\040x rw - cgroup2 cgroup2 rw\n"},
        {"/sys/fs/cgroup x/memory.max", "1073741824\n"},
        {"/sys/fs/other/memory.max", "1048576\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_value(machine_memory(s.machine)->usable_bytes, GIB);
    seen_release(&s);
}

static void no_group_file_no_mount_table(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/sys/fs/cgroup/memory.max", "3221225472\n"},
        {"/sys/fs/cgroup/cpuset/cpuset.effective_cpus", "0-2\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 3 * GIB, "cgroup / (memory.max)");
    assert_value(machine_cpu(s.machine)->threads, 3);
    assert_noted(&s.look->notes, "there is no /proc/self/cgroup");
    assert_noted(&s.look->notes, "there is no table of mounts");
    seen_release(&s);
}

/* hwloc-gather-topology saves /proc/mounts in place of mountinfo. */
static void plain_mount_table(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/cgroup", "0::/job\n"},
        {"/proc/mounts", "proc /proc proc rw 0 0\ncgroup2 /groups cgroup2 rw 0 0\n"},
        {"/groups/job/memory.max", "2147483648\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 2 * GIB, "cgroup /job (memory.max)");
    assert_false(noted(&s.look->notes, "there is no table of mounts"));
    seen_release(&s);
}

static void ulimits_and_affinity(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/self/limits",
         "Limit                     Soft Limit           Hard Limit           Units\n"
         "Max data size             5368709120           unlimited            bytes\n"
         "Max address space         4294967296           unlimited            bytes\n"},
        {"/proc/self/status", "Name:\tx\nCpus_allowed_list:\t1-3,100-200\n"},
    };
    struct seen s;
    see(&s, files, COUNT_OF(files));
    assert_memory(&s, 4 * GIB, "ulimit -v");
    assert_value(limit_named(&s, "ulimit -d")->bytes, 5 * GIB);
    assert_value(machine_cpu(s.machine)->threads, 3);
    assert_string_equal(machine_cpu(s.machine)->bound_by, "CPU affinity");
    seen_release(&s);
}

static void kernel_that_never_overcommits(void **state)
{
    (void)state;
    static const char meminfo[] =
        "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\nCommitLimit: 16777216 kB\n"
        "Committed_AS: 4194304 kB\n";
    static const struct {
        const char *overcommit;
        double bytes;
        const char *by;
    } row[] = {
        {"2\n", 12 * GIB, "commit limit (vm.overcommit_memory = 2)"},
        {"1\n", 24 * GIB, "available memory"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct tree_entry files[] = {{"/proc/meminfo", meminfo},
                                           {"/proc/sys/vm/overcommit_memory", row[i].overcommit}};
        struct seen s;
        see(&s, files, COUNT_OF(files));
        assert_memory(&s, row[i].bytes, row[i].by);
        seen_release(&s);
    }
}

static const char *slurm_env(const char *name)
{
    if (strcmp(name, "SLURM_MEM_PER_CPU") == 0) return "1";
    if (strcmp(name, "SLURM_MEM_PER_NODE") == 0) return "16";
    if (strcmp(name, "SLURM_CPUS_ON_NODE") == 0) return "1";
    return NULL;
}

static void environment_never_reaches_a_captured_tree(void **state)
{
    (void)state;
    struct tree t;
    struct seen s;
    tree_make(&t);
    tree_files(&t, plain, COUNT_OF(plain));
    seen_at(&s, t.path, slurm_env);
    assert_memory(&s, 24 * GIB, "available memory");
    assert_value(machine_cpu(s.machine)->threads, 8);
    seen_release(&s);
    tree_remove(&t);
}

static const char *per_node(const char *name)
{
    if (strcmp(name, "SLURM_MEM_PER_NODE") == 0) return "16";
    if (strcmp(name, "SLURM_CPUS_PER_TASK") == 0) return "1";
    return NULL;
}

static const char *per_cpu(const char *name)
{
    if (strcmp(name, "SLURM_MEM_PER_CPU") == 0) return "8";
    if (strcmp(name, "SLURM_CPUS_ON_NODE") == 0) return "3";
    return NULL;
}

static const char *no_cpus(const char *name)
{
    return strcmp(name, "SLURM_MEM_PER_CPU") == 0 ? "8" : NULL;
}

static const char *all_memory(const char *name)
{
    return strcmp(name, "SLURM_MEM_PER_NODE") == 0 ? "0" : NULL;
}

static const char *rubbish(const char *name)
{
    return strcmp(name, "SLURM_MEM_PER_NODE") == 0 ? "-5x\033[31m" : NULL;
}

/* This machine is only asked for its tables; a few MiB are less than any machine has. */
static void slurm_allocation(void **state)
{
    (void)state;
    const double mib = 1 << 20;
    struct seen s;
    seen_at(&s, NULL, per_node);
    assert_memory(&s, 16 * mib, "Slurm allocation (SLURM_MEM_PER_NODE)");
    assert_value(limit_named(&s, "Slurm allocation (SLURM_CPUS_PER_TASK)")->cpus, 1);
    seen_release(&s);
    seen_at(&s, NULL, per_cpu);
    assert_memory(&s, 24 * mib, "Slurm allocation (SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE)");
    seen_release(&s);
    seen_at(&s, NULL, no_cpus);
    assert_noted(&s.look->notes, "no number of CPUs");
    seen_release(&s);
    seen_at(&s, NULL, all_memory);
    for (size_t i = 0; i < s.facts->limits; i++)
        assert_null(strstr(s.facts->limit[i].what, "Slurm"));
    seen_release(&s);
    seen_at(&s, NULL, rubbish);
    assert_noted(&s.look->notes, "SLURM_MEM_PER_NODE=-5x\\x1b[31m is not an amount of memory");
    seen_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_up_the_tree),
        cmocka_unit_test(left_is_never_negative),
        cmocka_unit_test(droppable_cache_is_capped),
        cmocka_unit_test(container_without_namespace),
        cmocka_unit_test(path_out_of_the_mount),
        cmocka_unit_test(no_group_file_no_mount_table),
        cmocka_unit_test(plain_mount_table),
        cmocka_unit_test(ulimits_and_affinity),
        cmocka_unit_test(kernel_that_never_overcommits),
        cmocka_unit_test(environment_never_reaches_a_captured_tree),
        cmocka_unit_test(slurm_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
