/* Every configuration in tests/fixtures/published makes the parameters that its model's page counts, as the catalogue holds that count:
 * to the last one, or within the rounding of a figure that was published rounded. */
#include "model_rig.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mapped.h"
#include "catalog/hf_architecture.h"
#include "model/hf_config.h"

enum { FIXTURES_LEAST = 150, MODELS_LEAST = 157, NAME_BYTES = 512, TYPES_MOST = 256 };

struct met {
    size_t files, models, exact, wrong, alike;
    /* rows of the table that a configuration was read by */
    const struct hf_architecture *row[TYPES_MOST];
};

static double number_in(const struct json *of, const char *key)
{
    double x = 0;
    return json_number(json_get(of, key), &x) ? x : 0;
}

static const struct model_part *row_of(struct str hf_id)
{
    const struct model_part *part = NULL;
    if (catalog_model(catalog, hf_id, &part, NULL) == MATCH_NONE || !str_is(hf_id, part->hf_id))
        fail_msg("the catalogue has no %.*s", STR_ARG(hf_id));
    return part;
}

/* The same tensors under a mix, and the same cache, as from the catalogue's own row; where both have a rule. */
static void agrees(const struct hf_config *config, const struct model_part *part, struct met *met)
{
    struct shape shape;
    struct digest mine, other;
    const struct mix *mix = catalog_mix(catalog, S("Q4_K_M"));
    shape_from_part(part, catalog, arena, &shape);
    if (config->shape.unruled || shape.unruled) return;
    digest_of_shape(&config->shape, mix, catalog, &mine);
    digest_of_shape(&shape, mix, catalog, &other);
    /* how many factors of rotation there are is in no row of the catalogue */
    if (config->shape.rope_factors == shape.rope_factors)
        digests_are_equal(part->hf_id, &mine, &other);
    if (config->shape.kv_heads != shape.kv_heads || config->shape.head_size != shape.head_size ||
        config->shape.experts_used != shape.experts_used ||
        shape_layer_is_window(&config->shape, 0) != shape_layer_is_window(&shape, 0))
        fail_msg("%s: heads, experts or windows are not those of the catalogue", part->hf_id);
    met->alike++;
}

static void hold(const char *name, struct str text, struct met *met)
{
    struct json *root = NULL;
    struct hf_config config = {.model_type = NULL};
    struct mu_err err = {.code = MU_OK};
    if (!json_parse(text, name, &root, &err) ||
        !hf_config_read(text, name, catalog, arena, &config, &err))
        fail_msg("%s", err.text);
    const struct json *of = json_get(root, "of"), *ids = json_get(of, "hf_id");
    const double published = number_in(of, "parameters"), rounded = number_in(of, "rounded");
    const double made = config.parameters + number_in(of, "besides");
    const bool met_it = fabs(made - published) <= rounded * published;
    if (!met_it)
        print_error("%s: %.0f made with %.0f besides, %.0f published (%s)\n", name,
                    config.parameters, number_in(of, "besides"), published,
                    config.shape.unruled ? config.shape.unruled : "ruled");
    met->wrong += !met_it;
    struct str seen;
    assert_true(json_text(json_get(of, "seen"), &seen) && seen.n > 0);
    assert_true(json_count(ids) > 0);
    for (size_t i = 0; i < json_count(ids); i++) {
        struct str id;
        assert_true(json_text(json_at(ids, i), &id));
        if (row_of(id)->params_published != published)
            fail_msg("%.*s: the catalogue has %.0f published, the fixture %.0f", STR_ARG(id),
                     row_of(id)->params_published, published);
        agrees(&config, row_of(id), met);
        met->models++;
        met->exact += made == published;
    }
    assert_true(met->files < TYPES_MOST);
    met->row[met->files++] = catalog_hf_architecture(catalog, str_of(config.model_type));
    json_free(root);
}

/* A row of the table that says it was checked is one that a configuration here checks. */
static void what_is_checked_was_met(const struct met *met)
{
    const struct hf_architecture *row = NULL;
    size_t count = 0;
    struct mu_err err = {.code = MU_OK};
    assert_true(catalog_hf_architectures(catalog, &row, &count, &err));
    for (size_t i = 0; i < count; i++) {
        bool held = false;
        for (size_t k = 0; k < met->files; k++) held |= met->row[k] == &row[i];
        if (held != row[i].checked) fail_msg("%s: checked by no configuration", row[i].name);
    }
}

static void published_counts_are_met(void **state)
{
    (void)state;
    const char *folder = SOURCE_ROOT "/tests/fixtures/published";
    static struct met met;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[NAME_BYTES];
        struct mapped file;
        struct mu_err err = {.code = MU_OK};
        if (!str_ends(str_of(e->d_name), S(".json"))) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!mapped_open(path, 0, &file, NULL, &err)) fail_msg("%s", err.text);
        hold(e->d_name, file.bytes, &met);
        mapped_close(&file);
    }
    closedir(d);
    printf(
        "%zu configurations of %zu models, %zu to the last parameter, %zu alike in the catalogue\n",
        met.files, met.models, met.exact, met.alike);
    assert_int_equal(met.wrong, 0);
    what_is_checked_was_met(&met);
    assert_true(met.files >= FIXTURES_LEAST && met.models >= MODELS_LEAST);
}

/* Every figure that a count needs is there, or there is no count. */
static void what_is_missing_is_not_counted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"model_type\": \"mamba\", \"num_hidden_layers\": 24, \"hidden_size\": 768, "
        "\"vocab_size\": 50280}",
        "{\"model_type\": \"lfm2\", \"num_hidden_layers\": 16, \"hidden_size\": 1024, "
        "\"vocab_size\": 65536, \"block_ff_dim\": 6656}",
        "{\"model_type\": \"qwen3_next\", \"num_hidden_layers\": 48, \"hidden_size\": 2048}",
        "{\"model_type\": \"jamba\", \"num_hidden_layers\": 8, \"hidden_size\": 64}",
        "{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"hidden_size\": 64, "
        "\"intermediate_size\": [64, 128]}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct hf_config config;
        struct mu_err err = {.code = MU_OK};
        if (!hf_config_read(str_of(texts[i]), "config.json", catalog, arena, &config, &err))
            fail_msg("%s", err.text);
        if (config.parameters != 0) fail_msg("%s: %.0f counted", texts[i], config.parameters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_counts_are_met),
        cmocka_unit_test(what_is_missing_is_not_counted),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
