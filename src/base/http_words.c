/* base/http_words.c - addresses and headers as RFC 3986 and RFC 9110 write them, read narrowly: what is not plainly an address is refused,
 * a header that is not understood says nothing, and a Content-Range that is not understood is one that lies.
 *
 * Left out: dates in Retry-After, weak comparison of ETags (they are compared as they stand), addresses with a user in them. */
#include "base/http_words.h"

#include <string.h>

enum { URL_MOST = 8192, HOST_MOST = 255, PORT_MOST = 5 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits, dots and dashes; in brackets what an IPv6 address is written with. */
static bool is_host(struct str s)
{
    const bool six = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
    if (!s.n || s.n > HOST_MOST) return false;
    for (size_t i = six; i < s.n - six; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) &&
            !(s.p[i] && strchr(six ? ":." : ".-_", s.p[i])))
            return false;
    return true;
}

static bool is_port(struct str s)
{
    uint64_t port = 0;
    return s.n <= PORT_MOST && str_u64(s, &port) && port >= 1 && port <= UINT16_MAX;
}

/* Characters that an address has: no blanks, no controls, no other alphabets, none that quote. */
static bool all_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\\\"<>^`{|}", s.p[i])) return false;
    return s.n <= URL_MOST;
}

/* As far as to one of these. */
static size_t end_at(struct str s, size_t from, const char *marks)
{
    while (from < s.n && !strchr(marks, s.p[from])) from++;
    return from;
}

bool http_url_read(struct str text, struct http_url *out)
{
    const struct str secure = S("https://"), plain = S("http://");
    struct http_url u = {.secure = str_starts(text, secure)};
    if (!all_plain(text) || (!u.secure && !str_starts(text, plain))) return false;
    const size_t begin = u.secure ? secure.n : plain.n;
    const size_t end = end_at(text, begin, "/?#"), stop = end_at(text, end, "?#");
    u.origin = (struct str){text.p, end};
    u.host = (struct str){text.p + begin, end - begin};
    const char *bracket = memchr(u.host.p, ']', u.host.n);
    const size_t before = bracket ? (size_t)(bracket - u.host.p) : 0;
    const char *colon = memchr(u.host.p + before, ':', u.host.n - before);
    if (colon) {
        u.port = (struct str){colon + 1, u.host.n - (size_t)(colon + 1 - u.host.p)};
        u.host.n = (size_t)(colon - u.host.p);
        if (!is_port(u.port)) return false;
    }
    u.path = (struct str){text.p + end, stop - end};
    if (!is_host(u.host)) return false;
    *out = u;
    return true;
}

bool http_url_local(const struct http_url *u)
{
    const struct str loopback = S("127.");
    if (str_is(u->host, "localhost") || str_is(u->host, "[::1]")) return true;
    if (!str_starts(u->host, loopback)) return false;
    for (size_t i = 0; i < u->host.n; i++)
        if (!is_digit(u->host.p[i]) && u->host.p[i] != '.') return false;
    return true;
}

static struct str port_of(const struct http_url *u)
{
    if (u->port.n) return u->port;
    return u->secure ? S("443") : S("80");
}

bool http_url_same_host(const struct http_url *a, const struct http_url *b)
{
    return a->secure == b->secure && str_eq_nocase(a->host, b->host) &&
           str_eq(port_of(a), port_of(b));
}

static void keep(char *to, size_t room, struct str s)
{
    to[0] = '\0';
    if (s.n >= room) return;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~') return;
    if (s.n) memcpy(to, s.p, s.n);
    to[s.n] = '\0';
}

/* "bytes 0-99/1000", "bytes 0-99/" with a star, and of 416 a star before the total. */
static void read_range(struct str s, struct http_headers *h)
{
    const struct str unit = S("bytes ");
    h->range_known = h->total_known = false; /* the last one counts, as a whole */
    h->range_bad = true;
    if (!str_starts(s, unit)) return;
    struct str total = {s.p + unit.n, s.n - unit.n};
    struct str last = str_cut(&total, '/');
    if (!total.p) return;
    h->total_known = !str_is(total, "*");
    if (h->total_known && !str_u64(total, &h->total)) {
        h->total_known = false;
        return;
    }
    if (str_is(last, "*")) {
        h->range_bad = false;
        return;
    }
    const struct str first = str_cut(&last, '-');
    if (!last.p || !str_u64(first, &h->first) || !str_u64(last, &h->last)) return;
    if (h->first > h->last || (h->total_known && h->last >= h->total)) return;
    h->range_known = true;
    h->range_bad = false;
}

/* <ADDRESS>; rel="next", several between commas. */
static void read_link(struct str s, struct http_headers *h)
{
    while (s.p) {
        const struct str one = str_trim(str_cut(&s, ','));
        const char *end = one.n && one.p[0] == '<' ? memchr(one.p, '>', one.n) : NULL;
        if (!end) continue;
        const size_t n = (size_t)(end - one.p);
        if (str_has((struct str){end, one.n - n}, S("rel=\"next\"")))
            keep(h->next, sizeof h->next, (struct str){one.p + 1, n - 1});
    }
}

static bool read_status(struct str line, struct http_headers *h)
{
    uint64_t status = 0;
    if (!str_starts(line, S("HTTP/"))) return false;
    *h = (struct http_headers){.status = 0};
    str_cut(&line, ' ');
    const struct str number = str_cut(&line, ' ');
    if (number.n == 3 && str_u64(number, &status)) h->status = (int)status;
    return true;
}

void http_header_read(struct str line, struct http_headers *h)
{
    uint64_t whole = 0;
    line = str_trim(line);
    if (read_status(line, h)) return;
    struct str value = line;
    const struct str name = str_trim(str_cut(&value, ':'));
    if (!value.p) return;
    value = str_trim(value);
    if (str_eq_nocase(name, S("etag"))) {
        keep(h->etag, sizeof h->etag, value);
    } else if (str_eq_nocase(name, S("content-length"))) {
        h->length_known = str_u64(value, &h->length);
    } else if (str_eq_nocase(name, S("content-range"))) {
        read_range(value, h);
    } else if (str_eq_nocase(name, S("content-encoding"))) {
        h->encoded = !str_eq_nocase(value, S("identity"));
    } else if (str_eq_nocase(name, S("retry-after"))) {
        h->wait_known = value.n <= 6 && str_u64(value, &whole);
        h->wait_s = (double)whole;
    } else if (str_eq_nocase(name, S("link"))) {
        read_link(value, h);
    }
}
