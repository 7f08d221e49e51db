/* base/http.c - asks a server for bytes and believes no more of the answer than it must: a body is cut at what was asked for, a range
 * that is not the one asked for is refused, what changed between two answers is refused, redirects are followed here and counted, never
 * from https to http, and the token goes to the first host alone.
 *
 * Rests on libcurl's easy interface (its manual pages) and RFC 9110. Left out: anything but GET, cookies, compression (none is asked
 * for), passwords (.netrc is not read). */
#include "base/http.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

enum {
    HEADERS_MOST_BYTES = 256 << 10,
    REFUSAL_MOST_BYTES = 64 << 10,
    LINE_MOST = 4096,
    TOKEN_MOST = 2048
};
static const double connect_s = 10, whole_usual_s = 120, stall_usual_s = 20, wait_most_s = 10,
                    wait_first_s = 0.5;

/* What a name of the library is at run time; Debian's two builds differ in who does the encryption. */
static const char *const libraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
static const struct symbol symbols[] = {
#define CURL_SYMBOL(symbol, pointer, result, parameters) \
    {#symbol, SYMBOL_MUST, offsetof(struct curl, pointer)},
    CURL_FUNCTIONS(CURL_SYMBOL)
#undef CURL_SYMBOL
};

/* One request while it is under way, from the first address to where redirects end. */
struct pass {
    struct http *h;
    const struct http_asked *asked;
    struct arena *a;
    struct buf *body;
    struct mu_err *err;
    const char *url, *shown; /* shown: without what may be secret in a query */
    struct http_url first, now;
    const char *etag; /* of the bytes that are there already; NULL: none are */
    struct http_headers head;
    size_t head_bytes, refused_bytes;
    uint64_t from, skip, most; /* skip: bytes before those asked for; most: of the body */
    bool judged, full, over;
};
enum pass_end { PASS_ANSWERED, PASS_LOST, PASS_FAILED };

bool http_open(struct http *h, struct mu_err *err)
{
    struct mu_err why = {.code = MU_OK};
    *h = (struct http){.handle = NULL};
    if (!library_open(&h->library, libraries, symbols, COUNT_OF(symbols), &h->curl, &why))
        return err_set(err, MU_UNAVAILABLE,
                       "cannot ask over the network: %s; the package libcurl4 has it", why.text);
    if (h->curl.start(CURL_START_ALL) == CURL_GOOD) h->handle = h->curl.open();
    if (h->handle) return true;
    library_close(&h->library);
    return err_set(err, MU_UNAVAILABLE, "cannot ask over the network: libcurl does not start");
}

void http_close(struct http *h)
{
    if (h->handle) {
        h->curl.close(h->handle);
        h->curl.stop();
    }
    library_close(&h->library);
    h->handle = NULL;
}

static bool wrong(struct pass *t, const char *what)
{
    return err_set(t->err, MU_DATA, "cannot use what %s answers: %s", t->shown, what);
}

/* Held against what was asked, once, before a byte of the body is kept. */
static bool judge_range(struct pass *t)
{
    const struct http_headers *h = &t->head;
    if (h->status == 200) {
        t->skip = t->from;
        return true;
    }
    if (!h->range_known || h->first != t->from)
        return wrong(t, "its Content-Range is not the range that was asked for");
    if (h->length_known && h->length != h->last - h->first + 1)
        return wrong(t, "its Content-Range and its Content-Length differ");
    return true;
}

static bool judge(struct pass *t)
{
    const struct http_headers *h = &t->head;
    const char *same = t->etag ? t->etag : t->asked->same_etag;
    if (t->judged) return true;
    t->judged = true;
    if (h->status != 200 && h->status != 206) return true;
    if (h->encoded) return wrong(t, "it is compressed, which was not asked for");
    if (same && strcmp(same, h->etag) != 0)
        return err_set(t->err, MU_IO, "cannot read %s: it changed while it was read; try again",
                       t->shown);
    if (!t->asked->bytes && h->length_known && t->body->n + h->length > t->asked->most_bytes)
        return wrong(t,
                     str_format(t->a, "it would be longer than %zu bytes", t->asked->most_bytes));
    return judge_range(t);
}

/* A body, as it comes. Other than n ends the transfer. */
static size_t take(char *p, size_t size, size_t n, void *to)
{
    struct pass *t = to;
    struct str s = {p, size * n};
    if (!judge(t)) return 0;
    if (t->head.status != 200 && t->head.status != 206) { /* words about a refusal */
        t->refused_bytes += s.n;
        t->over = t->refused_bytes > REFUSAL_MOST_BYTES;
        return t->over ? 0 : s.n;
    }
    const size_t before = s.n < t->skip ? s.n : (size_t)t->skip;
    t->skip -= before;
    s = (struct str){s.p + before, s.n - before};
    const uint64_t room = t->most - t->body->n;
    if (s.n > room) {
        s.n = (size_t)room;
        t->over = true;
    }
    buf_add(t->body, s);
    t->full = t->asked->bytes && t->body->n == t->most;
    return t->over || (t->full && t->head.status == 200) ? 0 : size * n;
}

static size_t take_header(char *p, size_t size, size_t n, void *to)
{
    struct pass *t = to;
    t->head_bytes += size * n;
    if (t->head_bytes > HEADERS_MOST_BYTES) return 0;
    if (size * n <= LINE_MOST) http_header_read((struct str){p, size * n}, &t->head);
    return size * n;
}

/* ---- one request */

static struct curl_list *header(struct pass *t, struct curl_list *list, const char *format,
                                const char *value)
{
    char line[LINE_MOST];
    struct buf b;
    buf_init(&b, sizeof line);
    buf_add(&b, str_of(format));
    buf_add(&b, str_of(value));
    struct curl_list *more = t->h->curl.append(list, buf_text(&b).p);
    if (b.p) explicit_bzero(b.p, b.room); /* a secret is not left lying in memory that others get */
    buf_release(&b);
    if (!more) out_of_memory();
    return more;
}

static bool token_may_go(const struct pass *t)
{
    const struct http_asked *q = t->asked;
    return q->token.secret && http_url_same_host(&t->first, &t->now) &&
           (t->now.secure || http_url_local(&t->now) || q->plain_token);
}

static struct curl_list *headers(struct pass *t)
{
    struct curl_list *list = NULL;
    if (t->asked->accept) list = header(t, list, "Accept: ", t->asked->accept);
    if (t->asked->known_etag && !t->body->n)
        list = header(t, list, "If-None-Match: ", t->asked->known_etag);
    if (token_may_go(t)) list = header(t, list, "Authorization: Bearer ", t->asked->token.secret);
    return list;
}

static void set_up(struct pass *t, char *reason, struct curl_list *list)
{
    const struct curl *c = &t->h->curl;
    curl_handle *e = t->h->handle;
    const struct http_asked *q = t->asked;
    c->reset(e);
    c->set(e, CURL_URL, t->url);
    c->set(e, CURL_AGENT, "muster/" MUSTER_VERSION);
    c->set(e, CURL_SCHEMES, (long)CURL_HTTP_AND_HTTPS);
    c->set(e, CURL_FOLLOW, 0L);
    c->set(e, CURL_CONNECT_MS, (long)(1000 * connect_s));
    c->set(e, CURL_WHOLE_MS, (long)(1000 * (q->whole_s > 0 ? q->whole_s : whole_usual_s)));
    c->set(e, CURL_STALL_BYTES_PER_S, 1L);
    c->set(e, CURL_STALL_S, (long)ceil(q->stall_s > 0 ? q->stall_s : stall_usual_s));
    c->set(e, CURL_REASON, reason);
    c->set(e, CURL_BODY_CALL, take);
    c->set(e, CURL_BODY_TO, t);
    c->set(e, CURL_HEADER_CALL, take_header);
    c->set(e, CURL_HEADER_TO, t);
    if (list) c->set(e, CURL_HEADERS, list);
    if (q->bytes)
        c->set(
            e, CURL_RANGE,
            str_format(t->a, "%ju-%ju", (uintmax_t)t->from, (uintmax_t)(q->from + q->bytes - 1)));
    else if (t->from)
        c->set(e, CURL_RANGE, str_format(t->a, "%ju-", (uintmax_t)t->from));
}

static bool is_lost(int code)
{
    static const int lost[] = {CURL_CUT_SHORT,    CURL_NO_ANSWER,   CURL_SEND_LOST,
                               CURL_RECEIVE_LOST, CURL_STREAM_LOST, CURL_NO_CONNECTION};
    for (size_t i = 0; i < COUNT_OF(lost); i++)
        if (lost[i] == code) return true;
    return false;
}

static enum pass_end ended(struct pass *t, int code, const char *reason)
{
    if (t->err->code != MU_OK) return PASS_FAILED;
    if (code == CURL_BODY_REFUSED && t->over && !t->asked->bytes && t->head.status == 200) {
        (void)wrong(t, str_format(t->a, "it is longer than %zu bytes", t->asked->most_bytes));
        return PASS_FAILED;
    }
    if (code == CURL_GOOD || (code == CURL_BODY_REFUSED && (t->full || t->over)))
        return judge(t) ? PASS_ANSWERED : PASS_FAILED;
    const char *words = str_visible(t->a, str_of(reason[0] ? reason : t->h->curl.words(code)));
    (void)err_set(t->err, t->body->n ? MU_IO : MU_UNAVAILABLE, "cannot read %s: %s", t->shown,
                  words);
    return is_lost(code) ? PASS_LOST : PASS_FAILED;
}

static enum pass_end ask_once(struct pass *t)
{
    char reason[CURL_REASON_BYTES] = "";
    struct curl_list *list = headers(t);
    t->head = (struct http_headers){.status = 0};
    t->head_bytes = t->refused_bytes = 0;
    t->judged = t->full = t->over = false;
    t->skip = 0;
    set_up(t, reason, list);
    const int code = t->h->curl.perform(t->h->handle);
    if (list) t->h->curl.release(list);
    return ended(t, code, reason);
}

/* ---- where it leads */

static const char *shown_of(const struct http_url *u, struct arena *a)
{
    return str_visible(a, (struct str){u->origin.p, u->origin.n + u->path.n});
}

static bool go_to(struct pass *t, const char *url)
{
    struct http_url next;
    if (!http_url_read(str_of(url), &next))
        return wrong(t, "it leads to no address of http or https");
    if (t->now.secure && !next.secure) return wrong(t, "it leads from https to http");
    t->url = url;
    t->now = next;
    t->shown = shown_of(&next, t->a);
    return true;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum pass_end follow(struct pass *t)
{
    t->url = t->asked->url;
    t->now = t->first;
    t->shown = shown_of(&t->first, t->a);
    for (int i = 0; i <= HTTP_REDIRECTS_MOST; i++) {
        const enum pass_end end = ask_once(t);
        const char *where = NULL;
        if (end != PASS_ANSWERED || !is_redirect(t->head.status)) return end;
        t->h->curl.ask(t->h->handle, CURL_REDIRECT, &where);
        if (!where) {
            (void)wrong(t, "it leads elsewhere and does not say where");
            return PASS_FAILED;
        }
        if (!go_to(t, str_copy(t->a, str_of(where)))) return PASS_FAILED;
    }
    (void)wrong(t, "it leads on and on");
    return PASS_FAILED;
}

/* ---- tried again */

static bool try_later(int status)
{
    return status == 429 || (status >= 500 && status <= 599);
}

static void rest(double s)
{
    struct timespec left = {.tv_sec = (time_t)s, .tv_nsec = (long)(1e9 * (s - (double)(time_t)s))};
    while (nanosleep(&left, &left) != 0) continue;
}

/* Waits before another try; false when that would take too long. */
static bool wait_for(struct pass *t, int tries)
{
    const struct http_headers *h = &t->head;
    const double wait_s = try_later(h->status) && h->wait_known ? h->wait_s : wait_first_s * tries;
    if (wait_s > wait_most_s) return false;
    rest(wait_s);
    return true;
}

/* What is there already stays when the server can go on behind it and says what it is part of. */
static void go_on(struct pass *t)
{
    if (t->body->n && t->head.etag[0] && (t->head.status == 206 || t->head.status == 200)) {
        t->etag = str_copy(t->a, str_of(t->head.etag));
    } else {
        t->body->n = 0;
        t->etag = NULL;
    }
    t->from = t->asked->from + t->body->n;
}

/* Statuses that nobody asked for, and those that mean to ask later. */
static bool judge_status(struct pass *t)
{
    const struct http_headers *h = &t->head;
    const bool refused = h->status >= 400 && h->status <= 499;
    if (try_later(h->status))
        return err_set(t->err, MU_UNAVAILABLE, "cannot read %s: it answers %d, time and again%s",
                       t->shown, h->status,
                       h->wait_known ? str_format(t->a, " (try after %.0f s)", h->wait_s) : "");
    if (h->status == 304 && !t->asked->known_etag)
        return wrong(t, "it says that what nobody has is unchanged");
    if (h->status != 200 && h->status != 206 && h->status != 304 && !refused)
        return wrong(t, str_format(t->a, "status %d means nothing here", h->status));
    return true;
}

static bool usual_answer(struct pass *t, struct http_answer *out)
{
    const struct http_headers *h = &t->head;
    const bool whole = h->status == 200;
    const uint64_t end = t->asked->from + t->body->n;
    if (!judge_status(t)) return false;
    *out = (struct http_answer){.status = h->status,
                                .etag = h->etag[0] ? str_copy(t->a, str_of(h->etag)) : NULL,
                                .next = h->next[0] ? str_copy(t->a, str_of(h->next)) : NULL,
                                .total_known = whole ? h->length_known : h->total_known,
                                .total_bytes = whole ? h->length : h->total};
    if (h->status == 206 && t->asked->bytes && t->body->n < t->asked->bytes &&
        !(out->total_known && end == out->total_bytes))
        return wrong(t, "it is shorter than its headers say");
    return true;
}

static bool begin(struct pass *t)
{
    if (!http_url_read(str_of(t->asked->url), &t->first))
        return err_set(t->err, MU_USAGE,
                       "cannot ask for that address: it is none of http or https, names a user, or "
                       "holds characters that no address has");
    if (strlen(t->asked->token.secret ? t->asked->token.secret : "") > TOKEN_MOST)
        return err_set(t->err, MU_USAGE, "the token to be sent is longer than any is");
    for (const char *p = t->asked->token.secret; p && *p; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(t->err, MU_USAGE,
                           "the token to be sent holds blanks or control characters");
    t->from = t->asked->from;
    t->most = t->asked->bytes ? t->asked->bytes : t->asked->most_bytes;
    return true;
}

bool http_get(struct http *h, const struct http_asked *asked, struct arena *a, struct buf *body,
              struct http_answer *out, struct mu_err *err)
{
    struct mu_err why = {.code = MU_OK};
    struct pass t = {.h = h, .asked = asked, .a = a, .body = body, .err = &why};
    bool good = begin(&t);
    for (int tries = 1; good; tries++) {
        why = (struct mu_err){.code = MU_OK};
        const enum pass_end end = follow(&t);
        const bool again = end == PASS_LOST || (end == PASS_ANSWERED && try_later(t.head.status));
        if (again && tries < HTTP_TRIES && wait_for(&t, tries)) {
            go_on(&t);
            continue;
        }
        good = end == PASS_ANSWERED && usual_answer(&t, out);
        break;
    }
    return good || err_set(err, why.code, "%s", why.text);
}
