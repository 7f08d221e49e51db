/* Any bytes through the JSON reader and, when they are JSON, out of the writer and in again: the second text must equal the first,
 * and field tables must survive a document of any form. */
#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/quantity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MOST = 8 << 20, DEPTH = 24 };

struct part {
    const char *name;
    struct quantity size_bytes;
};
struct whole {
    const char *name;
    double number;
    bool flag;
    struct quantity q;
    struct estimate e;
    const struct part *parts;
    size_t part_count;
    const char *const *texts;
    size_t text_count;
};

static const struct field part_fields[] = {
    {"name", FIELD_TEXT, offsetof(struct part, name), "", NULL, 0, false},
    {"size_bytes", FIELD_QUANTITY, offsetof(struct part, size_bytes), "", NULL, 0, true},
};
static const struct fields part_table = {"part", sizeof(struct part), part_fields,
                                         COUNT_OF(part_fields)};
#define AT(member) offsetof(struct whole, member)
static const struct field whole_fields[] = {
    {"name", FIELD_TEXT, AT(name), "", NULL, 0, false},
    {"number", FIELD_NUMBER, AT(number), "", NULL, 0, true},
    {"flag", FIELD_BOOL, AT(flag), "", NULL, 0, false},
    {"q", FIELD_QUANTITY, AT(q), "", NULL, 0, false},
    {"e", FIELD_ESTIMATE, AT(e), "", NULL, 0, false},
    {"parts", FIELD_LIST, AT(parts), "", &part_table, AT(part_count), false},
    {"texts", FIELD_TEXTS, AT(texts), "", NULL, AT(text_count), true},
};
static const struct fields whole_table = {"whole", sizeof(struct whole), whole_fields,
                                          COUNT_OF(whole_fields)};

static void must(bool yes)
{
    if (!yes) abort();
}

/* Writes a tree without recursion, down to what the writer can nest; deeper values become null. */
struct frame {
    const struct json *j;
    size_t next;
    const char *key;
};

static void open_or_write(const struct json *j, struct frame *stack, size_t *depth,
                          struct writer *w)
{
    double x = 0;
    bool yes = false;
    struct str s = S("");
    const enum json_kind kind = json_kind(j);
    if (kind == JSON_NUMBER_KIND) {
        must(json_number(j, &x));
        writer_number(w, x);
    } else if (kind == JSON_BOOL_KIND) {
        must(json_bool(j, &yes));
        writer_bool(w, yes);
    } else if (kind == JSON_TEXT_KIND) {
        must(json_text(j, &s));
        writer_text(w, s);
    } else if (kind == JSON_NULL_KIND || *depth == DEPTH) {
        writer_null(w);
    } else {
        stack[(*depth)++] = (struct frame){.j = j};
        if (kind == JSON_MAP_KIND)
            writer_map(w);
        else
            writer_list(w);
    }
}

static void write_tree(const struct json *root, struct writer *w)
{
    struct frame stack[DEPTH];
    size_t depth = 0;
    open_or_write(root, stack, &depth, w);
    while (depth) {
        struct frame *f = &stack[depth - 1];
        const bool map = json_kind(f->j) == JSON_MAP_KIND;
        if (f->next++ < json_count(f->j)) {
            const struct json *item = map ? json_next(f->j, &f->key) : json_at(f->j, f->next - 1);
            if (map) writer_key(w, f->key);
            open_or_write(item, stack, &depth, w);
            continue;
        }
        depth--;
        if (map)
            writer_map_end(w);
        else
            writer_list_end(w);
    }
}

static void same_when_read_again(const struct json *root)
{
    struct buf text[2];
    struct json *back = NULL;
    struct mu_err err = {0};
    buf_init(&text[0], TEXT_MOST);
    buf_init(&text[1], TEXT_MOST);
    struct writer w = writer_of(&text[0], true);
    write_tree(root, &w);
    if (!text[0].over) {
        must(json_parse(buf_text(&text[0]), "written", &back, &err));
        w = writer_of(&text[1], true);
        write_tree(back, &w);
        must(str_eq(buf_text(&text[0]), buf_text(&text[1])));
    }
    json_free(back);
    buf_release(&text[0]);
    buf_release(&text[1]);
}

static bool fields_to(struct buf *to, const struct json *j, struct arena *a)
{
    struct whole s = {0};
    struct mu_err err = {0};
    if (!fields_read(&whole_table, j, &s, a, &err)) {
        must(err.code == MU_DATA && err.text[0]);
        return false;
    }
    struct writer w = writer_of(to, false);
    fields_write(&whole_table, &s, &w);
    return true;
}

static void fields_survive(const struct json *root)
{
    struct arena *a = arena_new(64 << 20);
    struct buf text[2];
    struct mu_err err = {0};
    struct json *back = NULL;
    buf_init(&text[0], TEXT_MOST);
    buf_init(&text[1], TEXT_MOST);
    if (fields_to(&text[0], root, a) && !text[0].over) {
        must(json_parse(buf_text(&text[0]), "written", &back, &err));
        must(fields_to(&text[1], back, a));
        must(str_eq(buf_text(&text[0]), buf_text(&text[1])));
    }
    json_free(back);
    buf_release(&text[0]);
    buf_release(&text[1]);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mu_err err = {0};
    struct json *root = NULL;
    if (!json_parse((struct str){(const char *)data, size}, "input", &root, &err)) {
        must(!root && err.code == MU_DATA && err.text[0]);
        return 0;
    }
    same_when_read_again(root);
    fields_survive(root);
    json_free(root);
    return 0;
}
