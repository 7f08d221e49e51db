/* tests/engine/old_filesystem.c - preloaded under the engine: a file system that knows neither nameless files nor direct input and
 * output, as some network ones, so that both ways round are taken. */
/* With 64-bit offsets asked for, the headers would make open another name for open64. */
#undef _FILE_OFFSET_BITS
#pragma GCC visibility push(default)
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

typedef int opener(const char *path, int flags, ...);
typedef int controller(int fd, int command, ...);

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static int old_open(const char *path, int flags, unsigned mode)
{
    opener *real;
    void *found = next("open64");
    memcpy(&real, &found, sizeof(real));
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return real(path, flags, mode);
}

static int old_fcntl(int fd, int command, long value)
{
    controller *real;
    void *found = next("fcntl64");
    memcpy(&real, &found, sizeof(real));
    if (command == F_SETFL && (value & O_DIRECT)) {
        errno = EINVAL;
        return -1;
    }
    return real(fd, command, value);
}

/* Reading an argument that wasn't passed gives rubbish nobody looks at. */
#define LAST_ARGUMENT(type, after, out) \
    do {                                \
        va_list list;                   \
        va_start(list, after);          \
        (out) = va_arg(list, type);     \
        va_end(list);                   \
    } while (0)

int open(const char *path, int flags, ...)
{
    unsigned mode;
    LAST_ARGUMENT(unsigned, flags, mode);
    return old_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    unsigned mode;
    LAST_ARGUMENT(unsigned, flags, mode);
    return old_open(path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
    long value;
    LAST_ARGUMENT(long, command, value);
    return old_fcntl(fd, command, value);
}

int fcntl64(int fd, int command, ...)
{
    long value;
    LAST_ARGUMENT(long, command, value);
    return old_fcntl(fd, command, value);
}
