/* Verdicts told by llama.cpp's own buffers: their lines take the place of the plan's, and nothing else changes. */
#include "../stage.h"

#include <string.h>

#include "base/num.h"
#include "judge/allocated.h"
#include "machine/facts.h"

#define GiB (1024.0 * 1024 * 1024)

static const struct allocated_buffer buffers[] = {
    {"AMX", "CPU", false, 3 * GiB, 0, 0},
    {"CPU", "CPU", true, 1 * GiB, 0.5 * GiB, 0.25 * GiB},
};
static const struct allocated exact = {"0.5.0", "0.25.1", buffers, 2, 4096, 1000};

static double named(const struct verdict *v, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < v->bill.lines; i++)
        if (v->bill.line[i].phase == HELD && strcmp(v->bill.line[i].term->name, name) == 0)
            sum += v->bill.line[i].amount;
    return sum;
}

static void buffers_take_the_place_of_the_plan(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    const struct machine *m = stage_machine(s, "cpu:4 ram:16GiB bandwidth:20GB/s");
    struct verdict plan, v;
    judge_task(&t, m, &s->world, &plan);
    v = plan;
    judge_allocated(&exact, &t, m, s->arena, &v);
    assert_exactly(v.site[ON_HOST].held_bytes.likely, 4.75 * GiB + 4096);
    assert_exactly(v.site[ON_HOST].held_bytes.low, v.site[ON_HOST].held_bytes.high);
    assert_int_equal(v.site[ON_HOST].held_bytes.origin, MEASURED);
    assert_string_equal(v.site[ON_HOST].held_bytes.source,
                        "llama.cpp 0.5.0, loaded without allocating");
    assert_exactly(named(&v, "weights, AMX"), 3 * GiB);
    assert_exactly(named(&v, "weights, CPU"), 1 * GiB);
    assert_exactly(named(&v, "KV cache"), 0.5 * GiB);
    assert_exactly(named(&v, "compute buffer"), 0.25 * GiB);
    assert_exactly(named(&v, "output buffer"), 4096);
    assert_exactly(named(&v, "weights"), 0);
    const struct allocated_groups g = allocated_planned(&v.bill);
    assert_exactly(g.weights_bytes, allocated_sums(&exact).weights_bytes);
    assert_exactly(allocated_total(g), v.site[ON_HOST].held_bytes.likely);
    /* the rest stands */
    assert_exactly(v.site[ON_HOST].beside_bytes, plan.site[ON_HOST].beside_bytes);
    assert_exactly(v.site[ON_HOST].beside_most_bytes, plan.site[ON_HOST].beside_most_bytes);
    assert_memory_equal(&v.decode_per_s, &plan.decode_per_s, sizeof v.decode_per_s);
    assert_exactly(named(&v, "process and vocabulary"), plan.site[ON_HOST].beside_bytes);
    assert_int_equal(v.fits, FITS);
}

static void fits_is_judged_again(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "HuggingFaceTB/SmolLM2-135M-Instruct", "Q8_0");
    struct verdict v;
    const struct machine *small = stage_machine(s, "cpu:4 ram:4GiB");
    judge_task(&t, small, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    judge_allocated(&exact, &t, small, s->arena, &v);
    assert_int_equal(v.fits, FITS_NOT);
    /* between what the process likely takes and what it may */
    const double need = v.site[ON_HOST].held_bytes.likely + v.site[ON_HOST].beside_bytes;
    const double between = v.site[ON_HOST].held_bytes.likely +
                           (v.site[ON_HOST].beside_bytes + v.site[ON_HOST].beside_most_bytes) / 2;
    assert_true(v.site[ON_HOST].beside_most_bytes > v.site[ON_HOST].beside_bytes);
    const struct machine *tight =
        stage_machine(s, str_format(s->arena, "cpu:4 ram:%.4fGiB", between / GiB));
    judge_task(&t, tight, &s->world, &v);
    judge_allocated(&exact, &t, tight, s->arena, &v);
    assert_int_equal(v.fits, FITS_PROBABLY);
    assert_true(v.site[ON_HOST].usable_bytes > need);
}

static void what_has_no_rule_is_computed(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "EleutherAI/gpt-j-6b", "Q4_K_M");
    const struct machine *m = stage_machine(s, "cpu:4 ram:16GiB");
    struct verdict v;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT_COMPUTED);
    const char *why = v.why;
    judge_allocated(&exact, &t, m, s->arena, &v);
    assert_int_equal(v.fits, FITS);
    assert_null(v.why);
    assert_null(v.bill.unruled);
    assert_exactly(named(&v, "cache and state"), 0.5 * GiB);
    assert_true(v.site[ON_HOST].beside_bytes > 0 &&
                v.site[ON_HOST].beside_most_bytes > v.site[ON_HOST].beside_bytes);
    assert_exactly(named(&v, "process and vocabulary"), v.site[ON_HOST].beside_bytes);
    assert_false(estimate_known(v.decode_per_s));
    assert_string_equal(v.decode_per_s.source, why);
}

static void as_many_buffers_as_may_come_fit_a_bill(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen3-30B-A3B", "Q4_K_M");
    const struct machine *m = stage_machine(s, "cpu:4 ram:64GiB");
    struct allocated_buffer many[ALLOCATED_BUFFERS];
    for (size_t i = 0; i < ALLOCATED_BUFFERS; i++)
        many[i] =
            (struct allocated_buffer){str_format(s->arena, "buffer %zu", i), "CPU", true, 3, 2, 1};
    const struct allocated x = {"0.5.0", "0.25.1", many, ALLOCATED_BUFFERS, 7, 256};
    struct verdict v;
    judge_task(&t, m, &s->world, &v);
    judge_allocated(&x, &t, m, s->arena, &v);
    assert_false(v.bill.full);
    assert_exactly(v.site[ON_HOST].held_bytes.likely, 6.0 * ALLOCATED_BUFFERS + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(buffers_take_the_place_of_the_plan),
        STAGED_WORLD(fits_is_judged_again),
        STAGED_WORLD(what_has_no_rule_is_computed),
        STAGED_WORLD(as_many_buffers_as_may_come_fit_a_bill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
