/* tests/unit/catalog/test_quants.c - weight types, mixes, their rules, and what is refused. */
#include "home.h"

#include "catalog/types.h"

static void types_stand_at_ggmls_ids(void **state)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    const struct weight_type *t = catalog_types(h->catalog, &err);
    if (!t) fail_msg("%s", err.text);
    size_t n = 0;
    for (uint32_t i = 0; i < TYPES; i++) {
        if (!t[i].name) continue;
        assert_int_equal(t[i].id, i);
        assert_ptr_equal(catalog_type(h->catalog, str_of(t[i].name)), &t[i]);
        n++;
    }
    assert_int_equal(n, 35);
    assert_string_equal(t[12].name, "Q4_K");
    assert_exactly(t[12].block, 256);
    assert_exactly(t[12].block_bytes, 144);
    assert_string_equal(t[12].fallback->name, "Q5_0");
    assert_null(t[8].fallback);
    assert_false(t[9].storable); /* Q8_1 */
    assert_null(t[4].name);      /* an id ggml gave up */
}

static void types_are_found_in_any_spelling(void **state)
{
    const struct home *h = *state;
    assert_int_equal(catalog_type(h->catalog, S("q4_k"))->id, 12);
    assert_int_equal(catalog_type(h->catalog, S("iq4-nl"))->id, 20);
    assert_int_equal(catalog_type(h->catalog, S("f16"))->id, 1);
    assert_null(catalog_type(h->catalog, S("Q4_K_M")));
    assert_null(catalog_type(h->catalog, S("")));
}

static void every_mix_loads(void **state)
{
    const struct home *h = *state;
    const struct mix *mix;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_mixes(h->catalog, &mix, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, 35);
    size_t scored = 0;
    for (size_t i = 0; i < n; i++) {
        assert_non_null(mix[i].base);
        assert_ptr_equal(catalog_mix(h->catalog, str_of(mix[i].name)), &mix[i]);
        for (size_t k = 0; k < CLASS_COUNT; k++)
            for (size_t r = 0; r < mix[i].rules[k].count; r++)
                assert_true(mix[i].rules[k].rule[r].type->storable);
        scored += known(mix[i].perplexity_increase, NULL);
    }
    assert_int_equal(scored, 28);
}

static void rules_keep_their_order_and_conditions(void **state)
{
    const struct home *h = *state;
    const struct mix *m = catalog_mix(h->catalog, S("Q4_K_M"));
    assert_int_equal(m->file_type, 15);
    assert_string_equal(m->base->name, "Q4_K");
    assert_int_equal(m->rules[CLASS_ATTN_V].count, 1);
    assert_int_equal(m->rules[CLASS_ATTN_V].rule[0].when, IF_MORE_BITS);
    assert_string_equal(m->rules[CLASS_ATTN_V].rule[0].type->name, "Q6_K");
    assert_string_equal(m->rules[CLASS_OUTPUT].rule[0].type->name, "Q6_K");
    assert_int_equal(m->rules[CLASS_EXPERTS].count, 0);
    assert_int_equal(m->rules[CLASS_FFN_UP].count, 0);
    m = catalog_mix(h->catalog, S("IQ3_XXS"));
    assert_int_equal(m->rules[CLASS_FFN_DOWN].rule[0].when, IF_NO_IMATRIX_FIRST_EIGHTH);
    assert_int_equal(m->rules[CLASS_FFN_DOWN].rule[1].when, IF_NO_IMATRIX);
    assert_int_equal(m->rules[CLASS_ATTN_Q].rule[0].when, IF_ALWAYS);
    assert_string_equal(m->rules[CLASS_OUTPUT].rule[0].type->name, "Q5_K");
}

static void every_other_matrix_speaks_for_all_but_experts(void **state)
{
    const struct home *h = *state;
    const struct mix *m = catalog_mix(h->catalog, S("MXFP4_MOE"));
    for (size_t k = 0; k < CLASS_COUNT; k++)
        assert_string_equal(m->rules[k].rule[0].type->name, k == CLASS_EXPERTS ? "MXFP4" : "Q8_0");
}

static void mixes_have_aliases(void **state)
{
    const struct home *h = *state;
    static const char *const pairs[][2] = {
        {"q4_k_m", "Q4_K_M"}, {"Q4", "Q4_K_M"}, {"4-bit", "Q4_K_M"}, {"Q3_K", "Q3_K_M"},
        {"fp16", "F16"},      {"INT8", "Q8_0"}, {"iq4xs", "IQ4_XS"}, {"q2_K", "Q2_K"}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_string_equal(catalog_mix(h->catalog, str_of(pairs[i][0]))->name, pairs[i][1]);
    assert_null(catalog_mix(h->catalog, S("Q9_K")));
}

static void losses_prefer_the_figure_without_imatrix(void **state)
{
    const struct home *h = *state;
    const struct mix *m = catalog_mix(h->catalog, S("Q4_K_M"));
    assert_int_equal(m->perplexity_increase.origin, LISTED);
    assert_close(m->perplexity_increase.value, 0.175482 / 6.231636, 1e-9);
    assert_non_null(strstr(m->perplexity_increase.source, "of Llama-3-8B"));
    assert_non_null(strstr(m->perplexity_increase.source, "without importance matrix"));
    m = catalog_mix(h->catalog, S("IQ4_XS"));
    assert_close(m->perplexity_increase.value, 0.228071 / 6.231636, 1e-9);
    assert_non_null(strstr(m->perplexity_increase.source, "with importance matrix"));
    assert_int_equal(catalog_mix(h->catalog, S("TQ1_0"))->perplexity_increase.origin, UNKNOWN);
}

static void the_users_mix_wins(void **state)
{
    const struct home *h = *state;
    home_write(h, "quants.json",
               "{\"mixes\": ["
               "{\"name\": \"q4_k_m\", \"llama_ftype_id\": 15, \"base_type\": \"Q5_K\"},"
               "{\"name\": \"MINE\", \"llama_ftype_id\": 99, \"base_type\": \"Q8_0\", \"rules\":"
               "{\"ffn_up\": [{\"if\": \"n_expert==8\", \"type\": \"Q4_K\"}]}}]}");
    const struct mix *mix;
    size_t n;
    assert_true(catalog_mixes(h->catalog, &mix, &n, NULL));
    assert_int_equal(n, 36);
    assert_string_equal(catalog_mix(h->catalog, S("Q4_K_M"))->base->name, "Q5_K");
    const struct mix *mine = catalog_mix(h->catalog, S("mine"));
    assert_int_equal(mine->rules[CLASS_FFN_UP].rule[0].when, IF_EXPERTS_8);
    assert_exactly(mine->bits_per_weight, 0);
    assert_non_null(catalog_mix(h->catalog, S("Q8_0")));
}

static void the_users_scoreboard_replaces_ours(void **state)
{
    const struct home *h = *state;
    home_write(
        h, "quants.json",
        "{\"llama3_8b_scoreboard\": {\"model\": \"M\", \"text\": \"T\", \"source\": \"me\","
        "\"base_ppl\": 8, \"rows\": [{\"type\": \"TQ1_0\", \"imatrix\": \"x\", \"delta_ppl\": 4},"
        "{\"type\": \"TQ1_0\", \"delta_ppl\": 2}, {\"type\": \"TQ1_0\", \"delta_ppl\": 6}]}}");
    const struct quantity loss = catalog_mix(h->catalog, S("TQ1_0"))->perplexity_increase;
    assert_close(loss.value, 0.25, 1e-12);
    assert_string_equal(loss.source, "of M on T, without importance matrix; me");
    assert_int_equal(catalog_mix(h->catalog, S("Q4_K_M"))->perplexity_increase.origin, UNKNOWN);
}

static void refused(void **state, const char *text, const char *part, const char *other)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    const struct mix *mix;
    size_t n;
    home_write(h, "quants.json", text);
    assert_null(catalog_mix(h->catalog, S("Q4_K_M")));
    assert_false(catalog_mixes(h->catalog, &mix, &n, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_message(&err, part, other);
    struct mu_err kept = {.code = MU_OK};
    assert_false(catalog_sound(h->catalog, &kept));
    assert_string_equal(kept.text, err.text);
}

#define MINE_OPENS \
    "{\"mixes\": [{\"name\": \"MINE\", \"llama_ftype_id\": 99, \"base_type\": \"Q8_0\", "

static void an_unknown_condition_is_refused(void **state)
{
    refused(state,
            MINE_OPENS
            "\"rules\": {\"attn_v\": [{\"if\": \"moon is full\", \"type\": \"Q4_K\"}]}}]}",
            "MINE", "the condition \"moon is full\" is not known");
}

static void an_unknown_category_is_refused(void **state)
{
    refused(state, MINE_OPENS "\"rules\": {\"attn_z\": [{\"type\": \"Q4_K\"}]}}]}", "mixes[0]",
            "the tensor category \"attn_z\" is not known");
}

static void an_unknown_type_is_refused(void **state)
{
    refused(state, MINE_OPENS "\"rules\": {\"attn_v\": [{\"type\": \"Q7_Z\"}]}}]}", "attn_v",
            "\"Q7_Z\" is no type");
}

static void a_scoreboard_of_no_mix_is_refused(void **state)
{
    refused(state,
            "{\"llama3_8b_scoreboard\": {\"model\": \"M\", \"text\": \"T\", \"source\": \"me\","
            "\"base_ppl\": 8, \"rows\": [{\"type\": \"Q9_Z\", \"delta_ppl\": 4}]}}",
            "llama3_8b_scoreboard", "rows[0] needs a mix");
}

static void two_types_with_one_id_are_refused(void **state)
{
    refused(state,
            "{\"ggml_types\": [{\"name\": \"NEW\", \"ggml_type_id\": 12, \"block_size\": 32, "
            "\"block_bytes\": 20, \"storable\": true}]}",
            "NEW and Q4_K", "same ggml_type_id");
}

static void a_type_without_figures_is_refused(void **state)
{
    refused(state, "{\"ggml_types\": [{\"name\": \"NEW\", \"ggml_type_id\": 64}]}", "NEW",
            "block_size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(types_stand_at_ggmls_ids),
        HOMED(types_are_found_in_any_spelling),
        HOMED(every_mix_loads),
        HOMED(rules_keep_their_order_and_conditions),
        HOMED(every_other_matrix_speaks_for_all_but_experts),
        HOMED(mixes_have_aliases),
        HOMED(losses_prefer_the_figure_without_imatrix),
        HOMED(the_users_mix_wins),
        HOMED(the_users_scoreboard_replaces_ours),
        HOMED(an_unknown_condition_is_refused),
        HOMED(an_unknown_category_is_refused),
        HOMED(an_unknown_type_is_refused),
        HOMED(a_scoreboard_of_no_mix_is_refused),
        HOMED(two_types_with_one_id_are_refused),
        HOMED(a_type_without_figures_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
