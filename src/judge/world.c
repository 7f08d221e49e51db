/* Residuals of the truth classes and rough bounds, from the data that ships with the program. */
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "catalog/catalog.h"
#include "judge/judge.h"

static const double RATIO_LEAST = 1e-3, RATIO_MOST = 1e3;

struct table {
    const struct residual *row;
    size_t rows;
};

static const struct field residual_fields[] = {
    {.name = "class",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct residual, class_),
     .words = "truth class"},
    {.name = "low",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct residual, low),
     .words = "measured / predicted, 5th percentile or bound"},
    {.name = "likely",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct residual, likely),
     .words = "measured / predicted, median"},
    {.name = "high",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct residual, high),
     .words = "measured / predicted, 95th percentile or bound"},
    {.name = "rows",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct residual, rows),
     .words = "rows it was made of"},
    {.name = "rough",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct residual, rough),
     .words = "why it is only a bound"},
};
static const struct fields residual_table = {"residual", sizeof(struct residual), residual_fields,
                                             COUNT_OF(residual_fields)};
static const struct field table_fields[] = {
    {.name = "entries",
     .kind = FIELD_LIST,
     .offset = offsetof(struct table, row),
     .words = "residuals",
     .of = &residual_table,
     .count_offset = offsetof(struct table, rows)},
};
static const struct fields file_table = {"residuals", sizeof(struct table), table_fields,
                                         COUNT_OF(table_fields)};

/* A class, and three ratios in their order; wide enough for any true one, and no quotient of them overflows. */
static bool rows_checked(const struct table *t, struct mu_err *err)
{
    for (size_t i = 0; i < t->rows; i++) {
        const struct residual *r = &t->row[i];
        if (!r->class_ || !(r->low >= RATIO_LEAST && r->low <= r->likely && r->likely <= r->high &&
                            r->high <= RATIO_MOST))
            return err_set(err, MU_DATA,
                           "entries[%zu] needs a class and low <= likely <= high, each from %g to "
                           "%.0f",
                           i, RATIO_LEAST, RATIO_MOST);
    }
    return true;
}

static bool read_table(const struct catalog *c, const char *name, struct arena *a,
                       struct table *out, struct mu_err *err)
{
    struct json *tree = NULL;
    struct str text;
    *out = (struct table){NULL, 0};
    if (!catalog_read(c, name, &text, err)) return false;
    if (!text.p) return err_set(err, MU_INTERNAL, "%s is missing from the program's data", name);
    if (!json_parse(text, name, &tree, err)) return false;
    const bool ok = fields_read(&file_table, tree, out, a, err) && rows_checked(out, err);
    json_free(tree);
    return ok || err_add(err, "%s", name);
}

bool judge_world(const struct catalog *c, struct arena *a, struct world *out, struct mu_err *err)
{
    struct table residuals, bounds;
    if (!read_table(c, "residuals.json", a, &residuals, err) ||
        !read_table(c, "speed.json", a, &bounds, err))
        return false;
    struct residual *all = NEW_ARRAY(a, struct residual, residuals.rows + bounds.rows);
    if (residuals.rows) memcpy(all, residuals.row, residuals.rows * sizeof *all);
    if (bounds.rows) memcpy(all + residuals.rows, bounds.row, bounds.rows * sizeof *all);
    *out = (struct world){all, residuals.rows + bounds.rows};
    return true;
}

const struct residual *residual_find(const struct world *w, const char *class_)
{
    for (size_t i = 0; i < w->residuals; i++)
        if (strcmp(w->residual[i].class_, class_) == 0) return &w->residual[i];
    return NULL;
}
