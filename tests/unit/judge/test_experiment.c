/* Sets of experiments: the shipped one holds what the guide says; bad ones are refused by line and column with a way out. */
#include "guide_set.h"

#include <string.h>

static void test_shipped_set(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set = guide_set(a);
    static const struct {
        const char *id;
        double ram, disk;
    } guide[] = {
        {"prerequisites", 3, 5}, {"e0_e1", 5, 10}, {"e2_quantized", 6, 10}, {"e2_full", 12, 15}};
    assert_int_equal(set->experiments, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct experiment *e = experiment_find(set, guide[i].id);
        assert_non_null(e);
        assert_exactly(e->guide.ram_available_gb, guide[i].ram);
        assert_exactly(e->guide.disk_free_gb, guide[i].disk);
    }
    assert_string_equal(experiment_find(set, "e0_e1")->quant, "Q4_K_M");
    assert_int_equal(set->quantisation->rows, 4);
    assert_int_equal(set->sentences, 5);
    arena_free(a);
}

static void test_tables_by_memory(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set = guide_set(a);
    assert_null(guide_table_row(set, "tier", 3.9));
    assert_string_equal(guide_table_row(set, "tier", 6)->label, "tier 2, medium machines");
    assert_string_equal(guide_table_row(set, "tier", 1000)->label, "tier 3, stronger machines");
    assert_string_equal(guide_table_row(set, "decision", 0)->label, "under 4 GB");
    assert_null(guide_table_row(set, "no such table", 8));
    arena_free(a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
    } bad[] = {
        {"name: x\nexperiments:\n  - id: a\n    gide: {ram_gb: 3}\n    why_not: no",
         "x:4:5: an experiment has no key 'gide'; did you mean 'guide'?"},
        {"name: x\nexperiments:\n  - id: a\n    guide: {ram_gb: lots}\n    why_not: no",
         "ram_gb must be a number"},
        {"name: x\nexperiments:\n  - {id: a, why_not: no}\n  - {id: a, why_not: no}",
         "two experiments have the id a"},
        {"name: x\nexperiments:\n  - {id: a, why_not: no, after: [b]}",
         "names b, which is not in it"},
        {"name: x\nexperiments:\n  - {id: a, workload: {kind: generat, model: m}}",
         "a workload needs a known kind, not generat"},
        {"name: x\nexperiments:\n  - {id: a, workload: {kind: generate, model: m, context_token: "
         "4}}",
         "did you mean context_tokens"},
        {"name: x\nexperiments:\n  - {id: a, workload: {kind: generate}}",
         "a workload needs a model"},
        {"name: x\nexperiments:\n  - {id: a}", "needs a workload, or a why_not"},
        {"experiments:\n  - {id: a, why_not: no}", "a set needs a name"},
        {"name: x", "a set needs a list of experiments"},
        {"- x", "must be a map"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct arena *a = arena_new(ARENA_USUAL_BYTES);
        const struct experiment_set *set;
        struct mu_err err = {.code = MU_OK};
        assert_false(experiment_set_parse(str_of(bad[i].yaml), "x", a, &set, &err));
        assert_int_equal(err.code, MU_DATA);
        if (!strstr(err.text, bad[i].says)) fail_msg("'%s' should say '%s'", err.text, bad[i].says);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_set),
        cmocka_unit_test(test_tables_by_memory),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
