/* Which CPUs and how much memory each NUMA node has, from /sys/devices/system/node/nodeN/{cpulist,cpumap,meminfo}, and which socket it is
 * on, from topology/physical_package_id of its CPUs.
 *
 * A node may have memory and no CPU (expanders, high-bandwidth memory) or CPUs and no memory; both are listed. No such folder: the
 * kernel was built without NUMA, and the list stays empty. Distances are not read. */
#include "base/root.h"
#include "machine/probe.h"
#include "machine/proc_text.h"

static const char node_folder[] = "/sys/devices/system/node",
                  cpu_folder[] = "/sys/devices/system/cpu";

static bool read_cpus(const struct looking *in, const char *node, const struct cpu_set *online,
                      struct cpu_set *out)
{
    struct str text;
    const bool read = (root_wordf(in->root, in->arena, &text, "%s/%s/cpulist", node_folder, node) &&
                       cpu_set_parse(text, out)) ||
                      (root_wordf(in->root, in->arena, &text, "%s/%s/cpumap", node_folder, node) &&
                       cpu_set_parse_mask(text, out));
    if (read && cpu_set_count(online)) *out = cpu_set_and(out, online);
    return read;
}

static struct quantity node_cpus(const struct looking *in, const char *node,
                                 const struct cpu_set *online)
{
    struct cpu_set cpus;
    if (!read_cpus(in, node, online, &cpus))
        return unknown("the node's CPU list is missing or cannot be read");
    return quantity_of((double)cpu_set_count(&cpus), REPORTED, "node*/cpulist");
}

static struct quantity node_package(const struct looking *in, const char *node,
                                    const struct cpu_set *online)
{
    struct cpu_set cpus;
    struct str text;
    uint64_t package = 0, first = 0;
    size_t seen = 0;
    if (!read_cpus(in, node, online, &cpus)) return unknown("the node's CPUs are not known");
    for (size_t i = cpu_set_next(&cpus, 0); i < CPU_SET_MOST; i = cpu_set_next(&cpus, i + 1)) {
        if (!root_wordf(in->root, in->arena, &text, "%s/cpu%zu/topology/physical_package_id",
                        cpu_folder, i) ||
            !str_u64(text, &package))
            return unknown("a CPU's socket is missing or cannot be read");
        if (seen++ && package != first) return unknown("its CPUs are on several sockets");
        first = package;
    }
    return seen ? quantity_of((double)first, REPORTED, "cpu*/topology/physical_package_id")
                : unknown("the node has no CPUs");
}

static struct quantity node_memory(const struct looking *in, const char *node)
{
    struct str text;
    double bytes;
    if (!root_wordf(in->root, in->arena, &text, "%s/%s/meminfo", node_folder, node) ||
        !proc_node_kib(text, "MemTotal", &bytes))
        return unknown("the node's meminfo is missing or cannot be read");
    return quantity_of(bytes, REPORTED, "node*/meminfo");
}

/* The kernel gives no available memory of a node: what is free, and file pages that were not used lately, go at once. */
static struct quantity node_free(const struct looking *in, const char *node)
{
    struct str text;
    double free_bytes, inactive_bytes;
    if (!root_wordf(in->root, in->arena, &text, "%s/%s/meminfo", node_folder, node) ||
        !proc_node_kib(text, "MemFree", &free_bytes))
        return unknown("the node's meminfo is missing or cannot be read");
    if (!proc_node_kib(text, "Inactive(file)", &inactive_bytes)) inactive_bytes = 0;
    return quantity_of(free_bytes + inactive_bytes, REPORTED, "node*/meminfo");
}

static void finds(const struct looking *in, struct draft *out)
{
    const char *const *name;
    size_t count;
    if (!root_names(in->root, node_folder, in->arena, &name, &count)) return;
    for (size_t i = 0; i < count; i++) {
        const struct str s = str_of(name[i]);
        uint64_t id;
        if (!str_starts(s, S("node")) || !str_u64((struct str){s.p + 4, s.n - 4}, &id)) continue;
        draft_add_numa(out, (struct numa_node){.id = (double)id,
                                               .cpus = node_cpus(in, name[i], &out->online),
                                               .memory_bytes = node_memory(in, name[i]),
                                               .free_bytes = node_free(in, name[i]),
                                               .package = node_package(in, name[i], &out->online)});
    }
}

const struct probe probe_numa = {"NUMA", "CPUs and memory of each node", finds};
