/* face/cli/cli.h - the command line: words in, an answer out. */
#pragma once
#include "verb/verb.h"

/* What main() read of the outside, once. */
struct outside {
    int argc;
    const char *const *argv; /* without the program's name */
    const char *(*env)(const char *name);
    const char *program, *folder;
    bool terminal; /* standard output is one */
    int columns;   /* of it; 0 when not known */
};
/* Everything that one invocation does; returns the exit status. table: NULL-terminated, its first verb is the usual one. */
int cli_run(const struct verb *const *table, const struct outside *outside);
