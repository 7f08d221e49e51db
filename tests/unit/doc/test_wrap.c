/* Widths and cuts of text: columns, blanks, words longer than a line, characters that take two columns or none. */
#include "../unit.h"

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/wrap.h"

static void test_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
    } row[] = {
        {"", 0},
        {"abc", 3},
        {"23.4 GiB \xc2\xb7 x", 12},
        {"\xe6\x9c\xba\xe5\x99\xa8", 4}, /* two wide characters */
        {"e\xcc\x81", 1},                /* e and a combining acute */
        {"\xf0\x9f\x98\x80", 2},         /* a pictograph */
        {"\xe1\x84\x80\xea\xb0\x80", 4}, /* Hangul, jamo and syllable */
        {"a\xff"
         "b",
         3},             /* broken UTF-8 */
        {"\xe6\x9c", 2}, /* cut UTF-8 */
    };
    for (size_t i = 0; i < COUNT_OF(row); i++)
        assert_int_equal(text_columns(str_of(row[i].text)), row[i].columns);
}

static const char *wrapped(struct arena *a, const char *text, size_t columns)
{
    struct buf b;
    struct str rest = str_of(text);
    buf_init(&b, 4096);
    do {
        const struct str line = wrap_line(&rest, columns);
        assert_true(text_columns(line) <= columns || line.n <= 3);
        buf_add(&b, line);
        buf_char(&b, '/');
    } while (rest.n);
    const char *all = str_copy(a, buf_text(&b));
    buf_release(&b);
    return all;
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        const char *lines;
    } row[] = {
        {"", 10, "/"},
        {"one two three", 13, "one two three/"},
        {"one two three", 12, "one two/three/"},
        {"one two three", 7, "one two/three/"},
        {"one   two", 5, "one/two/"},
        {"abcdefgh", 3, "abc/def/gh/"},
        {"ab cdefgh", 4, "ab/cdef/gh/"},
        {"\xe6\x9c\xba\xe5\x99\xa8\xe6\x9c\xba", 4, "\xe6\x9c\xba\xe5\x99\xa8/\xe6\x9c\xba/"},
        {"\xe6\x9c\xba", 1, "\xe6\x9c\xba/"},
        {"one two ", 7, "one two/"},
        {"ab-cdef-ghij", 9, "ab-cdef-/ghij/"},
        {"a-bcdefghijk", 8, "a-bcdefg/hijk/"}, /* a hyphen too early */
        {"ab cd-efgh", 5, "ab/cd-/efgh/"},
    };
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    for (size_t i = 0; i < COUNT_OF(row); i++)
        assert_string_equal(wrapped(a, row[i].text, row[i].columns), row[i].lines);
    arena_free(a);
}

static void test_safe(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    assert_string_equal(wrap_safe(a, NULL).p, "");
    assert_string_equal(wrap_safe(a, "a\nb\tc\rd").p, "a b c d");
    assert_string_equal(wrap_safe(a, "\x1b[31mred\xff").p, "\\x1b[31mred\\xff");
    arena_free(a);
}

static void test_add(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    wrap_add(&b, S("one two three four five six"), 6, 2, 20);
    assert_string_equal(b.p, "one two three\n  four five six\n");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns), cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_safe), cmocka_unit_test(test_add)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
