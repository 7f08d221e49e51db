/* The bill: what leaves a line, what totals add up, how an unknown is bent, what --explain is told. */
#include "../unit.h"

#include <string.h>

#include "base/num.h"
#include "cost/bill.h"

static void write_lines(struct bill *b)
{
    b->lines = b->abouts = 0;
    GIVEN(b, layers, 3, "model");
    LET(b, twice, layers * 2);
    ABOUT(b, each_bytes, 10, 20, 40, "a guess");
    ABOUT(b, spare_bytes, 1, 2, 3, "another");
    HOLD(b, ON_HOST, "weights", "weights", twice * each_bytes, "here");
    HOLD(b, 1, "on a device", "weights", twice, "here");
    HOLD(b, ON_HOST, "nothing", "kv", layers - layers, "here");
    HOLD(b, ON_HOST, "spare", "kv", spare_bytes, "here");
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "process", "process", each_bytes, "here");
    HOLD_AS(b, HELD_MAPPED, ON_HOST, "pages", "mapped", layers, "here");
    const struct line of = {.phase = DECODE, .work = MATMUL_FLOP, .type = 7, .columns = 1};
    WORK(b, of, "multiply", twice, "here");
}

static void only_what_is_charged_leaves_a_line(void **state)
{
    struct bill b = {.lines = 0};
    (void)state;
    write_lines(&b);
    assert_int_equal(b.lines, 6);
    assert_string_equal(b.line[0].term->formula, "twice * each_bytes");
    assert_string_equal(b.line[5].term->name, "multiply");
    assert_int_equal(b.line[5].type, 7);
    assert_int_equal(b.line[5].phase, DECODE);
    assert_false(b.full);
}

static void totals_leave_the_process_and_mapped_pages_out(void **state)
{
    struct bill b = {.lines = 0};
    (void)state;
    write_lines(&b);
    assert_exactly(bill_held(&b, ON_HOST), 6 * 20 + 2);
    assert_exactly(bill_held(&b, 1), 6);
    assert_exactly(bill_group(&b, "weights"), 6 * 20 + 6);
    assert_exactly(bill_group(&b, "kv"), 2);
    assert_exactly(bill_group(&b, "process"), 0);
}

static void each_unknown_is_bent_alone(void **state)
{
    struct bill b = {.lines = 0};
    (void)state;
    write_lines(&b);
    assert_int_equal(b.abouts, 2);
    b.bent = 1;
    b.bend = +1;
    write_lines(&b);
    assert_exactly(bill_held(&b, ON_HOST), 6 * 40 + 2);
    b.bent = 2;
    b.bend = -1;
    write_lines(&b);
    assert_exactly(bill_held(&b, ON_HOST), 6 * 20 + 1);
}

struct told {
    int given, formulas;
    double twice;
};

static void note(void *to, const char *name, const char *formula, double value, const char *source)
{
    struct told *t = to;
    t->given += source != NULL;
    t->formulas += formula != NULL;
    if (strcmp(name, "twice") == 0) t->twice = value;
}

static void every_name_is_told(void **state)
{
    struct told t = {0};
    struct bill b = {.note = note, .to = &t};
    (void)state;
    write_lines(&b);
    assert_int_equal(t.given, 3);
    assert_int_equal(t.formulas, 1);
    assert_exactly(t.twice, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_charged_leaves_a_line),
        cmocka_unit_test(totals_leave_the_process_and_mapped_pages_out),
        cmocka_unit_test(each_unknown_is_bent_alone),
        cmocka_unit_test(every_name_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
