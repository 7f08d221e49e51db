/* Scores of a truth file: medians, the row that is worst, coverage, what is promised; and the residuals that ship. */
#include "../stage.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "proof/proof.h"

#define CPU "truth/memory_cpu.json"

static const struct score *score(struct stage *s, struct str text, const char *class_)
{
    const struct score *all;
    size_t n;
    struct mu_err err = {0};
    if (!proof_score(text, "truth", s->catalog, s->arena, &all, &n, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].class_, class_) == 0) return &all[i];
    fail_msg("no class %s", class_);
    return NULL;
}

static void at_most(double x, double bound)
{
    if (!(x <= bound)) fail_msg("%g is over %g", x, bound);
}

static void exact_classes_are_off_by_nothing(void **state)
{
    static const char *const name[] = {"memory_cpu.total", "memory_cpu.weights", "memory_cpu.kv",
                                       "memory_cpu.compute", "memory_cpu.output"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        const struct score *c = score(s, catalog_file(s->catalog, CPU), name[i]);
        assert_exactly(c->rows, 389);
        at_most(c->worst_pct, 0);
        assert_true(isnan(c->coverage));
    }
}

static void splits_are_off_by_nothing_or_next_to_it(void **state)
{
    static const struct {
        const char *file, *class_;
        double rows, worst_pct;
    } want[] = {{"truth/memory_offload.json", "memory_offload.device", 95, 0},
                {"truth/memory_offload.json", "memory_offload.host", 95, 0},
                {"truth/memory_split.json", "memory_split.device", 160, 0.01},
                {"truth/memory_split.json", "memory_split.host", 160, 0.01}};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct score *c = score(s, catalog_file(s->catalog, want[i].file), want[i].class_);
        assert_exactly(c->rows, want[i].rows);
        at_most(c->worst_pct, want[i].worst_pct);
        at_most(c->worst_pct, c->bar_worst_pct);
    }
}

static void the_closed_form_of_splits_has_a_range_that_holds(void **state)
{
    static const char *const name[] = {"memory_offload.device.closed_form",
                                       "memory_offload.host.closed_form"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        const struct score *c =
            score(s, catalog_file(s->catalog, "truth/memory_offload.json"), name[i]);
        at_most(c->median_pct, 0.1);
        at_most(0.85, c->coverage);
        at_most(c->coverage, 0.95);
    }
}

static void the_closed_form_meets_its_bars_and_its_range_holds(void **state)
{
    struct stage *s = *state;
    const struct score *c = score(s, catalog_file(s->catalog, CPU), "memory_cpu.total.closed_form");
    at_most(c->median_pct, c->bar_median_pct);
    at_most(c->p90_pct, c->bar_p90_pct);
    at_most(c->worst_pct, c->bar_worst_pct);
    at_most(0.85, c->coverage);
    at_most(c->coverage, 0.95);
}

/* Ten rows, of which the truth of the last is doubled: the median is untouched, the element at int(0.9 x 10) is it. */
static void the_ninth_of_ten_is_the_ninetieth_percentile(void **state)
{
    struct stage *s = *state;
    const struct str text = catalog_file(s->catalog, CPU);
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    json_t *rows = json_object_get(root, "rows");
    while (json_array_size(rows) > 10) json_array_remove(rows, json_array_size(rows) - 1);
    json_t *last = json_array_get(rows, 9), *truth = json_object_get(last, "truth");
    const double bytes = json_number_value(json_object_get(truth, "total_bytes"));
    json_object_set_new(truth, "total_bytes", json_real(2 * bytes));
    json_object_set_new(last, "id", json_string("the last"));
    char *altered = json_dumps(root, JSON_COMPACT);
    const struct score *c = score(s, str_of(altered), "memory_cpu.total");
    assert_exactly((1e6 * c->median_pct), 0);
    assert_exactly((1e6 * c->p90_pct), 50000000);
    assert_exactly((1e6 * c->worst_pct), 50000000);
    assert_string_equal(c->worst_row, "the last");
    free(altered);
    json_decref(root);
}

static void the_class_is_the_files(void **state)
{
    struct stage *s = *state;
    const struct str amx = catalog_file(s->catalog, "truth/memory_amx.json");
    assert_exactly(score(s, amx, "memory_amx.total")->rows, 64);
}

static void typical_speed_promises_nothing_but_its_range_holds(void **state)
{
    struct stage *s = *state;
    const struct str text = catalog_file(s->catalog, "truth/cpu_speed.json");
    static const char *const name[] = {"cpu_speed.decode", "cpu_speed.prefill"};
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        const struct score *c = score(s, text, name[i]);
        assert_true(c->rows > 20);
        at_most(c->median_pct, c->p90_pct);
        assert_true(isnan(c->bar_median_pct));
        at_most(0.85, c->coverage);
        at_most(c->coverage, 0.95);
    }
}

static void measured_speed_meets_its_bars(void **state)
{
    struct stage *s = *state;
    const struct str text = catalog_file(s->catalog, "truth/cpu_speed_measured.json");
    static const char *const name[] = {"cpu_speed_measured.decode", "cpu_speed_measured.prefill"};
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        const struct score *c = score(s, text, name[i]);
        assert_true(c->rows > 20);
        at_most(c->median_pct, c->bar_median_pct);
        at_most(c->p90_pct, c->bar_p90_pct);
        at_most(0.85, c->coverage);
        at_most(c->coverage, 0.95);
    }
}

static void a_run_of_speed_that_says_too_little_is_refused(void **state)
{
    struct stage *s = *state;
    static const char *const run[] = {
        "{\"test\": \"tg64\", \"depth\": 0, \"threads\": 2}",
        "{\"test\": \"xx\", \"depth\": 0, \"threads\": 2, \"tokens_per_s\": 5}",
        "{\"test\": \"pp512\", \"depth\": 0, \"threads\": 0, \"tokens_per_s\": 5}",
        "{\"test\": \"pp512\", \"depth\": 0, \"threads\": 2, \"tokens_per_s\": -1}",
    };
    for (size_t i = 0; i < COUNT_OF(run); i++) {
        const char *text = str_format(
            s->arena,
            "{\"class\": \"cpu_speed\", \"models\": {\"m\": {\"catalog\": \"SmolLM2-135M\"}}, "
            "\"rows\": [{\"model\": \"m\", \"quant\": \"Q8_0\", \"bench\": [%s]}]}",
            run[i]);
        const struct score *all;
        size_t n;
        struct mu_err err = {0};
        assert_false(proof_score(str_of(text), "truth", s->catalog, s->arena, &all, &n, &err));
        assert_int_equal(err.code, MU_DATA);
        assert_non_null(strstr(err.text, "row 1: bench 1"));
    }
}

static void the_shipped_residuals_are_those_of_the_shipped_truth(void **state)
{
    struct stage *s = *state;
    struct buf made;
    struct mu_err err = {0};
    buf_init(&made, 1 << 16);
    assert_true(proof_residuals(s->catalog, s->arena, &made, &err));
    const struct str shipped = catalog_file(s->catalog, "residuals.json");
    assert_string_equal(str_copy(s->arena, str_trim(buf_text(&made))),
                        str_copy(s->arena, str_trim(shipped)));
    buf_release(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(exact_classes_are_off_by_nothing),
        STAGED(splits_are_off_by_nothing_or_next_to_it),
        STAGED(the_closed_form_of_splits_has_a_range_that_holds),
        STAGED(the_closed_form_meets_its_bars_and_its_range_holds),
        STAGED(the_ninth_of_ten_is_the_ninetieth_percentile),
        STAGED(the_class_is_the_files),
        STAGED(typical_speed_promises_nothing_but_its_range_holds),
        STAGED(measured_speed_meets_its_bars),
        STAGED(a_run_of_speed_that_says_too_little_is_refused),
        STAGED(the_shipped_residuals_are_those_of_the_shipped_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
