/* machine/sysman.h - what Level Zero's sysman answers with, as the specification of oneAPI Level Zero 1.15 lays it out (zes_api.h): for who
 * asks (level_zero.c) and for the library that stands in for it in tests. Each struct begins with its type's number and a pointer that
 * must be NULL; names are ours. */
#pragma once
#include <stdint.h>

enum sysman_result {
    SYSMAN_SUCCESS = 0,
    SYSMAN_UNINITIALIZED = 0x78000001,
    SYSMAN_UNSUPPORTED = 0x78000003,
};
enum sysman_struct {
    SYSMAN_STRUCT_DEVICE = 0x1,
    SYSMAN_STRUCT_PCI = 0x2,
    SYSMAN_STRUCT_CORE = 0x3,
    SYSMAN_STRUCT_MEMORY = 0xb,
    SYSMAN_STRUCT_MEMORY_STATE = 0x1e,
};
enum sysman_location { SYSMAN_LOCATION_SYSTEM = 0, SYSMAN_LOCATION_DEVICE = 1 };

struct sysman_pci {
    int32_t stype;
    void *next;
    uint32_t domain, bus, device, function;
    int32_t generation, width;
    int64_t bandwidth;
    uint8_t counters[3];
};
struct sysman_memory {
    int32_t stype;
    void *next;
    int32_t type;
    uint8_t on_subdevice;
    uint32_t subdevice;
    int32_t location;
    uint64_t physical_bytes; /* 0: not known */
    int32_t bus_bits, channels;
};
struct sysman_memory_state {
    int32_t stype;
    const void *next;
    int32_t health;
    uint64_t free_bytes, bytes;
};
/* ze_device_properties_t inside zes_device_properties_t; its texts end in NUL. */
struct sysman_device {
    int32_t stype;
    void *next;
    struct {
        int32_t stype;
        void *next;
        int32_t type;
        uint32_t vendor, device, flags, subdevice, clock_rate;
        uint64_t allocation_bytes;
        uint32_t contexts, priority, threads, simd, units, subslices, slices;
        uint64_t timer;
        uint32_t bits[2];
        uint8_t uuid[16];
        char name[256];
    } core;
    uint32_t subdevices;
    char serial[64], board[64], brand[64], model[64], vendor[64], driver[64];
};
