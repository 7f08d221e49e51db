/* base/str.c - views on text: comparing, cutting, numbers, and copies that end in NUL.
 *
 * Everything works on bytes and ASCII; the one place that knows UTF-8 is str_utf8(). The growing buffer and text made safe for a
 * terminal live in buf.c. */
#include "base/str.h"
#include "base/arena.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MOST = 128, DISTANCE_MOST = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(const char *a, const char *b, size_t n)
{
    return n == 0 || !memcmp(a, b, n);
}

struct str str_of(const char *text)
{
    return text ? (struct str){text, strlen(text)} : (struct str){"", 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && same(a.p, b.p, a.n);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

bool str_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(struct str s, struct str with)
{
    return s.n >= with.n && same(s.p, with.p, with.n);
}

bool str_ends(struct str s, struct str with)
{
    return s.n >= with.n && (with.n == 0 || same(s.p + (s.n - with.n), with.p, with.n));
}

bool str_has(struct str s, struct str part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n));
}

int str_order(struct str a, struct str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int first = n ? memcmp(a.p, b.p, n) : 0;
    if (first) return first;
    return (a.n > b.n) - (a.n < b.n);
}

struct str str_trim(struct str s)
{
    while (s.n && byte_is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && byte_is_blank(s.p[s.n - 1])) s.n--;
    return s;
}

struct str str_cut(struct str *rest, char at)
{
    const struct str all = *rest;
    const char *found = all.n ? memchr(all.p, at, all.n) : NULL;
    if (!found) {
        *rest = (struct str){NULL, 0};
        return all.p ? all : (struct str){"", 0};
    }
    const size_t n = (size_t)(found - all.p);
    *rest = (struct str){found + 1, all.n - n - 1};
    return (struct str){all.p, n};
}

struct str str_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t x = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!byte_is_digit(s.p[i]) || !num_mul(x, 10, &x) ||
            !num_add(x, (uint64_t)(s.p[i] - '0'), &x))
            return false;
    }
    if (s.n) *out = x;
    return s.n > 0;
}

bool str_f64(struct str s, double *out)
{
    static const char marks[] = {'+', '-', '.', 'e', 'E'};
    char text[NUMBER_MOST];
    if (s.n == 0 || s.n >= sizeof text) return false;
    for (size_t i = 0; i < s.n;
         i++) /* no blanks, hexadecimals, infinities: strtod knows them all */
        if (!byte_is_digit(s.p[i]) && !memchr(marks, s.p[i], sizeof marks)) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    const double x = strtod(text, &end);
    if (end != text + s.n || !isfinite(x)) return false;
    *out = x;
    return true;
}

const char *str_copy(struct arena *a, struct str s)
{
    char *p = NEW_ARRAY(a, char, s.n + 1);
    if (s.n) memcpy(p, s.p, s.n);
    return p;
}

const char *str_vformat(struct arena *a, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    const int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0) return "";
    char *p = NEW_ARRAY(a, char, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, list);
    return p;
}

const char *str_format(struct arena *a, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = str_vformat(a, format, list);
    va_end(list);
    return text;
}

const char *str_plain(struct arena *a, struct str s)
{
    char *p = NEW_ARRAY(a, char, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char c = lower(s.p[i]);
        if (byte_is_digit(c) || (c >= 'a' && c <= 'z')) p[n++] = c;
    }
    return p;
}

/* Levenshtein's distance over one row: row[j] is the distance between the part of a seen so far and the first j bytes of b. */
size_t str_distance(struct str a, struct str b)
{
    if (a.n > DISTANCE_MOST) a.n = DISTANCE_MOST;
    if (b.n > DISTANCE_MOST) b.n = DISTANCE_MOST;
    size_t row[DISTANCE_MOST + 1];
    for (size_t j = 0; j <= b.n; j++) row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            const size_t replace = diagonal + (lower(a.p[i]) != lower(b.p[j]));
            diagonal = row[j + 1];
            const size_t edit = 1 + (row[j] < diagonal ? row[j] : diagonal);
            row[j + 1] = replace < edit ? replace : edit;
        }
    }
    return row[b.n];
}

/* The well-formed sequences of RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
size_t str_utf8(struct str s, uint32_t *point)
{
    if (s.n == 0) return 0;
    const uint8_t first = (uint8_t)s.p[0];
    if (first < 0x80) {
        *point = first;
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) return 0;
    const size_t n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (s.n < n) return 0;
    uint32_t x = first & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        const uint8_t next = (uint8_t)s.p[i];
        if ((next & 0xc0) != 0x80) return 0;
        x = x << 6 | (next & 0x3f);
    }
    static const uint32_t least_of[] = {0, 0, 0x80, 0x800, 0x10000};
    if (x < least_of[n] || x > 0x10ffff || (x >= 0xd800 && x <= 0xdfff)) return 0;
    *point = x;
    return n;
}
