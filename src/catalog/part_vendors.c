/* catalog/part_vendors.c - what a maker's accelerators have in common: which backend people run there, how much of a shared memory they
 * take. Rows of data/accelerator_vendors.json, the narrower ones first; a user's own rows come before all of them. */
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/table.h"

#include <math.h>

struct vendors {
    const struct accelerator_vendor *row;
    size_t count;
};

static const struct field vendor_field[] = {
    ROW_TEXT(accelerator_vendor, "name", name),
    ROW_TEXT(accelerator_vendor, "vendor", vendor),
    ROW_TEXT(accelerator_vendor, "class", class_),
    ROW_TEXT(accelerator_vendor, "architecture", architecture),
    ROW_TEXT(accelerator_vendor, "backend", backend),
    ROW_TEXT(accelerator_vendor, "platform", platform),
    ROW_NUMBER(accelerator_vendor, "shared_share", shared_share),
    ROW_NUMBER(accelerator_vendor, "small_up_to_gib", small_up_to_gib),
    ROW_TEXT(accelerator_vendor, "guide_type", guide_type),
    ROW_TEXT(accelerator_vendor, "guide_words", guide_words),
    ROW_TEXT(accelerator_vendor, "limited_by", limited_by),
    ROW_FLAG(accelerator_vendor, "carve_out", carve_out),
    ROW_TEXT(accelerator_vendor, "source", source),
    ROW_TEXT(accelerator_vendor, "confidence", confidence),
};
static const struct fields vendor_fields = ROW_FIELDS(accelerator_vendor, vendor_field);

static const void *load(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "accelerator_vendors.json", &vendor_fields,
                      offsetof(struct accelerator_vendor, name), &rows, err))
        return NULL;
    struct vendors *all = NEW(c->arena, struct vendors);
    *all = (struct vendors){rows.row, rows.count};
    for (size_t i = 0; i < all->count; i++) {
        const struct accelerator_vendor *v = &all->row[i];
        const bool shared = isnan(v->shared_share) || (v->shared_share > 0 && v->shared_share <= 1);
        if (v->vendor && shared) continue;
        (void)err_set(err, MU_DATA,
                      "accelerator_vendors.json: %s has no vendor, or a shared_share that is no "
                      "share",
                      v->name);
        return NULL;
    }
    return all;
}

/* A row that says nothing of it takes all. */
static bool takes(const char *wanted, const char *have)
{
    return !wanted || (have && str_eq_nocase(str_of(wanted), str_of(have)));
}

const struct accelerator_vendor *catalog_accelerator_vendor(const struct catalog *c,
                                                            const char *vendor, const char *class_,
                                                            const char *architecture)
{
    const struct vendors *all = part_once(c, PART_VENDORS, load, NULL);
    for (size_t i = 0; vendor && all && i < all->count; i++) {
        const struct accelerator_vendor *v = &all->row[i];
        if (takes(v->vendor, vendor) && takes(v->class_, class_) &&
            takes(v->architecture, architecture))
            return v;
    }
    return NULL;
}
