/* The shipped truth: every row to the byte, from its model's hparams, its quant and its config alone. */
#include "../stage.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proof/truth.h"

#define CPU "truth/memory_cpu.json"
#define AMX "truth/memory_amx.json"

static struct truth read_truth(struct stage *s, struct str text, const char *name)
{
    struct truth t;
    struct mu_err err = {0};
    if (!truth_read(text, name, s->catalog, s->arena, &t, &err)) fail_msg("%s", err.text);
    return t;
}

static void every_row_is_exact(struct stage *s, const char *name, size_t rows)
{
    static const char *const part[PARTS] = {"total", "weights", "kv", "compute", "output"};
    const struct truth t = read_truth(s, catalog_file(s->catalog, name), name);
    assert_int_equal(t.rows, rows);
    for (size_t i = 0; i < t.rows; i++)
        for (size_t p = 0; p < PARTS; p++)
            if (t.row[i].predicted[p] != t.row[i].measured[p])
                fail_msg("%s, row %s (%s): %s is %.0f, we say %.0f", name, t.row[i].id,
                         t.row[i].model, part[p], t.row[i].measured[p], t.row[i].predicted[p]);
}

static void plain_and_repacked_rows_are_exact(void **state)
{
    every_row_is_exact(*state, CPU, 389);
}

static void rows_of_the_other_buffer_are_exact(void **state)
{
    every_row_is_exact(*state, AMX, 64);
}

static void the_closed_form_stays_within_three_percent(void **state)
{
    struct stage *s = *state;
    const struct truth t = read_truth(s, catalog_file(s->catalog, CPU), CPU);
    for (size_t i = 0; i < t.rows; i++) {
        const double truth = t.row[i].measured[PART_TOTAL];
        if (fabs(t.row[i].closed_form_total - truth) > 0.03 * truth)
            fail_msg("row %s (%s): %.0f, the closed form says %.0f", t.row[i].id, t.row[i].model,
                     truth, t.row[i].closed_form_total);
    }
}

/* ---- what a prediction may not depend on */

static void set_all(json_t *map, double number)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(map, next, key, value)
        json_object_set_new(map, key, json_real(number++));
}

/* Every field but hparams, quant and config, in every row and every model, is given another value. The names that join rows to models
 * change together. */
static void alter(json_t *root)
{
    size_t i;
    json_t *row, *models = json_object(), *model;
    const char *name;
    json_object_foreach(json_object_get(root, "models"), name, model)
    {
        json_t *other = json_pack("{s:O, s:s, s:i}", "hparams", json_object_get(model, "hparams"),
                                  "quants", "none", "n_params", 7);
        char changed[256] = "another ";
        strncat(changed, name, sizeof changed - strlen(changed) - 1);
        json_object_set_new(models, changed, other);
    }
    json_object_set_new(root, "models", models);
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        char changed[256] = "another ";
        name = json_string_value(json_object_get(row, "model"));
        strncat(changed, name, sizeof changed - strlen(changed) - 1);
        json_object_set_new(row, "model", json_string(changed));
        json_object_set_new(row, "id", json_string("same"));
        json_object_set_new(row, "source", json_string("nowhere"));
        json_object_set_new(row, "more", json_true());
        set_all(json_object_get(row, "truth"), (double)i + 1);
    }
    json_object_set_new(root, "machine", json_string("another"));
    json_object_set_new(root, "llama_cpp", json_string("another"));
    json_object_set_new(root, "split", json_string("another"));
    json_object_set_new(root, "n_rows", json_integer(1));
    json_object_del(root, "schema");
}

static void predictions_read_only_hparams_quant_and_config(void **state)
{
    static const char *const file[] = {CPU, AMX};
    struct stage *s = *state;
    for (size_t f = 0; f < 2; f++) {
        const struct str text = catalog_file(s->catalog, file[f]);
        const struct truth before = read_truth(s, text, file[f]);
        json_t *root = json_loadb(text.p, text.n, 0, NULL);
        assert_non_null(root);
        alter(root);
        char *altered = json_dumps(root, JSON_COMPACT);
        const struct truth after = read_truth(s, str_of(altered), "altered");
        assert_int_equal(after.rows, before.rows);
        for (size_t i = 0; i < after.rows; i++) {
            assert_string_equal(after.row[i].id, "same");
            assert_memory_equal(after.row[i].predicted, before.row[i].predicted,
                                sizeof after.row[i].predicted);
            assert_memory_equal(&after.row[i].closed_form_total, &before.row[i].closed_form_total,
                                sizeof after.row[i].closed_form_total);
            assert_int_not_equal((uint64_t)after.row[i].measured[PART_TOTAL],
                                 (uint64_t)before.row[i].measured[PART_TOTAL]);
        }
        free(altered);
        json_decref(root);
    }
}

static void what_it_does_read_changes_them(void **state)
{
    struct stage *s = *state;
    const struct str text = catalog_file(s->catalog, CPU);
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    json_t *row = json_array_get(json_object_get(root, "rows"), 0);
    const struct truth before = read_truth(s, text, CPU);
    json_t *config = json_object_get(row, "config");
    const json_int_t context = json_integer_value(json_object_get(config, "n_ctx"));
    json_object_set_new(config, "n_ctx", json_integer(2 * context));
    char *altered = json_dumps(root, JSON_COMPACT);
    const struct truth after = read_truth(s, str_of(altered), "altered");
    assert_exactly(after.row[0].predicted[PART_KV], 2 * before.row[0].predicted[PART_KV]);
    free(altered);
    json_decref(root);
}

/* ---- files that are no truth */

static void refused(struct stage *s, const char *text, const char *message)
{
    struct truth t;
    struct mu_err err = {0};
    assert_false(truth_read(str_of(text), "f", s->catalog, s->arena, &t, &err));
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, MU_DATA);
}

static void bad_files_are_refused_with_their_place(void **state)
{
    struct stage *s = *state;
    refused(s, "{}", "f: a truth file has a class and at least one row");
    refused(s, "{\"class\": \"x\", \"rows\": []}",
            "f: a truth file has a class and at least one row");
    refused(s, "{\"class\": \"x\", \"rows\": [7]}", "f: row 1: id, model and quant are needed");
    refused(s,
            "{\"class\": \"x\", \"rows\": [{\"id\": \"i\", \"model\": \"m\", \"quant\": \"F16\"}]}",
            "f: row 1: model \"m\" has no hparams and no name in the catalogue");
    refused(s,
            "{\"class\": \"x\", \"models\": {\"m\": {\"hparams\": {\"arch\": \"none\"}}},"
            " \"rows\": [{\"id\": \"i\", \"model\": \"m\", \"quant\": \"F16\"}]}",
            "f: row 1: hparams: no architecture is called \"none\"");
    refused(s,
            "{\"class\": \"x\", \"models\": {\"m\": {\"hparams\": {\"arch\": \"llama\"}}},"
            " \"rows\": [{\"id\": \"i\", \"model\": \"m\", \"quant\": \"F16\"}]}",
            "f: row 1: hparams: n_layer, n_embd, n_head and n_vocab are needed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(plain_and_repacked_rows_are_exact),
        STAGED(rows_of_the_other_buffer_are_exact),
        STAGED(the_closed_form_stays_within_three_percent),
        STAGED(predictions_read_only_hparams_quant_and_config),
        STAGED(what_it_does_read_changes_them),
        STAGED(bad_files_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
