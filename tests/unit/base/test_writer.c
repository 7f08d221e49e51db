/* JSON out: its form, numbers that read back the same in the fewest digits, and text that can break nothing. */
#include "../unit.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

static struct buf b;

static void sample(struct writer *w)
{
    writer_map(w);
    writer_put_cstr(w, "name", "x");
    writer_put_cstr(w, "none", NULL);
    writer_put_number(w, "n", 1.5);
    writer_put_bool(w, "yes", true);
    writer_key(w, "list");
    writer_list(w);
    writer_number(w, 1);
    writer_map(w);
    writer_map_end(w);
    writer_list(w);
    writer_list_end(w);
    writer_null(w);
    writer_list_end(w);
    writer_map_end(w);
}

static void two_forms(void **state)
{
    (void)state;
    buf_init(&b, 4096);
    struct writer w = writer_of(&b, false);
    sample(&w);
    assert_string_equal(b.p, "{\n"
                             "  \"name\": \"x\",\n"
                             "  \"none\": null,\n"
                             "  \"n\": 1.5,\n"
                             "  \"yes\": true,\n"
                             "  \"list\": [\n"
                             "    1,\n"
                             "    {},\n"
                             "    [],\n"
                             "    null\n"
                             "  ]\n"
                             "}");
    buf_release(&b);
    buf_init(&b, 4096);
    w = writer_of(&b, true);
    sample(&w);
    assert_string_equal(b.p, "{\"name\": \"x\", \"none\": null, \"n\": 1.5, \"yes\": true, "
                             "\"list\": [1, {}, [], null]}");
    buf_release(&b);
}

static void written(double x, const char *text)
{
    buf_init(&b, 64);
    struct writer w = writer_of(&b, true);
    writer_number(&w, x);
    assert_string_equal(b.p, text);
    buf_release(&b);
}

static void numbers(void **state)
{
    (void)state;
    written(0.1, "0.1");
    written(0.1 + 0.2, "0.30000000000000004");
    written(1.0 / 3, "0.3333333333333333");
    written(3, "3");
    written(-4096, "-4096");
    written(9007199254740992.0, "9007199254740992");
    written(9007199254740993.0 * 2, "18014398509481984");
    written(1e15, "1000000000000000");
    written(1e300, "1e+300");
    written(5e-324, "4.94065645841247e-324");
    written((double)NAN, "null");
    written(-(double)INFINITY, "null");
}

static void numbers_read_back_the_same(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        double x;
        double back = 0;
        memcpy(&x, &seed, sizeof x);
        if (!isfinite(x)) continue;
        struct mu_err err = {0};
        struct json *j = NULL;
        buf_init(&b, 64);
        struct writer w = writer_of(&b, true);
        writer_number(&w, x);
        if (!json_parse(buf_text(&b), "t", &j, &err)) fail_msg("%s: %s", b.p, err.text);
        assert_true(json_number(j, &back));
        assert_memory_equal(&back, &x, sizeof x);
        json_free(j);
        buf_release(&b);
    }
}

static void quoted(struct str in, const char *out)
{
    struct mu_err err = {0};
    struct json *j = NULL;
    buf_init(&b, 256);
    struct writer w = writer_of(&b, true);
    writer_text(&w, in);
    assert_string_equal(b.p, out);
    assert_true(json_parse(buf_text(&b), "t", &j, &err));
    json_free(j);
    buf_release(&b);
}

static void texts(void **state)
{
    (void)state;
    quoted(S("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    quoted(S("\n\t\r\x1b\x7f"), "\"\\n\\t\\u000d\\u001b\\u007f\"");
    quoted(S("\xc3\xa9\xf0\x9f\x8c\xb3"), "\"\xc3\xa9\xf0\x9f\x8c\xb3\"");
    quoted(S("a\xff"
             "b\xc3"),
           "\"a\xef\xbf\xbd"
           "b\xef\xbf\xbd\"");
    quoted(S("a\0b"), "\"a\xef\xbf\xbd"
                      "b\"");
    quoted((struct str){NULL, 0}, "\"\"");
    /* what a terminal obeys or does not show: C1 controls, the other direction, a tag */
    quoted(S("\xc2\x9b\xc2\x85\xe2\x80\xae\xf3\xa0\x81\x81"),
           "\"\\u009b\\u0085\\u202e\\udb40\\udc41\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_forms),
        cmocka_unit_test(numbers),
        cmocka_unit_test(numbers_read_back_the_same),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
