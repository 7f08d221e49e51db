/* tests/engine/test_loops.c - each kernel this CPU can run reads, copies and adds what it should, and only that. */
#include "../unit/unit.h"

#include <stdlib.h>

#include "engine/loops.h"

enum { N = 4 * LOOP_STEP, FENCE = 64 };
static const double untouched = -7;

static double *array(double first, double step)
{
    void *p = NULL;
    assert_int_equal(posix_memalign(&p, 64, (N + FENCE) * sizeof(double)), 0);
    double *x = p;
    for (int i = 0; i < N; i++) x[i] = first + step * i;
    for (int i = N; i < N + FENCE; i++) x[i] = untouched;
    return x;
}

static void assert_line(const double *x, double first, double step)
{
    for (int i = 0; i < N; i++)
        if (x[i] != first + step * i)
            fail_msg("at %d: got %g, expected %g", i, x[i], first + step * i);
    for (int i = N; i < N + FENCE; i++)
        if (x[i] != untouched) fail_msg("wrote past the end: %g at %d", x[i], i);
}

static void try_loops(const struct loops *k)
{
    double *a = array(1, 1), *b = array(10, 2), *to = array(0, 0);
    const double sum = k->read(a, N), expected = (double)N * (N + 1) / 2;
    if (sum != expected) fail_msg("%s: read %g, expected %g", k->name, sum, expected);
    k->copy(to, a, N);
    assert_line(to, 1, 1);
    k->triad(to, a, b, N);
    assert_line(to, 31, 7);
    assert_line(a, 1, 1);
    assert_line(b, 10, 2);
    free(a);
    free(b);
    free(to);
}

static void test_all(void **state)
{
    (void)state;
    size_t tried = 0;
    for (size_t i = 0; all_loops[i]; i++)
        if (all_loops[i]->here()) {
            try_loops(all_loops[i]);
            tried++;
        }
    assert_true(tried >= 1);
}

static void test_best_runs_here(void **state)
{
    (void)state;
    assert_true(loops_best()->here());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all),
                                       cmocka_unit_test(test_best_runs_here)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
