/* doc/doc.h - an answer as blocks. Verbs build blocks; the renderers (as_text.c, as_markdown.c, as_html.c, as_csv.c) render *kinds*.
 *
 * Text that is handed in may be hostile: every renderer makes control characters visible and escapes what its format gives a meaning to.
 * A newline or tab inside a text is a blank. Facts, stacks and commands without rows are left out; a table without rows says "none". */
#pragma once
#include "base/attr.h"
#include "base/str.h"

struct arena;
struct buf;

enum block_kind {
    BLOCK_ANSWER,
    BLOCK_HEADING,
    BLOCK_FACTS,
    BLOCK_TABLE,
    BLOCK_STACK,
    BLOCK_NOTE,
    BLOCK_COMMANDS
};
enum { DOC_COLUMNS_MOST = 32 };
enum align { ALIGN_LEFT, ALIGN_RIGHT };
/* What colour means, and nothing else does. A dim note right behind a table, facts or a stack is its footnote. */
enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM };

struct cell {
    const char *text; /* NULL is empty */
    enum tone tone;
};
struct block {
    enum block_kind kind;
    const char *title; /* heading, table title; may be NULL */
    enum tone tone;    /* of an answer or a note */
    const char *text;  /* answer, note */
    /* table: columns; facts: 2; stack: 3 (name, share 0..1 as text, amount); commands: 1 */
    size_t columns;
    const char *const *head; /* table: column titles, NULL for none */
    const enum align *align; /* table: NULL for all left */
    struct cell *cell;       /* rows x columns */
    size_t rows, room;
    struct block *next;
};
struct doc {
    struct arena *arena;
    struct block *first, *last;
    const char
        *title; /* of one that is read by itself; NULL: none, a page is named by its command */
};

struct doc doc_new(struct arena *a);
void doc_answer(struct doc *d, enum tone tone, const char *format, ...) PRINTF(3, 4);
void doc_heading(struct doc *d, const char *format, ...) PRINTF(2, 3);
void doc_note(struct doc *d, enum tone tone, const char *format, ...) PRINTF(3, 4);
struct block *doc_facts(struct doc *d, const char *title);
void facts_row(struct doc *d, struct block *b, const char *name, const char *format, ...)
    PRINTF(4, 5);
/* With a title and an empty first head, the title stands in that head's place. head and align must outlive the doc. */
struct block *doc_table(struct doc *d, const char *title, const char *const *head,
                        const enum align *align, size_t columns);
void table_row(struct doc *d, struct block *b,
               const struct cell *cells); /* b->columns of them, copied */
struct block *doc_stack(struct doc *d,
                        const char *title); /* what fills a pool: name, share, amount */
void stack_row(struct doc *d, struct block *b, const char *name, double share, const char *amount);
struct block *doc_commands(struct doc *d, const char *title);
void commands_row(struct doc *d, struct block *b, const char *format, ...) PRINTF(3, 4);
/* Whether a renderer shows it: only facts, stacks and commands without rows are left out. */
bool block_shown(const struct block *b);

struct text_style {
    bool colour;
    int width; /* columns of the terminal, 100 usual */
};
void doc_as_text(const struct doc *d, struct text_style style, struct buf *out);
void doc_as_markdown(const struct doc *d, struct buf *out);
void doc_as_html(const struct doc *d, const char *title,
                 struct buf *out);                     /* a whole page, escaped, no script */
void doc_as_csv(const struct doc *d, struct buf *out); /* tables and facts, RFC 4180 */
size_t text_columns(struct str utf8);                  /* terminal columns, for alignment */
