/* machine/rocm_smi.c - asks ROCm SMI, else AMD SMI, for the address, name and memory of each GPU.
 *
 * From the headers: rocm_smi.h (of release 5.2, in Debian 12, and of 6.x: rsmi_dev_pci_id_get, rsmi_dev_memory_total_get and _usage_get
 * with the kinds of memory VRAM 0 and GTT 2; the flag that keeps its locks within this process came with 5.3 and earlier ones pass over
 * it), and amdsmi.h (of 6.x: sockets, the processors of each, the same kinds of memory). Both number a device domain << 32 | bus << 8 |
 * device << 3 | function, with a partition's number between: of a card cut into partitions the first alone is kept. Only what is used
 * is declared. Every figure is checked: the libraries are other people's code. Neither is closed again: they keep threads and handlers
 * of the process's end. Left out: clocks, temperatures, links between cards; the name under AMD SMI, which lies in a struct that grew. */
#include "machine/rocm_smi.h"
#include "base/err.h"
#include "base/library.h"
#include "base/notes.h"

#include <math.h>
#include <string.h>

enum { SOCKETS_MOST = 64, KIND_OWN = 0, KIND_HOST = 2, RESULT_OK = 0 };
static const uint64_t locks_within = 0x400000000000000; /* RSMI_INIT_FLAG_THRAD_ONLY_MUTEX */
static const uint64_t gpus_only = 2;                    /* AMDSMI_INIT_AMD_GPUS */

typedef struct amd_smi_handle *handle_t;

struct rocm_functions {
    int (*init)(uint64_t flags);
    int (*count)(uint32_t *devices);
    int (*address)(uint32_t device, uint64_t *out);
    int (*total)(uint32_t device, int kind, uint64_t *bytes);
    int (*used)(uint32_t device, int kind, uint64_t *bytes);
    int (*name)(uint32_t device, char *out, size_t room);
};
static const struct symbol rocm_symbols[] = {
    {"rsmi_init", SYMBOL_MUST, offsetof(struct rocm_functions, init)},
    {"rsmi_num_monitor_devices", SYMBOL_MUST, offsetof(struct rocm_functions, count)},
    {"rsmi_dev_pci_id_get", SYMBOL_MUST, offsetof(struct rocm_functions, address)},
    {"rsmi_dev_memory_total_get", SYMBOL_MUST, offsetof(struct rocm_functions, total)},
    {"rsmi_dev_memory_usage_get", SYMBOL_MAY, offsetof(struct rocm_functions, used)},
    {"rsmi_dev_name_get", SYMBOL_MAY, offsetof(struct rocm_functions, name)},
};

struct amd_functions {
    int (*init)(uint64_t flags);
    int (*sockets)(uint32_t *count, handle_t *socket);
    int (*processors)(handle_t socket, uint32_t *count, handle_t *processor);
    int (*address)(handle_t processor, uint64_t *out);
    int (*total)(handle_t processor, int kind, uint64_t *bytes);
    int (*used)(handle_t processor, int kind, uint64_t *bytes);
};
static const struct symbol amd_symbols[] = {
    {"amdsmi_init", SYMBOL_MUST, offsetof(struct amd_functions, init)},
    {"amdsmi_get_socket_handles", SYMBOL_MUST, offsetof(struct amd_functions, sockets)},
    {"amdsmi_get_processor_handles", SYMBOL_MUST, offsetof(struct amd_functions, processors)},
    {"amdsmi_get_gpu_bdf_id", SYMBOL_MUST, offsetof(struct amd_functions, address)},
    {"amdsmi_get_gpu_memory_total", SYMBOL_MUST, offsetof(struct amd_functions, total)},
    {"amdsmi_get_gpu_memory_usage", SYMBOL_MAY, offsetof(struct amd_functions, used)},
};

static const char *const words[ROCM_SMI_WAYS] = {"ROCm SMI", "AMD SMI"};

/* Bits 16 to 31 are a partition's number, and reserved. */
static bool place_of(uint64_t id, uint64_t *address)
{
    if (id & 0xffff0000) return false;
    *address = id >> 32 << 16 | (id & 0xffff);
    return true;
}

static double figure(int status, uint64_t bytes)
{
    return status == RESULT_OK && bytes <= (uint64_t)1 << 53 ? (double)bytes : (double)NAN;
}

/* More used than there is: neither is believed to be in use. */
static void checked(struct rocm_smi_device *d)
{
    if (!(d->memory_bytes > 0)) d->memory_bytes = (double)NAN;
    if (!(d->shared_bytes > 0)) d->shared_bytes = (double)NAN;
    if (!(d->used_bytes <= d->memory_bytes)) d->used_bytes = (double)NAN;
    if (!(d->shared_used_bytes <= d->shared_bytes)) d->shared_used_bytes = (double)NAN;
}

/* ---- ROCm SMI: devices by number ---- */

static double rocm_total(const struct rocm_functions *f, uint32_t device, int kind)
{
    uint64_t bytes = UINT64_MAX;
    const int status = f->total(device, kind, &bytes);
    return figure(status, bytes);
}

static double rocm_used(const struct rocm_functions *f, uint32_t device, int kind)
{
    uint64_t bytes = UINT64_MAX;
    if (!f->used) return (double)NAN;
    const int status = f->used(device, kind, &bytes);
    return figure(status, bytes);
}

static bool rocm_device(const struct rocm_functions *f, uint32_t device,
                        struct rocm_smi_device *out)
{
    uint64_t id = UINT64_MAX;
    *out = (struct rocm_smi_device){.source = words[ROCM_SMI]};
    if (f->address(device, &id) != RESULT_OK || !place_of(id, &out->pci_address)) return false;
    char name[ROCM_SMI_NAME] = "";
    if (f->name && f->name(device, name, sizeof name) == RESULT_OK &&
        memchr(name, '\0', sizeof name))
        memcpy(out->name, name, sizeof name);
    out->memory_bytes = rocm_total(f, device, KIND_OWN);
    out->used_bytes = rocm_used(f, device, KIND_OWN);
    out->shared_bytes = rocm_total(f, device, KIND_HOST);
    out->shared_used_bytes = rocm_used(f, device, KIND_HOST);
    checked(out);
    return true;
}

static size_t rocm_asked(const struct rocm_functions *f, struct rocm_smi_device *out, size_t most,
                         struct notes *notes)
{
    uint32_t devices = 0;
    size_t found = 0;
    int status = f->init(locks_within);
    if (status == RESULT_OK) status = f->count(&devices);
    if (status != RESULT_OK || devices > ROCM_SMI_MOST) {
        note_add(notes, "%s is installed but lists no GPUs (code %d)", words[ROCM_SMI], status);
        return 0;
    }
    for (uint32_t i = 0; i < devices && found < most; i++)
        if (rocm_device(f, i, &out[found])) found++;
    return found;
}

/* ---- AMD SMI: processors on sockets ---- */

static double amd_total(const struct amd_functions *f, handle_t processor, int kind)
{
    uint64_t bytes = UINT64_MAX;
    const int status = f->total(processor, kind, &bytes);
    return figure(status, bytes);
}

static double amd_used(const struct amd_functions *f, handle_t processor, int kind)
{
    uint64_t bytes = UINT64_MAX;
    if (!f->used) return (double)NAN;
    const int status = f->used(processor, kind, &bytes);
    return figure(status, bytes);
}

static bool amd_device(const struct amd_functions *f, handle_t processor,
                       struct rocm_smi_device *out)
{
    uint64_t id = UINT64_MAX;
    *out = (struct rocm_smi_device){.source = words[AMD_SMI]};
    if (f->address(processor, &id) != RESULT_OK || !place_of(id, &out->pci_address)) return false;
    out->memory_bytes = amd_total(f, processor, KIND_OWN);
    out->used_bytes = amd_used(f, processor, KIND_OWN);
    out->shared_bytes = amd_total(f, processor, KIND_HOST);
    out->shared_used_bytes = amd_used(f, processor, KIND_HOST);
    checked(out);
    return true;
}

static size_t amd_asked(const struct amd_functions *f, struct rocm_smi_device *out, size_t most,
                        struct notes *notes)
{
    handle_t socket[SOCKETS_MOST] = {NULL};
    uint32_t sockets = SOCKETS_MOST;
    size_t found = 0;
    int status = f->init(gpus_only);
    if (status == RESULT_OK) status = f->sockets(&sockets, socket);
    if (status != RESULT_OK || sockets > SOCKETS_MOST) {
        note_add(notes, "%s is installed but lists no GPUs (code %d)", words[AMD_SMI], status);
        return 0;
    }
    for (uint32_t i = 0; i < sockets; i++) {
        handle_t processor[ROCM_SMI_MOST] = {NULL};
        uint32_t processors = ROCM_SMI_MOST;
        if (f->processors(socket[i], &processors, processor) != RESULT_OK ||
            processors > ROCM_SMI_MOST)
            continue;
        for (uint32_t k = 0; k < processors && found < most; k++)
            if (amd_device(f, processor[k], &out[found])) found++;
    }
    return found;
}

/* ---- both ---- */

static size_t ask(const char *const *names, enum rocm_smi_way way, struct rocm_smi_device *out,
                  size_t most, struct notes *notes)
{
    struct library lib;
    struct rocm_functions rocm;
    struct amd_functions amd;
    struct mu_err err = {.code = MU_OK};
    const bool opened = way == ROCM_SMI
                            ? library_open(&lib, names, rocm_symbols,
                                           sizeof rocm_symbols / sizeof *rocm_symbols, &rocm, &err)
                            : library_open(&lib, names, amd_symbols,
                                           sizeof amd_symbols / sizeof *amd_symbols, &amd, &err);
    if (opened)
        return way == ROCM_SMI ? rocm_asked(&rocm, out, most, notes)
                               : amd_asked(&amd, out, most, notes);
    if (err.code != MU_NOINPUT) note_add(notes, "%s was not asked: %s", words[way], err.text);
    return 0;
}

size_t rocm_smi_ask_file(const char *library, enum rocm_smi_way way, struct rocm_smi_device *out,
                         size_t most, struct notes *notes)
{
    const char *const names[] = {library, NULL};
    return ask(names, way, out, most, notes);
}

size_t rocm_smi_ask(struct rocm_smi_device *out, size_t most, struct notes *notes)
{
    static const char *const rocm[] = {"librocm_smi64.so.1", "librocm_smi64.so.7",
                                       "/opt/rocm/lib/librocm_smi64.so.1",
                                       "/opt/rocm/lib/librocm_smi64.so.7", NULL};
    static const char *const amd[] = {"libamd_smi.so", "/opt/rocm/lib/libamd_smi.so", NULL};
    const size_t devices = ask(rocm, ROCM_SMI, out, most, notes);
    return devices ? devices : ask(amd, AMD_SMI, out, most, notes);
}
