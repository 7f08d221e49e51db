/* tests/fake/level_zero.c - a stand-in for libze_loader.so.1, by document: the sysman half of oneAPI Level Zero 1.15 (zes_api.h).
 *
 * No such device was recorded. FAKE_LEVEL_ZERO in the environment says how it behaves: "card" (an Arc card of 16 GiB with 4 GiB used
 * and a module of host memory, and a processor's GPU), "two" (a card with two modules, one of which states nothing), "mute" (no
 * driver), "liar" (counts and figures that cannot be). Built with MUST_ONLY it has only
 * the functions without which it is of no use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "machine/sysman.h"

#define EXPORT __attribute__((visibility("default")))

static int is(const char *how)
{
    const char *said = getenv("FAKE_LEVEL_ZERO");
    return said && strcmp(said, how) == 0;
}

static const char handles[16];

EXPORT int32_t zesInit(uint32_t flags)
{
    (void)flags;
    return is("mute") ? SYSMAN_UNINITIALIZED : SYSMAN_SUCCESS;
}

EXPORT int32_t zesDriverGet(uint32_t *count, const void **driver)
{
    if (*count) driver[0] = &handles[0];
    *count = is("liar") ? 4000000000U : 1;
    return SYSMAN_SUCCESS;
}

EXPORT int32_t zesDeviceGet(const void *driver, uint32_t *count, const void **device)
{
    (void)driver;
    const uint32_t n = is("card") ? 2 : 1;
    for (uint32_t i = 0; i < n && i < *count; i++) device[i] = &handles[1 + i];
    *count = n;
    return SYSMAN_SUCCESS;
}

EXPORT int32_t zesDevicePciGetProperties(const void *device, struct sysman_pci *out)
{
    if (out->stype != SYSMAN_STRUCT_PCI || out->next) return SYSMAN_UNSUPPORTED;
    const int processor = device == &handles[2];
    *out = (struct sysman_pci){.stype = SYSMAN_STRUCT_PCI,
                               .bus = processor ? 0 : 3,
                               .device = processor ? 2 : 0,
                               .generation = 4,
                               .width = 16,
                               .bandwidth = -1};
    if (is("wild")) out->bus = 4096;
    return SYSMAN_SUCCESS;
}

#ifndef MUST_ONLY
EXPORT int32_t zesDeviceGetProperties(const void *device, struct sysman_device *out)
{
    if (out->stype != SYSMAN_STRUCT_DEVICE || out->next) return SYSMAN_UNSUPPORTED;
    if (is("unnamed")) {
        memset(out->core.name, 'x', sizeof out->core.name); /* no NUL at its end */
        return SYSMAN_SUCCESS;
    }
    strcpy(out->core.name,
           device == &handles[2] ? "Intel(R) Graphics" : "Intel(R) Arc(TM) A770 Graphics");
    return SYSMAN_SUCCESS;
}
#endif

EXPORT int32_t zesDeviceEnumMemoryModules(const void *device, uint32_t *count, const void **memory)
{
    (void)device;
    const uint32_t n = is("card") || is("two") ? 2 : 1;
    for (uint32_t i = 0; i < n && i < *count; i++) memory[i] = &handles[4 + i];
    *count = is("many") ? 1000 : n;
    return SYSMAN_SUCCESS;
}

#ifndef MUST_ONLY
EXPORT int32_t zesMemoryGetProperties(const void *memory, struct sysman_memory *out)
{
    if (out->stype != SYSMAN_STRUCT_MEMORY || out->next) return SYSMAN_UNSUPPORTED;
    const int second = memory == &handles[5];
    out->location = second && is("card") ? SYSMAN_LOCATION_SYSTEM : SYSMAN_LOCATION_DEVICE;
    out->physical_bytes = (uint64_t)(is("two") ? 8 : 16) << 30;
    out->bus_bits = 256;
    out->channels = 16;
    return SYSMAN_SUCCESS;
}
#endif

EXPORT int32_t zesMemoryGetState(const void *memory, struct sysman_memory_state *out)
{
    if (out->stype != SYSMAN_STRUCT_MEMORY_STATE || out->next) return SYSMAN_UNSUPPORTED;
    if (memory == &handles[5] && is("two")) return SYSMAN_UNSUPPORTED;
    out->bytes = (uint64_t)(is("two") ? 8 : 16) << 30;
    out->free_bytes = (uint64_t)(is("two") ? 4 : 12) << 30;
    if (is("greedy")) out->free_bytes = UINT64_MAX;
    if (is("huge")) out->bytes = UINT64_MAX;
    return SYSMAN_SUCCESS;
}
