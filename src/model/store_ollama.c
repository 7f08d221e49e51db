/* model/store_ollama.c - Ollama's store: a manifest for each name lists layers by what they are, and each layer is a blob named by its
 * digest. Manifests are in the form of the OCI image specification (image-spec 1.1, manifest.md); the media types are those of Ollama's
 * own models ("application/vnd.ollama.image.model").
 *
 * A manifest is text somebody else wrote: a digest that is not 64 hexadecimal digits names no file. Left out: models that Ollama keeps
 * as safetensors, one layer a tensor. */
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mapped.h"
#include "catalog/types.h"
#include "machine/model_files.h"
#include "machine/ollama_store.h"
#include "model/stock.h"

enum { MANIFEST_BYTES_MOST = 1 << 20, LAYERS_MOST = 4096, DIGEST_DIGITS = 64, PART_MOST = 128 };

static const char *digest_of(const struct json *layer, struct arena *a)
{
    struct str s;
    if (!json_text(json_get(layer, "digest"), &s) || !str_starts(s, S("sha256:"))) return NULL;
    str_cut(&s, ':');
    if (s.n != DIGEST_DIGITS) return NULL;
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr("0123456789abcdef", s.p[i])) return NULL;
    return str_copy(a, s);
}

static bool layer_read(const struct json *j, const char *name, struct arena *a,
                       struct ollama_layer *out, struct mu_err *err)
{
    const char *digest = digest_of(j, a);
    double bytes = 0;
    if (!digest)
        return err_set(err, MU_DATA, "cannot use %s: a layer's digest is no SHA-256", name);
    if (!json_number(json_get(j, "size"), &bytes) || !(bytes >= 0 && bytes <= 0x1p53))
        return err_set(err, MU_DATA, "cannot use %s: a layer's size is impossible", name);
    *out = (struct ollama_layer){.digest = digest, .bytes = bytes};
    return true;
}

static struct ollama_layer *layer_for(struct ollama_manifest *m, struct str type)
{
    static const struct {
        const char *type;
        size_t at;
    } types[] = {
        {"model", offsetof(struct ollama_manifest, model)},
        {"adapter", offsetof(struct ollama_manifest, adapter)},
        {"projector", offsetof(struct ollama_manifest, projector)},
        {"params", offsetof(struct ollama_manifest, parameters)},
        {"template", offsetof(struct ollama_manifest, template_text)},
    };
    const struct str prefix = S("application/vnd.ollama.image.");
    if (!str_starts(type, prefix)) return NULL;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_is((struct str){type.p + prefix.n, type.n - prefix.n}, types[i].type))
            return (struct ollama_layer *)(void *)((char *)m + types[i].at);
    return NULL;
}

static bool layers_read(const struct json *root, const char *name, struct arena *a,
                        struct ollama_manifest *out, struct mu_err *err)
{
    const struct json *layers = json_get(root, "layers"), *config = json_get(root, "config");
    const size_t count = json_count(layers);
    struct str type;
    if (json_kind(layers) != JSON_LIST_KIND || count > LAYERS_MOST)
        return err_set(err, MU_DATA, "cannot use %s: it lists no layers", name);
    for (size_t i = 0; i < count; i++) {
        const struct json *layer = json_at(layers, i);
        struct ollama_layer *to =
            json_text(json_get(layer, "mediaType"), &type) ? layer_for(out, type) : NULL;
        /* the first of a kind counts: a second adapter or template changes no file to be opened */
        if (to && !to->digest && !layer_read(layer, name, a, to, err)) return false;
    }
    if (json_kind(config) == JSON_MAP_KIND && !layer_read(config, name, a, &out->config, err))
        return false;
    return out->model.digest || err_set(err, MU_DATA, "cannot use %s: it names no model", name);
}

bool ollama_manifest_read(struct str text, const char *name, struct arena *a,
                          struct ollama_manifest *out, struct mu_err *err)
{
    struct json *root = NULL;
    struct ollama_manifest m = {0};
    if (!json_parse(text, name, &root, err)) return false;
    const bool read = layers_read(root, name, a, &m, err);
    json_free(root);
    if (read) *out = m;
    return read;
}

static const char *blob(const char *store, const struct ollama_layer *layer, struct arena *a)
{
    return str_format(a, "%s/blobs/sha256-%s", store, layer->digest);
}

static bool part_good(struct str s, const char *marks)
{
    if (!s.n || s.n > PART_MOST || s.p[0] == '.' || s.p[0] == '-') return false;
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (!c || !strchr(marks, c))) return false;
    }
    return true;
}

/* The last cut off; the whole in *rest when it has no such mark. */
static struct str cut_last(struct str *rest, char at)
{
    const char *mark = rest->n ? memrchr(rest->p, at, rest->n) : NULL;
    if (!mark) return S("");
    const struct str last = {mark + 1, rest->n - (size_t)(mark + 1 - rest->p)};
    rest->n = (size_t)(mark - rest->p);
    return last;
}

bool stock_ollama_name(struct str s, struct ollama_name *out)
{
    struct ollama_name n = {
        .registry = S("registry.ollama.ai"), .owner = S("library"), .tag = S("latest")};
    const char *slash = s.n ? memrchr(s.p, '/', s.n) : NULL;
    const size_t head = slash ? (size_t)(slash + 1 - s.p) : 0;
    n.model = (struct str){s.p + head, s.n - head};
    struct str tagged = n.model;
    n.model = str_cut(&tagged, ':');
    if (tagged.p) n.tag = tagged;
    if (slash) {
        struct str before = {s.p, head - 1};
        const struct str last = cut_last(&before, '/');
        n.owner = last.p && last.n ? last : before;
        if (last.n) n.registry = before;
    }
    *out = n;
    return part_good(n.registry, ".-_:") && part_good(n.owner, ".-_") &&
           part_good(n.model, ".-_") && part_good(n.tag, ".-_");
}

static const char *manifest_path(const struct ollama_name *n, const char *store, struct arena *a)
{
    return str_format(a, "%s/manifests/%.*s/%.*s/%.*s/%.*s", store, STR_ARG(n->registry),
                      STR_ARG(n->owner), STR_ARG(n->model), STR_ARG(n->tag));
}

static bool manifest_open(const char *path, struct arena *a, struct ollama_manifest *out,
                          struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, MANIFEST_BYTES_MOST, &file, &bytes, err)) return false;
    const char *shown = str_visible(a, str_of(path));
    const bool read =
        bytes <= MANIFEST_BYTES_MOST
            ? ollama_manifest_read(file.bytes, shown, a, out, err)
            : err_set(err, MU_DATA, "cannot use %s: it is too large for a manifest", shown);
    mapped_close(&file);
    return read;
}

/* What the blob lacks of what its manifest says; NULL: nothing. */
static const char *blob_missing(const char *path, const struct ollama_layer *layer)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return "its weights are not here";
    if ((double)st.st_size != layer->bytes) return "its weights are not of the size it names";
    return NULL;
}

/* The small document that says of which family and quantisation the model is. */
static void tell_config(const struct stock *t, const char *path, struct stored *s)
{
    struct arena *a = t->in->arena;
    struct mapped file;
    struct json *root = NULL;
    struct str word;
    uint64_t bytes = 0;
    if (!mapped_open(path, MANIFEST_BYTES_MOST, &file, &bytes, NULL)) return;
    if (bytes <= MANIFEST_BYTES_MOST && json_parse(file.bytes, path, &root, NULL)) {
        if (json_text(json_get(root, "file_type"), &word) && t->in->catalog) {
            const struct mix *mix = catalog_mix(t->in->catalog, word);
            if (mix) s->quant = mix->name;
        }
        if (!s->architecture && json_text(json_get(root, "model_family"), &word))
            s->architecture = str_visible(a, word);
    }
    json_free(root);
    mapped_close(&file);
}

static void add(struct stock *t, const char *store, const char *name)
{
    struct arena *a = t->in->arena;
    struct ollama_name n;
    struct ollama_manifest m = {0};
    struct mu_err err = {.code = MU_OK};
    struct model_file front;
    if (!stock_ollama_name(str_of(name), &n)) return;
    const char *manifest = manifest_path(&n, store, a);
    struct stored item = {
        .store = "Ollama", .name = str_format(a, "ollama:%s", name), .path = manifest};
    struct stored *s = stock_add(t, &item);
    if (!s) return;
    if (!manifest_open(manifest, a, &m, &err)) {
        s->missing = "its manifest cannot be used";
        return;
    }
    s->path = blob(store, &m.model, a);
    s->format = "GGUF";
    s->missing = blob_missing(s->path, &m.model);
    stock_count(t, s, s->path);
    const struct ollama_layer *more[] = {&m.adapter, &m.projector};
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (more[i]->digest && !stock_count(t, s, blob(store, more[i], a)) && !s->missing)
            s->missing = "its adapter or projector is not here";
    if (machine_model_front(s->path, a, &front))
        s->architecture = front.architecture;
    else if (!s->missing)
        s->missing = "its weights do not begin as a GGUF file";
    if (m.config.digest) tell_config(t, blob(store, &m.config, a), s);
}

void stock_ollama(struct stock *t)
{
    const char *store = machine_ollama_store(t->in);
    const char *const *name = NULL;
    if (!store) return;
    const size_t names = machine_ollama_names(t->in, store, &name);
    for (size_t i = 0; i < names && stock_step(t); i++) add(t, store, name[i]);
}

bool store_ollama_find(const struct finding *f, const char **path, struct mu_err *err)
{
    struct arena *a = f->in->arena;
    struct ollama_name n;
    struct ollama_manifest m = {0};
    struct stat st;
    if (!stock_ollama_name(f->name, &n))
        return err_set(err, MU_NOINPUT,
                       "cannot take %s for a model: write ollama:NAME or ollama:NAME:TAG",
                       f->operand);
    const char *store = machine_ollama_store(f->in);
    const char *manifest = store ? manifest_path(&n, store, a) : NULL;
    if (!manifest || stat(manifest, &st) != 0)
        return err_set(err, MU_NOINPUT,
                       "cannot open %s: Ollama's store on this disk has no such name; its manifest "
                       "is at https://%.*s/v2/%.*s/%.*s/manifests/%.*s, which is not asked: fetch "
                       "it first, with ollama pull %.*s, or let fit and need read its header "
                       "alone with --online",
                       f->operand, STR_ARG(n.registry), STR_ARG(n.owner), STR_ARG(n.model),
                       STR_ARG(n.tag), STR_ARG(f->name));
    if (!manifest_open(manifest, a, &m, err)) return err_add(err, "cannot open %s", f->operand);
    const char *weights = blob(store, &m.model, a);
    if (stat(weights, &st) != 0)
        return err_set(err, MU_NOINPUT,
                       "cannot open %s: its weights %s are not here; an unfinished ollama pull, "
                       "perhaps",
                       f->operand, str_visible(a, str_of(weights)));
    *path = weights;
    return true;
}
