/* What the CPU is: its name, vendor, the logical CPUs online, the instructions that decide the speed of inference, its governor.
 *
 * Reads /proc/cpuinfo, /sys/devices/system/cpu/online, the device tree's model (ARM boards) and the first CPU's cpufreq folder. An ARM
 * core has no name there, only two numbers: data/arm_cores.json names it, else the board does. Cores and caches: probe_topology.c. */
#include "base/notes.h"
#include "base/root.h"
#include "machine/arm_core.h"
#include "machine/cpuinfo.h"
#include "machine/probe.h"
#include <string.h>

static const char cpu_folder[] = "/sys/devices/system/cpu";

static const char *const feature_names[] = {
#define FEATURE_NAME(name, flag) name,
    CPU_FEATURES(FEATURE_NAME)
#undef FEATURE_NAME
};

/* "cpu12" among the names of the folder; "cpufreq" and the like are no CPUs. */
static void online_by_folders(const struct looking *in, struct cpu_set *out)
{
    const char *const *name;
    size_t count;
    if (!root_names(in->root, cpu_folder, in->arena, &name, &count)) return;
    for (size_t i = 0; i < count; i++) {
        uint64_t cpu;
        const struct str s = str_of(name[i]);
        if (str_starts(s, S("cpu")) && str_u64((struct str){s.p + 3, s.n - 3}, &cpu) &&
            cpu < CPU_SET_MOST)
            cpu_set_add(out, (size_t)cpu);
    }
}

static void online_found(const struct looking *in, struct draft *out, const struct cpuinfo *info)
{
    struct str text;
    const char *source = "/sys/devices/system/cpu/online";
    if (!root_text(in->root, source, in->arena, &text) || !cpu_set_parse(text, &out->online) ||
        cpu_set_next(&out->online, 0) == CPU_SET_MOST) {
        out->online = info->processors;
        source = "/proc/cpuinfo";
        if (!cpu_set_count(&out->online)) {
            online_by_folders(in, &out->online);
            source = cpu_folder;
        }
        fell_back(in->notes, source, "the list of CPUs online is missing or cannot be read");
    }
    const size_t n = cpu_set_count(&out->online);
    out->facts.cpu.threads = n ? quantity_of((double)n, REPORTED, source)
                               : unknown("neither /sys nor /proc/cpuinfo lists a CPU");
}

/* Device-tree texts end in NUL. */
static const char *board_model(const struct looking *in, const struct cpuinfo *info)
{
    struct str text;
    if (!root_text(in->root, "/proc/device-tree/model", in->arena, &text) &&
        !root_text(in->root, "/sys/firmware/devicetree/base/model", in->arena, &text))
        text = info->board;
    const struct str model = str_trim(str_cut(&text, '\0'));
    return model.n ? str_visible(in->arena, model) : NULL;
}

/* The kinds of core joined ("Cortex-A76 + Cortex-A55"); NULL when the table knows none. */
static const char *arm_names(const struct looking *in, const struct cpuinfo *info,
                             const char **vendor)
{
    const char *names = NULL;
    for (size_t i = 0; i < info->arms; i++) {
        const struct arm_core core =
            arm_core_named(in->catalog, info->arm[i].implementer, info->arm[i].part, in->arena);
        if (core.vendor) *vendor = core.vendor;
        if (!core.name) continue;
        names = names ? str_format(in->arena, "%s + %s", names, core.name) : core.name;
    }
    return names;
}

static void name_arm(const struct looking *in, const struct cpuinfo *info, struct cpu_facts *cpu)
{
    const char *cores = arm_names(in, info, &cpu->vendor);
    const char *board = board_model(in, info);
    if (cores && board)
        cpu->name = str_format(in->arena, "%s (%s)", board, cores);
    else
        cpu->name = cores ? cores : board;
    if (!cores)
        note_add(in->notes,
                 "the kind of core is not known: /proc/cpuinfo gives only implementer %s part %s",
                 str_visible(in->arena, info->arm[0].implementer),
                 str_visible(in->arena, info->arm[0].part));
}

/* Runs of blanks become one: "Intel(R)  Core(TM)" is how firmware pads names. */
static const char *one_spaced(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, 256);
    struct str rest = s;
    while (rest.n) {
        const struct str word = str_cut(&rest, ' ');
        if (!word.n) continue;
        if (b.n) buf_char(&b, ' ');
        buf_add(&b, word);
    }
    const char *text = str_visible(a, buf_text(&b));
    buf_release(&b);
    return text;
}

static void name_found(const struct looking *in, const struct cpuinfo *info, struct cpu_facts *cpu)
{
    if (info->vendor.n) cpu->vendor = one_spaced(in->arena, info->vendor);
    if (info->name.n)
        cpu->name = one_spaced(in->arena, info->name);
    else if (info->arms)
        name_arm(in, info, cpu);
    else
        cpu->name = board_model(in, info);
}

static void governor_found(const struct looking *in, struct draft *out)
{
    struct str governor;
    const size_t first = cpu_set_next(&out->online, 0);
    if (root_wordf(in->root, in->arena, &governor, "%s/cpu%zu/cpufreq/scaling_governor", cpu_folder,
                   first) &&
        governor.n)
        out->facts.cpu.governor = str_visible(in->arena, governor);
}

static void features_found(const struct cpuinfo *info, struct draft *out)
{
    const char *last = "";
    for (size_t i = 0; i < COUNT_OF(feature_names); i++) {
        if (!(info->feature_bits >> i & 1) || strcmp(last, feature_names[i]) == 0) continue;
        draft_add_feature(out, feature_names[i]);
        last = feature_names[i];
    }
}

static void finds(const struct looking *in, struct draft *out)
{
    struct str text = {0};
    struct cpuinfo info;
    const bool there = root_text(in->root, "/proc/cpuinfo", in->arena, &text);
    cpuinfo_read(text, &info);
    online_found(in, out, &info);
    name_found(in, &info, &out->facts.cpu);
    if (!there) note_add(in->notes, "the CPU's name and features are not known: no /proc/cpuinfo");
    features_found(&info, out);
    governor_found(in, out);
    /* what /proc/cpuinfo alone can say; probe_topology replaces it by what /sys says */
    out->facts.cpu.cores = info.cores ? quantity_of((double)info.cores, REPORTED, "/proc/cpuinfo")
                                      : unknown("no core numbers in /sys or /proc/cpuinfo");
    out->facts.cpu.packages = info.packages
                                  ? quantity_of((double)info.packages, REPORTED, "/proc/cpuinfo")
                                  : unknown("no package numbers in /sys or /proc/cpuinfo");
}

const struct probe probe_cpu = {"cpu", "name, features, logical CPUs online, governor", finds};
