/* Errors: the first one is kept, context goes in front, errno becomes a code, and the list agrees with sysexits(3). */
#include "../unit.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    struct mu_err err = {0};
    assert_false(err_set(&err, MU_DATA, "row %d is bad", 3));
    assert_false(err_set(&err, MU_IO, "later"));
    errno = ENOENT;
    assert_false(err_errno(&err, "later still"));
    assert_int_equal(err.code, MU_DATA);
    assert_false(err_add(&err, "reading %s", "x.json"));
    assert_string_equal(err.text, "reading x.json: row 3 is bad");
    assert_false(err_set(NULL, MU_DATA, "nobody asks"));
    assert_false(err_errno(NULL, "nobody asks"));
    assert_false(err_add(NULL, "nobody asks"));
}

static enum mu_code code_of(int number)
{
    struct mu_err err = {0};
    errno = number;
    err_errno(&err, "x");
    return err.code;
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    struct mu_err err = {0};
    errno = ENOENT;
    err_errno(&err, "cannot open %s", "a");
    assert_string_equal(err.text, "cannot open a: No such file or directory");
    assert_int_equal(err.code, MU_NOINPUT);
    assert_int_equal(code_of(EACCES), MU_PERMISSION);
    assert_int_equal(code_of(ENOSPC), MU_IO);
    assert_int_equal(code_of(EROFS), MU_CANTCREATE);
    assert_int_equal(code_of(ENOMEM), MU_INTERNAL);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct mu_err err = {0};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, MU_DATA, "%s", text);
    err_add(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void statuses_are_those_of_sysexits(void **state)
{
    (void)state;
    assert_int_equal(err_exit_status(MU_OK), 0);
    assert_int_equal(err_exit_status(MU_NO), 1);
    assert_int_equal(err_exit_status(MU_USAGE), EX_USAGE);
    assert_int_equal(err_exit_status(MU_DATA), EX_DATAERR);
    assert_int_equal(err_exit_status(MU_NOINPUT), EX_NOINPUT);
    assert_int_equal(err_exit_status(MU_UNAVAILABLE), EX_UNAVAILABLE);
    assert_int_equal(err_exit_status(MU_INTERNAL), EX_SOFTWARE);
    assert_int_equal(err_exit_status(MU_CANTCREATE), EX_CANTCREAT);
    assert_int_equal(err_exit_status(MU_IO), EX_IOERR);
    assert_int_equal(err_exit_status(MU_PERMISSION), EX_NOPERM);
    assert_string_equal(err_words(MU_NO), "the answer is no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(errno_becomes_a_code),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(statuses_are_those_of_sysexits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
