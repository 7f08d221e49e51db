/* base/signals.c - signals by name and in plain words, for sentences about programs that died.
 *
 * The names are POSIX's, the words ours. A signal without a name of its own (the real-time ones) goes by its number. */
#include "base/child.h"

#include <signal.h>

/* X(signal, what it means for the one who reads) */
#define SIGNALS(X)                          \
    X(SIGHUP, "its terminal went away")     \
    X(SIGINT, "interrupted")                \
    X(SIGQUIT, "asked to quit")             \
    X(SIGILL, "illegal instruction")        \
    X(SIGTRAP, "breakpoint")                \
    X(SIGABRT, "it gave up by itself")      \
    X(SIGBUS, "bus error")                  \
    X(SIGFPE, "arithmetic fault")           \
    X(SIGKILL, "killed from outside")       \
    X(SIGUSR1, "user signal 1")             \
    X(SIGSEGV, "invalid memory access")     \
    X(SIGUSR2, "user signal 2")             \
    X(SIGPIPE, "nobody read its output")    \
    X(SIGALRM, "alarm clock")               \
    X(SIGTERM, "asked to end")              \
    X(SIGCHLD, "a child of its own ended")  \
    X(SIGCONT, "told to go on")             \
    X(SIGSTOP, "stopped")                   \
    X(SIGTSTP, "stopped from its terminal") \
    X(SIGTTIN, "read from its terminal")    \
    X(SIGTTOU, "wrote to its terminal")     \
    X(SIGURG, "urgent data")                \
    X(SIGXCPU, "out of its CPU time")       \
    X(SIGXFSZ, "file too large")            \
    X(SIGVTALRM, "virtual alarm clock")     \
    X(SIGPROF, "profiling clock")           \
    X(SIGWINCH, "window resized")           \
    X(SIGIO, "input or output possible")    \
    X(SIGSYS, "forbidden system call")

struct row {
    int number;
    const char *name, *words;
};

static const struct row rows[] = {
#define SIGNAL_ROW(number, words) {number, #number, words},
    SIGNALS(SIGNAL_ROW)
#undef SIGNAL_ROW
};

#define N(number) "signal " #number
static const char *const numbered[] = {
    N(0),  N(1),  N(2),  N(3),  N(4),  N(5),  N(6),  N(7),  N(8),  N(9),  N(10), N(11), N(12),
    N(13), N(14), N(15), N(16), N(17), N(18), N(19), N(20), N(21), N(22), N(23), N(24), N(25),
    N(26), N(27), N(28), N(29), N(30), N(31), N(32), N(33), N(34), N(35), N(36), N(37), N(38),
    N(39), N(40), N(41), N(42), N(43), N(44), N(45), N(46), N(47), N(48), N(49), N(50), N(51),
    N(52), N(53), N(54), N(55), N(56), N(57), N(58), N(59), N(60), N(61), N(62), N(63), N(64),
};
#undef N

static const struct row *row_of(int number)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].number == number) return &rows[i];
    return NULL;
}

const char *child_signal_name(int number)
{
    const struct row *row = row_of(number);
    if (row) return row->name;
    const bool in_table = number >= 0 && (size_t)number < COUNT_OF(numbered);
    return in_table ? numbered[number] : "an unknown signal";
}

const char *child_signal_words(int number)
{
    const struct row *row = row_of(number);
    return row ? row->words : "";
}
