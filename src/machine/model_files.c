/* Looks through the caches where programs keep models, for GGUF files.
 *
 * Where they are: HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub (HUGGINGFACE_HUB_CACHE of old; models--ORG--NAME/snapshots/REVISION, links into
 * blobs), LLAMA_CACHE or ~/.cache/llama.cpp (llama.cpp v0.5.0 common/common.cpp fs_get_cache_directory; its common/hf-cache.cpp lays LLAMA_CACHE out
 * as the hub does, and else takes the hub's own), ~/.lmstudio and ~/.cache/lm-studio (LM
 * Studio; it brings an embedding model along in .internal), ~/.local/share/nomic.ai/GPT4All. Left out: Ollama's store, whose files have
 * no names, and files elsewhere. A walk in the width, so that one deep or huge folder cannot use up what the others need. */
#include "machine/model_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/mapped.h"
#include "base/root.h"

enum {
    FOLDERS_MOST = 2048,
    FILES_MOST = 256,
    DEPTH_MOST = 4,
    FRONT_BYTES = 4096,
    TRIES_MOST = 8192
};
enum { NAME_MOST = 63, TEXT_KIND = 8 };

struct folder {
    const char *path;
    int depth;
};
struct walk {
    const struct looking *in;
    struct folder *folder;
    size_t folders, tries;
    struct model_file *file;
    size_t files;
};

static const char *variable(const struct looking *in, const char *name)
{
    const char *value = in->env ? in->env(name) : NULL;
    return value && value[0] == '/' ? str_copy(in->arena, str_of(value)) : NULL;
}

static void add_folder(struct walk *w, const char *path, int depth)
{
    if (path && w->folders < FOLDERS_MOST)
        w->folder[w->folders++] = (struct folder){.path = path, .depth = depth};
}

static const char *under(const struct looking *in, const char *folder, const char *name)
{
    return folder ? str_format(in->arena, "%s/%s", folder, name) : NULL;
}

size_t machine_model_caches(const struct looking *in, struct model_cache *out)
{
    const char *home = variable(in, "HOME"), *hub = variable(in, "HF_HUB_CACHE");
    const char *hub_home = variable(in, "HF_HOME"), *own = variable(in, "LLAMA_CACHE");
    const char *cache = variable(in, "XDG_CACHE_HOME");
    if (!hub) hub = variable(in, "HUGGINGFACE_HUB_CACHE");
    if (!cache) cache = under(in, home, ".cache");
    if (!hub_home) hub_home = under(in, cache, "huggingface");
    const struct model_cache all[] = {
        {"Hugging Face", hub ? hub : under(in, hub_home, "hub"), true},
        {"llama.cpp", own ? own : under(in, cache, "llama.cpp"), true},
        {"LM Studio", under(in, home, ".lmstudio/models"), false},
        {"LM Studio", under(in, home, ".lmstudio/.internal/bundled-models"), false},
        {"LM Studio", under(in, cache, "lm-studio/models"), false},
        {"GPT4All", under(in, home, ".local/share/nomic.ai/GPT4All"), false},
    };
    _Static_assert(COUNT_OF(all) <= MODEL_CACHES_MOST, "as many as callers have room for");
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i].path) out[n++] = all[i];
    return n;
}

/* The value of a text key. These are the first keys that every converter writes: no further than the front is looked. */
static const char *text_of(struct str front, struct str key, struct arena *a)
{
    const size_t head_n = sizeof(uint32_t) + sizeof(uint64_t);
    uint32_t kind;
    uint64_t n;
    if (!str_starts(front, S("GGUF"))) return NULL;
    const char *at = memmem(front.p, front.n, key.p, key.n);
    if (!at) return NULL;
    const size_t left = front.n - (size_t)(at - front.p) - key.n;
    if (left < head_n) return NULL;
    memcpy(&kind, at + key.n, sizeof kind);
    memcpy(&n, at + key.n + sizeof kind, sizeof n);
    if (kind != TEXT_KIND || n > NAME_MOST || left - head_n < n) return NULL;
    return str_visible(a, (struct str){at + key.n + head_n, (size_t)n});
}

bool machine_model_front(const char *path, struct arena *a, struct model_file *out)
{
    struct mapped front;
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        !mapped_open(path, FRONT_BYTES, &front, NULL, NULL))
        return false;
    *out = (struct model_file){.path = str_copy(a, str_of(path)),
                               .bytes = (double)st.st_size,
                               .modified_s = (double)st.st_mtim.tv_sec,
                               .architecture = text_of(front.bytes, S("general.architecture"), a),
                               .type = text_of(front.bytes, S("general.type"), a)};
    const bool good = str_starts(front.bytes, S("GGUF"));
    mapped_close(&front);
    return good;
}

bool machine_model_file(const char *path, struct arena *a, struct model_file *out)
{
    return str_ends(str_of(path), S(".gguf")) && machine_model_front(path, a, out);
}

/* The hub's blobs and locks are seen through its snapshots; what is no folder turns out to have no names in it. */
static bool may_be_folder(const char *name)
{
    return name[0] != '.' && strcmp(name, "blobs") != 0 && strcmp(name, "refs") != 0;
}

static void look_into(struct walk *w, const struct folder *f)
{
    const char *const *name;
    size_t names = 0;
    if (!root_names(w->in->root, f->path, w->in->arena, &name, &names)) return;
    for (size_t i = 0; i < names && w->tries < TRIES_MOST; i++) {
        const char *path = under(w->in, f->path, name[i]);
        w->tries++;
        if (!str_ends(str_of(name[i]), S(".gguf"))) {
            if (f->depth < DEPTH_MOST && may_be_folder(name[i])) add_folder(w, path, f->depth + 1);
        } else if (w->files < FILES_MOST &&
                   machine_model_file(path, w->in->arena, &w->file[w->files])) {
            w->files++;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const struct model_file *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->path, y->path);
}

size_t machine_model_files(const struct looking *in, const struct model_file **out)
{
    *out = NULL;
    if (in->root->captured || !in->env) return 0;
    struct walk w = {.in = in,
                     .folder = NEW_ARRAY(in->arena, struct folder, FOLDERS_MOST),
                     .file = NEW_ARRAY(in->arena, struct model_file, FILES_MOST)};
    struct model_cache cache[MODEL_CACHES_MOST];
    const size_t caches = machine_model_caches(in, cache);
    for (size_t i = 0; i < caches; i++) add_folder(&w, cache[i].path, 0);
    for (size_t i = 0; i < w.folders; i++) look_into(&w, &w.folder[i]);
    qsort(w.file, w.files, sizeof *w.file, by_size);
    *out = w.file;
    return w.files;
}
