/* measure/path.c - where muster-engine stands: the one given, beside the program, or in the installation's libexec. */
#include "measure/measure.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

static const char *const own_path = "/proc/self/exe";

/* The folder of the program; a bare name was found through PATH, so the kernel is asked. */
static const char *program_folder(const char *program, struct arena *a)
{
    char own[PATH_MAX];
    if (!program || !strchr(program, '/')) {
        const ssize_t n = readlink(own_path, own, sizeof(own) - 1);
        if (n <= 0) return NULL;
        own[n] = '\0';
        program = own;
    }
    const char *slash = strrchr(program, '/');
    return slash ? str_copy(a, (struct str){program, (size_t)(slash - program)}) : NULL;
}

const char *measure_engine_path(const char *program, const char *given, struct arena *a)
{
    if (given && *given) return str_copy(a, str_of(given));
    const char *folder = program_folder(program, a);
    static const char *const places[] = {"muster-engine", "../libexec/muster/muster-engine"};
    for (size_t i = 0; folder && i < COUNT_OF(places); i++) {
        const char *path = str_format(a, "%s/%s", folder, places[i]);
        if (access(path, X_OK) == 0) return path;
    }
    return NULL;
}
