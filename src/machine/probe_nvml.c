/* machine/probe_nvml.c - NVIDIA's management library, found, opened and started.
 *
 * It comes with the driver, so that a machine without one lacks it. Under WSL 2 it stands in a folder that is often in no search path
 * (learn.microsoft.com/windows/wsl, "GPU accelerated"; the folder is where the host mounts its drivers). The words are those of the
 * return values in the NVML API reference. */
#include "machine/probe_nvml.h"
#include "base/arena.h"
#include "base/err.h"

#include <string.h>

static const char *const files[] = {"libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1",
                                    NULL};

static const struct symbol symbols[] = {
#define NVML_SYMBOL(need, symbol, pointer, parameters) \
    {#symbol, SYMBOL_##need, offsetof(struct nvml, pointer)},
    NVML_FUNCTIONS(NVML_SYMBOL)
#undef NVML_SYMBOL
};

static const struct {
    int status;
    const char *words;
} statuses[] = {
    {1, "not started"},
    {2, "invalid argument"},
    {NVML_NOT_SUPPORTED, "not supported"},
    {4, "no permission"},
    {NVML_NOT_FOUND, "not found"},
    {NVML_BUFFER_SMALL, "more than it was given room for"},
    {8, "the card's power cables are not attached"},
    {9, "its kernel driver is not loaded"},
    {10, "it took too long"},
    {11, "the kernel sees a fault of the card's interrupts"},
    {12, "a library of the driver is missing"},
    {13, "the driver lacks this function"},
    {14, "the card's own records are damaged"},
    {NVML_GPU_LOST, "the GPU is lost: it fell off the bus or is otherwise out of reach"},
    {16, "the GPU needs a reset"},
    {17, "the operating system or a cgroup has blocked the GPU"},
    {18, "library and kernel driver are of different versions; after an update of the driver "
         "the machine must be restarted"},
    {19, "the GPU is in use"},
    {20, "not enough memory"},
    {999, "an internal error of the driver"},
};

const char *nvml_words(struct arena *a, int status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].status == status) return statuses[i].words;
    return str_format(a, "error %d", status);
}

bool nvml_open(struct nvml *n, struct arena *a, struct mu_err *err)
{
    memset(n, 0, sizeof *n);
    if (!library_open(&n->library, files, symbols, COUNT_OF(symbols), n, err)) return false;
    const int status = n->init();
    if (status == NVML_OK) return true;
    (void)err_set(err, MU_UNAVAILABLE, "%s does not start: %s", n->library.name,
                  nvml_words(a, status));
    library_close(&n->library);
    return false;
}

void nvml_close(struct nvml *n)
{
    if (n->library.handle) (void)n->shutdown();
    library_close(&n->library);
}

const char *nvml_text(struct arena *a, const char *buffer, size_t room)
{
    const char *end = memchr(buffer, '\0', room);
    if (!end || end == buffer) return NULL;
    const struct str text = str_trim((struct str){buffer, (size_t)(end - buffer)});
    return text.n ? str_visible(a, text) : NULL;
}
