/* AMD's cards and the GPUs in its processors: memory of their own and what of it is used, host memory they may take, target, power.
 *
 * From the amdgpu driver's files beside the PCI device (Documentation/gpu/amdgpu/driver-misc.rst and thermal.rst: mem_info_*,
 * product_name, unique_id, power1_cap) and from the topology of its compute half, KFD (drivers/gpu/drm/amd/amdkfd/kfd_topology.c),
 * whose gfx_target_version is major * 10000 + minor * 100 + stepping and whose location_id is bus, device and function. A processor's
 * GPU has two memories: what firmware set aside for it (mem_info_vram_total; gone from the host's total) and host memory that the
 * driver maps (GTT), which the kernel's TTM (pages_limit) and the host's own memory bound too. Processors' GPUs are told by the
 * catalogue, by their target (APU in the table of LLVM's AMDGPUUsage), or by a neighbour on their PCI device that is the processor's
 * own. Names are the driver's product name (servers), else those of libdrm's list amdgpu.ids, which tells cards of one PCI id apart by
 * revision, else what the processor's own name says of its GPU.
 *
 * ROCm SMI (machine/rocm_smi.h) reads these same files, takes longer and locks beside them; so it is asked where they leave memory or its
 * use open. Left out: the GTT of cards with their own memory, which llama.cpp does not place anything in. */
#include "machine/probe_gpu_amd.h"
#include "base/arena.h"
#include "base/notes.h"
#include "base/root.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "machine/gpu_match.h"
#include "machine/pci.h"
#include "machine/pci_device.h"
#include "machine/probe.h"
#include "machine/proc_text.h"

#include <math.h>
#include <string.h>

enum { VENDOR_CPU = 0x1022, VENDOR_GPU = 0x1002, NODES_MOST = 1024, PROCESSES_MOST = 65536 };
static const char kfd[] = "/sys/class/kfd/kfd";
static const char sysfs[] = "amdgpu sysfs";

/* What the compute half says of one device. */
struct node {
    const char *gfx; /* "gfx1100" */
    uint64_t id;     /* by which processes name it; 0: none */
};

static const char *gfx_of(struct arena *a, uint64_t version)
{
    const uint64_t major = version / 10000, minor = version / 100 % 100, stepping = version % 100;
    if (!major || major > 99 || minor > 0xf || stepping > 0xf) return NULL;
    return str_format(a, "gfx%u%x%x", (unsigned)major, (unsigned)minor, (unsigned)stepping);
}

static struct node node_at(const struct looking *in, const char *address)
{
    struct node out = {NULL, 0};
    const char *const *name;
    size_t names;
    uint64_t wanted;
    const char *folder = str_format(in->arena, "%s/topology/nodes", kfd);
    if (!pci_parse(address, &wanted) || !root_names(in->root, folder, in->arena, &name, &names))
        return out;
    for (size_t i = 0; i < names && i < NODES_MOST; i++) {
        struct str text;
        uint64_t version, location, vendor, domain = 0;
        const char *path = str_format(in->arena, "%s/%s/properties", folder, name[i]);
        if (!root_text(in->root, path, in->arena, &text) ||
            !proc_pair(text, "gfx_target_version", &version) || !version ||
            !proc_pair(text, "location_id", &location) || !proc_pair(text, "vendor_id", &vendor) ||
            vendor != VENDOR_GPU)
            continue;
        if (proc_pair(text, "domain", &domain) && domain >> 32) continue;
        if ((domain << 16 | (location & 0xffff)) != wanted) continue;
        out.gfx = gfx_of(in->arena, version);
        if (!root_u64f(in->root, &out.id, "%s/%s/gpu_id", folder, name[i])) out.id = 0;
        return out;
    }
    return out;
}

/* ---- whether it sits in a processor ---- */

/* Source: LLVM, AMDGPUUsage, "AMDGPU Processors", those of kind APU. gfx942 is both. */
static const char *const apu_targets[] = {
    "gfx801",  "gfx810",  "gfx902",  "gfx909",  "gfx90c",  "gfx1013", "gfx1033", "gfx1035",
    "gfx1036", "gfx1037", "gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153", "gfx1170",
};

/* Functions of one PCI device: a processor's GPU shares it with the processor's own security and USB controllers, a card does not. */
static bool beside_processor(const struct looking *in, const char *address)
{
    const size_t n = strlen(address);
    if (!n) return false;
    for (unsigned function = 1; function < 8; function++) {
        const char *neighbour = str_format(in->arena, "%.*s%u", (int)(n - 1), address, function);
        unsigned vendor;
        if (pci_device_hex(in, neighbour, "vendor", &vendor) && vendor == VENDOR_CPU) return true;
    }
    return false;
}

static bool is_integrated(const struct looking *in, const struct gpu_seen *g,
                          const struct gpu_match *match)
{
    if (match->rows) return match->unified;
    for (size_t i = 0; g->compute && i < COUNT_OF(apu_targets); i++)
        if (strcmp(g->compute, apu_targets[i]) == 0) return true;
    return beside_processor(in, g->pci_address);
}

/* ---- memory ---- */

/* used and free of a total, where both are figures and the first is not more. */
static void use_found(const struct looking *in, struct gpu_seen *g, double total_bytes)
{
    double used_bytes;
    if (!pci_device_bytes(in, g->pci_address, "mem_info_vram_used", &used_bytes) ||
        used_bytes > total_bytes) {
        g->used_bytes = g->free_bytes = unknown("its driver does not say");
        return;
    }
    g->used_bytes = quantity_of(used_bytes, REPORTED, sysfs);
    g->free_bytes = quantity_of(total_bytes - used_bytes, REPORTED, sysfs);
}

static bool vram_found(const struct looking *in, struct gpu_seen *g)
{
    double total_bytes;
    double visible_bytes;
    if (!pci_device_bytes(in, g->pci_address, "mem_info_vram_total", &total_bytes) ||
        !(total_bytes > 0))
        return false;
    g->memory_bytes = quantity_of(total_bytes, REPORTED, sysfs);
    use_found(in, g, total_bytes);
    if (pci_device_bytes(in, g->pci_address, "mem_info_vis_vram_total", &visible_bytes) &&
        visible_bytes <= total_bytes)
        g->visible_bytes = quantity_of(visible_bytes, REPORTED, sysfs);
    return true;
}

/* What the kernel's memory manager lets all GPUs take together; AMD's own builds of the driver bring one under another name. Pages are
 * 4096 bytes on the processors that these GPUs sit in (x86-64). */
static bool ttm_limit(const struct looking *in, double *bytes)
{
    enum { PAGE_BYTES = 4096 };
    static const char *const modules[] = {"amdttm", "ttm"};
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        uint64_t pages;
        if (!root_u64f(in->root, &pages, "/sys/module/%s/parameters/pages_limit", modules[i]) ||
            !pages || pages > (uint64_t)1 << 41)
            continue;
        *bytes = (double)pages * PAGE_BYTES;
        return true;
    }
    return false;
}

/* A processor with one memory for both halves (drivers/gpu/drm/amd/amdgpu/amdgpu_gmc.c, is_app_apu): what its driver calls VRAM is the
 * host's memory once more, and must not be counted twice. */
static bool is_one_memory(const struct gpu_seen *g)
{
    return g->compute && strcmp(g->compute, "gfx942") == 0;
}

static void one_memory_found(const struct draft *d, struct gpu_seen *g)
{
    double total_bytes;
    g->memory_bytes = quantity_of(0, REPORTED, "a GPU that shares the host's memory");
    g->used_bytes = g->free_bytes = g->visible_bytes = unknown("it has no memory of its own");
    g->shared_bytes = d->facts.memory.total_bytes;
    if (known(g->shared_bytes, &total_bytes)) g->limited_by = GPU_ALL_HOST_MEMORY;
}

/* Host memory that a processor's GPU may take: what its driver maps, if the kernel gives so much and the host has it. */
static void gtt_put(const struct looking *in, const struct draft *d, struct gpu_seen *g,
                    struct quantity maps)
{
    double bytes = known_or(maps, 0);
    double other_bytes;
    const char *source = maps.source;
    g->limited_by = "GTT, amdgpu";
    if (ttm_limit(in, &other_bytes) && other_bytes < bytes) {
        bytes = other_bytes;
        g->limited_by = "ttm pages_limit";
        source = "/sys/module/ttm";
    }
    if (known(d->facts.memory.total_bytes, &other_bytes) && other_bytes < bytes) {
        bytes = other_bytes;
        g->limited_by = GPU_ALL_HOST_MEMORY;
        source = d->facts.memory.total_bytes.source;
    }
    g->shared_bytes = quantity_of(bytes, REPORTED, source);
}

static void gtt_found(const struct looking *in, const struct draft *d, struct gpu_seen *g)
{
    double bytes;
    if (!pci_device_bytes(in, g->pci_address, "mem_info_gtt_total", &bytes)) {
        g->shared_bytes = unknown("its driver does not say how much host memory it may take");
        return;
    }
    gtt_put(in, d, g, quantity_of(bytes, REPORTED, sysfs));
    g->shared_used_bytes = unknown("its driver does not say");
    if (pci_device_bytes(in, g->pci_address, "mem_info_gtt_used", &bytes))
        g->shared_used_bytes = quantity_of(bytes, REPORTED, sysfs);
}

/* ---- names ---- */

/* libdrm's list: "744C,\tC8,\tAMD Radeon RX 7900 XTX", by device and revision in hexadecimal, capitals. */
static const char *listed_name(const struct looking *in, unsigned device, unsigned revision)
{
    static const char *const lists[] = {"/usr/share/libdrm/amdgpu.ids",
                                        "/opt/amdgpu/share/libdrm/amdgpu.ids"};
    const char *id = str_format(in->arena, "%04X", device);
    const char *step = str_format(in->arena, "%02X", revision);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct str text;
        if (!root_text(in->root, lists[i], in->arena, &text)) continue;
        while (text.n) {
            struct str name = str_line(&text);
            const struct str first = str_trim(str_cut(&name, ','));
            const struct str second = str_trim(str_cut(&name, ','));
            name = str_trim(name);
            if (str_eq_nocase(first, str_of(id)) && str_eq_nocase(second, str_of(step)) && name.n &&
                name.n < 128)
                return str_visible(in->arena, name);
        }
    }
    return NULL;
}

/* "AMD Ryzen 7 8845HS w/ Radeon 780M Graphics": what stands behind "w/" or "with". */
static const char *processor_says(const struct looking *in, const struct draft *d)
{
    static const struct str words[] = {{" w/ ", 4}, {" with ", 6}};
    struct str rest = str_of(d->facts.cpu.name);
    for (; rest.n; rest = (struct str){rest.p + 1, rest.n - 1})
        for (size_t i = 0; i < COUNT_OF(words); i++)
            if (str_starts(rest, words[i]))
                return str_visible(
                    in->arena, str_trim((struct str){rest.p + words[i].n, rest.n - words[i].n}));
    return NULL;
}

/* SMBIOS 3.6, 7.4.1: portable, laptop, notebook, hand held, sub notebook, convertible, detachable. Chips of such machines may
 * carry a card's PCI id, with other memory and speed. */
static bool is_portable(const struct looking *in)
{
    static const uint64_t types[] = {8, 9, 10, 11, 14, 31, 32};
    uint64_t type;
    if (!root_u64(in->root, "/sys/class/dmi/id/chassis_type", &type)) return false;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i] == type) return true;
    return false;
}

/* Its own words for itself, NULL when it has none that say more than "a Radeon". */
static const char *own_name(const struct looking *in, const struct draft *d,
                            const struct gpu_seen *g, bool integrated)
{
    const char *name = NULL;
    unsigned device;
    unsigned revision;
    if (pci_device_text(in, g->pci_address, "product_name", &name)) return name;
    if (pci_device_hex(in, g->pci_address, "device", &device) &&
        pci_device_hex(in, g->pci_address, "revision", &revision))
        name = listed_name(in, device, revision);
    if (name && strcmp(name, "AMD Radeon Graphics") == 0) name = NULL;
    return name || !integrated ? name : processor_says(in, d);
}

static void name_found(const struct looking *in, const struct draft *d, struct gpu_seen *g,
                       bool integrated)
{
    const double memory_bytes = integrated ? (double)NAN : known_or(g->memory_bytes, (double)NAN);
    const char *name = own_name(in, d, g, integrated);
    const struct gpu_part *part = gpu_match_name(in, name, memory_bytes);
    const struct gpu_match match = gpu_match_id(in, g->pci_id, memory_bytes);
    if (!part && (!name || str_eq(str_of(name), str_of(match.names))) &&
        (integrated || !is_portable(in)))
        part = match.part;
    if (part)
        g->part = g->name = part->name;
    else if (name)
        g->name = name;
    else if (match.names)
        g->name = match.names;
    else if (!g->name && integrated)
        g->name = str_format(in->arena, "AMD integrated GPU (%s)", g->pci_id);
    if (part && !g->compute) g->compute = part->gfx;
}

/* ---- the rest ---- */

/* Processes that hold memory there by the compute half (drivers/gpu/drm/amd/amdkfd/kfd_process.c: proc/PID/vram_ID). */
static struct quantity processes_of(const struct looking *in, const struct node *node)
{
    const char *const *pid;
    size_t pids;
    double holding = 0;
    const char *folder = str_format(in->arena, "%s/proc", kfd);
    if (!node->id || !root_names(in->root, folder, in->arena, &pid, &pids))
        return unknown("its compute driver lists no processes");
    for (size_t i = 0; i < pids && i < PROCESSES_MOST; i++) {
        uint64_t bytes;
        if (root_u64f(in->root, &bytes, "%s/%s/vram_%llu", folder, pid[i],
                      (unsigned long long)node->id) &&
            bytes)
            holding++;
    }
    return quantity_of(holding, REPORTED, folder);
}

/* The whole of a short file as a view, NULL when absent. */
static const char *word_of(const struct looking *in, const char *path)
{
    struct str text;
    if (!root_word(in->root, path, in->arena, &text) || !text.n || text.n > 64) return NULL;
    return str_visible(in->arena, text);
}

/* "6.4.1-83" of /opt/rocm/.info/version as "ROCm 6.4.1". */
static const char *runtime_of(const struct looking *in)
{
    const char *version = word_of(in, "/opt/rocm/.info/version");
    struct str text = str_of(version);
    if (!version) return NULL;
    const struct str release = str_cut(&text, '-');
    return str_format(in->arena, "ROCm %.*s", STR_ARG(release));
}

static void complete(const struct looking *in, struct draft *d, struct gpu_seen *g)
{
    static const char *const caps[] = {"power1_cap"};
    const struct node node = node_at(in, g->pci_address);
    const struct gpu_match match = gpu_match_id(in, g->pci_id, (double)NAN);
    const char *unique;
    g->compute = node.gfx;
    const bool integrated = is_integrated(in, g, &match);
    g->kind = integrated ? "integrated gpu" : "gpu";
    bool sized = vram_found(in, g);
    if (integrated && is_one_memory(g)) {
        one_memory_found(d, g);
        sized = true;
    } else if (integrated) {
        if (!sized)
            g->memory_bytes = unknown("its driver does not say what firmware set aside for it");
        gtt_found(in, d, g);
    } else {
        g->shared_bytes = unknown("a card with memory of its own");
        const struct pci_route route = pci_device_route(in, g->pci_address);
        g->link = route.words;
        g->link_bytes_per_s = route.bytes_per_s;
        if (pci_device_text(in, g->pci_address, "unique_id", &unique))
            g->uuid = str_format(in->arena, "GPU-%s", unique); /* as ROCm names it */
    }
    name_found(in, d, g, integrated);
    g->power_w = pci_device_power(in, g->pci_address, caps, COUNT_OF(caps));
    g->processes = processes_of(in, &node);
    if (g->driver && strcmp(g->driver, "amdgpu") == 0) {
        g->driver_version = word_of(in, "/sys/module/amdgpu/version");
        g->runtime = runtime_of(in);
    }
    if (sized) g->sized = gpu_sized_words(in, g);
}

/* ---- the library ---- */

static bool is_card_of_ours(const struct gpu_seen *g)
{
    return g->driver && strcmp(g->driver, "amdgpu") == 0 && !is_one_memory(g);
}

static bool reported(struct quantity q)
{
    return known(q, NULL) && q.origin >= REPORTED;
}

static bool shares_memory(const struct gpu_seen *g)
{
    return g->kind && strcmp(g->kind, GPU_INTEGRATED) == 0;
}

bool probe_gpu_amd_silent(const struct draft *d)
{
    for (size_t i = 0; i < d->facts.gpus; i++) {
        const struct gpu_seen *g = &d->facts.gpu[i];
        if (is_card_of_ours(g) && (!reported(g->memory_bytes) || !known(g->used_bytes, NULL) ||
                                   (shares_memory(g) && !known(g->shared_bytes, NULL))))
            return true;
    }
    return false;
}

static void memory_told(const struct looking *in, struct gpu_seen *g,
                        const struct rocm_smi_device *said)
{
    const double files_bytes =
        reported(g->memory_bytes) ? known_or(g->memory_bytes, (double)INFINITY) : (double)INFINITY;
    double bytes;
    if (said->memory_bytes > 0 && !isinf(files_bytes) && said->memory_bytes != files_bytes)
        note_add(in->notes,
                 "of %s %s says %s of memory and its driver's files %s: the lesser counts",
                 g->name ? g->name : g->pci_address, said->source,
                 units_bytes(in->arena, said->memory_bytes), units_bytes(in->arena, files_bytes));
    if (said->memory_bytes < files_bytes)
        g->memory_bytes = quantity_of(said->memory_bytes, REPORTED, said->source);
    if (!known(g->used_bytes, NULL) && said->used_bytes >= 0)
        g->used_bytes = quantity_of(said->used_bytes, REPORTED, said->source);
    double used_bytes;
    if (!known(g->memory_bytes, &bytes) || !known(g->used_bytes, &used_bytes)) return;
    g->free_bytes = quantity_of(fmax(bytes - used_bytes, 0), REPORTED, g->used_bytes.source);
}

static void told(const struct looking *in, struct draft *d, const struct rocm_smi_device *said)
{
    struct gpu_seen *g = draft_gpu_at(d, pci_spelt(in->arena, said->pci_address));
    if (!g || !is_card_of_ours(g)) return;
    memory_told(in, g, said);
    if (shares_memory(g) && !known(g->shared_bytes, NULL) && said->shared_bytes > 0) {
        gtt_put(in, d, g, quantity_of(said->shared_bytes, REPORTED, said->source));
        if (said->shared_used_bytes >= 0)
            g->shared_used_bytes = quantity_of(said->shared_used_bytes, REPORTED, said->source);
    }
    if (!g->name && *said->name) g->name = str_visible(in->arena, str_of(said->name));
    if (reported(g->memory_bytes)) g->sized = gpu_sized_words(in, g);
}

void probe_gpu_amd_told(const struct looking *in, struct draft *d,
                        const struct rocm_smi_device *said, size_t devices)
{
    for (size_t i = 0; i < devices; i++) told(in, d, &said[i]);
}

static void finds(const struct looking *in, struct draft *out)
{
    struct rocm_smi_device said[ROCM_SMI_MOST];
    for (size_t i = 0; i < out->facts.gpus; i++) {
        const char *address = out->facts.gpu[i].pci_address;
        unsigned vendor;
        if (!address || !pci_device_hex(in, address, "vendor", &vendor) || vendor != VENDOR_GPU)
            continue;
        struct gpu_seen *g = draft_gpu_at(out, address);
        if (g) complete(in, out, g);
    }
    if (in->root->captured || !probe_gpu_amd_silent(out)) return;
    const size_t devices = rocm_smi_ask(said, ROCM_SMI_MOST, in->notes);
    probe_gpu_amd_told(in, out, said, devices);
}

const struct probe probe_gpu_amd = {"gpu-amd", "memory and targets of AMD's GPUs", finds};
