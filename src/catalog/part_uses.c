/* catalog/part_uses.c - rows of data/uses.json: which models serve a use. Only what a row lists decides. A new figure of quality is a
 * column here. Left out: how well a model serves where nobody published that. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "catalog/table.h"
#include "catalog/uses.h"

struct uses {
    const struct use *row;
    size_t count;
    struct names names;
};

static const struct field use_field[] = {
    ROW_TEXT(use, "name", name),
    ROW_TEXT(use, "title", title),
    ROW_TEXT(use, "quality", quality),
    ROW_TEXT(use, "quality_words", quality_words),
    ROW_TEXT(use, "source", source),
    ROW_TEXT(use, "confidence", confidence),
    ROW_TEXTS(use, "tasks", tasks, task_count),
    ROW_TEXTS(use, "modalities", modalities, modality_count),
    ROW_TEXTS(use, "families", families, family_count),
    ROW_TEXTS(use, "words", words, word_count),
    ROW_TEXTS(use, "without_families", without_families, without_family_count),
    ROW_TEXTS(use, "without_words", without_words, without_word_count),
};
static const struct fields use_fields = ROW_FIELDS(use, use_field);

static const struct {
    const char *name;
    size_t offset;
} qualities[] = {{"mmlu", offsetof(struct model_part, mmlu)}};

static bool is_sound(const struct use *u, struct mu_err *err)
{
    if (!u->task_count) return err_set(err, MU_DATA, "uses.json: %s: needs its tasks", u->name);
    if (!u->quality) return true;
    for (size_t i = 0; i < COUNT_OF(qualities); i++)
        if (strcmp(u->quality, qualities[i].name) == 0) return true;
    return err_set(err, MU_DATA, "uses.json: %s: no model has a quality '%.64s'", u->name,
                   u->quality);
}

static const void *load_uses(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "uses.json", &use_fields, offsetof(struct use, name), &rows, err))
        return NULL;
    struct uses *all = NEW(c->arena, struct uses);
    *all = (struct uses){rows.row, rows.count, names_new(c->arena)};
    for (size_t i = 0; i < rows.count; i++) {
        if (!is_sound(&all->row[i], err)) return NULL;
        names_add(&all->names, all->row[i].name, i, 0);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_uses(const struct catalog *c, const struct use **out, size_t *count,
                  struct mu_err *err)
{
    const struct uses *all = part_once(c, PART_USES, load_uses, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

const struct use *catalog_use(const struct catalog *c, struct str name)
{
    const struct uses *all = part_once(c, PART_USES, load_uses, NULL);
    const size_t i = all ? names_row(&all->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &all->row[i];
}

static bool is_one_of(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text && strcmp(text, list[i]) == 0) return true;
    return false;
}

static bool holds_one_of(const char *name, const char *const *list, size_t n, struct arena *a)
{
    const struct str plain = n ? str_of(str_plain(a, str_of(name))) : S("");
    for (size_t i = 0; i < n; i++)
        if (str_has(plain, str_of(str_plain(a, str_of(list[i]))))) return true;
    return false;
}

bool use_serves(const struct use *u, const struct model_part *m, struct arena *a)
{
    if (!is_one_of(m->task, u->tasks, u->task_count)) return false;
    if (u->modality_count && !is_one_of(m->modality, u->modalities, u->modality_count))
        return false;
    if (is_one_of(m->family, u->without_families, u->without_family_count) ||
        holds_one_of(m->hf_id, u->without_words, u->without_word_count, a))
        return false;
    return (!u->family_count && !u->word_count) ||
           is_one_of(m->family, u->families, u->family_count) ||
           holds_one_of(m->hf_id, u->words, u->word_count, a);
}

double use_quality(const struct use *u, const struct model_part *m)
{
    for (size_t i = 0; u->quality && i < COUNT_OF(qualities); i++)
        if (strcmp(u->quality, qualities[i].name) == 0)
            return *(const double *)(const void *)((const char *)m + qualities[i].offset);
    return (double)NAN;
}
