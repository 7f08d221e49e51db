/* catalog/part_guides.c - rows of data/guides.json. Left out: whether they are right (verb/need_table.c). */
#include "base/arena.h"
#include "catalog/guides.h"
#include "catalog/table.h"

struct guides {
    const struct guide_figure *row;
    size_t count;
};

static const struct field guide_field[] = {
    ROW_TEXT(guide_figure, "name", name),
    ROW_TEXT(guide_figure, "level", level),
    ROW_TEXT(guide_figure, "precision", precision),
    ROW_TEXT(guide_figure, "card", card),
    ROW_TEXT(guide_figure, "source", source),
    ROW_TEXT(guide_figure, "confidence", confidence),
    ROW_TEXTS(guide_figure, "sizes", sizes, size_count),
    ROW_NUMBER(guide_figure, "gb", gb),
};
static const struct fields guide_fields = ROW_FIELDS(guide_figure, guide_field);

static const void *load_guides(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "guides.json", &guide_fields, offsetof(struct guide_figure, name), &rows,
                      err))
        return NULL;
    const struct guide_figure *row = rows.row;
    for (size_t i = 0; i < rows.count; i++)
        if (!(row[i].gb > 0) || !row[i].size_count || !row[i].level) {
            (void)err_set(err, MU_DATA, "guides.json: %s: sizes, level and gb are needed",
                          row[i].name);
            return NULL;
        }
    struct guides *all = NEW(c->arena, struct guides);
    *all = (struct guides){rows.row, rows.count};
    return all;
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
