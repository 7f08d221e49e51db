/* Getting a model: bits and bytes of a line, room on the disk, the first load, and what is said of a slow disk. Unknown stays unknown. */
#include "../stage.h"

#include <math.h>

#include "base/num.h"
#include "judge/fetch.h"
#include "machine/facts.h"

#define GiB (1024.0 * 1024 * 1024)

struct made {
    struct disk_facts disk[2];
    struct facts facts;
    struct rate rate;
    struct machine machine;
    struct fetch_asked asked;
    struct fetch out;
};

static struct disk_facts disk(const char *purpose, const char *kind, double free_bytes, double same)
{
    return (struct disk_facts){.purpose = purpose,
                               .mount = "/",
                               .filesystem = "ext4",
                               .kind = kind,
                               .free_bytes = quantity_of(free_bytes, REPORTED, "test"),
                               .total_bytes = unknown(NULL),
                               .same_as = same};
}

/* Two disks: this folder's, which was measured, and the hub's cache. */
static void make(struct made *m, double file_bytes)
{
    *m = (struct made){
        .disk = {disk("this folder", "nvme", 100 * GiB, 0), disk("HF cache", "nvme", 20 * GiB, 0)},
        .rate = {.work = WORK_DISK_READ_BYTES,
                 .type = RATE_NO_TYPE,
                 .threads = 1,
                 .per_s = estimate_of(1e9, 2e9, 4e9, MEASURED, "test")},
        .asked = {.file_bytes = file_bytes,
                  .published_bytes = (double)NAN,
                  .line_bytes_per_s = (double)NAN,
                  .slow_disk_bytes_per_s = 290e6}};
    m->facts = (struct facts){.disk = m->disk, .disks = COUNT_OF(m->disk)};
    m->machine = (struct machine){.facts = &m->facts, .rate = &m->rate, .rates = 1};
    m->asked.machine = &m->machine;
}

static void near(const char *what, double wanted, double got)
{
    if (!(fabs(wanted - got) <= 1e-9 * fabs(wanted)))
        fail_msg("%s: wanted %.17g, got %.17g", what, wanted, got);
}

static void test_line(void **state)
{
    static const struct {
        const char *text;
        double bytes_per_s;
    } good[] = {{"100Mbit/s", 12.5e6}, {"1 Gbit/s", 125e6}, {"50MB/s", 50e6},
                {" 16 Mbps ", 2e6},    {"8Mb/s", 1e6},      {"1MiB/s", 1048576},
                {"2.5Gbit", 312.5e6},  {"56kbit/s", 7000},  {"0.5 GB/s", 5e8},
                {"1e2 Mbit/s", 12.5e6}};
    static const char *const bad[] = {"",         "100",      "Mbit/s",   "-1MB/s",
                                      "0Mbit/s",  "nan MB/s", "inf GB/s", "1e300 GB/s",
                                      "5 apples", "50 mb",    "1 0MB/s",  "1e-9kbit/s"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double got = 0;
        if (!fetch_line_parse(str_of(good[i].text), &got))
            fail_msg("'%s' is refused", good[i].text);
        near(good[i].text, good[i].bytes_per_s, got);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        double got = -7;
        if (fetch_line_parse(str_of(bad[i]), &got)) fail_msg("'%s' is taken as %g", bad[i], got);
        assert_true(got == -7);
    }
}

static void test_time(void **state)
{
    struct made m;
    (void)state;
    make(&m, 1e9);
    judge_fetch(&m.asked, &m.out);
    assert_true(m.out.examples);
    assert_int_equal(m.out.times, 2);
    near("100 Mbit/s", 80, m.out.time[0].seconds);
    near("1 Gbit/s", 8, m.out.time[1].seconds);
    m.asked.line_bytes_per_s = 50e6;
    judge_fetch(&m.asked, &m.out);
    assert_false(m.out.examples);
    assert_int_equal(m.out.times, 1);
    near("50 MB/s", 20, m.out.time[0].seconds);
}

static void test_room(void **state)
{
    struct made m;
    double left = 0;
    (void)state;
    make(&m, 5 * GiB);
    judge_fetch(&m.asked, &m.out);
    assert_string_equal(m.out.disk->purpose, "HF cache");
    assert_true(known(m.out.left_bytes, &left));
    near("left", 15 * GiB, left);
    /* what is converted lies there three times */
    m.asked.convert = true;
    m.asked.published_bytes = 10 * GiB;
    m.asked.between_bytes = 10 * GiB;
    judge_fetch(&m.asked, &m.out);
    near("at once", 25 * GiB, m.out.disk_bytes);
    near("fetched", 10 * GiB, m.out.download_bytes);
    assert_true(known(m.out.left_bytes, &left));
    near("too little", -5 * GiB, left);
    /* of what is published nothing is known */
    m.asked.published_bytes = (double)NAN;
    judge_fetch(&m.asked, &m.out);
    assert_true(isnan(m.out.download_bytes) && isnan(m.out.disk_bytes));
    assert_int_equal(m.out.times, 0);
    assert_false(known(m.out.left_bytes, NULL));
    m.disk[1].free_bytes = unknown("test");
    m.asked.convert = false;
    judge_fetch(&m.asked, &m.out);
    assert_false(known(m.out.left_bytes, NULL));
}

static void test_load(void **state)
{
    struct made m;
    (void)state;
    make(&m, 8e9);
    judge_fetch(&m.asked, &m.out);
    near("low", 2, m.out.load_s.low);
    near("likely", 4, m.out.load_s.likely);
    near("high", 8, m.out.load_s.high);
    assert_null(m.out.slow);
    m.disk[1].same_as = 1; /* another disk than the measured one */
    judge_fetch(&m.asked, &m.out);
    assert_false(estimate_known(m.out.load_s));
    assert_non_null(m.out.load_s.source);
    m.disk[1].same_as = 0;
    m.machine.rates = 0;
    judge_fetch(&m.asked, &m.out);
    assert_false(estimate_known(m.out.load_s));
    /* nor is a file of unknown size timed */
    m.machine.rates = 1;
    m.asked.file_bytes = (double)NAN;
    judge_fetch(&m.asked, &m.out);
    assert_false(estimate_known(m.out.load_s));
    assert_int_equal(m.out.times, 0);
    assert_null(m.out.slow);
    m.asked.file_bytes = 8e9;
    /* what the page cache gives is no rate of the disk */
    m.machine.rates = 1;
    m.rate.work = WORK_CACHED_READ_BYTES;
    judge_fetch(&m.asked, &m.out);
    assert_false(estimate_known(m.out.load_s));
}

static void says(struct made *m, const char *part)
{
    judge_fetch(&m->asked, &m->out);
    if (!m->out.slow || !str_has(str_of(m->out.slow), str_of(part)))
        fail_msg("wanted '%s' in: %s", part, m->out.slow ? m->out.slow : "nothing");
}

static void test_slow(void **state)
{
    struct made m;
    (void)state;
    make(&m, 8e9);
    m.disk[1].kind = "network";
    says(&m, "network");
    m.disk[1].kind = "hdd";
    says(&m, "spinning");
    m.disk[1].kind = "memory";
    says(&m, "restart");
    m.disk[1].kind = NULL;
    m.disk[1].filesystem = "fuse.unheard-of";
    says(&m, "user space");
    m.disk[1].filesystem = "ext4";
    m.rate.per_s = estimate_of(100e6, 120e6, 150e6, MEASURED, "test");
    says(&m, "no faster");
    m.asked.slow_disk_bytes_per_s = (double)NAN;
    judge_fetch(&m.asked, &m.out);
    assert_null(m.out.slow);
}

static void test_library(void **state)
{
    struct made m;
    (void)state;
    make(&m, 8e9);
    judge_fetch(&m.asked, &m.out);
    assert_null(m.out.library_disk);
    m.disk[0].purpose = "Ollama models";
    judge_fetch(&m.asked, &m.out);
    assert_null(m.out.library_disk);
    m.disk[0].same_as = 1;
    judge_fetch(&m.asked, &m.out);
    assert_ptr_equal(m.out.library_disk, &m.disk[0]);
}

/* A machine of which nothing is known. */
static void test_nothing(void **state)
{
    const struct facts none = {.disks = 0};
    struct machine machine = {.facts = NULL};
    struct fetch out;
    const struct fetch_asked asked = {.file_bytes = GiB,
                                      .published_bytes = (double)NAN,
                                      .line_bytes_per_s = (double)NAN,
                                      .slow_disk_bytes_per_s = (double)NAN,
                                      .machine = &machine};
    (void)state;
    for (int i = 0; i < 2; i++) {
        judge_fetch(&asked, &out);
        assert_null(out.disk);
        assert_null(out.slow);
        assert_false(known(out.free_bytes, NULL));
        assert_false(estimate_known(out.load_s));
        machine.facts = &none;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),   cmocka_unit_test(test_time), cmocka_unit_test(test_room),
        cmocka_unit_test(test_load),   cmocka_unit_test(test_slow), cmocka_unit_test(test_library),
        cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
