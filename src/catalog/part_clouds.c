/* catalog/part_clouds.c - machines for rent, from data/clouds.json: what each holds, what it costs, and when that was so.
 *
 * A price is worth its date: one without is refused. What is retired stays in the table, since people ask for it by name, and is never
 * offered; a row of the user's own without a status is current. Left out: which one to take. */
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/table.h"

#include <string.h>

struct clouds {
    struct cloud_part *row;
    size_t count;
    struct names names;
};

static const struct field cloud_field[] = {
    ROW_TEXT(cloud_part, "provider", provider),
    ROW_TEXT(cloud_part, "name", name),
    ROW_TEXT(cloud_part, "gpu", gpu),
    ROW_TEXT(cloud_part, "cpu", cpu),
    ROW_TEXT(cloud_part, "region", region),
    ROW_TEXT(cloud_part, "price_date", price_date),
    ROW_TEXT(cloud_part, "status", status),
    ROW_TEXT(cloud_part, "source", source),
    ROW_TEXT(cloud_part, "confidence", confidence),
    ROW_TEXT(cloud_part, "note", note),
    ROW_TEXTS(cloud_part, "aliases", aliases, alias_count),
    ROW_NUMBER(cloud_part, "vcpus", vcpus),
    ROW_NUMBER(cloud_part, "ram_gib", ram_gib),
    ROW_NUMBER(cloud_part, "gpu_count", gpu_count),
    ROW_NUMBER(cloud_part, "gpu_memory_gib", gpu_memory_gib),
    ROW_NUMBER(cloud_part, "usd_per_hour", usd_per_hour),
    ROW_NUMBER(cloud_part, "usd_per_hour_spot", usd_per_hour_spot),
    ROW_NUMBER(cloud_part, "usd_per_gpu_hour", usd_per_gpu_hour),
    ROW_FLAG(cloud_part, "price_verified", price_verified),
};
static const struct fields cloud_fields = ROW_FIELDS(cloud_part, cloud_field);

/* Whether it can be rented, in the words of the file; the first for a row that says nothing. */
static const char *const statuses[] = {"current", "legacy", "retired"};
enum { RETIRED = COUNT_OF(statuses) - 1 };

static bool row_checked(const struct json *row, struct mu_err *err)
{
    const struct json *status = json_get(row, "status");
    const struct json *price = json_get(row, "usd_per_hour");
    struct str word;
    double usd;
    if (!figures_in_range(&cloud_fields, row, FIGURES_FROM_ZERO, err)) return false;
    if (json_text(status, &word)) {
        bool is_known = false;
        for (size_t i = 0; i < COUNT_OF(statuses); i++)
            is_known = is_known || str_is(word, statuses[i]);
        if (!is_known)
            return err_set(err, MU_DATA, "status: takes current, legacy or retired; not '%.*s'",
                           (int)(word.n < 64 ? word.n : 64), word.p);
    }
    if (json_number(price, &usd) && json_kind(json_get(row, "price_date")) != JSON_TEXT_KIND)
        return err_set(err, MU_DATA, "usd_per_hour: a price needs its price_date");
    return true;
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    static const struct row_kind kind = {"entries", &cloud_fields,
                                         offsetof(struct cloud_part, name), row_checked};
    struct rows rows;
    if (!kind_read(c, "clouds.json", &kind, &rows, err)) return NULL;
    struct clouds *all = NEW(c->arena, struct clouds);
    *all = (struct clouds){rows.row, rows.count, names_new(c->arena)};
    for (size_t i = 0; i < all->count; i++) {
        struct cloud_part *p = &all->row[i];
        const unsigned ours = i < rows.own ? 0 : RANKS;
        if (!p->status) p->status = statuses[0];
        p->retired = strcmp(p->status, statuses[RETIRED]) == 0;
        names_add(&all->names, p->name, i, ours);
        names_add_all(&all->names, p->aliases, p->alias_count, i, ours + 1);
        if (p->provider)
            names_add(&all->names, str_format(c->arena, "%s %s", p->provider, p->name), i,
                      ours + 1);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_clouds(const struct catalog *c, const struct cloud_part **out, size_t *count,
                    struct mu_err *err)
{
    const struct clouds *all = part_once(c, PART_CLOUDS, load, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

const struct cloud_part *catalog_cloud(const struct catalog *c, struct str name)
{
    const struct clouds *all = part_once(c, PART_CLOUDS, load, NULL);
    const size_t i = all ? names_row(&all->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &all->row[i];
}
