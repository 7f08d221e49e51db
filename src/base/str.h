/* base/str.h - text is a view in, and an arena copy or a bounded buffer out. Views need not end in NUL; copies always do. */
#pragma once
#include "base/attr.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *p;
    size_t n;
};

#define S(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */

/* ASCII, whatever the locale. */
static inline bool byte_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool byte_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool byte_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool byte_is_word(char c)
{
    return byte_is_letter(c) || byte_is_digit(c);
}

struct str str_of(const char *text); /* NULL gives the empty view */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
bool str_is(struct str a, const char *text);
bool str_same(const char *a, const char *b); /* both NULL, or the same text */
bool str_starts(struct str s, struct str with);
bool str_ends(struct str s, struct str with);
bool str_has(struct str s, struct str part);
int str_order(struct str a, struct str b); /* by bytes, as memcmp */
struct str str_trim(struct str s);         /* ASCII blanks off both ends */
/* Cuts *rest at the first `at`: returns what stood before it, *rest becomes what follows (empty, p == NULL, when there was none). */
struct str str_cut(struct str *rest, char at);
struct str str_line(struct str *rest); /* str_cut at newline, a trailing \r removed */
/* A whole decimal integer / a whole number as strtod reads in the C locale, nothing before or after. *out only on success. */
bool str_u64(struct str s, uint64_t *out) NODISCARD;
bool str_f64(struct str s, double *out) NODISCARD; /* finite only */

const char *str_copy(struct arena *a, struct str s); /* NUL-terminated */
const char *str_format(struct arena *a, const char *format, ...) PRINTF(2, 3);
const char *str_vformat(struct arena *a, const char *format, va_list list) PRINTF(2, 0);
/* Letters and digits only, lower case: how every name is compared ("RTX 4090" = "rtx4090"). */
const char *str_plain(struct arena *a, struct str s);
/* How many single-character edits make a of b (ASCII case ignored); for "did you mean". At most 64 bytes are looked at. */
size_t str_distance(struct str a, struct str b);
/* Replaces control characters and broken UTF-8 by visible escapes (\x1b), so that hostile text cannot reach a terminal. */
const char *str_visible(struct arena *a, struct str s);
/* The UTF-8 character at the front: how many bytes it takes, its code point in *point. 0 when there is none that is well formed. */
size_t str_utf8(struct str s, uint32_t *point);

/* The character is not seen, or changes how others are shown: controls, C1 among them, and what turns the direction of text. */
bool str_hides(uint32_t point);

/* A growing string with a stated maximum. Past it, or out of bounds, the text is cut and `over` stays set. */
struct buf {
    char *p; /* NUL-terminated once anything was added; "" via buf_text() before that */
    size_t n, room, most;
    bool over;
};

void buf_init(struct buf *b, size_t most);
void buf_release(struct buf *b);
void buf_add(struct buf *b, struct str s);
void buf_char(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t times);
void buf_format(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_visible(struct buf *b, struct str s); /* as str_visible */
struct str buf_text(const struct buf *b);
