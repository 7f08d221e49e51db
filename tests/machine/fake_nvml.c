/* A libnvidia-ml.so.1 that answers from a text file, named in FAKE_NVML, as the NVML API reference says that the library does.
 *
 * By document: no machine was recorded for it. Every answer is what docs.nvidia.com/deploy/nvml-api states of the function; sizes,
 * UUIDs and addresses of the scenarios are made up, names and memory sizes those that the makers publish. Structs are declared here
 * once more, on purpose: the program's own are held against them. A line is a key and its value; "gpu" and "slice" begin a card and a
 * slice of it:
 *   driver TEXT / cuda N / count N / fail FUNCTION STATUS      of the library, or, after "gpu", of that card
 *   name TEXT / uuid TEXT / bus ADDRESS / id VENDOR:DEVICE / memory TOTAL USED RESERVED (MiB) / free MiB / compute MAJOR MINOR
 *   power mW / pcie GENERATION MOST LANES / processes N / mig 0|1 / addressing N / nvlink LINK ADDRESS|switch / endless
 * FAKE_OLD leaves the functions of slices and newer ones out, FAKE_BROKEN one that must be there. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { CARDS = 8, SLICES = 8, LINKS = 18, FAILS = 8, TEXT = 128 };
enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7, NO_DRIVER = 9 };

struct fails {
    char function[FAILS][TEXT];
    int status[FAILS], count;
};
struct card {
    char name[TEXT], uuid[TEXT], bus[32], link[LINKS][32];
    unsigned long long total, used, reserved, free;
    unsigned vendor, device, compute[2], power, pcie[3], processes, mig, addressing, slices;
    bool endless, has_free, has_memory, is_slice;
    struct fails fails;
    struct card *slice;
};
static struct {
    char driver[TEXT];
    int cuda, count;
    unsigned cards;
    struct card card[CARDS];
    struct fails fails;
} world;

struct memory {
    unsigned long long total, free, used;
};
struct memory_v2 {
    unsigned int version;
    unsigned long long total, reserved, free, used;
};
struct pci_info {
    char legacy[16];
    unsigned int domain, bus, device, device_id, subsystem_id;
    char id[32];
};
struct attributes {
    unsigned int counts[8];
    unsigned long long memory_mb;
};
struct addressing_mode {
    unsigned int version, value;
};

static int status_in(const struct fails *f, const char *function)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->function[i], function) == 0) return f->status[i];
    return OK;
}

static int status_of(const struct card *c, const char *function)
{
    const int status = status_in(&world.fails, function);
    return status ? status : status_in(&c->fails, function);
}

/* Answers with the status that the scenario sets for this function, if any. */
#define MAY_FAIL(card)                                   \
    do {                                                 \
        if (!(card)) return INVALID;                     \
        const int status_ = status_of((card), __func__); \
        if (status_) return status_;                     \
    } while (0)

static void read_fail(struct fails *f, const char *value)
{
    if (f->count < FAILS &&
        sscanf(value, "%127s %d", f->function[f->count], &f->status[f->count]) == 2)
        f->count++;
}

static void read_card(struct card *c, const char *key, const char *value)
{
    const unsigned long long mib = 1 << 20;
    unsigned link;
    char end[32];
    if (!strcmp(key, "name")) snprintf(c->name, sizeof c->name, "%s", value);
    if (!strcmp(key, "uuid")) snprintf(c->uuid, sizeof c->uuid, "%s", value);
    if (!strcmp(key, "bus")) snprintf(c->bus, sizeof c->bus, "%s", value);
    if (!strcmp(key, "id")) (void)sscanf(value, "%x:%x", &c->vendor, &c->device);
    if (!strcmp(key, "memory")) {
        c->has_memory = sscanf(value, "%llu %llu %llu", &c->total, &c->used, &c->reserved) >= 2;
        c->total *= mib;
        c->used *= mib;
        c->reserved *= mib;
    }
    if (!strcmp(key, "free")) {
        c->free = strtoull(value, NULL, 10) * mib;
        c->has_free = true;
    }
    if (!strcmp(key, "compute")) (void)sscanf(value, "%u %u", &c->compute[0], &c->compute[1]);
    if (!strcmp(key, "power")) (void)sscanf(value, "%u", &c->power);
    if (!strcmp(key, "pcie"))
        (void)sscanf(value, "%u %u %u", &c->pcie[0], &c->pcie[1], &c->pcie[2]);
    if (!strcmp(key, "processes")) (void)sscanf(value, "%u", &c->processes);
    if (!strcmp(key, "mig")) (void)sscanf(value, "%u", &c->mig);
    if (!strcmp(key, "addressing")) (void)sscanf(value, "%u", &c->addressing);
    if (!strcmp(key, "endless")) c->endless = true;
    if (!strcmp(key, "fail")) read_fail(&c->fails, value);
    if (!strcmp(key, "nvlink") && sscanf(value, "%u %31s", &link, end) == 2 && link < LINKS)
        snprintf(c->link[link], sizeof c->link[link], "%s", end);
}

static void read_line(struct card **at, char *line)
{
    char *value = strchr(line, ' ');
    if (value) *value++ = '\0';
    if (!strcmp(line, "gpu") && world.cards < CARDS) {
        *at = &world.card[world.cards++];
        (*at)->slice = calloc(SLICES, sizeof(struct card));
    } else if (!strcmp(line, "slice") && world.cards) {
        struct card *c = &world.card[world.cards - 1];
        if (c->slices < SLICES) *at = &c->slice[c->slices++];
        (*at)->is_slice = true;
    } else if (*at) {
        read_card(*at, line, value ? value : "");
    } else if (!strcmp(line, "driver")) {
        snprintf(world.driver, sizeof world.driver, "%s", value);
    } else if (!strcmp(line, "cuda")) {
        world.cuda = atoi(value);
    } else if (!strcmp(line, "count")) {
        world.count = atoi(value);
    } else if (!strcmp(line, "fail")) {
        read_fail(&world.fails, value);
    }
}

EXPORT int nvmlInit_v2(void);
int nvmlInit_v2(void)
{
    const char *path = getenv("FAKE_NVML");
    FILE *f = path ? fopen(path, "r") : NULL;
    char line[256];
    struct card *at = NULL;
    if (!f) return NO_DRIVER;
    memset(&world, 0, sizeof world);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && *line != '#') read_line(&at, line);
    }
    fclose(f);
    return status_in(&world.fails, "nvmlInit_v2");
}

EXPORT int nvmlShutdown(void);
int nvmlShutdown(void)
{
    for (unsigned i = 0; i < world.cards; i++) free(world.card[i].slice);
    world.cards = 0;
    return OK;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetCount_v2(unsigned *count)
{
    const int status = status_in(&world.fails, __func__);
    *count = world.count ? (unsigned)world.count : world.cards;
    return status;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct card **device);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct card **device)
{
    if (index >= world.cards) return INVALID;
    MAY_FAIL(&world.card[index]);
    *device = &world.card[index];
    return OK;
}

static int text(const char *from, char *to, unsigned room)
{
    if (!*from) return NOT_SUPPORTED;
    if (strlen(from) >= room) return SMALL;
    memcpy(to, from, strlen(from) + 1);
    return OK;
}

EXPORT int nvmlDeviceGetName(const struct card *c, char *name, unsigned room);
int nvmlDeviceGetName(const struct card *c, char *name, unsigned room)
{
    MAY_FAIL(c);
    if (c->endless) {
        memset(name, 'A', room);
        return OK;
    }
    return text(c->name, name, room);
}

#ifndef FAKE_BROKEN
EXPORT int nvmlDeviceGetMemoryInfo(const struct card *c, struct memory *out);
int nvmlDeviceGetMemoryInfo(const struct card *c, struct memory *out)
{
    MAY_FAIL(c);
    if (!c->has_memory) return NOT_SUPPORTED;
    const unsigned long long used = c->used + c->reserved;
    *out = (struct memory){c->total, c->has_free ? c->free : c->total - used, used};
    return OK;
}
#endif

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned room);
int nvmlSystemGetDriverVersion(char *version, unsigned room)
{
    return text(world.driver, version, room);
}

EXPORT int nvmlDeviceGetUUID(const struct card *c, char *uuid, unsigned room);
int nvmlDeviceGetUUID(const struct card *c, char *uuid, unsigned room)
{
    MAY_FAIL(c);
    return text(c->uuid, uuid, room);
}

EXPORT int nvmlDeviceGetPciInfo_v3(const struct card *c, struct pci_info *out);
int nvmlDeviceGetPciInfo_v3(const struct card *c, struct pci_info *out)
{
    MAY_FAIL(c);
    if (!*c->bus || c->is_slice) return NOT_SUPPORTED;
    memset(out, 0, sizeof *out);
    (void)sscanf(c->bus, "%x:%x:%x", &out->domain, &out->bus, &out->device);
    out->device_id = c->device << 16 | c->vendor;
    snprintf(out->id, sizeof out->id, "%s", c->bus);
    return OK;
}

EXPORT int nvmlDeviceGetCudaComputeCapability(const struct card *c, int *major, int *minor);
int nvmlDeviceGetCudaComputeCapability(const struct card *c, int *major, int *minor)
{
    MAY_FAIL(c);
    if (!c->compute[0]) return NOT_SUPPORTED;
    *major = (int)c->compute[0];
    *minor = (int)c->compute[1];
    return OK;
}

static int number(const struct card *c, unsigned value, unsigned *out)
{
    (void)c;
    if (!value) return NOT_SUPPORTED;
    *out = value;
    return OK;
}

EXPORT int nvmlDeviceGetPowerManagementLimit(const struct card *c, unsigned *out);
int nvmlDeviceGetPowerManagementLimit(const struct card *c, unsigned *out)
{
    MAY_FAIL(c);
    return number(c, c->power, out);
}

EXPORT int nvmlDeviceGetCurrPcieLinkGeneration(const struct card *c, unsigned *out);
int nvmlDeviceGetCurrPcieLinkGeneration(const struct card *c, unsigned *out)
{
    MAY_FAIL(c);
    return number(c, c->pcie[0], out);
}

EXPORT int nvmlDeviceGetMaxPcieLinkGeneration(const struct card *c, unsigned *out);
int nvmlDeviceGetMaxPcieLinkGeneration(const struct card *c, unsigned *out)
{
    MAY_FAIL(c);
    return number(c, c->pcie[1], out);
}

EXPORT int nvmlDeviceGetCurrPcieLinkWidth(const struct card *c, unsigned *out);
int nvmlDeviceGetCurrPcieLinkWidth(const struct card *c, unsigned *out)
{
    MAY_FAIL(c);
    return number(c, c->pcie[2], out);
}

static int processes(const struct card *c, unsigned *count)
{
    const bool room = *count >= c->processes;
    *count = c->processes;
    return room ? OK : SMALL;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses(const struct card *c, unsigned *count, void *list);
int nvmlDeviceGetComputeRunningProcesses(const struct card *c, unsigned *count, void *list)
{
    (void)list;
    MAY_FAIL(c);
    return processes(c, count);
}

#ifndef FAKE_OLD
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version);
int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = world.cuda;
    return world.cuda ? OK : NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(const struct card *c, struct memory_v2 *out);
int nvmlDeviceGetMemoryInfo_v2(const struct card *c, struct memory_v2 *out)
{
    MAY_FAIL(c);
    if (out->version != (sizeof *out | 2u << 24)) return 25;
    if (!c->has_memory) return NOT_SUPPORTED;
    *out = (struct memory_v2){out->version, c->total, c->reserved,
                              c->has_free ? c->free : c->total - c->used - c->reserved, c->used};
    return OK;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(const struct card *c, unsigned *count,
                                                   void *list);
int nvmlDeviceGetComputeRunningProcesses_v3(const struct card *c, unsigned *count, void *list)
{
    (void)list;
    MAY_FAIL(c);
    return processes(c, count);
}

EXPORT int nvmlDeviceGetMigMode(const struct card *c, unsigned *mode, unsigned *pending);
int nvmlDeviceGetMigMode(const struct card *c, unsigned *mode, unsigned *pending)
{
    MAY_FAIL(c);
    *mode = *pending = c->mig;
    return OK;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(const struct card *c, unsigned *count);
int nvmlDeviceGetMaxMigDeviceCount(const struct card *c, unsigned *count)
{
    MAY_FAIL(c);
    *count = c->mig ? 7 : 0;
    return OK;
}

/* Every other place is empty, as places are on a card whose slices were made and removed. */
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(const struct card *c, unsigned index,
                                               struct card **slice);
int nvmlDeviceGetMigDeviceHandleByIndex(const struct card *c, unsigned index, struct card **slice)
{
    MAY_FAIL(c);
    if (index % 2 || index / 2 >= c->slices) return NOT_FOUND;
    *slice = &c->slice[index / 2];
    return OK;
}

EXPORT int nvmlDeviceGetAttributes_v2(const struct card *c, struct attributes *out);
int nvmlDeviceGetAttributes_v2(const struct card *c, struct attributes *out)
{
    MAY_FAIL(c);
    if (!c->is_slice) return NOT_SUPPORTED;
    memset(out, 0, sizeof *out);
    out->memory_mb = c->total >> 20;
    return OK;
}

EXPORT int nvmlDeviceGetNvLinkState(const struct card *c, unsigned link, unsigned *on);
int nvmlDeviceGetNvLinkState(const struct card *c, unsigned link, unsigned *on)
{
    MAY_FAIL(c);
    if (link >= LINKS) return INVALID;
    *on = *c->link[link] != '\0';
    return OK;
}

EXPORT int nvmlDeviceGetNvLinkRemotePciInfo_v2(const struct card *c, unsigned link,
                                               struct pci_info *out);
int nvmlDeviceGetNvLinkRemotePciInfo_v2(const struct card *c, unsigned link, struct pci_info *out)
{
    MAY_FAIL(c);
    if (link >= LINKS || !*c->link[link]) return INVALID;
    memset(out, 0, sizeof *out);
    snprintf(out->id, sizeof out->id, "%s", c->link[link]);
    return OK;
}

EXPORT int nvmlDeviceGetNvLinkRemoteDeviceType(const struct card *c, unsigned link, unsigned *kind);
int nvmlDeviceGetNvLinkRemoteDeviceType(const struct card *c, unsigned link, unsigned *kind)
{
    MAY_FAIL(c);
    if (link >= LINKS || !*c->link[link]) return INVALID;
    *kind = strcmp(c->link[link], "switch") == 0 ? 2 : 0;
    return OK;
}

EXPORT int nvmlDeviceGetAddressingMode(const struct card *c, struct addressing_mode *out);
int nvmlDeviceGetAddressingMode(const struct card *c, struct addressing_mode *out)
{
    MAY_FAIL(c);
    if (out->version != (sizeof *out | 1u << 24)) return 25;
    out->value = c->addressing;
    return OK;
}
#endif
