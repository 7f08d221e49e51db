/* engine/npy.c - numpy's array file, format 1.0: a magic word, the header's length, a Python dictionary padded to 64 bytes, the data.
 *
 * The whole space is taken before anything is computed, so that a full disk is a sentence at the start and not in the middle. The
 * name is given by link(2), which refuses a name that is taken: nothing is ever overwritten. Where a file system has no links it is
 * renamed, after one look. Left out: other types than float32, and Fortran order. Format: numpy.lib.format. */
#include "engine/npy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "\x93NUMPY\x01"; /* version 1.0: the NUL behind is its second byte */
enum { LENGTH_AT = 8, TEXT_AT = 10, MULTIPLE = 64 };

static const char *value_type(void)
{
    const uint16_t one = 1;
    return *(const char *)&one ? "<f4" : ">f4";
}

size_t npy_header(const uint64_t *dimension, size_t dimensions, char out[NPY_HEADER_MOST])
{
    assert(dimensions >= 1 && dimensions <= NPY_DIMENSIONS);
    int n = snprintf(out + TEXT_AT, NPY_HEADER_MOST - TEXT_AT,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (", value_type());
    for (size_t i = 0; i < dimensions; i++)
        n += snprintf(out + TEXT_AT + n, NPY_HEADER_MOST - TEXT_AT - (size_t)n, "%s%" PRIu64 "%s",
                      i ? ", " : "", dimension[i], dimensions == 1 ? "," : "");
    n += snprintf(out + TEXT_AT + n, NPY_HEADER_MOST - TEXT_AT - (size_t)n, "), }");
    const size_t end = TEXT_AT + (size_t)n + 1;
    const size_t whole = (end + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    assert(whole <= NPY_HEADER_MOST);
    memset(out + end - 1, ' ', whole - end);
    out[whole - 1] = '\n';
    memcpy(out, magic, sizeof magic);
    out[LENGTH_AT] = (char)((whole - TEXT_AT) & 0xff);
    out[LENGTH_AT + 1] = (char)((whole - TEXT_AT) >> 8);
    return whole;
}

static bool write_at(int fd, const char *path, const void *from, size_t n, uint64_t at,
                     struct mu_err *err)
{
    const char *p = from;
    while (n) {
        const ssize_t wrote = pwrite(fd, p, n, (off_t)at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return err_errno(err, "writing %s", path);
        p += wrote;
        n -= (size_t)wrote;
        at += (uint64_t)wrote;
    }
    return true;
}

/* File systems that cannot take space beforehand get a hole of the size; they tell when the disk is full as they are written. */
static bool take_space(int fd, const char *path, uint64_t bytes, struct mu_err *err)
{
    const int why = posix_fallocate(fd, 0, (off_t)bytes);
    if (!why) return true;
    errno = why;
    if (why != EOPNOTSUPP && why != EINVAL)
        return err_errno(err, "taking %" PRIu64 " bytes for %s", bytes, path);
    return ftruncate(fd, (off_t)bytes) == 0 ||
           err_errno(err, "taking %" PRIu64 " bytes for %s", bytes, path);
}

static bool taken(const char *path, struct mu_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) return false;
    return !err_set(err, MU_CANTCREATE,
                    "%s is there already and is left alone; name another folder", path);
}

bool npy_create(const char *path, const uint64_t *dimension, size_t dimensions, struct npy *out,
                struct mu_err *err)
{
    char header[NPY_HEADER_MOST];
    struct npy n = {.header_bytes = npy_header(dimension, dimensions, header),
                    .data_bytes = sizeof(float)};
    for (size_t i = 0; i < dimensions; i++)
        if (__builtin_mul_overflow(n.data_bytes, dimension[i], &n.data_bytes) ||
            n.data_bytes > INT64_MAX - NPY_HEADER_MOST)
            return err_set(err, MU_DATA, "%s would be larger than any file", path);
    if (strlen(path) >= sizeof n.path) return err_set(err, MU_CANTCREATE, "its path is too long");
    memcpy(n.path, path, strlen(path) + 1);
    snprintf(n.part, sizeof n.part, "%s.part", path);
    if (taken(n.path, err)) return false;
    n.fd = open(n.part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (n.fd < 0 && errno == EEXIST) {
        (void)taken(n.part, err);
        return err_set(err, MU_CANTCREATE, "%s is there already", n.part);
    }
    if (n.fd < 0)
        return err_set(err, errno == EACCES || errno == EPERM ? MU_PERMISSION : MU_CANTCREATE,
                       "cannot create %s: %s", n.part, strerror(errno));
    *out = n; /* at once: taking space takes long, and who is interrupted must know the file */
    if (take_space(n.fd, path, n.header_bytes + n.data_bytes, err) &&
        write_at(n.fd, path, header, n.header_bytes, 0, err))
        return true;
    npy_discard(out);
    return false;
}

bool npy_write(const struct npy *n, uint64_t first, const float *value, size_t values,
               struct mu_err *err)
{
    assert((first + values) * sizeof(float) <= n->data_bytes);
    return write_at(n->fd, n->path, value, values * sizeof(float),
                    n->header_bytes + first * sizeof(float), err);
}

bool npy_close(struct npy *n, struct mu_err *err)
{
    if (link(n->part, n->path) == 0) {
        unlink(n->part);
    } else if (errno == EEXIST || taken(n->path, err)) {
        npy_discard(n);
        return err_set(err, MU_CANTCREATE, "%s appeared meanwhile and is left alone", n->path);
    } else if (rename(n->part, n->path) != 0) {
        err_errno(err, "naming %s", n->path);
        npy_discard(n);
        return false;
    }
    const int fd = n->fd;
    const char *what = n->path;
    n->fd = 0;
    return close(fd) == 0 || err_errno(err, "closing %s", what);
}

void npy_discard(struct npy *n)
{
    if (n->fd <= 0) return;
    unlink(n->part);
    close(n->fd);
    n->fd = 0;
}
