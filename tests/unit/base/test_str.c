/* Strings: views, cutting, numbers with nothing around them, names in plain letters, and hostile text made visible. */
#include "../shared_arena.h"
#include "../unit.h"

#include <string.h>

#include "base/str.h"

static void comparing(void **state)
{
    (void)state;
    assert_true(str_eq(S("ab"), str_of("ab")));
    assert_false(str_eq(S("ab"), S("abc")));
    assert_true(str_eq(str_of(NULL), S("")));
    assert_true(str_eq((struct str){NULL, 0}, S("")));
    assert_true(str_eq_nocase(S("GiB"), S("gIb")));
    assert_false(str_eq_nocase(S("a@"), S("a`")));
    assert_true(str_is(S("x"), "x"));
    assert_true(str_same(NULL, NULL));
    assert_true(str_same("ab", str_copy(a, S("ab"))));
    assert_false(str_same("ab", "abc"));
    assert_false(str_same(NULL, ""));
    assert_false(str_same("", NULL));
    assert_true(str_starts(S("abc"), S("ab")));
    assert_false(str_starts(S("a"), S("ab")));
    assert_true(str_ends(S("abc"), S("bc")));
    assert_true(str_ends(S("abc"), S("")));
    assert_false(str_ends(S("c"), S("bc")));
    assert_true(str_has(S("a memory b"), S("memory")));
    assert_true(str_has(S(""), S("")));
    assert_false(str_has(S("mem"), S("memory")));
    assert_true(str_order(S("a"), S("b")) < 0);
    assert_true(str_order(S("ab"), S("a")) > 0);
    assert_int_equal(str_order(S("ab"), S("ab")), 0);
    assert_true(str_order(S("\xff"), S("a")) > 0);
}

static void kinds_of_bytes(void **state)
{
    (void)state;
    char digits[16] = "", words[128] = "", blanks[16] = "";
    for (int c = 1; c < 256; c++) {
        const char one[2] = {(char)c, 0};
        if (byte_is_digit((char)c)) strcat(digits, one);
        if (byte_is_word((char)c)) strcat(words, one);
        if (byte_is_blank((char)c)) strcat(blanks, one);
        assert_int_equal(byte_is_word((char)c), byte_is_digit((char)c) != byte_is_letter((char)c));
    }
    assert_string_equal(digits, "0123456789");
    assert_string_equal(words, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    assert_string_equal(blanks, "\t\n\v\f\r ");
}

static void cutting(void **state)
{
    (void)state;
    struct str rest = S("a:b::c");
    assert_string_equal(str_copy(a, str_cut(&rest, ':')), "a");
    assert_string_equal(str_copy(a, str_cut(&rest, ':')), "b");
    assert_string_equal(str_copy(a, str_cut(&rest, ':')), "");
    assert_non_null(rest.p);
    assert_string_equal(str_copy(a, str_cut(&rest, ':')), "c");
    assert_null(rest.p);
    assert_int_equal(str_cut(&rest, ':').n, 0);
    struct str lines = S("one\r\ntwo\n");
    assert_string_equal(str_copy(a, str_line(&lines)), "one");
    assert_string_equal(str_copy(a, str_line(&lines)), "two");
    assert_non_null(lines.p);
    assert_int_equal(lines.n, 0);
    assert_string_equal(str_copy(a, str_trim(S(" \t x y \r\n"))), "x y");
    assert_int_equal(str_trim(S("  ")).n, 0);
}

static void whole_numbers(void **state)
{
    (void)state;
    uint64_t x = 7;
    assert_true(str_u64(S("18446744073709551615"), &x));
    assert_true(x == UINT64_MAX);
    const char *const bad[] = {"18446744073709551616", "", "-1", "+1", " 1", "1 ", "1.0", "0x10"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        x = 7;
        assert_false(str_u64(str_of(bad[i]), &x));
        assert_int_equal(x, 7);
    }
}

static void real_numbers(void **state)
{
    (void)state;
    double x = 7;
    assert_true(str_f64(S("-1.5e3"), &x));
    assert_exactly(x, -1500);
    assert_true(str_f64((struct str){"12345", 2}, &x)); /* a view need not end in NUL */
    assert_exactly(x, 12);
    const char *const bad[] = {"", "nan", "inf", "0x10", " 1", "1 ", "1e999", "1,5", "-", "1.2.3"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        x = 7;
        assert_false(str_f64(str_of(bad[i]), &x));
        assert_exactly(x, 7);
    }
    char digits[300];
    memset(digits, '1', sizeof digits);
    assert_false(str_f64((struct str){digits, sizeof digits}, &x));
}

static void names_in_plain_letters(void **state)
{
    (void)state;
    assert_string_equal(str_plain(a, S("RTX 4090")), "rtx4090");
    assert_string_equal(str_plain(a, S("Phi-3:mini(\xe2\x84\xa2)")), "phi3mini");
    assert_string_equal(str_plain(a, S("")), "");
    assert_string_equal(str_format(a, "%d-%s", 3, "x"), "3-x");
}

static void edits_between_names(void **state)
{
    (void)state;
    assert_int_equal(str_distance(S("kitten"), S("sitting")), 3);
    assert_int_equal(str_distance(S("SITTING"), S("kitten")), 3);
    assert_int_equal(str_distance(S(""), S("abc")), 3);
    assert_int_equal(str_distance(S("abc"), S("")), 3);
    assert_int_equal(str_distance(S("same"), S("SAME")), 0);
    char long_one[200];
    memset(long_one, 'a', sizeof long_one);
    assert_int_equal(str_distance((struct str){long_one, sizeof long_one}, S("")), 64);
}

static void hostile_text_becomes_visible(void **state)
{
    (void)state;
    const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {S("plain \xc3\xa9 \xf0\x9f\x8c\xb3"), "plain \xc3\xa9 \xf0\x9f\x8c\xb3"},
        {S("\x1b[31mred\r\n\t\x7f"), "\\x1b[31mred\\x0d\\x0a\\x09\\x7f"},
        {S("a\0b"), "a\\x00b"},
        {S("\xff\xc3"), "\\xff\\xc3"},
        {S("\xc0\xaf"), "\\xc0\\xaf"},                   /* overlong */
        {S("\xed\xa0\x80"), "\\xed\\xa0\\x80"},          /* a surrogate */
        {S("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* past U+10FFFF */
        {S("\xc2\x9b"
           "2J"),
         "\\u009b2J"}, /* C1's own escape */
        {S("\xe2\x80\xae"
           "gpj"),
         "\\u202egpj"}, /* right to left */
        {S("a\xe2\x80\x8b"
           "b"),
         "a\\u200bb"},                       /* zero width */
        {S("\xf3\xa0\x80\xa1"), "\\ue0021"}, /* a tag */
        {S(""), ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(str_visible(a, rows[i].in), rows[i].out);
}

static void characters_of_utf8(void **state)
{
    (void)state;
    uint32_t point = 0;
    assert_int_equal(str_utf8(S("\xf0\x9f\x8c\xb3"), &point), 4);
    assert_int_equal(point, 0x1f333);
    assert_int_equal(str_utf8(S("\xe2\x82\xacx"), &point), 3);
    assert_int_equal(point, 0x20ac);
    assert_int_equal(str_utf8((struct str){"\xe2\x82\xac", 2}, &point), 0); /* cut short */
    assert_int_equal(str_utf8(S(""), &point), 0);
    assert_int_equal(str_utf8(S("\xe0\x80\x80"), &point), 0);
    assert_int_equal(str_utf8(S("\x80"), &point), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(kinds_of_bytes),
        cmocka_unit_test(cutting),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(names_in_plain_letters),
        cmocka_unit_test(edits_between_names),
        cmocka_unit_test(hostile_text_becomes_visible),
        cmocka_unit_test(characters_of_utf8),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
