/* machine/gpu_part.c - a card that was seen, as a row of data/gpus.json.
 *
 * An id or a name alone does not tell cards of different memory apart; what the driver reports does. It reports less than a card is
 * sold with (error correction takes a sixteenth of it, the driver keeps some) and never noticeably more, so a row fits when the
 * report is between 85 and 103 % of it: neighbours of one name differ by a sixth at least. Of a card that uses the machine's own
 * memory, that memory counts. A card that was given other memory than it was sold with keeps the row of its id when its name is the
 * row's. Left out: names that differ in words; guessing there is how one card becomes another. */
#include "machine/gpu_part.h"

#include <math.h>

static const double least_share = 0.85, most_share = 1.03;

/* What is known of the card, in the form that rows are compared by. */
struct sought {
    const struct gpu_seen *gpu;
    struct str name;
    double memory_gib; /* NaN: not reported */
    bool laptop;
};

static double reported_gib(const struct gpu_seen *g)
{
    double bytes;
    if (g->memory_bytes.origin >= REPORTED && known(g->memory_bytes, &bytes) && bytes > 0)
        return bytes / 0x1p30;
    return known(g->shared_bytes, &bytes) && known_or(g->memory_bytes, 1) == 0 ? bytes / 0x1p30
                                                                               : (double)NAN;
}

static char plain_next(struct str *s)
{
    while (s->n) {
        const char c = s->p[0];
        *s = (struct str){s->p + 1, s->n - 1};
        if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
    }
    return '\0';
}

/* As str_plain() would have both. */
static bool same_name(struct str a, const char *text)
{
    struct str b = str_of(text);
    char one;
    char other;
    do {
        one = plain_next(&a);
        other = plain_next(&b);
    } while (one && one == other);
    return text && one == other;
}

static bool named(const struct sought *s, const struct gpu_part *part)
{
    if (same_name(s->name, part->name) || same_name(s->name, part->driver_name)) return true;
    for (size_t i = 0; i < part->alias_count; i++)
        if (same_name(s->name, part->aliases[i])) return true;
    return false;
}

bool gpu_part_sized(const struct gpu_part *part, double memory_bytes)
{
    const double sold_bytes = part->memory_gib * 0x1p30;
    if (isnan(memory_bytes) || isnan(sold_bytes)) return true;
    return memory_bytes >= sold_bytes * least_share && memory_bytes <= sold_bytes * most_share;
}

static bool sized_alike(const struct sought *s, const struct gpu_part *part)
{
    return gpu_part_sized(part, s->memory_gib * 0x1p30);
}

/* Neither a laptop's chip under a desktop card's row nor another maker's. */
static bool possible(const struct sought *s, const struct gpu_part *part)
{
    if (s->laptop && !part->laptop) return false;
    return !s->gpu->vendor || !part->vendor ||
           str_eq_nocase(str_of(s->gpu->vendor), str_of(part->vendor));
}

static const struct gpu_part *by_id(const struct catalog *c, const struct sought *s)
{
    const struct gpu_part *part[GPUS_OF_ID];
    const struct gpu_part *kept = NULL, *by_name = NULL, *only = NULL;
    size_t fitting = 0, names = 0, with_id = 0;
    if (!s->gpu->pci_id) return NULL;
    const size_t parts = catalog_gpu_pci(c, str_of(s->gpu->pci_id), part);
    for (size_t i = 0; i < parts; i++) {
        if (!possible(s, part[i])) continue;
        with_id++;
        only = part[i];
        if (!sized_alike(s, part[i])) continue;
        fitting++;
        kept = part[i];
        if (!named(s, part[i])) continue;
        names++;
        by_name = part[i];
    }
    if (names == 1) return by_name;
    if (fitting == 1) return kept;
    return with_id == 1 && named(s, only) ? only : NULL;
}

const struct gpu_part *gpu_part_of(const struct catalog *c, const struct gpu_seen *g)
{
    if (!c) return NULL;
    const struct sought s = {.gpu = g,
                             .name = str_of(g->name),
                             .memory_gib = reported_gib(g),
                             .laptop = str_has(str_of(g->name), S("Laptop"))};
    const struct gpu_part *part = by_id(c, &s);
    if (part || !s.name.n) return part;
    const enum catalog_match match = catalog_gpu(c, s.name, s.memory_gib, &part);
    if (match != MATCH_ONE || !possible(&s, part) || !sized_alike(&s, part)) return NULL;
    return part;
}
