/* face/cli/output.c - writes the answer and says what failed. Standard output is written straight through, so that a full disk or a
 * closed pipe is seen here and not after the exit status was chosen. */
#include "face/cli/output.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/save.h"

/* A message has at most 1 KiB, and each of its bytes becomes at most four characters. */
enum { MESSAGE_MOST = 8192 };

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        const ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text = (struct str){text.p + n, text.n - (size_t)n};
    }
    return true;
}

bool output_write(const char *path, struct str text, struct mu_err *err)
{
    if (path && !str_is(str_of(path), "-")) return save_file(path, text, err);
    if (write_all(STDOUT_FILENO, text)) return true;
    if (errno == EPIPE) return err_set(err, MU_IO, "%s", "");
    err_errno(err, "cannot write to standard output");
    err->code = MU_IO;
    return false;
}

int output_failure(const struct mu_err *err)
{
    if (*err->text) {
        struct buf b;
        buf_init(&b, MESSAGE_MOST);
        buf_add(&b, S("muster: "));
        buf_visible(&b, str_of(err->text));
        buf_char(&b, '\n');
        (void)write_all(STDERR_FILENO, buf_text(&b));
        buf_release(&b);
    }
    return err_exit_status(err->code);
}
