/* Layers that are chosen: from text, back to text, and how many they are. */
#include "../stage.h"

#include <math.h>

#include "cost/layers.h"

static void assert_chosen(struct stage *s, const char *text, double all, double wanted,
                          const char *back)
{
    struct layer_list l, again;
    assert_true(layers_parse(str_of(text), &l));
    const double got = layers_chosen(&l, all);
    if (!(got == wanted || (isnan(got) && isnan(wanted))))
        fail_msg("%s of %.0f: %.0f, not %.0f", text, all, got, wanted);
    assert_string_equal(layers_text(&l, s->arena), back);
    assert_true(layers_parse(str_of(back), &again));
    assert_memory_equal(&l, &again, sizeof l);
}

static void lists_are_read_and_written(void **state)
{
    struct stage *s = *state;
    assert_chosen(s, "0", 33, 33, "0");
    assert_chosen(s, "7", 33, 7, "7");
    assert_chosen(s, "40", 33, 33, "40");
    assert_chosen(s, "0,8,16", 33, 3, "0,8,16");
    assert_chosen(s, "16-24", 33, 9, "16-24");
    assert_chosen(s, "8-8", 33, 1, "8-8");
    assert_chosen(s, "-1,-2,-3", 33, 3, "-3,-2,-1");
    assert_chosen(s, "32,-1", 33, 1, "32,-1"); /* the same one */
    assert_chosen(s, "3,1,2,2", 33, 3, "1-3");
    assert_chosen(s, "511-511", 512, 1, "511-511");
    assert_chosen(s, "63-65", 100, 3, "63-65");
}

static void layers_that_are_not_there_are_unknown(void **state)
{
    struct stage *s = *state;
    assert_chosen(s, "0,33", 33, (double)NAN, "0,33");
    assert_chosen(s, "-34", 33, (double)NAN, "-34");
    assert_chosen(s, "-33", 33, 1, "-33");
    assert_chosen(s, "0-511", 512, 512, "0-511");
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const text[] = {"",     ",",   "1,",   "a",    "3-2",   "512-512", "-0",
                                       "-65",  "--1", "1--2", "1-",   "1,,2",  "99999",   "1.5",
                                       "-1-2", " 1",  "1 ",   "0x10", "5-512", "+1"};
    struct layer_list l;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(text); i++)
        if (layers_parse(str_of(text[i]), &l)) fail_msg("'%s' was read", text[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(lists_are_read_and_written),
        STAGED(layers_that_are_not_there_are_unknown),
        cmocka_unit_test(what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
