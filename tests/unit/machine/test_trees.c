/* What detection finds in each captured tree of tests/machines, to the exact figure. */
#include "tree.h"

#include "catalog/catalog.h"
#include "machine/arm_core.h"

static void look(struct seen *s, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/machines/%s", SOURCE_ROOT, name);
    seen_at(s, path, NULL);
}

static void assert_build(const struct seen *s, double packages, double cores, double threads)
{
    assert_value(s->facts->cpu.packages, packages);
    assert_value(s->facts->cpu.cores, cores);
    assert_value(s->facts->cpu.threads, threads);
}

static void assert_cache(const struct seen *s, size_t i, const char *name, double kib, double count)
{
    assert_true(i < s->facts->cpu.caches);
    assert_string_equal(s->facts->cpu.cache[i].name, name);
    assert_value(s->facts->cpu.cache[i].bytes, kib * KIB);
    assert_exactly(s->facts->cpu.cache[i].instances, count);
}

static void assert_budget(const struct seen *s, double bytes, const char *memory_by, double cpus,
                          const char *cpus_by)
{
    const struct pool *memory = machine_memory(s->machine);
    const struct place *cpu = machine_cpu(s->machine);
    assert_value(memory->usable_bytes, bytes);
    assert_string_equal(memory->bound_by, memory_by);
    assert_value(cpu->threads, cpus);
    assert_string_equal(cpu->bound_by, cpus_by);
}

static void assert_features(const struct seen *s, const char *wanted)
{
    char text[512] = "";
    for (size_t i = 0; i < s->facts->cpu.feature_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                 s->facts->cpu.features[i]);
    assert_string_equal(text, wanted);
}

static void vm(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "this-kind-of-vm");
    assert_string_equal(s.facts->cpu.name, "Intel(R) Xeon(R) Processor (SapphireRapids)");
    assert_string_equal(s.facts->cpu.vendor, "GenuineIntel");
    assert_build(&s, 1, 2, 2);
    assert_features(&s, "f16c fma avx2 avx_vnni avx512f avx512_vnni avx512_bf16 amx_int8 amx_bf16");
    assert_int_equal(s.facts->cpu.caches, 4);
    assert_cache(&s, 0, "L1d", 48, 2);
    assert_cache(&s, 1, "L1i", 32, 2);
    assert_cache(&s, 2, "L2", 2048, 2);
    assert_cache(&s, 3, "L3", 16384, 1);
    assert_int_equal(s.facts->cpu.clusters, 1);
    assert_string_equal(s.facts->cpu.cluster[0].kind, "");
    assert_false(known(s.facts->cpu.cluster[0].max_hz, NULL));
    assert_null(s.facts->cpu.governor);
    assert_value(s.facts->memory.total_bytes, 24684096 * KIB);
    assert_value(s.facts->memory.available_bytes, 24348952 * KIB);
    assert_value(s.facts->memory.swap_total_bytes, 0);
    assert_int_equal(s.facts->numa_nodes, 1);
    /* 16 GiB limit, 2 GiB used, of which 1 GiB is file cache that can go; the groups above are unlimited */
    assert_budget(&s, 15 * GIB, "cgroup /batch/job (memory.limit_in_bytes)", 2, "CPUs online");
    assert_int_equal(s.facts->limits, 3);
    assert_false(s.machine->here);
    assert_int_equal(s.look->notes.count, 0);
    seen_release(&s);
}

static void raspberry_pi(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "raspberry-pi");
    assert_string_equal(s.facts->cpu.name, "Raspberry Pi 5 Model B Rev 1.0");
    assert_noted(&s.look->notes, "implementer 0x41 part 0xd0b");
    assert_build(&s, 1, 4, 4);
    assert_features(&s, "neon dotprod");
    assert_cache(&s, 2, "L2", 512, 4);
    assert_cache(&s, 3, "L3", 2048, 1);
    assert_int_equal(s.facts->cpu.clusters, 1);
    assert_value(s.facts->cpu.cluster[0].max_hz, 2.4e9);
    assert_string_equal(s.facts->cpu.governor, "ondemand");
    assert_int_equal(s.facts->numa_nodes, 0);
    assert_budget(&s, 7 * GIB, "available memory", 4, "CPUs online");
    seen_release(&s);
}

/* With the catalogue's table of cores at hand, the board's name gains the kind of core. */
static void arm_core_named_from_the_table(void **state)
{
    (void)state;
    struct looked *s = looked_tree("raspberry-pi");
    const struct machine *m = looked_machine(s);
    assert_string_equal(m->facts->cpu.name, "Raspberry Pi 5 Model B Rev 1.0 (Cortex-A76)");
    assert_string_equal(m->facts->cpu.vendor, "Arm");
    const struct arm_core part_unknown =
        arm_core_named(s->looking.catalog, S("0x41"), S("0x000"), s->arena);
    assert_null(part_unknown.name);
    assert_string_equal(part_unknown.vendor, "Arm");
    const struct arm_core none =
        arm_core_named(s->looking.catalog, S("0x00"), S("0xd0b"), s->arena);
    assert_null(none.name);
    assert_null(none.vendor);
    looked_close(s);
}

static void two_sockets(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "two-sockets");
    assert_build(&s, 2, 16, 32);
    assert_int_equal(s.facts->cpu.caches, 3);
    assert_cache(&s, 0, "L1d", 32, 16);
    assert_cache(&s, 1, "L2", 1024, 16);
    assert_cache(&s, 2, "L3", 25344, 2);
    assert_int_equal(s.facts->numa_nodes, 2);
    assert_value(s.facts->numa[0].cpus, 16);
    assert_value(s.facts->numa[0].memory_bytes, 131891204 * KIB);
    assert_value(s.facts->numa[1].cpus, 16);
    assert_value(s.facts->numa[1].memory_bytes, 66057216 * KIB);
    assert_value(s.facts->numa[0].package, 0);
    assert_value(s.facts->numa[1].package, 1);
    assert_value(s.facts->memory.huge_pages_bytes, 8 * GIB);
    assert_budget(&s, 100 * GIB, "ulimit -v", 32, "CPUs online");
    /* tightest first: ulimit, then what memory.high leaves (160 - 20 + 10 of file cache), then what is available */
    assert_int_equal(s.facts->limits, 4);
    assert_string_equal(s.facts->limit[1].what, "cgroup /user.slice (memory.high)");
    assert_value(s.facts->limit[1].bytes, 150 * GIB);
    assert_string_equal(s.facts->limit[2].what, "available memory");
    seen_release(&s);
}

static void hybrid_laptop(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "hybrid-laptop");
    assert_build(&s, 1, 12, 16);
    assert_int_equal(s.facts->cpu.clusters, 2);
    const struct cpu_cluster *cluster = s.facts->cpu.cluster;
    assert_string_equal(cluster[0].kind, "performance");
    assert_value(cluster[0].cores, 4);
    assert_value(cluster[0].threads, 8);
    assert_value(cluster[0].max_hz, 4.6e9);
    assert_string_equal(cluster[1].kind, "efficiency");
    assert_value(cluster[1].cores, 8);
    assert_value(cluster[1].threads, 8);
    assert_value(cluster[1].max_hz, 3.4e9);
    assert_cache(&s, 0, "L1d", 48, 4);
    assert_cache(&s, 1, "L1d", 32, 8);
    assert_cache(&s, 4, "L2", 2048, 2);
    assert_cache(&s, 5, "L2", 1280, 4);
    assert_string_equal(s.facts->cpu.governor, "powersave");
    assert_budget(&s, 9 * GIB, "available memory", 16, "CPUs online");
    seen_release(&s);
}

static void container(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "container");
    assert_build(&s, 1, 4, 8);
    assert_budget(&s, 3.5 * GIB, "cgroup / (memory.max)", 1.5, "cgroup / (cpu.max)");
    /* the affinity of four is the cpuset seen again, not a limit of its own */
    assert_int_equal(s.facts->limits, 5);
    assert_string_equal(s.facts->limit[3].what, "cgroup / (cpuset.cpus.effective)");
    assert_value(s.facts->limit[3].cpus, 4);
    assert_string_equal(s.facts->limit[4].what, "CPUs online");
    seen_release(&s);
}

static void wsl2(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "wsl2");
    assert_build(&s, 1, 4, 8);
    assert_cache(&s, 3, "L3", 32768, 1);
    assert_budget(&s, 15204352 * KIB, "available memory", 8, "CPUs online");
    seen_release(&s);
}

static void old_kernel(void **state)
{
    (void)state;
    struct seen s;
    look(&s, "old-kernel");
    assert_build(&s, 1, 4, 4);
    assert_int_equal(s.facts->cpu.caches, 0);
    assert_value(s.facts->memory.available_bytes,
                 (1000000 + 100000 + 4000000 + 200000 - 500000) * KIB);
    assert_int_equal(s.facts->memory.available_bytes.origin, ESTIMATED);
    assert_noted(&s.look->notes, "does not say MemAvailable");
    assert_budget(&s, 4800000 * KIB, "available memory", 2,
                  "cgroup /user.slice (cpu.cfs_quota_us)");
    seen_release(&s);
}

static void fingerprints_differ_and_stay(void **state)
{
    (void)state;
    static const char *const names[] = {"this-kind-of-vm", "raspberry-pi", "two-sockets",
                                        "hybrid-laptop",   "container",    "wsl2"};
    char seen_before[6][17];
    for (size_t i = 0; i < 6; i++) {
        struct seen a, b;
        look(&a, names[i]);
        look(&b, names[i]);
        assert_int_equal(strlen(a.machine->fingerprint), 16);
        assert_int_equal(strspn(a.machine->fingerprint, "0123456789abcdef"), 16);
        assert_string_equal(a.machine->fingerprint, b.machine->fingerprint);
        snprintf(seen_before[i], sizeof seen_before[i], "%s", a.machine->fingerprint);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(seen_before[k], seen_before[i]);
        seen_release(&a);
        seen_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vm),
        cmocka_unit_test(raspberry_pi),
        cmocka_unit_test(arm_core_named_from_the_table),
        cmocka_unit_test(two_sockets),
        cmocka_unit_test(hybrid_laptop),
        cmocka_unit_test(container),
        cmocka_unit_test(wsl2),
        cmocka_unit_test(old_kernel),
        cmocka_unit_test(fingerprints_differ_and_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
