/* base/writer.c - JSON out, as it is made: keys in the order written, numbers in their shortest form that reads back the same.
 *
 * Two spaces of indent, or one line. Text that is not UTF-8 gets U+FFFD where it breaks, and so does NUL, which our reader (and
 * many another) refuses. Calling it in a wrong order is our own mistake and an assert. */
#include "base/json.h"
#include "base/num.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const double whole_most = 9007199254740992.0; /* 2^53 */

struct writer writer_of(struct buf *to, bool compact)
{
    return (struct writer){.to = to, .compact = compact};
}

static void new_line(struct writer *w)
{
    if (w->compact) return;
    buf_char(w->to, '\n');
    buf_fill(w->to, ' ', 2 * (size_t)w->depth);
}

/* The comma and the line break that stand before an item. */
static void item(struct writer *w)
{
    if (!w->first[w->depth]) buf_add(w->to, w->compact ? S(", ") : S(","));
    w->first[w->depth] = false;
    new_line(w);
}

static void before_value(struct writer *w)
{
    assert(w->after_key == w->map[w->depth]); /* in a map a key comes first, elsewhere none does */
    if (w->depth && !w->after_key) item(w);
    w->after_key = false;
}

static void open_one(struct writer *w, bool map)
{
    before_value(w);
    assert(w->depth + 1 < (int)COUNT_OF(w->first));
    buf_char(w->to, map ? '{' : '[');
    w->depth++;
    w->first[w->depth] = true;
    w->map[w->depth] = map;
}

static void close_one(struct writer *w, bool map)
{
    assert(w->depth > 0 && w->map[w->depth] == map && !w->after_key);
    const bool empty = w->first[w->depth];
    w->depth--;
    if (!empty) new_line(w);
    buf_char(w->to, map ? '}' : ']');
}

void writer_map(struct writer *w)
{
    open_one(w, true);
}

void writer_map_end(struct writer *w)
{
    close_one(w, true);
}

void writer_list(struct writer *w)
{
    open_one(w, false);
}

void writer_list_end(struct writer *w)
{
    close_one(w, false);
}

/* What would not be seen, or would steer the terminal that shows the document. Two surrogates past the first plane. */
static void escaped(struct buf *to, uint32_t point)
{
    if (point < 0x10000)
        buf_format(to, "\\u%04x", (unsigned)point);
    else
        buf_format(to, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((point - 0x10000) >> 10)),
                   (unsigned)(0xdc00 + (point & 0x3ff)));
}

static void quoted(struct buf *to, struct str s)
{
    buf_char(to, '"');
    while (s.n) {
        uint32_t point;
        const size_t valid = str_utf8(s, &point);
        if (!valid || point == 0)
            buf_add(to, S("\xef\xbf\xbd")); /* U+FFFD */
        else if (point == '"' || point == '\\')
            buf_format(to, "\\%c", (char)point);
        else if (point == '\n')
            buf_add(to, S("\\n"));
        else if (point == '\t')
            buf_add(to, S("\\t"));
        else if (str_hides(point))
            escaped(to, point);
        else
            buf_add(to, (struct str){s.p, valid});
        s.p += valid ? valid : 1;
        s.n -= valid ? valid : 1;
    }
    buf_char(to, '"');
}

void writer_key(struct writer *w, const char *key)
{
    assert(w->map[w->depth] && !w->after_key);
    item(w);
    quoted(w->to, str_of(key));
    buf_add(w->to, S(": "));
    w->after_key = true;
}

void writer_text(struct writer *w, struct str s)
{
    before_value(w);
    quoted(w->to, s);
}

void writer_cstr(struct writer *w, const char *s)
{
    if (s)
        writer_text(w, str_of(s));
    else
        writer_null(w);
}

void writer_number(struct writer *w, double x)
{
    if (!isfinite(x)) {
        writer_null(w);
        return;
    }
    before_value(w);
    char text[32];
    if (x == trunc(x) && fabs(x) <= whole_most) {
        snprintf(text, sizeof text, "%.0f", x);
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, x);
            if (strtod(text, NULL) == x) break;
        }
    }
    buf_add(w->to, str_of(text));
}

void writer_bool(struct writer *w, bool x)
{
    before_value(w);
    buf_add(w->to, x ? S("true") : S("false"));
}

void writer_null(struct writer *w)
{
    before_value(w);
    buf_add(w->to, S("null"));
}

void writer_put_cstr(struct writer *w, const char *key, const char *s)
{
    writer_key(w, key);
    writer_cstr(w, s);
}

void writer_put_number(struct writer *w, const char *key, double x)
{
    writer_key(w, key);
    writer_number(w, x);
}

void writer_put_bool(struct writer *w, const char *key, bool x)
{
    writer_key(w, key);
    writer_bool(w, x);
}
