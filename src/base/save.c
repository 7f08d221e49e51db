/* base/save.c - replaces a file in one step, so that a full disk, a signal or a kill leaves the old one whole.
 *
 * The text goes to a new file in the same folder, is forced to the disk, and takes the old one's place by rename(2). SIGINT, SIGTERM
 * and SIGHUP wait until that is over, so that they leave no temporary file behind; only SIGKILL and a power cut can. A name that
 * exists and is no regular file (/dev/stdout, a FIFO that somebody reads) is written to as it stands, with no signal held back. */
#include "base/save.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

static bool write_all(int fd, struct str text, const char *path, struct mu_err *err)
{
    while (text.n) {
        const ssize_t written = write(fd, text.p, text.n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return err_errno(err, "cannot write %s", path);
        text.p += written;
        text.n -= (size_t)written;
    }
    return true;
}

/* What cannot be created is said as such, whatever errno makes of it for inputs. */
static bool cannot_create(const char *path, struct mu_err *err)
{
    const int number = errno;
    char reason[128];
    const bool forbidden = number == EACCES || number == EPERM;
    return err_set(err, forbidden ? MU_PERMISSION : MU_CANTCREATE, "cannot create %s: %s", path,
                   strerror_r(number, reason, sizeof reason));
}

static bool write_in_place(const char *path, struct str text, struct mu_err *err)
{
    /* not waiting for a reader, who may never come; writing then waits as usual */
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENXIO)
        return err_set(err, MU_CANTCREATE,
                       "cannot write %s: it is a FIFO or device that nobody reads; remove it, or "
                       "start its reader first",
                       path);
    if (fd < 0) return cannot_create(path, err);
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    const bool done = write_all(fd, text, path, err);
    if (close(fd) && done) return err_errno(err, "cannot write %s", path);
    return done;
}

/* A new file beside `path`; its name is left in `name`. */
static int open_beside(const char *path, char *name, size_t room, mode_t mode)
{
    for (int i = 0; i < NAME_TRIES; i++) {
        const int n = snprintf(name, room, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        if (n < 0 || (size_t)n >= room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* A rename is on the disk only when its folder is. A file system that cannot sync a folder has done what it can. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder) return;
    memcpy(folder, n ? path : "", n);
    folder[n] = '\0';
    const int fd = open(n ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* old: the file replaced, NULL when there was none. */
static bool replace_now(const char *path, struct str text, const struct stat *old,
                        struct mu_err *err)
{
    char name[PATH_MAX];
    const int fd = open_beside(path, name, sizeof name, 0666);
    if (fd < 0) return cannot_create(path, err);
    if (!write_all(fd, text, path, err)) goto fail;
    if (old && fchmod(fd, old->st_mode & 07777)) {
        err_errno(err, "cannot give %s its mode back", path);
        goto fail;
    }
    if (fsync(fd)) {
        err_errno(err, "cannot bring %s to the disk", path);
        goto fail;
    }
    close(fd);
    if (rename(name, path)) {
        cannot_create(path, err);
        unlink(name);
        return false;
    }
    sync_folder(path);
    return true;
fail:
    close(fd);
    unlink(name);
    return false;
}

static bool replace(const char *path, struct str text, const struct stat *old, struct mu_err *err)
{
    sigset_t later;
    sigset_t before;
    sigemptyset(&later);
    sigaddset(&later, SIGINT);
    sigaddset(&later, SIGTERM);
    sigaddset(&later, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &later, &before);
    const bool done = replace_now(path, text, old, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

bool save_file(const char *path, struct str text, struct mu_err *err)
{
    struct stat st;
    if (stat(path, &st)) {
        if (errno != ENOENT) return cannot_create(path, err);
        return replace(path, text, NULL, err);
    }
    if (S_ISDIR(st.st_mode))
        return err_set(err, MU_CANTCREATE, "cannot write %s: it is a folder; name a file in it",
                       path);
    if (!S_ISREG(st.st_mode)) return write_in_place(path, text, err);
    char whole[PATH_MAX]; /* behind a symbolic link the file is replaced, not the link */
    if (!realpath(path, whole)) return cannot_create(path, err);
    return replace(whole, text, &st, err);
}

bool save_folders(const char *folder, struct mu_err *err)
{
    char part[PATH_MAX];
    const size_t n = strlen(folder);
    if (n >= sizeof part)
        return err_set(err, MU_CANTCREATE, "cannot create a folder: its path has %zu bytes", n);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && folder[i] != '/') continue;
        memcpy(part, folder, i);
        part[i] = '\0';
        if (mkdir(part, 0700) && errno != EEXIST) return cannot_create(part, err);
    }
    struct stat st;
    if (n && (stat(folder, &st) || !S_ISDIR(st.st_mode)))
        return err_set(err, MU_CANTCREATE, "cannot create %s: a file of that name is in the way",
                       folder);
    return true;
}
