/* machine/level_zero.c - asks Level Zero's sysman for the address, name and memory of each device.
 *
 * From the specification of oneAPI Level Zero 1.15, header zes_api.h: zesInit (since 1.5; it needs no variable of the environment, unlike
 * the older way by zeInit), drivers, devices, their PCI address, their memory modules, those on the device added up. Only what is used is
 * declared, in machine/sysman.h. Every figure is checked: the library is other people's code. Left out: sub-devices (tiles), which share their card's address; power and load. */
#include "machine/level_zero.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/library.h"
#include "base/notes.h"
#include "machine/sysman.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { DRIVERS_MOST = 16, MODULES_MOST = 64 };

typedef struct zes_driver *driver_t;
typedef struct zes_device *device_t;
typedef struct zes_memory *memory_t;

struct sysman {
    int32_t (*init)(uint32_t flags);
    int32_t (*drivers)(uint32_t *count, driver_t *driver);
    int32_t (*devices)(driver_t driver, uint32_t *count, device_t *device);
    int32_t (*properties)(device_t device, struct sysman_device *out);
    int32_t (*pci)(device_t device, struct sysman_pci *out);
    int32_t (*modules)(device_t device, uint32_t *count, memory_t *memory);
    int32_t (*memory)(memory_t memory, struct sysman_memory *out);
    int32_t (*state)(memory_t memory, struct sysman_memory_state *out);
};
static const struct symbol symbols[] = {
    {"zesInit", SYMBOL_MUST, offsetof(struct sysman, init)},
    {"zesDriverGet", SYMBOL_MUST, offsetof(struct sysman, drivers)},
    {"zesDeviceGet", SYMBOL_MUST, offsetof(struct sysman, devices)},
    {"zesDevicePciGetProperties", SYMBOL_MUST, offsetof(struct sysman, pci)},
    {"zesDeviceEnumMemoryModules", SYMBOL_MUST, offsetof(struct sysman, modules)},
    {"zesMemoryGetState", SYMBOL_MUST, offsetof(struct sysman, state)},
    {"zesMemoryGetProperties", SYMBOL_MAY, offsetof(struct sysman, memory)},
    {"zesDeviceGetProperties", SYMBOL_MAY, offsetof(struct sysman, properties)},
};

static bool figure(uint64_t bytes)
{
    return bytes && bytes <= (uint64_t)1 << 53;
}

/* Memory modules of the device itself, added up; what is free is unknown as soon as one module does not say. */
static void memory_of(const struct sysman *z, device_t device, struct level_zero_device *out)
{
    memory_t module[MODULES_MOST] = {NULL};
    uint32_t modules = MODULES_MOST;
    double sum_bytes = 0, sum_free_bytes = 0;
    if (z->modules(device, &modules, module) != SYSMAN_SUCCESS || modules > MODULES_MOST) return;
    for (uint32_t i = 0; i < modules; i++) {
        struct sysman_memory p = {.stype = SYSMAN_STRUCT_MEMORY,
                                  .location = SYSMAN_LOCATION_DEVICE};
        struct sysman_memory_state s = {.stype = SYSMAN_STRUCT_MEMORY_STATE};
        const bool described = z->memory && z->memory(module[i], &p) == SYSMAN_SUCCESS;
        if (described && p.location != SYSMAN_LOCATION_DEVICE) continue;
        const bool stated = z->state(module[i], &s) == SYSMAN_SUCCESS && figure(s.bytes);
        if (stated)
            sum_bytes += (double)s.bytes;
        else if (described && figure(p.physical_bytes))
            sum_bytes += (double)p.physical_bytes;
        else
            continue;
        sum_free_bytes += stated && s.free_bytes <= s.bytes ? (double)s.free_bytes : (double)NAN;
    }
    if (!(sum_bytes > 0) || sum_bytes > 0x1p53) return;
    out->memory_bytes = sum_bytes;
    out->free_bytes = sum_free_bytes;
}

static bool device_of(const struct sysman *z, device_t device, struct level_zero_device *out)
{
    struct sysman_pci at = {.stype = SYSMAN_STRUCT_PCI};
    struct sysman_device p = {.stype = SYSMAN_STRUCT_DEVICE, .core.stype = SYSMAN_STRUCT_CORE};
    *out = (struct level_zero_device){.memory_bytes = (double)NAN, .free_bytes = (double)NAN};
    if (z->pci(device, &at) != SYSMAN_SUCCESS || at.bus > 0xff || at.device > 0x1f ||
        at.function > 7)
        return false;
    out->pci_address =
        (uint64_t)at.domain << 16 | (uint64_t)(at.bus << 8 | at.device << 3 | at.function);
    if (z->properties && z->properties(device, &p) == SYSMAN_SUCCESS) {
        const char *name = *p.core.name ? p.core.name : p.model;
        const size_t room = *p.core.name ? sizeof p.core.name : sizeof p.model;
        const size_t n = strnlen(name, room);
        if (n < sizeof out->name) memcpy(out->name, name, n);
    }
    memory_of(z, device, out);
    return true;
}

static size_t devices_of(const struct sysman *z, struct level_zero_device *out, size_t most,
                         struct notes *notes)
{
    driver_t driver[DRIVERS_MOST] = {NULL};
    uint32_t drivers = DRIVERS_MOST;
    size_t found = 0;
    const int32_t began = z->init(0);
    if (began != SYSMAN_SUCCESS || z->drivers(&drivers, driver) != SYSMAN_SUCCESS ||
        drivers > DRIVERS_MOST) {
        note_add(notes, "Level Zero is installed but finds no driver (code 0x%x)", (unsigned)began);
        return 0;
    }
    for (uint32_t i = 0; i < drivers; i++) {
        device_t device[LEVEL_ZERO_MOST] = {NULL};
        uint32_t devices = LEVEL_ZERO_MOST;
        if (z->devices(driver[i], &devices, device) != SYSMAN_SUCCESS || devices > LEVEL_ZERO_MOST)
            continue;
        for (uint32_t k = 0; k < devices && found < most; k++)
            if (device_of(z, device[k], &out[found])) found++;
    }
    return found;
}

size_t level_zero_ask(const char *library, struct level_zero_device *out, size_t most,
                      struct notes *notes)
{
    const char *const names[] = {library ? library : "libze_loader.so.1", NULL};
    struct library lib;
    struct sysman z;
    struct mu_err err = {.code = MU_OK};
    if (!library_open(&lib, names, symbols, sizeof symbols / sizeof *symbols, &z, &err)) {
        if (err.code != MU_NOINPUT) note_add(notes, "Level Zero was not asked: %s", err.text);
        return 0;
    }
    /* left open: the loader's threads and exit handlers do not all survive being unloaded, and this happens once */
    return devices_of(&z, out, most, notes);
}
