/* machine/pci_device.c - reads what /sys/bus/pci/devices says of one device: ids, links, memory regions, power limits.
 *
 * Formats: Documentation/ABI/testing/sysfs-bus-pci and sysfs-class-hwmon of Linux; `resource` has a line a region, "start end flags" in
 * hexadecimal, with bit 9 of the flags for memory and bit 13 for memory that may be prefetched (include/linux/ioport.h). Devices are
 * links into the bus's tree, so the names on the way there are the bridges above. Left out: what packets cost, which depends on their
 * size; cards behind bridges of their own maker that are not on the card (Thunderbolt with an Intel card). */
#include "machine/pci_device.h"
#include "base/arena.h"
#include "base/root.h"
#include "machine/pci.h"
#include "machine/proc_text.h"

#include <math.h>
#include <string.h>

static const char devices[] = "/sys/bus/pci/devices";
enum { REGION_MEMORY = 1 << 9, REGION_PREFETCH = 1 << 13, HOPS_MOST = 32, TEXT_MOST = 256 };

/* "0x" and 1 to `most` hexadecimal digits. */
static bool hex_value(struct str s, size_t most, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    if (!str_starts(s, S("0x")) || s.n < 3 || s.n - 2 > most) return false;
    for (size_t i = 2; i < s.n; i++) {
        const char *digit = memchr(digits, s.p[i], sizeof digits - 1);
        if (!digit) return false;
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *out = value;
    return true;
}

bool pci_device_hex(const struct looking *in, const char *address, const char *file, unsigned *out)
{
    struct str text;
    uint64_t value;
    if (!root_wordf(in->root, in->arena, &text, "%s/%s/%s", devices, address, file) ||
        !hex_value(text, 8, &value))
        return false;
    *out = (unsigned)value;
    return true;
}

bool pci_device_text(const struct looking *in, const char *address, const char *file,
                     const char **out)
{
    struct str text;
    if (!root_wordf(in->root, in->arena, &text, "%s/%s/%s", devices, address, file)) return false;
    text = str_trim(text);
    if (!text.n || text.n > TEXT_MOST) return false;
    *out = str_visible(in->arena, text);
    return true;
}

bool pci_device_bytes(const struct looking *in, const char *address, const char *file, double *out)
{
    struct str text;
    return root_wordf(in->root, in->arena, &text, "%s/%s/%s", devices, address, file) &&
           proc_bytes(text, out);
}

bool pci_device_link(const struct looking *in, const char *address, const char *file,
                     const char **out)
{
    struct str link;
    const char *path = str_format(in->arena, "%s/%s/%s", devices, address, file);
    if (!root_link(in->root, path, in->arena, &link)) return false;
    while (link.n && memchr(link.p, '/', link.n)) (void)str_cut(&link, '/');
    if (!link.n || link.n > TEXT_MOST) return false;
    *out = str_visible(in->arena, link);
    return true;
}

/* ---- the link ---- */

/* The generation of current_link_speed and its like: "16.0 GT/s PCIe", and "8 GT/s" of kernels before 5.6; 0 when it is none. */
static unsigned generation(const struct looking *in, const char *address, const char *file)
{
    static const struct {
        const char *text;
        unsigned generation;
    } speeds[] = {{"2.5 ", 1}, {"5.0 ", 2},  {"5 ", 2},  {"8.0 ", 3},  {"8 ", 3}, {"16.0 ", 4},
                  {"16 ", 4},  {"32.0 ", 5}, {"32 ", 5}, {"64.0 ", 6}, {"64 ", 6}};
    const char *text;
    if (!pci_device_text(in, address, file, &text)) return 0;
    for (size_t i = 0; i < COUNT_OF(speeds); i++)
        if (str_starts(str_of(text), str_of(speeds[i].text))) return speeds[i].generation;
    return 0;
}

/* What the device and the port above it can both do; what the link runs at now where one of them does not say. */
static unsigned agreed(const struct looking *in, const char *address, const char *above)
{
    const unsigned own = generation(in, address, "max_link_speed");
    const unsigned other = above ? generation(in, above, "max_link_speed") : 0;
    if (!own || !other) return generation(in, address, "current_link_speed");
    return other < own ? other : own;
}

/* The names on the way from the host to the device, itself last; 0 where the tree has a folder instead of a link. */
static size_t way_to(const struct looking *in, const char *address, const char **hop)
{
    struct str path;
    size_t hops = 0;
    if (!root_link(in->root, str_format(in->arena, "%s/%s", devices, address), in->arena, &path))
        return 0;
    while (path.n) {
        const char *name = str_copy(in->arena, str_cut(&path, '/'));
        uint64_t number;
        if (strlen(name) < sizeof "0000:00:00.0" - 1 || !pci_parse(name, &number)) continue;
        if (hops == HOPS_MOST) return 0;
        hop[hops++] = name;
    }
    return hops && strcmp(hop[hops - 1], address) == 0 ? hops : 0;
}

/* The upper end of the card: past the switches of its own maker, inside which links have speeds that mean nothing. */
static size_t edge_of(const struct looking *in, const char *const *hop, size_t hops)
{
    unsigned maker;
    unsigned other;
    size_t edge = hops - 1;
    if (!pci_device_hex(in, hop[edge], "vendor", &maker)) return edge;
    while (edge > 1 && pci_device_hex(in, hop[edge - 1], "vendor", &other) && other == maker)
        edge--;
    return edge;
}

struct pci_route pci_device_route(const struct looking *in, const char *address)
{
    const char *hop[HOPS_MOST];
    struct pci_route out = {NULL, unknown("the bus does not say how it is linked")};
    double least_per_s = (double)INFINITY;
    size_t hops = way_to(in, address, hop);
    if (!hops) hop[hops++] = address;
    const size_t edge = edge_of(in, hop, hops);
    /* each device's own figures are those of the link above it, so the first of a longer way, the root port, has been counted */
    for (size_t i = hops > 1 ? 1 : 0; i <= edge; i++) {
        const unsigned speed = agreed(in, hop[i], i ? hop[i - 1] : NULL);
        double lanes;
        double per_s;
        if (!speed || !pci_device_bytes(in, hop[i], "current_link_width", &lanes) || lanes < 1 ||
            lanes > 32)
            continue;
        const struct quantity rate = pci_link_rate(speed, (unsigned)lanes);
        if (!known(rate, &per_s) || !(per_s < least_per_s)) continue;
        least_per_s = per_s;
        out = (struct pci_route){pci_link_words(in->arena, speed, (unsigned)lanes), rate};
    }
    return out;
}

/* ---- memory regions ---- */

bool pci_device_region(const struct looking *in, const char *address, double *bytes)
{
    enum { REGIONS = 6 }; /* what follows is its ROM and, on bridges, windows */
    struct str text;
    uint64_t largest = 0;
    if (!root_wordf(in->root, in->arena, &text, "%s/%s/resource", devices, address)) return false;
    for (size_t i = 0; i < REGIONS && text.n; i++) {
        struct str line = str_line(&text);
        uint64_t first, last, flags;
        if (!hex_value(str_cut(&line, ' '), 16, &first) ||
            !hex_value(str_cut(&line, ' '), 16, &last) || !hex_value(str_trim(line), 16, &flags))
            return false;
        if (!(flags & REGION_MEMORY) || !(flags & REGION_PREFETCH) || last <= first ||
            last - first >= (uint64_t)1 << 53)
            continue;
        if (last - first + 1 > largest) largest = last - first + 1;
    }
    *bytes = (double)largest;
    return largest > 0;
}

/* ---- power ---- */

struct quantity pci_device_power(const struct looking *in, const char *address,
                                 const char *const *files, size_t count)
{
    static const double microwatts_most = 1e11; /* 100 kW: no card */
    const char *const *sensor;
    size_t sensors;
    const char *folder = str_format(in->arena, "%s/%s/hwmon", devices, address);
    if (!root_names(in->root, folder, in->arena, &sensor, &sensors))
        return unknown("its driver shows no sensors");
    for (size_t i = 0; i < sensors; i++)
        for (size_t k = 0; k < count; k++) {
            const char *file = str_format(in->arena, "hwmon/%s/%s", sensor[i], files[k]);
            double microwatts;
            if (pci_device_bytes(in, address, file, &microwatts) && microwatts > 0 &&
                microwatts < microwatts_most)
                return quantity_of(microwatts / 1e6, REPORTED, files[k]);
        }
    return unknown("its sensors state no power limit");
}
