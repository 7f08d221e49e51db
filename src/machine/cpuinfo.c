/* Reads /proc/cpuinfo: one block of "key : value" lines a logical CPU, whose keys differ by architecture.
 *
 * A feature counts only when every processor has it, since a thread may run on any of them (hybrid parts, big.LITTLE). Cores and
 * packages come from "physical id" and "core id" and are only used when /sys is silent. Keys: arch/x86/kernel/cpu/proc.c,
 * arch/arm64/kernel/cpuinfo.c, arch/powerpc/kernel/setup-common.c, arch/riscv/kernel/cpu.c of Linux. */
#include "machine/cpuinfo.h"
#include "base/num.h"
#include <string.h>

struct feature {
    const char *flag;
};
#define FEATURE_FLAG(name, flag) {flag},
static const struct feature feature_rows[] = {CPU_FEATURES(FEATURE_FLAG)};

static const char *const name_keys[] = {"model name", "Model Name", "cpu", "uarch", "cpu model"};

/* Distinct small numbers of a block, for cores and packages. */
struct block {
    bool processor_seen, package_seen, core_seen;
    uint64_t package, core;
};
struct counting {
    struct cpuinfo *out;
    struct cpu_set packages, cores;
    struct block block;
    uint64_t cores_a_package; /* stride that keeps (package, core) pairs apart */
};

static size_t features_of(struct str flags)
{
    size_t bits = 0;
    struct str rest = flags;
    while (rest.n) {
        const struct str flag = str_cut(&rest, ' ');
        for (size_t i = 0; flag.n && i < COUNT_OF(feature_rows); i++)
            if (str_is(flag, feature_rows[i].flag)) bits |= (size_t)1 << i;
    }
    return bits;
}

static void arm_core(struct cpuinfo *out, struct str implementer, struct str part)
{
    for (size_t i = 0; i < out->arms; i++)
        if (str_eq(out->arm[i].implementer, implementer) && str_eq(out->arm[i].part, part)) return;
    if (out->arms == CPUINFO_ARM_PARTS) return;
    out->arm[out->arms].implementer = implementer;
    out->arm[out->arms++].part = part;
}

/* A block has ended: its pair of package and core is counted. Numbers no kernel gives are left out. */
static void block_end(struct counting *c)
{
    const struct block *b = &c->block;
    uint64_t pair;
    if (b->package_seen && b->core_seen && num_mul(b->package, c->cores_a_package, &pair) &&
        num_add(pair, b->core, &pair) && b->core < c->cores_a_package && pair < CPU_SET_MOST) {
        cpu_set_add(&c->packages, (size_t)b->package);
        cpu_set_add(&c->cores, (size_t)pair);
    }
    memset(&c->block, 0, sizeof c->block);
}

static void first_kept(struct str *kept, struct str value)
{
    if (!kept->n) *kept = value;
}

static bool is_name(struct str key)
{
    for (size_t i = 0; i < COUNT_OF(name_keys); i++)
        if (str_is(key, name_keys[i])) return true;
    return false;
}

static void flags_line(struct cpuinfo *out, struct str value)
{
    const size_t bits = features_of(value);
    out->feature_bits = out->flags_seen ? out->feature_bits & bits : bits;
    out->flags_seen = true;
}

static void line_read(struct counting *c, struct str key, struct str value, struct str *implementer)
{
    struct cpuinfo *out = c->out;
    uint64_t n;
    if (str_is(key, "processor") && str_u64(value, &n) && n < CPU_SET_MOST) {
        block_end(c);
        cpu_set_add(&out->processors, (size_t)n);
    } else if (is_name(key))
        first_kept(&out->name, value);
    else if (str_is(key, "vendor_id"))
        first_kept(&out->vendor, value);
    else if (str_is(key, "Model") || str_is(key, "Hardware"))
        first_kept(&out->board, value);
    else if (str_is(key, "flags") || str_is(key, "Features"))
        flags_line(out, value);
    else if (str_is(key, "physical id"))
        c->block.package_seen = str_u64(value, &c->block.package);
    else if (str_is(key, "core id"))
        c->block.core_seen = str_u64(value, &c->block.core);
    else if (str_is(key, "CPU implementer"))
        *implementer = value;
    else if (str_is(key, "CPU part"))
        arm_core(out, *implementer, value);
}

void cpuinfo_read(struct str text, struct cpuinfo *out)
{
    memset(out, 0, sizeof *out);
    /* 8192 bits for pairs: 16 packages of 512 cores, more than any kernel's cpuinfo has shown */
    struct counting c = {.out = out, .cores_a_package = 512};
    struct str rest = text, implementer = {0};
    while (rest.n) {
        struct str value = str_line(&rest);
        const struct str key = str_trim(str_cut(&value, ':'));
        if (value.p) line_read(&c, key, str_trim(value), &implementer);
    }
    block_end(&c);
    out->cores = cpu_set_count(&c.cores);
    out->packages = cpu_set_count(&c.packages);
}
