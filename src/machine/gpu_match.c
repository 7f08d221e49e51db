/* machine/gpu_match.c - finds an accelerator's row of the catalogue, and says its memory in words.
 *
 * Several cards carry one PCI id; most differ in memory. Chips without memory of their
 * own are not told apart by size, which is their owner's choice. Rows that stay alike are named together, and none is chosen. */
#include "machine/gpu_match.h"
#include "base/arena.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "machine/facts.h"
#include "machine/gpu_part.h"

#include <math.h>
#include <string.h>

enum { NAMES_MOST = 512, NAME_MOST = 128 };

static bool size_fits(const struct gpu_part *part, double memory_bytes)
{
    return part->unified_memory || gpu_part_sized(part, memory_bytes);
}

struct gpu_match gpu_match_id(const struct looking *in, const char *pci_id, double memory_bytes)
{
    struct gpu_match out = {.memory_gib = (double)NAN};
    const struct gpu_part *part[GPUS_OF_ID];
    size_t fitting = 0;
    struct buf names;
    if (!in->catalog || !pci_id) return out;
    out.rows = catalog_gpu_pci(in->catalog, str_of(pci_id), part);
    buf_init(&names, NAMES_MOST);
    for (size_t i = 0; i < out.rows; i++) {
        out.unified = part[i]->unified_memory && (out.unified || !i);
        if (!size_fits(part[i], memory_bytes)) continue;
        out.part = fitting ? NULL : part[i];
        if (!fitting) out.memory_gib = part[i]->memory_gib;
        if (out.memory_gib != part[i]->memory_gib) out.memory_gib = (double)NAN;
        buf_format(&names, "%s%s", fitting++ ? " or " : "", part[i]->name);
    }
    if (fitting) out.names = str_copy(in->arena, buf_text(&names));
    buf_release(&names);
    return out;
}

static bool cut_end(struct str *s, struct str end)
{
    if (s->n <= end.n || !str_eq_nocase((struct str){s->p + s->n - end.n, end.n}, end))
        return false;
    s->n -= end.n;
    return true;
}

/* "Intel(R) Arc(TM) A770 Graphics" as "Intel Arc A770": marks out, and what says only that it is a GPU. */
static const char *plain_name(const struct looking *in, const char *name)
{
    static const struct str marks[] = {{"(R)", 3}, {"(TM)", 4}, {"(tm)", 4}};
    struct str rest = str_of(name);
    struct buf b;
    buf_init(&b, NAME_MOST);
    while (rest.n) {
        size_t used = 0;
        for (size_t i = 0; i < COUNT_OF(marks); i++)
            if (str_starts(rest, marks[i])) used = marks[i].n;
        if (!used) buf_char(&b, rest.p[0]);
        if (!used) used = 1;
        rest = (struct str){rest.p + used, rest.n - used};
    }
    struct str text = str_trim(buf_text(&b));
    while (cut_end(&text, S(" Graphics")) || cut_end(&text, S(" GPU"))) text = str_trim(text);
    const char *out = str_copy(in->arena, text);
    buf_release(&b);
    return out;
}

const struct gpu_part *gpu_match_name(const struct looking *in, const char *name,
                                      double memory_bytes)
{
    const struct gpu_part *part = NULL;
    if (!in->catalog || !name || !*name || strlen(name) > NAME_MOST) return NULL;
    const double memory_gib = isnan(memory_bytes) ? memory_bytes : round(memory_bytes / 0x1p30);
    if (catalog_gpu(in->catalog, str_of(name), memory_gib, &part) == MATCH_NONE &&
        catalog_gpu(in->catalog, str_of(plain_name(in, name)), memory_gib, &part) == MATCH_NONE)
        return NULL;
    return size_fits(part, memory_bytes) ? part : NULL;
}

const char *gpu_sized_words(const struct looking *in, const struct gpu_seen *g)
{
    struct arena *a = in->arena;
    double own_bytes;
    double free_bytes;
    double shared_bytes;
    const bool shares = known(g->shared_bytes, &shared_bytes);
    if (!known(g->memory_bytes, &own_bytes)) return NULL;
    const char *shared = "shares host memory";
    if (shares && g->limited_by && strcmp(g->limited_by, GPU_ALL_HOST_MEMORY) == 0)
        shared = str_format(a, "shares host memory, all of %s", units_bytes(a, shared_bytes));
    else if (shares)
        shared = str_format(a, "up to %s of host memory%s%s%s", units_bytes(a, shared_bytes),
                            g->limited_by ? " (" : "", g->limited_by ? g->limited_by : "",
                            g->limited_by ? ")" : "");
    if (!(own_bytes > 0)) return shared;
    const char *own = units_bytes(a, own_bytes);
    if (known(g->free_bytes, &free_bytes))
        own = str_format(a, "%s free of %s", units_bytes(a, free_bytes), own);
    return shares ? str_format(a, "%s of its own, and %s", own, shared) : own;
}
