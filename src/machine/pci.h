/* machine/pci.h - addresses on PCI, however spelt, and how fast a link of so many lanes is. Pure. */
#pragma once
#include "base/attr.h"
#include "base/quantity.h"
#include <stdbool.h>
#include <stdint.h>

struct arena;

/* "[domain:]bus:device[.function]" in hexadecimal as one number, by which addresses are ordered and compared. Blanks around it do not
 * matter, nor do a domain of eight digits and a "-v1" behind it: a part of that card. */
bool pci_parse(const char *text, uint64_t *out) NODISCARD;
/* "0000:c1:00.0", as /sys spells it. */
const char *pci_spelt(struct arena *a, uint64_t address);
/* Both are addresses, and the same. */
bool pci_same(const char *a, const char *b);

/* A link of generation 1 to 6 and 1 to 32 lanes: its name ("PCIe 4.0 x16") and the bytes a second, one way, that its encoding leaves
 * (LISTED, of the specification: packets' headers take more). NULL and UNKNOWN of any other. */
const char *pci_link_words(struct arena *a, unsigned generation, unsigned lanes);
struct quantity pci_link_rate(unsigned generation, unsigned lanes);
