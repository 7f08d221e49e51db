/* base/clock.c - the two clocks: one that only goes forward, for durations, and the wall's, for stamps people read. */
#include "base/clock.h"
#include "base/str.h"

#include <time.h>

double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *clock_stamp(struct arena *a)
{
    const time_t now = time(NULL);
    struct tm parts;
    char text[64];
    if (!localtime_r(&now, &parts) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts))
        return "";
    return str_copy(a, str_of(text));
}
