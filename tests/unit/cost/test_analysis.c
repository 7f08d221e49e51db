/* Bills of analyses: figures that were measured to the byte elsewhere (training.capture) and those users ask about. */
#include "../stage.h"

#include <string.h>

#include "base/num.h"
#include "cost/analysis.h"

static struct bill bill;
static struct capture c;
static const struct split card = {.sites = 2};

static void model(struct stage *s, const char *name)
{
    const char *others;
    const struct model_part *part;
    assert_int_not_equal(catalog_model(s->catalog, str_of(name), &part, &others), MATCH_NONE);
    shape_from_part(part, s->catalog, s->arena, &s->shape);
    s->digest = (struct digest){.shape = &s->shape, .parameters = s->shape.parameters};
    capture_usual(&c);
}

static double group(const struct workload *w, struct stage *s, const char *name)
{
    const struct task t = {w, &s->digest, &c};
    bill.bent = 0;
    cost_bill(&t, &card, &bill);
    assert_null(bill.unruled);
    return bill_group(&bill, name);
}

static void attention_is_quadratic(void **state)
{
    struct stage *s = *state;
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    c.sequence_tokens = 2048;
    const double long_bytes = group(&workload_attention, s, "captures");
    assert_true(long_bytes == 28.0 * 28 * 2048 * 2048 * 2); /* 6.6 GB */
    c.sequence_tokens = 1024;
    assert_true(group(&workload_attention, s, "captures") * 4 == long_bytes);
    c.layers.number = 7;
    assert_true(group(&workload_attention, s, "captures") * 16 == long_bytes);
}

static void hidden_states_are_linear(void **state)
{
    struct stage *s = *state;
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    assert_true(group(&workload_hidden_states, s, "captures") == 29.0 * 512 * 3584 * 2);
    c.trials = 100;
    assert_true(group(&workload_hidden_states, s, "captures") == 100 * 29.0 * 512 * 3584 * 2);
    c.place = CAPTURED_ON_DISK;
    assert_true(group(&workload_hidden_states, s, "captures") == 29.0 * 512 * 3584 * 2);
    c.new_tokens = 11; /* the last is not fed */
    assert_true(group(&workload_hidden_states, s, "captures") == 29.0 * 522 * 3584 * 2);
}

static void what_is_copied_away_leaves_the_device(void **state)
{
    struct stage *s = *state;
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    const double all = group(&workload_hidden_states, s, "captures");
    const double device = bill_held(&bill, 1);
    c.place = CAPTURED_ON_HOST;
    assert_true(group(&workload_hidden_states, s, "captures") == all);
    assert_true(bill_held(&bill, ON_HOST) == all && bill_held(&bill, 1) == device - all);
}

static void weights_follow_their_type(void **state)
{
    struct stage *s = *state;
    model(s, "meta-llama/Llama-2-7b-hf");
    c.precision = 1;
    const double bytes = group(&workload_hidden_states, s, "weights");
    assert_true(bytes > 26.9e9 && bytes < 27e9); /* F32: not in 20 GB */
    c.precision = 0;
    assert_true(group(&workload_hidden_states, s, "weights") * 2 == bytes);
}

static void statistics_keep_three_moments(void **state)
{
    struct stage *s = *state;
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    c.trials = 100;
    assert_true(group(&workload_statistics, s, "captures") ==
                29.0 * 512 * 3584 * 2 + 29.0 * 3584 * 24);
}

static void text_is_larger_than_numbers(void **state)
{
    (void)state;
    capture_usual(&c);
    assert_true(capture_file_bytes(200, &c, true) == 200);
    c.format = CAPTURE_CSV;
    assert_true(capture_file_bytes(200, &c, false) == 1000);
    assert_true(capture_file_bytes(200, &c, true) == 2000);
}

static void a_probe_is_its_data(void **state)
{
    struct stage *s = *state;
    struct probe p;
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    probe_usual(&p);
    p.samples = 10000;
    const struct task t = {&workload_probe, &s->digest, &p};
    bill.bent = 0;
    cost_bill(&t, &card, &bill);
    assert_true(bill_group(&bill, "captures") == 10000.0 * 3584 * 4);
    assert_true(bill_group(&bill, "weights") == 2.0 * 3585 * 24);
    p.double_precision = true;
    cost_bill(&t, &card, &bill);
    assert_true(bill_group(&bill, "captures") == 10000.0 * 3584 * 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(attention_is_quadratic),
        STAGED(hidden_states_are_linear),
        STAGED(what_is_copied_away_leaves_the_device),
        STAGED(weights_follow_their_type),
        STAGED(statistics_keep_three_moments),
        cmocka_unit_test(text_is_larger_than_numbers),
        STAGED(a_probe_is_its_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
