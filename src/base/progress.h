/* base/progress.h - one line on stderr while something takes time, and only when stderr is a terminal. */
#pragma once
#include <stdbool.h>
struct progress {
    bool on, drawn;
};
struct progress progress_start(bool wanted); /* on when wanted and stderr is a terminal */
void progress_show(struct progress *p, const char *what,
                   double share);      /* share 0..1, negative: unknown */
void progress_end(struct progress *p); /* wipes the line */
