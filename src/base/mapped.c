/* base/mapped.c - an input file as bytes in memory: opened read-only, mapped privately, read by the kernel as pages are touched.
 *
 * Only regular files, opened without blocking, so that a FIFO named by mistake cannot hang the program. A file that somebody cuts
 * short while it is mapped kills the reader (SIGBUS); that is left to the system. */
#include "base/mapped.h"
#include "base/err.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool regular(int fd, const char *path, struct stat *st, struct mu_err *err)
{
    if (fstat(fd, st)) return err_errno(err, "cannot look at %s", path);
    if (S_ISDIR(st->st_mode))
        return err_set(err, MU_NOINPUT, "cannot read %s: it is a folder; name a file in it", path);
    if (!S_ISREG(st->st_mode))
        return err_set(err, MU_NOINPUT,
                       "cannot read %s: it is a pipe, a socket or a device; name a regular file",
                       path);
    return true;
}

bool mapped_open(const char *path, uint64_t most, struct mapped *out, uint64_t *file_bytes,
                 struct mu_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return err_errno(err, "cannot open %s", path);
    struct stat st;
    if (!regular(fd, path, &st, err)) goto fail;
    const uint64_t whole = (uint64_t)st.st_size;
    const uint64_t wanted = most && most < whole ? most : whole;
    if (wanted > SIZE_MAX / 2) {
        err_set(err, MU_DATA, "cannot map %s: it is larger than this machine can address", path);
        goto fail;
    }
    struct mapped m = {.bytes = {"", 0}};
    if (wanted) {
        m.map = mmap(NULL, (size_t)wanted, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m.map == MAP_FAILED) {
            err_errno(err, "cannot map %s", path);
            goto fail;
        }
        m.map_bytes = (size_t)wanted;
        m.bytes = (struct str){m.map, m.map_bytes};
    }
    close(fd);
    if (file_bytes) *file_bytes = whole;
    *out = m;
    return true;
fail:
    close(fd);
    return false;
}

void mapped_close(struct mapped *m)
{
    if (m->map) munmap(m->map, m->map_bytes);
    *m = (struct mapped){.bytes = {"", 0}};
}
