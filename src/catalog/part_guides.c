/* catalog/part_guides.c - rows of data/guides.json, and the bits of formats outside GGUF (data/quants.json) that they are held against.
 * Left out: whether they are right (verb/need_table.c, need_precisions.c). */
#include "base/arena.h"
#include "catalog/guides.h"
#include "catalog/table.h"

#include <math.h>
#include <string.h>

struct format {
    const char *name;
    double bits;
};
struct guides {
    const struct guide_figure *row;
    const struct guide_precision *precision;
    const struct format *format;
    size_t count, precisions, formats;
};

static const struct field guide_field[] = {
    ROW_TEXT(guide_figure, "name", name),
    ROW_TEXT(guide_figure, "level", level),
    ROW_TEXT(guide_figure, "precision", precision),
    ROW_TEXT(guide_figure, "source", source),
    ROW_TEXT(guide_figure, "confidence", confidence),
    ROW_TEXTS(guide_figure, "sizes", sizes, size_count),
    ROW_TEXTS(guide_figure, "cards", cards, card_count),
    ROW_NUMBER(guide_figure, "gb", gb),
    ROW_FLAG(guide_figure, "holds", holds),
};
static const struct fields guide_fields = ROW_FIELDS(guide_figure, guide_field);

static const struct field precision_field[] = {
    ROW_TEXT(guide_precision, "name", name),
    ROW_TEXT(guide_precision, "source", source),
    ROW_TEXT(guide_precision, "confidence", confidence),
    ROW_NUMBER(guide_precision, "bytes", bytes),
    ROW_TEXTS(guide_precision, "sizes", sizes, size_count),
    ROW_TEXTS(guide_precision, "mixes", mixes, mix_count),
    ROW_TEXTS(guide_precision, "formats", formats, format_count),
};
static const struct fields precision_fields = ROW_FIELDS(guide_precision, precision_field);

static const struct field format_field[] = {
    ROW_TEXT(format, "name", name),
    ROW_NUMBER(format, "bits_per_weight", bits),
};
static const struct fields format_fields = ROW_FIELDS(format, format_field);

static bool read_figures(const struct catalog *c, struct guides *all, struct mu_err *err)
{
    struct rows rows;
    if (!kind_read(
            c, "guides.json",
            &(struct row_kind){"entries", &guide_fields, offsetof(struct guide_figure, name), NULL},
            &rows, err))
        return false;
    all->row = rows.row;
    all->count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        if (!(all->row[i].gb > 0) || !all->row[i].size_count || !all->row[i].level)
            return err_set(err, MU_DATA, "guides.json: %s: sizes, level and gb are needed",
                           all->row[i].name);
    return true;
}

static bool read_precisions(const struct catalog *c, struct guides *all, struct mu_err *err)
{
    struct rows rows;
    if (!kind_read(c, "guides.json",
                   &(struct row_kind){"precisions", &precision_fields,
                                      offsetof(struct guide_precision, name), NULL},
                   &rows, err))
        return false;
    all->precision = rows.row;
    all->precisions = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        if (!(all->precision[i].bytes > 0) || !all->precision[i].size_count)
            return err_set(err, MU_DATA, "guides.json: %s: sizes and bytes are needed",
                           all->precision[i].name);
    return true;
}

static bool read_formats(const struct catalog *c, struct guides *all, struct mu_err *err)
{
    struct rows rows;
    if (!kind_read(c, "quants.json",
                   &(struct row_kind){"other_formats", &format_fields,
                                      offsetof(struct format, name), NULL},
                   &rows, err))
        return false;
    all->format = rows.row;
    all->formats = rows.count;
    return true;
}

static const void *load_guides(const struct catalog *c, struct mu_err *err)
{
    struct guides *all = NEW(c->arena, struct guides);
    return read_figures(c, all, err) && read_precisions(c, all, err) && read_formats(c, all, err)
               ? all
               : NULL;
}

bool catalog_guides(const struct catalog *c, const struct guide_figure **out, size_t *count,
                    struct mu_err *err)
{
    const struct guides *all = part_once(c, PART_GUIDES, load_guides, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

bool catalog_precisions(const struct catalog *c, const struct guide_precision **out, size_t *count,
                        struct mu_err *err)
{
    const struct guides *all = part_once(c, PART_GUIDES, load_guides, err);
    if (!all) return false;
    *out = all->precision;
    *count = all->precisions;
    return true;
}

double catalog_format_bits(const struct catalog *c, const char *name)
{
    const struct guides *all = part_once(c, PART_GUIDES, load_guides, NULL);
    for (size_t i = 0; all && i < all->formats; i++)
        if (strcmp(all->format[i].name, name) == 0) return all->format[i].bits;
    return (double)NAN;
}
