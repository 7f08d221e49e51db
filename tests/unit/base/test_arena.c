/* Arenas: zeroed, aligned, many sizes at once, the cap as an error, and the one out-of-memory exit. */
#include "../unit.h"

#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    enum { PIECES = 400 };
    unsigned char *piece[PIECES];
    size_t size[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        size[i] = i % 50 == 49 ? 2000000 : i * 37 % 5000;
        piece[i] = arena_alloc(a, size[i]);
        assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size[i]; k++) assert_int_equal(piece[i][k], 0);
        memset(piece[i], (int)(i % 255) + 1, size[i]);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < size[i]; k++) assert_int_equal(piece[i][k], i % 255 + 1);
    arena_free(a);
    arena_free(NULL);
}

static void past_the_cap_is_an_error_not_an_exit(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct arena *a = arena_new(1 << 20);
    assert_non_null(arena_alloc(a, 1 << 19));
    assert_true(arena_within(a, &err));
    assert_non_null(arena_alloc(a, 1 << 20));
    assert_false(arena_within(a, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_string_equal(err.text,
                        "the input needs more than the 1 MiB of memory allowed for one answer");
    assert_true(arena_used(a) >= (3 << 19));
    arena_free(a);
}

static void exit_of(void (*fill)(struct arena *a), int *status)
{
    const pid_t pid = fork();
    if (pid == 0) {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        fill(arena_new(1));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, status, 0), pid);
}

static void too_many(struct arena *a)
{
    (void)arena_array(a, SIZE_MAX / 2, 3);
}

static void too_large(struct arena *a)
{
    (void)arena_alloc(a, SIZE_MAX - 4);
}

static void impossible_sizes_end_with_70(void **state)
{
    (void)state;
    int status = 0;
    exit_of(too_many, &status);
    assert_int_equal(WEXITSTATUS(status), 70);
    exit_of(too_large, &status);
    assert_int_equal(WEXITSTATUS(status), 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(past_the_cap_is_an_error_not_an_exit),
        cmocka_unit_test(impossible_sizes_end_with_70),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
