/* catalog/table.h - inside catalog/: how a table of data/ becomes structs, and how names are looked up. Not for other layers.
 *
 * A table is bound by a field table (base/fields.h): absent numbers become NaN, absent texts NULL, absent flags false; nothing needs
 * filling in before. The JSON tree is freed as soon as the rows stand in the arena. */
#pragma once
#include "base/err.h"
#include "base/fields.h"
#include "catalog/catalog.h"

/* What is read on first use. Each stays NULL until somebody asks. */
enum catalog_part {
    PART_QUANTS,
    PART_MODELS,
    PART_CPUS,
    PART_GPUS,
    PART_ARCHITECTURES,
    PART_BUFFERS,
    PART_VENDORS,
    PART_BACKENDS,
    PART_CLOUDS,
    PART_USES,
    PART_GUIDES,
    PART_HF_ARCHITECTURES,
    PART_SOURCES,
    PART_TRAINING,
    PART_COUNT
};
enum { KINDS_KNOWN = 8 }; /* of catalog/known.h */
struct known;
struct cache {
    const void *part[PART_COUNT];
    const struct known *known[KINDS_KNOWN];
    struct mu_err fault; /* the first table that could not be read */
};
struct catalog {
    const char *home; /* NULL: no tables of the user's own */
    struct arena *arena;
    struct cache *cache; /* filled behind the const pointer; not for several threads at once */
};

/* The files put into the program by embedded.S.in; a row whose name is NULL ends the list. */
struct embedded {
    const char *name, *first, *end;
};
extern const struct embedded catalog_embedded[];
/* Bytes of a file inside the program; p == NULL when there is none. */
struct str catalog_shipped(const char *name);
/* The user's own file, with its path; p == NULL when there is none. False when it is there and cannot be read. */
bool catalog_own(const struct catalog *c, const char *name, struct str *out, const char **path,
                 struct mu_err *err) NODISCARD;

/* The part, read by load() the first time. NULL when it cannot be read: the message goes to err and is kept for catalog_sound(). */
const void *part_once(const struct catalog *c, enum catalog_part part,
                      const void *(*load)(const struct catalog *c, struct mu_err *err),
                      struct mu_err *err);

/* A table as the program ships it and, in front of it, the user's own of the same name. */
struct sheets {
    struct json *tree[2];
    const char *path[2]; /* for messages */
    size_t count;
};
bool sheets_open(const struct catalog *c, const char *file, struct sheets *out,
                 struct mu_err *err) NODISCARD;
void sheets_close(struct sheets *s);

/* Rows of one list of a file: the user's first, then ours without those of the same name. */
struct row_kind {
    const char *list;
    const struct fields *fields;
    size_t name_offset; /* of the const char * that names a row */
    /* What a field table cannot say; may be NULL. */
    bool (*check)(const struct json *row, struct mu_err *err);
};
struct rows {
    void *row;
    size_t count;
    size_t own; /* the first so many are the user's */
};
bool sheets_rows(const struct catalog *c, const struct sheets *s, const struct row_kind *kind,
                 struct rows *out, struct mu_err *err) NODISCARD;
/* The same for a file on its own; entries_read() for one whose only list is "entries". */
bool kind_read(const struct catalog *c, const char *file, const struct row_kind *kind,
               struct rows *out, struct mu_err *err) NODISCARD;
bool entries_read(const struct catalog *c, const char *file, const struct fields *fields,
                  size_t name_offset, struct rows *out, struct mu_err *err) NODISCARD;

/* For row_kind.check: every figure of a part is finite and above zero, or from zero. */
enum figures { FIGURES_ABOVE_ZERO, FIGURES_FROM_ZERO };
bool figures_in_range(const struct fields *t, const struct json *row, enum figures from,
                      struct mu_err *err) NODISCARD;

/* One field of a row: struct tag, key in the file, member. */
#define ROW_TEXT(tag, key, member)                                                \
    {                                                                             \
        .name = (key), .kind = FIELD_TEXT, .offset = offsetof(struct tag, member) \
    }
#define ROW_NUMBER(tag, key, member)                                                \
    {                                                                               \
        .name = (key), .kind = FIELD_NUMBER, .offset = offsetof(struct tag, member) \
    }
#define ROW_FLAG(tag, key, member)                                                \
    {                                                                             \
        .name = (key), .kind = FIELD_BOOL, .offset = offsetof(struct tag, member) \
    }
#define ROW_TEXTS(tag, key, items, n)                                              \
    {                                                                              \
        .name = (key), .kind = FIELD_TEXTS, .offset = offsetof(struct tag, items), \
        .count_offset = offsetof(struct tag, n)                                    \
    }
#define ROW_LIST(tag, key, items, n, table)                                                       \
    {                                                                                             \
        .name = (key), .kind = FIELD_LIST, .offset = offsetof(struct tag, items), .of = &(table), \
        .count_offset = offsetof(struct tag, n)                                                   \
    }
/* A map inside the row whose members stand in the same struct: `table` counts offsets from the start of the row. */
#define ROW_MAP(key, table)                                              \
    {                                                                    \
        .name = (key), .kind = FIELD_STRUCT, .offset = 0, .of = &(table) \
    }
#define ROW_FIELDS(tag, list)                                                              \
    {                                                                                      \
        .name = #tag, .size = sizeof(struct tag), .field = (list), .count = COUNT_OF(list) \
    }

/* Spellings of rows, sorted. A lower rank is a better claim to a name; rows come in their own order. */
struct spelling {
    const char *plain, *text;
    size_t row;
    unsigned rank;
};
struct names {
    struct arena *arena;
    struct spelling *entry;
    size_t count, room;
};
struct names names_new(struct arena *a);
void names_add(struct names *n, const char *text, size_t row, unsigned rank); /* NULL: nothing */
void names_add_all(struct names *n, const char *const *texts, size_t count, size_t row,
                   unsigned rank);
void names_sort(struct names *n);
/* The spellings equal to `name` that have the best rank among them, one a row; 0 when there is none. */
size_t names_find(const struct names *n, struct str name, const struct spelling **first);
/* The row of the best spelling, or SIZE_MAX. */
size_t names_row(const struct names *n, struct str name);
/* Added to the ranks of rows that ship, where the user's own have a better claim to every spelling. */
enum { RANKS = 8 };
