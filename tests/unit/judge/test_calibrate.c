/* Samples against a task: which one is of it, and how far off our speeds were over all of them. */
#include "../stage.h"

#include <math.h>

#include "judge/calibrate.h"

static struct sample sample_of(const char *model, double bytes, double predicted, double measured)
{
    const struct sample s = {.when = "2026-11-21 08:15:00",
                             .model = model,
                             .quant = "Q4_K_M",
                             .kind = "generate",
                             .weight_bytes = bytes,
                             .context_tokens = 4096,
                             .prompt_tokens = 512,
                             .ubatch_tokens = 512,
                             .threads = 2,
                             .kv_type_k = "F16",
                             .kv_type_v = "F16",
                             .repack = true,
                             .mmap = true,
                             .predicted = {(double)NAN, 10 * predicted, predicted, (double)NAN},
                             .measured = {(double)NAN, 10 * predicted, measured, (double)NAN},
                             .llama = "llama.cpp 0.5.0",
                             .how = "whole file",
                             .conditions = "idle"};
    return s;
}

static void no_samples_say_nothing(void **state)
{
    (void)state;
    const struct calibration none = calibrate_decode(NULL, 0, 2);
    assert_int_equal(none.models, 0);
    assert_true(isnan(none.likely) && isnan(none.low) && isnan(none.high));
}

static void the_median_of_models_and_its_ends(void **state)
{
    (void)state;
    const struct sample some[] = {sample_of("a", 1e9, 10, 8), sample_of("b", 2e9, 10, 11),
                                  sample_of("c", 3e9, 10, 9)};
    const struct calibration c = calibrate_decode(some, 3, 2);
    assert_int_equal(c.models, 3);
    assert_close(c.low, 0.8, 1e-12);
    assert_close(c.likely, 0.9, 1e-12);
    assert_close(c.high, 1.1, 1e-12);
    assert_close(calibrate_decode(some, 2, 2).likely, 0.95, 1e-12);
    assert_close(calibrate_prefill(some, 3, 2).likely, 1, 1e-12);
}

static void what_tells_nothing_does_not_count(void **state)
{
    (void)state;
    struct sample some[] = {sample_of("a", 1e9, 10, 8), sample_of("a", 1e9, 10, 9),
                            sample_of("b", 2e9, 10, 2), sample_of("c", 2e9, 10, 3),
                            sample_of("d", 2e9, 10, 4)};
    some[2].conditions = "busy: 1.9 runnable";
    some[3].threads = 1;
    some[4].predicted.decode_per_s = (double)NAN;
    const struct calibration c = calibrate_decode(some, 5, 2);
    assert_int_equal(c.models, 1); /* the newer one of a */
    assert_close(c.likely, 0.9, 1e-12);
    some[1].conditions = "busy: PSI cpu 30 %";
    assert_close(calibrate_decode(some, 5, 2).likely, 0.8, 1e-12);
    /* The same name with other weights is another model. */
    some[1] = sample_of("a", 1.5e9, 10, 9);
    assert_int_equal(calibrate_decode(some, 5, 2).models, 2);
}

static void a_sample_is_of_a_task_when_nothing_that_matters_differs(void **state)
{
    struct stage *s = *state;
    const struct weight_type *types = catalog_types(s->catalog, NULL);
    struct sample some[] = {sample_of("m", 1e9, 10, 8), sample_of("m", 1e9, 10, 9),
                            sample_of("n", 1e9, 10, 7)};
    s->digest = (struct digest){
        .name = "m", .quant = "Q4_K_M", .weight_bytes = 1e9, .shape = &s->shape, .types = types};
    generate_usual(&s->knobs, &s->digest, types);
    const struct task task = {cost_workload(S("generate")), &s->digest, &s->knobs};
    assert_ptr_equal(calibrate_find(some, 3, &task, 2), &some[1]); /* the newest */
    assert_null(calibrate_find(some, 0, &task, 2));
    assert_null(calibrate_find(some, 3, &task, 1));
    s->knobs.context_tokens = 16384; /* reserved, not used */
    assert_ptr_equal(calibrate_find(some, 3, &task, 2), &some[1]);
    const struct generate usual = s->knobs;
    s->knobs.prompt_tokens = 2048;
    assert_null(calibrate_find(some, 3, &task, 2));
    s->knobs = usual;
    s->knobs.depth_tokens = 2048;
    assert_null(calibrate_find(some, 3, &task, 2));
    s->knobs = usual;
    s->knobs.repack = REPACK_OFF;
    assert_null(calibrate_find(some, 3, &task, 2));
    s->knobs = usual;
    s->knobs.flash_attention = FLASH_OFF;
    assert_null(calibrate_find(some, 3, &task, 2));
    s->knobs = usual;
    s->knobs.kv_type_k = catalog_type(s->catalog, S("q8_0"));
    assert_null(calibrate_find(some, 3, &task, 2));
    s->knobs = usual;
    s->digest.weight_bytes = 1e9 + 32;
    assert_null(calibrate_find(some, 3, &task, 2));
    s->digest.weight_bytes = 1e9;
    s->digest.quant = NULL;
    assert_null(calibrate_find(some, 3, &task, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_samples_say_nothing),
        cmocka_unit_test(the_median_of_models_and_its_ends),
        cmocka_unit_test(what_tells_nothing_does_not_count),
        STAGED(a_sample_is_of_a_task_when_nothing_that_matters_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
