/* Mapped files: regular ones only, whole or from the front, sparse ones larger than memory. */
#include "../scratch.h"

#include "base/err.h"
#include "base/mapped.h"

static void a_file_and_its_front(void **state)
{
    scratch_put(state, "f", "hello world");
    struct mu_err err = {0};
    struct mapped m = {0};
    uint64_t whole = 0;
    assert_true(mapped_open(scratch_path(state, "f"), 0, &m, &whole, &err));
    assert_int_equal(whole, 11);
    assert_int_equal(m.bytes.n, 11);
    assert_memory_equal(m.bytes.p, "hello world", 11);
    mapped_close(&m);
    mapped_close(&m);
    assert_true(mapped_open(scratch_path(state, "f"), 5, &m, &whole, &err));
    assert_int_equal(whole, 11);
    assert_int_equal(m.bytes.n, 5);
    mapped_close(&m);
    scratch_put(state, "empty", "");
    assert_true(mapped_open(scratch_path(state, "empty"), 0, &m, NULL, &err));
    assert_int_equal(m.bytes.n, 0);
    assert_non_null(m.bytes.p);
    mapped_close(&m);
}

static void two_tebibytes_of_nothing(void **state)
{
    struct mu_err err = {0};
    struct mapped m = {0};
    uint64_t whole = 0;
    scratch_put(state, "sparse", "GGUF");
    const int cut = truncate(scratch_path(state, "sparse"), (off_t)2 << 40);
    if (cut) { /* the file system allows less: the largest it does allow */
        assert_int_equal(truncate(scratch_path(state, "sparse"), (off_t)8 << 30), 0);
    }
    assert_true(mapped_open(scratch_path(state, "sparse"), 0, &m, &whole, &err));
    assert_true(whole == (uint64_t)(cut ? (off_t)8 << 30 : (off_t)2 << 40));
    assert_memory_equal(m.bytes.p, "GGUF", 4);
    assert_int_equal(m.bytes.p[m.bytes.n - 1], 0);
    mapped_close(&m);
}

static void other_things_are_one_message(void **state)
{
    struct mapped m = {0};
    struct mu_err err = {0};
    assert_false(mapped_open(*state, 0, &m, NULL, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_int_equal(mkfifo(scratch_path(state, "fifo"), 0600), 0);
    err = (struct mu_err){0};
    assert_false(mapped_open(scratch_path(state, "fifo"), 0, &m, NULL, &err));
    assert_non_null(strstr(err.text, "name a regular file"));
    err = (struct mu_err){0};
    assert_false(mapped_open(scratch_path(state, "missing"), 0, &m, NULL, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    err = (struct mu_err){0};
    assert_false(mapped_open("/dev/null", 0, &m, NULL, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_null(m.map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCHED(a_file_and_its_front),
        SCRATCHED(two_tebibytes_of_nothing),
        SCRATCHED(other_things_are_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
