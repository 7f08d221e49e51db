/* Sets of experiments: the shipped one holds what the guide says; bad ones are refused by line and column with a way out. */
#include "guide_set.h"

#include <math.h>
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
    const struct experiment *e = &set->experiment[1];
    assert_int_equal(e->settings, 6);
    assert_int_equal(e->amounts, 2);
    assert_string_equal(e->amount[1].name, "epochs");
    assert_string_equal(e->software[0].value, ">=3.8");
    arena_free(a);
}

static const struct experiment_set *parsed(const char *yaml, struct arena *a)
{
    const struct experiment_set *set = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!experiment_set_parse(str_of(yaml), "x", a, &set, &err)) fail_msg("%s", err.text);
    return set;
}

#define EXPERIMENT(rest) "name: x\nexperiments:\n  - {id: a, " rest "}"
#define WORKLOAD "workload: {kind: finetune, model: m, seq: 8}"

/* Units are those of the source; what is open is open. */
static void test_figures(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment *e =
        parsed(
            EXPERIMENT(WORKLOAD
                       ", says: [{what: device_memory, low: 10, high: 12, unit: GB}, "
                       "{what: memory, value: 2, unit: GiB, with: {model: n, rank: 4}}, "
                       "{what: duration, low: 1, unit: h}, {what: decode, high: 5, unit: tok/s}, "
                       "{what: fits, yes: false, text: never}, "
                       "{what: growth, value: 2, knob: seq}, "
                       "{what: other, text: fast, why: no figure}]"),
            a)
            ->experiment;
    const struct guide_figure *f = e->figure;
    assert_int_equal(e->figures, 7);
    assert_exactly(f[0].low, 10e9);
    assert_exactly(f[0].high, 12e9);
    assert_string_equal(f[0].text, "10-12 GB");
    assert_exactly(f[1].low, 2147483648.0);
    assert_exactly(f[1].high, f[1].low);
    assert_string_equal(f[1].model, "n");
    assert_int_equal(f[1].withs, 1);
    assert_string_equal(f[1].with[0].name, "rank");
    assert_exactly(f[2].low, 3600);
    assert_true(isinf(f[2].high));
    assert_exactly(f[3].low, 0);
    assert_string_equal(f[3].text, "up to 5 tok/s");
    assert_false(f[4].yes);
    assert_string_equal(f[5].knob, "seq");
    assert_int_equal(f[6].kind, FIGURE_OTHER);
    arena_free(a);
}

static void test_commands(void **state)
{
    (void)state;
    struct str name, before, rest = S("run {} {a-b} --seq {seq} { {model}.");
    assert_true(command_next(&rest, &name, &before));
    assert_true(str_is(before, "run {} {a-b} --seq "));
    assert_true(str_is(name, "seq"));
    assert_true(command_next(&rest, &name, &before));
    assert_true(str_is(before, " { "));
    assert_true(str_is(name, "model"));
    assert_false(command_next(&rest, &name, &before));
    assert_true(str_is(rest, "."));
}

/* Each set that ships is read whole; a figure that nothing computes says why. */
static void test_shipped_sets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t experiments, figures;
    } sets[] = {{"llm-memory", 4, 14},
                {"llm-analysis", 6, 20},
                {"stac", 8, 35},
                {"learning-lab", 19, 50},
                {"local-ai", 12, 26}};
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct arena *a = arena_new(ARENA_USUAL_BYTES);
        const char *file = str_format(a, "experiments/%s.yaml", sets[i].name);
        const struct str text = catalog_file(catalog_open(NULL, a), file);
        const struct experiment_set *set = parsed(str_copy(a, text), a);
        size_t figures = 0;
        assert_string_equal(set->name, sets[i].name);
        for (size_t k = 0; k < set->experiments; k++) {
            const struct experiment *e = &set->experiment[k];
            figures += e->figures;
            assert_true(e->workload || e->why_not);
            for (size_t n = 0; n < e->figures; n++) {
                assert_non_null(e->figure[n].text);
                assert_non_null(e->figure[n].source);
                assert_int_equal(e->figure[n].kind == FIGURE_OTHER, e->figure[n].why != NULL);
            }
        }
        if (set->experiments < sets[i].experiments || figures < sets[i].figures)
            fail_msg("%s has %zu experiments and %zu figures", set->name, set->experiments,
                     figures);
        arena_free(a);
    }
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
        {EXPERIMENT(WORKLOAD ", amount: {epoch: 3}"), "has no amount 'epoch'; did you mean epochs"},
        {EXPERIMENT(WORKLOAD ", amount: {rank: 3}"), "finetune has no amount 'rank'"},
        {EXPERIMENT("workload: {kind: finetune, model: m, epochs: 2}, amount: {epochs: 3}"),
         "epochs stands in workload and in amount"},
        {EXPERIMENT(WORKLOAD ", software: [a]"), "software must be a map"},
        {EXPERIMENT(WORKLOAD ", command: \"run {ranks_}\""), "finetune has no knob 'ranks_'"},
        {EXPERIMENT("why_not: no, command: \"run {seq}\""),
         "there is no workload with such a knob"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memroy, value: 1}]"),
         "not memroy; there are: memory,"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, value: 1, unit: s}]"),
         "a figure of memory needs a unit; there are: GB, GiB"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, unit: GB}]"), "needs value, low or high"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, low: 3, high: 2, unit: GB}]"),
         "low is above its high"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, value: 3, high: 2, unit: GB}]"),
         "has a value, or low and high"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, valu: 3, unit: GB}]"),
         "a figure has no key 'valu'; did you mean 'value'?"},
        {EXPERIMENT(WORKLOAD ", says: [{what: memory, value: 3, unit: GB, with: {rnk: 4}}]"),
         "did you mean rank"},
        {EXPERIMENT(WORKLOAD ", says: [{what: fits, yes: 3}]"), "needs yes: true or false"},
        {EXPERIMENT(WORKLOAD ", says: [{what: growth, value: 3}]"), "needs a knob of finetune"},
        {EXPERIMENT(WORKLOAD ", says: [{what: growth, value: 3, knob: method}]"),
         "that is a number"},
        {EXPERIMENT(WORKLOAD ", says: [{what: other, text: x}]"), "needs text and why"},
        {EXPERIMENT("why_not: no, says: [{what: fits, yes: true}]"),
         "only a workload has computed figures"},
        {EXPERIMENT("why_not: no, says: [{what: offered, yes: true}]"), "needs instance and yes"},
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
        cmocka_unit_test(test_shipped_set),    cmocka_unit_test(test_tables_by_memory),
        cmocka_unit_test(test_design_example), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_commands),       cmocka_unit_test(test_shipped_sets),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
