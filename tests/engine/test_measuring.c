/* tests/engine/test_measuring.c - measure_machine() with the real engine: whole, killed and crashed in the middle of a test.
 *
 * test_measuring ENGINE. A script that becomes the engine by exec sends itself the signal first, a little later. */
#include "../unit/measure/rig.h"

static const char *engine;

static size_t measured(struct rig *r, const struct rate **rate)
{
    struct mu_err err = {0};
    struct measured found;
    const bool good = measure_machine(&r->in, &r->machine, MEASURE_USUAL, &found, &err);
    if (!good) print_error("%s\n", err.text);
    for (size_t i = 0; i < r->notes.count; i++) print_message("note: %s\n", r->notes.note[i]);
    assert_true(good);
    *rate = found.rate;
    return found.rates;
}

static const struct rate *rate_of(const struct rate *rate, size_t count, enum machine_work work,
                                  double threads)
{
    for (size_t i = 0; i < count; i++)
        if (rate[i].work == work && rate[i].threads == threads) return &rate[i];
    fail_msg("no rate of work %d with %g threads", (int)work, threads);
    return NULL;
}

static void test_all(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    r.in.engine = engine;
    const struct rate *rate = NULL;
    const size_t count = measured(&r, &rate);
    for (size_t i = 0; i < count; i++) {
        print_message("%s, %g threads: %.4g %.4g %.4g (%g runs; %s; %s)\n",
                      machine_work_word(rate[i].work), rate[i].threads, rate[i].per_s.low,
                      rate[i].per_s.likely, rate[i].per_s.high, rate[i].runs, rate[i].per_s.source,
                      rate[i].conditions);
        assert_true(rate[i].per_s.low > 0 && rate[i].per_s.low <= rate[i].per_s.likely &&
                    rate[i].per_s.likely <= rate[i].per_s.high);
        assert_int_equal(rate[i].per_s.origin, MEASURED);
        assert_int_equal(rate[i].place, 0);
    }
    for (int threads = 1; threads <= 2; threads++) {
        rate_of(rate, count, WORK_READ_BYTES, threads);
        rate_of(rate, count, WORK_COPY_BYTES, threads);
        rate_of(rate, count, WORK_TRIAD_BYTES, threads);
    }
    rate_of(rate, count, WORK_DGEMM_FLOP, 1);
    rate_of(rate, count, WORK_SGEMM_FLOP, 1);
    /* What was measured can be kept and read back to the bit. */
    struct mu_err err = {0};
    const struct measured found = {.rate = rate, .rates = count};
    struct measured kept;
    assert_true(measure_keep(&r.in, &r.machine, &found, &err));
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_int_equal(kept.rates, count);
    assert_false(kept.stale);
    for (size_t i = 0; i < count; i++)
        assert_exactly(kept.rate[i].per_s.likely, rate[i].per_s.likely);
    rig_close(&r);
}

/* The engine gets `name` in the middle of its memory test; the other tests' rates are there and the folder is empty after. */
static void signalled(const char *name)
{
    struct rig r;
    rig_open(&r);
    r.in.disk_folder = NULL;
    /* A sanitizer would turn the crash into an exit. */
    static const char script[] = "export ASAN_OPTIONS=handle_segv=0\n"
                                 "if [ $1 = memory ]; then (sleep 0.3; kill -%s $$) >&- 2>&- & fi\n"
                                 "exec '%s' $1";
    rig_engine(&r, str_format(r.arena, script, name, engine));
    const struct rate *rate = NULL;
    const size_t count = measured(&r, &rate);
    rate_of(rate, count, WORK_SGEMM_FLOP, 1);
    for (size_t i = 0; i < count; i++) assert_int_not_equal(rate[i].work, WORK_READ_BYTES);
    assert_noted(&r.notes, "memory bandwidth not measured: muster-engine ");
    assert_noted(&r.notes, name);
    rig_close(&r);
}

static void test_killed(void **state)
{
    (void)state;
    signalled("KILL");
}

static void test_crashed(void **state)
{
    (void)state;
    signalled("SEGV");
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    engine = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_crashed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
