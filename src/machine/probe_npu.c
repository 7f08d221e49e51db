/* Neural processors: listed, never sized, since nothing that muster prices runs on them.
 *
 * PCI class 12 (processing accelerators) of what probe_gpu_pci lists, except graphics makers' own accelerators, which are GPUs; PCI
 * ids of those with another class; what stands under /sys/class/accel (Documentation/accel of Linux); Rockchip's own driver on the
 * platform bus. Ids: the PCI ID repository (pci-ids.ucw.cz), drivers/accel/ivpu/ivpu_drv.h and drivers/accel/amdxdna of Linux.
 * Left out: NPUs without a driver that Linux shows (Apple's, Qualcomm's), and USB sticks. */
#include "base/arena.h"
#include "base/root.h"
#include "machine/pci_device.h"
#include "machine/probe.h"

#include <string.h>

enum { CLASS_ACCELERATOR = 0x12, NVIDIA = 0x10de, AMD = 0x1002, DEVICES_MOST = 256 };
static const char listed_only[] = "an NPU: listed, not sized";

static const struct {
    const char *id, *vendor, *name;
} known_ids[] = {
    {"8086:7d1d", "Intel", "Intel NPU (Meteor Lake)"},
    {"8086:ad1d", "Intel", "Intel NPU (Arrow Lake)"},
    {"8086:643e", "Intel", "Intel NPU (Lunar Lake)"},
    {"8086:b03e", "Intel", "Intel NPU (Panther Lake)"},
    {"1022:1502", "AMD", "AMD XDNA NPU (Phoenix, Hawk Point)"},
    {"1022:17f0", "AMD", "AMD XDNA 2 NPU (Strix, Strix Halo, Krackan)"},
    {"1e60:2864", "Hailo", "Hailo-8"},
    {"1ac1:089a", "Google", "Coral Edge TPU"},
};
static const struct {
    const char *driver, *vendor, *name;
} known_drivers[] = {
    {"intel_vpu", "Intel", "Intel NPU"},    {"amdxdna", "AMD", "AMD XDNA NPU"},
    {"habanalabs", "Habana Labs", "Gaudi"}, {"qaic", "Qualcomm", "Qualcomm Cloud AI 100"},
    {"rocket", "Rockchip", "Rockchip NPU"}, {"RKNPU", "Rockchip", "Rockchip NPU"},
    {"ethosu", "Arm", "Arm Ethos-U NPU"},   {"hailo", "Hailo", "Hailo NPU"},
    {"apex", "Google", "Coral Edge TPU"},
};

/* What is known by its PCI id, then by its driver. */
static void describe(const struct looking *in, struct gpu_seen *g)
{
    g->kind = "npu";
    g->sized = listed_only;
    if (!g->part && !known(g->memory_bytes, NULL)) g->memory_bytes = unknown("not sized");
    for (size_t i = 0; g->pci_id && i < COUNT_OF(known_ids); i++)
        if (strcmp(g->pci_id, known_ids[i].id) == 0) {
            g->vendor = known_ids[i].vendor;
            if (!g->name) g->name = known_ids[i].name;
        }
    for (size_t i = 0; g->driver && i < COUNT_OF(known_drivers); i++)
        if (strcmp(g->driver, known_drivers[i].driver) == 0) {
            if (!g->vendor) g->vendor = known_drivers[i].vendor;
            if (!g->name) g->name = known_drivers[i].name;
        }
    if (!g->name && g->vendor) g->name = str_format(in->arena, "%s NPU", g->vendor);
}

static void listed_rows(const struct looking *in, struct draft *d)
{
    for (size_t i = 0; i < d->facts.gpus; i++) {
        const char *address = d->facts.gpu[i].pci_address;
        unsigned class_code;
        unsigned vendor;
        if (!address || !pci_device_hex(in, address, "class", &class_code) ||
            class_code >> 16 != CLASS_ACCELERATOR ||
            !pci_device_hex(in, address, "vendor", &vendor) || vendor == NVIDIA || vendor == AMD)
            continue;
        struct gpu_seen *g = draft_gpu_at(d, address);
        if (g) describe(in, g);
    }
}

/* A device on PCI that is not listed yet. */
static void add_pci(const struct looking *in, struct draft *d, const char *address)
{
    struct gpu_seen g = {.pci_address = address};
    unsigned vendor;
    unsigned device;
    if (!pci_device_hex(in, address, "vendor", &vendor) ||
        !pci_device_hex(in, address, "device", &device))
        return;
    g.pci_id = str_format(in->arena, "%04x:%04x", vendor, device);
    if (!pci_device_link(in, address, "driver", &g.driver)) g.driver = NULL;
    describe(in, &g);
    draft_add_gpu(d, g);
}

static void other_classes(const struct looking *in, struct draft *d)
{
    const char *const *address;
    size_t devices;
    if (!root_names(in->root, "/sys/bus/pci/devices", in->arena, &address, &devices)) return;
    for (size_t i = 0; i < devices; i++) {
        unsigned vendor;
        unsigned device;
        if (!pci_device_hex(in, address[i], "vendor", &vendor) ||
            !pci_device_hex(in, address[i], "device", &device) || draft_gpu_at(d, address[i]))
            continue;
        const char *id = str_format(in->arena, "%04x:%04x", vendor, device);
        for (size_t k = 0; k < COUNT_OF(known_ids); k++)
            if (strcmp(id, known_ids[k].id) == 0) {
                add_pci(in, d, address[i]);
                break;
            }
    }
}

/* The last name of what a link says; NULL when it is none. */
static const char *last_of(const struct looking *in, const char *path)
{
    struct str link;
    if (!root_link(in->root, path, in->arena, &link)) return NULL;
    while (link.n && memchr(link.p, '/', link.n)) (void)str_cut(&link, '/');
    return link.n && link.n < 256 ? str_visible(in->arena, link) : NULL;
}

static void add_driven(const struct looking *in, struct draft *d, const char *driver)
{
    struct gpu_seen g = {.driver = driver};
    describe(in, &g);
    if (!g.name) g.name = driver ? driver : "an accelerator";
    draft_add_gpu(d, g);
}

/* What the kernel's subsystem for compute accelerators shows; parts of one chip are devices of their own there. */
static bool accel_class(const struct looking *in, struct draft *d)
{
    const char *const *name;
    size_t names;
    bool off_pci = false;
    if (!root_names(in->root, "/sys/class/accel", in->arena, &name, &names)) return false;
    for (size_t i = 0; i < names && i < DEVICES_MOST; i++) {
        const char *path = str_format(in->arena, "/sys/class/accel/%s/device", name[i]);
        const char *device = last_of(in, path);
        unsigned vendor;
        if (!device) continue;
        if (pci_device_hex(in, device, "vendor", &vendor)) {
            if (!draft_gpu_at(d, device)) add_pci(in, d, device);
            continue;
        }
        off_pci = true;
        add_driven(in, d, last_of(in, str_format(in->arena, "%s/driver", path)));
    }
    return off_pci;
}

/* Rockchip's own kernels: the driver's folder on the platform bus holds a link for each device bound to it. */
static void platform(const struct looking *in, struct draft *d)
{
    static const char folder[] = "/sys/bus/platform/drivers/RKNPU";
    const char *const *name;
    size_t names;
    if (!root_names(in->root, folder, in->arena, &name, &names)) return;
    for (size_t i = 0; i < names; i++)
        if (str_ends(str_of(name[i]), S(".npu"))) add_driven(in, d, "RKNPU");
}

static void finds(const struct looking *in, struct draft *out)
{
    listed_rows(in, out);
    other_classes(in, out);
    if (!accel_class(in, out)) platform(in, out);
}

const struct probe probe_npu = {"npu", "neural processors, listed only", finds};
