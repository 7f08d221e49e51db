/* base/root.c - reads /proc, /sys, /dev and /etc of this machine, or of a captured tree that must answer like the machine itself.
 *
 * In a captured tree every path goes through openat2(2) with RESOLVE_IN_ROOT, so that an absolute link or a row of ".." ends inside
 * the tree, and magic links are refused. Files there were written by somebody: only regular ones are read, without blocking, and
 * at most ROOT_FILE_BYTES. Files of /proc report a size of 0, so everything is read to its end. */
#include "base/root.h"
#include "base/arena.h"
#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAMES_MOST = 65536, FIRST_READ = 8192, RACE_TRIES = 64, NUMBER_TEXT = 64 };

static int open_at(const struct root *r, const char *path, int flags)
{
    while (*path == '/') path++;
    if (!*path) path = ".";
    flags |= O_CLOEXEC;
    if (!r->captured) return openat(r->fd, path, flags);
    const struct open_how how = {.flags = (unsigned)flags,
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int fd;
    int tries = 0; /* EAGAIN: something was renamed while the kernel looked at a ".." */
    do fd = (int)syscall(SYS_openat2, r->fd, path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN && ++tries < RACE_TRIES);
    return fd;
}

bool root_open(const char *path, struct root *out, struct mu_err *err)
{
    struct root r = {.captured = path && strcmp(path, "/") != 0, .path = path ? path : "/"};
    r.fd = open(r.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r.fd < 0) return err_errno(err, "cannot open the machine's folder %s", r.path);
    const int probe = open_at(&r, "/", O_PATH);
    if (probe < 0) {
        const int number = errno;
        close(r.fd);
        if (number == ENOSYS)
            return err_set(err, MU_UNAVAILABLE,
                           "cannot look into %s safely: this kernel has no openat2, use Linux 5.6 "
                           "or newer",
                           r.path);
        errno = number;
        return err_errno(err, "cannot look into %s", r.path);
    }
    close(probe);
    *out = r;
    return true;
}

void root_close(struct root *r)
{
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
}

/* An open regular file, or -1. */
static int open_regular(const struct root *r, const char *path)
{
    const int fd = open_at(r, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads until the end or until `room` is full; -1 on a failure. */
static ssize_t read_some(int fd, char *p, size_t room)
{
    size_t n = 0;
    while (n < room) {
        const ssize_t got = read(fd, p + n, room - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

bool root_text(const struct root *r, const char *path, struct arena *a, struct str *out)
{
    const int fd = open_regular(r, path);
    if (fd < 0) return false;
    char *text = NULL;
    size_t room = 0;
    size_t n = 0;
    ssize_t got = 0;
    do {
        const size_t more = room ? room : FIRST_READ;
        char *grown = realloc(text, room + more);
        if (!grown) out_of_memory();
        text = grown;
        got = read_some(fd, text + n, more);
        room += more;
        if (got > 0) n += (size_t)got;
    } while (got >= 0 && n == room && room < ROOT_FILE_BYTES);
    close(fd);
    if (n > ROOT_FILE_BYTES) n = ROOT_FILE_BYTES;
    if (got >= 0) *out = (struct str){str_copy(a, (struct str){text, n}), n};
    free(text);
    return got >= 0;
}

bool root_word(const struct root *r, const char *path, struct arena *a, struct str *out)
{
    static const char blanks[] = {' ', '\t', '\n', '\r', '\v', '\f'};
    struct str text;
    if (!root_text(r, path, a, &text)) return false;
    while (text.n && memchr(blanks, text.p[text.n - 1], sizeof blanks)) text.n--;
    *out = (struct str){str_copy(a, text), text.n};
    return true;
}

bool root_u64(const struct root *r, const char *path, uint64_t *out)
{
    const int fd = open_regular(r, path);
    if (fd < 0) return false;
    char text[NUMBER_TEXT];
    const ssize_t n = read_some(fd, text, sizeof text);
    close(fd);
    if (n < 0 || (size_t)n == sizeof text) return false;
    return str_u64(str_trim((struct str){text, (size_t)n}), out);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The run of digits at *p without its leading zeros; *p moves behind it. */
static struct str digits(const char **p)
{
    while (**p == '0' && digit((*p)[1])) (*p)++;
    const char *from = *p;
    while (digit(**p)) (*p)++;
    return (struct str){from, (size_t)(*p - from)};
}

/* cpu2 before cpu10: runs of digits by value, everything else by bytes. */
static int natural_order(const void *left, const void *right)
{
    const char *const a = ((const struct root_entry *)left)->name;
    const char *const b = ((const struct root_entry *)right)->name;
    const char *p = a;
    const char *q = b;
    while (*p && *q) {
        if (digit(*p) && digit(*q)) {
            const struct str x = digits(&p);
            const struct str y = digits(&q);
            const int order = x.n == y.n ? str_order(x, y) : x.n < y.n ? -1 : 1;
            if (order) return order;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    if (*p || *q) return *p ? 1 : -1;
    return strcmp(a, b);
}

static enum root_kind kind_of(const struct dirent *entry)
{
    switch (entry->d_type) {
    case DT_REG: return ROOT_FILE;
    case DT_DIR: return ROOT_FOLDER;
    case DT_LNK: return ROOT_LINK;
    default: return ROOT_NOT_SAID;
    }
}

bool root_entries(const struct root *r, const char *folder, struct arena *a,
                  const struct root_entry **entries, size_t *count)
{
    const int fd = open_at(r, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return false;
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return false;
    }
    struct root_entry *list = NULL;
    size_t n = 0;
    size_t room = 0;
    const struct dirent *entry;
    while (n < NAMES_MOST && (entry = readdir(d))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (n == room) {
            room = room ? room * 2 : 64;
            struct root_entry *grown = NEW_ARRAY(a, struct root_entry, room);
            if (n) memcpy(grown, list, n * sizeof *list);
            list = grown;
        }
        list[n++] = (struct root_entry){str_copy(a, str_of(entry->d_name)), kind_of(entry)};
    }
    closedir(d);
    if (n) qsort(list, n, sizeof *list, natural_order);
    *entries = list;
    *count = n;
    return true;
}

bool root_names(const struct root *r, const char *folder, struct arena *a,
                const char *const **names, size_t *count)
{
    const struct root_entry *entry;
    if (!root_entries(r, folder, a, &entry, count)) return false;
    const char **list = *count ? NEW_ARRAY(a, const char *, *count) : NULL;
    for (size_t i = 0; i < *count; i++) list[i] = entry[i].name;
    *names = list;
    return true;
}

bool root_link(const struct root *r, const char *path, struct arena *a, struct str *out)
{
    const int fd = open_at(r, path, O_PATH | O_NOFOLLOW);
    if (fd < 0) return false;
    char text[PATH_MAX];
    const ssize_t n = readlinkat(fd, "", text, sizeof text);
    close(fd);
    if (n < 0) return false;
    *out = (struct str){str_copy(a, (struct str){text, (size_t)n}), (size_t)n};
    return true;
}

bool root_has(const struct root *r, const char *path)
{
    const int fd = open_at(r, path, O_PATH);
    if (fd < 0) return false;
    close(fd);
    return true;
}

PRINTF(2, 0)
static bool path_of(char path[PATH_MAX], const char *format, va_list list)
{
    const int n = vsnprintf(path, PATH_MAX, format, list);
    return n >= 0 && n < PATH_MAX;
}

bool root_u64f(const struct root *r, uint64_t *out, const char *format, ...)
{
    char path[PATH_MAX];
    va_list list;
    va_start(list, format);
    const bool fits = path_of(path, format, list);
    va_end(list);
    return fits && root_u64(r, path, out);
}

bool root_wordf(const struct root *r, struct arena *a, struct str *out, const char *format, ...)
{
    char path[PATH_MAX];
    va_list list;
    va_start(list, format);
    const bool fits = path_of(path, format, list);
    va_end(list);
    return fits && root_word(r, path, a, out);
}
