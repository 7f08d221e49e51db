/* GPUs that share all memory with the processor beside them: NVIDIA's Jetson modules and GB10, Apple silicon under Linux.
 *
 * Such a GPU is no PCI device, or one whose driver states no memory: it has none of its own. CUDA on them takes what the host has
 * (the NVML and CUDA documents of integrated GPUs), so the host's total bounds it. Jetson modules are told by the part number in the
 * device tree (NVIDIA Jetson Linux Developer Guide, "Jetson Modules and Configurations": p3701 AGX Orin, p3767 Orin NX and Nano and so
 * on) and by memory; GB10 by PCI id, or by firmware's name of the machine; Apple's chips by the SoC of the device tree
 * (Documentation/devicetree/bindings/arm/apple.yaml). Linux's driver for Apple's GPU states no limit, and macOS' limits do not hold
 * there: UNKNOWN. Left out: boards without a CUDA, Metal or usable Vulkan device for llama.cpp (Adreno, Mali, VideoCore). */
#include "base/arena.h"
#include "base/root.h"
#include "catalog/parts.h"
#include "machine/gpu_match.h"
#include "machine/pci_device.h"
#include "machine/probe.h"

#include <math.h>
#include <string.h>

/* The strings of a device tree's property end in NUL; one of them, or a part of one. */
static bool has(struct str compatible, const char *part)
{
    return str_has(compatible, str_of(part));
}

static bool is_one(struct str compatible, const char *whole)
{
    while (compatible.n)
        if (str_is(str_cut(&compatible, '\0'), whole)) return true;
    return false;
}

/* No memory of its own, and the host's total as the bound where that is how its driver works. */
static void shares(const struct looking *in, const struct draft *d, struct gpu_seen *g,
                   bool bounded)
{
    double total_bytes;
    g->kind = "integrated gpu";
    g->memory_bytes = quantity_of(0, REPORTED, "a GPU that shares the host's memory");
    g->used_bytes = g->free_bytes = g->visible_bytes = unknown("it has no memory of its own");
    g->shared_used_bytes = unknown("not told apart from the host's own use");
    g->shared_bytes = unknown("its driver states no limit");
    if (bounded && known(d->facts.memory.total_bytes, &total_bytes)) {
        g->shared_bytes = quantity_of(total_bytes, REPORTED, d->facts.memory.total_bytes.source);
        g->limited_by = GPU_ALL_HOST_MEMORY;
    }
    g->sized = gpu_sized_words(in, g);
}

static void is_part(struct gpu_seen *g, const struct gpu_part *part)
{
    g->part = g->name = part->name;
    g->compute = part->compute_capability;
}

/* ---- Jetson ---- */

static const struct {
    const char *module, *name;
} modules[] = {
    {"p3448", "Jetson Nano"},         {"p3668", "Jetson Xavier NX"},
    {"p2888", "Jetson AGX Xavier"},   {"p3767-0000", "Jetson Orin NX"},
    {"p3767-0001", "Jetson Orin NX"}, {"p3767", "Jetson Orin Nano"},
    {"p3701", "Jetson AGX Orin"},     {"p3834", "Jetson AGX Thor"},
};

/* "NVIDIA Jetson AGX Orin Developer Kit" without what a shop adds. */
static const char *model_name(const struct looking *in)
{
    struct str text;
    static const struct str maker = {"NVIDIA ", 7}, kit = {" Developer Kit", 14};
    if (!root_text(in->root, "/proc/device-tree/model", in->arena, &text)) return NULL;
    text = str_trim(str_cut(&text, '\0'));
    if (str_starts(text, maker)) text = (struct str){text.p + maker.n, text.n - maker.n};
    if (str_ends(text, kit)) text.n -= kit.n;
    return text.n && text.n < 128 ? str_visible(in->arena, text) : NULL;
}

/* What modules are sold with: the power of two above what the kernel has left of it. NaN: not known. */
static double sold_gib(const struct draft *d)
{
    double bytes;
    if (!known(d->facts.memory.total_bytes, &bytes) || !(bytes > 0)) return (double)NAN;
    return exp2(ceil(log2(bytes / 0x1p30)));
}

/* Only a row of that very size: a module with half the memory is another one. */
static const struct gpu_part *module_row(const struct looking *in, const char *name, double gib)
{
    const struct gpu_part *part = NULL;
    if (!in->catalog || !name || catalog_gpu(in->catalog, str_of(name), gib, &part) == MATCH_NONE)
        return NULL;
    return isnan(gib) || part->memory_gib == gib ? part : NULL;
}

/* "# R36 (release), REVISION: 4.3, ..." as "L4T 36.4.3". */
static const char *l4t_version(const struct looking *in)
{
    static const struct str release = {"# R", 3}, revision = {"REVISION:", 9};
    struct str text;
    if (!root_text(in->root, "/etc/nv_tegra_release", in->arena, &text) ||
        !str_starts(text, release))
        return NULL;
    struct str line = str_line(&text);
    line = (struct str){line.p + release.n, line.n - release.n};
    const struct str major = str_cut(&line, ' ');
    while (line.n && !str_starts(line, revision)) line = (struct str){line.p + 1, line.n - 1};
    if (!line.n || major.n > 4) return NULL;
    line = (struct str){line.p + revision.n, line.n - revision.n};
    const struct str minor = str_trim(str_cut(&line, ','));
    if (!minor.n || minor.n > 16) return NULL;
    const char *words = str_format(in->arena, "L4T %.*s.%.*s", STR_ARG(major), STR_ARG(minor));
    return str_visible(in->arena, str_of(words));
}

static void jetson(const struct looking *in, struct draft *d, struct str compatible)
{
    struct gpu_seen g = {.vendor = "NVIDIA", .driver_version = l4t_version(in)};
    const double gib = sold_gib(d);
    const char *name = model_name(in);
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        if (!has(compatible, modules[i].module)) continue;
        name = modules[i].name;
        if (has(compatible, "-super")) name = str_format(in->arena, "%s Super", name);
        break;
    }
    const struct gpu_part *part = module_row(in, name, gib);
    g.name = name ? name : "NVIDIA Jetson";
    if (part) is_part(&g, part);
    shares(in, d, &g, true);
    draft_add_gpu(d, g);
}

/* ---- GB10 and the modules whose GPU is on PCI ---- */

static bool is_gb10_machine(const struct looking *in)
{
    struct str text;
    return root_word(in->root, "/sys/class/dmi/id/product_name", in->arena, &text) &&
           (str_has(text, S("DGX Spark")) || str_has(text, S("DGX_Spark")) ||
            str_has(text, S("GB10")));
}

/* Whether one of the rows on PCI is such a GPU; completes it. */
static bool on_pci(const struct looking *in, struct draft *d)
{
    enum { NVIDIA = 0x10de };
    bool found = false;
    const bool gb10 = is_gb10_machine(in);
    for (size_t i = 0; i < d->facts.gpus; i++) {
        const char *address = d->facts.gpu[i].pci_address;
        unsigned vendor;
        if (!address || !pci_device_hex(in, address, "vendor", &vendor) || vendor != NVIDIA)
            continue;
        struct gpu_seen *g = draft_gpu_at(d, address);
        const struct gpu_match match = gpu_match_id(in, g->pci_id, (double)NAN);
        const struct gpu_part *part = match.unified ? match.part : NULL;
        if (!part && gb10 && !match.rows) part = gpu_match_name(in, "GB10", (double)NAN);
        if (!part) continue;
        is_part(g, part);
        shares(in, d, g, true);
        found = true;
    }
    return found;
}

/* ---- Apple ---- */

static const struct {
    const char *soc, *name;
} socs[] = {
    {"apple,t8103", "Apple M1"},     {"apple,t6000", "Apple M1 Pro"},
    {"apple,t6001", "Apple M1 Max"}, {"apple,t6002", "Apple M1 Ultra"},
    {"apple,t8112", "Apple M2"},     {"apple,t6020", "Apple M2 Pro"},
    {"apple,t6021", "Apple M2 Max"}, {"apple,t6022", "Apple M2 Ultra"},
    {"apple,t8122", "Apple M3"},     {"apple,t6030", "Apple M3 Pro"},
};

static void apple(const struct looking *in, struct draft *d, struct str compatible)
{
    struct gpu_seen g = {.vendor = "Apple", .name = "Apple GPU"};
    for (size_t i = 0; i < COUNT_OF(socs); i++)
        if (is_one(compatible, socs[i].soc)) g.name = socs[i].name;
    const struct gpu_part *part = gpu_match_name(in, g.name, (double)NAN);
    if (part) is_part(&g, part);
    if (root_has(in->root, "/sys/bus/platform/drivers/asahi")) g.driver = "asahi";
    shares(in, d, &g, false);
    draft_add_gpu(d, g);
}

static void finds(const struct looking *in, struct draft *out)
{
    struct str compatible;
    const bool listed = on_pci(in, out);
    if (!root_text(in->root, "/proc/device-tree/compatible", in->arena, &compatible)) return;
    if (has(compatible, "nvidia,tegra") && !listed) jetson(in, out, compatible);
    if (is_one(compatible, "apple,arm-platform")) apple(in, out, compatible);
}

const struct probe probe_gpu_soc = {"gpu-soc", "GPUs that share all memory with the processor",
                                    finds};
