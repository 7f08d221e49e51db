/* The guide's own figures of a machine, as its test script takes them, and the machine that such figures tell of.
 *
 * GiB rounded to two decimals as Python's round() does it; the benchmark scaled to the guide's 100 rounds. platform.processor() is
 * empty on Linux wherever `uname -p` does not know, which is what Debian's says. `gpu` holds what nvidia-smi prints of the cards its
 * driver answers for, or that a line describes, hidden from this process or not; slices are no cards to it, and other makers' cards
 * are not asked for; on Apple's chips it is a sentence. Source: get_system_info() and benchmark_compute() of the capability guide (seed 001). */
#include "machine/guide_system.h"
#include "base/arena.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "machine/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPU_TEXT_MOST = 65536, GPUS_MOST = 64 };
static const double gibibyte = 0x1p30;
static const double mebibyte = 0x1p20;
static const double guide_rounds = 100;

/* Python's round(x, 2): the nearest decimal of the exact value, which printf gives as well. */
static double two_decimals(double x)
{
    char text[64];
    if (!(fabs(x) < 1e30)) return x;
    snprintf(text, sizeof text, "%.2f", x);
    return strtod(text, NULL);
}

static double gib_of(struct quantity bytes)
{
    return two_decimals(known_or(bytes, (double)NAN) / gibibyte);
}

static const struct disk_facts *root_disk(const struct facts *f)
{
    for (size_t i = 0; i < f->disks; i++)
        if (f->disk[i].path && strcmp(f->disk[i].path, "/") == 0) return &f->disk[i];
    return NULL;
}

/* What the guide's tool says of the memory of a chip that has none of its own. */
static const char not_told[] = "[N/A]";

/* A card that its driver's tool lists: the driver answered, or it is described rather than found on a bus; a slice is none. */
static bool is_listed(const struct gpu_seen *g)
{
    const bool slice = g->kind && strcmp(g->kind, GPU_SLICE) == 0;
    const bool answered =
        g->memory_bytes.origin >= REPORTED || (!g->pci_id && known_or(g->memory_bytes, 0) > 0);
    return g->name && !slice && (answered || g->driver_version);
}

/* "name, N MiB" */
static void add_line(struct buf *text, const struct gpu_seen *g, struct arena *a)
{
    const double mib = floor(known_or(g->memory_bytes, 0) / mebibyte);
    const char *size = mib > 0 ? str_format(a, "%.0f MiB", mib) : not_told;
    buf_format(text, "%s%s, %s", text->n ? "\n" : "", g->name, size);
}

/* The GPUs that the guide's script sees, in its words. */
static void fill_gpu(const struct facts *f, const struct catalog *c, struct arena *a,
                     struct guide_system *out)
{
    struct buf text;
    buf_init(&text, GPU_TEXT_MOST);
    for (size_t i = 0; c && i < f->gpus; i++) {
        const struct gpu_seen *g = &f->gpu[i];
        const struct accelerator_vendor *v = catalog_accelerator_vendor(c, g->vendor, NULL, NULL);
        if (!v || !v->guide_type) continue;
        if (v->platform && (!f->os.platform || strcmp(v->platform, f->os.platform) != 0)) continue;
        if (v->guide_words)
            out->gpu = v->guide_words;
        else if (is_listed(g))
            add_line(&text, g, a);
        else
            continue;
        out->gpu_type = v->guide_type;
    }
    if (text.n) out->gpu = str_copy(a, buf_text(&text));
    buf_release(&text);
}

struct guide_system guide_system_of(const struct machine *m, const struct catalog *c,
                                    struct arena *a)
{
    const struct facts *f = m->facts;
    const struct disk_facts *root = root_disk(f);
    struct guide_system out = {
        .platform = f->os.platform,
        .processor = "",
        .architecture = f->os.architecture,
        .python_version = f->os.python_version,
        .cpu_count = known_or(f->cpu.threads, (double)NAN),
        .cpu_count_physical = known_or(f->cpu.cores, (double)NAN),
        .ram_gb = gib_of(f->memory.total_bytes),
        .ram_available_gb = gib_of(f->memory.available_bytes),
        .disk_free_gb = root ? gib_of(root->free_bytes) : (double)NAN,
    };
    fill_gpu(f, c, a, &out);
    return out;
}

struct guide_benchmark guide_benchmark_of(const struct machine *m)
{
    const struct rate *r = machine_rate(m, WORK_GUIDE_ROUNDS, RATE_ALL_THREADS);
    if (!r || !estimate_known(r->per_s) || !(r->per_s.likely > 0))
        return (struct guide_benchmark){(double)NAN, (double)NAN};
    const double seconds = guide_rounds / r->per_s.likely;
    return (struct guide_benchmark){two_decimals(seconds), two_decimals(guide_rounds / seconds)};
}

static struct quantity reported(double value, double unit, const char *key)
{
    return quantity_of(value * unit, REPORTED, key);
}

/* Its word for the kind of GPU is the maker's name where it has lines. "name, 24576 MiB": what stands before the last comma, and its memory when that can be read. */
static struct gpu_seen gpu_of_line(struct str line, const char *maker, struct arena *a)
{
    double bytes = (double)NAN;
    size_t comma = line.n;
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == ',') comma = i;
    const struct str size = {line.p + comma + (comma < line.n), line.n - comma - (comma < line.n)};
    const bool sized = comma < line.n && units_parse_bytes(str_trim(size), mebibyte, &bytes);
    const bool cut = sized || str_is(str_trim(size), not_told);
    return (struct gpu_seen){
        .name = str_copy(a, str_trim(cut ? (struct str){line.p, comma} : line)),
        .vendor = maker,
        .memory_bytes = sized ? quantity_of(bytes, REPORTED, "system.gpu of its report")
                              : unknown("its report does not say"),
        .sized = sized ? "as its report says" : "seen; its report does not say its memory"};
}

static void gpus_of(const struct guide_system *s, struct facts *f, struct arena *a)
{
    struct str rest = str_of(s->gpu);
    struct gpu_seen *gpu = NEW_ARRAY(a, struct gpu_seen, GPUS_MOST);
    while (rest.n && f->gpus < GPUS_MOST) {
        const struct str line = str_trim(str_line(&rest));
        if (line.n) gpu[f->gpus++] = gpu_of_line(line, s->gpu_type, a);
    }
    f->gpu = gpu;
}

static const struct facts *facts_of(const struct guide_system *s, const char *hostname,
                                    struct arena *a)
{
    struct facts *f = NEW(a, struct facts);
    struct disk_facts *disk = NEW(a, struct disk_facts);
    f->cpu.threads = reported(s->cpu_count, 1, "system.cpu_count of its report");
    f->cpu.cores = reported(s->cpu_count_physical, 1, "system.cpu_count_physical of its report");
    f->memory.total_bytes = reported(s->ram_gb, gibibyte, "system.ram_gb of its report");
    f->memory.available_bytes =
        reported(s->ram_available_gb, gibibyte, "system.ram_available_gb of its report");
    *disk = (struct disk_facts){
        .purpose = "root",
        .path = "/",
        .mount = "/",
        .free_bytes = reported(s->disk_free_gb, gibibyte, "system.disk_free_gb of its report")};
    f->disk = disk;
    f->disks = 1;
    f->os = (struct os_facts){.platform = s->platform,
                              .architecture = s->architecture,
                              .hostname = hostname,
                              .python_version = s->python_version};
    gpus_of(s, f, a);
    return f;
}

const struct machine *guide_system_machine(const struct guide_system *s, const char *hostname,
                                           struct arena *a)
{
    struct machine *m = NEW(a, struct machine);
    struct pool *pool = NEW(a, struct pool);
    struct place *cpu = NEW(a, struct place);
    const struct facts *f = facts_of(s, hostname, a);
    *pool = (struct pool){.kind = POOL_MEMORY,
                          .name = "memory",
                          .total_bytes = f->memory.total_bytes,
                          .usable_bytes = f->memory.available_bytes,
                          .bound_by = "available memory, as its report says"};
    *cpu = (struct place){.kind = PLACE_CPU,
                          .name = "CPU",
                          .threads = f->cpu.threads,
                          .bound_by = "logical CPUs, as its report says"};
    *m = (struct machine){.name = hostname,
                          .pool = pool,
                          .pools = 1,
                          .place = cpu,
                          .places = 1,
                          .unmeasured = "its report is the guide's own, which measures no memory",
                          .facts = f};
    return m;
}
