/* tests/unit/measure/test_measure.c - engines that lie, crash, hang, die or are not there: a sentence each, and the rest still runs. */
#include "rig.h"

#include <fcntl.h>
#include <sys/file.h>

#define LINE(work, threads, low, likely, high)                                                 \
    "{\"work\": \"" work "\", \"threads\": " threads ", \"low\": " low ", \"likely\": " likely \
    ", \"high\": " high ", \"runs\": 3, \"source\": \"a script\", \"conditions\": \"idle\"}"
#define SAY(line) "echo '" line "'\n"
/* Only the guide's test does something; the others say one good line. */
#define OTHERS                                                                           \
    "case $1 in memory) " SAY(                                                           \
        LINE("memory read", "1", "1", "2",                                               \
             "3")) "exit;;\n"                                                            \
                   "gemm) " SAY(LINE("dgemm", "2", "1", "2",                             \
                                     "3")) "exit;;\n"                                    \
                                           "disk) " SAY(LINE("disk read", "1", "1", "2", \
                                                             "3")) "exit;; esac\n"

static size_t measured(struct rig *r, const struct rate **rate)
{
    struct mu_err err = {0};
    struct measured found;
    const bool good = measure_machine(&r->in, &r->machine, MEASURE_USUAL, &found, &err);
    if (!good) print_error("%s\n", err.text);
    assert_true(good);
    *rate = found.rate;
    return found.rates;
}

/* The script's guide test gives a note with `words` in it and no rate; the three others give theirs. */
static void fails(const char *script, const char *words)
{
    struct rig r;
    rig_open(&r);
    r.in.timeout_s = 5;
    rig_engine(&r, str_format(r.arena, OTHERS "%s", script));
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 3);
    assert_int_equal(rate[0].work, WORK_READ_BYTES);
    assert_int_equal(rate[1].work, WORK_DGEMM_FLOP);
    assert_int_equal(rate[2].work, WORK_DISK_READ_BYTES);
    assert_noted(&r.notes, "the guide's benchmark not measured: ");
    assert_noted(&r.notes, words);
    assert_int_equal(r.notes.count, 1);
    rig_close(&r);
}

#define GUIDE "guide's matrix rounds"
#define QUOTED "guide'\\''s matrix rounds"

static void test_good_lines(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_engine(&r, OTHERS SAY(LINE(QUOTED, "2", "10", "20", "30"))
                       SAY("{\"note\": \"one \\u001b[31mthing\"}"));
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 4);
    const struct rate *guide = &rate[2];
    assert_int_equal(guide->work, WORK_GUIDE_ROUNDS);
    assert_exactly(guide->threads, 2);
    assert_exactly(guide->runs, 3);
    assert_exactly(guide->per_s.low, 10);
    assert_exactly(guide->per_s.likely, 20);
    assert_exactly(guide->per_s.high, 30);
    assert_int_equal(guide->per_s.origin, MEASURED);
    assert_string_equal(guide->per_s.source, "a script");
    assert_string_equal(guide->conditions, "idle");
    assert_int_equal(r.notes.count, 1);
    assert_null(strchr(r.notes.note[0], '\033'));
    assert_noted(&r.notes, "one ");
    rig_close(&r);
}

static void test_request(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    /* The request comes back as the note of each test, its quotes made single. */
    rig_engine(&r, OTHERS "printf '{\"note\": \"%s\"}\\n' \"$(tr '\"' \"'\")\"");
    const struct rate *rate = NULL;
    measured(&r, &rate);
    assert_noted(&r.notes, "{'threads': 2, 'cpus': [");
    assert_noted(&r.notes,
                 "'bytes': 134217728, 'cache_bytes': 1048576, 'nodes': 1, 'seconds': 0.7}");
    rig_close(&r);
}

static void test_lines_that_are_not_believed(void **state)
{
    (void)state;
    fails("echo rubbish", "muster-engine's answer can't be used: line 1");
    fails("echo '[1]'", "line 1: not a JSON map");
    fails("echo; echo", "line 1");
    fails(SAY(LINE("memory read", "1", "1", "2", "3")), "was not asked for");
    fails(SAY(LINE(QUOTED, "3", "1", "2", "3")), "with 3 threads was not asked for");
    fails(SAY(LINE(QUOTED, "0.5", "1", "2", "3")), "\"threads\"");
    fails(SAY(LINE(QUOTED, "2", "3", "2", "3")), "are not three numbers over 0");
    fails(SAY(LINE(QUOTED, "2", "0", "2", "3")), "are not three numbers over 0");
    fails(SAY(LINE(QUOTED, "2", "1", "2", "null")), GUIDE);
    fails(SAY(LINE(QUOTED, "2", "1", "2", "\"3\"")), "high");
    fails(SAY(LINE(QUOTED, "2", "1", "2", "3")) SAY(LINE(QUOTED, "2", "1", "2", "3")),
          "line 2: " GUIDE " with 2 threads was said twice");
    fails(SAY("{\"work\": \"" QUOTED "\", \"speed\": 3}"), "a key that is not known");
    fails(SAY("{\"note\": \"\"}"), "a note of 0 bytes");
    fails(SAY(LINE(QUOTED, "2", "1", "2", "3")) "echo '{\"work\": \"half'", "line 2");
    fails("head -c 200000 /dev/zero", "can't be used");
    fails("yes '{\"note\": \"again\"}'", "too many notes");
}

static void test_ends_that_are_not_clean(void **state)
{
    (void)state;
    fails("true", "muster-engine said nothing");
    fails("echo 'no such luck' >&2; exit 3", "(it said: no such luck)");
    fails(SAY(LINE(QUOTED, "2", "1", "2", "3")) "exit 70", "70");
    fails("kill -9 $$", "SIGKILL");
    fails("kill -SEGV $$", "SIGSEGV");
    fails("kill -ILL $$", "SIGILL");
    fails(SAY(LINE(QUOTED, "2", "1", "2", "3")) "kill -ABRT $$", "SIGABRT");
}

static void test_hang(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    r.in.timeout_s = 0.4;
    rig_engine(&r, OTHERS "exec sleep 30");
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 2); /* what stands behind it is not waited for */
    assert_noted(&r.notes, "the guide's benchmark not measured: muster-engine ");
    assert_noted(&r.notes, "not tried, since the test before it hung");
    rig_close(&r);
}

static void test_over_memory(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    r.pool.usable_bytes = quantity_of(40 << 20, REPORTED, "rig");
    rig_engine(
        &r, OTHERS
        "exec /usr/bin/python3 -c \"import time; x = bytearray(100 << 20); time.sleep(30)\"");
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 3);
    assert_noted(&r.notes, "the guide's benchmark not measured: muster-engine ");
    rig_close(&r);
}

static void refused(struct rig *r, enum mu_code code, const char *words)
{
    struct mu_err err = {0};
    struct measured found;
    assert_false(measure_machine(&r->in, &r->machine, MEASURE_USUAL, &found, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.text, words)) fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    refused(&r, MU_UNAVAILABLE, "muster-engine was not found");
    r.in.engine = "/bin/false";
    refused(&r, MU_UNAVAILABLE, "memory bandwidth not measured: muster-engine ");
    assert_int_equal(r.notes.count, 4);
    r.in.engine = "/nowhere/muster-engine";
    refused(&r, MU_UNAVAILABLE, "/nowhere/muster-engine");
    r.machine.here = false;
    refused(&r, MU_USAGE, "only this machine");
    rig_close(&r);
}

static void test_no_disk_folder(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    r.in.disk_folder = NULL;
    rig_engine(&r, OTHERS "kill -9 $$");
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 2);
    rig_close(&r);
}

static void test_lock(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_engine(&r, OTHERS SAY(LINE(QUOTED, "2", "10", "20", "30")));
    const char *path = str_format(r.arena, "%s/measure.lock", r.folder);
    const int other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX), 0);
    r.in.lock_wait_s = 0.2;
    const struct rate *rate = NULL;
    assert_int_equal(measured(&r, &rate), 4);
    assert_noted(&r.notes, "while another muster was measuring");
    close(other);
    r.notes.count = 0;
    assert_int_equal(measured(&r, &rate), 4);
    assert_int_equal(r.notes.count, 0);
    /* A state folder that can't be made: measured all the same, and said. */
    r.in.state_folder = str_format(r.arena, "%s/engine/state", r.folder);
    assert_int_equal(measured(&r, &rate), 4);
    assert_noted(&r.notes, "measured without a lock");
    rig_close(&r);
}

static void test_engine_path(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_engine(&r, "");
    const char *program = str_format(r.arena, "%s/muster", r.folder);
    assert_string_equal(measure_engine_path(program, "/bin/false", r.arena), "/bin/false");
    assert_null(measure_engine_path(program, NULL, r.arena));
    assert_null(measure_engine_path(program, "", r.arena));
    const char *beside = str_format(r.arena, "%s/muster-engine", r.folder);
    assert_int_equal(rename(r.in.engine, beside), 0);
    assert_string_equal(measure_engine_path(program, NULL, r.arena), beside);
    assert_int_equal(rename(beside, r.in.engine), 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_lines_that_are_not_believed),
        cmocka_unit_test(test_ends_that_are_not_clean),
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_over_memory),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_no_disk_folder),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_engine_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
