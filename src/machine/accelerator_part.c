/* machine/accelerator_part.c - finds the row of the catalogue for an accelerator that was seen, and reads its figures.
 *
 * By the name that a probe gave it, by PCI id, by its driver's name and its memory. A memory that differs by more than drivers keep
 * back is another card, so that a laptop's chip is never the card whose name it borrows. Cards of one PCI id that memory does not tell
 * apart have the range of what they may be. */
#include "machine/accelerator_part.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "catalog/parts.h"
#include "machine/facts.h"
#include "machine/gpu_part.h"
#include "machine/machine.h"

static const double gibibyte = 0x1p30, mebibyte = 0x1p20;

struct asking {
    const struct machine *m;
    const struct catalog *c;
};

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

double chip_part_bytes(const struct gpu_part *part)
{
    return isnan(part->driver_reported_mib) ? part->memory_gib * gibibyte
                                            : part->driver_reported_mib * mebibyte;
}

/* A memory of that size may be this part's; NaN may be any. */
static bool size_fits(const struct gpu_part *part, double bytes)
{
    return part->unified_memory || gpu_part_sized(part, bytes);
}

static const struct gpu_part *part_named(const struct catalog *c, const char *name, double bytes)
{
    const struct gpu_part *part = NULL;
    const double gib = isnan(bytes) ? bytes : round(bytes / gibibyte);
    if (!name || catalog_gpu(c, str_of(name), gib, &part) == MATCH_NONE) return NULL;
    return part;
}

/* A processor may name the GPU that is built into it: "... w/ Radeon 890M". */
static bool names_part(const char *processor, const struct gpu_part *part)
{
    for (size_t i = 0; processor && i < part->alias_count; i++)
        if (strstr(processor, part->aliases[i])) return true;
    return false;
}

/* Parts of its PCI id and memory; how many. */
static size_t candidates(const struct catalog *c, const struct gpu_seen *g, double bytes,
                         const struct gpu_part *out[GPUS_OF_ID])
{
    size_t fitting = 0;
    const size_t rows = g->pci_id ? catalog_gpu_pci(c, str_of(g->pci_id), out) : 0;
    for (size_t i = 0; i < rows; i++)
        if (rows == 1 || size_fits(out[i], bytes)) out[fitting++] = out[i];
    return fitting;
}

/* The one row with that id; of several the one of its name, of its memory or that the processor names, else the first of what is left. */
static const struct gpu_part *part_by_id(const struct asking *k, const struct gpu_seen *g,
                                         double bytes, bool *several)
{
    const struct gpu_part *part[GPUS_OF_ID];
    const size_t parts = candidates(k->c, g, bytes, part);
    const struct gpu_part *named = part_named(k->c, g->name, bytes);
    for (size_t i = 0; i < parts; i++) {
        if (part[i] == named) return named;
        if (part[i]->unified_memory && names_part(k->m->facts->cpu.name, part[i])) return part[i];
    }
    *several = parts > 1;
    return parts ? part[0] : NULL;
}

double chip_told_bytes(const struct gpu_seen *g)
{
    double bytes;
    const bool told = known(g->memory_bytes, &bytes) && g->memory_bytes.origin >= REPORTED;
    return told && bytes > 0 ? bytes : (double)NAN;
}

static const struct gpu_part *part_of(const struct asking *k, const struct gpu_seen *g,
                                      bool *several)
{
    const double bytes = chip_told_bytes(g);
    const struct gpu_part *part;
    *several = false;
    if (!k->c) return NULL;
    if (g->part && (part = part_named(k->c, g->part, bytes))) return part;
    if ((part = part_by_id(k, g, bytes, several))) return part;
    part = part_named(k->c, g->name, bytes);
    return part && size_fits(part, bytes) ? part : NULL;
}

static const struct gpu_seen *card_of_slice(const struct machine *m, const struct gpu_seen *g)
{
    for (size_t i = 0; g->parent && i < m->facts->gpus; i++)
        if (is(m->facts->gpu[i].uuid, g->parent)) return &m->facts->gpu[i];
    return NULL;
}

/* The part of it that a slice is, by memory; NaN: not known. */
static double slice_share(const struct gpu_seen *g, const struct gpu_seen *card,
                          const struct gpu_part *part)
{
    double whole = card ? chip_told_bytes(card) : (double)NAN;
    if (isnan(whole) && part) whole = chip_part_bytes(part);
    const double share = chip_told_bytes(g) / whole;
    return share > 1 ? 1 : share;
}

struct chip chip_of(const struct machine *m, const struct catalog *c, size_t i)
{
    const struct asking asking = {m, c};
    const struct gpu_seen *g = &m->facts->gpu[i];
    const bool slice = is(g->kind, GPU_SLICE);
    const struct gpu_seen *card = slice ? card_of_slice(m, g) : g;
    struct chip chip = {.gpu = g, .index = (uint16_t)i, .share = 1};
    if (card) chip.part = part_of(&asking, card, &chip.several);
    if (!chip.part && c && g->part) chip.part = part_named(c, g->part, (double)NAN);
    if (slice && chip.several) chip.part = NULL; /* a share of what is not known */
    if (slice) chip.share = slice_share(g, card, chip.part);
    const struct gpu_part *part = chip.part;
    if (c)
        chip.vendor = catalog_accelerator_vendor(c, part ? part->vendor : g->vendor,
                                                 part ? part->class_ : NULL,
                                                 part ? part->architecture : NULL);
    return chip;
}

struct estimate chip_listed(const struct chip *chip, const struct catalog *c,
                            double (*figure)(const struct gpu_part *), struct arena *a)
{
    const struct gpu_part *part[GPUS_OF_ID] = {chip->part};
    size_t parts = chip->part ? 1 : 0;
    double low = (double)INFINITY;
    double high = 0;
    if (chip->several) parts = candidates(c, chip->gpu, chip_told_bytes(chip->gpu), part);
    for (size_t i = 0; i < parts; i++) {
        const double one = figure(part[i]) * chip->share;
        if (!(one > 0)) return (struct estimate){.origin = UNKNOWN};
        low = fmin(low, one);
        high = fmax(high, one);
    }
    if (!chip->part || !(high > 0)) return (struct estimate){.origin = UNKNOWN};
    const bool slice = chip->share < 1;
    const char *source = str_format(a, "catalogue: %s%s", chip->part->name,
                                    chip->several ? " or another of its PCI id"
                                    : slice       ? ", by the slice's memory"
                                                  : "");
    return estimate_of(low, (low + high) / 2, high, slice || low < high ? ESTIMATED : LISTED,
                       source);
}
