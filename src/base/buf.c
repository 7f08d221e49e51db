/* base/buf.c - a string that grows up to a stated maximum, and text made safe to print.
 *
 * Past the maximum the text is cut and `over` stays set, so that a writer need not check each step. What is not safe to print: control
 * characters (C0, DEL, C1), bytes that are not UTF-8, and the characters that reorder or hide text (bidirectional controls, zero
 * width, line separators, tags; from the Unicode standard, chapters 23.2 to 23.9). */
#include "base/arena.h"
#include "base/num.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *b, size_t most)
{
    *b = (struct buf){.most = most};
}

void buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.most = b->most};
}

/* Room for n more bytes and the NUL; fewer when the maximum is near. Returns how many may be added. */
static size_t make_room(struct buf *b, size_t n)
{
    if (n > b->most - b->n) {
        n = b->most - b->n;
        b->over = true;
    }
    if (b->p && n < b->room - b->n) return n;
    uint64_t room = b->room ? b->room : FIRST_ROOM;
    while (room <= b->n + n)
        if (!num_mul(room, 2, &room)) out_of_memory();
    char *p = realloc(b->p, (size_t)room);
    if (!p) out_of_memory();
    b->p = p;
    b->room = (size_t)room;
    b->p[b->n] = '\0';
    return n;
}

void buf_add(struct buf *b, struct str s)
{
    const size_t n = make_room(b, s.n);
    if (n) memcpy(b->p + b->n, s.p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_fill(struct buf *b, char c, size_t times)
{
    const size_t n = make_room(b, times);
    memset(b->p + b->n, c, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list list;
    va_list again;
    va_start(list, format);
    va_copy(again, list);
    const int wanted = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (wanted > 0) {
        const size_t n = make_room(b, (size_t)wanted);
        vsnprintf(b->p + b->n, n + 1, format, list);
        b->n += n;
    }
    va_end(list);
}

struct str buf_text(const struct buf *b)
{
    return b->p ? (struct str){b->p, b->n} : (struct str){"", 0};
}

bool str_hides(uint32_t point)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (point >= ranges[i].from && point <= ranges[i].to) return true;
    return false;
}

void buf_visible(struct buf *b, struct str s)
{
    while (s.n) {
        uint32_t point;
        const size_t valid = str_utf8(s, &point);
        const size_t n = valid ? valid : 1;
        if (valid && !str_hides(point))
            buf_add(b, (struct str){s.p, n});
        else if (n == 1)
            buf_format(b, "\\x%02x", (unsigned)(uint8_t)s.p[0]);
        else
            buf_format(b, "\\u%04x", (unsigned)point);
        s.p += n;
        s.n -= n;
    }
}

const char *str_visible(struct arena *a, struct str s)
{
    uint64_t most; /* one byte becomes at most four characters */
    if (!num_mul(s.n, 8, &most)) out_of_memory();
    struct buf b;
    buf_init(&b, (size_t)most);
    buf_visible(&b, s);
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}
