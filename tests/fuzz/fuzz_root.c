/* Any bytes as the contents of each file of /proc and /sys that detection parses. What comes out must stay within what the headers
 * promise: views inside the input, CPU numbers below the most, byte counts of at most 2^53. */
#include "base/arena.h"
#include "machine/cgroup.h"
#include "machine/cpuinfo.h"
#include "machine/mounts.h"
#include "machine/proc_text.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 64 << 20 };

static void must(bool holds)
{
    if (!holds) abort();
}

static void within(struct str whole, struct str part)
{
    must(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void sane_bytes(double bytes)
{
    must(bytes >= 0 && bytes <= 9007199254740992.0);
}

/* Digits a number needs: it cannot have come from fewer bytes. */
static size_t size_of_number(uint64_t n)
{
    size_t digits = 1;
    while (n /= 10) digits++;
    return digits;
}

static void sets(struct str s)
{
    struct cpu_set set;
    if (cpu_set_parse(s, &set)) must(cpu_set_count(&set) <= CPU_SET_MOST);
    if (cpu_set_parse_mask(s, &set)) must(cpu_set_next(&set, 0) <= CPU_SET_MOST);
}

static void values(struct str s)
{
    struct str value;
    double bytes;
    uint64_t n;
    if (proc_value(s, "MemTotal", &value)) within(s, value);
    if (proc_kib(s, "MemTotal", &bytes)) sane_bytes(bytes);
    if (proc_node_kib(s, "MemTotal", &bytes)) sane_bytes(bytes);
    if (proc_limit(s, "Max address space", &bytes)) sane_bytes(bytes);
    if (proc_cache_size(s, &bytes)) sane_bytes(bytes);
    if (cgroup_limit(s, &bytes)) sane_bytes(bytes);
    if (proc_number(s, "HugePages_Total", &n)) must(size_of_number(n) <= s.n);
    if (proc_pair(s, "inactive_file", &n)) must(size_of_number(n) <= s.n);
    if (cgroup_quota(s, &bytes)) must(bytes > 0);
}

static void groups(struct str s)
{
    static const char *const controllers[] = {"", "memory", "cpu", "cpuset"};
    struct arena *a = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < COUNT_OF(controllers); i++) {
        struct str path = S("/");
        struct cgroup_mount m;
        if (cgroup_path(s, controllers[i], &path)) within(s, path);
        if (cgroup_mounted(s, controllers[i], path, a, &m)) within(path, cgroup_below(&m, path));
        if (cgroup_mounted_plain(s, controllers[i], a, &m)) within(path, cgroup_below(&m, path));
    }
    struct mount mount;
    if (mount_of(s, S("/home/x"), a, &mount)) must(mount.at[0] == '/');
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str s = {(const char *)data, size};
    struct cpuinfo info;
    cpuinfo_read(s, &info);
    within(s, info.name);
    within(s, info.vendor);
    within(s, info.board);
    must(info.arms <= CPUINFO_ARM_PARTS && info.packages <= info.cores);
    sets(s);
    values(s);
    groups(s);
    return 0;
}
