/* base/progress.c - draws and wipes one line of talk on stderr. Silent when stderr is not a terminal, so that logs stay clean. */
#include "base/progress.h"

#include <stdio.h>
#include <unistd.h>

struct progress progress_start(bool wanted)
{
    return (struct progress){.on = wanted && isatty(STDERR_FILENO)};
}

void progress_show(struct progress *p, const char *what, double share)
{
    if (!p->on) return;
    if (share < 0)
        fprintf(stderr, "\r%s ...\x1b[K", what);
    else
        fprintf(stderr, "\r%s %3.0f %%\x1b[K", what, 100 * (share > 1 ? 1 : share));
    fflush(stderr);
    p->drawn = true;
}

void progress_end(struct progress *p)
{
    if (p->drawn) {
        fputs("\r\x1b[K", stderr);
        fflush(stderr);
    }
    p->drawn = false;
}
