/* face/cli/main.c - the program muster. The one place that reads argv, the environment and what kind of thing standard output is;
 * everything else is told. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "face/cli/cli.h"

/* Which standard streams were closed by the caller; a file opened later must not become one of them. */
static void keep_streams_taken(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", O_RDONLY); /* writing to it fails */
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int main(int argc, char **argv)
{
    keep_streams_taken();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error where it is written to */
    char program[PATH_MAX];
    char folder[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    const struct outside outside = {.argc = argc > 0 ? argc - 1 : 0,
                                    .argv = (const char *const *)argv + (argc > 0),
                                    .env = environment,
                                    .program = n > 0 ? program : NULL,
                                    .folder = getcwd(folder, sizeof folder) ? folder : ".",
                                    .terminal = isatty(STDOUT_FILENO),
                                    .columns = terminal_columns()};
    return cli_run(verbs, &outside);
}
