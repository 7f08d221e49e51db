/* What truth files have in common: a list of rows, and models, whose shapes are made from their hparams and whose tensors by our own rules
 * for their quantisation. Left out: what a row holds (truth.c, offload_truth.c). */
#include "proof/subjects.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "proof/hparams.h"

const char *truth_text(const struct json *map, const char *key, struct arena *a)
{
    struct str s;
    return json_text(json_get(map, key), &s) ? str_copy(a, s) : NULL;
}

/* A model by its figures, or by its name in the catalogue, of which a cut has fewer layers. */
static bool shape_of(const struct truth_subjects *all, const struct json *row, const char *model,
                     struct shape *out, struct mu_err *err)
{
    const struct json *hparams = json_get(row, "hparams");
    const char *others, *named = truth_text(row, "catalog", all->arena);
    const char *name = named ? named : model;
    const struct model_part *part;
    if (hparams) return hparams_shape(hparams, all->catalog, all->arena, out, err);
    if (!name || catalog_model(all->catalog, str_of(name), &part, &others) == MATCH_NONE)
        return err_set(err, MU_DATA, "model \"%s\" has no hparams and no name in the catalogue",
                       model);
    shape_from_part(part, all->catalog, all->arena, out);
    double layers;
    bool biased; /* the header that was tried was made without, when the catalogue lacked them */
    if (json_number(json_get(row, "layers"), &layers) && layers >= 1) out->layers = layers;
    if (json_bool(json_get(row, "qkv_bias"), &biased)) out->qkv_bias = biased;
    return true;
}

static bool add(struct truth_subjects *all, const char *model, const char *quant,
                struct mu_err *err)
{
    const struct mix *mix = catalog_mix(all->catalog, str_of(quant));
    struct truth_subject *s = NEW(all->arena, struct truth_subject);
    if (!mix) return err_set(err, MU_DATA, "no quantisation is called \"%s\"", quant);
    if (!shape_of(all, json_get(all->models, model), model, &s->shape, err)) return false;
    digest_of_shape(&s->shape, mix, all->catalog, &s->digest);
    s->model = model;
    s->quant = quant;
    s->next = all->first;
    all->first = s;
    return true;
}

const struct truth_subject *truth_subject(struct truth_subjects *all, const char *model,
                                          const char *quant, struct mu_err *err)
{
    for (const struct truth_subject *s = all->first; s; s = s->next)
        if (strcmp(s->model, model) == 0 && strcmp(s->quant, quant) == 0) return s;
    return add(all, model, quant, err) ? all->first : NULL;
}

bool truth_is_of(struct str text, const char *const *classes, size_t count)
{
    struct json *root = NULL;
    struct str class_;
    struct mu_err err = {0};
    bool is = false;
    if (!json_parse(text, "truth", &root, &err)) return false;
    if (json_text(json_get(root, "class"), &class_))
        for (size_t i = 0; i < count; i++) is = is || str_is(class_, classes[i]);
    json_free(root);
    return is;
}

static bool each_row(const struct json *list, const struct truth_rows_kind *kind,
                     struct truth_reading *r, char *rows, struct mu_err *err)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (!kind->row_read(r, json_at(list, i), rows + i * kind->row_bytes, err))
            return err_add(err, "row %zu", i + 1);
    return true;
}

bool truth_rows_read(struct str text, const char *name, const struct truth_rows_kind *kind,
                     struct truth_reading *r, const void **rows, size_t *count, struct mu_err *err)
{
    struct json *root = NULL;
    if (!json_parse(text, name, &root, err)) return false;
    const struct json *list = json_get(root, "rows");
    const size_t n = json_count(list);
    r->subjects = (struct truth_subjects){
        .catalog = r->catalog, .arena = r->arena, .models = json_get(root, "models")};
    r->class_ = truth_text(root, "class", r->arena);
    r->bill = NEW(r->arena, struct bill);
    char *row = arena_array(r->arena, n, kind->row_bytes);
    bool ok = r->class_ && json_kind(list) == JSON_LIST_KIND && n;
    if (!ok)
        (void)err_set(err, MU_DATA, "a truth file has a class and at least one row");
    else
        ok = each_row(list, kind, r, row, err);
    json_free(root);
    if (!ok) return err_add(err, "%s", name);
    *rows = row;
    *count = n;
    return true;
}
