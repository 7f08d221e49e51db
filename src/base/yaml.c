/* base/yaml.c - YAML through libyaml's events into nodes that remember where they stood.
 *
 * The event interface, because libyaml's own document loader is quadratic on hostile nesting, and because only events carry the line
 * of every scalar. A stack of 16 open lists and maps takes the place of recursion. What is left out, and refused by name: aliases,
 * anchors, tags, a second document, keys that are not plain text. */
#include "base/yaml.h"
#include "base/arena.h"
#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { BYTES_MOST = 1 << 20, DEPTH_MOST = 16 };

struct level {
    struct yaml *node, *last;
    bool key_read; /* of a map: the key stands in key, its value comes next */
    struct str key;
    yaml_mark_t key_at;
};

struct parse {
    const char *name;
    struct str text;
    struct arena *a;
    struct mu_err *err;
    struct level level[DEPTH_MOST];
    size_t depth, documents;
    struct yaml *top;
};

PRINTF(3, 4)
static bool refuse(const struct parse *p, const yaml_mark_t *at, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *what = str_vformat(p->a, format, list);
    va_end(list);
    const struct yaml here = {.line = at->line + 1, .column = at->column + 1};
    return yaml_error(&here, p->name, p->err, "%s", what);
}

/* A fault in the bytes themselves comes with an offset only. */
static yaml_mark_t mark_of_offset(struct str text, size_t offset)
{
    yaml_mark_t at = {0, 0, 0};
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static bool refuse_syntax(const struct parse *p, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "this is not YAML";
    yaml_mark_t at = parser->problem_mark;
    if (parser->error == YAML_MEMORY_ERROR) out_of_memory();
    if (parser->error == YAML_READER_ERROR) at = mark_of_offset(p->text, parser->problem_offset);
    if (!parser->context) return refuse(p, &at, "%s", problem);
    return refuse(p, &at, "%s %s", problem, parser->context);
}

struct keyed {
    struct str key;
    const struct yaml *item;
    size_t number;
};

static int key_order(const void *left, const void *right)
{
    const struct keyed *a = left;
    const struct keyed *b = right;
    const int order = str_order(a->key, b->key);
    if (order) return order;
    return (a->number > b->number) - (a->number < b->number);
}

/* Sorted, so that a map of a hundred thousand keys is no way to keep us busy. */
static bool keys_differ(const struct parse *p, const struct yaml *map)
{
    if (map->count < 2) return true;
    struct keyed *row = NEW_ARRAY(p->a, struct keyed, map->count);
    size_t n = 0;
    for (const struct yaml *y = map->first; y; y = y->next, n++)
        row[n] = (struct keyed){y->key, y, n};
    qsort(row, n, sizeof *row, key_order);
    for (size_t i = 1; i < n; i++)
        if (str_eq(row[i - 1].key, row[i].key))
            return yaml_error(row[i].item, p->name, p->err,
                              "the key '%s' stands here a second time",
                              str_visible(p->a, row[i].key));
    return true;
}

/* The innermost list or map still open, NULL at the top. */
static struct level *innermost(struct parse *p)
{
    if (!p->depth) return NULL;
    struct level *l = &p->level[p->depth - 1];
    assert(l->node);
    return l;
}

static struct yaml *attach(struct parse *p, enum yaml_kind kind, const yaml_mark_t *at)
{
    struct yaml *y = NEW(p->a, struct yaml);
    y->kind = kind;
    y->line = at->line + 1;
    y->column = at->column + 1;
    y->text = S("");
    y->key = S("");
    struct level *l = innermost(p);
    if (!l) {
        p->top = y;
        return y;
    }
    if (l->last)
        l->last->next = y;
    else
        l->node->first = y;
    l->last = y;
    l->node->count++;
    y->key = l->key;
    y->key_line = l->key_at.line + 1;
    y->key_column = l->key_at.column + 1;
    l->key_read = false;
    l->key = S("");
    return y;
}

/* The open map that waits for a key, NULL when a value comes next. */
static struct level *wants_key(struct parse *p)
{
    struct level *l = innermost(p);
    return l && l->node->kind == YAML_MAP && !l->key_read ? l : NULL;
}

static bool close_level(struct parse *p)
{
    const struct level *l = innermost(p);
    assert(l);
    p->depth--;
    return l->node->kind != YAML_MAP || keys_differ(p, l->node);
}

static bool plain_enough(const struct parse *p, const yaml_mark_t *at, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor) return refuse(p, at, "anchors (&name) are not read here; write the value out");
    if (tag) return refuse(p, at, "tags (!name) are not read here; leave it out");
    return true;
}

static bool take_scalar(struct parse *p, const yaml_event_t *e)
{
    const struct str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    if (!plain_enough(p, &e->start_mark, e->data.scalar.anchor, e->data.scalar.tag)) return false;
    if (text.n && memchr(text.p, '\0', text.n))
        return refuse(p, &e->start_mark, "text with a NUL character in it");
    const struct str copy = {str_copy(p->a, text), text.n};
    struct level *l = wants_key(p);
    if (l) {
        l->key = copy;
        l->key_at = e->start_mark;
        l->key_read = true;
        return true;
    }
    struct yaml *y = attach(p, YAML_SCALAR, &e->start_mark);
    y->text = copy;
    y->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static bool open_level(struct parse *p, const yaml_event_t *e)
{
    const bool map = e->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor = map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
    const yaml_char_t *tag = map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
    if (!plain_enough(p, &e->start_mark, anchor, tag)) return false;
    if (wants_key(p)) return refuse(p, &e->start_mark, "a key must be text, not a list or a map");
    if (p->depth == DEPTH_MOST)
        return refuse(p, &e->start_mark, "lists and maps are nested deeper than %d", DEPTH_MOST);
    struct yaml *y = attach(p, map ? YAML_MAP : YAML_LIST, &e->start_mark);
    p->level[p->depth++] = (struct level){.node = y, .key = S("")};
    return true;
}

static bool take(struct parse *p, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (p->documents++) return refuse(p, &e->start_mark, "a second document begins here");
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(p, &e->start_mark, "aliases (*name) are not read here; write the value out");
    case YAML_SCALAR_EVENT: return take_scalar(p, e);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return open_level(p, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_level(p);
    case YAML_STREAM_END_EVENT:
        if (!p->top) return refuse(p, &e->start_mark, "nothing is written here");
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    }
    return true;
}

bool yaml_parse(struct str text, const char *name, struct arena *a, const struct yaml **out,
                struct mu_err *err)
{
    if (text.n > BYTES_MOST)
        return err_set(err, MU_DATA, "%s: it has %zu bytes, at most %d are read", name, text.n,
                       BYTES_MOST);
    struct parse *p = NEW(a, struct parse);
    *p = (struct parse){.name = name, .text = text, .a = a, .err = err};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) out_of_memory();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    bool good = true;
    bool ended = false;
    while (good && !ended) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            good = refuse_syntax(p, &parser);
            break;
        }
        good = take(p, &e) && arena_within(a, err);
        ended = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    if (good) *out = p->top;
    return good;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP) return NULL;
    for (const struct yaml *y = map->first; y; y = y->next)
        if (str_is(y->key, key)) return y;
    return NULL;
}

bool yaml_number(const struct yaml *y, double *out)
{
    return y && y->kind == YAML_SCALAR && !y->quoted && str_f64(y->text, out);
}

bool yaml_bool(const struct yaml *y, bool *out)
{
    if (!y || y->kind != YAML_SCALAR || y->quoted) return false;
    const bool yes = str_is(y->text, "true") || str_is(y->text, "yes");
    if (!yes && !str_is(y->text, "false") && !str_is(y->text, "no")) return false;
    *out = yes;
    return true;
}

bool yaml_error(const struct yaml *at, const char *name, struct mu_err *err, const char *format,
                ...)
{
    char what[sizeof err->text];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    return err_set(err, MU_DATA, "%s:%zu:%zu: %s", name, at->line, at->column, what);
}
