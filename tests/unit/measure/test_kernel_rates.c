/* tests/unit/measure/test_kernel_rates.c - rates of one type of weights: which rows are believed, how they are told apart and kept, what is
 * asked for, and what happens where AMX does not work. Engines are shell scripts. */
#include "rig.h"

#include "catalog/types.h"
#include "measure/rows.h"
#include "measure/types_asked.h"

#define ROW(more)                                                                              \
    "{\"work\": \"matmul\", " more                                                             \
    "\"threads\": 1, \"low\": 1, \"likely\": 2, \"high\": 3, \"runs\": 3, \"source\": \"s\", " \
    "\"conditions\": \"idle\"}"
#define OTHER(work, more)                                                                      \
    "{\"work\": \"" work "\", " more                                                           \
    "\"threads\": 1, \"low\": 1, \"likely\": 2, \"high\": 3, \"runs\": 3, \"source\": \"s\", " \
    "\"conditions\": \"idle\"}"

static void typed_rig(struct rig *r)
{
    rig_open(r);
    r->in.catalog = catalog_open(NULL, r->arena);
    r->in.disk_folder = NULL;
}

static bool rate_of(struct rig *r, const char *text, struct rate *out, struct mu_err *err)
{
    struct json *j = NULL;
    struct measure_row row = {0};
    assert_true(json_parse(str_of(text), "row", &j, err));
    const bool good = fields_read(&measure_row_table, j, &row, r->arena, err) &&
                      measure_row_rate(&row, 0, r->in.catalog, r->arena, out, err);
    json_free(j);
    return good;
}

static void test_rows(void **state)
{
    (void)state;
    struct rig r;
    struct rate rate;
    struct mu_err err = {0};
    typed_rig(&r);
    assert_true(rate_of(&r,
                        ROW("\"type\": \"q4_K\", \"tokens\": 512, \"buffer\": \"A\\u001b[31mX\", "),
                        &rate, &err));
    assert_int_equal(rate.type, 12);
    assert_exactly(rate.tokens, 512);
    assert_exactly(rate.row, 0);
    assert_null(strchr(rate.buffer, '\033'));
    assert_true(rate_of(&r, OTHER("sgemm", ""), &rate, &err));
    assert_int_equal(rate.type, RATE_NO_TYPE);
    assert_null(rate.buffer);
    rig_close(&r);
}

static void test_rows_that_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {ROW(""), "matmul without a type"},
        {ROW("\"type\": \"q4_K\", "), "not a whole number"},
        {ROW("\"type\": \"q4_K\", \"tokens\": 1.5, "), "not a whole number"},
        {ROW("\"type\": \"q4_K\", \"tokens\": 0, "), "not a whole number"},
        {ROW("\"type\": \"q4_K\", \"tokens\": 1e9, "), "not a whole number"},
        {ROW("\"type\": \"q4_K\", \"tokens\": 1, \"row\": -1, "), "not a whole number"},
        {ROW("\"type\": \"q77\", \"tokens\": 1, "), "none that is known"},
        {ROW("\"type\": \"q4_K\", \"tokens\": 1, \"buffer\": \"\", "), "\"buffer\""},
        {OTHER("sgemm", "\"type\": \"q4_K\", "), "sgemm with a type"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct rig r;
        struct rate rate;
        struct mu_err err = {0};
        typed_rig(&r);
        assert_false(rate_of(&r, bad[i].text, &rate, &err));
        if (!strstr(err.text, bad[i].why)) fail_msg("\"%s\" lacks \"%s\"", err.text, bad[i].why);
        rig_close(&r);
    }
}

static void test_without_a_catalogue(void **state)
{
    (void)state;
    struct rig r;
    struct rate rate;
    struct mu_err err = {0};
    rig_open(&r);
    assert_false(rate_of(&r, ROW("\"type\": \"q4_K\", \"tokens\": 1, "), &rate, &err));
    rig_close(&r);
}

static const struct rate several[] = {
    {.work = WORK_MATMUL_FLOP, .type = 12, .tokens = 1, .buffer = "AMX", .threads = 1},
    {.work = WORK_MATMUL_FLOP, .type = 12, .tokens = 1, .buffer = "CPU", .threads = 1},
    {.work = WORK_MATMUL_FLOP, .type = 12, .tokens = 1, .threads = 1},
    {.work = WORK_MATMUL_FLOP, .type = 12, .tokens = 1, .buffer = "AMX", .threads = 2},
    {.work = WORK_MATMUL_FLOP, .type = 12, .tokens = 512, .buffer = "AMX", .threads = 1},
    {.work = WORK_MATMUL_FLOP, .type = 14, .tokens = 1, .buffer = "AMX", .threads = 1},
    {.work = WORK_ATTEND_FLOP, .type = 1, .tokens = 1, .row = 64, .threads = 1},
    {.work = WORK_ATTEND_FLOP, .type = 1, .tokens = 1, .row = 128, .threads = 1},
    {.work = WORK_OPERATIONS, .type = RATE_NO_TYPE, .threads = 1},
};

static void test_told_apart_and_kept(void **state)
{
    (void)state;
    struct rig r;
    struct mu_err err = {0};
    struct rate rate[COUNT_OF(several)];
    typed_rig(&r);
    for (size_t i = 0; i < COUNT_OF(several); i++) {
        assert_false(measure_has_rate(several, i, &several[i]));
        assert_true(measure_has_rate(several, i + 1, &several[i]));
        rate[i] = several[i];
        rate[i].runs = 3;
        rate[i].conditions = "idle";
        rate[i].per_s = estimate_of(1, 2, 3, MEASURED, "a test");
    }
    const struct measured found = {.rate = rate, .rates = COUNT_OF(rate)};
    struct measured kept;
    if (!measure_keep(&r.in, &r.machine, &found, &err)) fail_msg("%s", err.text);
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_int_equal(kept.rates, COUNT_OF(rate));
    for (size_t i = 0; i < kept.rates; i++) {
        assert_true(measure_has_rate(&rate[i], 1, &kept.rate[i]));
        assert_int_equal(kept.rate[i].type, rate[i].type);
    }
    rig_close(&r);
}

/* Another build of the engine: still shown, but not trusted for good. */
static void test_stale(void **state)
{
    (void)state;
    struct rig r;
    struct mu_err err = {0};
    typed_rig(&r);
    rig_engine(&r, "exit 0");
    struct rate rate = several[0];
    rate.runs = 3;
    rate.conditions = "idle";
    rate.per_s = estimate_of(1, 2, 3, MEASURED, "a test");
    const struct measured found = {.rate = &rate, .rates = 1};
    struct measured kept;
    assert_true(measure_keep(&r.in, &r.machine, &found, &err));
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_false(kept.stale);
    rig_engine(&r, "exit 0 # another");
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_true(kept.stale);
    r.in.engine = NULL;
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_false(kept.stale);
    rig_close(&r);
}

static void test_types(void **state)
{
    (void)state;
    struct rig r;
    double usual[TYPES], all[TYPES];
    typed_rig(&r);
    const size_t few = measure_types(r.in.catalog, MEASURE_USUAL, usual);
    const size_t many = measure_types(r.in.catalog, MEASURE_FULL, all);
    assert_true(few >= 8);
    assert_true(many > few);
    const struct weight_type *types = catalog_types(r.in.catalog, NULL);
    bool seen[TYPES] = {false};
    for (size_t i = 0; i < many; i++) {
        assert_false(seen[(size_t)all[i]]);
        seen[(size_t)all[i]] = true;
        assert_true(types[(size_t)all[i]].storable);
        if (i < few) assert_exactly(all[i], usual[i]);
    }
    const struct mix *mix;
    size_t mixes;
    assert_true(catalog_mixes(r.in.catalog, &mix, &mixes, NULL));
    for (size_t i = 0; i < mixes; i++) assert_true(seen[mix[i].base->id]);
    assert_int_equal(measure_types(NULL, MEASURE_FULL, all), 0);
    rig_close(&r);
}

#define GOOD "echo '" OTHER("memory read", "") "'"
/* The names of the tests as they are asked for, one after the other, in a file beside the engine. */
#define HEAR "echo \"$*\" >>\"${0%/*}/asked\"\n"

static const char *asked(struct rig *r)
{
    char text[4096];
    const char *path = str_format(r->arena, "%s/asked", r->folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    unlink(path);
    return str_copy(r->arena, (struct str){text, n});
}

static void amx_rig(struct rig *r, const char *script)
{
    static const char *const features[] = {"avx2", "amx_int8", "amx_bf16", "fma"};
    typed_rig(r);
    r->facts.cpu.features = features;
    r->facts.cpu.feature_count = COUNT_OF(features);
    rig_engine(r, str_format(r->arena, "%s%s\n%s", HEAR, script,
                             "case $1 in memory) " GOOD ";; *) exit 64;; esac"));
}

static const struct machine *applied(struct rig *r, struct measured *found)
{
    struct mu_err err = {0};
    if (!measure_machine(&r->in, &r->machine, MEASURE_USUAL, found, &err)) fail_msg("%s", err.text);
    return measure_applied(&r->machine, found, r->arena);
}

static void test_amx_works(void **state)
{
    (void)state;
    struct rig r;
    struct measured found;
    amx_rig(&r, "[ $1 = amx ] && echo '{\"error\": 1e-14}' && exit");
    const struct machine *m = applied(&r, &found);
    assert_null(found.no_amx);
    assert_int_equal(m->facts->cpu.feature_count, 4);
    assert_string_equal(asked(&r), "amx\nmemory\ngemm\nkernels\nguide\n");
    assert_noted(&r.notes, "speed by type of weights not measured: this muster-engine was built "
                           "without llama.cpp");
    rig_close(&r);
}

static void test_amx_traps(void **state)
{
    (void)state;
    struct rig r;
    struct measured found, kept;
    struct mu_err err = {0};
    amx_rig(&r, "[ \"$*\" = amx ] && kill -ILL $$\n[ $1 = amx ] && echo '{\"error\": 0}' && exit");
    const struct machine *m = applied(&r, &found);
    assert_noted(&r.notes, "AMX does not work here, so all is judged without it: muster-engine ");
    assert_noted(&r.notes, "SIGILL");
    assert_string_equal(asked(&r), "amx\namx --no-amx\nmemory --no-amx\ngemm --no-amx\n"
                                   "kernels --no-amx\nguide --no-amx\n");
    assert_int_equal(m->facts->cpu.feature_count, 2);
    assert_string_equal(m->facts->cpu.features[0], "avx2");
    assert_string_equal(m->facts->cpu.features[1], "fma");
    /* Kept with the rates, and said again. */
    assert_true(measure_keep(&r.in, &r.machine, &found, &err));
    r.notes.count = 0;
    assert_true(measure_kept(&r.in, &r.machine, &kept));
    assert_string_equal(kept.no_amx, found.no_amx);
    assert_noted(&r.notes, "AMX does not work here");
    rig_close(&r);
}

/* Wrong either way: AMX is not to blame. */
static void test_check_fails_either_way(void **state)
{
    (void)state;
    struct rig r;
    struct measured found;
    amx_rig(&r, "[ $1 = amx ] && exit 70");
    const struct machine *m = applied(&r, &found);
    assert_null(found.no_amx);
    assert_int_equal(m->facts->cpu.feature_count, 4);
    assert_noted(&r.notes, "the CPU's extra buffers could not be checked");
    assert_non_null(strstr(asked(&r), "\nmemory\n"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_that_are_not_believed),
        cmocka_unit_test(test_without_a_catalogue),
        cmocka_unit_test(test_told_apart_and_kept),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_amx_works),
        cmocka_unit_test(test_amx_traps),
        cmocka_unit_test(test_check_fails_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
