/* GPUs and accelerators as the PCI bus shows them: class, ids, driver. Their memory and speed are not asked for here.
 *
 * From /sys/bus/pci/devices: classes 03 (display) and 12 (processing accelerators) of the PCI code and id assignment specification.
 * Names and memory are the catalogue's, by id; an id that several cards share gives all their names, and their memory only when it is
 * the same. Screens that a hypervisor or a server's management chip draws are listed as display only. Left out: accelerators that are
 * not on PCI. */
#include "base/arena.h"
#include "base/root.h"
#include "machine/gpu_match.h"
#include "machine/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASS_DISPLAY = 0x03, CLASS_ACCELERATOR = 0x12 };

/* Source: the PCI ID repository, pci-ids.ucw.cz. */
static const struct {
    const char *name;
    unsigned id;
    bool display_only;
} vendors[] = {
    {"NVIDIA", 0x10de, false},
    {"AMD", 0x1002, false},
    {"Intel", 0x8086, false},
    {"Habana Labs", 0x1da3, false},
    {"Tenstorrent", 0x1e52, false},
    {"Amazon", 0x1d0f, false},
    {"Google", 0x1ae0, false},
    {"Huawei", 0x19e5, false},
    {"Moore Threads", 0x1ed5, false},
    {"Qualcomm", 0x17cb, false},
    {"QEMU", 0x1234, true},
    {"virtio", 0x1af4, true},
    {"QXL", 0x1b36, true},
    {"VMware", 0x15ad, true},
    {"VirtualBox", 0x80ee, true},
    {"Cirrus Logic", 0x1013, true},
    {"Microsoft", 0x1414, true},
    {"ASPEED", 0x1a03, true},
    {"Matrox", 0x102b, true},
};

struct card {
    const char *address;
    unsigned vendor, device;
    const char *id;
};

/* "0x030200" and the like, as the files of /sys write them. */
static bool hex_of(const struct looking *in, const char *address, const char *file, unsigned *out)
{
    struct str text;
    unsigned value = 0;
    if (!root_wordf(in->root, in->arena, &text, "/sys/bus/pci/devices/%s/%s", address, file) ||
        !str_starts(text, S("0x")) || text.n < 3 || text.n > 8)
        return false;
    for (size_t i = 2; i < text.n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.p[i], sizeof digits - 1);
        if (!digit) return false;
        value = value * 16 + (unsigned)(digit - digits);
    }
    *out = value;
    return true;
}

static void look_up(const struct looking *in, const struct card *card, struct gpu_seen *g)
{
    const struct gpu_match match = gpu_match_id(in, card->id, (double)NAN);
    g->name = match.names;
    g->memory_bytes = unknown("not in the catalogue, and not asked of the card yet");
    if (match.rows && isnan(match.memory_gib))
        g->memory_bytes = unknown("cards of different memory share this PCI id");
    else if (match.rows)
        g->memory_bytes = quantity_of(match.memory_gib * 0x1p30, LISTED, "catalogue, by PCI id");
}

static const char *driver_of(const struct looking *in, const char *address)
{
    struct str link;
    const char *path = str_format(in->arena, "/sys/bus/pci/devices/%s/driver", address);
    if (!root_link(in->root, path, in->arena, &link)) return NULL;
    while (memchr(link.p, '/', link.n)) (void)str_cut(&link, '/');
    return link.n ? str_copy(in->arena, link) : NULL;
}

static void add(const struct looking *in, const struct card *card, struct draft *out)
{
    struct gpu_seen g = {.pci_address = card->address,
                         .pci_id = card->id,
                         .driver = driver_of(in, card->address),
                         .sized = "seen, not sized yet"};
    bool display_only = false;
    for (size_t i = 0; i < COUNT_OF(vendors); i++)
        if (vendors[i].id == card->vendor) {
            g.vendor = vendors[i].name;
            display_only = vendors[i].display_only;
        }
    if (display_only) {
        g.name = str_format(in->arena, "%s display", g.vendor);
        g.sized = GPU_DISPLAY_ONLY;
        g.memory_bytes = unknown("it computes nothing");
    } else {
        look_up(in, card, &g);
    }
    draft_add_gpu(out, g);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of the bus: names of a folder come with decimal numbers in order, and addresses are hexadecimal ("06" before "0b"). */
static size_t addresses(const struct looking *in, const char ***out)
{
    const char *const *name;
    size_t names;
    if (!root_names(in->root, "/sys/bus/pci/devices", in->arena, &name, &names) || !names) return 0;
    *out = NEW_ARRAY(in->arena, const char *, names);
    memcpy(*out, name, names * sizeof *name);
    qsort(*out, names, sizeof **out, by_bytes);
    return names;
}

static void finds(const struct looking *in, struct draft *out)
{
    const char **address = NULL;
    const size_t devices = addresses(in, &address);
    for (size_t i = 0; i < devices; i++) {
        unsigned class_code;
        struct card card = {.address = address[i]};
        if (!hex_of(in, address[i], "class", &class_code)) continue;
        if (class_code >> 16 != CLASS_DISPLAY && class_code >> 16 != CLASS_ACCELERATOR) continue;
        if (!hex_of(in, address[i], "vendor", &card.vendor) ||
            !hex_of(in, address[i], "device", &card.device))
            continue;
        card.id = str_format(in->arena, "%04x:%04x", card.vendor, card.device);
        add(in, &card, out);
    }
}

const struct probe probe_gpu_pci = {"gpu", "GPUs and accelerators on PCI, by class and id", finds};
