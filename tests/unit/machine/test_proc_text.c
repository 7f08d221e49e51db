/* The parsers of /proc and /sys texts: what they accept, what they refuse, and that no truncation of a good text upsets them. */
#include "tree.h"

#include "machine/cgroup.h"
#include "machine/cpuinfo.h"
#include "machine/proc_text.h"

static size_t count_of(const char *list)
{
    struct cpu_set set;
    assert_true(cpu_set_parse(str_of(list), &set));
    return cpu_set_count(&set);
}

static void cpu_lists(void **state)
{
    (void)state;
    struct cpu_set set = {{0}};
    assert_int_equal(count_of(""), 0);
    assert_int_equal(count_of("\n"), 0);
    assert_int_equal(count_of("0-3,8\n"), 5);
    assert_int_equal(count_of("0-8191"), 8192);
    assert_int_equal(count_of("5,5,5-6"), 2);
    static const char *const refused[] = {
        "0-4000000000",         "8192", "3-1", "-1", "0-", "a", "0,,1", "0-63:2/4",
        "99999999999999999999", "0 1"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (cpu_set_parse(str_of(refused[i]), &set)) fail_msg("taken: %s", refused[i]);
    assert_true(cpu_set_parse(S("1-2,64,8191"), &set));
    assert_int_equal(cpu_set_next(&set, 0), 1);
    assert_int_equal(cpu_set_next(&set, 3), 64);
    assert_int_equal(cpu_set_next(&set, 65), 8191);
    assert_int_equal(cpu_set_next(&set, 8192), CPU_SET_MOST);
    assert_false(cpu_set_has(&set, 100000));
}

static void cpu_masks(void **state)
{
    (void)state;
    struct cpu_set set;
    assert_true(cpu_set_parse_mask(S("3\n"), &set));
    assert_int_equal(cpu_set_count(&set), 2);
    assert_true(cpu_set_parse_mask(S("80000000,00000001,0000000F"), &set));
    assert_int_equal(cpu_set_count(&set), 6);
    assert_true(cpu_set_has(&set, 32));
    assert_true(cpu_set_has(&set, 95));
    assert_false(cpu_set_parse_mask(S(""), &set));
    assert_false(cpu_set_parse_mask(S("0x3"), &set));
    assert_false(cpu_set_parse_mask(S("123456789"), &set));
    assert_false(cpu_set_parse_mask(S("1,,1"), &set));
    char wide[3000]; /* more words than there are CPUs: fine while they are zero */
    size_t n = 0;
    for (int i = 0; i < 300; i++) n += (size_t)snprintf(wide + n, sizeof wide - n, "00000000,");
    wide[n++] = '1';
    assert_true(cpu_set_parse_mask((struct str){wide, n}, &set));
    wide[0] = '1';
    assert_false(cpu_set_parse_mask((struct str){wide, n}, &set));
}

static void values(void **state)
{
    (void)state;
    double bytes;
    uint64_t n;
    const struct str text =
        S("MemTotal:       24684096 kB\nHugePages_Total:       8\nOdd: 12\n"
          "Huge: 99999999999999999999 kB\nWide: 18014398509481983 kB\nNegative: -4 kB\n");
    assert_true(proc_kib(text, "MemTotal", &bytes));
    assert_exactly(bytes, 24684096 * 1024.0);
    assert_true(proc_number(text, "HugePages_Total", &n));
    assert_int_equal(n, 8);
    assert_false(proc_kib(text, "Odd", &bytes));
    assert_false(proc_kib(text, "Huge", &bytes));
    assert_false(proc_kib(text, "Wide", &bytes));
    assert_false(proc_kib(text, "Negative", &bytes));
    assert_false(proc_kib(text, "Mem", &bytes));
    assert_true(proc_node_kib(S("Node 12 MemTotal:  2048 kB\n"), "MemTotal", &bytes));
    assert_exactly(bytes, 2048 * 1024.0);
    assert_false(proc_node_kib(text, "MemTotal", &bytes));
    assert_true(proc_pair(S("anon 3\ninactive_file 77\n"), "inactive_file", &n));
    assert_int_equal(n, 77);
    assert_true(proc_cache_size(S("2048K\n"), &bytes));
    assert_exactly(bytes, 2048 * 1024.0);
    assert_true(proc_cache_size(S("32M"), &bytes));
    assert_exactly(bytes, 32 * 1048576.0);
    assert_false(proc_cache_size(S("K"), &bytes));
    assert_false(proc_cache_size(S("99999999999999G"), &bytes));
    assert_false(proc_limit(S("Max address space   unlimited  unlimited  bytes\n"),
                            "Max address space", &bytes));
    assert_false(proc_limit(S("Max address space"), "Max address space", &bytes));
}

static void group_values(void **state)
{
    (void)state;
    double x;
    struct str path;
    assert_true(cgroup_limit(S("4294967296\n"), &x));
    assert_exactly(x, 4294967296.0);
    assert_false(cgroup_limit(S("max\n"), &x));
    assert_false(cgroup_limit(S("9223372036854771712\n"), &x)); /* pages of 4 KiB */
    assert_false(cgroup_limit(S("9223372036854710272\n"), &x)); /* of 64 KiB */
    assert_false(cgroup_limit(S("-1"), &x));
    assert_true(cgroup_quota(S("150000 100000\n"), &x));
    assert_exactly(x, 1.5);
    assert_false(cgroup_quota(S("max 100000"), &x));
    assert_false(cgroup_quota(S("150000"), &x));
    assert_false(cgroup_quota(S("150000 0"), &x));
    assert_false(cgroup_quota(S("0 100000"), &x));
    const struct str text = S("12:cpuacct,cpu:/a\n4:memory:/b:c\n1:name=systemd:/d\n0::/e\n");
    assert_true(cgroup_path(text, "cpu", &path));
    assert_true(str_is(path, "/a"));
    assert_true(cgroup_path(text, "memory", &path));
    assert_true(str_is(path, "/b:c"));
    assert_true(cgroup_path(text, "", &path));
    assert_true(str_is(path, "/e"));
    assert_false(cgroup_path(text, "cpuset", &path));
    assert_false(cgroup_path(S("0::relative\n0:"), "", &path));
}

static void group_below(void **state)
{
    (void)state;
    const struct cgroup_mount all = {"/m", "/"}, part = {"/m", "/docker/x"};
    assert_true(str_is(cgroup_below(&all, S("/")), ""));
    assert_true(str_is(cgroup_below(&all, S("/a/b")), "/a/b"));
    assert_true(str_is(cgroup_below(&all, S("/a/b//")), "/a/b"));
    assert_true(str_is(cgroup_below(&all, S("/../a")), ""));
    assert_true(str_is(cgroup_below(&part, S("/docker/x")), ""));
    assert_true(str_is(cgroup_below(&part, S("/docker/x/y")), "/y"));
    assert_true(str_is(cgroup_below(&part, S("/docker/xyz")), ""));
}

static void several_mounts(void **state)
{
    (void)state;
    struct cgroup_mount m;
    struct arena *a = arena_new(1 << 20);
    const struct str text = S("1 0 0:1 /other /one rw - cgroup2 x rw\n"
                              "2 0 0:1 /mine /two rw shared:1 master:2 - cgroup2 x rw\n");
    assert_true(cgroup_mounted(text, "", S("/mine/a"), a, &m));
    assert_string_equal(m.point, "/two");
    assert_true(cgroup_mounted(text, "", S("/else"), a, &m));
    assert_string_equal(m.point, "/one");
    assert_false(cgroup_mounted(text, "memory", S("/"), a, &m));
    assert_false(cgroup_mounted(S("1 0 0:1 / /x rw"), "", S("/"), a, &m));
    arena_free(a);
}

static void cpuinfo_of_several_kinds(void **state)
{
    (void)state;
    struct cpuinfo info;
    cpuinfo_read(S("processor : 0\nvendor_id : V\nmodel name : A  B\nphysical id : 0\ncore id : "
                   "0\nflags : avx2 "
                   "fma f16c\n\nprocessor : 1\nphysical id : 1\ncore id : 0\nflags : fma f16c\n"),
                 &info);
    assert_int_equal(cpu_set_count(&info.processors), 2);
    assert_int_equal(info.cores, 2);
    assert_int_equal(info.packages, 2);
    assert_int_equal(info.feature_bits, 3); /* f16c and fma: avx2 is not everywhere */
    cpuinfo_read(
        S("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\nprocessor : 1\nCPU implementer "
          ": "
          "0x41\nCPU part : 0xd05\nprocessor : 2\nCPU implementer : 0x41\nCPU part : 0xd05\n"),
        &info);
    assert_int_equal(info.arms, 2);
    assert_true(str_is(info.arm[1].part, "0xd05"));
    assert_int_equal(info.cores, 0);
    cpuinfo_read(S("processor : 99999999999\nphysical id : 18446744073709551615\ncore id : 4\n"),
                 &info);
    assert_int_equal(cpu_set_count(&info.processors), 0);
    assert_int_equal(info.cores, 0);
    cpuinfo_read(S("processor : 0\ncpu : POWER9\n"), &info);
    assert_true(str_is(info.name, "POWER9"));
}

static void every_truncation(void **state)
{
    (void)state;
    static const char text[] =
        "processor\t: 0\nmodel name\t: X\nflags\t: avx2\nMemTotal: 5 kB\nNode 0 MemTotal: 5 kB\n"
        "inactive_file 7\nMax address space 5 6 bytes\n0::/a/b\n4:memory:/c\n"
        "30 24 0:26 / /sys/fs\\040x rw shared:9 - cgroup2 cgroup2 rw\n0-3,8\nff,00000001\n150000 "
        "100000\n";
    struct arena *a = arena_new(1 << 24);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        char *copy =
            malloc(cut ? cut : 1); /* its own block, so that a sanitizer sees a read past the end */
        assert_non_null(copy);
        memcpy(copy, text, cut);
        const struct str s = {copy, cut};
        struct cpuinfo info;
        struct cgroup_mount m;
        struct str path;
        double x;
        uint64_t n;
        cpuinfo_read(s, &info);
        assert_true(cpu_set_count(&info.processors) <= 1);
        if (proc_kib(s, "MemTotal", &x)) assert_exactly(x, 5120);
        if (proc_node_kib(s, "MemTotal", &x)) assert_exactly(x, 5120);
        if (proc_pair(s, "inactive_file", &n)) assert_int_equal(n, 7);
        if (proc_limit(s, "Max address space", &x)) assert_exactly(x, 5);
        if (cgroup_path(s, "", &path)) assert_true(path.n >= 1 && path.n <= 4);
        if (cgroup_mounted(s, "", S("/"), a, &m)) assert_string_equal(m.point, "/sys/fs x");
        free(copy);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_lists),
        cmocka_unit_test(cpu_masks),
        cmocka_unit_test(values),
        cmocka_unit_test(group_values),
        cmocka_unit_test(group_below),
        cmocka_unit_test(several_mounts),
        cmocka_unit_test(cpuinfo_of_several_kinds),
        cmocka_unit_test(every_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
