/* Is Ollama installed, and which models does its store list? Nothing is started and no network is asked.
 *
 * The program is looked for in PATH on the live machine, else where its installer puts it. The store is OLLAMA_MODELS, the user's own, or
 * the system service's, each as <store>/manifests/<registry>/<namespace>/<model>/<tag>; the names are those its own list shows: the
 * usual registry and namespace are left out. Sizes and digests inside the manifests are not read. */
#include "base/arena.h"
#include "base/child.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/ollama_store.h"
#include "machine/probe.h"

enum { NAME_MOST = 512 };

struct listing {
    const struct looking *in;
    const char **name;
    size_t count, room;
    bool over;
};

static const char *program(const struct looking *in)
{
    static const char *const usual[] = {"/usr/local/bin/ollama", "/usr/bin/ollama"};
    const char *path_list = in->env && !in->root->captured ? in->env("PATH") : NULL;
    const char *found = path_list ? child_find(str_of(path_list), "ollama", in->arena) : NULL;
    for (size_t i = 0; !found && i < COUNT_OF(usual); i++)
        if (root_has(in->root, usual[i])) found = usual[i];
    return found;
}

static bool is_store(const struct looking *in, const char *path)
{
    return root_has(in->root, str_format(in->arena, "%s/manifests", path));
}

const char *machine_ollama_store(const struct looking *in)
{
    static const char service[] = "/usr/share/ollama/.ollama/models";
    const char *given = in->env ? in->env("OLLAMA_MODELS") : NULL;
    const char *home = in->env ? in->env("HOME") : "/root";
    if (given && given[0] == '/') return str_copy(in->arena, str_of(given));
    const char *own =
        home && home[0] == '/' ? str_format(in->arena, "%s/.ollama/models", home) : NULL;
    if (own && is_store(in, own)) return own;
    return is_store(in, service) ? service : NULL;
}

static void add(struct listing *l, const char *registry, const char *space, const char *model,
                const char *tag)
{
    const bool usual = str_is(str_of(registry), "registry.ollama.ai");
    struct arena *a = l->in->arena;
    if (l->count == l->room) {
        l->over = true;
        return;
    }
    if (usual && str_is(str_of(space), "library"))
        l->name[l->count++] = str_format(a, "%s:%s", model, tag);
    else if (usual)
        l->name[l->count++] = str_format(a, "%s/%s:%s", space, model, tag);
    else
        l->name[l->count++] = str_format(a, "%s/%s/%s:%s", registry, space, model, tag);
}

/* One level of the tree of manifests: the names in a folder, none when it is not one. */
struct level {
    const char *path;
    const char *const *name;
    size_t count;
};

static struct level level_of(const struct looking *in, const char *path)
{
    struct level l = {.path = path};
    if (!root_names(in->root, path, in->arena, &l.name, &l.count)) l.count = 0;
    return l;
}

static struct level below(const struct looking *in, const struct level *l, size_t i)
{
    return level_of(in, str_format(in->arena, "%s/%s", l->path, l->name[i]));
}

static void list_tags(struct listing *l, const char *registry, const struct level *models,
                      const char *space)
{
    for (size_t i = 0; i < models->count && !l->over; i++) {
        const struct level tags = below(l->in, models, i);
        for (size_t k = 0; k < tags.count; k++)
            if (tags.name[k][0] != '.') add(l, registry, space, models->name[i], tags.name[k]);
    }
}

static void list_models(struct listing *l, const char *at)
{
    const struct level registries = level_of(l->in, str_format(l->in->arena, "%s/manifests", at));
    for (size_t i = 0; i < registries.count && !l->over; i++) {
        const struct level spaces = below(l->in, &registries, i);
        for (size_t k = 0; k < spaces.count && !l->over; k++) {
            const struct level models = below(l->in, &spaces, k);
            list_tags(l, registries.name[i], &models, spaces.name[k]);
        }
    }
}

size_t machine_ollama_names(const struct looking *in, const char *store, const char *const **names)
{
    struct listing l = {
        .in = in, .name = NEW_ARRAY(in->arena, const char *, NAME_MOST), .room = NAME_MOST};
    list_models(&l, store);
    if (l.over)
        note_add(in->notes, "%s lists more than %d models; the rest is left out", store, NAME_MOST);
    *names = l.name;
    return l.count;
}

static void finds(const struct looking *in, struct draft *out)
{
    struct ollama_facts *ollama = &out->facts.ollama;
    ollama->path = program(in);
    ollama->installed = ollama->path != NULL;
    ollama->store = machine_ollama_store(in);
    if (ollama->store)
        ollama->model_count = machine_ollama_names(in, ollama->store, &ollama->models);
}

const struct probe probe_ollama = {"ollama", "is it installed, and which models its store lists",
                                   finds};
