/* tests/engine/test_npy.c - .npy files: the header byte for byte, whole or not there at all, and nothing ever overwritten. */
#include "../unit/scratch.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mapped.h"
#include "engine/npy.h"

#define TWO_BY_THREE \
    "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static char folder_path[256];

static int open_folder(void **state)
{
    char *folder = scratch_make();
    *state = folder;
    return !folder || snprintf(folder_path, sizeof folder_path, "%s/a.npy", folder) < 0;
}

static int close_folder(void **state)
{
    return scratch_remove(*state);
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void test_header(void **state)
{
    (void)state;
    char header[NPY_HEADER_MOST];
    const uint64_t two[] = {2, 3}, large[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, one[] = {7};
    assert_int_equal(npy_header(two, 2, header), 128);
    assert_memory_equal(header, TWO_BY_THREE, sizeof TWO_BY_THREE - 1);
    for (size_t i = sizeof TWO_BY_THREE - 1; i < 127; i++) assert_int_equal(header[i], ' ');
    assert_int_equal(header[127], '\n');
    assert_int_equal(npy_header(large, 3, header) % 64, 0);
    assert_int_equal(npy_header(one, 1, header) % 64, 0);
    assert_non_null(memmem(header, NPY_HEADER_MOST, "(7,)", 4));
}

static void test_written_in_pieces(void **state)
{
    (void)state;
    const uint64_t size[] = {2, 3};
    const float late[] = {4, 5, 6}, early[] = {1, 2};
    struct npy n;
    struct mu_err err = {0};
    assert_true(npy_create(folder_path, size, 2, &n, &err));
    assert_false(there(folder_path)); /* nobody reads a half */
    assert_true(npy_write(&n, 3, late, 3, &err));
    assert_true(npy_write(&n, 0, early, 2, &err));
    assert_true(npy_close(&n, &err));
    npy_discard(&n);
    struct mapped m;
    assert_true(mapped_open(folder_path, 0, &m, NULL, &err));
    const float want[] = {1, 2, 0, 4, 5, 6};
    assert_int_equal(m.bytes.n, 128 + sizeof want);
    assert_memory_equal(m.bytes.p + 128, want, sizeof want);
    mapped_close(&m);
}

static void test_a_name_that_is_taken(void **state)
{
    const uint64_t size[] = {1};
    struct npy n;
    struct mu_err err = {0};
    char part[300];
    scratch_write(folder_path, "mine", 4);
    assert_false(npy_create(folder_path, size, 1, &n, &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_non_null(strstr(err.text, "left alone"));
    unlink(folder_path);
    snprintf(part, sizeof part, "%s.part", folder_path);
    scratch_write(part, "mine", 4);
    err = (struct mu_err){0};
    assert_false(npy_create(folder_path, size, 1, &n, &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_true(there(part));
    unlink(part);
    /* taken while it was written */
    err = (struct mu_err){0};
    assert_true(npy_create(folder_path, size, 1, &n, &err));
    scratch_write(folder_path, "mine", 4);
    assert_false(npy_close(&n, &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_false(there(part));
    struct stat st;
    assert_int_equal(stat(folder_path, &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_non_null(*state);
}

static void test_what_cannot_be(void **state)
{
    (void)state;
    const uint64_t huge[] = {UINT64_MAX, 2}, disk[] = {(uint64_t)1 << 59};
    struct npy n = {.fd = 0};
    struct mu_err err = {0};
    assert_false(npy_create(folder_path, huge, 2, &n, &err));
    assert_int_equal(err.code, MU_DATA);
    err = (struct mu_err){0};
    assert_false(npy_create(folder_path, disk, 1, &n, &err)); /* no disk has the room */
    assert_non_null(strstr(err.text, "taking"));
    assert_false(there(folder_path));
    err = (struct mu_err){0};
    assert_false(npy_create("/nonexistent/a.npy", disk, 1, &n, &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    npy_discard(&n);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        IN_FOLDER(test_written_in_pieces),
        IN_FOLDER(test_a_name_that_is_taken),
        IN_FOLDER(test_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
