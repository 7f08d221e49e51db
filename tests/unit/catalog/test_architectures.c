/* tests/unit/catalog/test_architectures.c - graph traits and buffer rules of data/architectures.json and data/buffers.json. */
#include "home.h"

#include "catalog/architecture.h"
#include "catalog/parts.h"
#include "catalog/types.h"

static void every_architecture_is_found_by_name(void **state)
{
    const struct home *h = *state;
    const struct architecture *a;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_architectures(h->catalog, &a, &n, &err)) fail_msg("%s", err.text);
    assert_true(n >= 10);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(catalog_architecture(h->catalog, str_of(a[i].name)), &a[i]);
        assert_non_null(a[i].source);
        assert_false(a[i].unruled && a[i].checked);
        assert_true(a[i].window_period >= 0);
    }
}

static void traits_are_those_of_the_table(void **state)
{
    const struct home *h = *state;
    const struct architecture *llama = catalog_architecture(h->catalog, S("llama"));
    const struct architecture *bert = catalog_architecture(h->catalog, S("BERT"));
    assert_true(llama->checked);
    assert_null(llama->unruled);
    assert_true(llama->rope);
    assert_true(llama->gated_ffn);
    assert_false(llama->encoder);
    assert_true(bert->encoder);
    assert_ptr_equal(catalog_architecture(h->catalog, S("mistral")), llama);
    assert_ptr_equal(catalog_architecture(h->catalog, S("xlm-roberta")), bert);
    assert_non_null(catalog_architecture(h->catalog, S("rwkv7"))->unruled);
    assert_null(catalog_architecture(h->catalog, S("no such thing")));
}

/* GPT-4's is the one that nobody knows. */
static void every_model_of_the_catalogue_has_an_architecture(void **state)
{
    const struct home *h = *state;
    const struct model_part *m;
    size_t n;
    assert_true(catalog_models(h->catalog, &m, &n, NULL));
    for (size_t i = 0; i < n; i++)
        if (!catalog_architecture(h->catalog, str_of(m[i].arch)) && strcmp(m[i].arch, "unknown"))
            fail_msg("%s: no architecture %s", m[i].hf_id, m[i].arch);
}

static void buffers_name_types_by_id(void **state)
{
    const struct home *h = *state;
    const struct buffer_rule *amx = catalog_buffer(h->catalog, "AMX");
    const struct buffer_rule *repack = catalog_buffer(h->catalog, "CPU_REPACK");
    assert_non_null(amx);
    assert_non_null(repack);
    assert_null(catalog_buffer(h->catalog, "NONE"));
    assert_true(repack->experts);
    assert_false(amx->experts);
    bool seen = false;
    for (size_t i = 0; i < amx->rows; i++) {
        if (amx->row[i].type != catalog_type(h->catalog, S("Q8_0"))->id) continue;
        assert_close(amx->row[i].growth, 38.0 / 34.0, 1e-12);
        seen = true;
    }
    assert_true(seen);
}

static void a_buffer_of_an_unknown_type_is_refused(void **state)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    home_write(h, "buffers.json",
               "{\"entries\": [{\"name\": \"MINE\", \"rows_multiple\": 8, \"types\": ["
               "{\"type\": \"Q7_Z\", \"growth_numerator\": 1, \"growth_denominator\": 1}]}]}");
    assert_null(catalog_buffer(h->catalog, "AMX"));
    assert_false(catalog_sound(h->catalog, &err));
    assert_message(&err, "MINE", "types[0]");
}

static void the_users_architecture_wins(void **state)
{
    const struct home *h = *state;
    home_write(h, "architectures.json",
               "{\"entries\": [{\"name\": \"rwkv7\", \"checked\": false, \"rope\": true}]}");
    assert_null(catalog_architecture(h->catalog, S("rwkv7"))->unruled);
    assert_true(catalog_architecture(h->catalog, S("rwkv7"))->rope);
    assert_exactly(catalog_architecture(h->catalog, S("rwkv7"))->window_period, 0);
    assert_non_null(catalog_architecture(h->catalog, S("llama")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(every_architecture_is_found_by_name),
        HOMED(traits_are_those_of_the_table),
        HOMED(every_model_of_the_catalogue_has_an_architecture),
        HOMED(buffers_name_types_by_id),
        HOMED(a_buffer_of_an_unknown_type_is_refused),
        HOMED(the_users_architecture_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
