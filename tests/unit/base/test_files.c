/* What a path leads to: a file, a folder, through a link, or neither. */
#include "../scratch.h"

#include "base/files.h"

static void what_lies_there(void **state)
{
    const char *file = scratch_path(state, "file");
    assert_false(file_is_there(file));
    assert_false(folder_is_there(file));
    scratch_write(file, "x", 1);
    assert_true(file_is_there(file));
    assert_false(folder_is_there(file));
    assert_true(folder_is_there(*state));
    assert_false(file_is_there(*state));
    assert_int_equal(symlink("file", scratch_path(state, "link")), 0);
    assert_true(file_is_there(scratch_path(state, "link")));
    assert_int_equal(symlink("nowhere", scratch_path(state, "lost")), 0);
    assert_false(file_is_there(scratch_path(state, "lost")));
    assert_false(file_is_there("/dev/null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCHED(what_lies_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
