/* catalog/table.c - the one loader: a JSON file of data/ and the user's own of that name, row by row through a field table.
 *
 * Both files have the same form. The user's rows come first, so that they win every name they carry; ours follow without those whose
 * name the user's file has (names compare as everywhere: letters and digits only). Everything a row says is copied into the arena. */
#include "catalog/table.h"
#include "base/arena.h"

#include <math.h>
#include <string.h>

enum { NEAR_EDITS = 3, SHOWN_BYTES = 64 };

/* What a user's file may hold is what ours holds: a key that no row of ours has is a slip, and would be passed over in silence. */
struct keys {
    struct str wanted;
    const char *best;
    size_t edits;
    bool found;
};

static void try_key(struct keys *k, const char *key)
{
    const size_t edits = str_distance(k->wanted, str_of(key));
    k->found = k->found || str_is(k->wanted, key);
    if (edits >= k->edits) return;
    k->edits = edits;
    k->best = key;
}

static void try_keys(struct keys *k, const struct json *map)
{
    const char *key = NULL;
    while (!k->found && json_next(map, &key)) try_key(k, key);
}

static bool no_such_key(const struct keys *k, struct mu_err *err)
{
    const int n = (int)(k->wanted.n < SHOWN_BYTES ? k->wanted.n : SHOWN_BYTES);
    if (k->best && k->edits <= NEAR_EDITS)
        return err_set(err, MU_DATA, "there is no key '%.*s'; did you mean '%s'?", n, k->wanted.p,
                       k->best);
    return err_set(err, MU_DATA, "there is no key '%.*s'", n, k->wanted.p);
}

static bool file_keys_known(const struct json *own, const struct json *ours, struct mu_err *err)
{
    const char *key = NULL;
    while (json_next(own, &key)) {
        struct keys k = {.wanted = str_of(key), .edits = SIZE_MAX};
        try_keys(&k, ours);
        if (!k.found) return no_such_key(&k, err);
    }
    return true;
}

static bool row_keys_known(const struct fields *t, const struct json *row, const struct json *ours,
                           struct mu_err *err)
{
    const char *key = NULL;
    while (json_next(row, &key)) {
        struct keys k = {.wanted = str_of(key), .edits = SIZE_MAX};
        for (size_t i = 0; i < t->count; i++) try_key(&k, t->field[i].name);
        for (size_t i = 0; !k.found && i < json_count(ours); i++) try_keys(&k, json_at(ours, i));
        if (!k.found) return no_such_key(&k, err);
    }
    return true;
}

bool figures_in_range(const struct fields *t, const struct json *row, enum figures from,
                      struct mu_err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct field *f = &t->field[i];
        double x;
        if (f->kind != FIELD_NUMBER || !json_number(json_get(row, f->name), &x)) continue;
        if (isfinite(x) && (x > 0 || (from == FIGURES_FROM_ZERO && x >= 0))) continue;
        return err_set(err, MU_DATA, "%s: is %g; it takes a number %s", f->name, x,
                       from == FIGURES_FROM_ZERO ? "from 0" : "above 0");
    }
    return true;
}

static bool parse(struct str text, const char *path, struct sheets *s, struct mu_err *err)
{
    if (!json_parse(text, path, &s->tree[s->count], err)) return false;
    s->path[s->count++] = path;
    if (json_kind(s->tree[s->count - 1]) == JSON_MAP_KIND) return true;
    return err_set(err, MU_DATA, "%s: must be a map that holds lists of rows", path);
}

bool sheets_open(const struct catalog *c, const char *file, struct sheets *out, struct mu_err *err)
{
    struct sheets s = {.count = 0};
    struct str own;
    const char *path = NULL;
    const struct str shipped = catalog_shipped(file);
    if (!shipped.p) return err_set(err, MU_INTERNAL, "data/%s is not in this program", file);
    if (!catalog_own(c, file, &own, &path, err) || (own.p && !parse(own, path, &s, err)) ||
        !parse(shipped, str_format(c->arena, "data/%s", file), &s, err) ||
        (s.count > 1 && !file_keys_known(s.tree[0], s.tree[1], err) && !err_add(err, "%s", path))) {
        sheets_close(&s);
        return false;
    }
    *out = s;
    return true;
}

void sheets_close(struct sheets *s)
{
    for (size_t i = 0; i < COUNT_OF(s->tree); i++) json_free(s->tree[i]);
    *s = (struct sheets){.count = 0};
}

static const char *name_of(const void *row, size_t offset)
{
    const char *name;
    memcpy(&name, (const char *)row + offset, sizeof name);
    return name;
}

static bool read_row(const struct catalog *c, const struct row_kind *kind, const struct json *j,
                     void *row, struct mu_err *err)
{
    memset(row, 0, kind->fields->size);
    if (kind->check && !kind->check(j, err)) return false;
    if (!fields_read(kind->fields, j, row, c->arena, err)) return false;
    const char *name = name_of(row, kind->name_offset);
    if (name && *str_plain(c->arena, str_of(name))) return true;
    return err_set(err, MU_DATA, "the row has no name");
}

/* Reads one file's rows behind those in `out`. taken: the names of the user's file while ours is read, NULL for the first file. */
static bool read_sheet(const struct catalog *c, const struct sheets *s, size_t sheet,
                       const struct row_kind *kind, struct names *taken, struct rows *out,
                       struct mu_err *err)
{
    const struct json *list = json_get(s->tree[sheet], kind->list);
    const size_t before = out->count;
    if (list && json_kind(list) != JSON_LIST_KIND)
        return err_set(err, MU_DATA, "%s: %s must be a list", s->path[sheet], kind->list);
    for (size_t i = 0; i < json_count(list); i++) {
        void *row = (char *)out->row + out->count * kind->fields->size;
        const bool own = sheet + 1 < s->count;
        if ((own && !row_keys_known(kind->fields, json_at(list, i),
                                    json_get(s->tree[sheet + 1], kind->list), err)) ||
            !read_row(c, kind, json_at(list, i), row, err) || !arena_within(c->arena, err))
            return err_add(err, "%s: %s[%zu]", s->path[sheet], kind->list, i);
        const char *name = name_of(row, kind->name_offset);
        if (names_row(taken, str_of(name)) == SIZE_MAX) out->count++;
    }
    for (size_t i = before; i < out->count; i++)
        names_add(taken, name_of((char *)out->row + i * kind->fields->size, kind->name_offset), i,
                  0);
    names_sort(taken);
    for (size_t i = 1; i < taken->count; i++)
        if (!strcmp(taken->entry[i - 1].plain, taken->entry[i].plain))
            return err_set(err, MU_DATA, "%s: two rows of %s are called %s; rename one",
                           s->path[sheet], kind->list, taken->entry[i].text);
    return true;
}

bool sheets_rows(const struct catalog *c, const struct sheets *s, const struct row_kind *kind,
                 struct rows *out, struct mu_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) most += json_count(json_get(s->tree[i], kind->list));
    struct rows rows = {arena_array(c->arena, most, kind->fields->size), 0, 0};
    struct names taken = names_new(c->arena);
    for (size_t i = 0; i < s->count; i++) {
        if (!read_sheet(c, s, i, kind, &taken, &rows, err)) return false;
        if (i + 1 < s->count) rows.own = rows.count;
    }
    *out = rows;
    return true;
}

bool kind_read(const struct catalog *c, const char *file, const struct row_kind *kind,
               struct rows *out, struct mu_err *err)
{
    struct sheets s = {.count = 0};
    if (!sheets_open(c, file, &s, err)) return false;
    const bool ok = sheets_rows(c, &s, kind, out, err);
    sheets_close(&s);
    return ok;
}

bool entries_read(const struct catalog *c, const char *file, const struct fields *fields,
                  size_t name_offset, struct rows *out, struct mu_err *err)
{
    const struct row_kind kind = {"entries", fields, name_offset, NULL};
    return kind_read(c, file, &kind, out, err);
}
