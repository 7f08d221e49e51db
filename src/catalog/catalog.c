/* catalog/catalog.c - opens the catalogue and finds whole files: the user's own in `home`, else the one inside the program.
 *
 * Opening reads nothing; tables are read when somebody asks (part_once). A file of the user's that is there but cannot be read is
 * never passed over in silence: the answer is none, and catalog_sound() says why. Facts come from data/, through embedded.S.in. */
#include "catalog/catalog.h"
#include "base/arena.h"
#include "base/mapped.h"
#include "catalog/table.h"

#include <errno.h>
#include <unistd.h>

enum { OWN_FILE_BYTES = 16 << 20 };

struct catalog *catalog_open(const char *home, struct arena *a)
{
    struct catalog *c = NEW(a, struct catalog);
    c->home = home && *home ? str_copy(a, str_of(home)) : NULL;
    c->arena = a;
    c->cache = NEW(a, struct cache);
    return c;
}

bool catalog_sound(const struct catalog *c, struct mu_err *err)
{
    const struct mu_err *fault = &c->cache->fault;
    return fault->code == MU_OK || err_set(err, fault->code, "%s", fault->text);
}

const void *part_once(const struct catalog *c, enum catalog_part part,
                      const void *(*load)(const struct catalog *c, struct mu_err *err),
                      struct mu_err *err)
{
    struct mu_err why = {.code = MU_OK};
    const void *p = c->cache->part[part];
    if (!p) c->cache->part[part] = p = load(c, &why);
    if (p) return p;
    err_set(&c->cache->fault, why.code, "%s", why.text);
    err_set(err, why.code, "%s", why.text);
    return NULL;
}

struct str catalog_shipped(const char *name)
{
    for (const struct embedded *e = catalog_embedded; e->name; e++)
        if (str_is(str_of(name), e->name))
            return (struct str){e->first, (size_t)(e->end - e->first)};
    return (struct str){NULL, 0};
}

/* Only names inside the folder: no absolute ones, no "..". */
static bool inside(const char *name)
{
    struct str rest = str_of(name);
    while (rest.p) {
        const struct str step = str_cut(&rest, '/');
        if (!step.n || str_is(step, ".") || str_is(step, "..")) return false;
    }
    return true;
}

bool catalog_own(const struct catalog *c, const char *name, struct str *out, const char **path,
                 struct mu_err *err)
{
    *out = (struct str){NULL, 0};
    if (!c->home || !inside(name)) return true;
    *path = str_format(c->arena, "%s/%s", c->home, name);
    if (access(*path, F_OK) && (errno == ENOENT || errno == ENOTDIR)) return true;
    struct mapped m;
    uint64_t bytes;
    if (!mapped_open(*path, OWN_FILE_BYTES, &m, &bytes, err)) return false;
    const bool whole = bytes <= OWN_FILE_BYTES;
    if (whole) *out = (struct str){str_copy(c->arena, m.bytes), m.bytes.n};
    mapped_close(&m);
    return whole || err_set(err, MU_DATA, "cannot use %s: it is larger than %d MiB; shorten it",
                            *path, OWN_FILE_BYTES >> 20);
}

bool catalog_read(const struct catalog *c, const char *name, struct str *out, struct mu_err *err)
{
    struct mu_err why = {.code = MU_OK};
    const char *path = NULL;
    if (!catalog_own(c, name, out, &path, &why)) {
        err_set(&c->cache->fault, why.code, "%s", why.text);
        return err_set(err, why.code, "%s", why.text);
    }
    if (!out->p) *out = catalog_shipped(name);
    return true;
}

struct str catalog_file(const struct catalog *c, const char *name)
{
    struct str text;
    return catalog_read(c, name, &text, NULL) ? text : (struct str){NULL, 0};
}

bool catalog_fields(const struct catalog *c, const char *name, const struct fields *table,
                    struct arena *a, void *out, struct mu_err *err)
{
    struct json *tree = NULL;
    struct str text;
    if (!catalog_read(c, name, &text, err)) return false;
    if (!text.p) return err_set(err, MU_INTERNAL, "%s is missing from the program's data", name);
    if (!json_parse(text, name, &tree, err)) return false;
    const bool good = fields_read(table, tree, out, a, err);
    json_free(tree);
    return good || err_add(err, "%s", name);
}
