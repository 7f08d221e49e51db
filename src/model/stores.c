/* model/stores.c - the list of what is installed, over all stores, and the door through which a name becomes a path.
 *
 * A file that several entries lead to (a blob of two snapshots, a link, one folder given twice) is known by its device and inode, and
 * its bytes are counted for the first of them. */
#include "model/stores.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/model_files.h"
#include "model/remote.h"
#include "model/stock.h"

enum { STEPS_MOST = 1 << 18, FOLDERS_MOST = 16384, FILES_FIRST = 256 };

struct stock_file {
    dev_t device;
    ino_t inode;
    double bytes;
    size_t of;
};

bool stock_step(struct stock *t)
{
    if (t->steps) t->steps--;
    if (!t->steps) t->over = true;
    return t->steps > 0;
}

struct stored *stock_add(struct stock *t, const struct stored *item)
{
    if (t->count == STORED_MOST) {
        t->over = true;
        return NULL;
    }
    t->list[t->count] = *item;
    return &t->list[t->count++];
}

static void remember(struct arena *a, struct stock_file **list, size_t *count, size_t *room,
                     const struct stock_file *item)
{
    if (*count == *room) {
        *room = *room ? *room * 2 : FILES_FIRST;
        struct stock_file *grown = NEW_ARRAY(a, struct stock_file, *room);
        if (*count) memcpy(grown, *list, *count * sizeof *grown);
        *list = grown;
    }
    (*list)[(*count)++] = *item;
}

bool stock_count(struct stock *t, struct stored *of, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return false;
    const struct stock_file file = {.device = st.st_dev,
                                    .inode = st.st_ino,
                                    .bytes = (double)st.st_size,
                                    .of = (size_t)(of - t->list)};
    of->bytes += file.bytes;
    of->files++;
    remember(t->in->arena, &t->file, &t->files, &t->file_room, &file);
    return true;
}

bool stock_enter(struct stock *t, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return false;
    for (size_t i = 0; i < t->folders; i++)
        if (t->folder[i].inode == st.st_ino && t->folder[i].device == st.st_dev) return false;
    if (t->folders == FOLDERS_MOST) {
        t->over = true;
        return false;
    }
    const struct stock_file folder = {.device = st.st_dev, .inode = st.st_ino};
    remember(t->in->arena, &t->folder, &t->folders, &t->folder_room, &folder);
    return true;
}

static int by_inode(const void *left, const void *right)
{
    const struct stock_file *a = left, *b = right;
    if (a->device != b->device) return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode) return a->inode < b->inode ? -1 : 1;
    return a->of < b->of ? -1 : a->of > b->of;
}

static void find_shared(struct stock *t)
{
    if (t->files) qsort(t->file, t->files, sizeof *t->file, by_inode);
    for (size_t i = 1; i < t->files; i++)
        if (t->file[i].device == t->file[i - 1].device && t->file[i].inode == t->file[i - 1].inode)
            t->list[t->file[i].of].shared_bytes += t->file[i].bytes;
}

size_t stores_list(const struct looking *in, const char *const *folders, const struct stored **out)
{
    *out = NULL;
    if (in->root->captured) return 0;
    struct stock t = {
        .in = in, .list = NEW_ARRAY(in->arena, struct stored, STORED_MOST), .steps = STEPS_MOST};
    struct model_cache cache[MODEL_CACHES_MOST];
    const size_t caches = in->env ? machine_model_caches(in, cache) : 0;
    for (size_t i = 0; i < caches; i++) {
        const struct shelf shelf = {
            .store = cache[i].owner, .path = cache[i].path, .hub = cache[i].hub};
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || !strcmp(cache[k].path, cache[i].path);
        if (!again) stock_shelf(&t, &shelf);
    }
    if (in->env) stock_ollama(&t);
    for (; folders && *folders; folders++) {
        const char *shown = str_visible(in->arena, str_of(*folders));
        const struct shelf shelf = {.store = shown, .path = *folders};
        stock_shelf(&t, &shelf);
    }
    if (t.over)
        note_add(in->notes, "more models are installed than are looked at; the list is not whole");
    find_shared(&t);
    *out = t.list;
    return t.count;
}

bool stores_here(const char *operand, const char *(*env)(const char *name), struct arena *a,
                 const char **path, struct mu_err *err)
{
    struct str name = str_of(operand);
    const struct str scheme = str_cut(&name, ':');
    const bool hub = str_is(scheme, "hf"), ollama = str_is(scheme, "ollama");
    if (!name.p || !(hub || ollama)) {
        *path = operand;
        return true;
    }
    struct root root;
    if (!root_open(NULL, &root, err)) return false;
    const struct looking in = {.root = &root, .arena = a, .env = env};
    const struct finding f = {.in = &in, .operand = str_visible(a, str_of(operand)), .name = name};
    const bool found = hub ? store_hub_find(&f, path, err) : store_ollama_find(&f, path, err);
    root_close(&root);
    return found;
}

bool stores_operand(const char *operand, const char *(*env)(const char *name), struct arena *a,
                    const char **path, struct mu_err *err)
{
    const struct remote_asked kept = {.operand = operand, .env = env, .arena = a};
    struct mu_err why = {.code = MU_OK};
    const bool address = remote_is_address(operand);
    if (!address && stores_here(operand, env, a, path, &why)) return true;
    if (remote_is_name(operand) && remote_kept(&kept, path)) return true;
    if (!address) return err_set(err, why.code, "%s", why.text);
    return err_set(err, MU_NOINPUT,
                   "cannot open %s: nothing is asked over the network unasked: let fit and need "
                   "read its header alone with --online, or fetch it first",
                   remote_shown(operand, a));
}
