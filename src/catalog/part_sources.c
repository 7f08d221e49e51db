/* catalog/part_sources.c - rows of data/sources.json. Left out: which line is right for a model (verb/fetching.c). */
#include <string.h>

#include "base/arena.h"
#include "catalog/sources.h"
#include "catalog/table.h"

#define SOURCES "sources.json"

static const struct field gguf_field[] = {
    ROW_TEXT(gguf_source, "model", model),       ROW_TEXT(gguf_source, "repository", repository),
    ROW_TEXT(gguf_source, "source", source),     ROW_TEXT(gguf_source, "confidence", confidence),
    ROW_TEXTS(gguf_source, "mixes", mix, mixes), ROW_TEXTS(gguf_source, "files", file, files),
};
static const struct fields gguf_fields = ROW_FIELDS(gguf_source, gguf_field);

static const struct field library_field[] = {
    ROW_TEXT(library_source, "model", model),
    ROW_TEXT(library_source, "tag", tag),
    ROW_TEXT(library_source, "source", source),
    ROW_TEXT(library_source, "confidence", confidence),
    ROW_TEXTS(library_source, "mixes", mix, mixes),
    ROW_TEXTS(library_source, "tags", mix_tag, mix_tags),
};
static const struct fields library_fields = ROW_FIELDS(library_source, library_field);

static const struct field program_field[] = {
    ROW_TEXT(fetch_program, "name", name),
    ROW_TEXT(fetch_program, "line", line),
    ROW_TEXT(fetch_program, "note", note),
    ROW_TEXT(fetch_program, "source", source),
    ROW_TEXT(fetch_program, "confidence", confidence),
    ROW_TEXT(fetch_program, "group", group),
    ROW_TEXT(fetch_program, "backend", backend),
    ROW_FLAG(fetch_program, "tagged", tagged),
    ROW_FLAG(fetch_program, "untagged", untagged),
    ROW_TEXTS(fetch_program, "only", only, only_count),
    ROW_TEXTS(fetch_program, "except", except, except_count),
};
static const struct fields program_fields = ROW_FIELDS(fetch_program, program_field);

static const struct field disk_field[] = {
    ROW_TEXT(slow_disk, "name", name),
    ROW_TEXT(slow_disk, "source", source),
    ROW_TEXT(slow_disk, "confidence", confidence),
    ROW_NUMBER(slow_disk, "read_mbs", read_mbs),
};
static const struct fields disk_fields = ROW_FIELDS(slow_disk, disk_field);

/* Texts that stand in a line of a shell: nothing in them that a shell would take for more than a word. */
static bool plain_words(const struct json *row, const char *key, struct mu_err *err)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
    struct str s;
    const struct json *j = json_get(row, key);
    const size_t n = json_kind(j) == JSON_LIST_KIND ? json_count(j) : 1;
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_kind(j) == JSON_LIST_KIND ? json_at(j, i) : j;
        if (!json_text(one, &s) || !s.n)
            return err_set(err, MU_DATA, "%s: takes names that are not empty", key);
        for (size_t k = 0; k < s.n; k++)
            if (!s.p[k] || !strchr(plain, s.p[k]))
                return err_set(err, MU_DATA, "%s: takes letters, digits and . _ - / : only", key);
    }
    return true;
}

static bool gguf_checked(const struct json *row, struct mu_err *err)
{
    static const char *const keys[] = {"model", "repository", "mixes", "files"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (!plain_words(row, keys[i], err)) return false;
    if (json_count(json_get(row, "mixes")) != json_count(json_get(row, "files")))
        return err_set(err, MU_DATA, "files: takes one for each of mixes");
    return true;
}

static bool library_checked(const struct json *row, struct mu_err *err)
{
    const struct json *mixes = json_get(row, "mixes"), *tags = json_get(row, "tags");
    if (!plain_words(row, "tag", err) || !plain_words(row, "model", err)) return false;
    if (json_count(mixes) != json_count(tags))
        return err_set(err, MU_DATA, "tags: takes one for each of mixes");
    return !json_count(tags) || (plain_words(row, "mixes", err) && plain_words(row, "tags", err));
}

static bool program_checked(const struct json *row, struct mu_err *err)
{
    struct str line, group;
    if (!json_text(json_get(row, "line"), &line) || !json_text(json_get(row, "group"), &group))
        return err_set(err, MU_DATA, "a program needs its line and its group");
    return true;
}

static bool disk_checked(const struct json *row, struct mu_err *err)
{
    return figures_in_range(&disk_fields, row, FIGURES_ABOVE_ZERO, err);
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    static const struct row_kind ggufs = {"entries", &gguf_fields,
                                          offsetof(struct gguf_source, repository), gguf_checked};
    static const struct row_kind libraries = {
        "library", &library_fields, offsetof(struct library_source, tag), library_checked};
    static const struct row_kind programs = {"programs", &program_fields,
                                             offsetof(struct fetch_program, name), program_checked};
    static const struct row_kind disks = {"disks", &disk_fields, offsetof(struct slow_disk, name),
                                          disk_checked};
    struct rows gguf, library, program, disk;
    if (!kind_read(c, SOURCES, &ggufs, &gguf, err) ||
        !kind_read(c, SOURCES, &libraries, &library, err) ||
        !kind_read(c, SOURCES, &programs, &program, err) ||
        !kind_read(c, SOURCES, &disks, &disk, err))
        return NULL;
    struct fetch_sources *all = NEW(c->arena, struct fetch_sources);
    *all = (struct fetch_sources){.gguf = gguf.row,
                                  .ggufs = gguf.count,
                                  .library = library.row,
                                  .libraries = library.count,
                                  .program = program.row,
                                  .programs = program.count,
                                  .disk = disk.row,
                                  .disks = disk.count};
    return all;
}

bool catalog_sources(const struct catalog *c, const struct fetch_sources **out, struct mu_err *err)
{
    const struct fetch_sources *all = part_once(c, PART_SOURCES, load, err);
    if (all) *out = all;
    return all != NULL;
}

const struct library_source *library_source_of(const struct fetch_sources *s, const char *model)
{
    for (size_t i = 0; i < s->libraries; i++)
        if (strcmp(s->library[i].model, model) == 0) return &s->library[i];
    return NULL;
}

/* The text beside a mix in a row's two lists. */
static const char *beside(const char *const *mix, size_t mixes, const char *const *text,
                          const char *wanted)
{
    for (size_t i = 0; wanted && i < mixes; i++)
        if (str_eq_nocase(str_of(mix[i]), str_of(wanted))) return text[i];
    return NULL;
}

const char *gguf_source_file(const struct gguf_source *g, const char *mix)
{
    return g ? beside(g->mix, g->mixes, g->file, mix) : NULL;
}

const char *library_source_tag(const struct library_source *l, const char *mix)
{
    return l ? beside(l->mix, l->mixes, l->mix_tag, mix) : NULL;
}

const struct gguf_source *gguf_source_of(const struct fetch_sources *s, const char *model,
                                         const char *mix)
{
    const struct gguf_source *first = NULL;
    for (size_t i = 0; i < s->ggufs; i++) {
        const struct gguf_source *g = &s->gguf[i];
        if (strcmp(g->model, model) != 0) continue;
        if (gguf_source_file(g, mix)) return g;
        if (!first) first = g;
    }
    return first;
}
