/* tests/fake/level_zero.c - a stand-in for libze_loader.so.1, by document: the sysman half of oneAPI Level Zero 1.15 (zes_api.h).
 *
 * No such device was recorded. FAKE_LEVEL_ZERO in the environment says how it behaves: "card" (an Arc card of 16 GiB with 4 GiB used
 * and a module of host memory, and a processor's GPU), "two" (a card with two modules, one of which states nothing), "mute" (no
 * driver), "liar" (counts and figures that cannot be). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OK = 0, UNINITIALIZED = 0x78000001, UNSUPPORTED = 0x78000003 };

static int is(const char *how)
{
    const char *said = getenv("FAKE_LEVEL_ZERO");
    return said && strcmp(said, how) == 0;
}

/* Structs as the specification lays them out. */
struct pci {
    int32_t stype;
    void *next;
    uint32_t domain, bus, device, function;
    int32_t generation, width;
    int64_t bandwidth;
    uint8_t counters[3];
};
struct memory {
    int32_t stype;
    void *next;
    int32_t type;
    uint8_t on_subdevice;
    uint32_t subdevice;
    int32_t location;
    uint64_t physical_size;
    int32_t bus_width, channels;
};
struct state {
    int32_t stype;
    const void *next;
    int32_t health;
    uint64_t free, size;
};
struct device {
    int32_t stype;
    void *next;
    struct {
        int32_t stype;
        void *next;
        int32_t type;
        uint32_t vendor_id, device_id, flags, subdevice_id, clock;
        uint64_t max_allocation;
        uint32_t contexts, priority, threads, simd, eus, subslices, slices;
        uint64_t timer;
        uint32_t valid_bits, kernel_valid_bits;
        uint8_t uuid[16];
        char name[256];
    } core;
    uint32_t subdevices;
    char serial[64], board[64], brand[64], model[64], vendor[64], driver[64];
};

static const char handles[16];

EXPORT int32_t zesInit(uint32_t flags)
{
    (void)flags;
    return is("mute") ? UNINITIALIZED : OK;
}

EXPORT int32_t zesDriverGet(uint32_t *count, const void **driver)
{
    if (*count) driver[0] = &handles[0];
    *count = is("liar") ? 4000000000U : 1;
    return OK;
}

EXPORT int32_t zesDeviceGet(const void *driver, uint32_t *count, const void **device)
{
    (void)driver;
    const uint32_t n = is("card") ? 2 : 1;
    for (uint32_t i = 0; i < n && i < *count; i++) device[i] = &handles[1 + i];
    *count = n;
    return OK;
}

EXPORT int32_t zesDevicePciGetProperties(const void *device, struct pci *out)
{
    if (out->stype != 0x2 || out->next) return UNSUPPORTED;
    const int processor = device == &handles[2];
    *out = (struct pci){.stype = 0x2,
                        .bus = processor ? 0 : 3,
                        .device = processor ? 2 : 0,
                        .generation = 4,
                        .width = 16,
                        .bandwidth = -1};
    if (is("wild")) out->bus = 4096;
    return OK;
}

EXPORT int32_t zesDeviceGetProperties(const void *device, struct device *out)
{
    if (out->stype != 0x1 || out->next) return UNSUPPORTED;
    if (is("unnamed")) {
        memset(out->core.name, 'x', sizeof out->core.name); /* no NUL at its end */
        return OK;
    }
    strcpy(out->core.name,
           device == &handles[2] ? "Intel(R) Graphics" : "Intel(R) Arc(TM) A770 Graphics");
    return OK;
}

EXPORT int32_t zesDeviceEnumMemoryModules(const void *device, uint32_t *count, const void **memory)
{
    (void)device;
    const uint32_t n = is("card") || is("two") ? 2 : 1;
    for (uint32_t i = 0; i < n && i < *count; i++) memory[i] = &handles[4 + i];
    *count = is("many") ? 1000 : n;
    return OK;
}

EXPORT int32_t zesMemoryGetProperties(const void *memory, struct memory *out)
{
    if (out->stype != 0xb || out->next) return UNSUPPORTED;
    const int second = memory == &handles[5];
    out->location = second && is("card") ? 0 : 1;
    out->physical_size = (uint64_t)(is("two") ? 8 : 16) << 30;
    out->bus_width = 256;
    out->channels = 16;
    return OK;
}

EXPORT int32_t zesMemoryGetState(const void *memory, struct state *out)
{
    if (out->stype != 0x1e || out->next) return UNSUPPORTED;
    if (memory == &handles[5] && is("two")) return UNSUPPORTED;
    out->size = (uint64_t)(is("two") ? 8 : 16) << 30;
    out->free = (uint64_t)(is("two") ? 4 : 12) << 30;
    if (is("greedy")) out->free = UINT64_MAX;
    if (is("huge")) out->size = UINT64_MAX;
    return OK;
}
