/* Addresses and headers of HTTP, as RFC 3986 and RFC 9110 write them, and as they must not be taken. */
#include "../unit.h"

#include <stdio.h>

#include "base/http_words.h"

static struct http_headers of(const char *const *line)
{
    struct http_headers h = {.status = 0};
    for (; *line; line++) http_header_read(str_of(*line), &h);
    return h;
}
#define OF(...) of((const char *const[]){__VA_ARGS__, NULL})

static void part(void **state)
{
    (void)state;
    const struct http_headers h = OF("HTTP/1.1 206 Partial Content\r\n", "ETag: \"abc\"\r\n",
                                     "content-range:  bytes 5-99/1000\r\n", "Content-Length: 95");
    assert_int_equal(h.status, 206);
    assert_string_equal(h.etag, "\"abc\"");
    assert_true(h.range_known && h.total_known && h.length_known && !h.range_bad && !h.encoded);
    assert_int_equal(h.first, 5);
    assert_int_equal(h.last, 99);
    assert_int_equal(h.total, 1000);
    assert_int_equal(h.length, 95);
}

static void begins_anew(void **state)
{
    (void)state;
    const struct http_headers h =
        OF("HTTP/1.1 302 Found", "ETag: \"old\"", "Retry-After: 7", "HTTP/2 200");
    assert_int_equal(h.status, 200);
    assert_string_equal(h.etag, "");
    assert_false(h.wait_known);
}

static void bad_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {"bytes 9-5/10",    "bytes 0-10/10",
                                      "bytes 0-5/",      "bytes -5/10",
                                      "bytes 0-5",       "items 0-5/10",
                                      "bytes 0-5/10 20", "bytes a-b/c",
                                      "bytes 0-5/-1",    "bytes 0-99999999999999999999/*"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "Content-Range: %s", bad[i]);
        const struct http_headers h = OF("HTTP/1.1 206 x", line);
        if (h.range_known || !h.range_bad) fail_msg("%s is taken for a range", bad[i]);
    }
    const struct http_headers none = OF("HTTP/1.1 416 x", "Content-Range: bytes */0");
    assert_true(!none.range_known && !none.range_bad && none.total_known && none.total == 0);
    const struct http_headers open = OF("HTTP/1.1 206 x", "Content-Range: bytes 0-5/*");
    assert_true(open.range_known && !open.total_known);
}

static void others(void **state)
{
    (void)state;
    const struct http_headers h =
        OF("HTTP/1.1 200 OK", "Retry-After: 120", "Content-Encoding: gzip",
           "Link: <https://h/a>; rel=\"prev\", <https://h/b?c=1>; rel=\"next\"");
    assert_true(h.wait_known && h.encoded);
    assert_true(h.wait_s == 120);
    assert_string_equal(h.next, "https://h/b?c=1");
    const struct http_headers date =
        OF("HTTP/1.1 503 x", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", "ETag: \"a\tb\"",
           "Content-Length: -5", "no colon");
    assert_false(date.wait_known || date.length_known);
    assert_string_equal(date.etag, "");
}

static void addresses(void **state)
{
    (void)state;
    struct http_url u;
    assert_true(http_url_read(S("https://Hub.example:8443/a/b.gguf?sig=x#y"), &u));
    assert_true(u.secure && str_is(u.host, "Hub.example") && str_is(u.port, "8443"));
    assert_true(str_is(u.path, "/a/b.gguf") && str_is(u.origin, "https://Hub.example:8443"));
    assert_true(http_url_read(S("http://[::1]:80?x"), &u));
    assert_true(str_is(u.host, "[::1]") && !u.path.n && http_url_local(&u));
    static const char *const bad[] = {"ftp://h/x",      "https://",          "http://user@h/x",
                                      "http://u:p@h/x", "http://h:0/x",      "http://h:65536/x",
                                      "http://h:/x",    "http://h x/",       "http://h/\r\nX: y",
                                      "http://h\\x/",   "http://\xc3\xa4/x", "h/x",
                                      "file:///etc",    "http:///x",         "http://[::1/x"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (http_url_read(str_of(bad[i]), &u)) fail_msg("%s is taken for an address", bad[i]);
}

static void hosts(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://h/x", "https://H:443/y", true}, {"http://h/", "http://h:80", true},
        {"http://h", "https://h", false},         {"https://h", "https://h.evil", false},
        {"https://h:1", "https://h:2", false},
    };
    struct http_url a, b;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(http_url_read(str_of(rows[i].a), &a));
        assert_true(http_url_read(str_of(rows[i].b), &b));
        assert_int_equal(http_url_same_host(&a, &b), rows[i].same);
    }
    static const char *const elsewhere[] = {"http://127.evil.example/", "http://localhost.evil/",
                                            "http://128.0.0.1/"};
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        assert_true(http_url_read(str_of(elsewhere[i]), &a));
        assert_false(http_url_local(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part),   cmocka_unit_test(begins_anew), cmocka_unit_test(bad_ranges),
        cmocka_unit_test(others), cmocka_unit_test(addresses),   cmocka_unit_test(hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
