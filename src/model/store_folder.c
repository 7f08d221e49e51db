/* model/store_folder.c - the models in a folder and below it: GGUF files, split ones as one, and folders of safetensors. LM Studio's
 * (PUBLISHER/NAME/FILE), GPT4All's and llama.cpp's are such folders, so is each snapshot of the hub's cache.
 *
 * Left out: other formats (.bin, .pt, .onnx), and whether the file behind a whole name is whole: its header says that to model_open(). A
 * folder is entered once, whatever links lead to it, so that a loop of links ends. */
#include <string.h>

#include "base/arena.h"
#include "base/files.h"
#include "base/root.h"
#include "catalog/types.h"
#include "machine/model_files.h"
#include "model/stock.h"

enum { FOLDERS_FIRST = 8, DEPTH_MOST = 4, PARTS_MOST = 1024, SPLIT_DIGITS = 5 };

static const struct {
    const char *in_name, *role;
} roles[] = {
    /* as llama.cpp v0.5.0 tells them apart, common/download.cpp gguf_filename_is_model */
    {"mmproj", "projector"},       {"imatrix", "importance matrix"}, {"mtp-", "draft heads"},
    {"eagle3-", "draft heads"},    {"dflash-", "draft heads"},       {"dspark-", "draft heads"},
    {"adapter_model.", "adapter"}, /* as the peft library writes them */
};
/* general.type or general.architecture of a header */
static const struct {
    const char *word, *role;
} kinds[] = {
    {"adapter", "adapter"},
    {"mmproj", "projector"},
    {"clip", "projector"},
    {"imatrix", "importance matrix"},
    {"controlvector", "control vector"},
};

/* Five digits. */
static bool split_number(struct str s, unsigned *out)
{
    uint64_t n = 0;
    if (s.n != SPLIT_DIGITS || !str_u64(s, &n)) return false;
    *out = (unsigned)n;
    return true;
}

bool stock_part_name(struct str file, struct str ending, struct gguf_name *out)
{
    const struct str middle = S("-of-");
    const size_t tail = 1 + SPLIT_DIGITS + middle.n + SPLIT_DIGITS;
    if (!str_ends(file, ending) || file.n == ending.n || file.p[0] == '.') return false;
    const struct str stem = {file.p, file.n - ending.n};
    *out = (struct gguf_name){.stem = stem, .part = 1, .parts = 1};
    if (stem.n <= tail) return true;
    const char *at = stem.p + stem.n - tail;
    unsigned part, parts;
    if (*at != '-' || !split_number((struct str){at + 1, SPLIT_DIGITS}, &part) ||
        !str_eq((struct str){at + 1 + SPLIT_DIGITS, middle.n}, middle) ||
        !split_number((struct str){at + tail - SPLIT_DIGITS, SPLIT_DIGITS}, &parts))
        return true;
    if (part < 1 || part > parts) return true;
    *out = (struct gguf_name){.stem = {stem.p, stem.n - tail}, .part = part, .parts = parts};
    return true;
}

struct str stock_name_tag(struct str stem)
{
    for (size_t i = stem.n; i > 0; i--)
        if (stem.p[i - 1] == '-' || stem.p[i - 1] == '.')
            return (struct str){stem.p + i, stem.n - i};
    return S("");
}

const char *stock_name_role(struct str file)
{
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (str_has(file, str_of(roles[i].in_name))) return roles[i].role;
    return NULL;
}

static const char *kind_role(const char *word)
{
    for (size_t i = 0; word && i < COUNT_OF(kinds); i++)
        if (!strcmp(word, kinds[i].word)) return kinds[i].role;
    return NULL;
}

bool stock_unfinished(struct str file)
{
    return str_ends(file, S(".incomplete")) || str_ends(file, S(".downloadInProgress"));
}

/* One folder on the way, and the names in it. */
struct place_walked {
    const char *path, *relative; /* relative: below the shelf, "" or "a/b/" */
    int depth;
    const char *const *name;
    size_t names;
};
struct walk {
    struct stock *t;
    const struct shelf *shelf;
    struct place_walked *folder;
    size_t folders, room;
};

static const char *part_path(const struct walk *w, const struct place_walked *at,
                             const struct gguf_name *name, unsigned part, const char *ending)
{
    struct arena *a = w->t->in->arena;
    if (name->parts == 1) return str_format(a, "%s/%.*s%s", at->path, STR_ARG(name->stem), ending);
    return str_format(a, "%s/%.*s-%05u-of-%05u%s", at->path, STR_ARG(name->stem), part, name->parts,
                      ending);
}

/* Whether a part before this one stands here, and has spoken for all. */
static bool spoken_for(struct walk *w, const struct place_walked *at, const struct gguf_name *name)
{
    for (unsigned part = 1; part < name->part && part <= PARTS_MOST && stock_step(w->t); part++)
        if (file_is_there(part_path(w, at, name, part, ".gguf"))) return true;
    return false;
}

/* Counts the parts that are there; why it is not whole, or NULL. */
static const char *count_parts(struct walk *w, const struct place_walked *at,
                               const struct gguf_name *name, struct stored *of, const char *ending)
{
    struct arena *a = w->t->in->arena;
    if (name->parts > PARTS_MOST)
        return str_format(a, "it calls itself part %u of %u", name->part, name->parts);
    for (unsigned part = 1; part <= name->parts && stock_step(w->t); part++)
        stock_count(w->t, of, part_path(w, at, name, part, ending));
    if (name->parts == 1) return of->files ? NULL : "its link leads nowhere";
    return of->files == name->parts ? NULL
                                    : str_format(a, "%u of %u parts are missing",
                                                 name->parts - (unsigned)of->files, name->parts);
}

static const char *quant_of(const struct stock *t, struct str stem)
{
    const struct str tag = stock_name_tag(stem);
    const struct mix *mix = tag.n && t->in->catalog ? catalog_mix(t->in->catalog, tag) : NULL;
    return mix ? mix->name : NULL;
}

static void add_gguf(struct walk *w, const struct place_walked *at, const char *file,
                     const struct gguf_name *name)
{
    struct arena *a = w->t->in->arena;
    if (name->part > 1 && spoken_for(w, at, name)) return;
    const char *path = str_format(a, "%s/%s", at->path, file);
    struct model_file front;
    const struct stored item = {
        .store = w->shelf->store,
        .name =
            w->shelf->name ? str_format(a, "%s:%s%s", w->shelf->name, at->relative, file) : path,
        .path = path,
        .format = "GGUF",
        .quant = quant_of(w->t, name->stem),
        .role = stock_name_role(str_of(file)),
    };
    struct stored *s = stock_add(w->t, &item);
    if (!s) return;
    s->missing = count_parts(w, at, name, s, ".gguf");
    if (machine_model_front(path, a, &front)) {
        s->architecture = front.architecture;
        if (!s->role) s->role = kind_role(front.type);
        if (!s->role) s->role = kind_role(front.architecture);
    } else if (!s->missing) {
        s->missing = "it does not begin as a GGUF file";
    }
}

/* How many of a set's parts are missing, told of its first part seen. */
static const char *weights_missing(struct walk *w, const struct place_walked *at,
                                   const struct gguf_name *name)
{
    unsigned here = 0;
    if (name->parts == 1) return NULL;
    if (name->parts > PARTS_MOST) return "it has too many parts";
    for (unsigned part = 1; part <= name->parts && stock_step(w->t); part++)
        here += file_is_there(part_path(w, at, name, part, ".safetensors"));
    return here == name->parts ? NULL
                               : str_format(w->t->in->arena, "%u of %u parts are missing",
                                            name->parts - here, name->parts);
}

static bool has(const struct place_walked *at, const char *name)
{
    for (size_t i = 0; i < at->names; i++)
        if (!strcmp(at->name[i], name)) return true;
    return false;
}

/* Counts one file of a folder's model, and finds what it tells of the others. */
static void add_weights(struct walk *w, const struct place_walked *at, struct stored *s,
                        const char *file, const struct gguf_name *name)
{
    const bool first = !s->files && !s->missing;
    if (!stock_count(w->t, s, str_format(w->t->in->arena, "%s/%s", at->path, file)))
        s->missing = "a link of its leads nowhere";
    if (first) s->role = stock_name_role(str_of(file));
    if (!s->missing && (first || name->part == 1)) s->missing = weights_missing(w, at, name);
}

/* All safetensors of one folder are one model. */
static void add_safetensors(struct walk *w, const struct place_walked *at)
{
    struct stored *s = NULL;
    struct gguf_name name;
    const bool named = w->shelf->name && !at->relative[0];
    const struct stored item = {.store = w->shelf->store,
                                .name = named ? w->shelf->name : at->path,
                                .path = at->path,
                                .format = "safetensors"};
    for (size_t i = 0; i < at->names; i++) {
        if (!stock_part_name(str_of(at->name[i]), S(".safetensors"), &name)) continue;
        if (!s) s = stock_add(w->t, &item);
        if (!s) return;
        add_weights(w, at, s, at->name[i], &name);
    }
    if (!s && has(at, "model.safetensors.index.json") && (s = stock_add(w->t, &item)))
        s->missing = "none of its parts is here";
    if (s && !s->missing && !s->role && !has(at, "config.json"))
        s->missing = "its config.json is not here";
}

static void add_unfinished(struct walk *w, const char *path)
{
    const struct stored item = {
        .store = w->shelf->store, .name = path, .path = path, .missing = "an unfinished download"};
    struct stored *s = stock_add(w->t, &item);
    if (s) stock_count(w->t, s, path);
}

static void enter(struct walk *w, const char *path, const char *relative, int depth)
{
    if (!stock_enter(w->t, path)) return;
    if (w->folders == w->room) {
        w->room = w->room ? w->room * 2 : FOLDERS_FIRST;
        struct place_walked *grown = NEW_ARRAY(w->t->in->arena, struct place_walked, w->room);
        if (w->folders) memcpy(grown, w->folder, w->folders * sizeof *grown);
        w->folder = grown;
    }
    w->folder[w->folders++] =
        (struct place_walked){.path = path, .relative = relative, .depth = depth};
}

static void look_into(struct walk *w, struct place_walked at)
{
    struct arena *a = w->t->in->arena;
    struct gguf_name name;
    if (!root_names(w->t->in->root, at.path, a, &at.name, &at.names)) return;
    for (size_t i = 0; i < at.names && stock_step(w->t); i++) {
        const char *file = at.name[i];
        const struct str s = str_of(file);
        const char *path = str_format(a, "%s/%s", at.path, file);
        if (!at.depth && str_starts(s, S("models--")))
            stock_hub_repo(w->t, w->shelf, file);
        else if (stock_part_name(s, S(".gguf"), &name))
            add_gguf(w, &at, file, &name);
        else if (stock_unfinished(s))
            add_unfinished(w, path);
        else if (file[0] != '.' && at.depth < DEPTH_MOST)
            enter(w, path, str_format(a, "%s%s/", at.relative, file), at.depth + 1);
    }
    add_safetensors(w, &at);
}

void stock_shelf(struct stock *t, const struct shelf *shelf)
{
    struct walk w = {.t = t, .shelf = shelf};
    enter(&w, shelf->path, "", 0);
    for (size_t i = 0; i < w.folders; i++) look_into(&w, w.folder[i]);
}
