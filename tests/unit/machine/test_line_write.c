/* A machine written as a line and read again is the same as far as a line can say it. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "machine/facts.h"

static const struct machine *read_line(struct stage *s, const char *line)
{
    return stage_machine(s, line);
}

static void what_is_read_is_written_again(void **state)
{
    static const char *const line[] = {
        "cpu:8 ram:32GiB available:28GiB swap:2GiB disk:500GiB host:box bandwidth:60GB/s",
        "cpu:16 ram:64GiB available:60GiB gpu:GeForce RTX 4090, GeForce RTX 3060 12GB",
        "cpu:16 threads ram:16GiB available:1.5GiB",
        "ram:8GiB available:8GiB",
    };
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(line); i++) {
        const struct machine *m = read_line(s, line[i]);
        const char *once = machine_line(m, s->arena);
        assert_non_null(once);
        const struct machine *again = read_line(s, once);
        assert_string_equal(machine_line(again, s->arena), once);
        assert_int_equal(again->places, m->places);
        for (size_t k = 0; k < m->pools; k++) /* four digits */
            assert_true(
                fabs(again->pool[k].usable_bytes.value / m->pool[k].usable_bytes.value - 1) < 1e-3);
        for (size_t k = 0; k < m->places; k++)
            if (m->place[k].part) assert_string_equal(again->place[k].part, m->place[k].part);
    }
}

static void rates_are_kept_as_far_as_a_line_has_them(void **state)
{
    struct stage *s = *state;
    const char *line = machine_line(read_line(s, "cpu:4 ram:8GiB bandwidth:25.5GB/s"), s->arena);
    assert_non_null(strstr(line, "bandwidth:25.5"));
    assert_null(strstr(machine_line(read_line(s, "cpu:4 ram:8GiB"), s->arena), "bandwidth"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(what_is_read_is_written_again),
        STAGED_WORLD(rates_are_kept_as_far_as_a_line_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
