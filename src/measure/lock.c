/* measure/lock.c - a lock file in the state folder, held with flock(2) while the engine runs.
 *
 * The kernel lets go of it when the holder dies, so a kill leaves nothing to clear up. The file stays (removing it would let a third
 * one in). Other users of the machine have other state folders: they show in the conditions of the rates. */
#include "measure/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/progress.h"
#include "base/save.h"
#include "measure/measure.h"

static const double usual_wait_s = 10, poll_s = 0.05;

/* The lock, or -1: then *other says whether somebody else has it, and a note why nothing could be locked. */
static int take(const struct measuring *in, bool *other)
{
    *other = false;
    if (!in->state_folder) return -1;
    struct mu_err err = {0};
    if (!save_folders(in->state_folder, &err)) {
        note_add(in->notes, "measured without a lock: %s", err.text);
        return -1;
    }
    const char *path = str_format(in->arena, "%s/measure.lock", in->state_folder);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        note_add(in->notes, "measured without a lock: %s: %s", path, strerror(errno));
        return -1;
    }
    const double wait_s = in->lock_wait_s > 0 ? in->lock_wait_s : usual_wait_s;
    const double start_s = clock_s();
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || clock_s() - start_s > wait_s) {
            *other = true;
            close(fd);
            return -1;
        }
        if (in->progress) progress_show(in->progress, "waiting for another measurement", -1);
        const struct timespec nap = {0, (long)(poll_s * 1e9)};
        nanosleep(&nap, NULL);
    }
    return fd;
}

int measure_lock(const struct measuring *in)
{
    bool other;
    const int lock = take(in, &other);
    if (other)
        note_add(in->notes, "measured while another muster was measuring: the two share the "
                            "cores, so the rates may be low");
    return lock;
}

bool measure_lock_alone(const struct measuring *in, int *lock, struct mu_err *err)
{
    bool other;
    *lock = take(in, &other);
    return !other || err_set(err, MU_UNAVAILABLE,
                             "another muster is measuring on this machine and has not ended for "
                             "%.0f s: try again when it has",
                             in->lock_wait_s > 0 ? in->lock_wait_s : usual_wait_s);
}

void measure_unlock(int lock)
{
    if (lock >= 0) close(lock);
}
