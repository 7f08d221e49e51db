/* model/hf_folder.c - a model as the hub publishes it. The shape comes from config.json, the weights as they are stored from the headers of
 * the safetensors files; when both are there, the parameters of one are held against those of the other.
 *
 * Left out: weights in other formats (PyTorch's own among them), which are neither read nor counted. */
#include "model/hf_folder.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "model/hf_config.h"
#include "model/safetensors.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MOST_BYTES = 4 << 20, NAMES_MOST = 65536 };
/* Poolers and tables made on conversion stay below this. */
static const double counts_alike = 0.005;

static const char one_file[] = "model.safetensors", index_ending[] = ".safetensors.index.json",
                  index_usual[] = "model.safetensors.index.json", ending[] = ".safetensors";

struct place {
    const char *given, *shown; /* shown: fit for a terminal */
    const char *folder, *config;
    const char *weights; /* a file or an index; NULL: none there */
    size_t files;        /* *.safetensors that lie in the folder */
};

static const char *in_folder(const char *folder, const char *name, struct arena *a)
{
    return str_format(a, "%s%s%s", folder, str_ends(str_of(folder), S("/")) ? "" : "/", name);
}

static const char *folder_of(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_format(a, "%.*s", (int)(slash - path + 1), path) : "./";
}

/* How many safetensors files lie there, and the first by name. */
static size_t safetensors_in(const char *folder, struct arena *a, const char **first)
{
    DIR *d = opendir(folder);
    size_t files = 0, names = 0;
    *first = NULL;
    for (struct dirent *e; d && names < NAMES_MOST && (e = readdir(d)) != NULL; names++) {
        const struct str name = str_of(e->d_name);
        if (name.p[0] == '.' || !str_ends(name, str_of(ending))) continue;
        if (!*first || strcmp(e->d_name, *first) < 0) *first = str_copy(a, name);
        files++;
    }
    if (d) closedir(d);
    return files;
}

/* The index that lies there, else the one file; several files without an index are not taken together. */
static const char *weights_in(const char *folder, struct arena *a, size_t *files)
{
    const char *first = NULL, *index = in_folder(folder, index_usual, a);
    const char *single = in_folder(folder, one_file, a);
    *files = safetensors_in(folder, a, &first);
    if (file_is_there(index)) return index;
    if (file_is_there(single)) return single;
    return *files == 1 ? in_folder(folder, first, a) : NULL;
}

/* A shard stands for its model: "model-00001-of-00004.safetensors". */
static bool is_shard(struct str path)
{
    static const char form[] = "-00000-of-00000.safetensors";
    const size_t n = sizeof form - 1;
    if (path.n <= n) return false;
    for (size_t i = 0; i < n; i++) {
        const char c = path.p[path.n - n + i];
        if (form[i] == '0' ? c < '0' || c > '9' : c != form[i]) return false;
    }
    return true;
}

bool model_folder_part(const char *path)
{
    const struct str s = str_of(path);
    return str_ends(s, str_of(ending)) || str_ends(s, S(".json"));
}

static struct place place_of(const char *path, struct arena *a)
{
    const struct str s = str_of(path);
    struct place p = {.given = path, .shown = str_visible(a, s)};
    p.folder = folder_is_there(path) ? path : folder_of(path, a);
    p.weights = weights_in(p.folder, a, &p.files);
    p.config = in_folder(p.folder, "config.json", a);
    if (folder_is_there(path)) return p;
    const bool index = str_ends(s, str_of(index_ending));
    if (index || (str_ends(s, str_of(ending)) && !is_shard(s))) p.weights = path;
    if (is_shard(s) && !p.weights) p.weights = path;
    if (!index && str_ends(s, S(".json"))) p.config = path;
    return p;
}

static bool read_config(const struct place *p, const struct catalog *c, struct arena *a,
                        struct hf_config *out, struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!file_is_there(p->config) && file_is_there(in_folder(p->folder, "adapter_config.json", a)))
        return err_set(err, MU_DATA,
                       "cannot use %s: it is an adapter as PEFT keeps it, not a model; llama.cpp's "
                       "convert_lora_to_gguf.py makes the file that fit takes with --lora beside "
                       "its model",
                       p->shown);
    if (!file_is_there(p->config) && folder_is_there(p->given))
        return err_set(err, MU_NOINPUT,
                       "cannot read %s: it is a folder without a config.json; name a GGUF file in "
                       "it, or a folder with one",
                       p->shown);
    if (!file_is_there(p->config) && strcmp(p->config, p->given) != 0 && file_is_there(p->given))
        return err_set(err, MU_NOINPUT,
                       "cannot use %s: there is no config.json beside it, which says what model it "
                       "is",
                       p->shown);
    const char *path =
        file_is_there(p->config) ? p->config : p->given; /* says why it cannot be read */
    if (!mapped_open(path, CONFIG_MOST_BYTES, &file, &bytes, err)) return false;
    bool read = bytes <= CONFIG_MOST_BYTES ||
                err_set(err, MU_DATA, "cannot use %s: a configuration is not longer than %d MiB",
                        str_visible(a, str_of(p->config)), CONFIG_MOST_BYTES >> 20);
    read = read && hf_config_read(file.bytes, p->config, c, a, out, err);
    mapped_close(&file);
    return read;
}

static bool read_weights(const struct place *p, const struct hf_quantization *q, struct arena *a,
                         const struct stored **out, struct mu_err *err)
{
    *out = NULL;
    if (!p->weights) return true;
    struct stored *s = NEW(a, struct stored);
    if (str_ends(str_of(p->weights), str_of(index_ending))
            ? !stored_from_index(p->weights, q, a, s, err)
            : !stored_from_file(p->weights, q, a, s, err))
        return false;
    *out = s;
    return true;
}

/* The folder's name; in a hub's cache, models--ORG--NAME/snapshots/HASH, the model's. */
static const char *model_name(const char *folder, struct arena *a)
{
    char *whole = realpath(folder, NULL);
    const char *name = whole ? strrchr(whole, '/') : NULL;
    const char *shown = name && name[1] ? str_visible(a, str_of(name + 1)) : "model";
    const char *kept = whole ? strstr(whole, "/models--") : NULL;
    if (kept && strstr(kept, "/snapshots/")) {
        struct str rest = {kept + strlen("/models--"), strlen(kept) - strlen("/models--")};
        const struct str hub = str_cut(&rest, '/');
        const char *middle = memmem(hub.p, hub.n, "--", 2);
        if (middle)
            shown = str_visible(
                a, str_of(str_format(a, "%.*s/%.*s", (int)(middle - hub.p), hub.p,
                                     (int)(hub.n - (size_t)(middle - hub.p) - 2), middle + 2)));
    }
    free(whole);
    return shown;
}

static void say(const struct place *p, const struct hf_config *config, const struct stored *s,
                double by_shape, struct notes *notes)
{
    if (!config->checked && !config->shape.unruled)
        note_add(notes,
                 "%s: how a configuration of the type %s is read was never held against a "
                 "published count of parameters",
                 p->shown, config->model_type);
    if (!s && p->files)
        note_add(notes, "%s: %zu safetensors files without an index are not counted", p->shown,
                 p->files);
    if (!s) return;
    struct arena *a = notes ? notes->arena : NULL;
    if (a && s->missing_files > 0)
        note_add(notes, "%s: %s is missing (%.0f of %.0f files are); it is sized all the same",
                 p->shown, s->missing_file, s->missing_files, s->files);
    else if (a && s->missing_bytes > 0)
        note_add(notes, "%s: an unfinished download, perhaps; %s of weights are missing", p->shown,
                 units_bytes(a, s->missing_bytes));
    const double off = s->parameters - by_shape;
    if (by_shape > 0 && !(s->missing_files > 0) && fabs(off) > counts_alike * by_shape)
        note_add(notes,
                 "%s: its files hold %.0f parameters, its configuration makes %.0f: other parts "
                 "than the text model, or layers that llama.cpp leaves out",
                 p->shown, s->parameters, by_shape);
}

static const char *source_of(const struct place *p, const struct stored *s, struct arena *a)
{
    const char *config = str_visible(a, str_of(p->config));
    if (!s) return str_format(a, "%s alone", config);
    const char *scaled = s->quantisation ? str_format(a, ", %s", s->quantisation) : "";
    return str_format(a, "%s, and the headers of %.0f safetensors file%s: %s as published%s",
                      config, s->files - s->missing_files, s->files == 1 ? "" : "s",
                      units_bytes(a, s->bytes), scaled);
}

bool model_from_folder(const char *path, const struct catalog *c, struct arena *a,
                       struct notes *notes, struct model *out, struct mu_err *err)
{
    const struct place p = place_of(path, a);
    struct hf_config config = {0};
    const struct stored *stored = NULL;
    if (!read_config(&p, c, a, &config, err) ||
        !read_weights(&p, &config.quantization, a, &stored, err))
        return false;
    struct model m = {.name = model_name(p.folder, a),
                      .shape = config.shape,
                      .origin = REPORTED,
                      .stored = stored,
                      .dtype = config.dtype,
                      .source = source_of(&p, stored, a)};
    const double by_shape = config.parameters;
    const char *method = config.quantization.method;
    if (method && strcmp(method, "mxfp4") == 0) m.native_quant = "MXFP4_MOE";
    m.shape.parameters = stored && !(stored->missing_files > 0) ? stored->parameters : by_shape;
    say(&p, &config, stored, by_shape, notes);
    *out = m;
    return arena_within(a, err);
}
