/* The placing of values: small graphs whose layout can be followed by hand, and properties that hold for any graph. */
#include "../unit.h"

#include "cost/plan.h"

static struct extent bytes(double n)
{
    return (struct extent){1, {n, 1, 1, 1}};
}

/* Walks a graph as plan_compute_bytes does, and says how large its buffer is. */
static double placed(int (*walk)(struct plan *, int), double input_bytes, struct plan *p)
{
    plan_start(p, 32);
    const int input = plan_input(p, input_bytes);
    walk(p, input);
    plan_place(p);
    walk(p, input);
    return p->room[0].peak_bytes;
}

static int chain(struct plan *p, int input)
{
    int x = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    x = plan_value(p, VALUE_NEW, bytes(64), FROM(x));
    x = plan_value(p, VALUE_NEW, bytes(64), FROM(x));
    return plan_step(p, x, PLAN_ANYWHERE);
}

static void a_chain_needs_two_values_and_what_the_input_leaves(void **state)
{
    struct plan p;
    (void)state;
    /* input at 0..64; first value behind it; the second takes the input's place, the third the first's */
    assert_exactly(placed(chain, 64, &p), 128);
    /* an input too small to be reused */
    assert_exactly(placed(chain, 32, &p), 32 + 64 + 64);
}

static int in_place_chain(struct plan *p, int input)
{
    int x = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    x = plan_value(p, VALUE_REUSE, bytes(64), FROM(x));
    x = plan_value(p, VALUE_REUSE, bytes(64), FROM(x));
    return plan_step(p, x, PLAN_ANYWHERE);
}

static void a_node_takes_over_its_only_source(void **state)
{
    struct plan p;
    (void)state;
    assert_exactly(placed(in_place_chain, 32, &p), 32 + 64);
}

static int read_twice(struct plan *p, int input)
{
    const int x = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    const int y = plan_value(p, VALUE_REUSE, bytes(64), FROM(x));
    return plan_step(p, plan_value(p, VALUE_NEW, bytes(64), FROM(x, y)), PLAN_ANYWHERE);
}

static void a_source_with_another_reader_stays(void **state)
{
    struct plan p;
    (void)state;
    assert_exactly(placed(read_twice, 32, &p), 32 + 3 * 64);
}

static int view_holds(struct plan *p, int input)
{
    const int x = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    const int view = plan_view(p, plan_view(p, x));
    const int y = plan_value(p, VALUE_REUSE, bytes(64), FROM(view));
    return plan_step(p, plan_value(p, VALUE_NEW, bytes(64), FROM(y)), PLAN_ANYWHERE);
}

static void a_view_is_no_source_to_take_over_and_keeps_its_root(void **state)
{
    struct plan p;
    (void)state;
    /* y lies beside x; x is freed behind y, and the last value goes there */
    assert_exactly(placed(view_holds, 32, &p), 32 + 2 * 64);
}

static int best_fit(struct plan *p, int input)
{
    const int large = plan_value(p, VALUE_NEW, bytes(128), FROM(input));
    const int wall = plan_value(p, VALUE_NEW, bytes(32), FROM(input));
    const int small = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    const int last_wall = plan_value(p, VALUE_NEW, bytes(32), FROM(input));
    const int end =
        plan_value(p, VALUE_NEW, bytes(32), FROM(large, small)); /* where the input was */
    /* gaps of 128 and 64 now; 64 goes into the smaller, 128 into the larger */
    const int again_small = plan_value(p, VALUE_NEW, bytes(64), FROM(wall));
    const int again_large = plan_value(p, VALUE_NEW, bytes(128), FROM(wall));
    plan_store(p, FROM(again_small, again_large));
    return plan_step(p, plan_value(p, VALUE_REUSE, bytes(32), FROM(last_wall, end)), PLAN_ANYWHERE);
}

static void the_smallest_gap_that_holds_it_is_taken(void **state)
{
    struct plan p;
    (void)state;
    assert_exactly(placed(best_fit, 32, &p), 32 + 128 + 32 + 64 + 32);
}

static int kept(struct plan *p, int input)
{
    const int x = plan_value(p, VALUE_NEW, bytes(64), FROM(input));
    plan_keep(p, x);
    const int y = plan_value(p, VALUE_REUSE, bytes(64), FROM(x));
    return plan_step(p, plan_value(p, VALUE_NEW, bytes(64), FROM(y)), PLAN_ANYWHERE);
}

static void an_answer_is_never_freed(void **state)
{
    struct plan p;
    (void)state;
    assert_exactly(placed(kept, 32, &p), 32 + 3 * 64);
}

static int many_steps(struct plan *p, int input)
{
    int x = plan_step(p, plan_value(p, VALUE_NEW, bytes(64), FROM(input)), PLAN_ANYWHERE);
    for (int i = 0; i < 1000; i++) {
        const int y = plan_value(p, VALUE_NEW, bytes(96), FROM(x, input));
        x = plan_step(p, plan_value(p, VALUE_NEW, bytes(64), FROM(x, y)), PLAN_ANYWHERE);
    }
    return x;
}

static void steps_repeat_in_the_same_room_and_inputs_last(void **state)
{
    struct plan p;
    (void)state;
    const double peak = placed(many_steps, 32, &p);
    assert_exactly(peak, 32 + 64 + 96 + 64);
    assert_false(p.full);
    /* at the end only the stream is left: one gap before or behind it at most, and the open end */
    assert_in_range(p.room[0].gaps, 1, 2);
}

static int too_much(struct plan *p, int input)
{
    int x = input;
    for (int i = 0; i < 2 * PLAN_VALUES; i++) x = plan_value(p, VALUE_NEW, bytes(32), FROM(x));
    return plan_step(p, x, PLAN_ANYWHERE);
}

static void a_step_without_room_is_said(void **state)
{
    struct plan p;
    (void)state;
    placed(too_much, 32, &p);
    assert_true(p.full);
}

/* ---- two sites: the host, and a device that aligns to 128 bytes */

static struct plan *two_sites(int (*walk)(struct plan *, int))
{
    static struct plan p;
    plan_start(&p, 32);
    plan_add_site(&p, 128);
    const int input = plan_input(&p, 64);
    walk(&p, input);
    plan_place(&p);
    walk(&p, input);
    assert_false(p.full);
    return &p;
}

static int at(struct plan *p, int value, int site)
{
    plan_pin(p, value, site);
    return value;
}

/* On the host and then on the device, which reads the input and what the host made. */
static int crossing(struct plan *p, int input)
{
    const int x = at(p, plan_value(p, VALUE_NEW, bytes(96), FROM(input)), 0);
    const int y = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(x, input)), 1);
    return plan_step(p, plan_value(p, VALUE_REUSE, bytes(64), FROM(y)), PLAN_ANYWHERE);
}

static void what_crosses_is_copied_before_its_first_reader(void **state)
{
    (void)state;
    const struct plan *p = two_sites(crossing);
    assert_exactly(p->room[0].peak_bytes, 64 + 96);
    assert_exactly(p->room[1].peak_bytes, 128 + 128 + 128); /* both copies and y, which is reused */
}

static int read_far_apart(struct plan *p, int input)
{
    int x = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(input)), 0);
    x = plan_step(p, x, 1);
    for (int i = 0; i < 3; i++)
        x = plan_step(p, at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(x)), 1), 1);
    return plan_step(p, at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(x, input)), 1),
                     PLAN_ANYWHERE);
}

static void an_input_of_a_later_step_is_copied_when_its_stretch_begins(void **state)
{
    (void)state;
    const struct plan *p = two_sites(read_far_apart);
    assert_int_equal(p->stretch, 2);
    assert_int_equal(p->input_copies, 1);
    /* the copies of x and of the input stand from the start, and two values beside them at most */
    assert_exactly(p->room[1].peak_bytes, 3 * 128);
}

static int unpinned(struct plan *p, int input)
{
    const int x = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(input)), 0);
    const int y = plan_value(p, VALUE_NEW, bytes(256), FROM(x));
    return plan_step(p, y, 1);
}

static int unpinned_at_the_end(struct plan *p, int input)
{
    const int x = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(input)), 0);
    const int y = plan_value(p, VALUE_NEW, bytes(256), FROM(x));
    return plan_step(p, y, 0);
}

static void a_node_without_weights_goes_to_the_device_next_to_it(void **state)
{
    (void)state;
    const struct plan *p = two_sites(unpinned);
    assert_exactly(p->room[1].peak_bytes, 128 + 256);
    p = two_sites(unpinned_at_the_end);
    assert_exactly(p->room[1].peak_bytes, 0);
    assert_exactly(p->room[0].peak_bytes, 64 + 64 + 256);
}

static int brought(struct plan *p, int input)
{
    int x = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(input)), 1);
    for (int i = 0; i < 4; i++) {
        const int weights = plan_outside(p, 0, 4096, true);
        x = at(p, plan_value(p, VALUE_NEW, bytes(64), FROM(weights, x)), 1);
    }
    return plan_step(p, x, PLAN_ANYWHERE);
}

static void weights_that_are_brought_leave_before_the_next(void **state)
{
    (void)state;
    const struct plan *p = two_sites(brought);
    if (!(p->room[1].peak_bytes < 2 * 4096)) fail_msg("%.0f", p->room[1].peak_bytes);
    assert_int_equal(p->stretch, 5); /* that of the input, and one for each of the weights */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_needs_two_values_and_what_the_input_leaves),
        cmocka_unit_test(a_node_takes_over_its_only_source),
        cmocka_unit_test(a_source_with_another_reader_stays),
        cmocka_unit_test(a_view_is_no_source_to_take_over_and_keeps_its_root),
        cmocka_unit_test(the_smallest_gap_that_holds_it_is_taken),
        cmocka_unit_test(an_answer_is_never_freed),
        cmocka_unit_test(steps_repeat_in_the_same_room_and_inputs_last),
        cmocka_unit_test(a_step_without_room_is_said),
        cmocka_unit_test(what_crosses_is_copied_before_its_first_reader),
        cmocka_unit_test(an_input_of_a_later_step_is_copied_when_its_stretch_begins),
        cmocka_unit_test(a_node_without_weights_goes_to_the_device_next_to_it),
        cmocka_unit_test(weights_that_are_brought_leave_before_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
