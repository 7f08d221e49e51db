/* model/remote_list.c - the list of a repository's files as a hub gives it (Hugging Face Hub API, "/api/models/{repo_id}/tree/{revision}":
 * a list of maps with type, path and size). Somebody else wrote it: a path that could lead out of a folder is left out. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "model/remote_copy.h"
#include "model/stock_names.h"

static void add(struct hub_list *list, const char *name, struct arena *a)
{
    enum { FIRST_ROOM = 64 };
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : FIRST_ROOM;
        const char **more = NEW_ARRAY(a, const char *, list->room);
        if (list->count) memcpy(more, list->name, list->count * sizeof *more);
        list->name = more;
    }
    list->name[list->count++] = name;
}

/* Nothing in it that is not seen, or leads elsewhere. */
static bool is_plain(struct str path, struct arena *a)
{
    return stock_is_inside(path) && strlen(str_visible(a, path)) == path.n;
}

static bool add_all(const struct json *root, const char *shown, struct arena *a,
                    struct hub_list *list, struct mu_err *err)
{
    if (json_kind(root) != JSON_LIST_KIND)
        return err_set(err, MU_DATA, "cannot use %s: it is no list of files", shown);
    for (size_t i = 0, n = json_count(root); i < n; i++) {
        const struct json *one = json_at(root, i);
        struct str type, path;
        if (!json_text(json_get(one, "type"), &type) || !json_text(json_get(one, "path"), &path))
            return err_set(err, MU_DATA, "cannot use %s: an entry has no type or no path", shown);
        if (!str_is(type, "file") || !is_plain(path, a)) continue;
        if (list->count == HUB_FILES_MOST)
            return err_set(err, MU_DATA, "cannot use %s: it lists more than %d files", shown,
                           HUB_FILES_MOST);
        add(list, str_copy(a, path), a);
    }
    return arena_within(a, err);
}

bool hub_list_read(struct str text, const char *shown, struct arena *a, struct hub_list *list,
                   struct mu_err *err)
{
    struct json *root = NULL;
    if (!json_parse(text, shown, &root, err)) return false;
    const bool good = add_all(root, shown, a, list, err);
    json_free(root);
    return good;
}

bool hub_list_has(const struct hub_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->name[i], name)) return true;
    return false;
}
