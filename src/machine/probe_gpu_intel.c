/* Intel's cards and the GPUs in its processors, under the i915 and xe drivers.
 *
 * A processor's GPU has no memory of its own: it takes the host's, and neither driver states a limit. How much a card has is in no
 * file of the mainline kernels, whose drivers answer by ioctl only (xe/xe_tile_sysfs.c has none; i915's was proposed and not merged).
 * Files that have it: lmem_total_bytes beside the card's DRM node, of Intel's own builds of i915; tileN/physical_vram_size_bytes beside
 * the PCI device, of its builds of xe (as IGT's xe_sysfs_tile and the compute runtime's sysman read it). Else Level Zero is asked, on
 * this very machine. Else the catalogue, when one row has the PCI id, or one of several fits the card's memory region: drivers and
 * firmware widen that to hold all memory, a power of two (xe_vram.c). Else half of a region that was widened. What rests on the region
 * is marked estimated, since a card may offer a wider one than it has memory.
 *
 * Where a GPU sits: the catalogue's row, then its memory, then its place (0000:00:02.0 is the processor's since Gen2). Left out: memory by
 * process, which only its owner sees; limits of the host's memory under xe, which are the host's own. */
#include "machine/probe_gpu_intel.h"
#include "base/arena.h"
#include "base/root.h"
#include "catalog/parts.h"
#include "machine/gpu_match.h"
#include "machine/pci.h"
#include "machine/pci_device.h"
#include "machine/probe.h"
#include "machine/proc_text.h"

#include <math.h>
#include <string.h>

enum { VENDOR = 0x8086, TILES_MOST = 8, CARDS_MOST = 256 };
static const double widened_bytes = 0x1p28; /* a region that nobody widened has 256 MiB */

/* What the drivers' own builds by Intel state; 0 when nothing does. */
static double stated_bytes(const struct looking *in, const char *address)
{
    const char *const *card;
    size_t cards;
    double sum_bytes = 0;
    double bytes;
    for (unsigned tile = 0; tile < TILES_MOST; tile++) {
        const char *file = str_format(in->arena, "tile%u/physical_vram_size_bytes", tile);
        if (pci_device_bytes(in, address, file, &bytes)) sum_bytes += bytes;
    }
    if (sum_bytes > 0) return sum_bytes;
    const char *folder = str_format(in->arena, "/sys/bus/pci/devices/%s/drm", address);
    if (!root_names(in->root, folder, in->arena, &card, &cards)) return 0;
    for (size_t i = 0; i < cards && i < CARDS_MOST; i++) {
        const char *file = str_format(in->arena, "drm/%s/lmem_total_bytes", card[i]);
        if (pci_device_bytes(in, address, file, &bytes) && bytes > 0) return bytes;
    }
    return 0;
}

/* Of the catalogue's rows with its id, the one whose memory a region of that size is made for. */
static const struct gpu_part *row_of_region(const struct looking *in, const char *pci_id,
                                            double region_bytes)
{
    const struct gpu_part *part;
    const struct gpu_part *found = NULL;
    size_t parts;
    if (!in->catalog || !catalog_gpus(in->catalog, &part, &parts, NULL)) return NULL;
    for (size_t i = 0; i < parts; i++) {
        const double bytes = part[i].memory_gib * 0x1p30;
        bool carries = false;
        for (size_t k = 0; k < part[i].pci_id_count; k++)
            carries = carries || str_eq_nocase(str_of(part[i].pci_ids[k]), str_of(pci_id));
        if (!carries || bytes > region_bytes || bytes <= region_bytes / 2) continue;
        if (found) return NULL;
        found = &part[i];
    }
    return found;
}

/* Memory that its driver states (own_bytes, else 0), or that the catalogue and the region speak for; and the row that has it. */
static void memory_found(const struct looking *in, struct gpu_seen *g, double own_bytes)
{
    double region_bytes = 0;
    const bool stated = own_bytes > 0;
    const bool region = pci_device_region(in, g->pci_address, &region_bytes);
    const bool widened = region && region_bytes > widened_bytes;
    struct gpu_match match = gpu_match_id(in, g->pci_id, stated ? own_bytes : (double)NAN);
    if (!match.part && widened) match.part = row_of_region(in, g->pci_id, region_bytes);
    if (match.part) g->part = g->name = match.part->name;
    if (stated)
        g->memory_bytes = quantity_of(own_bytes, REPORTED, "its driver's sysfs");
    else if (match.part && match.rows == 1)
        g->memory_bytes =
            quantity_of(match.part->memory_gib * 0x1p30, LISTED, "catalogue, by PCI id");
    else if (match.part)
        g->memory_bytes = quantity_of(match.part->memory_gib * 0x1p30, ESTIMATED,
                                      "catalogue, by PCI id and memory region");
    else if (!match.rows && widened)
        g->memory_bytes = quantity_of(region_bytes / 2, ESTIMATED, "half of its PCI memory region");
    if (region)
        g->visible_bytes = quantity_of(fmin(region_bytes, known_or(g->memory_bytes, region_bytes)),
                                       REPORTED, "its PCI memory region");
}

static void card_found(const struct looking *in, struct gpu_seen *g, double own_bytes)
{
    static const char *const caps[] = {"power1_max", "power1_rated_max", "power2_max",
                                       "power1_cap"};
    memory_found(in, g, own_bytes);
    g->kind = "gpu";
    g->used_bytes = g->free_bytes = unknown("its driver tells only the owner of a process");
    g->shared_bytes = unknown("a card with memory of its own");
    const struct pci_route route = pci_device_route(in, g->pci_address);
    g->link = route.words;
    g->link_bytes_per_s = route.bytes_per_s;
    g->power_w = pci_device_power(in, g->pci_address, caps, COUNT_OF(caps));
    if (known(g->memory_bytes, NULL)) g->sized = gpu_sized_words(in, g);
}

static void integrated_found(const struct looking *in, struct gpu_seen *g)
{
    const struct gpu_match match = gpu_match_id(in, g->pci_id, (double)NAN);
    if (match.part) g->part = g->name = match.part->name;
    if (!g->name) g->name = str_format(in->arena, "Intel integrated GPU (%s)", g->pci_id);
    g->kind = "integrated gpu";
    g->memory_bytes = quantity_of(0, REPORTED, "a GPU in a processor");
    g->used_bytes = g->free_bytes = g->visible_bytes = unknown("it has no memory of its own");
    g->shared_bytes = unknown("its driver states no limit");
    g->shared_used_bytes = unknown("its driver tells only the owner of a process");
    g->sized = gpu_sized_words(in, g);
}

static bool is_integrated(const struct looking *in, const struct gpu_seen *g, double own_bytes)
{
    uint64_t address;
    const struct gpu_match match = gpu_match_id(in, g->pci_id, (double)NAN);
    if (match.rows) return match.unified;
    if (own_bytes > 0) return false;
    return pci_parse(g->pci_address, &address) && address == (2 << 3);
}

static const char *version_of(const struct looking *in, const char *driver)
{
    struct str text;
    if (!driver || !root_wordf(in->root, in->arena, &text, "/sys/module/%s/version", driver) ||
        !text.n || text.n > 64)
        return NULL;
    return str_visible(in->arena, text);
}

/* What the library says replaces what was concluded: it asked the card. */
static void told(const struct looking *in, struct draft *d, const struct level_zero_device *said)
{
    struct gpu_seen *g = draft_gpu_at(d, pci_spelt(in->arena, said->pci_address));
    if (!g || !(said->memory_bytes > 0)) return;
    if (!g->kind || strcmp(g->kind, "gpu") != 0) return;
    g->memory_bytes = quantity_of(said->memory_bytes, REPORTED, "Level Zero");
    if (!isnan(said->free_bytes)) {
        g->free_bytes = quantity_of(said->free_bytes, REPORTED, "Level Zero");
        g->used_bytes = quantity_of(said->memory_bytes - said->free_bytes, REPORTED, "Level Zero");
    }
    const struct gpu_match match = gpu_match_id(in, g->pci_id, said->memory_bytes);
    const char *name = *said->name ? str_visible(in->arena, str_of(said->name)) : NULL;
    const struct gpu_part *part =
        match.part ? match.part : gpu_match_name(in, name, said->memory_bytes);
    if (part)
        g->part = g->name = part->name;
    else if (name)
        g->name = name;
    g->sized = gpu_sized_words(in, g);
}

void probe_gpu_intel_told(const struct looking *in, struct draft *d,
                          const struct level_zero_device *said, size_t devices)
{
    for (size_t i = 0; i < devices; i++) told(in, d, &said[i]);
}

static void finds(const struct looking *in, struct draft *out)
{
    struct level_zero_device said[LEVEL_ZERO_MOST];
    bool found = false;
    for (size_t i = 0; i < out->facts.gpus; i++) {
        const char *address = out->facts.gpu[i].pci_address;
        unsigned vendor;
        unsigned class_code;
        if (!address || !pci_device_hex(in, address, "vendor", &vendor) || vendor != VENDOR ||
            !pci_device_hex(in, address, "class", &class_code) || class_code >> 16 != 3)
            continue;
        struct gpu_seen *g = draft_gpu_at(out, address);
        if (!g) continue;
        const double own_bytes = stated_bytes(in, address);
        if (is_integrated(in, g, own_bytes))
            integrated_found(in, g);
        else
            card_found(in, g, own_bytes);
        g->driver_version = version_of(in, g->driver);
        found = true;
    }
    if (!found || in->root->captured) return;
    const size_t devices = level_zero_ask(NULL, said, LEVEL_ZERO_MOST, in->notes);
    probe_gpu_intel_told(in, out, said, devices);
}

const struct probe probe_gpu_intel = {"gpu-intel", "memory of Intel's GPUs", finds};
