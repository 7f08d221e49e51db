/* doc/as_markdown.c - an answer as GitHub-flavoured Markdown: tables for all that has rows, fenced blocks for commands.
 *
 * Every character that Markdown or HTML would act upon is escaped, so that a name shows as it is. An underscore inside a word is left
 * alone: GitHub does not act on it, and quantisations are full of them. Tones are left out: Markdown has no colour. */
#include <string.h>

#include "base/arena.h"
#include "doc/doc.h"
#include "doc/wrap.h"

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void add_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        const bool inside = i > 0 && i + 1 < s.n && in_word(s.p[i - 1]) && in_word(s.p[i + 1]);
        if (c == '<') {
            buf_add(out, S("&lt;"));
        } else if (c == '&') {
            buf_add(out, S("&amp;"));
        } else {
            if (strchr("\\`*[]|~>", c) || (c == '_' && !inside)) buf_char(out, '\\');
            buf_char(out, c);
        }
    }
}

/* A paragraph must not begin like a heading, a list or a rule. */
static void add_paragraph(struct buf *out, struct str s)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9') digits++;
    if (s.n && strchr("#-+=", s.p[0])) {
        buf_char(out, '\\');
    } else if (digits && digits < s.n && strchr(".)", s.p[digits])) {
        buf_add(out, (struct str){s.p, digits});
        buf_char(out, '\\');
        s = (struct str){s.p + digits, s.n - digits};
    }
    add_escaped(out, s);
    buf_add(out, S("\n"));
}

static void add_row(struct buf *out, const struct str *cell, size_t columns)
{
    buf_char(out, '|');
    for (size_t c = 0; c < columns; c++) {
        buf_char(out, ' ');
        add_escaped(out, cell[c]);
        buf_add(out, cell[c].n ? S(" |") : S("|"));
    }
    buf_char(out, '\n');
}

static void add_rule(struct buf *out, const struct block *b)
{
    buf_char(out, '|');
    for (size_t c = 0; c < b->columns; c++) {
        const bool right =
            (b->align && b->align[c] == ALIGN_RIGHT) || (b->kind == BLOCK_STACK && c > 0);
        buf_add(out, right ? S(" ---: |") : S(" --- |"));
    }
    buf_char(out, '\n');
}

static const char *head_of(const struct block *b, size_t column)
{
    static const char *const stack[] = {"", "share", "amount"};
    if (b->kind == BLOCK_STACK && column < COUNT_OF(stack)) return stack[column];
    return b->head ? b->head[column] : "";
}

static void add_rows(struct buf *out, const struct block *b, struct arena *a)
{
    struct str cell[DOC_COLUMNS_MOST];
    for (size_t c = 0; c < b->columns; c++) cell[c] = wrap_safe(a, head_of(b, c));
    add_row(out, cell, b->columns);
    add_rule(out, b);
    for (size_t r = 0; r < b->rows; r++) {
        for (size_t c = 0; c < b->columns; c++) {
            double share;
            cell[c] = wrap_safe(a, b->cell[r * b->columns + c].text);
            if (b->kind == BLOCK_STACK && c == 1 && str_f64(cell[c], &share))
                cell[c] = str_of(str_format(a, "%.1f %%", share * 100));
        }
        add_row(out, cell, b->columns);
    }
    if (!b->rows) buf_add(out, S("\nnone\n"));
}

/* A fence longer than any run of backticks inside. */
static void add_commands(struct buf *out, const struct block *b, struct arena *a)
{
    size_t longest = 2;
    for (size_t r = 0; r < b->rows; r++) {
        size_t run = 0;
        for (const char *p = b->cell[r].text; *p; p++) {
            run = *p == '`' ? run + 1 : 0;
            if (run > longest) longest = run;
        }
    }
    buf_fill(out, '`', longest + 1);
    buf_add(out, S("sh\n"));
    for (size_t r = 0; r < b->rows; r++) {
        buf_add(out, wrap_safe(a, b->cell[r].text));
        buf_char(out, '\n');
    }
    buf_fill(out, '`', longest + 1);
    buf_char(out, '\n');
}

static void add_block(struct buf *out, const struct block *b, struct arena *a)
{
    if (b->kind == BLOCK_ANSWER) {
        buf_add(out, S("**"));
        add_escaped(out, str_trim(wrap_safe(a, b->text)));
        buf_add(out, S("**\n"));
        return;
    }
    if (b->kind == BLOCK_NOTE) {
        add_paragraph(out, wrap_safe(a, b->text));
        return;
    }
    if (b->title) {
        buf_add(out, b->kind == BLOCK_HEADING ? S("## ") : S("### "));
        add_escaped(out, wrap_safe(a, b->title));
        buf_char(out, '\n');
    }
    if (b->kind == BLOCK_HEADING) return;
    if (b->title) buf_char(out, '\n');
    if (b->kind == BLOCK_COMMANDS)
        add_commands(out, b, a);
    else
        add_rows(out, b, a);
}

void doc_as_markdown(const struct doc *d, struct buf *out)
{
    bool first = !d->title;
    if (d->title) {
        buf_add(out, S("# "));
        add_escaped(out, wrap_safe(d->arena, d->title));
        buf_char(out, '\n');
    }
    for (const struct block *b = d->first; b; b = b->next) {
        if (!block_shown(b)) continue;
        if (!first) buf_char(out, '\n');
        add_block(out, b, d->arena);
        first = false;
    }
}
