/* A machine as the line that machine_from_line() reads: cores or threads, memory, cards with what is free of them, the root's disk, the
 * bandwidth that was measured. A line says less than a report: not what limits a process, nor any rate but reading memory. Left out:
 * cards whose memory is not known, names that a line could not hold. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/units.h"
#include "machine/facts.h"
#include "machine/machine.h"

enum { WRITTEN_MOST = 4096, GIB_DIGITS = 4 };

static void add_bytes(struct buf *b, const char *key, struct quantity q, struct arena *a)
{
    double bytes;
    if (known(q, &bytes))
        buf_format(b, " %s:%sGiB", key, units_number(a, bytes / 0x1p30, GIB_DIGITS));
}

/* A value runs to the next key, cards to the next comma. */
static bool holds(const char *name)
{
    return name && *name && !strpbrk(name, ":,()\n\t");
}

static void add_cpu(struct buf *b, const struct facts *f)
{
    double n;
    if (known(f->cpu.cores, &n))
        buf_format(b, "cpu:%.0f", n);
    else if (known(f->cpu.threads, &n))
        buf_format(b, "cpu:%.0f threads", n);
}

static void add_card(struct buf *b, const struct machine *m, const struct gpu_seen *g, bool first,
                     struct arena *a)
{
    double total_bytes, free_bytes;
    const char *name = g->part ? g->part : g->name;
    if (g->hidden || !holds(name) || !known(g->memory_bytes, &total_bytes)) return;
    buf_format(b, "%s%s", first ? " gpu:" : ", ", name);
    if (!(total_bytes > 0)) return;
    buf_format(b, " %sGiB", units_number(a, total_bytes / 0x1p30, GIB_DIGITS));
    if (known(g->free_bytes, &free_bytes) && m->here)
        buf_format(b, " free %sGiB", units_number(a, free_bytes / 0x1p30, GIB_DIGITS));
}

static void add_cards(struct buf *b, const struct machine *m, struct arena *a)
{
    const size_t before = b->n;
    const char *link = NULL;
    for (size_t i = 0; i < m->facts->gpus; i++) {
        const struct gpu_seen *g = &m->facts->gpu[i];
        if (g->kind && strcmp(g->kind, GPU_NPU) == 0) continue;
        add_card(b, m, g, b->n == before, a);
        if (!link) link = g->link;
    }
    if (b->n > before && holds(link)) buf_format(b, " link:%s", link);
}

const char *machine_line(const struct machine *m, struct arena *a)
{
    const struct facts *f = m->facts;
    const struct rate *read = machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS);
    struct buf b;
    if (!f || !known(f->memory.total_bytes, NULL)) return NULL;
    buf_init(&b, WRITTEN_MOST);
    add_cpu(&b, f);
    add_bytes(&b, "ram", f->memory.total_bytes, a);
    add_bytes(&b, "available", machine_memory(m)->usable_bytes, a);
    add_bytes(&b, "swap", f->memory.swap_total_bytes, a);
    add_cards(&b, m, a);
    if (f->disks) add_bytes(&b, "disk", f->disk[0].free_bytes, a);
    if (holds(m->name) && !strchr(m->name, ' ')) buf_format(&b, " host:%s", m->name);
    if (read)
        buf_format(&b, " bandwidth:%sGB/s", units_number(a, read->per_s.likely / 1e9, GIB_DIGITS));
    const char *text = b.over ? NULL : str_copy(a, str_trim(buf_text(&b)));
    buf_release(&b);
    return text;
}
