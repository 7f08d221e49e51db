/* Reports: written, read, written again byte for byte; the guide's own; other versions; and every kind of bad bytes. */
#include "looked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapped.h"
#include "machine/report.h"

static const char *const trees[] = {"this-kind-of-vm", "raspberry-pi", "two-sockets",
                                    "hybrid-laptop",   "container",    "wsl2",
                                    "old-kernel"};
static const char *const lines[] = {
    "cpu:8 ram:32GiB available:28GiB swap:0 gpu:RTX 4090 x2 disk:500GiB os:linux bandwidth:60GB/s",
    "ram:1",
    "ram:32GiB gpu:RTX 4090 24GB free 20GB, Tesla M40 24GB",
    "ram:64GiB available:60GiB gpu:M2 Max",
};

/* Texts with everything in them that a host may hold. */
static const char *const hostile_notes[] = {
    "plain", "\x1b[31mred\x07 \xe2\x80\xae \"quoted\" \\ \n tab\t", "\xf0\x9f\x98\x80"};

static struct report report_of(const struct machine *m, struct arena *a)
{
    static const struct verdict_row verdicts[] = {
        {"e0_e1", "E0, E1", "yes", "probably", "because", 2.5e9, "set", "run \x1b[0m"},
        {"e2_full", "E2", NULL, "not computed", "no rule \x1b[0m", (double)NAN, NULL, NULL}};
    static const struct figure_row figures[] = {
        {.experiment = "e0_e1",
         .what = "duration",
         .label = "hostile \x1b[0m",
         .said = "1-2 h",
         .low = 3600,
         .high = 7200,
         .ours = {(double)NAN, (double)NAN, (double)NAN, UNKNOWN, "no rule"},
         .verdict = "unsupported",
         .why = "no rule"}};
    static const char *const recommendations[] = {"a model"};
    return (struct report){.timestamp = "2026-11-21 08:00:00",
                           .hostname = m->name,
                           .system = guide_system_of(m, catalog_open(NULL, a), a),
                           .benchmark = guide_benchmark_of(m),
                           .capable = 1,
                           .capabilities = {.prerequisites = true,
                                            .model_recommendations = recommendations,
                                            .model_recommendation_count = 1},
                           .machine = m,
                           .verdict = verdicts,
                           .verdicts = COUNT_OF(verdicts),
                           .figure = figures,
                           .figures = COUNT_OF(figures),
                           .notes = hostile_notes,
                           .note_count = COUNT_OF(hostile_notes)};
}

/* What every machine of these tests is given: rates whose figures need all their digits. */
static const struct machine *rated(const struct machine *m, struct arena *a)
{
    struct rate *rate = NEW_ARRAY(a, struct rate, 3);
    rate[0] = (struct rate){
        .work = WORK_READ_BYTES,
        .type = RATE_NO_TYPE,
        .threads = 1,
        .runs = 5,
        .conditions = "idle",
        .per_s = estimate_of(26.1e9 / 3, 26.8e9 / 3, 27e9, MEASURED, "muster-engine")};
    rate[1] = (struct rate){.work = WORK_GUIDE_ROUNDS,
                            .type = RATE_NO_TYPE,
                            .threads = 2,
                            .runs = 3,
                            .per_s = estimate_exactly(100 / 4.567, MEASURED, "muster-engine")};
    rate[2] = (struct rate){.work = WORK_MATMUL_FLOP,
                            .type = 12,
                            .tokens = 512,
                            .row = 128,
                            .buffer = "AMX",
                            .threads = 2,
                            .runs = 3,
                            .per_s = estimate_exactly(6.4e11 / 7, MEASURED, "muster-engine")};
    return machine_with_rates(m, rate, 3, a);
}

static void expect_same_again(const struct report *r, struct looked *s)
{
    struct buf first;
    struct buf second;
    struct report back;
    buf_init(&first, 16 << 20);
    buf_init(&second, 16 << 20);
    report_write(r, &first);
    assert_false(first.over);
    assert_true(report_is(buf_text(&first)));
    if (!report_read(buf_text(&first), "first", s->arena, &back, &s->err))
        fail_msg("%s", s->err.text);
    report_write(&back, &second);
    assert_string_equal(buf_text(&second).p, buf_text(&first).p);
    buf_release(&first);
    buf_release(&second);
}

static void test_same_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(trees); i++) {
        struct looked *s = looked_tree(trees[i]);
        const struct machine *m = looked_machine(s);
        struct report r = report_of(m, s->arena);
        expect_same_again(&r, s);
        r = report_of(rated(m, s->arena), s->arena);
        expect_same_again(&r, s);
        looked_close(s);
    }
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct looked *s = looked_tree(trees[0]);
        const struct report r = report_of(looked_line(s, lines[i]), s->arena);
        expect_same_again(&r, s);
        looked_close(s);
    }
    struct looked *s = looked_open(NULL);
    const struct report r = report_of(looked_machine(s), s->arena);
    expect_same_again(&r, s);
    looked_close(s);
}

/* Everything a reader of machines asks comes back. */
static void test_read_back(void **state)
{
    (void)state;
    struct looked *s = looked_tree("hybrid-laptop");
    const struct machine *m = rated(looked_machine(s), s->arena);
    const struct report r = report_of(m, s->arena);
    struct report back;
    struct buf text;
    buf_init(&text, 16 << 20);
    report_write(&r, &text);
    assert_true(report_read(buf_text(&text), "r", s->arena, &back, &s->err));
    const struct machine *b = back.machine;
    assert_string_equal(b->name, m->name);
    assert_string_equal(b->fingerprint, m->fingerprint);
    assert_null(b->unmeasured);
    assert_false(b->here);
    assert_int_equal(b->pools, m->pools);
    assert_int_equal(b->places, m->places);
    assert_int_equal(b->rates, m->rates);
    assert_true(b->rates >= 3);
    assert_int_equal(b->rate[0].type, RATE_NO_TYPE);
    assert_exactly(b->rate[0].tokens, 0);
    assert_null(b->rate[0].buffer);
    assert_int_equal(b->rate[2].type, 12);
    assert_exactly(b->rate[2].tokens, 512);
    assert_exactly(b->rate[2].row, 128);
    assert_string_equal(b->rate[2].buffer, "AMX");
    assert_int_equal(b->rate[1].work, WORK_GUIDE_ROUNDS);
    assert_exactly(machine_rate(b, WORK_READ_BYTES, RATE_ALL_THREADS)->per_s.low, 26.1e9 / 3);
    assert_exactly(machine_memory(b)->usable_bytes.value, machine_memory(m)->usable_bytes.value);
    assert_string_equal(machine_memory(b)->bound_by, machine_memory(m)->bound_by);
    assert_string_equal(b->facts->cpu.name, m->facts->cpu.name);
    assert_int_equal(b->facts->cpu.clusters, m->facts->cpu.clusters);
    assert_int_equal(b->facts->gpus, m->facts->gpus);
    assert_string_equal(back.verdict[1].why,
                        "no rule \x1b[0m"); /* kept; who shows it makes it visible */
    assert_true(isnan(back.verdict[1].needed_bytes));
    assert_string_equal(back.notes[1], hostile_notes[1]);
    assert_exactly(back.benchmark.matrix_mult_time, 4.57);
    buf_release(&text);
    looked_close(s);
}

/* What accelerators add: places with their pools, links and listed rates. */
static void test_accelerators_read_back(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    struct report back;
    struct buf text;
    const struct machine *m =
        looked_line(s, "ram:64GiB gpu:RTX 4090 free 20GB, M2 Max 24GB"); /* an odd machine, yes */
    const struct report r = report_of(m, s->arena);
    buf_init(&text, 16 << 20);
    report_write(&r, &text);
    if (!report_read(buf_text(&text), "r", s->arena, &back, &s->err)) fail_msg("%s", s->err.text);
    const struct machine *b = back.machine;
    assert_int_equal(b->places, 3);
    assert_int_equal(b->links, 2);
    assert_int_equal(b->rates, m->rates);
    for (size_t i = 1; i < 3; i++) {
        const struct place *have = &b->place[i], *want = &m->place[i];
        assert_int_equal(have->kind, PLACE_GPU);
        assert_int_equal(have->pool, want->pool);
        assert_int_equal(have->gpu, want->gpu);
        assert_string_equal(have->part, want->part);
        assert_string_equal(have->architecture, want->architecture);
        assert_string_equal(have->backend, want->backend);
        assert_value(have->power_w, value_of(want->power_w));
        assert_exactly(machine_place_rate(b, i, WORK_HGEMM_FLOP)->per_s.likely,
                       machine_place_rate(m, i, WORK_HGEMM_FLOP)->per_s.likely);
    }
    assert_int_equal(machine_memory(b)->kind, POOL_SHARED);
    assert_value(b->place[2].limit_bytes, 24 * 0x1p30);
    assert_false(known(b->place[1].limit_bytes, NULL));
    assert_value(b->pool[b->place[1].pool].usable_bytes, 20 * 0x1p30);
    assert_non_null(machine_link(b, 0, b->place[1].pool));
    assert_value(b->facts->gpu[0].free_bytes, 20 * 0x1p30);
    assert_string_equal(b->facts->gpu[1].kind, GPU_INTEGRATED);
    buf_release(&text);
    looked_close(s);
}

static const char guides_own[] =
    "{\"timestamp\": \"2026-01-02 03:04:05\", \"hostname\": \"bench\", \"system\": {\"platform\": "
    "\"Linux\", "
    "\"processor\": \"\", \"architecture\": \"x86_64\", \"python_version\": \"3.11.2 (main) "
    "\\n[GCC 12]\", "
    "\"cpu_count\": 16, \"cpu_count_physical\": 8, \"ram_gb\": 31.25, \"ram_available_gb\": 28.5, "
    "\"disk_free_gb\": 100.13, \"gpu\": \"NVIDIA RTX A2000, 12282 MiB\\nOther, Card, 8 MiB\", "
    "\"gpu_type\": \"nvidia\"}, "
    "\"benchmark\": {\"matrix_mult_time\": 4.2, \"operations_per_second\": 23.81}, "
    "\"capabilities\": {"
    "\"prerequisites\": true, \"e0_e1\": true, \"e2_full\": true, \"e2_quantized\": false, "
    "\"model_recommendations\": [\"phi-3-mini (full precision)\"], \"notes\": \"n\"}}";

static void test_guides_own(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    struct report r;
    assert_true(report_is(str_of(guides_own)));
    if (!report_read(str_of(guides_own), "g", s->arena, &r, &s->err)) fail_msg("%s", s->err.text);
    const struct machine *m = r.machine;
    assert_string_equal(r.hostname, "bench");
    assert_string_equal(m->name, "bench");
    assert_string_equal(r.system.gpu_type, "nvidia");
    assert_string_equal(r.system.python_version, "3.11.2 (main) \n[GCC 12]");
    assert_exactly(r.benchmark.matrix_mult_time, 4.2);
    assert_true(r.capabilities.e2_full);
    assert_string_equal(r.capabilities.model_recommendations[0], "phi-3-mini (full precision)");
    assert_value(machine_memory(m)->usable_bytes, 28.5 * 0x1p30);
    assert_int_equal(machine_memory(m)->usable_bytes.origin, REPORTED);
    assert_value(machine_memory(m)->total_bytes, 31.25 * 0x1p30);
    assert_value(machine_cpu(m)->threads, 16);
    assert_int_equal(m->rates, 0);
    assert_non_null(m->unmeasured);
    assert_int_equal(m->facts->gpus, 2);
    assert_string_equal(m->facts->gpu[0].name, "NVIDIA RTX A2000");
    assert_value(m->facts->gpu[0].memory_bytes, 12282 * 0x1p20);
    assert_string_equal(m->facts->gpu[1].name, "Other, Card");
    const struct guide_system again = guide_system_of(m, s->looking.catalog, s->arena);
    assert_exactly(again.ram_gb, r.system.ram_gb);
    assert_exactly(again.ram_available_gb, r.system.ram_available_gb);
    assert_exactly(again.disk_free_gb, r.system.disk_free_gb);
    assert_string_equal(again.gpu, r.system.gpu);
    expect_same_again(&r, s);
    looked_close(s);
}

struct refusal {
    const char *text, *says;
    bool is_report;
};

#define HEAD "{\"muster\": \"9\", \"schema\": \"report/1\", "
#define POOL "\"pools\": [{\"kind\": \"memory\", \"name\": \"m\"}]"
#define POOLS                                               \
    "\"pools\": [{\"kind\": \"memory\", \"name\": \"m\"}, " \
    "{\"kind\": \"disk\", \"name\": \"/\"}]"
#define SEEN "\"facts\": {\"gpus\": [{\"name\": \"g\", \"sized\": \"s\"}]}"
#define GPU_PLACE(rest)                                                 \
    HEAD POOL ", " SEEN ", \"places\": [{\"kind\": \"cpu\", \"name\": " \
              "\"c\", \"pool\": 0}, {\"kind\": \"gpu\", \"name\": \"g\", " rest "}]}"
#define LINK(rest) HEAD POOLS ", " CPU ", \"links\": [{" rest "}]}"
#define CPU "\"places\": [{\"kind\": \"cpu\", \"name\": \"c\", \"pool\": 0}]"

static const struct refusal refusals[] = {
    {"", "report", false},
    {"{", "report", false},
    {"[]", "neither", false},
    {"{}", "neither", false},
    {"null", "neither", false},
    {"{\"schema\": \"report/2\", \"muster\": \"9.0\"}", "report/2", true},
    {"{\"schema\": \"report/\\u001b[31m\"}", "report/\\x1b[31m", true},
    {"{\"schema\": \"selftest/1\"}", "another kind, selftest/1", false},
    {"{\"schema\": 1}", "neither", false},
    {"{\"system\": {\"ram_gb\": 1}, \"capabilities\": {}, \"benchmark\": {}}", "neither", false},
    {HEAD CPU "}", "no pool of memory", true},
    {HEAD POOL "}", "no CPU", true},
    {HEAD POOL ", \"places\": [{\"kind\": \"cpu\", \"name\": \"c\", \"pool\": 1}]}", "places[0]",
     true},
    {HEAD POOL ", \"places\": [{\"kind\": \"cpu\", \"name\": \"c\", \"pool\": 0.5}]}", "places[0]",
     true},
    {HEAD POOL ", \"places\": [{\"kind\": \"cpu\", \"name\": \"c\", \"pool\": -1}]}",
     "pool of place is -1", true},
    {HEAD POOL ", \"places\": [{\"kind\": \"abacus\", \"name\": \"c\", \"pool\": 0}]}", "places[0]",
     true},
    {HEAD "\"pools\": [{\"kind\": \"memory\"}], " CPU "}", "name of pool must be text", true},
    {HEAD "\"pools\": [{\"kind\": \"sea\", \"name\": \"m\"}], " CPU "}", "pools[0]", true},
    {HEAD "\"pools\": [{\"kind\": \"memory\", \"name\": 5}], " CPU "}", "must be text", true},
    {HEAD "\"pools\": {}, " CPU "}", "must be a list", true},
    {HEAD POOL ", " CPU ", \"system\": {\"ram_gb\": -5}}", "ram_gb of system is -5", true},
    {HEAD POOL ", " CPU ", \"system\": {\"cpu_count\": 1e12}}", "cpu_count of system is 1e+12",
     true},
    {HEAD POOL ", " CPU ", \"rates\": [{\"work\": \"juggling\", \"place\": 0, \"threads\": 1}]}",
     "rates[0]", true},
    {HEAD POOL ", " CPU ", \"rates\": [{\"work\": \"sgemm\", \"place\": 0, \"threads\": 1}]}",
     "rates[0]", true},
    {HEAD POOL ", " CPU
               ", \"rates\": [{\"work\": \"sgemm\", \"place\": 0, \"threads\": 1, \"per_s\": "
               "{\"low\": -1, \"likely\": 2, \"high\": 3, \"origin\": \"measured\"}}]}",
     "per_s of rate is -1", true},
    {HEAD POOL ", " CPU
               ", \"rates\": [{\"work\": \"matmul\", \"type\": 255, \"place\": 0, \"threads\": "
               "1, \"per_s\": {\"low\": 1, \"likely\": 2, \"high\": 3, \"origin\": "
               "\"measured\"}}]}",
     "rates[0] is of no known work, type", true},
    {HEAD POOL ", " CPU ", \"rates\": [{\"work\": \"matmul\", \"tokens\": -1}]}",
     "tokens of rate is -1", true},
    {HEAD POOL ", " CPU ", \"facts\": {\"cpu\": {\"caches\": [{\"name\": \"L\"}]}}}",
     "a cache is called", true},
    {HEAD POOL ", " CPU ", \"facts\": {\"disks\": [{\"purpose\": \"root\", \"same_as\": 3}]}}",
     "same_as", true},
    {HEAD POOL
     ", " CPU
     ", \"facts\": {\"memory\": {\"total_bytes\": {\"value\": 1e300, \"origin\": \"measured\"}}}}",
     "total_bytes of memory is 1e+300", true},
    {GPU_PLACE("\"pool\": 0"), "places[1]", true},
    {GPU_PLACE("\"pool\": 0, \"gpu\": 1"), "places[1]", true},
    {GPU_PLACE("\"pool\": 0, \"gpu\": 0.5"), "places[1]", true},
    {GPU_PLACE("\"pool\": 1, \"gpu\": 0"), "places[1]", true},
    {GPU_PLACE("\"pool\": 0, \"gpu\": 0, \"limit_bytes\": {\"value\": -1, \"origin\": "
               "\"measured\"}"),
     "limit_bytes of place is -1", true},
    {HEAD POOLS ", \"places\": [{\"kind\": \"cpu\", \"name\": \"c\", \"pool\": 1}]}",
     "in no pool of memory", true},
    {LINK("\"from\": 0, \"to\": 0"), "links[0]", true},
    {LINK("\"from\": 0, \"to\": 2"), "links[0]", true},
    {LINK("\"from\": 0"), "links[0]", true},
    {LINK("\"from\": 0, \"to\": 1, \"bytes_per_s\": {\"value\": 0, \"origin\": \"measured\"}"),
     "links[0]", true},
    {LINK("\"from\": 0, \"to\": 1, \"bytes_per_s\": {\"value\": 1e19, \"origin\": "
          "\"measured\"}"),
     "bytes_per_s of link", true},
    {HEAD "\"schema\": \"report/1\"}", "duplicate", false},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct arena *a = arena_new(1 << 20);
        struct report r;
        struct mu_err err = {.code = MU_OK};
        if (report_read(str_of(refusals[i].text), "r.json", a, &r, &err))
            fail_msg("read: %s", refusals[i].text);
        assert_int_equal(err.code, MU_DATA);
        if (!strstr(err.text, refusals[i].says))
            fail_msg("%s\nsays: %s\nnot: %s", refusals[i].text, err.text, refusals[i].says);
        assert_non_null(strstr(err.text, "r.json"));
        assert_int_equal(report_is(str_of(refusals[i].text)), refusals[i].is_report);
        arena_free(a);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof guides_own - 1; n++) {
        struct arena *a = arena_new(1 << 20);
        struct report r;
        struct mu_err err = {.code = MU_OK};
        char *part = malloc(n + 1); /* its own block, so that reading past the end is seen */
        assert_non_null(part);
        memcpy(part, guides_own, n);
        assert_false(report_read((struct str){part, n}, "r", a, &r, &err));
        assert_false(report_is((struct str){part, n}));
        free(part);
        arena_free(a);
    }
}

/* More rows than any machine has, and deep nesting, end in a message. */
static void test_large(void **state)
{
    (void)state;
    struct buf text;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct report r;
    struct mu_err err = {.code = MU_OK};
    buf_init(&text, 4 << 20);
    buf_add(&text, S(HEAD "\"pools\": ["));
    for (int i = 0; i < 5000; i++)
        buf_format(&text, "%s{\"kind\": \"memory\", \"name\": \"m\"}", i ? "," : "");
    buf_add(&text, S("], " CPU "}"));
    assert_false(report_read(buf_text(&text), "large", a, &r, &err));
    assert_non_null(strstr(err.text, "more rows"));
    buf_release(&text);
    err.code = MU_OK;
    buf_fill(&text, '[', 200 << 10);
    assert_false(report_read(buf_text(&text), "deep", a, &r, &err));
    assert_int_equal(err.code, MU_DATA);
    buf_release(&text);
    arena_free(a);
}

/* docs/schema/report-1.json is what report_schema() yields: `write_report schema` prints it. */
static void test_schema_file(void **state)
{
    (void)state;
    static const char path[] = SOURCE_ROOT "/docs/schema/report-1.json";
    struct buf made;
    struct mapped file;
    struct mu_err err = {.code = MU_OK};
    buf_init(&made, 1 << 20);
    report_schema(&made);
    if (!mapped_open(path, 0, &file, NULL, &err)) fail_msg("%s", err.text);
    struct arena *a = arena_new(1 << 20);
    assert_string_equal(str_copy(a, file.bytes), buf_text(&made).p);
    arena_free(a);
    mapped_close(&file);
    buf_release(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_again),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_accelerators_read_back),
        cmocka_unit_test(test_guides_own),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_schema_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
