/* A size instead of a name: how it is written, and the model that stands for it. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "verb/nominal.h"

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double params;
    } good[] = {{"7B", 7e9}, {"350M", 350e6}, {"1.5t", 1.5e12}, {" 13b ", 13e9}};
    static const char *const bad[] = {"",   "B",   "-7B",    "7BB",   "7 parrots",
                                      "0B", "nan", "1e999B", "phi-3", "7"};
    double params;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(params_parse(good[i].text, (double)NAN, &params));
        assert_float_equal(params, good[i].params, 1);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (params_parse(bad[i], (double)NAN, &params)) fail_msg("'%s' is %g", bad[i], params);
    assert_true(params_parse("7", 1e9, &params));
    assert_float_equal(params, 7e9, 1);
}

/* It is dense, near the size, and no shape is more common there. */
static void test_stands_for(void **state)
{
    static const double sizes[] = {1e9, 3e9, 7e9, 8e9, 13e9, 30e9, 70e9};
    struct stage *s = *state;
    size_t alike;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const struct model_part *p = nominal_model(s->catalog, sizes[i], &alike);
        assert_non_null(p);
        assert_string_equal(p->shape.kind, "dense");
        assert_true(alike >= 1);
        if (fabs(p->params_text - sizes[i]) > 0.1 * sizes[i])
            fail_msg("%s for %g parameters", p->hf_id, sizes[i]);
    }
    assert_string_equal(nominal_model(s->catalog, 7e9, &alike)->family, "LLaMA");
    assert_true(alike >= 3);
    assert_null(nominal_model(s->catalog, 1e15, &alike));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), STAGED(test_stands_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
