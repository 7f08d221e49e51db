/* JSON in: what is read, what is refused with line and column, and input made to exhaust the reader. */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

static struct json *parsed(const char *text)
{
    struct mu_err err = {0};
    struct json *j = NULL;
    if (!json_parse(str_of(text), "t.json", &j, &err)) fail_msg("%s", err.text);
    return j;
}

static void values_of_all_kinds(void **state)
{
    (void)state;
    struct json *j = parsed(
        "{\"z\": 1, \"a\": [true, null, \"t\\u00e9\", -2.5e3, {}], \"b\": 9007199254740992}");
    double x = 0;
    struct str s;
    bool yes = false;
    assert_int_equal(json_kind(j), JSON_MAP_KIND);
    assert_int_equal(json_count(j), 3);
    const struct json *list = json_get(j, "a");
    assert_int_equal(json_kind(list), JSON_LIST_KIND);
    assert_int_equal(json_count(list), 5);
    assert_true(json_bool(json_at(list, 0), &yes));
    assert_true(yes);
    assert_int_equal(json_kind(json_at(list, 1)), JSON_NULL_KIND);
    assert_true(json_text(json_at(list, 2), &s));
    assert_string_equal(s.p, "t\xc3\xa9");
    assert_true(json_number(json_at(list, 3), &x));
    assert_exactly(x, -2500);
    assert_null(json_at(list, 5));
    assert_true(json_number(json_get(j, "b"), &x));
    assert_exactly(x, 9007199254740992.0);
    assert_null(json_get(j, "missing"));
    assert_null(json_get(list, "a"));
    assert_int_equal(json_count(json_get(j, "z")), 0);
    assert_false(json_number(list, &x));
    assert_false(json_text(list, &s));
    assert_false(json_bool(json_get(j, "z"), &yes));
    assert_int_equal(json_kind(NULL), JSON_NULL_KIND);
    assert_false(json_number(NULL, &x));
    json_free(j);
    json_free(NULL);
}

static void pairs_come_in_the_files_order(void **state)
{
    (void)state;
    struct json *j = parsed("{\"z\": 1, \"a\": 2, \"m\": 3}");
    static const char *const keys[] = {"z", "a", "m"};
    const char *key = NULL;
    const char *walked = NULL;
    for (size_t i = 0; i < 3; i++) {
        double x = 0;
        assert_true(json_number(json_pair(j, i, &key), &x));
        assert_string_equal(key, keys[i]);
        assert_int_equal((int)x, i + 1);
        assert_ptr_equal(json_next(j, &walked), json_get(j, keys[i]));
        assert_string_equal(walked, keys[i]);
    }
    assert_null(json_pair(j, 3, &key));
    assert_null(json_next(j, &walked));
    const char *none = NULL;
    assert_null(json_next(json_get(j, "z"), &none));
    json_free(j);
}

static void refused(struct str text, const char *message)
{
    struct mu_err err = {0};
    struct json *j = NULL;
    if (json_parse(text, "t.json", &j, &err)) fail_msg("accepted: %.*s", STR_ARG(text));
    assert_null(j);
    assert_int_equal(err.code, MU_DATA);
    assert_string_equal(err.text, message);
}

static void faults_have_a_place(void **state)
{
    (void)state;
    refused(S("{\n  \"a\": 1,\n  \"a\": 2\n}"), "t.json:3:5: duplicate object key near '\"a\"'");
    refused(S("{\n \"a\": x}"), "t.json:2:7: invalid token near 'x'");
    refused(S(""), "t.json:1:1: unexpected token near end of file");
    refused(S("[1] 2"), "t.json:1:5: end of file expected near '2'");
    refused(S("[\"\x1b[2J\"]"), "t.json:1:2: control character 0x1b near '\"'");
    refused(S("[1e999]"), "t.json:1:6: real number overflow near '1e999'");
    refused(S("[NaN]"), "t.json:1:4: invalid token near 'NaN'");
}

static void text_that_is_no_text(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct json *j = NULL;
    assert_false(json_parse(S("[\"\xff\"]"), "t", &j, &err));
    err = (struct mu_err){0};
    assert_false(json_parse(S("[\"a\\u0000b\"]"), "t", &j, &err));
    err = (struct mu_err){0};
    assert_false(json_parse(S("[\"\\ud800\"]"), "t", &j, &err));
    err = (struct mu_err){0};
    assert_false(json_parse(S("[\"a\0b\"]"), "t", &j, &err));
    assert_null(j);
}

static void hostile_nesting_is_refused_at_once(void **state)
{
    (void)state;
    enum { N = 200 << 10 };
    char *text = malloc(N);
    assert_non_null(text);
    const double start_s = clock_s();
    static const char *const pattern[] = {"[", "{\"a\":", "[[],"};
    for (size_t k = 0; k < COUNT_OF(pattern); k++) {
        struct mu_err err = {0};
        struct json *j = NULL;
        const size_t n = strlen(pattern[k]);
        for (size_t i = 0; i < N; i++) text[i] = pattern[k][i % n];
        assert_false(json_parse((struct str){text, N}, "t", &j, &err));
        assert_int_equal(err.code, MU_DATA);
    }
    assert_true(clock_s() - start_s < 10); /* quadratic would take minutes */
    free(text);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    const char text[] = "{\"a\": [1, 2.5, \"x\\n\", true, null], \"b\": {\"c\": \"\xc3\xa9\"}}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct mu_err err = {0};
        struct json *j = NULL;
        assert_false(json_parse((struct str){text, n}, "t", &j, &err));
        assert_int_equal(err.code, MU_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_all_kinds),
        cmocka_unit_test(pairs_come_in_the_files_order),
        cmocka_unit_test(faults_have_a_place),
        cmocka_unit_test(text_that_is_no_text),
        cmocka_unit_test(hostile_nesting_is_refused_at_once),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
