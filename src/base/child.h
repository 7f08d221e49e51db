/* base/child.h - run another program: execve with an argument list, never a shell. A dead child is a fact with a signal name. */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;

struct child {
    const char *path;        /* the executable */
    const char *const *argv; /* NULL-terminated */
    struct str input;        /* written to its stdin, then closed */
    int file;         /* an open file that stays open in it, under the same number; 0: none */
    double timeout_s; /* hard: killed with SIGKILL past it */
    double memory_most_bytes; /* resident memory watched from outside every 50 ms; 0: not watched */
    bool (*line)(
        void *to,
        struct str
            line); /* each line of its stdout as it comes; false ends the child. May be NULL */
    void *to;
};

enum child_fate {
    CHILD_EXITED,
    CHILD_SIGNALLED,
    CHILD_TIMED_OUT,
    CHILD_OVER_MEMORY,
    CHILD_STOPPED /* line() said so */
};
struct child_end {
    enum child_fate fate;
    int status; /* exit status, or the signal's number */
    const char
        *sentence;   /* what happened, for people: "was killed by SIGILL (illegal instruction)" */
    struct str talk; /* the last 4 KiB of its stderr, made visible */
    double seconds, peak_bytes;
};

/* false only when the program could not be started (message in err). SIGINT and SIGTERM that reach us are passed on and waited for. */
bool child_run(const struct child *c, struct arena *a, struct child_end *out,
               struct mu_err *err) NODISCARD;
const char *child_signal_name(int number);  /* "SIGSEGV", "signal 64" */
const char *child_signal_words(int number); /* "invalid memory access"; "" when it has none */
/* First executable called `name` in the folders of a PATH-like list; NULL when none. */
const char *child_find(struct str path_list, const char *name, struct arena *a);
