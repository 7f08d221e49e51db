/* tests/engine/trapping_tiles.c - preloaded into the engine: a hypervisor that lists AMX and traps it. Linux grants the registers, and then
 * the first use dies; here it dies as soon as they are granted. */
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dlfcn.h>

#define EXPORTED __attribute__((visibility("default")))
enum { REQUEST_PERMISSION = 0x1023 };

EXPORTED long syscall(long number, ...)
{
    long given[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) given[i] = va_arg(list, long);
    va_end(list);
    union {
        void *object;
        long (*function)(long, ...);
    } next = {dlsym(RTLD_NEXT, "syscall")};
    const long result =
        next.function(number, given[0], given[1], given[2], given[3], given[4], given[5]);
#ifdef SYS_arch_prctl
    if (number == SYS_arch_prctl && given[0] == REQUEST_PERMISSION && result == 0) raise(SIGILL);
#endif
    return result;
}
