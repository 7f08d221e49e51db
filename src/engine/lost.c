/* engine/lost.c - what llama.cpp does when a device is gone is abort: from the middle of a call, maybe on a thread of its own. A driver may
 * also never return. Neither can be caught as an error, so the process says its sentence and ends there, with what is safe in a signal
 * handler alone. */
#include "engine/lost.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ggml.h>

#include "base/err.h"

enum { WORDS_BYTES = 256, TEXT_BYTES = 512 };
static char silent[WORDS_BYTES], aborted[WORDS_BYTES];
static unsigned patience;
static int status;

static void end(const char *words, size_t n)
{
    const ssize_t written = write(STDERR_FILENO, words, n);
    (void)written;
    _exit(status);
}

static void on_signal(int number)
{
    const char *words = number == SIGALRM ? silent : aborted;
    end(words, strlen(words));
}

/* "FILE:LINE: words" */
static void on_abort(const char *message)
{
    char text[TEXT_BYTES];
    const char *words = strstr(message, ": ");
    words = words ? words + 2 : message;
    const int n = snprintf(text, sizeof text, "%.*s: %.*s\n", (int)strcspn(aborted, "\n"), aborted,
                           (int)strcspn(words, "\n"), words);
    end(text, n < TEXT_BYTES ? (size_t)n : TEXT_BYTES - 1);
}

void lost_watch(const char *device, unsigned patience_s)
{
    enum { NAME_MOST = 64 };
    snprintf(silent, sizeof silent, "%.*s did not answer for %u s\n", NAME_MOST, device,
             patience_s);
    snprintf(aborted, sizeof aborted, "%.*s is lost: llama.cpp gave up\n", NAME_MOST, device);
    patience = patience_s;
    status = err_exit_status(MU_UNAVAILABLE);
    ggml_set_abort_callback(on_abort);
    signal(SIGPIPE, SIG_IGN); /* a server that is gone: the call itself fails, and says what did */
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    lost_not();
}

void lost_not(void)
{
    alarm(patience);
}
