/* Detection on odd and hostile trees, the fallbacks between sources, and what callers ask of a machine. */
#include "tree.h"

static void neither_proc_nor_sys(void **state)
{
    (void)state;
    struct tree t;
    struct root root;
    struct mu_err err = {0};
    const struct machine *m = NULL;
    struct arena *a = arena_new(1 << 20);
    tree_make(&t);
    tree_file(&t, "/etc/hostname", "x");
    assert_true(root_open(t.path, &root, &err));
    const struct looking in = {.root = &root, .arena = a};
    assert_false(machine_detect(&in, &m, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "neither /proc nor /sys"));
    assert_null(m);
    root_close(&root);
    arena_free(a);
    tree_remove(&t);
}

/* An empty /proc is a machine of which nothing is known: nothing of this one may stand in for it. */
static void empty_machine_leaks_nothing(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/nothing", ""},
    };
    struct seen s;
    seen_of(&s, files, COUNT_OF(files));
    assert_null(s.facts->cpu.name);
    assert_null(s.facts->cpu.vendor);
    assert_false(known(s.facts->cpu.cores, NULL));
    assert_false(known(s.facts->cpu.threads, NULL));
    assert_false(known(s.facts->memory.total_bytes, NULL));
    assert_false(known(machine_memory(s.machine)->usable_bytes, NULL));
    assert_false(known(machine_cpu(s.machine)->threads, NULL));
    assert_int_equal(s.facts->cpu.feature_count, 0);
    assert_int_equal(s.facts->limits, 0);
    assert_null(machine_memory(s.machine)->bound_by);
    assert_int_equal(strlen(s.machine->fingerprint), 16);
    seen_release(&s);
}

static void online_of_four_billion(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/sys/devices/system/cpu/online", "0-4000000000\n"},
        {"/sys/devices/system/cpu/cpu1/topology/core_id", "0\n"},
        {"/sys/devices/system/cpu/cpufreq/policy0/x", "0\n"},
        {"/sys/devices/system/cpu/cpu99999999/topology/core_id", "0\n"},
    };
    struct seen s;
    seen_of(&s, files, COUNT_OF(files));
    assert_value(s.facts->cpu.threads, 1);
    assert_noted(&s.look->notes, "the list of CPUs online is missing or cannot be read");
    seen_release(&s);
}

static void hostile_contents(void **state)
{
    (void)state;
    static const char *const files[] = {"/proc/meminfo",
                                        "/proc/cpuinfo",
                                        "/proc/self/cgroup",
                                        "/proc/self/mountinfo",
                                        "/proc/self/status",
                                        "/proc/self/limits",
                                        "/sys/devices/system/cpu/cpu0/topology/core_cpus_list",
                                        "/sys/devices/system/cpu/cpu0/cache/index0/level",
                                        "/sys/devices/system/cpu/cpu0/cache/index0/size",
                                        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
                                        "/sys/devices/system/node/node0/meminfo",
                                        "/sys/devices/system/node/node0/cpulist",
                                        "/sys/fs/cgroup/memory.max",
                                        "/proc/device-tree/model"};
    static const char *const texts[] = {"",
                                        "\n\n\n",
                                        "-1",
                                        "18446744073709551615",
                                        "99999999999999999999999999",
                                        "\x01\x02\xff\xfe:\x80",
                                        ":::::\n:::\n",
                                        "MemTotal: -5 kB\nMemAvailable: 1 kB\n",
                                        "0-4000000000",
                                        "\033[31mred"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct tree t;
        struct seen s;
        tree_make(&t);
        tree_file(&t, "/sys/devices/system/cpu/online", "0\n");
        for (size_t k = 0; k < COUNT_OF(files); k++) tree_file(&t, files[k], texts[i]);
        tree_bytes(&t, "/proc/sys/vm/overcommit_memory", "\0\0\0", 3);
        seen_at(&s, t.path, NULL);
        assert_value(s.facts->cpu.threads, 1);
        /* a topology file that cannot be read is no core counted wrongly */
        assert_exactly(known_or(s.facts->cpu.cores, 1), 1);
        assert_false(known(s.facts->memory.total_bytes, NULL));
        if (s.facts->cpu.name) assert_null(strchr(s.facts->cpu.name, '\033'));
        seen_release(&s);
        tree_remove(&t);
    }
}

/* More available than there is: the total is the most that is believed. */
static void available_above_total(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 9000 kB\n"},
    };
    struct seen s;
    seen_of(&s, files, COUNT_OF(files));
    assert_value(machine_memory(s.machine)->usable_bytes, 1000 * 1024);
    seen_release(&s);
}

static void cpuinfo_where_sys_is_silent(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/proc/cpuinfo",
         "processor : 0\nphysical id : 0\ncore id : 0\n\nprocessor : 1\nphysical id : 0\n"
         "core id : 0\n\nprocessor : 2\nphysical id : 0\ncore id : 1\n\nprocessor : 3\n"
         "physical id : 0\ncore id : 1\n"},
    };
    struct seen s;
    seen_of(&s, files, COUNT_OF(files));
    assert_value(s.facts->cpu.threads, 4);
    assert_value(s.facts->cpu.cores, 2);
    assert_value(s.facts->cpu.packages, 1);
    assert_noted(&s.look->notes, "using /proc/cpuinfo");
    seen_release(&s);
}

static void cpu_file(const struct tree *t, int cpu, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
    tree_file(t, path, text);
}

static void kinds_by_figure(const char *file, const char *const *figure, const double *cores,
                            size_t kinds)
{
    static const char *const names[] = {"performance", "efficiency", "low power"};
    struct tree t;
    struct seen s;
    tree_make(&t);
    tree_file(&t, "/sys/devices/system/cpu/online", "0-5\n");
    for (int i = 0; i < 6; i++) {
        char self[8];
        snprintf(self, sizeof self, "%d\n", i);
        cpu_file(&t, i, "topology/core_cpus_list", self);
        cpu_file(&t, i, file, figure[i]);
    }
    seen_at(&s, t.path, NULL);
    assert_int_equal(s.facts->cpu.clusters, kinds);
    for (size_t i = 0; i < kinds; i++) {
        assert_string_equal(s.facts->cpu.cluster[i].kind, kinds > 1 ? names[i] : "");
        assert_value(s.facts->cpu.cluster[i].cores, cores[i]);
    }
    seen_release(&s);
    tree_remove(&t);
}

static void kinds_of_core(void **state)
{
    (void)state;
    kinds_by_figure("cpu_capacity",
                    (const char *const[]){"250", "250", "250", "250", "1024", "1024"},
                    (const double[]){2, 4}, 2);
    kinds_by_figure("cpu_capacity",
                    (const char *const[]){"250", "250", "250", "620", "640", "1024"},
                    (const double[]){1, 2, 3}, 3);
    kinds_by_figure(
        "cpufreq/cpuinfo_max_freq",
        (const char *const[]){"5100000", "5100000", "3300000", "3300000", "3300000", "3300000"},
        (const double[]){2, 4}, 2);
    /* favoured cores of one kind: a few per cent apart */
    kinds_by_figure(
        "cpufreq/cpuinfo_max_freq",
        (const char *const[]){"5300000", "5200000", "5100000", "5000000", "5000000", "5000000"},
        (const double[]){6}, 1);
}

/* Things shared with an offline sibling are counted at the lowest CPU that is online. */
static void offline_sibling(void **state)
{
    (void)state;
    struct tree t;
    struct seen s;
    tree_make(&t);
    tree_file(&t, "/sys/devices/system/cpu/online", "1-3\n");
    for (int i = 1; i < 4; i++) {
        cpu_file(&t, i, "topology/core_cpus_list", i < 2 ? "0-1\n" : "2-3\n");
        cpu_file(&t, i, "topology/package_cpus_list", "0-3\n");
        cpu_file(&t, i, "cache/index0/level", "2\n");
        cpu_file(&t, i, "cache/index0/type", "Unified\n");
        cpu_file(&t, i, "cache/index0/shared_cpu_list", i < 2 ? "0-1\n" : "2-3\n");
    }
    seen_at(&s, t.path, NULL);
    assert_value(s.facts->cpu.packages, 1);
    assert_value(s.facts->cpu.cores, 2);
    assert_value(s.facts->cpu.threads, 3);
    assert_int_equal(s.facts->cpu.caches, 1);
    assert_false(known(s.facts->cpu.cache[0].bytes, NULL)); /* no size file */
    assert_exactly(s.facts->cpu.cache[0].instances, 2);
    seen_release(&s);
    tree_remove(&t);
}

/* 8192 CPUs claimed, none with a folder: bounded work. */
static void most_cpus_without_folders(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {"/sys/devices/system/cpu/online", "0-8191\n"},
    };
    struct seen s;
    seen_of(&s, files, COUNT_OF(files));
    assert_value(s.facts->cpu.threads, 8192);
    assert_false(known(s.facts->cpu.cores, NULL));
    seen_release(&s);
}

static void this_machine(void **state)
{
    (void)state;
    struct seen s;
    seen_at(&s, NULL, NULL);
    double total, usable, threads, cpus;
    assert_true(s.machine->here);
    total = value_of(s.facts->memory.total_bytes);
    usable = value_of(machine_memory(s.machine)->usable_bytes);
    threads = value_of(s.facts->cpu.threads);
    cpus = value_of(machine_cpu(s.machine)->threads);
    assert_true(usable <= total && cpus <= threads && threads >= 1);
    assert_non_null(machine_memory(s.machine)->bound_by);
    assert_non_null(machine_cpu(s.machine)->bound_by);
    seen_release(&s);
}

static void rates_of_a_machine(void **state)
{
    (void)state;
    struct seen s;
    struct tree t;
    tree_make(&t);
    tree_file(&t, "/proc/x", "");
    seen_at(&s, t.path, NULL);
    const struct rate rates[] = {{.work = WORK_READ_BYTES, .threads = 1},
                                 {.work = WORK_READ_BYTES, .threads = 8},
                                 {.work = WORK_READ_BYTES, .threads = 4},
                                 {.work = WORK_SGEMM_FLOP, .threads = 8}};
    assert_null(machine_rate(s.machine, WORK_READ_BYTES, RATE_ALL_THREADS));
    assert_non_null(s.machine->unmeasured);
    const struct machine *m = machine_with_rates(s.machine, rates, COUNT_OF(rates), s.look->arena);
    assert_null(m->unmeasured);
    assert_ptr_equal(machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS), &m->rate[1]);
    assert_ptr_equal(machine_rate(m, WORK_READ_BYTES, RATE_ONE_THREAD), &m->rate[0]);
    assert_ptr_equal(machine_rate(m, WORK_SGEMM_FLOP, RATE_ALL_THREADS), &m->rate[3]);
    assert_null(machine_rate(m, WORK_SGEMM_FLOP, RATE_ONE_THREAD));
    m = machine_unmeasured(m, "--quick was given", s.look->arena);
    assert_string_equal(m->unmeasured, "--quick was given");
    assert_int_equal(m->rates, 0);
    seen_release(&s);
    tree_remove(&t);
}

static void words_of_work(void **state)
{
    (void)state;
    for (int i = 0; i < MACHINE_WORK_COUNT; i++) {
        enum machine_work back;
        assert_true(machine_work_parse(machine_work_word((enum machine_work)i), &back));
        assert_int_equal(back, i);
        assert_true(strlen(machine_work_unit((enum machine_work)i)) > 0);
    }
    enum machine_work work;
    assert_string_equal(machine_work_word(WORK_READ_BYTES), "memory read");
    assert_false(machine_work_parse("mining", &work));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_proc_nor_sys),
        cmocka_unit_test(empty_machine_leaks_nothing),
        cmocka_unit_test(online_of_four_billion),
        cmocka_unit_test(hostile_contents),
        cmocka_unit_test(available_above_total),
        cmocka_unit_test(cpuinfo_where_sys_is_silent),
        cmocka_unit_test(kinds_of_core),
        cmocka_unit_test(offline_sibling),
        cmocka_unit_test(most_cpus_without_folders),
        cmocka_unit_test(this_machine),
        cmocka_unit_test(rates_of_a_machine),
        cmocka_unit_test(words_of_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
