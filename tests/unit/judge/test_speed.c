/* Prices: which rate a line of work takes, how it is read between two measured numbers of columns, what has no price, and what typical
 * kernels and trials change. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "catalog/types.h"
#include "judge/speed.h"

enum { RATES = 16, Q4_K = 12, Q8_0 = 8, F16 = 1 };

struct priced {
    struct rate rate[RATES];
    struct pool pool;
    struct place place;
    struct machine machine;
    struct world world;
    struct bill bill;
};

static void add_rate(struct priced *p, enum machine_work work, unsigned type, double tokens,
                     const char *buffer, double per_s)
{
    assert_true(p->machine.rates < RATES);
    p->rate[p->machine.rates++] =
        (struct rate){.work = work,
                      .type = (uint8_t)type,
                      .tokens = tokens,
                      .buffer = buffer,
                      .threads = 2,
                      .per_s = estimate_of(per_s / 2, per_s, per_s * 2, MEASURED, "test")};
}

static struct priced *priced_new(struct stage *s)
{
    struct priced *p = NEW(s->arena, struct priced);
    p->machine = (struct machine){.name = "test", .rate = p->rate};
    return p;
}

static void add_product(struct priced *p, unsigned type, double columns, const char *buffer,
                        double flop)
{
    const struct line of = {.phase = DECODE,
                            .work = MATMUL_FLOP,
                            .type = (uint8_t)type,
                            .buffer = buffer,
                            .columns = columns};
    WORK(&p->bill, of, "multiply", flop, "here");
}

static struct estimate speed_with(const struct priced *p, enum phase phase, double threads)
{
    const struct speed_asked asked = {
        .bill = &p->bill, .machine = &p->machine, .world = &p->world, .threads = threads};
    return speed_of(&asked, phase);
}

static double likely(const struct priced *p)
{
    return speed_with(p, DECODE, 0).likely;
}

static void a_phase_takes_the_sum_of_its_lines(void **state)
{
    struct priced *p = priced_new(*state);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "AMX", 100);
    add_rate(p, WORK_MATMUL_FLOP, Q8_0, 1, "AMX", 50);
    add_product(p, Q4_K, 1, "AMX", 100); /* a second */
    add_product(p, Q8_0, 1, "AMX", 200); /* four */
    assert_close(likely(p), 1.0 / 5, 1e-12);
    const struct estimate e = speed_with(p, DECODE, 0);
    assert_close(e.low, 1.0 / 10, 1e-12);
    assert_close(e.high, 2.0 / 5, 1e-12);
    assert_false(estimate_known(speed_with(p, PREFILL, 0)));
}

static void the_buffer_decides_before_the_columns(void **state)
{
    struct priced *p = priced_new(*state);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "AMX", 100);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU_REPACK", 25);
    add_product(p, Q4_K, 1, "CPU_REPACK", 100);
    assert_close(likely(p), 0.25, 1e-12);
    p->bill.lines = 0;
    add_product(p, Q4_K, 1, "CPU", 100); /* measured in other buffers only: any of them */
    assert_true(likely(p) > 0);
}

static void between_two_columns_it_is_read_off_the_curve(void **state)
{
    struct priced *p = priced_new(*state);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU", 10);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 16, "CPU", 40);
    add_product(p, Q4_K, 4, "CPU", 20); /* half way, both logarithmic: 20 a second */
    assert_close(likely(p), 1, 1e-12);
    p->bill.lines = 0;
    add_product(p, Q4_K, 512, "CPU", 40); /* beyond the last: the last */
    assert_close(likely(p), 1, 1e-12);
}

static void attention_goes_by_the_nearest_head(void **state)
{
    struct priced *p = priced_new(*state);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU", 10);
    add_rate(p, WORK_ATTEND_FLOP, F16, 1, NULL, 8);
    p->rate[p->machine.rates - 1].row = 128;
    add_rate(p, WORK_ATTEND_FLOP, F16, 1, NULL, 2);
    p->rate[p->machine.rates - 1].row = 64;
    const struct line of = {
        .phase = DECODE, .work = ATTEND_FLOP, .type = F16, .columns = 1, .row = 72};
    WORK(&p->bill, of, "attend", 2, "here");
    assert_close(likely(p), 1, 1e-12);
}

static void what_nobody_measured_has_no_price(void **state)
{
    struct priced *p = priced_new(*state);
    add_product(p, Q4_K, 1, "CPU", 100);
    assert_false(estimate_known(speed_with(p, DECODE, 0)));
    add_rate(p, WORK_MATMUL_FLOP, Q8_0, 1, "CPU", 100);
    const struct estimate e = speed_with(p, DECODE, 0);
    assert_false(estimate_known(e));
    assert_non_null(e.source);
}

static void threads_asked_for_choose_the_rates(void **state)
{
    struct priced *p = priced_new(*state);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU", 100);
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU", 60);
    p->rate[1].threads = 1;
    add_product(p, Q4_K, 1, "CPU", 60);
    assert_close(speed_with(p, DECODE, 1).likely, 1, 1e-12);
    assert_close(speed_with(p, DECODE, 0).likely, 100.0 / 60, 1e-12);
    assert_close(speed_with(p, DECODE, 64).likely, 100.0 / 60, 1e-12);
}

/* A machine of which only bandwidth is known gets the share of it that each type of weights usually reaches, and only that. */
static double seconds_on_row(struct stage *s, double row)
{
    struct priced *p = priced_new(s);
    add_rate(p, WORK_MATMUL_FLOP, F16, 1, "CPU", 100);
    p->rate[0].row = 4000;
    add_rate(p, WORK_MATMUL_FLOP, F16, 1, "CPU", 50);
    p->rate[1].row = 1000;
    const struct line of = {.phase = DECODE,
                            .work = MATMUL_FLOP,
                            .type = F16,
                            .buffer = "CPU",
                            .columns = 1,
                            .row = row};
    WORK(&p->bill, of, "multiply", 100, "here");
    return 1 / likely(p);
}

static void each_row_has_its_own_cost(void **state)
{
    assert_float_equal(seconds_on_row(*state, 4000), 1, 1e-9);
    assert_float_equal(seconds_on_row(*state, 1000), 2, 1e-9);
    assert_float_equal(seconds_on_row(*state, 2000), (float)(4.0 / 3),
                       1e-6);                                 /* half as many rows */
    assert_float_equal(seconds_on_row(*state, 1e9), 1, 1e-9); /* nor faster than was seen */
    assert_float_equal(seconds_on_row(*state, 100), 3, 1e-9); /* believed no further */
}

/* A flop takes a quarter of a second with four heads to a key, half a second with one; a sixteenth in narrow cells. */
static double seconds_attending(struct stage *s, struct line of)
{
    static const struct {
        double group, cell, tokens, per_s;
    } measured[] = {{4, 1024, 1, 4}, {1, 4096, 1, 2}, {4, 256, 1, 16}, {4, 1024, 512, 64}};
    struct priced *p = priced_new(s);
    for (size_t i = 0; i < COUNT_OF(measured); i++) {
        add_rate(p, WORK_ATTEND_FLOP, F16, measured[i].tokens, NULL, measured[i].per_s);
        p->rate[i].group = measured[i].group;
        p->rate[i].cell = measured[i].cell;
    }
    add_rate(p, WORK_MATMUL_FLOP, Q4_K, 1, "CPU", 1); /* says which threads there are */
    of.phase = DECODE;
    of.work = ATTEND_FLOP;
    of.columns = 1;
    of.row = 128;
    WORK(&p->bill, of, "attend", 1, "here");
    return 1 / likely(p);
}

static double seconds_in_layout(void **state, double group, double cell)
{
    return seconds_attending(*state, (struct line){.type = F16, .group = group, .cell = cell});
}

static void attention_goes_by_the_layout_of_the_cache(void **state)
{
    assert_close(seconds_in_layout(state, 4, 1024), 0.25, 1e-12);
    assert_close(seconds_in_layout(state, 1, 1024), 0.5, 1e-12);
    assert_close(seconds_in_layout(state, 2, 1024), sqrt(0.125), 1e-12); /* half way */
    assert_close(seconds_in_layout(state, 8, 1024), 0.25, 1e-12);        /* no further than seen */
    assert_close(seconds_in_layout(state, 0, 0), 0.25, 1e-12); /* not said: as most have it */
    assert_close(seconds_in_layout(state, 4, 256), 1.0 / 16, 1e-12);
    assert_close(seconds_in_layout(state, 4, 512), 1.0 / 8, 1e-12); /* half way */
    assert_close(seconds_in_layout(state, 1, 256), 1.0 / 8, 1e-12); /* as much faster */
    assert_close(seconds_in_layout(state, 4, 64), 1.0 / 16, 1e-12);
    assert_close(seconds_in_layout(state, 1, 8192), 0.5, 1e-12);
}

/* Two threads: of 2304 cells each walks 1152, and one of them sees them all. A window of 512 in a ring of 1024 lies across the middle, three
 * quarters of it on one side. */
static void cells_are_cut_into_a_piece_for_each_thread(void **state)
{
    struct line of = {.type = F16, .group = 4, .cell = 1024, .seen = 2100, .kept = 2304};
    assert_close(seconds_attending(*state, of), 0.25 * 2304 / 2100, 1e-12);
    of.seen = 512;
    of.kept = 1024;
    assert_close(seconds_attending(*state, of), 0.25 * 1.5, 1e-12);
    of.kept = 2048;
    assert_close(seconds_attending(*state, of), 0.25 * 1.75, 1e-12);
    of.seen = 200; /* short: cut by heads */
    of.kept = 256;
    assert_close(seconds_attending(*state, of), 0.25, 1e-12);
}

static void typical_kernels_fill_what_was_not_measured(void **state)
{
    struct stage *s = *state;
    struct priced *p = priced_new(s);
    add_rate(p, WORK_READ_BYTES, RATE_NO_TYPE, 0, NULL, 20e9);
    add_rate(p, WORK_MATMUL_FLOP, Q8_0, 1, "CPU", 123);
    const struct machine *m = judge_typical(&p->machine, &s->world, s->arena);
    size_t q4 = 0, q8 = 0, prompts = 0;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        q8 += r->work == WORK_MATMUL_FLOP && r->type == Q8_0 && strcmp(r->buffer, "CPU") == 0;
        prompts += r->work == WORK_MATMUL_FLOP && r->tokens == 512;
        if (r->work != WORK_MATMUL_FLOP || r->type != Q4_K) continue;
        q4++;
        assert_int_equal(r->per_s.origin, ESTIMATED);
        assert_true(r->per_s.likely <
                    20e9 * 2 / 0.5625); /* not faster than memory: 4.5 bits a weight */
    }
    assert_true(q4 > 0);
    assert_int_equal(q8, 1);      /* its own, measured, in this buffer */
    assert_int_equal(prompts, 0); /* those are shares of sgemm, which is not known */
}

static void a_trial_of_the_task_takes_the_place_of_its_estimate(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-0.5B-Instruct", "Q8_0");
    const struct machine *m = stage_typical(s, "cpu:2 ram:16GiB bandwidth:20GB/s");
    struct verdict v;
    judge_task(&t, m, &s->world, &v);
    const double said = v.decode_per_s.likely;
    assert_true(said > 0);
    struct sample tried = {.model = s->digest.name,
                           .quant = s->digest.quant,
                           .kind = "generate",
                           .weight_bytes = s->digest.weight_bytes,
                           .prompt_tokens = s->knobs.prompt_tokens,
                           .ubatch_tokens = s->knobs.ubatch_tokens,
                           .threads = 2,
                           .kv_type_k = s->knobs.kv_type_k->name,
                           .kv_type_v = s->knobs.kv_type_v->name,
                           .repack = true,
                           .predicted = {.decode_per_s = said, .prefill_per_s = 1},
                           .measured = {.decode_per_s = said / 2, .prefill_per_s = 1},
                           .how = "whole file",
                           .conditions = "idle"};
    judge_samples(&s->world, &tried, 1, 2);
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.decode_per_s.origin, MEASURED);
    assert_exactly(v.decode_per_s.likely, said / 2);
    tried.model = "another"; /* half as fast as said: so is this one, then */
    judge_samples(&s->world, &tried, 1, 2);
    judge_task(&t, m, &s->world, &v);
    assert_close(v.decode_per_s.likely, said / 2, 1e-6);
    assert_int_equal(v.decode_per_s.origin, ESTIMATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_phase_takes_the_sum_of_its_lines),
        STAGED(the_buffer_decides_before_the_columns),
        STAGED(between_two_columns_it_is_read_off_the_curve),
        STAGED(attention_goes_by_the_nearest_head),
        STAGED(what_nobody_measured_has_no_price),
        STAGED(threads_asked_for_choose_the_rates),
        STAGED_WORLD(each_row_has_its_own_cost),
        STAGED_WORLD(attention_goes_by_the_layout_of_the_cache),
        STAGED_WORLD(cells_are_cut_into_a_piece_for_each_thread),
        STAGED_WORLD(typical_kernels_fill_what_was_not_measured),
        STAGED_WORLD(a_trial_of_the_task_takes_the_place_of_its_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
