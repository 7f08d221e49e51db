/* catalog/part_gpus.c - accelerators by name, by PCI id and by memory size, from data/gpus.json.
 *
 * One marketing name may stand for cards with different memory: the size decides, asked for or written behind the name ("24GB").
 * Without it the first row of the file, the commonest, is taken and the match says that there are several. */
#include "base/arena.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "catalog/table.h"

#include <math.h>

enum { RANK_NAME, RANK_ALIAS };

/* A driver reports a few per cent less than the label says; the next size sold is at least a quarter away. */
static const double same_memory = 0.12;

struct gpus {
    struct gpu_part *row;
    size_t count;
    struct names names;
};

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
    ROW_FLAG(gpu_part, "unified_memory", unified_memory),
    ROW_FLAG(gpu_part, "laptop", laptop),
};
static const struct fields gpu_fields = ROW_FIELDS(gpu_part, gpu_field);

static const void *load(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "gpus.json", &gpu_fields, offsetof(struct gpu_part, name), &rows, err))
        return NULL;
    struct gpus *all = NEW(c->arena, struct gpus);
    *all = (struct gpus){rows.row, rows.count, names_new(c->arena)};
    for (size_t i = 0; i < all->count; i++) {
        const struct gpu_part *g = &all->row[i];
        names_add(&all->names, g->name, i, RANK_NAME);
        names_add(&all->names, g->driver_name, i, RANK_ALIAS);
        for (size_t k = 0; k < g->alias_count; k++)
            names_add(&all->names, g->aliases[k], i, RANK_ALIAS);
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

static double off_by(const struct gpu_part *g, double memory_gib)
{
    return fabs(g->memory_gib - memory_gib) / memory_gib;
}
