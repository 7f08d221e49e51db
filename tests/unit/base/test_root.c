/* The movable root: a captured tree answers like a machine, and nothing in it reaches out of it, blocks or lies about its size. */
#include "../scratch.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/root.h"

static struct arena *a;
static struct root r;

static int open_tree(void **state)
{
    struct mu_err err = {0};
    a = arena_new(64 << 20);
    if (scratch_open(state)) return -1;
    scratch_folder(state, "tree");
    scratch_folder(state, "tree/sys");
    scratch_folder(state, "tree/proc");
    scratch_put(state, "secret", "of the host\n");
    scratch_put(state, "tree/sys/online", "0-3 \n\n");
    scratch_put(state, "tree/sys/count", "42\n");
    return root_open(scratch_path(state, "tree"), &r, &err) ? 0 : -1;
}

static int close_tree(void **state)
{
    root_close(&r);
    root_close(&r);
    arena_free(a);
    return scratch_close(state);
}

static void files_words_and_numbers(void **state)
{
    (void)state;
    struct str text = S("kept");
    uint64_t x = 7;
    assert_true(r.captured);
    assert_true(root_text(&r, "/sys/online", a, &text));
    assert_string_equal(text.p, "0-3 \n\n");
    assert_true(root_word(&r, "/sys/online", a, &text));
    assert_string_equal(text.p, "0-3");
    assert_int_equal(text.n, 3);
    assert_true(root_u64(&r, "/sys/count", &x));
    assert_int_equal(x, 42);
    assert_true(root_u64f(&r, &x, "/%s/count", "sys"));
    assert_true(root_wordf(&r, a, &text, "/sys/%s", "online"));
    assert_false(root_u64(&r, "/sys/online", &x));
    assert_false(root_text(&r, "/sys/missing", a, &text));
    assert_false(root_text(&r, "/sys", a, &text));
    assert_true(root_has(&r, "/sys"));
    assert_true(root_has(&r, "/"));
    assert_false(root_has(&r, "/etc"));
}

static void long_numbers_and_paths(void **state)
{
    char digits[201];
    uint64_t x = 7;
    memset(digits, '1', 200);
    digits[200] = '\0';
    scratch_put(state, "tree/sys/long", digits);
    assert_false(root_u64(&r, "/sys/long", &x));
    assert_false(root_u64f(&r, &x, "/%05000d", 1));
    assert_int_equal(x, 7);
}

static void nothing_outside_is_reached(void **state)
{
    struct str text = S("kept");
    const char *const away[] = {"../../secret", "/../../../etc/passwd", "/etc/passwd",
                                "/proc/self/root/etc/passwd", "/proc/1/exe"};
    for (size_t i = 0; i < COUNT_OF(away); i++) {
        assert_int_equal(symlink(away[i], scratch_path(state, "tree/sys/away")), 0);
        assert_false(root_text(&r, "/sys/away", a, &text));
        assert_false(root_has(&r, "/sys/away"));
        assert_int_equal(unlink(scratch_path(state, "tree/sys/away")), 0);
    }
    assert_false(root_text(&r, "/../secret", a, &text));
    assert_false(root_text(&r, "/sys/../../secret", a, &text));
    assert_string_equal(text.p, "kept");
}

static void links_inside_are_followed_as_on_the_machine(void **state)
{
    struct str text;
    assert_int_equal(symlink("/sys/online", scratch_path(state, "tree/proc/absolute")), 0);
    assert_int_equal(symlink("../sys/online", scratch_path(state, "tree/proc/relative")), 0);
    assert_int_equal(symlink("loop", scratch_path(state, "tree/proc/loop")), 0);
    assert_true(root_word(&r, "/proc/absolute", a, &text));
    assert_string_equal(text.p, "0-3");
    assert_true(root_word(&r, "/proc/relative", a, &text));
    assert_true(root_link(&r, "/proc/absolute", a, &text));
    assert_string_equal(text.p, "/sys/online");
    assert_false(root_link(&r, "/sys/online", a, &text));
    assert_false(root_text(&r, "/proc/loop", a, &text));
}

static void a_fifo_does_not_hold_us_up(void **state)
{
    struct str text;
    uint64_t x;
    assert_int_equal(mkfifo(scratch_path(state, "tree/sys/fifo"), 0600), 0);
    assert_false(root_text(&r, "/sys/fifo", a, &text));
    assert_false(root_u64(&r, "/sys/fifo", &x));
}

static void large_files_are_cut(void **state)
{
    struct str text;
    scratch_put(state, "tree/sys/large", "x");
    assert_int_equal(truncate(scratch_path(state, "tree/sys/large"), ROOT_FILE_BYTES + 12345), 0);
    assert_true(root_text(&r, "/sys/large", a, &text));
    assert_int_equal(text.n, ROOT_FILE_BYTES);
    for (size_t n = 8190; n < 8195; n++) { /* round the first read's size */
        assert_int_equal(truncate(scratch_path(state, "tree/sys/large"), (off_t)n), 0);
        assert_true(root_text(&r, "/sys/large", a, &text));
        assert_int_equal(text.n, n);
    }
}

static void names_are_sorted_by_value(void **state)
{
    static const char *const sorted[] = {"cpu0",    "cpu2",    "cpu9",  "cpu10",   "cpu10a",
                                         "cpu0100", "cpufreq", "node1", "node01x", "z"};
    char path[64];
    const char *const *names = NULL;
    size_t count = 9;
    scratch_folder(state, "tree/sys/cpus");
    for (size_t i = COUNT_OF(sorted); i-- > 0;) {
        snprintf(path, sizeof path, "tree/sys/cpus/%s", sorted[i]);
        scratch_put(state, path, "");
    }
    assert_true(root_names(&r, "/sys/cpus", a, &names, &count));
    assert_int_equal(count, COUNT_OF(sorted));
    for (size_t i = 0; i < count; i++) assert_string_equal(names[i], sorted[i]);
    assert_true(root_names(&r, "/proc", a, &names, &count));
    assert_int_equal(count, 0);
    assert_false(root_names(&r, "/sys/count", a, &names, &count));
    assert_false(root_names(&r, "/nowhere", a, &names, &count));
}

static void a_folder_says_what_its_entries_are(void **state)
{
    const struct root_entry *entry = NULL;
    size_t count = 0;
    scratch_folder(state, "tree/sys/kinds");
    scratch_folder(state, "tree/sys/kinds/folder");
    scratch_put(state, "tree/sys/kinds/file", "");
    assert_int_equal(symlink("folder", scratch_path(state, "tree/sys/kinds/link")), 0);
    assert_true(root_entries(&r, "/sys/kinds", a, &entry, &count));
    assert_int_equal(count, 3);
    static const struct root_entry kinds[] = {
        {"file", ROOT_FILE}, {"folder", ROOT_FOLDER}, {"link", ROOT_LINK}};
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(entry[i].name, kinds[i].name);
        if (entry[i].kind != ROOT_NOT_SAID) assert_int_equal(entry[i].kind, kinds[i].kind);
    }
}

static void the_machine_itself(void **state)
{
    (void)state;
    struct root live;
    struct mu_err err = {0};
    struct str text;
    assert_true(root_open(NULL, &live, &err));
    assert_false(live.captured);
    assert_true(root_text(&live, "/proc/self/status", a, &text)); /* it claims to have 0 bytes */
    assert_true(str_has(text, S("VmRSS")));
    assert_true(root_link(&live, "/proc/self/exe", a, &text));
    root_close(&live);
    assert_true(root_open("/", &live, &err));
    assert_false(live.captured);
    root_close(&live);
}

static void a_root_that_is_none(void **state)
{
    struct root none;
    struct mu_err err = {0};
    assert_false(root_open(scratch_path(state, "missing"), &none, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    err = (struct mu_err){0};
    assert_false(root_open(scratch_path(state, "secret"), &none, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "secret"));
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, open_tree, close_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(files_words_and_numbers),    IN_TREE(long_numbers_and_paths),
        IN_TREE(nothing_outside_is_reached), IN_TREE(links_inside_are_followed_as_on_the_machine),
        IN_TREE(a_fifo_does_not_hold_us_up), IN_TREE(large_files_are_cut),
        IN_TREE(names_are_sorted_by_value),  IN_TREE(a_folder_says_what_its_entries_are),
        IN_TREE(the_machine_itself),         IN_TREE(a_root_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
