/* YAML: nodes with their place, and each thing refused with its line and column. */
#include "../shared_arena.h"
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/yaml.h"

static const struct yaml *parsed(const char *text)
{
    struct mu_err err = {0};
    const struct yaml *y = NULL;
    if (!yaml_parse(str_of(text), "t.yaml", a, &y, &err)) fail_msg("%s", err.text);
    return y;
}

static void nodes_know_where_they_stood(void **state)
{
    (void)state;
    const struct yaml *y = parsed("# a comment\n"
                                  "name: llm\n"
                                  "list:\n"
                                  "  - {kind: \"x\", n: 1.5}\n"
                                  "  - [a, 'true', yes]\n"
                                  "empty:\n"
                                  "text: |\n"
                                  "  two\n"
                                  "  lines\n");
    assert_int_equal(y->kind, YAML_MAP);
    assert_int_equal(y->count, 4);
    assert_int_equal(y->line, 2);
    assert_int_equal(y->column, 1);
    const struct yaml *name = yaml_get(y, "name");
    assert_string_equal(name->text.p, "llm");
    assert_string_equal(name->key.p, "name");
    assert_int_equal(name->line, 2);
    assert_int_equal(name->column, 7);
    const struct yaml *list = yaml_get(y, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->count, 2);
    double n = 0;
    assert_true(yaml_number(yaml_get(list->first, "n"), &n));
    assert_exactly(n, 1.5);
    assert_int_equal(yaml_get(list->first, "n")->line, 4);
    assert_int_equal(yaml_get(list->first, "n")->column, 20);
    assert_true(yaml_get(list->first, "kind")->quoted);
    const struct yaml *second = list->first->next;
    bool yes = false;
    assert_false(yaml_bool(second->first->next, &yes)); /* quoted */
    assert_true(yaml_bool(second->first->next->next, &yes));
    assert_true(yes);
    assert_null(second->next);
    assert_int_equal(yaml_get(y, "empty")->text.n, 0);
    assert_string_equal(yaml_get(y, "text")->text.p, "two\nlines\n");
    assert_null(yaml_get(y, "missing"));
    assert_null(yaml_get(list, "name"));
    assert_null(yaml_get(NULL, "name"));
    assert_false(yaml_number(name, &n));
    assert_false(yaml_number(NULL, &n));
    assert_false(yaml_bool(NULL, &yes));
    struct mu_err err = {0};
    assert_false(yaml_error(name, "t.yaml", &err, "no %s", "good"));
    assert_string_equal(err.text, "t.yaml:2:7: no good");
}

static void refused(struct str text, const char *message)
{
    struct mu_err err = {0};
    const struct yaml *y = NULL;
    if (yaml_parse(text, "t", a, &y, &err)) fail_msg("accepted: %.*s", STR_ARG(text));
    assert_null(y);
    assert_int_equal(err.code, MU_DATA);
    assert_string_equal(err.text, message);
}

static void what_is_refused_says_where(void **state)
{
    (void)state;
    refused(S("a: 1\nb: &x 2\n"), "t:2:4: anchors (&name) are not read here; write the value out");
    refused(S("a: *x\n"), "t:1:4: aliases (*name) are not read here; write the value out");
    refused(S("a: !!str 1\n"), "t:1:4: tags (!name) are not read here; leave it out");
    refused(S("- !x [1]\n"), "t:1:3: tags (!name) are not read here; leave it out");
    refused(S("a: 1\n---\nb: 2\n"), "t:2:1: a second document begins here");
    refused(S("a: 1\nb: 2\n\na: 3\n"), "t:4:4: the key 'a' stands here a second time");
    refused(S("{a: 1, b: {c: 1, d: 2, \"c\": 3}}"),
            "t:1:29: the key 'c' stands here a second time");
    refused(S("[a]: 1\n"), "t:1:1: a key must be text, not a list or a map");
    refused(S(""), "t:1:1: nothing is written here");
    refused(S("# only a comment\n"), "t:2:1: nothing is written here");
    refused(S("a: \"\\0\"\n"), "t:1:4: text with a NUL character in it");
}

static void broken_syntax_says_where(void **state)
{
    (void)state;
    refused(S("a: 1\nb:\n\tc: 2\n"),
            "t:3:1: found character that cannot start any token while scanning for the next token");
    refused(S("a: [1, 2\nb: 3\n"),
            "t:2:2: did not find expected ',' or ']' while parsing a flow sequence");
    refused(S("a: 1\nb: \xff\n"), "t:2:4: invalid leading UTF-8 octet");
    refused(S("a: \xc3\xa9\xc3\n"), "t:1:6: invalid trailing UTF-8 octet");
    refused(S("a: \x01\n"), "t:1:4: control characters are not allowed");
}

static void nesting_of_sixteen_and_no_more(void **state)
{
    (void)state;
    const struct yaml *y = parsed("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
    size_t depth = 0;
    for (; y->kind == YAML_LIST; y = y->first) depth++;
    assert_int_equal(depth, 16);
    refused(S("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
            "t:1:17: lists and maps are nested deeper than 16");
}

static void hostile_input_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const pattern[] = {"[", "{a: ", "- ", "? ", "a: {", "!", "&", "\"", "- - "};
    enum { N = 200 << 10 };
    char *text = malloc(N);
    assert_non_null(text);
    const double start_s = clock_s();
    for (size_t k = 0; k < COUNT_OF(pattern); k++) {
        struct mu_err err = {0};
        const struct yaml *y = NULL;
        const size_t n = strlen(pattern[k]);
        for (size_t i = 0; i < N; i++) text[i] = pattern[k][i % n];
        assert_false(yaml_parse((struct str){text, N}, "t", a, &y, &err));
        assert_int_equal(err.code, MU_DATA);
    }
    assert_true(clock_s() - start_s < 10); /* a quadratic reader takes minutes */
    free(text);
}

static void sizes_have_a_limit(void **state)
{
    (void)state;
    enum { MOST = 1 << 20 };
    struct mu_err err = {0};
    const struct yaml *y = NULL;
    char *text = malloc(MOST + 1);
    assert_non_null(text);
    memset(text, 'a', MOST + 1);
    assert_false(yaml_parse((struct str){text, MOST + 1}, "t", a, &y, &err));
    assert_string_equal(err.text, "t: it has 1048577 bytes, at most 1048576 are read");
    err = (struct mu_err){0};
    assert_true(yaml_parse((struct str){text, MOST}, "t", a, &y, &err));
    assert_int_equal(y->text.n, MOST);
    struct arena *small = arena_new(4096);
    for (size_t i = 0; i < MOST; i++) text[i] = i ? i % 2 ? 'a' : ',' : '[';
    assert_false(yaml_parse((struct str){text, MOST}, "t", small, &y, &err));
    assert_int_equal(err.code, MU_DATA);
    arena_free(small);
    free(text);
}

static void every_truncation_ends_well(void **state)
{
    (void)state;
    const char text[] = "name: x\nlist:\n  - {a: 1, b: [\"t\\n\", 'q']}\n  - c: |\n      d\n";
    for (size_t n = 0; n < sizeof text; n++) {
        struct mu_err err = {0};
        const struct yaml *y = NULL;
        char *part = malloc(n + 1); /* its own block, so that a read past its end is seen */
        assert_non_null(part);
        memcpy(part, text, n);
        const bool good = yaml_parse((struct str){part, n}, "t", a, &y, &err);
        assert_int_equal(good, err.code == MU_OK);
        assert_int_equal(good, y != NULL);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_where_they_stood),
        cmocka_unit_test(what_is_refused_says_where),
        cmocka_unit_test(broken_syntax_says_where),
        cmocka_unit_test(nesting_of_sixteen_and_no_more),
        cmocka_unit_test(hostile_input_is_refused_at_once),
        cmocka_unit_test(sizes_have_a_limit),
        cmocka_unit_test(every_truncation_ends_well),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
