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

/* The example of docs/design/DESIGN.md 4 is read whole. */
static void test_design_example(void **state)
{
    (void)state;
    static const char yaml[] =
        "name: llm-memory\nexperiments:\n"
        "  - {id: e0_e1, why_not: no}\n"
        "  - id: e2_full\n"
        "    title: E2, fine-tuning at full precision\n"
        "    guide: {ram_available_gb: 12, disk_free_gb: 15, source: \"001, test script\"}\n"
        "    minimum: {ram_gb: 8}\n"
        "    recommended: {ram_gb: 16, cpu_cores: 8, gpu: any}\n"
        "    software: {python: \">=3.8\"}\n"
        "    workload: {kind: finetune, method: full, model: m, precision: bf16, optimizer: adamw, "
        "checkpointing: true, micro_batch: 4, seq: 512}\n"
        "    amount: {samples: 1000, epochs: 3}\n"
        "    after: [e0_e1]\n"
        "    together: []\n"
        "    command: python3 run_e2.py --batch {micro_batch}\n";
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set;
    struct mu_err err = {.code = MU_OK};
    if (!experiment_set_parse(str_of(yaml), "design", a, &set, &err)) fail_msg("%s", err.text);
    assert_string_equal(set->experiment[1].kind, "finetune");
    assert_int_equal(set->experiment[1].settings, 6);
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
        {"name: x\nexperiments:\n  - {id: a, why_not: no}\ntables:\n  - {rows: []}",
         "a table needs id and title"},
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
        cmocka_unit_test(test_design_example),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
