/* Quantities: unknown never leaks a value, and nothing that is not finite is ever known. */
#include "../unit.h"

#include <math.h>

#include "base/quantity.h"

static void unknown_stays_unknown(void **state)
{
    (void)state;
    double x = 7;
    const struct quantity q = unknown("no sensor");
    assert_false(known(q, &x));
    assert_exactly(x, 7);
    assert_true(isnan(q.value));
    assert_string_equal(q.source, "no sensor");
    assert_exactly(known_or(q, 3), 3);
    assert_false(known((struct quantity){0}, NULL)); /* a zeroed struct knows nothing */
    assert_false(known(quantity_of((double)INFINITY, MEASURED, "x"), NULL));
    assert_false(known(quantity_of((double)NAN, LISTED, "x"), NULL));
    assert_false(known(quantity_of(1, UNKNOWN, "x"), NULL));
    assert_false(estimate_known((struct estimate){0}));
    assert_false(estimate_known(estimate_of(1, (double)NAN, 2, LISTED, "x")));
}

static void known_values_come_out(void **state)
{
    (void)state;
    double x = 0;
    assert_true(known(quantity_of(5, MEASURED, "run"), &x));
    assert_exactly(x, 5);
    const struct estimate e = estimate_exactly(4, LISTED, "row");
    assert_exactly(e.low, 4);
    assert_exactly(e.likely, 4);
    assert_exactly(e.high, 4);
    assert_true(estimate_known(e));
}

static void origins_by_name(void **state)
{
    (void)state;
    for (int i = 0; i < ORIGIN_COUNT; i++) {
        enum origin back = UNKNOWN;
        assert_true(origin_parse(origin_word((enum origin)i), &back));
        assert_int_equal(back, i);
    }
    enum origin kept = LISTED;
    assert_false(origin_parse("guessed", &kept));
    assert_int_equal(kept, LISTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_stays_unknown),
        cmocka_unit_test(known_values_come_out),
        cmocka_unit_test(origins_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
