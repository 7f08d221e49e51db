/* doc/doc.c - builds an answer block by block. Text is formatted into the doc's arena at once, so that a verb may free or change what
 * it was made of. Nothing is escaped here: what is dangerous depends on the format, and the renderers know theirs. */
#include "doc/doc.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"

struct doc doc_new(struct arena *a)
{
    return (struct doc){.arena = a};
}

static struct block *add(struct doc *d, enum block_kind kind, const char *title, size_t columns)
{
    struct block *b = NEW(d->arena, struct block);
    *b = (struct block){.kind = kind, .columns = columns};
    if (title) b->title = str_copy(d->arena, str_of(title));
    if (d->last)
        d->last->next = b;
    else
        d->first = b;
    d->last = b;
    return b;
}

#define FORMATTED(d, text)                               \
    do {                                                 \
        va_list list_;                                   \
        va_start(list_, format);                         \
        (text) = str_vformat((d)->arena, format, list_); \
        va_end(list_);                                   \
    } while (0)

void doc_answer(struct doc *d, enum tone tone, const char *format, ...)
{
    struct block *b = add(d, BLOCK_ANSWER, NULL, 0);
    b->tone = tone;
    FORMATTED(d, b->text);
}

void doc_heading(struct doc *d, const char *format, ...)
{
    struct block *b = add(d, BLOCK_HEADING, NULL, 0);
    FORMATTED(d, b->title);
}

void doc_note(struct doc *d, enum tone tone, const char *format, ...)
{
    struct block *b = add(d, BLOCK_NOTE, NULL, 0);
    b->tone = tone;
    FORMATTED(d, b->text);
}

/* A new row of empty cells. */
static struct cell *row_of(struct doc *d, struct block *b)
{
    if (b->rows == b->room) {
        const size_t room = b->room ? b->room * 2 : 8;
        struct cell *grown = NEW_ARRAY(d->arena, struct cell, room * b->columns);
        if (b->rows) memcpy(grown, b->cell, b->rows * b->columns * sizeof *grown);
        b->cell = grown;
        b->room = room;
    }
    return b->cell + b->columns * b->rows++;
}

struct block *doc_facts(struct doc *d, const char *title)
{
    return add(d, BLOCK_FACTS, title, 2);
}

void facts_row(struct doc *d, struct block *b, const char *name, const char *format, ...)
{
    assert(b->kind == BLOCK_FACTS);
    struct cell *cell = row_of(d, b);
    cell[0].text = str_copy(d->arena, str_of(name));
    FORMATTED(d, cell[1].text);
}

struct block *doc_table(struct doc *d, const char *title, const char *const *head,
                        const enum align *align, size_t columns)
{
    assert(columns > 0 && columns <= DOC_COLUMNS_MOST);
    struct block *b = add(d, BLOCK_TABLE, title, columns);
    b->head = head;
    b->align = align;
    return b;
}

void table_row(struct doc *d, struct block *b, const struct cell *cells)
{
    assert(b->kind == BLOCK_TABLE);
    struct cell *cell = row_of(d, b);
    for (size_t i = 0; i < b->columns; i++)
        cell[i] = (struct cell){str_copy(d->arena, str_of(cells[i].text)), cells[i].tone};
}

struct block *doc_stack(struct doc *d, const char *title)
{
    return add(d, BLOCK_STACK, title, 3);
}

void stack_row(struct doc *d, struct block *b, const char *name, double share, const char *amount)
{
    assert(b->kind == BLOCK_STACK);
    struct cell *cell = row_of(d, b);
    cell[0].text = str_copy(d->arena, str_of(name));
    cell[1].text = isfinite(share) ? str_format(d->arena, "%.6f", share) : "";
    cell[2].text = str_copy(d->arena, str_of(amount));
}

struct block *doc_commands(struct doc *d, const char *title)
{
    return add(d, BLOCK_COMMANDS, title, 1);
}

void commands_row(struct doc *d, struct block *b, const char *format, ...)
{
    assert(b->kind == BLOCK_COMMANDS);
    FORMATTED(d, row_of(d, b)->text);
}

bool block_shown(const struct block *b)
{
    const bool rows = b->kind == BLOCK_FACTS || b->kind == BLOCK_STACK || b->kind == BLOCK_COMMANDS;
    return !rows || b->rows > 0;
}
