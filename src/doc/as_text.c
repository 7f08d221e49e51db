/* doc/as_text.c - an answer for a terminal: aligned columns that never run past its width, colour only when asked and only for what it
 * means, headings in bold.
 *
 * Everything with rows is laid out as one grid: the widest columns give way until the row fits, and their cells wrap at blanks under
 * their own column. Figures (columns aligned right) and bars are the last to give way. Prose stops at 100 columns on any terminal. */
#include "base/arena.h"
#include "doc/doc.h"
#include "doc/wrap.h"

enum { INDENT = 2, GAP = 2, BAR_COLUMNS = 20, PROSE_COLUMNS = 100, NARROWEST = 20, WORD_MOST = 40 };

#define BAR_EMPTY "\xe2\x96\x91" /* U+2591, light shade */

struct page {
    struct buf *to;
    struct arena *arena;
    bool colour;
    size_t width, at;
};

static void put(struct page *p, size_t column, struct str text, const char *sgr)
{
    if (!text.n) return;
    if (p->at < column) buf_fill(p->to, ' ', column - p->at);
    const bool dressed = p->colour && *sgr;
    if (dressed) buf_format(p->to, "\x1b[%sm", sgr);
    buf_add(p->to, text);
    if (dressed) buf_add(p->to, S("\x1b[0m"));
    p->at = (p->at < column ? column : p->at) + text_columns(text);
}

static void end_line(struct page *p)
{
    buf_char(p->to, '\n');
    p->at = 0;
}

static const char *sgr_of(enum tone tone)
{
    static const char *const sgr[] = {"", "32", "33", "31", "2"};
    return sgr[tone];
}

static void prose(struct page *p, const char *text, size_t indent, const char *sgr)
{
    const size_t width = p->width < PROSE_COLUMNS ? p->width : PROSE_COLUMNS;
    struct str rest = wrap_safe(p->arena, text);
    do {
        put(p, indent, wrap_line(&rest, width - indent), sgr);
        end_line(p);
    } while (rest.n);
}

/* Rows in columns. text is escaped and holds rows x columns; head may be NULL. */
struct grid {
    size_t columns, rows;
    const struct str *head, *text;
    const struct cell *cell; /* tones, or NULL */
    bool right[DOC_COLUMNS_MOST], firm[DOC_COLUMNS_MOST];
    size_t width[DOC_COLUMNS_MOST], at[DOC_COLUMNS_MOST];
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Takes columns off the widest column that is over its floor until the row fits. */
static void shrink(struct grid *g, const size_t *floor, size_t most)
{
    size_t total = INDENT + GAP * (g->columns - 1);
    for (size_t c = 0; c < g->columns; c++) total += g->width[c];
    while (total > most) {
        size_t widest = g->columns;
        for (size_t c = 0; c < g->columns; c++)
            if (g->width[c] > floor[c] && (widest == g->columns || g->width[c] > g->width[widest]))
                widest = c;
        if (widest == g->columns) return;
        g->width[widest]--;
        total--;
    }
}

static void lay_out(struct grid *g, size_t most)
{
    size_t word[DOC_COLUMNS_MOST] = {0};
    size_t one[DOC_COLUMNS_MOST] = {0};
    for (size_t c = 0; c < g->columns; c++) {
        /* The first head starts at the margin and has the indent's room as well. */
        const size_t head = g->head ? text_columns(g->head[c]) : 0;
        g->width[c] = c || head <= INDENT ? head : head - INDENT;
        if (g->head) word[c] = wrap_word(g->head[c]);
        for (size_t r = 0; r < g->rows; r++) {
            const struct str text = g->text[r * g->columns + c];
            const size_t columns = text_columns(text);
            g->width[c] = larger(g->width[c], columns < most ? columns : most);
            word[c] = larger(word[c], wrap_word(text));
        }
        if (g->right[c] || g->firm[c]) word[c] = g->width[c];
        if (word[c] > WORD_MOST) word[c] = WORD_MOST;
        one[c] = 1;
    }
    shrink(g, word, most);
    shrink(g, one, most);
    for (size_t c = 0, at = INDENT; c < g->columns; at += g->width[c] + GAP, c++) g->at[c] = at;
}

/* One row; the head's first cell starts at the margin. */
static void grid_row(struct page *p, const struct grid *g, const struct str *text,
                     const struct cell *tone, bool head)
{
    struct str rest[DOC_COLUMNS_MOST];
    bool more = true;
    for (size_t c = 0; c < g->columns; c++) rest[c] = text[c];
    while (more) {
        more = false;
        for (size_t c = 0; c < g->columns; c++) {
            const bool margin = head && c == 0;
            const size_t width = g->width[c] + (margin ? INDENT : 0);
            const struct str line = wrap_line(&rest[c], width);
            const size_t used = text_columns(line);
            const size_t pad = g->right[c] && used < width ? width - used : 0;
            put(p, (margin ? 0 : g->at[c]) + pad, line,
                head   ? "1"
                : tone ? sgr_of(tone[c].tone)
                       : "");
            more = more || rest[c].n;
        }
        end_line(p);
    }
}

static void put_grid(struct page *p, struct grid *g)
{
    lay_out(g, p->width);
    if (g->head) grid_row(p, g, g->head, NULL, true);
    for (size_t r = 0; r < g->rows; r++)
        grid_row(p, g, g->text + r * g->columns, g->cell ? g->cell + r * g->columns : NULL, false);
}

static struct str *safe_cells(struct page *p, const struct block *b)
{
    struct str *text = NEW_ARRAY(p->arena, struct str, b->rows * b->columns);
    for (size_t i = 0; i < b->rows * b->columns; i++)
        text[i] = wrap_safe(p->arena, b->cell[i].text);
    return text;
}

static void put_table(struct page *p, const struct block *b)
{
    struct grid g = {
        .columns = b->columns, .rows = b->rows, .text = safe_cells(p, b), .cell = b->cell};
    const bool joined = b->title && b->head && !*b->head[0];
    if (b->title && !joined) prose(p, b->title, 0, "1");
    if (b->head) {
        struct str *head = NEW_ARRAY(p->arena, struct str, b->columns);
        for (size_t c = 0; c < b->columns; c++)
            head[c] = wrap_safe(p->arena, c == 0 && joined ? b->title : b->head[c]);
        g.head = head;
    }
    for (size_t c = 0; b->align && c < b->columns; c++) g.right[c] = b->align[c] == ALIGN_RIGHT;
    put_grid(p, &g);
    if (!b->rows) prose(p, "none", INDENT, "2");
}

/* U+2588 a full block, U+2589 seven eighths of one, down to U+258F, an eighth. */
static void block_of(struct buf *b, size_t eighths)
{
    buf_add(b, S("\xe2\x96"));
    buf_char(b, (char)(0x90 - eighths));
}

/* A share as a bar, in eighths of a column; what is held but too little to see still shows one. */
static struct str bar(struct arena *a, const char *share_text)
{
    double share;
    if (!str_f64(str_of(share_text), &share)) return S("");
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    size_t eighths = (size_t)(share * BAR_COLUMNS * 8 + 0.5);
    if (!eighths && share > 0) eighths = 1;
    struct buf b;
    buf_init(&b, BAR_COLUMNS * sizeof BAR_EMPTY);
    for (size_t i = 0; i < BAR_COLUMNS; i++) {
        const size_t here = eighths < 8 ? eighths : 8;
        if (here)
            block_of(&b, here);
        else
            buf_add(&b, S(BAR_EMPTY));
        eighths -= here;
    }
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return str_of(text);
}

static void put_facts(struct page *p, const struct block *b)
{
    struct str *text = safe_cells(p, b);
    struct grid g = {.columns = b->columns, .rows = b->rows, .text = text};
    if (b->kind == BLOCK_STACK) {
        g.firm[1] = g.right[2] = true;
        for (size_t r = 0; r < b->rows; r++)
            text[r * b->columns + 1] = bar(p->arena, b->cell[r * b->columns + 1].text);
    }
    if (b->title) prose(p, b->title, 0, "1");
    put_grid(p, &g);
}

/* The longest part of a command that fits, ending before a blank outside quotes; all of it when there is none. */
static struct str command_part(struct str *rest, size_t columns)
{
    char quote = 0;
    size_t cut = 0;
    for (size_t i = 0; i < rest->n; i++) {
        const char c = rest->p[i];
        if (c == '\\' && quote != '\'') {
            i++;
        } else if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == ' ') {
            if (cut && text_columns((struct str){rest->p, i}) > columns) break;
            cut = i;
        }
    }
    struct str part = *rest;
    if (!cut || text_columns(part) <= columns) {
        *rest = (struct str){NULL, 0};
        return part;
    }
    part.n = cut;
    *rest = (struct str){rest->p + cut + 1, rest->n - cut - 1};
    return part;
}

/* Commands wrap as a shell reads them, so that what is copied still runs. */
static void put_commands(struct page *p, const struct block *b)
{
    if (b->title) prose(p, b->title, 0, "1");
    for (size_t r = 0; r < b->rows; r++) {
        struct str rest = wrap_safe(p->arena, b->cell[r].text);
        size_t indent = INDENT;
        do {
            put(p, indent, command_part(&rest, p->width - indent - 2), "");
            if (rest.n) put(p, p->at + 1, S("\\"), "");
            end_line(p);
            indent = INDENT + 4;
        } while (rest.n);
    }
}

static bool has_footnote(const struct block *b)
{
    return b->kind == BLOCK_TABLE || b->kind == BLOCK_FACTS || b->kind == BLOCK_STACK;
}

/* Footnotes, runs of notes and runs of facts stand together; a blank line parts everything else. */
static bool together(const struct block *before, const struct block *b, bool footnote,
                     bool was_footnote)
{
    return footnote || (before->kind == BLOCK_NOTE && b->kind == BLOCK_NOTE && !was_footnote) ||
           (before->kind == BLOCK_FACTS && b->kind == BLOCK_FACTS);
}

static void put_block(struct page *p, const struct block *b, bool footnote)
{
    switch (b->kind) {
    case BLOCK_ANSWER: prose(p, b->text, 0, sgr_of(b->tone)); break;
    case BLOCK_HEADING: prose(p, b->title, 0, "1"); break;
    case BLOCK_NOTE: prose(p, b->text, footnote ? INDENT : 0, sgr_of(b->tone)); break;
    case BLOCK_TABLE: put_table(p, b); break;
    case BLOCK_FACTS:
    case BLOCK_STACK: put_facts(p, b); break;
    case BLOCK_COMMANDS: put_commands(p, b); break;
    }
}

void doc_as_text(const struct doc *d, struct text_style style, struct buf *out)
{
    struct page p = {.to = out,
                     .arena = d->arena,
                     .colour = style.colour,
                     .width = style.width < NARROWEST ? NARROWEST : (size_t)style.width};
    const struct block *before = NULL;
    bool footnote = false;
    for (const struct block *b = d->first; b; b = b->next) {
        if (!block_shown(b)) continue;
        const bool was_footnote = footnote;
        footnote = before && b->kind == BLOCK_NOTE && b->tone == TONE_DIM &&
                   (footnote || has_footnote(before));
        if (before && !together(before, b, footnote, was_footnote)) end_line(&p);
        put_block(&p, b, footnote);
        before = b;
    }
}
