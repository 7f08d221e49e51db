/* tests/engine/test_twister.c - our random doubles are the ones numpy's legacy generator gives: figures of numpy 1.24
 * (RandomState(5489).rand(), RandomState(1).rand(1000)) and of the C++ standard ([rand.predef]: the 10000th of mt19937). */
#include "../unit/unit.h"

#include "engine/twister.h"

static void test_words(void **state)
{
    (void)state;
    struct twister t;
    twister_seed(&t, 5489);
    uint32_t word = twister_next(&t);
    assert_int_equal(word, UINT32_C(3499211612));
    for (int i = 1; i < 10000; i++) word = twister_next(&t);
    assert_int_equal(word, UINT32_C(4123659995));
}

static void test_doubles(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct twister t;
    double x[MANY];
    twister_seed(&t, 5489);
    twister_fill(&t, twister_double, x, 3);
    assert_exactly(x[0], 0x1.a1237688aba7bp-1);
    assert_exactly(x[1], 0x1.cfc3f5f570c7dp-1);
    assert_exactly(x[2], 0x1.0411a9f807b7cp-3);
    twister_seed(&t, 1);
    twister_fill(&t, twister_double, x, MANY);
    assert_exactly(x[0], 0.417022004702574);
    assert_exactly(x[MANY - 1], 0x1.8c8848c20f7e2p-1);
    for (int i = 0; i < MANY; i++) assert_true(x[i] >= 0 && x[i] < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_doubles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
