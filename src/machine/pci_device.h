/* machine/pci_device.h - what the PCI bus says of one device, for the probes that size accelerators. Every function reads under
 * /sys/bus/pci/devices/ADDRESS of in->root, and answers false or UNKNOWN where there is nothing, or nothing sound, to read. */
#pragma once
#include "machine/machine.h"

/* "0x1002" and the like: 0x and one to eight lower-case hexadecimal digits. */
bool pci_device_hex(const struct looking *in, const char *address, const char *file,
                    unsigned *out) NODISCARD;
/* The text of a file without blanks around it, made visible; false when it is empty. */
bool pci_device_text(const struct looking *in, const char *address, const char *file,
                     const char **out) NODISCARD;
bool pci_device_bytes(const struct looking *in, const char *address, const char *file,
                      double *out) NODISCARD; /* a whole number up to 2^53 */
/* The last name of a symbolic link in its folder: of "driver" what drives it. */
bool pci_device_link(const struct looking *in, const char *address, const char *file,
                     const char **out) NODISCARD;

struct pci_route {
    const char *words;           /* "PCIe 4.0 x16", NULL when not known */
    struct quantity bytes_per_s; /* one way, after line coding, before the overhead of packets */
};
/* The narrowest link between the device and the host. Links slow down while idle: the speed is what both ends can, the width what was
 * agreed. A switch on the card hides the slot's own link, so the bridges above count too where the tree shows them. */
struct pci_route pci_device_route(const struct looking *in, const char *address);

/* The size of the largest memory region that may be prefetched, as video memory may be. */
bool pci_device_region(const struct looking *in, const char *address, double *bytes) NODISCARD;
/* A figure of its sensors in microwatts, as watts: the first of these files under hwmon/hwmonN that is above 0. */
struct quantity pci_device_power(const struct looking *in, const char *address,
                                 const char *const *files, size_t count);
