/* catalog/backends.c - rows of data/backends.json. Left out: what a device says of itself, as its alignment under Vulkan. */
#include "base/arena.h"
#include "catalog/backend.h"
#include "catalog/table.h"

struct backends {
    const struct backend *row;
    size_t count;
    struct names names;
};

static const struct field backend_field[] = {
    ROW_TEXT(backend, "name", name),
    ROW_NUMBER(backend, "alignment_bytes", alignment_bytes),
    ROW_NUMBER(backend, "row_multiple", row_multiple),
    ROW_NUMBER(backend, "context_bytes", context_bytes),
    ROW_NUMBER(backend, "context_most_bytes", context_most_bytes),
    ROW_FLAG(backend, "host_buffer", host_buffer),
    ROW_FLAG(backend, "copies_weights", copies_weights),
    ROW_FLAG(backend, "pipelines", pipelines),
    ROW_FLAG(backend, "cache_as_halves", cache_as_halves),
    ROW_TEXT(backend, "in_order", in_order),
    ROW_TEXT(backend, "confidence", confidence),
    ROW_TEXT(backend, "source", source),
};
static const struct fields backend_fields = ROW_FIELDS(backend, backend_field);

static bool is_sound(const struct backend *b, struct mu_err *err)
{
    if (b->alignment_bytes >= 1 && b->alignment_bytes <= 1 << 20 && b->row_multiple >= 0 &&
        b->row_multiple <= 1 << 20 && b->context_bytes >= 0 && b->context_most_bytes >= 0)
        return true;
    return err_set(err, MU_DATA,
                   "backends.json: %s: alignment_bytes from 1, row_multiple and the context's "
                   "bytes from 0 are needed",
                   b->name);
}

static const void *load_backends(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "backends.json", &backend_fields, offsetof(struct backend, name), &rows,
                      err))
        return NULL;
    struct backends *all = NEW(c->arena, struct backends);
    all->row = rows.row;
    all->count = rows.count;
    all->names = names_new(c->arena);
    for (size_t i = 0; i < rows.count; i++) {
        if (!is_sound(&all->row[i], err)) return NULL;
        names_add(&all->names, all->row[i].name, i, 0);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_backends(const struct catalog *c, const struct backend **out, size_t *count,
                      struct mu_err *err)
{
    const struct backends *all = part_once(c, PART_BACKENDS, load_backends, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

const struct backend *catalog_backend(const struct catalog *c, struct str name)
{
    const struct backends *all = part_once(c, PART_BACKENDS, load_backends, NULL);
    const size_t i = all ? names_row(&all->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &all->row[i];
}
