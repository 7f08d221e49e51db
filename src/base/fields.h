/* base/fields.h - one field table a struct: reads it from JSON, writes it, labels it and yields its JSON Schema.
 *
 *     static const struct field disk_fields[] = {
 *         {"path", FIELD_TEXT, offsetof(struct disk, path), "mount point looked at"},
 *         {"free_bytes", FIELD_QUANTITY, offsetof(struct disk, free_bytes), "free for this user, bytes"},
 *     };
 *     const struct fields disk_table = {"disk", sizeof(struct disk), disk_fields, COUNT_OF(disk_fields)};
 *
 * Writing then reading then writing again is byte-equal. Reading is strict about kinds and ignores keys it does not know. An absent key
 * is as null: NULL, NaN, UNKNOWN, an empty list, and a struct of those; an absent bool is false, a null one is refused. */
#pragma once
#include "base/attr.h"
#include "base/json.h"
#include <stddef.h>

enum field_kind {
    FIELD_TEXT,     /* const char *, null when NULL */
    FIELD_NUMBER,   /* double; NaN is null */
    FIELD_BOOL,     /* bool */
    FIELD_QUANTITY, /* struct quantity: {"value": x, "origin": "measured", "source": "..."} or {"value": null, "why": "..."} */
    FIELD_ESTIMATE, /* struct estimate: low, likely, high, origin, source */
    FIELD_STRUCT,   /* an embedded struct, table in .of */
    FIELD_LIST,     /* const T *items at offset, size_t count at count_offset, table in .of */
    FIELD_TEXTS,    /* const char *const *items at offset, size_t count at count_offset */
};

struct fields;
struct field {
    const char *name;
    enum field_kind kind;
    uint32_t offset;
    const char *words; /* what it is, with its unit: label and schema description */
    const struct fields *of;
    uint32_t count_offset;
    /* written only when not NULL / empty / unknown (the guide leaves some keys out) */
    bool omit_absent;
};
struct fields {
    const char *name;
    size_t size;
    const struct field *field;
    size_t count;
};

/* Rows of a field table whose key is the member's name: FIELD(FIELD_TEXT, struct disk, path, "mount point looked at"). */
#define FIELD(kind_, type, member, words_)                                                    \
    {                                                                                         \
        .name = #member, .kind = (kind_), .offset = offsetof(type, member), .words = (words_) \
    }
/* The same, left out where there is nothing to say. */
#define FIELD_OPTIONAL(kind_, type, member, words_)                                            \
    {                                                                                          \
        .name = #member, .kind = (kind_), .offset = offsetof(type, member), .words = (words_), \
        .omit_absent = true                                                                    \
    }
#define FIELD_MAP(type, member, words_, table)                                   \
    {                                                                            \
        .name = #member, .kind = FIELD_STRUCT, .offset = offsetof(type, member), \
        .words = (words_), .of = &(table)                                        \
    }
/* A map that is there only where its size_t `there` is not 0. */
#define FIELD_MAP_IF(type, member, there, words_, table)                          \
    {                                                                             \
        .name = #member, .kind = FIELD_STRUCT, .offset = offsetof(type, member),  \
        .words = (words_), .of = &(table), .count_offset = offsetof(type, there), \
        .omit_absent = true                                                       \
    }
/* Lists have a key of their own, since a pointer's name is singular. */
#define FIELD_ROWS(key, type, member, count, words_, table)                                     \
    {                                                                                           \
        .name = (key), .kind = FIELD_LIST, .offset = offsetof(type, member), .words = (words_), \
        .of = &(table), .count_offset = offsetof(type, count)                                   \
    }
#define FIELD_WORDS(key, type, member, count, words_)                                            \
    {                                                                                            \
        .name = (key), .kind = FIELD_TEXTS, .offset = offsetof(type, member), .words = (words_), \
        .count_offset = offsetof(type, count)                                                    \
    }
#define FIELD_TABLE(type, word, rows)                                                  \
    {                                                                                  \
        .name = (word), .size = sizeof(type), .field = (rows), .count = COUNT_OF(rows) \
    }

/* Fills *out (zeroed by the caller) from a JSON map. Text is copied into the arena. The message names the path ("system.ram_gb"). */
bool fields_read(const struct fields *t, const struct json *j, void *out, struct arena *a,
                 struct mu_err *err) NODISCARD;
void fields_write(const struct fields *t, const void *in, struct writer *w); /* a whole map */
void fields_write_members(const struct fields *t, const void *in,
                          struct writer *w);                  /* members only, inside an open map */
void fields_schema(const struct fields *t, struct writer *w); /* the JSON Schema of the map */
