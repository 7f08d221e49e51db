/* model/store_hub.c - the cache of the Hugging Face hub: models--ORG--NAME/refs/main names a revision, snapshots/REVISION holds its files
 * as links into blobs/ (huggingface_hub, "Understand caching"; llama.cpp v0.5.0 common/hf-cache.cpp writes and reads the same, and
 * takes LLAMA_CACHE for it). Of several snapshots the one that refs/main names is what a name leads to; ORG/NAME@REVISION leads to that
 * of refs/REVISION, or of the commit itself.
 *
 * A name is also looked for where llama.cpp used to put what -hf fetched (ORG_NAME_FILE in its cache) and in LM Studio's ORG/NAME. Which
 * file a name without one means is as llama.cpp v0.5.0 has it (common/download.cpp find_best_model). */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/files.h"
#include "base/root.h"
#include "machine/model_files.h"
#include "model/stock.h"

enum { REVISION_MOST = 64, NAME_MOST = 256, SHOWN_MOST = 6, NAMES_MOST = 4096 };

/* A revision is a folder's name: digits of a hash and nothing that could lead elsewhere. */
static bool is_revision(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789abcdefABCDEF", s.p[i]) || !s.p[i]) return false;
    return s.n >= 1 && s.n <= REVISION_MOST;
}

/* org/name of letters, digits, and single . - _ between them: nothing that leads out of a folder. */
bool stock_is_repo(struct str s)
{
    size_t slashes = 0;
    bool mark = true;
    if (!s.n || s.n > NAME_MOST) return false;
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!plain && (mark || !strchr("/.-", c) || !c)) return false;
        slashes += c == '/';
        mark = !plain;
    }
    return !mark && slashes == 1;
}

/* The commit that a branch or a tag names here; empty: none. */
static struct str commit_of(const struct looking *in, const char *repo, struct str revision)
{
    struct str word = S("");
    const char *path = str_format(in->arena, "%s/refs/%.*s", repo, STR_ARG(revision));
    if (!root_word(in->root, path, in->arena, &word) || !is_revision(word)) return S("");
    return word;
}

/* "models--org--name" is org/name. */
static const char *repo_name(const char *folder, struct arena *a)
{
    const char *rest = folder + sizeof "models--" - 1;
    const char *cut = strstr(rest, "--");
    return cut ? str_format(a, "%.*s/%s", (int)(cut - rest), rest, cut + 2) : rest;
}

static void unfinished_blobs(struct stock *t, const struct shelf *hub, const char *repo,
                             const char *name)
{
    const char *const *blob;
    size_t blobs = 0;
    const char *folder = str_format(t->in->arena, "%s/blobs", repo);
    if (!root_names(t->in->root, folder, t->in->arena, &blob, &blobs)) return;
    for (size_t i = 0; i < blobs && stock_step(t); i++) {
        if (!stock_unfinished(str_of(blob[i]))) continue;
        const char *path = str_format(t->in->arena, "%s/%s", folder, blob[i]);
        const struct stored item = {.store = hub->store,
                                    .name = name ? name : path,
                                    .path = path,
                                    .missing = "an unfinished download"};
        struct stored *s = stock_add(t, &item);
        if (s) stock_count(t, s, path);
    }
}

void stock_hub_repo(struct stock *t, const struct shelf *hub, const char *folder)
{
    struct arena *a = t->in->arena;
    const char *repo = str_format(a, "%s/%s", hub->path, folder);
    const char *called = repo_name(folder, a);
    const char *name =
        hub->hub && stock_is_repo(str_of(called)) ? str_format(a, "hf:%s", called) : NULL;
    const char *const *revision;
    size_t revisions = 0;
    const struct str main = commit_of(t->in, repo, S("main"));
    if (main.n) {
        const struct shelf shelf = {.store = hub->store,
                                    .name = name,
                                    .path =
                                        str_format(a, "%s/snapshots/%.*s", repo, STR_ARG(main))};
        stock_shelf(t, &shelf);
    }
    /* the one above was entered, and is not entered again */
    if (root_names(t->in->root, str_format(a, "%s/snapshots", repo), a, &revision, &revisions))
        for (size_t i = 0; i < revisions && stock_step(t); i++) {
            const bool commit = name && is_revision(str_of(revision[i]));
            const struct shelf shelf = {
                .store = hub->store,
                .name = commit ? str_format(a, "%s@%s", name, revision[i]) : NULL,
                .path = str_format(a, "%s/snapshots/%s", repo, revision[i])};
            stock_shelf(t, &shelf);
        }
    unfinished_blobs(t, hub, repo, name);
}

/* A path inside a repository: no part of it is empty, hidden or leads up. */
bool stock_is_inside(struct str s)
{
    if (!s.n || s.n > NAME_MOST || memchr(s.p, '\\', s.n)) return false;
    struct str rest = s;
    while (rest.p) {
        const struct str part = str_cut(&rest, '/');
        if (!part.n || part.p[0] == '.') return false;
    }
    return true;
}

struct wanted {
    const struct finding *f;
    struct str org, name, rest; /* rest: a file or a quantisation, empty when neither was given */
    const struct hub_name *whole;
    const char *others; /* what is there instead */
    size_t other;
};

bool stock_has_tag(struct str file, struct str tag)
{
    for (size_t i = 0; i + tag.n < file.n; i++)
        if (str_eq_nocase((struct str){file.p + i, tag.n}, tag) &&
            (file.p[i + tag.n] == '.' || file.p[i + tag.n] == '-'))
            return true;
    return false;
}

/* The names in a folder, and once they are asked for those in the folders right below it ("Q4_K_M/model-00001-of-00003.gguf"). */
struct names {
    const char *folder;
    bool hub; /* a snapshot of the hub's: what is a link there is a file */
    const struct root_entry *own;
    size_t owns;
    bool below; /* the names below are in it */
    const char **name;
    size_t count, room;
};

static void take_name(struct names *out, const char *name)
{
    if (out->count < out->room) out->name[out->count++] = name;
}

static struct names names_in(const struct looking *in, const char *folder, bool hub)
{
    struct names all = {.folder = folder,
                        .hub = hub,
                        .name = NEW_ARRAY(in->arena, const char *, NAMES_MOST),
                        .room = NAMES_MOST};
    if (!root_entries(in->root, folder, in->arena, &all.own, &all.owns)) all.owns = 0;
    for (size_t i = 0; i < all.owns; i++) take_name(&all, all.own[i].name);
    return all;
}

/* A look at each of thousands of names takes longer than everything else. */
static bool leads_below(const struct looking *in, const struct names *all,
                        const struct root_entry *entry)
{
    if (entry->kind == ROOT_FOLDER) return true;
    if (entry->kind == ROOT_FILE || (entry->kind == ROOT_LINK && all->hub)) return false;
    return folder_is_there(str_format(in->arena, "%s/%s", all->folder, entry->name));
}

static void names_below(const struct looking *in, struct names *all)
{
    if (all->below) return;
    all->below = true;
    for (size_t i = 0; i < all->owns && all->count < all->room; i++) {
        const char *const *name;
        size_t names = 0;
        const char *sub = all->own[i].name;
        if (!leads_below(in, all, &all->own[i]) ||
            !root_names(in->root, str_format(in->arena, "%s/%s", all->folder, sub), in->arena,
                        &name, &names))
            continue;
        for (size_t k = 0; k < names; k++)
            take_name(all, str_format(in->arena, "%s/%s", sub, name[k]));
    }
}

const char *stock_with_tag(const char *const *name, size_t names, struct str tag)
{
    struct gguf_name part;
    for (size_t i = 0; i < names; i++) {
        const struct str s = str_of(name[i]);
        const char *slash = strrchr(name[i], '/');
        const char *alone = slash ? slash + 1 : name[i];
        if (stock_part_name(s, S(".gguf"), &part) && part.part == 1 &&
            !stock_name_role(str_of(alone)) && (!tag.n || stock_has_tag(s, tag)))
            return name[i];
    }
    return NULL;
}

/* In the folder itself, else right below it. */
static const char *tagged(const struct looking *in, struct names *all, struct str tag)
{
    const char *file = stock_with_tag(all->name, all->count, tag);
    if (file || all->below) return file;
    names_below(in, all);
    return stock_with_tag(all->name, all->count, tag);
}

/* What llama.cpp would take of a folder's files where none is asked for: the first of these that is there. */
static const struct str usual[] = {{"Q4_K_M", 6}, {"Q8_0", 4}, {NULL, 0}};

static const char *usual_file(const struct looking *in, struct names *all)
{
    const char *file = NULL;
    for (size_t i = 0; i < COUNT_OF(usual) && !file; i++) file = tagged(in, all, usual[i]);
    return file;
}

const char *stock_usual_file(const char *const *name, size_t names)
{
    const char *file = NULL;
    for (size_t i = 0; i < COUNT_OF(usual) && !file; i++)
        file = stock_with_tag(name, names, usual[i]);
    return file;
}

static bool has_ending(const struct names *all, struct str ending)
{
    for (size_t i = 0; i < all->count; i++)
        if (!strchr(all->name[i], '/') && str_ends(str_of(all->name[i]), ending)) return true;
    return false;
}

static void mention(struct wanted *w, const struct names *all)
{
    struct arena *a = w->f->in->arena;
    for (size_t i = 0; i < all->count && w->other < SHOWN_MOST; i++) {
        if (!str_ends(str_of(all->name[i]), S(".gguf"))) continue;
        const char *shown = str_visible(a, str_of(all->name[i]));
        w->others = w->others ? str_format(a, "%s, %s", w->others, shown) : shown;
        w->other++;
    }
}

/* In one folder that holds a repository's files. */
static const char *in_folder(struct wanted *w, const char *folder, bool hub)
{
    const struct looking *in = w->f->in;
    const char *file = NULL;
    if (w->rest.n && stock_is_inside(w->rest)) {
        const char *path = str_format(in->arena, "%s/%.*s", folder, STR_ARG(w->rest));
        if (file_is_there(path)) return path;
    }
    struct names all = names_in(in, folder, hub);
    file = w->rest.n ? tagged(in, &all, w->rest) : usual_file(in, &all);
    if (file) return str_format(in->arena, "%s/%s", folder, file);
    if (!w->rest.n &&
        (has_ending(&all, S(".safetensors")) || has_ending(&all, S(".safetensors.index.json"))))
        return folder;
    mention(w, &all);
    return NULL;
}

const char *stock_in_folder(const struct looking *in, const char *folder, struct str rest)
{
    const struct finding f = {.in = in};
    struct wanted w = {.f = &f, .rest = rest};
    return in_folder(&w, folder, false);
}

static const char *in_hub(struct wanted *w, const char *hub)
{
    struct arena *a = w->f->in->arena;
    const char *repo =
        str_format(a, "%s/models--%.*s--%.*s", hub, STR_ARG(w->org), STR_ARG(w->name));
    const struct str revision = w->whole->revision, commit = commit_of(w->f->in, repo, revision);
    const struct str at = !commit.n && is_revision(revision) ? revision : commit;
    return at.n ? in_folder(w, str_format(a, "%s/snapshots/%.*s", repo, STR_ARG(at)), true) : NULL;
}

/* llama.cpp's cache before it took the hub's layout: ORG_NAME_FILE, a file's folders set off by _ too. */
static const char *in_flat(const struct wanted *w, const char *folder)
{
    if (!w->rest.n || !stock_is_inside(w->rest)) return NULL;
    char *name = (char *)arena_alloc(w->f->in->arena, w->rest.n + 1);
    for (size_t i = 0; i < w->rest.n; i++) name[i] = w->rest.p[i] == '/' ? '_' : w->rest.p[i];
    const char *path = str_format(w->f->in->arena, "%s/%.*s_%.*s_%s", folder, STR_ARG(w->org),
                                  STR_ARG(w->name), name);
    return file_is_there(path) ? path : NULL;
}

static const char *find(struct wanted *w)
{
    struct model_cache cache[MODEL_CACHES_MOST];
    const size_t caches = machine_model_caches(w->f->in, cache);
    const char *path = NULL;
    for (size_t i = 0; i < caches && !path; i++) {
        if (cache[i].hub) path = in_hub(w, cache[i].path);
        if (w->whole->named) continue; /* the others keep no revisions */
        if (!path && cache[i].hub) path = in_flat(w, cache[i].path);
        if (!path && !cache[i].hub)
            path = in_folder(w,
                             str_format(w->f->in->arena, "%s/%.*s/%.*s", cache[i].path,
                                        STR_ARG(w->org), STR_ARG(w->name)),
                             false);
    }
    return path;
}

/* With a password in it, it is not shown. */
static const char *endpoint_shown(const struct looking *in)
{
    const char *given = in->env ? in->env("HF_ENDPOINT") : NULL;
    return given && given[0] && !strchr(given, '@') ? str_visible(in->arena, str_of(given))
                                                    : "https://huggingface.co";
}

bool store_hub_find(const struct finding *f, const char **path, struct mu_err *err)
{
    struct arena *a = f->in->arena;
    struct hub_name whole;
    if (!stock_hub_name(f->name, &whole))
        return err_set(err, MU_NOINPUT,
                       "cannot take %s for a model: write hf:ORGANISATION/NAME, with @REVISION "
                       "behind it for another than main, and :FILE or :QUANTISATION for one of "
                       "several",
                       f->operand);
    struct wanted w = {.f = f, .whole = &whole, .rest = whole.rest, .name = whole.repo};
    w.org = str_cut(&w.name, '/');
    const char *found = find(&w);
    if (found) {
        *path = found;
        return true;
    }
    if (w.others)
        return err_set(err, MU_NOINPUT,
                       "cannot open %s: of that model there is no such file on this disk; there "
                       "is %s",
                       f->operand, w.others);
    const char *revision =
        whole.named ? str_format(a, " --revision %.*s", STR_ARG(whole.revision)) : "";
    return err_set(err, MU_NOINPUT,
                   "cannot open %s: it is in no cache on this disk; its files are listed at "
                   "%s/api/models/%.*s/tree/%s, which is not asked: fetch it first, as with hf "
                   "download %.*s%s, or let fit and need read its header alone with --online",
                   f->operand, endpoint_shown(f->in), STR_ARG(whole.repo),
                   stock_address_part(whole.revision, a), STR_ARG(whole.repo), revision);
}
