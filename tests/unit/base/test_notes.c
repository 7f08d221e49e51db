/* Notes: in order, each once, and none when nobody listens. */
#include "../unit.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/notes.h"
#include "base/progress.h"

static void notes_are_kept_once_and_in_order(void **state)
{
    (void)state;
    struct notes n = {.arena = arena_new(1 << 20)};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 40; i++) note_add(&n, "note %d", i);
    fell_back(&n, "the listed figure", "nothing was measured");
    note_add(NULL, "nobody listens");
    assert_int_equal(n.count, 41);
    assert_string_equal(n.note[0], "note 0");
    assert_string_equal(n.note[39], "note 39");
    assert_string_equal(n.note[40], "using the listed figure: nothing was measured");
    arena_free(n.arena);
}

static void stamps_have_the_guides_form(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    const char *stamp = clock_stamp(a);
    const char form[] = "dddd-dd-dd dd:dd:dd";
    assert_int_equal(strlen(stamp), strlen(form));
    for (size_t i = 0; form[i]; i++) {
        const int digit = stamp[i] >= '0' && stamp[i] <= '9';
        assert_int_equal(form[i] == 'd' ? 'd' : form[i], digit ? 'd' : stamp[i]);
    }
    const double before = clock_s();
    assert_true(clock_s() >= before);
    arena_free(a);
}

static void progress_is_silent_without_a_terminal(void **state)
{
    (void)state;
    int ends[2];
    char said[64];
    const int kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    struct progress p = progress_start(true);
    progress_show(&p, "reading", 0.5);
    progress_end(&p);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    assert_false(p.on);
    assert_int_equal(read(ends[0], said, sizeof said), 0);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_kept_once_and_in_order),
        cmocka_unit_test(stamps_have_the_guides_form),
        cmocka_unit_test(progress_is_silent_without_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
