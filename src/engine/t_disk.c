/* engine/t_disk.c - how fast files are read in a folder: past the page cache, and from it.
 *
 * On a file the engine writes itself: never more than 1 % of the free space, without a name as soon as it is open (so that no kill
 * leaves it behind), of random bytes (so that nothing between here and the disk can compress it). Sequential blocks, one at a time,
 * by one thread, with O_DIRECT; where a file system has no direct reads the page cache is dropped instead, and that is said. Left
 * out: caches of the drive, the controller and the hypervisor, which hold what was just written; deeper queues, which some drives
 * need for their best. A folder that can't be measured is a note, not a failure. */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/units.h"
#include "engine/idle.h"
#include "engine/twister.h"

enum { BLOCK_BYTES = 2 << 20, RUN_BLOCKS = 4, ALIGNMENT = 4096, LEAST_RUNS = 3 };
static const double free_share = 0.01, write_share = 0.4, read_share = 0.4, cached_share = 0.1;

struct disk {
    const struct asked *in;
    int fd;
    uint64_t *block;
    size_t blocks;
    bool direct;
};

/* O_TMPFILE has no name at all; where it isn't known, a name lives for one call, and no signal comes between. */
static int nameless_file(const char *folder, struct arena *a)
{
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    const size_t room = strlen(folder) + sizeof("/.muster-disk-XXXXXX");
    char *name = arena_alloc(a, room);
    snprintf(name, room, "%s/.muster-disk-XXXXXX", folder);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    const int named = mkostemp(name, O_CLOEXEC);
    const int why = errno;
    if (named >= 0) unlink(name);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return named;
}

static bool set_direct(struct disk *d, bool on)
{
    const int flags = fcntl(d->fd, F_GETFL);
    if (flags < 0) return false;
    const int wanted = on ? flags | O_DIRECT : flags & ~O_DIRECT;
    if (fcntl(d->fd, F_SETFL, wanted) != 0) return false;
    d->direct = on;
    return true;
}

/* One whole block at block number i, written or read. */
static bool whole_block(const struct disk *d, size_t i, bool writing)
{
    char *p = (char *)d->block;
    size_t done = 0;
    while (done < BLOCK_BYTES) {
        const off_t at = (off_t)(i * BLOCK_BYTES + done);
        const ssize_t n = writing ? pwrite(d->fd, p + done, BLOCK_BYTES - done, at)
                                  : pread(d->fd, p + done, BLOCK_BYTES - done, at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static void fill_block(struct disk *d)
{
    struct twister t;
    twister_seed(&t, (uint32_t)getpid());
    for (size_t i = 0; i < BLOCK_BYTES / sizeof(uint64_t); i++) {
        const uint64_t high = twister_next(&t);
        d->block[i] = high << 32 | twister_next(&t);
    }
}

/* Writes up to `most_blocks` in the time given, and at least one run's worth. */
static bool write_file(struct disk *d, size_t most_blocks, double seconds)
{
    fill_block(d);
    const double start_s = clock_s();
    while (d->blocks < most_blocks && (d->blocks < RUN_BLOCKS || clock_s() - start_s < seconds)) {
        /* No two blocks alike: nothing can share them. */
        for (size_t i = 0; i < BLOCK_BYTES / sizeof(uint64_t); i++) d->block[i] += d->blocks + 1;
        if (!whole_block(d, d->blocks, true)) {
            if (errno == EINVAL && d->direct && set_direct(d, false)) continue;
            break;
        }
        d->blocks++;
        if (!d->direct && d->blocks % RUN_BLOCKS == 0 && fdatasync(d->fd) != 0) break;
    }
    const int why = errno;
    const bool good = d->blocks >= RUN_BLOCKS && fdatasync(d->fd) == 0;
    if (d->blocks < RUN_BLOCKS) errno = why;
    d->blocks -= d->blocks % RUN_BLOCKS;
    return good;
}

/* Runs of RUN_BLOCKS blocks, round and round. fresh: past the page cache. */
static bool read_file(struct disk *d, struct runs *runs, double seconds, bool fresh,
                      struct idle *idle)
{
    const double start_s = clock_s();
    for (size_t at = 0; runs->count < LEAST_RUNS || clock_s() - start_s < seconds;
         at = (at + RUN_BLOCKS) % d->blocks) {
        if (runs->count == RUNS_MOST) break;
        if (at == 0 && fresh && !d->direct) posix_fadvise(d->fd, 0, 0, POSIX_FADV_DONTNEED);
        const double run_start_s = clock_s();
        for (size_t i = 0; i < RUN_BLOCKS; i++)
            if (!whole_block(d, at + i, false)) return false;
        runs_add(runs, (double)RUN_BLOCKS * BLOCK_BYTES, clock_s() - run_start_s);
        idle_sample(idle);
    }
    return true;
}

static bool measure(struct disk *d, const char *work, double seconds, bool fresh)
{
    struct arena *a = d->in->arena;
    struct runs runs = {.work = work, .threads = 1};
    struct idle idle;
    idle_start(&idle);
    const bool good = read_file(d, &runs, seconds, fresh, &idle);
    const int why = errno;
    const char *words = idle_words(&idle, 1, a);
    if (!good) {
        say_note(a, "%s not measured: reading the test file in %s: %s", work, d->in->folder,
                 strerror(why));
        return false;
    }
    const char *how = !fresh ? "from the page cache" : d->direct ? "O_DIRECT" : "cache dropped";
    const char *source = str_format(a, "muster-engine disk: %s in blocks of %s, %s",
                                    units_bytes(a, (double)d->blocks * BLOCK_BYTES),
                                    units_bytes(a, BLOCK_BYTES), how);
    say_rate(&runs, source, words, a);
    return true;
}

/* How many blocks the file may have; 0 after a note that says why none. */
static size_t blocks_allowed(const struct disk *d)
{
    struct arena *a = d->in->arena;
    struct statfs fs;
    if (fstatfs(d->fd, &fs) != 0) {
        say_note(a, "disk not measured: the file system of %s: %s", d->in->folder, strerror(errno));
        return 0;
    }
    if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) {
        say_note(a, "disk not measured: %s is in memory (tmpfs), not on a disk", d->in->folder);
        return 0;
    }
    const double free_bytes = (double)fs.f_bavail * (double)fs.f_bsize;
    const double blocks = least(d->in->bytes, free_bytes * free_share) / BLOCK_BYTES;
    if (blocks < RUN_BLOCKS)
        say_note(a,
                 "disk not measured: %s free in %s, and the test file may take 1 %% of it at most",
                 units_bytes(a, free_bytes), d->in->folder);
    return blocks < RUN_BLOCKS ? 0 : (size_t)blocks;
}

static void measure_file(struct disk *d)
{
    struct arena *a = d->in->arena;
    const size_t most_blocks = blocks_allowed(d);
    if (!most_blocks) return;
    (void)set_direct(d, true);
    if (!write_file(d, most_blocks, d->in->seconds * write_share)) {
        say_note(a, "disk not measured: writing the test file in %s: %s", d->in->folder,
                 strerror(errno));
        return;
    }
    if (!d->direct)
        say_note(a,
                 "disk read: using a dropped page cache: the file system of %s has no direct "
                 "input and output",
                 d->in->folder);
    if (!measure(d, "disk read", d->in->seconds * read_share, true)) return;
    (void)set_direct(d, false);
    for (size_t i = 0; i < d->blocks; i++)
        if (!whole_block(d, i, false)) return;
    (void)measure(d, "page cache read", d->in->seconds * cached_share, false);
}

static bool run(const struct asked *in, struct mu_err *err)
{
    if (!in->folder)
        return err_set(err, MU_DATA, "the request has no \"folder\" for the disk test");
    struct disk d = {.in = in};
    d.fd = nameless_file(in->folder, in->arena);
    if (d.fd < 0) {
        say_note(in->arena, "disk not measured: no file can be made in %s: %s", in->folder,
                 strerror(errno));
        return true;
    }
    void *block = NULL;
    if (posix_memalign(&block, ALIGNMENT, BLOCK_BYTES) != 0) out_of_memory();
    d.block = block;
    measure_file(&d);
    free(block);
    close(d.fd);
    return true;
}

const struct engine_test engine_disk = {"disk", "reading files past the page cache and from it",
                                        run};
