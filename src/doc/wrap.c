/* doc/wrap.c - how wide text stands on a terminal, and where it may be cut.
 *
 * Widths are those of Unicode 15 in coarse ranges: EastAsianWidth.txt W and F, and the pictographs, take two columns; the combining
 * marks of the scripts most written take none. A rare script misaligns a column, nothing worse. Left out: hyphenation, and languages
 * that break lines without blanks (their long runs are cut at the edge). */
#include "doc/wrap.h"

#include "base/arena.h"
#include "doc/doc.h"

struct range {
    uint32_t from, to;
};

static bool within(uint32_t point, const struct range *range, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (point >= range[i].from && point <= range[i].to) return true;
    return false;
}

static size_t point_columns(uint32_t point)
{
    static const struct range none[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a}, {0x064b, 0x065f},
        {0x06d6, 0x06dc}, {0x093c, 0x093c}, {0x0941, 0x0948},   {0x094d, 0x094d}, {0x0e34, 0x0e3a},
        {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x20d0, 0x20ff}, {0x3099, 0x309a},
        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
    };
    static const struct range two[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},
        {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    if (point < 0x0300) return 1;
    if (within(point, none, COUNT_OF(none))) return 0;
    return within(point, two, COUNT_OF(two)) ? 2 : 1;
}

/* The character at the front and its width; a byte that is not UTF-8 is one column. */
static size_t next(struct str s, size_t *columns)
{
    uint32_t point;
    const size_t n = str_utf8(s, &point);
    *columns = n ? point_columns(point) : 1;
    return n ? n : 1;
}

size_t text_columns(struct str utf8)
{
    size_t sum = 0;
    size_t columns;
    for (size_t i = 0; i < utf8.n; sum += columns)
        i += next((struct str){utf8.p + i, utf8.n - i}, &columns);
    return sum;
}

struct str wrap_safe(struct arena *a, const char *text)
{
    struct str s = str_of(text);
    char *p = NEW_ARRAY(a, char, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        const bool blank = s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r';
        p[i] = blank ? ' ' : s.p[i];
    }
    return str_of(str_visible(a, (struct str){p, s.n}));
}

struct str wrap_line(struct str *rest, size_t columns)
{
    const struct str all = *rest;
    size_t cut = 0;    /* before the last blank that fits */
    size_t hyphen = 0; /* behind the last hyphen that fits */
    size_t used = 0;
    size_t i = 0;
    while (i < all.n) {
        size_t wide;
        const size_t n = next((struct str){all.p + i, all.n - i}, &wide);
        if (all.p[i] == ' ') cut = i;
        if (used + wide > columns && i > 0) break;
        used += wide;
        i += n;
        if (all.p[i - 1] == '-') hyphen = i;
    }
    if (i == all.n) {
        *rest = (struct str){NULL, 0};
        return all;
    }
    if (!cut && hyphen > i / 2) cut = hyphen;
    struct str line = {all.p, cut ? cut : i};
    *rest = (struct str){all.p + line.n, all.n - line.n};
    while (rest->n && rest->p[0] == ' ') *rest = (struct str){rest->p + 1, rest->n - 1};
    while (line.n && line.p[line.n - 1] == ' ') line.n--;
    return line;
}

size_t wrap_word(struct str text)
{
    size_t longest = 0;
    while (text.n) {
        const size_t columns = text_columns(str_cut(&text, ' '));
        if (columns > longest) longest = columns;
    }
    return longest;
}

void wrap_add(struct buf *out, struct str text, size_t at, size_t indent, size_t width)
{
    do {
        const size_t room = width > at + 8 ? width - at : 8;
        buf_add(out, wrap_line(&text, room));
        buf_char(out, '\n');
        if (text.n) buf_fill(out, ' ', indent);
        at = indent;
    } while (text.n);
}
