/* What it takes to get a model: bytes over a line, room on the disk that the hub's cache lies on, and the first read of the file at the
 * rate the disk was measured to read at. The hub keeps one copy of a file, Ollama one of its own; what is converted lies there as
 * published, in 16 bits and in the mix at once, until somebody deletes the first two. The measured rate is that of the folder muster was
 * started in, so it holds for the cache only where both are one disk. What the page cache still holds is read faster: a later load is no
 * read of the disk. Left out: how fast the hub sends, retries, and what a conversion takes of time and memory. */
#include "judge/fetch.h"

#include <math.h>
#include <string.h>

#include "machine/facts.h"

enum { BITS = 8 };

/* Lines that people know, to show what a size means. */
static const struct fetch_time examples[FETCH_TIMES_MOST] = {
    {"100 Mbit/s", 1e8 / BITS, (double)NAN}, {"1 Gbit/s", 1e9 / BITS, (double)NAN}};

static const struct disk_facts *disk_of(const struct machine *m, const char *purpose)
{
    const struct facts *f = m->facts;
    for (size_t i = 0; f && i < f->disks; i++)
        if (f->disk[i].purpose && strcmp(f->disk[i].purpose, purpose) == 0) return &f->disk[i];
    return NULL;
}

const struct disk_facts *fetch_disk(const struct machine *m, const char *purpose)
{
    const struct disk_facts *d = disk_of(m, purpose);
    return d || !m->facts || !m->facts->disks ? d : &m->facts->disk[0];
}

static void take_times(const struct fetch_asked *in, struct fetch *out)
{
    if (!(out->download_bytes > 0)) return;
    out->examples = !(in->line_bytes_per_s > 0);
    out->times = out->examples ? FETCH_TIMES_MOST : 1;
    for (size_t i = 0; i < out->times; i++) {
        struct fetch_time *t = &out->time[i];
        *t = out->examples ? examples[i] : (struct fetch_time){.bytes_per_s = in->line_bytes_per_s};
        t->seconds = out->download_bytes / t->bytes_per_s;
    }
}

static void take_room(const struct fetch_asked *in, struct fetch *out)
{
    double free_bytes;
    out->disk = fetch_disk(in->machine, "HF cache");
    out->free_bytes = out->disk ? out->disk->free_bytes : unknown("no disk is known");
    out->left_bytes = unknown(out->free_bytes.source);
    if (known(out->free_bytes, &free_bytes) && !isnan(out->disk_bytes))
        out->left_bytes = quantity_of(free_bytes - out->disk_bytes, out->free_bytes.origin,
                                      out->free_bytes.source);
}

/* Whether two rows of a machine's disks are one disk. */
static bool same_disk(const struct disk_facts *a, const struct disk_facts *b)
{
    return a == b || (a && b && a->same_as == b->same_as);
}

static const struct disk_facts *library_disk(const struct machine *m, const struct disk_facts *hub)
{
    const struct disk_facts *d = disk_of(m, "Ollama models");
    return d && !same_disk(d, hub) ? d : NULL;
}

static struct estimate not_known(const char *why)
{
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, why};
}

static struct estimate load_of(const struct fetch_asked *in, const struct fetch *out)
{
    const struct rate *r = machine_rate(in->machine, WORK_DISK_READ_BYTES, RATE_ONE_THREAD);
    const struct disk_facts *measured = fetch_disk(in->machine, "this folder");
    if (!(in->file_bytes > 0)) return not_known("how large the file is is not known");
    if (!r || !(r->per_s.low > 0)) return not_known("the disk was not measured");
    if (!same_disk(measured, out->disk))
        return not_known("another disk was measured, that of the current folder");
    return estimate_of(in->file_bytes / r->per_s.high, in->file_bytes / r->per_s.likely,
                       in->file_bytes / r->per_s.low, ESTIMATED, "the disk's measured read rate");
}

static const char *slow_words(const struct fetch_asked *in, const struct fetch *out)
{
    static const char *const words[][2] = {
        {"network", "it lies on a network file system: each first load is a transfer"},
        {"memory", "it lies in memory: the files take RAM and are gone after a restart"},
        {"hdd", "it is a spinning disk: keep the models on a faster one"},
    };
    const struct disk_facts *d = out->disk;
    for (size_t i = 0; d && d->kind && i < sizeof words / sizeof *words; i++)
        if (strcmp(d->kind, words[i][0]) == 0) return words[i][1];
    if (d && d->filesystem && strncmp(d->filesystem, "fuse", 4) == 0)
        return "it is a file system in user space: as fast as what stands behind it";
    if (estimate_known(out->load_s) && in->slow_disk_bytes_per_s > 0 &&
        in->file_bytes / out->load_s.likely < in->slow_disk_bytes_per_s)
        return "it reads no faster than a spinning disk";
    return NULL;
}

void judge_fetch(const struct fetch_asked *in, struct fetch *out)
{
    *out = (struct fetch){.disk = NULL};
    out->download_bytes = in->convert ? in->published_bytes : in->file_bytes;
    out->disk_bytes =
        in->convert ? in->published_bytes + in->between_bytes + in->file_bytes : in->file_bytes;
    take_times(in, out);
    take_room(in, out);
    out->library_disk = library_disk(in->machine, out->disk);
    out->load_s = load_of(in, out);
    out->slow = slow_words(in, out);
}

/* ---- the speed of a line */

static const struct {
    const char *unit;
    double bytes_per_s;
} line_units[] = {
    {"kbit/s", 1e3 / BITS},
    {"Mbit/s", 1e6 / BITS},
    {"Gbit/s", 1e9 / BITS},
    {"kbps", 1e3 / BITS},
    {"Mbps", 1e6 / BITS},
    {"Gbps", 1e9 / BITS},
    {"kb/s", 1e3 / BITS},
    {"Mb/s", 1e6 / BITS},
    {"Gb/s", 1e9 / BITS},
    {"kB/s", 1e3},
    {"MB/s", 1e6},
    {"GB/s", 1e9},
    {"KiB/s", 1024},
    {"MiB/s", 1024.0 * 1024},
    {"GiB/s", 1024.0 * 1024 * 1024},
    {"kbit", 1e3 / BITS},
    {"Mbit", 1e6 / BITS},
    {"Gbit", 1e9 / BITS},
};

bool fetch_line_parse(struct str text, double *bytes_per_s)
{
    static const double most_bytes_per_s = 1e15;
    double number;
    const struct str s = str_trim(text);
    for (size_t i = 0; i < sizeof line_units / sizeof *line_units; i++) {
        const struct str unit = str_of(line_units[i].unit);
        if (s.n <= unit.n || !str_ends(s, unit)) continue;
        const struct str front = str_trim((struct str){s.p, s.n - unit.n});
        if (!str_f64(front, &number) || !(number > 0)) continue;
        const double rate = number * line_units[i].bytes_per_s;
        if (!(rate >= 1 && rate <= most_bytes_per_s)) return false;
        *bytes_per_s = rate;
        return true;
    }
    return false;
}
