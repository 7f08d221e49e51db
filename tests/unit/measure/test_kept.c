/* tests/unit/measure/test_kept.c - what was kept comes back the same; what can't be used is a note and no rates. */
#include "rig.h"

#include <stdlib.h>

#include "measure/state.h"

static const struct rate some[] = {
    {.work = WORK_READ_BYTES,
     .type = RATE_NO_TYPE,
     .threads = 1,
     .per_s = {1.25e10, 1.3e10, 1.31e10, MEASURED, "by a test"},
     .runs = 5,
     .conditions = "idle"},
    {.work = WORK_READ_BYTES,
     .type = RATE_NO_TYPE,
     .threads = 2,
     .per_s = {0.1, 0.2, 0.3, MEASURED, "\"quoted\" \xc3\xa9"},
     .runs = 3,
     .conditions = "busy: 1.9 runnable"},
};

static bool kept(struct rig *r, const struct rate **rate, size_t *count)
{
    struct measured found;
    if (!measure_kept(&r->in, &r->machine, &found)) return false;
    assert_int_equal(strlen(found.when), strlen("2026-11-21 08:15:00"));
    assert_null(found.no_amx);
    assert_false(found.stale);
    *rate = found.rate;
    *count = found.rates;
    return true;
}

static const struct measured some_measured = {.rate = some, .rates = COUNT_OF(some)};

static void keep(struct rig *r)
{
    struct mu_err err = {0};
    const bool good = measure_keep(&r->in, &r->machine, &some_measured, &err);
    assert_string_equal(err.text, "");
    assert_true(good);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    const struct rate *rate = NULL;
    size_t count = 0;
    assert_false(kept(&r, &rate, &count));
    keep(&r);
    keep(&r);
    assert_true(kept(&r, &rate, &count));
    assert_int_equal(count, COUNT_OF(some));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rate[i].work, some[i].work);
        assert_exactly(rate[i].threads, some[i].threads);
        assert_exactly(rate[i].runs, some[i].runs);
        assert_exactly(rate[i].per_s.low, some[i].per_s.low);
        assert_exactly(rate[i].per_s.likely, some[i].per_s.likely);
        assert_exactly(rate[i].per_s.high, some[i].per_s.high);
        assert_int_equal(rate[i].per_s.origin, MEASURED);
        assert_string_equal(rate[i].per_s.source, some[i].per_s.source);
        assert_string_equal(rate[i].conditions, some[i].conditions);
    }
    assert_int_equal(r.notes.count, 0);
    rig_close(&r);
}

static void test_folders_are_made(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    r.in.state_folder = str_format(r.arena, "%s/state/muster", r.folder);
    keep(&r);
    const char *file = str_format(r.arena, "%s/rates-0123456789abcdef.json", r.in.state_folder);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(r.in.state_folder), 0);
    assert_int_equal(rmdir(str_format(r.arena, "%s/state", r.folder)), 0);
    rig_close(&r);
}

#define HEAD                                                                               \
    "{\"muster\": \"0\", \"schema\": \"rates/2\", \"fingerprint\": \"0123456789abcdef\", " \
    "\"when\": \"2026-11-21 08:15:00\", "
#define ROW(work, low, high)                                                                    \
    "{\"work\": \"" work "\", \"threads\": 1, \"low\": " low ", \"likely\": 2, \"high\": " high \
    ", \"runs\": 3, \"source\": \"s\", \"conditions\": \"idle\"}"
#define NAME "rates-0123456789abcdef.json"

static void test_files_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "cannot be used"},
        {"rubbish", "cannot be used"},
        {"[]", "cannot be used"},
        {"{}", "its schema is not rates/2"},
        {"{\"schema\": \"capability/1\"}", "its schema is not rates/2"},
        {"{\"schema\": \"rates/2\", \"fingerprint\": \"00\"}", "another machine"},
        {HEAD "\"rates\": []}", "holds 0 rates"},
        {HEAD "\"rates\": 3}", "cannot be used"},
        {HEAD "\"rates\": [{}]}", "\"work\" is none that is known"},
        {HEAD "\"rates\": [" ROW("memory flood", "1", "3") "]}", "\"work\" is none that is known"},
        {HEAD "\"rates\": [" ROW("memory read", "-1", "3") "]}", "are not three numbers over 0"},
        {HEAD "\"rates\": [" ROW("memory read", "2.5", "3") "]}", "are not three numbers over 0"},
        {HEAD "\"rates\": [" ROW("memory read", "null", "3") "]}", "are not three numbers over 0"},
        {HEAD "\"rates\": [" ROW("memory read", "1", "1.5") "]}", "are not three numbers over 0"},
        {HEAD "\"rates\": [" ROW("memory read", "1", "1e300") "]}", "are not three numbers over 0"},
        {HEAD "\"rates\": [" ROW("memory read", "1", "3") ", " ROW("memory read", "1", "3") "]}",
         "twice"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct rig r;
        rig_open(&r);
        rig_write(&r, NAME, bad[i].text);
        const struct rate *rate = NULL;
        size_t count = 0;
        assert_false(kept(&r, &rate, &count));
        assert_noted(&r.notes, "the measurements kept in ");
        assert_noted(&r.notes, bad[i].why);
        keep(&r);
        assert_true(kept(&r, &rate, &count));
        rig_close(&r);
    }
}

/* Each beginning of a good file but the whole (its last newline aside) is refused. */
static void test_truncated(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    static const char good[] = HEAD "\"rates\": [" ROW("memory read", "1", "3") "]}";
    const struct rate *rate = NULL;
    size_t count = 0;
    for (size_t n = 0; n < strlen(good); n++) {
        rig_write(&r, NAME, str_copy(r.arena, (struct str){good, n}));
        assert_false(kept(&r, &rate, &count));
    }
    rig_write(&r, NAME, good);
    assert_true(kept(&r, &rate, &count));
    assert_int_equal(count, 1);
    rig_close(&r);
}

static void test_not_a_file(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    const char *path = str_format(r.arena, "%s/" NAME, r.folder);
    const struct rate *rate = NULL;
    size_t count = 0;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(kept(&r, &rate, &count));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(kept(&r, &rate, &count));
    assert_noted(&r.notes, "the measurements kept in ");
    struct mu_err err = {0};
    assert_false(measure_keep(&r.in, &r.machine, &some_measured, &err));
    assert_non_null(strstr(err.text, "keeping the measurements"));
    assert_int_equal(rmdir(path), 0);
    rig_close(&r);
}

static void test_fingerprints_stay_in_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL, "", "../0123", "0123456789ABCDEF", "00/00", "0 0"};
    struct rig r;
    rig_open(&r);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct mu_err err = {0};
        const struct rate *rate = NULL;
        size_t count = 0;
        r.machine.fingerprint = bad[i];
        assert_false(measure_keep(&r.in, &r.machine, &some_measured, &err));
        assert_int_equal(err.code, MU_CANTCREATE);
        assert_false(kept(&r, &rate, &count));
    }
    rig_close(&r);
}

static void test_too_large_is_not_written(void **state)
{
    (void)state;
    struct note {
        const char *text;
    };
    static const struct field fields[] = {FIELD(FIELD_TEXT, struct note, text, "any")};
    static const struct fields table = FIELD_TABLE(struct note, "note", fields);
    enum { ROOM = 4 << 20 }; /* state_read() takes no more */
    char *const text = malloc(ROOM + 1);
    struct rig r;
    struct mu_err err = {0};
    struct note back = {NULL};
    rig_open(&r);
    assert_non_null(text);
    memset(text, 'x', ROOM);
    text[ROOM] = 0;
    const struct note large = {text}, small = {text + ROOM - 100};
    const char *path = str_format(r.arena, "%s/note.json", r.folder);
    assert_true(state_write(r.folder, path, &table, &small, &err));
    assert_false(state_write(r.folder, path, &table, &large, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_true(state_read(path, &table, r.arena, &back, &(struct mu_err){0}));
    assert_string_equal(back.text, small.text);
    assert_int_equal(unlink(path), 0);
    free(text);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_folders_are_made),
        cmocka_unit_test(test_files_that_cannot_be_used),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_not_a_file),
        cmocka_unit_test(test_fingerprints_stay_in_the_folder),
        cmocka_unit_test(test_too_large_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
