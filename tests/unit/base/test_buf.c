/* The growing buffer: it grows, stops at its maximum, says so, and always ends in NUL. */
#include "../unit.h"

#include <string.h>

#include "base/str.h"

static void it_grows(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_string_equal(buf_text(&b).p, "");
    for (int i = 0; i < 10000; i++) buf_format(&b, "%d,", i % 10);
    assert_int_equal(b.n, 20000);
    assert_false(b.over);
    assert_int_equal(strlen(b.p), 20000);
    assert_memory_equal(b.p + 19994, "7,8,9,", 6);
    buf_release(&b);
    buf_release(&b);
    assert_int_equal(buf_text(&b).n, 0);
}

static void it_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_add(&b, S("12345678"));
    buf_add(&b, S("9a"));
    assert_false(b.over);
    buf_char(&b, 'x');
    assert_true(b.over);
    assert_string_equal(b.p, "123456789a");
    buf_release(&b);
    buf_init(&b, 10);
    buf_format(&b, "%s", "123456789abc");
    assert_true(b.over);
    assert_string_equal(b.p, "123456789a");
    buf_release(&b);
    buf_init(&b, 10);
    buf_fill(&b, '-', 1000000);
    assert_true(b.over);
    assert_string_equal(b.p, "----------");
    buf_release(&b);
    buf_init(&b, 0);
    buf_char(&b, 'x');
    assert_true(b.over);
    assert_string_equal(buf_text(&b).p, "");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows),
        cmocka_unit_test(it_stops_at_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
