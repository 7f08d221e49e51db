/* machine/probe_nvml.h - the part of NVIDIA's management library (NVML) that muster asks, by dlopen: types, constants, functions.
 *
 * Written by hand from the NVML API reference, docs.nvidia.com/deploy/nvml-api (return values; structs nvmlMemory_t, nvmlMemory_v2_t,
 * nvmlPciInfo_t, nvmlDeviceAttributes_t, nvmlDeviceAddressingMode_t), looked up 2026-11; the names are ours. Of what a function fills,
 * every text is bounded here and every size checked by the caller: a library may be anything that goes by the name. */
#pragma once
#include "base/library.h"
#include "base/str.h"

struct arena;
struct mu_err;

enum nvml_status {
    NVML_OK = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_NOT_FOUND = 6,
    NVML_BUFFER_SMALL = 7,
    NVML_GPU_LOST = 15,
};
/* "not supported", "the GPU is lost"; "error 123" of one that the reference has not. */
const char *nvml_words(struct arena *a, int status);

enum {
    NVML_TEXT_BYTES = 96, /* enough for a name, a UUID or a version */
    NVML_LINKS_MOST = 18, /* NVLinks of one card */
    NVML_SWITCH = 2,      /* kind of a link's far end; 0 is another GPU */
    NVML_ON = 1,          /* of MIG and of a link */
    NVML_ATS = 2,         /* addressing mode: the host's page tables */
};

struct nvml_memory {
    unsigned long long total, free, used;
};
struct nvml_memory2 {
    unsigned version; /* NVML_VERSIONED(this, 2) before the call */
    unsigned long long total, reserved, free, used;
};
struct nvml_pci {
    char short_id[16];
    unsigned domain, bus, device, ids,
        subsystem; /* ids: device in the high half, vendor in the low */
    char id[32];
};
struct nvml_attributes {
    unsigned multiprocessors, copy_engines, decoders, encoders, jpegs, flows, slices,
        compute_slices;
    unsigned long long memory_mib;
};
struct nvml_addressing {
    unsigned version, mode;
};
#define NVML_VERSIONED(type, number) ((unsigned)(sizeof(type) | (number) << 24))

typedef struct nvml_device_handle *nvml_device;

/* X(need, symbol, pointer, parameters). Functions without a device first. */
#define NVML_FUNCTIONS(X)                                                                          \
    X(MUST, nvmlInit_v2, init, (void))                                                             \
    X(MUST, nvmlShutdown, shutdown, (void))                                                        \
    X(MUST, nvmlDeviceGetCount_v2, count, (unsigned *))                                            \
    X(MUST, nvmlDeviceGetHandleByIndex_v2, by_index, (unsigned, nvml_device *))                    \
    X(MUST, nvmlDeviceGetName, name, (nvml_device, char *, unsigned))                              \
    X(MUST, nvmlDeviceGetMemoryInfo, memory, (nvml_device, struct nvml_memory *))                  \
    X(MAY, nvmlDeviceGetMemoryInfo_v2, memory2, (nvml_device, struct nvml_memory2 *))              \
    X(MAY, nvmlSystemGetDriverVersion, driver, (char *, unsigned))                                 \
    X(MAY, nvmlSystemGetCudaDriverVersion_v2, cuda, (int *))                                       \
    X(MAY, nvmlDeviceGetUUID, uuid, (nvml_device, char *, unsigned))                               \
    X(MAY, nvmlDeviceGetPciInfo_v3, pci, (nvml_device, struct nvml_pci *))                         \
    X(MAY, nvmlDeviceGetCudaComputeCapability, compute, (nvml_device, int *, int *))               \
    X(MAY, nvmlDeviceGetMigMode, mig, (nvml_device, unsigned *, unsigned *))                       \
    X(MAY, nvmlDeviceGetMaxMigDeviceCount, slots, (nvml_device, unsigned *))                       \
    X(MAY, nvmlDeviceGetMigDeviceHandleByIndex, slice, (nvml_device, unsigned, nvml_device *))     \
    X(MAY, nvmlDeviceGetAttributes_v2, attributes, (nvml_device, struct nvml_attributes *))        \
    X(MAY, nvmlDeviceGetPowerManagementLimit, power, (nvml_device, unsigned *))                    \
    X(MAY, nvmlDeviceGetMaxPcieLinkGeneration, generation_most, (nvml_device, unsigned *))         \
    X(MAY, nvmlDeviceGetCurrPcieLinkGeneration, generation, (nvml_device, unsigned *))             \
    X(MAY, nvmlDeviceGetCurrPcieLinkWidth, lanes, (nvml_device, unsigned *))                       \
    X(MAY, nvmlDeviceGetNvLinkState, link, (nvml_device, unsigned, unsigned *))                    \
    X(MAY, nvmlDeviceGetNvLinkRemotePciInfo_v2, link_end,                                          \
      (nvml_device, unsigned, struct nvml_pci *))                                                  \
    X(MAY, nvmlDeviceGetNvLinkRemoteDeviceType, link_kind, (nvml_device, unsigned, unsigned *))    \
    X(MAY, nvmlDeviceGetComputeRunningProcesses_v3, processes, (nvml_device, unsigned *, void *))  \
    X(MAY, nvmlDeviceGetComputeRunningProcesses, processes_old, (nvml_device, unsigned *, void *)) \
    X(MAY, nvmlDeviceGetAddressingMode, addressing, (nvml_device, struct nvml_addressing *))

struct nvml {
    struct library library;
/* NOLINTBEGIN(bugprone-macro-parentheses): a declaration's parts can't stand in parentheses */
#define NVML_POINTER(need, symbol, pointer, parameters) int(*pointer) parameters;
    NVML_FUNCTIONS(NVML_POINTER)
#undef NVML_POINTER
    /* NOLINTEND(bugprone-macro-parentheses) */
};

/* Opens and starts it. False with one reason, MU_NOINPUT when there is none; nothing is left open then. */
bool nvml_open(struct nvml *n, struct arena *a, struct mu_err *err) NODISCARD;
void nvml_close(struct nvml *n);
/* What a function wrote into its buffer, made fit to show; NULL when it is empty or has no end within the buffer. */
const char *nvml_text(struct arena *a, const char *buffer, size_t room);
