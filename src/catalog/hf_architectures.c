/* catalog/hf_architectures.c - the rows of data/hf_architectures.json, bound to the struct of hf_architecture.h, and found by model_type
 * or alias. What their lists say is model/hf_config.c's business. */
#include "base/arena.h"
#include "catalog/hf_architecture.h"
#include "catalog/table.h"

struct hf_row {
    struct hf_architecture a;
    const char *const *aliases;
    size_t alias_count;
};
struct hf_architectures {
    struct hf_architecture *row;
    size_t count;
    struct names names;
};

static const struct field hf_field[] = {
    ROW_TEXT(hf_row, "name", a.name),
    ROW_TEXTS(hf_row, "aliases", aliases, alias_count),
    ROW_TEXT(hf_row, "arch", a.arch),
    ROW_TEXT(hf_row, "kind", a.kind),
    ROW_TEXT(hf_row, "plain_arch", a.plain_arch),
    ROW_TEXT(hf_row, "source", a.source),
    ROW_FLAG(hf_row, "checked", a.checked),
    ROW_TEXTS(hf_row, "sets", a.sets, a.set_count),
    ROW_TEXTS(hf_row, "keys", a.keys, a.key_count),
    ROW_TEXTS(hf_row, "rules", a.rules, a.rule_count),
};
static const struct fields hf_fields = ROW_FIELDS(hf_row, hf_field);

static const void *load(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "hf_architectures.json", &hf_fields, offsetof(struct hf_row, a.name),
                      &rows, err))
        return NULL;
    const struct hf_row *row = rows.row;
    struct hf_architectures *all = NEW(c->arena, struct hf_architectures);
    *all = (struct hf_architectures){.row = NEW_ARRAY(c->arena, struct hf_architecture, rows.count),
                                     .count = rows.count,
                                     .names = names_new(c->arena)};
    for (size_t i = 0; i < rows.count; i++) {
        all->row[i] = row[i].a;
        if (!row[i].a.arch) {
            err_set(err, MU_DATA, "hf_architectures.json: %s: \"arch\" is missing", row[i].a.name);
            return NULL;
        }
        names_add(&all->names, row[i].a.name, i, 0);
        names_add_all(&all->names, row[i].aliases, row[i].alias_count, i, 1);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_hf_architectures(const struct catalog *c, const struct hf_architecture **out,
                              size_t *count, struct mu_err *err)
{
    const struct hf_architectures *all = part_once(c, PART_HF_ARCHITECTURES, load, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

const struct hf_architecture *catalog_hf_architecture(const struct catalog *c, struct str name)
{
    const struct hf_architectures *all = part_once(c, PART_HF_ARCHITECTURES, load, NULL);
    const size_t i = all ? names_row(&all->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &all->row[i];
}

const char *catalog_hf_architecture_near(const struct catalog *c, struct str name)
{
    const struct hf_architectures *all = part_once(c, PART_HF_ARCHITECTURES, load, NULL);
    const char *best = NULL;
    size_t least_edits = SIZE_MAX;
    for (size_t i = 0; all && i < all->count; i++) {
        const size_t edits = str_distance(name, str_of(all->row[i].name));
        if (edits >= least_edits) continue;
        least_edits = edits;
        best = all->row[i].name;
    }
    return best;
}
