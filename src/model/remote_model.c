/* model/remote_model.c - what belongs to a model beside the file that was named: the other parts of a split GGUF, and for weights as
 * published config.json, the index and the shards it names. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "model/hf_config.h"
#include "model/remote_copy.h"
#include "model/safetensors.h"
#include "model/stock_names.h"

enum { PARTS_MOST = 1024 };

static const char gguf[] = ".gguf", weights[] = ".safetensors", index_end[] = ".index.json",
                  json[] = ".json";

/* A name in the folder of another. */
static const char *beside(const char *name, const char *other, struct arena *a)
{
    const char *slash = strrchr(name, '/');
    return str_format(a, "%.*s%s", slash ? (int)(slash + 1 - name) : 0, name, other);
}

static bool too_many(const struct remote *r, size_t parts, struct mu_err *err)
{
    return parts <= PARTS_MOST ||
           err_set(err, MU_DATA, "cannot read %s: it would have %zu parts", r->shown, parts);
}

static bool gguf_parts(struct remote *r, const struct remote_place *p, const char *name,
                       const char **path, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    struct gguf_name part;
    const char *other = NULL;
    if (!stock_part_name(str_of(name), str_of(gguf), &part) || part.parts <= 1)
        return remote_copy(r, p, name, NULL, REMOTE_GGUF, path, err);
    if (!too_many(r, part.parts, err)) return false;
    for (unsigned i = 1; i <= part.parts; i++) {
        const char *one =
            str_format(a, "%.*s-%05u-of-%05u.gguf", STR_ARG(part.stem), i, part.parts);
        if (!remote_copy(r, p, one, NULL, REMOTE_GGUF, i == part.part ? path : &other, err))
            return err_add(err, "part %u of %u", i, part.parts);
    }
    return true;
}

static bool index_shards(struct remote *r, const struct remote_place *p, const char *name,
                         const char *index, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    struct mapped file;
    const char *const *shard = NULL, *path = NULL;
    size_t shards = 0;
    double tensors = 0, total = 0;
    if (!mapped_open(index, 0, &file, NULL, err)) return false;
    bool good = stored_index_read(file.bytes, index, a, &shard, &shards, &tensors, &total, err);
    mapped_close(&file);
    good = good && too_many(r, shards, err);
    for (size_t i = 0; good && i < shards; i++)
        good = remote_copy(r, p, beside(name, shard[i], a), NULL, REMOTE_SAFETENSORS, &path, err);
    return good;
}

bool remote_model(struct remote *r, const struct remote_place *p, const char *name,
                  const char **path, struct mu_err *err)
{
    const struct str s = str_of(name);
    const char *config = beside(name, "config.json", r->asked->arena), *aside = NULL;
    if (str_ends(s, str_of(gguf))) return gguf_parts(r, p, name, path, err);
    const bool index = str_ends(s, str_of(index_end)), stored = str_ends(s, str_of(weights));
    if ((index || stored) && !remote_copy(r, p, config, NULL, REMOTE_TEXT, &aside, err))
        return err_add(err, "the configuration beside it");
    if (stored) return remote_copy(r, p, name, NULL, REMOTE_SAFETENSORS, path, err);
    if (!str_ends(s, str_of(json)))
        return err_set(err, MU_NOINPUT,
                       "cannot use %s: it leads to no GGUF file, no safetensors file or index and "
                       "no config.json",
                       r->shown);
    return remote_copy(r, p, name, NULL, REMOTE_TEXT, path, err) &&
           (!index || index_shards(r, p, name, *path, err));
}
