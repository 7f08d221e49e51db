/* catalog/part_gpus.c - accelerators by name, by PCI id and by memory size, from data/gpus.json.
 *
 * One marketing name may stand for cards with different memory: the size decides, asked for or written behind the name ("24GB").
 * Without it the first row of the file, the commonest, is taken and the match says that there are several. Whatever a row of the
 * user's own carries, a name or a PCI id, is taken from ours. */
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/table.h"

#include <math.h>

enum { RANK_NAME, RANK_ALIAS };
_Static_assert((int)RANK_ALIAS < (int)RANKS, "ranks of the user's rows come before all of ours");

struct gpus {
    struct gpu_part *row;
    size_t count, own; /* own: the first so many are the user's */
    struct names names;
};

static const struct field share_field[] = {
    ROW_NUMBER(gpu_part, "le_36GiB", usable_share_small),
    ROW_NUMBER(gpu_part, "gt_36GiB", usable_share_large),
};
static const struct fields share_fields = ROW_FIELDS(gpu_part, share_field);

static const struct field gpu_field[] = {
    ROW_TEXT(gpu_part, "name", name),
    ROW_TEXT(gpu_part, "driver_name", driver_name),
    ROW_TEXT(gpu_part, "vendor", vendor),
    ROW_TEXT(gpu_part, "class", class_),
    ROW_TEXT(gpu_part, "architecture", architecture),
    ROW_TEXT(gpu_part, "memory_type", memory_type),
    ROW_TEXT(gpu_part, "source", source),
    ROW_TEXT(gpu_part, "confidence", confidence),
    ROW_TEXTS(gpu_part, "aliases", aliases, alias_count),
    ROW_TEXTS(gpu_part, "pci_ids", pci_ids, pci_id_count),
    ROW_NUMBER(gpu_part, "memory_gib", memory_gib),
    ROW_NUMBER(gpu_part, "memory_bandwidth_gbs", memory_bandwidth_gbs),
    ROW_NUMBER(gpu_part, "tdp_w", tdp_w),
    ROW_NUMBER(gpu_part, "launch_year", launch_year),
    ROW_NUMBER(gpu_part, "driver_reported_mib", driver_reported_mib),
    ROW_NUMBER(gpu_part, "fp32_tflops", fp32_tflops),
    ROW_NUMBER(gpu_part, "fp16_tflops", fp16_tflops),
    ROW_NUMBER(gpu_part, "fp16_tensor_tflops", fp16_tensor_tflops),
    ROW_NUMBER(gpu_part, "bf16_tflops", bf16_tflops),
    ROW_NUMBER(gpu_part, "fp8_tflops", fp8_tflops),
    ROW_NUMBER(gpu_part, "fp4_tflops", fp4_tflops),
    ROW_NUMBER(gpu_part, "int8_tops", int8_tops),
    ROW_NUMBER(gpu_part, "launch_price_usd", launch_price_usd),
    ROW_NUMBER(gpu_part, "typical_street_price_usd", typical_street_price_usd),
    ROW_TEXT(gpu_part, "compute_capability", compute_capability),
    ROW_TEXT(gpu_part, "gfx", gfx),
    ROW_TEXT(gpu_part, "street_price_date", street_price_date),
    ROW_TEXT(gpu_part, "street_price_source", street_price_source),
    ROW_TEXT(gpu_part, "note", note),
    ROW_MAP("usable_gpu_memory_fraction_default", share_fields),
    ROW_FLAG(gpu_part, "unified_memory", unified_memory),
    ROW_FLAG(gpu_part, "laptop", laptop),
};
static const struct fields gpu_fields = ROW_FIELDS(gpu_part, gpu_field);

static bool row_checked(const struct json *row, struct mu_err *err)
{
    return figures_in_range(&gpu_fields, row, FIGURES_ABOVE_ZERO, err);
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    static const struct row_kind kind = {"entries", &gpu_fields, offsetof(struct gpu_part, name),
                                         row_checked};
    struct rows rows;
    if (!kind_read(c, "gpus.json", &kind, &rows, err)) return NULL;
    struct gpus *all = NEW(c->arena, struct gpus);
    *all = (struct gpus){rows.row, rows.count, rows.own, names_new(c->arena)};
    for (size_t i = 0; i < all->count; i++) {
        const struct gpu_part *g = &all->row[i];
        const unsigned ours = i < rows.own ? 0 : RANKS;
        names_add(&all->names, g->name, i, ours + RANK_NAME);
        names_add(&all->names, g->driver_name, i, ours + RANK_ALIAS);
        names_add_all(&all->names, g->aliases, g->alias_count, i, ours + RANK_ALIAS);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_gpus(const struct catalog *c, const struct gpu_part **out, size_t *count,
                  struct mu_err *err)
{
    const struct gpus *all = part_once(c, PART_GPUS, load, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

/* ---- by name ---- */

/* Takes a size off the end of a name: "24GB", "24 GiB", "24G". Cards are sold by binary gigabytes whatever the label says. */
static bool cut_size(struct str *name, double *memory_gib)
{
    static const char *const units[] = {"gb", "gib", "g"};
    struct str rest = str_trim(*name);
    size_t n = rest.n;
    while (n && !byte_is_digit(rest.p[n - 1]) && rest.p[n - 1] != ' ') n--;
    const struct str unit = {rest.p + n, rest.n - n};
    bool is_unit = false;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        is_unit = is_unit || str_eq_nocase(unit, str_of(units[i]));
    while (n && rest.p[n - 1] == ' ') n--;
    const size_t end = n;
    while (n && byte_is_digit(rest.p[n - 1])) n--;
    uint64_t size;
    if (!is_unit || !n || (rest.p[n - 1] != ' ' && rest.p[n - 1] != '-') ||
        !str_u64((struct str){rest.p + n, end - n}, &size))
        return false;
    *name = (struct str){rest.p, n};
    *memory_gib = (double)size;
    return true;
}

/* Of `n` spellings, the row nearest in memory; *several when another one is as near. */
static const struct gpu_part *nearest(const struct gpus *all, const struct spelling *s, size_t n,
                                      double memory_gib, bool *several)
{
    const struct gpu_part *best = NULL;
    double least_gap = (double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        const struct gpu_part *g = &all->row[s[i].row];
        const double gap = isnan(memory_gib) ? 0 : fabs(g->memory_gib - memory_gib);
        if (i && !(gap < least_gap)) {
            *several = *several || !(gap > least_gap);
            continue;
        }
        best = g;
        least_gap = gap;
        *several = false;
    }
    return best;
}

static enum catalog_match find(const struct catalog *c, const struct gpus *all, struct str name,
                               double memory_gib, const struct gpu_part **out)
{
    const struct spelling *plain = NULL;
    const struct spelling *sized = NULL;
    const char *with_size = str_format(c->arena, "%.*s %.0fGB", STR_ARG(name), memory_gib);
    const size_t plains = names_find(&all->names, name, &plain);
    const size_t sizeds =
        isnan(memory_gib) ? 0 : names_find(&all->names, str_of(with_size), &sized);
    bool several = false;
    const struct gpu_part *g = sizeds ? nearest(all, sized, sizeds, memory_gib, &several)
                                      : nearest(all, plain, plains, memory_gib, &several);
    if (!g) return MATCH_NONE;
    *out = g;
    return several ? MATCH_SEVERAL : MATCH_ONE;
}

enum catalog_match catalog_gpu(const struct catalog *c, struct str name, double memory_gib,
                               const struct gpu_part **out)
{
    const struct gpus *all = part_once(c, PART_GPUS, load, NULL);
    double written_gib;
    if (!all) return MATCH_NONE;
    const enum catalog_match match = find(c, all, name, memory_gib, out);
    if (match != MATCH_NONE || !cut_size(&name, &written_gib)) return match;
    return find(c, all, name, isnan(memory_gib) ? written_gib : memory_gib, out);
}

static bool carries(const struct gpu_part *part, struct str id)
{
    for (size_t i = 0; i < part->pci_id_count; i++)
        if (str_eq_nocase(id, str_of(part->pci_ids[i]))) return true;
    return false;
}

size_t catalog_gpu_pci(const struct catalog *c, struct str id,
                       const struct gpu_part *out[GPUS_OF_ID])
{
    const struct gpus *all = part_once(c, PART_GPUS, load, NULL);
    size_t found = 0;
    for (size_t i = 0; all && i < all->count && !(found && i == all->own); i++)
        if (found < GPUS_OF_ID && carries(&all->row[i], id)) out[found++] = &all->row[i];
    return found;
}
