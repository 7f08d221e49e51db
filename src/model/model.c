/* model/model.c - a model from an operand: a GGUF file, whole or split, or a row of the catalogue. Puts the tensors of all parts in order,
 * refuses what is no language model, and names the mix the file says it is.
 *
 * Folders with config.json are model/hf_folder.c's, sizes ("7B") verb/nominal.c's. What a hub's name leads to on this disk is
 * model/stores.c's, over the network model/remote.c's. Split files as llama.cpp v0.5.0 names them (llama_split_path:
 * PREFIX-00001-of-00003.gguf). */
#include "model/model.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "model/gguf.h"
#include "model/hf_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    HEADER_MOST_BYTES = 128 << 20, /* how much of a file is mapped; headers are 1 to 20 MiB */
    PARTS_MOST = 65536,
    GUESSED = 1024 /* llama.cpp's flag on general.file_type: the mix was guessed */
};

static int by_place(const void *left, const void *right)
{
    const struct tensor *a = left, *b = right;
    if (a->layer != b->layer) return a->layer < b->layer ? -1 : 1;
    return str_order(a->name, b->name);
}

static bool in_order(const struct gguf *g, struct tensor *t, size_t n, struct arena *a,
                     struct mu_err *err)
{
    qsort(t, n, sizeof *t, by_place);
    for (size_t i = 1; i < n; i++)
        if (str_eq(t[i - 1].name, t[i].name))
            return err_set(err, MU_DATA, "cannot read %s as a model: tensor %s is there twice",
                           g->file, str_visible(a, t[i].name));
    return true;
}

static const struct {
    const char *kind, *words;
} no_models[] = {
    {"adapter", "it is a LoRA adapter, not a model; name the model it belongs to, and this "
                "with fit's --lora"},
    {"mmproj", "it is a projector (of pictures or sound), not a model; name the model it belongs "
               "to, and this with fit's --mmproj"},
    {"clip", "it is a projector (of pictures or sound), not a model; name the model it belongs "
             "to, and this with fit's --mmproj"},
    {"imatrix", "it is an importance matrix, which only llama-quantize reads, not a model"},
    {"controlvector", "it is a control vector, which llama-server adds to a model "
                      "(--control-vector), not a model"},
};

static bool is_model(const struct gguf *g, const struct model *m, struct mu_err *err)
{
    const char *why = NULL;
    for (size_t i = 0; i < COUNT_OF(no_models); i++)
        if (str_is(g->kind, no_models[i].kind) || str_is(g->architecture, no_models[i].kind))
            why = no_models[i].words;
    if (!why && g->adapter) why = no_models[0].words;
    if (!why && !g->architecture.n) why = "its header names no general.architecture";
    if (!why && !m->tensors) why = "it holds no tensors (a vocabulary alone, perhaps)";
    return why ? err_set(err, MU_DATA, "cannot use %s: %s", g->file, why) : true;
}

static const char *mix_name(const struct gguf *g, const struct catalog *c)
{
    const struct mix *mix = NULL;
    size_t count = 0;
    const struct gguf_figure *f = &g->file_type;
    if (!f->present || f->list || f->value < 0 || f->value >= 2 * GUESSED) return NULL;
    if (!catalog_mixes(c, &mix, &count, NULL)) return NULL;
    for (size_t i = 0; i < count; i++)
        if (mix[i].file_type == ((uint32_t)f->value & (GUESSED - 1U))) return mix[i].name;
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* From the first part's header and the tensors of all parts. */
static bool finish(const struct gguf *g, struct model *m, const struct catalog *c, struct arena *a,
                   struct mu_err *err)
{
    struct tensor *t = NEW_ARRAY(a, struct tensor, m->tensors);
    if (m->tensors) memcpy(t, m->tensor, m->tensors * sizeof *t);
    if (!is_model(g, m, err) || !in_order(g, t, m->tensors, a, err)) return false;
    m->tensor = t;
    m->file_bytes += (double)g->missing_bytes;
    m->missing_bytes += (double)g->missing_bytes;
    m->header_bytes = (double)g->header_bytes;
    m->name = str_visible(a, g->name.n ? g->name : str_of(base_name(g->file)));
    gguf_shape(g, t, m->tensors, c, a, &m->shape);
    m->quant = mix_name(g, c);
    m->tokenizer = g->tokenizer.n ? str_visible(a, g->tokenizer) : NULL;
    m->origin = REPORTED;
    m->source = str_format(a, "%s, GGUF header", g->file);
    return arena_within(a, err);
}

static struct gguf_source source_of(struct str bytes, uint64_t file_bytes, const char *name,
                                    const struct catalog *c, struct mu_err *err)
{
    return (struct gguf_source){
        .bytes = bytes, .file_bytes = file_bytes, .name = name, .types = catalog_types(c, err)};
}

bool model_from_gguf_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                           const struct catalog *c, struct arena *a, struct model *out,
                           struct mu_err *err)
{
    const struct gguf_source from = source_of(bytes, file_bytes, name, c, err);
    struct gguf g;
    if (!from.types || !gguf_read(&from, a, &g, err)) return false;
    struct model m = {
        .tensor = g.tensor, .tensors = g.tensors, .file_bytes = (double)file_bytes, .files = 1};
    if (!finish(&g, &m, c, a, err)) return false;
    *out = m;
    return true;
}

/* The path of another part beside PREFIX-00001-of-000NN.gguf; NULL when the name is not of that form. */
static const char *part_path(const char *path, unsigned part, unsigned parts, struct arena *a)
{
    const char *ending = str_format(a, "-%05u-of-%05u.gguf", 1U, parts);
    const struct str whole = str_of(path);
    if (!str_ends(whole, str_of(ending))) return NULL;
    return str_format(a, "%.*s-%05u-of-%05u.gguf", (int)(whole.n - strlen(ending)), path, part,
                      parts);
}

/* Reads part `part` (from 1) and appends its tensors to the model's. */
static bool add_part(const char *path, unsigned part, struct model *m, const struct catalog *c,
                     struct arena *a, struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, HEADER_MOST_BYTES, &file, &bytes, err))
        return err_add(err, "part %u of this model is missing or cannot be read", part);
    const struct gguf_source from = source_of(file.bytes, bytes, path, c, err);
    struct gguf g;
    bool read = from.types && gguf_read(&from, a, &g, err);
    if (read && (!g.split_part.present || g.split_part.value + 1 != part))
        read = err_set(err, MU_DATA, "cannot use %s: it is not part %u of its model", path, part);
    if (read) {
        struct tensor *all = NEW_ARRAY(a, struct tensor, m->tensors + g.tensors);
        if (m->tensors) memcpy(all, m->tensor, m->tensors * sizeof *all);
        if (g.tensors) memcpy(all + m->tensors, g.tensor, g.tensors * sizeof *all);
        m->tensor = all;
        m->tensors += g.tensors;
        m->file_bytes += (double)bytes + (double)g.missing_bytes;
        m->missing_bytes += (double)g.missing_bytes;
        m->files++;
        read = arena_within(a, err);
    }
    mapped_close(&file);
    return read;
}

static bool add_parts(const struct gguf *g, struct model *m, const struct catalog *c,
                      struct arena *a, struct mu_err *err)
{
    const struct gguf_figure *count = &g->split_parts;
    if (!count->present || count->value <= 1) return true;
    if (count->list || count->value > PARTS_MOST)
        return err_set(err, MU_DATA, "cannot use %s: its split.count is impossible", g->file);
    const unsigned parts = (unsigned)count->value;
    if (g->split_part.present && g->split_part.value != 0)
        return err_set(err, MU_NOINPUT, "cannot use %s: it is part %.0f of %u; name the first part",
                       g->file, g->split_part.value + 1, parts);
    for (unsigned part = 2; part <= parts; part++) {
        const char *path = part_path(g->file, part, parts, a);
        if (!path)
            return err_set(err, MU_NOINPUT,
                           "cannot find the other %u parts of %s: its name does not end in "
                           "-00001-of-%05u.gguf",
                           parts - 1, g->file, parts);
        if (!add_part(path, part, m, c, a, err)) return false;
    }
    if (g->split_tensors.present && g->split_tensors.value != (double)m->tensors)
        return err_set(err, MU_DATA, "cannot use %s: its parts hold %zu tensors of %.0f", g->file,
                       m->tensors, g->split_tensors.value);
    return true;
}

bool model_from_gguf(const char *path, const struct catalog *c, struct arena *a, struct model *out,
                     struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, HEADER_MOST_BYTES, &file, &bytes, err)) return false;
    const struct gguf_source from = source_of(file.bytes, bytes, path, c, err);
    struct gguf g;
    bool read = from.types && gguf_read(&from, a, &g, err);
    if (read) {
        struct model m = {
            .tensor = g.tensor, .tensors = g.tensors, .file_bytes = (double)bytes, .files = 1};
        read = add_parts(&g, &m, c, a, err) && finish(&g, &m, c, a, err);
        if (read) *out = m;
    }
    mapped_close(&file);
    return read;
}

static bool names_a_file(const char *operand, bool *folder)
{
    struct stat st;
    const struct str s = str_of(operand);
    const bool there = stat(operand, &st) == 0;
    *folder = there && S_ISDIR(st.st_mode);
    return (there && !*folder) || str_ends(s, S(".gguf")) || str_starts(s, S("/")) ||
           str_starts(s, S("./")) || str_starts(s, S("../"));
}

static bool unknown_model(const char *operand, const struct catalog *c, struct arena *a,
                          struct mu_err *err)
{
    const struct str s = str_of(operand);
    const char *shown = str_visible(a, s);
    if (!s.n)
        return err_set(err, MU_NOINPUT,
                       "no model was named: name a GGUF file or a model of the catalogue");
    if (str_starts(s, S("hf:")) || str_starts(s, S("ollama:")))
        return err_set(err, MU_NOINPUT,
                       "cannot open %s: it leads to no file here; name a GGUF file or a model "
                       "of the catalogue",
                       shown);
    const char *near = catalog_model_near(c, s);
    if (!catalog_sound(c, err))
        return false; /* a table of the user's with a mistake hides its rows */
    if (near)
        return err_set(err, MU_NOINPUT, "no model is called %s: did you mean %s?", shown, near);
    return err_set(err, MU_NOINPUT,
                   "no model is called %s: name a GGUF file or a model of the catalogue", shown);
}

/* What is there is enough to size it, not to run it. */
static void confess_missing(const struct model *m, const char *path, struct arena *a,
                            struct notes *notes)
{
    const bool header_alone = m->file_bytes - m->missing_bytes <= m->header_bytes;
    if (m->missing_bytes > 0)
        note_add(notes, "%s: %s; %s of weights are missing", path,
                 header_alone ? "only its header is here" : "an unfinished download, perhaps",
                 units_bytes(a, m->missing_bytes));
}

/* A folder, or a part of one that is no GGUF file. */
static bool is_published(const char *operand, bool file, bool folder, enum catalog_match match)
{
    struct stat st;
    char config[4096];
    if (!folder) return (file || stat(operand, &st) == 0) && model_folder_part(operand);
    const int n = snprintf(config, sizeof config, "%s/config.json", operand);
    return match == MATCH_NONE || (n > 0 && (size_t)n < sizeof config && stat(config, &st) == 0);
}

bool model_open(const char *operand, const struct catalog *c, struct arena *a, struct notes *notes,
                struct model *out, struct mu_err *err)
{
    bool folder = false;
    const bool file = names_a_file(operand, &folder);
    const char *others = NULL;
    const struct model_part *part = NULL;
    const enum catalog_match match =
        file ? MATCH_NONE : catalog_model(c, str_of(operand), &part, &others);
    /* a folder here that has a model's name is the model of that name, unless it holds one itself */
    if (is_published(operand, file, folder, match))
        return model_from_folder(operand, c, a, notes, out, err);
    if (file) {
        if (!model_from_gguf(operand, c, a, out, err)) return false;
        confess_missing(out, str_visible(a, str_of(operand)), a, notes);
        return true;
    }
    if (match == MATCH_NONE) return unknown_model(operand, c, a, err);
    if (match == MATCH_SEVERAL)
        note_add(notes, "%s could be several models: taken as %s, not %s",
                 str_visible(a, str_of(operand)), part->hf_id, others ? others : "another");
    struct model m = {.name = part->hf_id,
                      .origin = LISTED,
                      .source = part->source,
                      .published = part->published.type ? &part->published : NULL,
                      .native_quant = part->native_mix};
    shape_from_part(part, c, a, &m.shape);
    *out = m;
    return true;
}
