/* doc/as_csv.c - what an answer holds in rows, as RFC 4180: facts, tables and stacks, every record as wide as the widest, the first
 * field naming the block. Left out: sentences and commands.
 *
 * A field that a spreadsheet would run as a formula (it begins with = + @, or with - and no digit) gets an apostrophe in front, as
 * spreadsheets themselves write text. Newlines stay, inside quotes; other control characters are made visible. */
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"

static bool formula(struct str s)
{
    if (!s.n || !strchr("=+@-", s.p[0])) return false;
    const bool digit = s.n > 1 && s.p[1] >= '0' && s.p[1] <= '9';
    return !(digit && (s.p[0] == '-' || s.p[0] == '+'));
}

static void add_quoted(struct buf *out, struct arena *a, struct str s)
{
    buf_char(out, '"');
    if (formula(s)) buf_char(out, '\'');
    while (s.p) {
        const struct str line = str_line(&s);
        const char *safe = str_visible(a, line);
        for (const char *p = safe; *p; p++) {
            if (*p == '"') buf_char(out, '"');
            buf_char(out, *p);
        }
        if (s.p) buf_add(out, S("\r\n"));
    }
    buf_char(out, '"');
}

static void add_field(struct buf *out, struct arena *a, const char *text)
{
    const struct str s = str_of(text);
    bool plain = !formula(s);
    for (size_t i = 0; i < s.n && plain; i++)
        plain = s.p[i] >= ' ' && s.p[i] <= '~' && s.p[i] != '"' && s.p[i] != ',';
    if (plain)
        buf_add(out, s);
    else
        add_quoted(out, a, s);
}

static bool has_rows(const struct block *b)
{
    return b->kind == BLOCK_TABLE || b->kind == BLOCK_FACTS || b->kind == BLOCK_STACK;
}

static void end_record(struct buf *out, size_t columns, size_t most)
{
    buf_fill(out, ',', most - columns);
    buf_add(out, S("\r\n"));
}

static void add_block(const struct doc *d, const struct block *b, size_t most, struct buf *out)
{
    static const char *const kind[] = {
        [BLOCK_FACTS] = "facts", [BLOCK_TABLE] = "table", [BLOCK_STACK] = "stack"};
    const char *name = b->title ? b->title : b->head && *b->head[0] ? b->head[0] : kind[b->kind];
    if (b->head) {
        add_field(out, d->arena, name);
        for (size_t c = 0; c < b->columns; c++) {
            buf_char(out, ',');
            add_field(out, d->arena, b->head[c]);
        }
        end_record(out, b->columns, most);
    }
    for (size_t r = 0; r < b->rows; r++) {
        add_field(out, d->arena, name);
        for (size_t c = 0; c < b->columns; c++) {
            buf_char(out, ',');
            add_field(out, d->arena, b->cell[r * b->columns + c].text);
        }
        end_record(out, b->columns, most);
    }
}

void doc_as_csv(const struct doc *d, struct buf *out)
{
    size_t most = 0;
    for (const struct block *b = d->first; b; b = b->next)
        if (has_rows(b) && b->columns > most) most = b->columns;
    for (const struct block *b = d->first; b; b = b->next)
        if (has_rows(b)) add_block(d, b, most, out);
}
