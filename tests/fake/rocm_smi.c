/* tests/fake/rocm_smi.c - a stand-in for librocm_smi64.so.1 and libamd_smi.so, by document: rocm_smi.h of release 5.2 and amdsmi.h of 6.x.
 *
 * No such device was recorded. FAKE_ROCM_SMI in the environment says how it behaves: "card" (a card of 24 GiB with 3 GiB used at
 * 0000:03:00.0 and a processor's GPU with 512 MiB of its own and 15 GiB of the host's at 0000:13:00.0), "parts" (a card cut in two),
 * "mute" (it does not start), "many", "liar", "huge", "greedy", "unnamed" (counts, ids and figures that cannot be), "wordless" (what is
 * used is not said). Built with MUST_ONLY it has only the functions without which it is of no use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OK, INVALID, NOT_SUPPORTED, INIT_ERROR = 8 };
enum { OWN, VISIBLE, HOST };
#define GIB ((uint64_t)1 << 30)

static int is(const char *how)
{
    const char *said = getenv("FAKE_ROCM_SMI");
    return said && strcmp(said, how) == 0;
}

static int identity(uint32_t device, uint64_t *id)
{
    if (device > 1 || !id) return INVALID;
    *id = device ? 0x1300 : 0x300;
    if (is("parts")) *id = (uint64_t)1 << 32 | (uint64_t)device << 28 | 0x300;
    if (is("liar")) *id = UINT64_MAX;
    return OK;
}

static int memory(uint32_t device, int kind, uint64_t *bytes, int used)
{
    static const uint64_t total[2][3] = {{24 * GIB, 24 * GIB, 31 * GIB},
                                         {GIB / 2, GIB / 2, 15 * GIB}};
    static const uint64_t taken[2][3] = {{3 * GIB, GIB, GIB / 4}, {GIB / 4, GIB / 4, GIB}};
    if (device > 1 || kind < OWN || kind > HOST || !bytes) return INVALID;
    if (is("wordless") && used) return NOT_SUPPORTED;
    *bytes = used ? taken[device][kind] : total[device][kind];
    if (is("huge")) *bytes = UINT64_MAX;
    if (is("greedy") && used) *bytes = 25 * GIB;
    return OK;
}

EXPORT int rsmi_init(uint64_t flags)
{
    (void)flags;
    return is("mute") ? INIT_ERROR : OK;
}

EXPORT int rsmi_num_monitor_devices(uint32_t *devices)
{
    *devices = is("many") ? 4000000000U : 2;
    return OK;
}

EXPORT int rsmi_dev_pci_id_get(uint32_t device, uint64_t *id)
{
    return identity(device, id);
}

EXPORT int rsmi_dev_memory_total_get(uint32_t device, int kind, uint64_t *bytes)
{
    return memory(device, kind, bytes, 0);
}

#ifndef MUST_ONLY
EXPORT int rsmi_dev_memory_usage_get(uint32_t device, int kind, uint64_t *bytes)
{
    return memory(device, kind, bytes, 1);
}
#endif

#ifndef MUST_ONLY
EXPORT int rsmi_dev_name_get(uint32_t device, char *name, size_t room)
{
    static const char *const names[] = {"Radeon RX 7900 XTX", "AMD Radeon Graphics"};
    if (device > 1) return INVALID;
    if (is("unnamed"))
        memset(name, 'x', room); /* no NUL at its end */
    else
        strncpy(name, names[device], room);
    return OK;
}
#endif

static char handles[3];

EXPORT int amdsmi_init(uint64_t flags)
{
    if (!(flags & 2)) return INVALID;
    return is("mute") ? INIT_ERROR : OK;
}

EXPORT int amdsmi_get_socket_handles(uint32_t *count, void **socket)
{
    if (*count) socket[0] = &handles[2];
    *count = is("many") ? 4000000000U : 1;
    return OK;
}

EXPORT int amdsmi_get_processor_handles(const void *socket, uint32_t *count, void **processor)
{
    if (socket != &handles[2]) return INVALID;
    for (uint32_t i = 0; i < 2 && i < *count; i++) processor[i] = &handles[i];
    *count = 2;
    return OK;
}

EXPORT int amdsmi_get_gpu_bdf_id(const char *processor, uint64_t *id)
{
    return identity((uint32_t)(processor - handles), id);
}

EXPORT int amdsmi_get_gpu_memory_total(const char *processor, int kind, uint64_t *bytes)
{
    return memory((uint32_t)(processor - handles), kind, bytes, 0);
}

#ifndef MUST_ONLY
EXPORT int amdsmi_get_gpu_memory_usage(const char *processor, int kind, uint64_t *bytes)
{
    return memory((uint32_t)(processor - handles), kind, bytes, 1);
}
#endif
