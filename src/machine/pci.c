/* machine/pci.c - PCI addresses as numbers, and the rate of PCI Express links.
 *
 * Addresses: domain, bus (8 bits), device (5) and function (3), PCI Local Bus Specification 3.0, 6.1; domains of 32 bits are the
 * kernel's own, for bridges behind a host's firmware. Links: transfers a second a lane and line encoding of the PCI Express Base
 * Specification: 2.5 and 5 GT/s with 8b/10b (1.1 and 2.1, section 4.2), 8, 16 and 32 GT/s with 128b/130b (3.0, 4.0, 5.0, section
 * 4.2.2), 64 GT/s in flits of 256 bytes that carry 242 (6.0, section 4.2.3). */
#include "machine/pci.h"
#include "base/arena.h"
#include "base/str.h"

#include <string.h>

/* Hexadecimal digits off the front, 1 to most of them. */
static bool hex_cut(struct str *s, size_t most, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    *out = 0;
    for (; n < s->n && n <= most; n++) {
        const char c = s->p[n];
        const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
        if (!digit) break;
        *out = *out * 16 + (uint64_t)(digit - digits);
    }
    if (!n || n > most) return false;
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

static bool char_cut(struct str *s, char c)
{
    if (!s->n || s->p[0] != c) return false;
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

bool pci_parse(const char *text, uint64_t *out)
{
    struct str s = str_trim(str_of(text));
    uint64_t part[3] = {0};
    uint64_t function = 0;
    size_t parts = 0;
    do
        if (!hex_cut(&s, 8, &part[parts++])) return false;
    while (parts < COUNT_OF(part) && char_cut(&s, ':'));
    if (parts < 2) return false;
    const uint64_t domain = parts == 3 ? part[0] : 0;
    const uint64_t bus = part[parts - 2], slot = part[parts - 1];
    if (char_cut(&s, '.') && !hex_cut(&s, 1, &function)) return false;
    if (s.n && !str_starts(s, S("-v"))) return false;
    if (bus > 0xff || slot > 0x1f || function > 7) return false;
    *out = domain << 16 | bus << 8 | slot << 3 | function;
    return true;
}

const char *pci_spelt(struct arena *a, uint64_t address)
{
    return str_format(a, "%04x:%02x:%02x.%x", (unsigned)(address >> 16),
                      (unsigned)(address >> 8 & 0xff), (unsigned)(address >> 3 & 0x1f),
                      (unsigned)(address & 7));
}

bool pci_same(const char *a, const char *b)
{
    uint64_t one;
    uint64_t other;
    return a && b && pci_parse(a, &one) && pci_parse(b, &other) && one == other;
}

static const struct {
    double transfers_per_s, carried, sent; /* of `sent` on the line, `carried` are data */
} generations[] = {
    {2.5e9, 8, 10},   {5e9, 8, 10},     {8e9, 128, 130},
    {16e9, 128, 130}, {32e9, 128, 130}, {64e9, 242, 256},
};
enum { LANES_MOST = 32 };

static bool is_link(unsigned generation, unsigned lanes)
{
    return generation && generation <= COUNT_OF(generations) && lanes && lanes <= LANES_MOST;
}

const char *pci_link_words(struct arena *a, unsigned generation, unsigned lanes)
{
    return is_link(generation, lanes) ? str_format(a, "PCIe %u.0 x%u", generation, lanes) : NULL;
}

struct quantity pci_link_rate(unsigned generation, unsigned lanes)
{
    if (!is_link(generation, lanes)) return unknown("not a link that PCI Express has");
    const double bits_per_s = generations[generation - 1].transfers_per_s *
                              generations[generation - 1].carried /
                              generations[generation - 1].sent;
    return quantity_of(bits_per_s / 8 * lanes, LISTED, "PCI Express specification, after encoding");
}
