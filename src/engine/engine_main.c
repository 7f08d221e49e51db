/* engine/engine_main.c - `muster-engine TEST`: measures one thing of this machine and says it in JSON lines.
 *
 * A program of its own, so that a crash of a numeric library, an illegal instruction or a hang is a fact about a child and nothing
 * more. It is meant to be run by muster (measure/measure.c); by hand: echo '{"threads": 2, "bytes": 4e8, "seconds": 1}' |
 * muster-engine memory. --no-amx keeps llama.cpp from matrix tiles that don't work here. Errors are one line on stderr and an exit status of sysexits(3). */
#include "engine/amx_block.h"
#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { REQUEST_MOST_BYTES = 64 << 10 };

static bool stdin_text(struct arena *a, struct str *out, struct mu_err *err)
{
    char *p = arena_alloc(a, REQUEST_MOST_BYTES + 1);
    size_t n = 0;
    while (n <= REQUEST_MOST_BYTES) {
        const ssize_t got = read(STDIN_FILENO, p + n, REQUEST_MOST_BYTES + 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_errno(err, "reading the request from stdin");
        if (got == 0) break;
        n += (size_t)got;
    }
    if (n > REQUEST_MOST_BYTES)
        return err_set(err, MU_DATA, "the request on stdin is over %d bytes", REQUEST_MOST_BYTES);
    *out = (struct str){p, n};
    return true;
}

static const struct engine_test *test_of(const char *name)
{
    for (size_t i = 0; name && engine_tests[i]; i++)
        if (strcmp(engine_tests[i]->name, name) == 0) return engine_tests[i];
    return NULL;
}

static void usage(FILE *to)
{
    fputs("usage: muster-engine TEST [--no-amx] < request.json\n", to);
    for (size_t i = 0; engine_tests[i]; i++)
        fprintf(to, "  %-8s %s\n", engine_tests[i]->name, engine_tests[i]->words);
}

static bool answer(const struct engine_test *test, bool amx, struct arena *a, struct mu_err *err)
{
    struct str text = {0};
    struct asked in = {0};
    const bool good = (amx || amx_block(err)) && stdin_text(a, &text, err) &&
                      asked_read(text, a, &in, err) && test->run(&in, err);
    asked_free(&in);
    return good;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("muster-engine " MUSTER_VERSION);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    const bool no_amx = argc == 3 && strcmp(argv[2], "--no-amx") == 0;
    const struct engine_test *test = argc == 2 || no_amx ? test_of(argv[1]) : NULL;
    if (!test) {
        usage(stderr);
        return err_exit_status(MU_USAGE);
    }
    /* A measurement nobody waits for must not go on using the machine. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {0};
    const bool good = answer(test, !no_amx, a, &err);
    if (!good) fprintf(stderr, "%s\n", err.text);
    arena_free(a);
    return good ? 0 : err_exit_status(err.code);
}
