/* base/json.h - JSON in through jansson (duplicate keys, non-UTF-8, NUL and deep nesting refused with line and column), out through a
 * streaming writer of our own (shortest numbers that read back the same, keys in the order written). */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;
struct json; /* one value of a parsed tree; lives until json_free of the root */

bool json_parse(struct str text, const char *name, struct json **out,
                struct mu_err *err) NODISCARD; /* name: for the message */
void json_free(struct json *root);             /* root may be NULL */

enum json_kind {
    JSON_NULL_KIND,
    JSON_BOOL_KIND,
    JSON_NUMBER_KIND,
    JSON_TEXT_KIND,
    JSON_LIST_KIND,
    JSON_MAP_KIND
};
enum json_kind json_kind(const struct json *j); /* NULL is JSON_NULL_KIND */
const struct json *json_get(const struct json *map,
                            const char *key);                  /* NULL when absent or not a map */
size_t json_count(const struct json *list_or_map);             /* 0 for other kinds */
const struct json *json_at(const struct json *list, size_t i); /* NULL past the end */
/* The i-th pair of a map in the order of the file. */
const struct json *json_pair(const struct json *map, size_t i, const char **key);
/* The pair after *key (a key this map gave; the first pair when *key is NULL), or NULL at the end. For maps of any size. */
const struct json *json_next(const struct json *map, const char **key);
bool json_number(const struct json *j,
                 double *out) NODISCARD; /* integers and reals; false for everything else */
bool json_text(const struct json *j, struct str *out) NODISCARD;
bool json_bool(const struct json *j, bool *out) NODISCARD;

/* Writes one document into a buffer, two spaces of indent (or none, on one line). Misuse is an assert. */
struct writer {
    struct buf *to;
    int depth;
    bool compact, after_key, first[32], map[32];
};

struct writer writer_of(struct buf *to, bool compact);
void writer_map(struct writer *w);
void writer_map_end(struct writer *w);
void writer_list(struct writer *w);
void writer_list_end(struct writer *w);
void writer_key(struct writer *w, const char *key);
void writer_text(struct writer *w, struct str s);  /* bytes that are not UTF-8 become U+FFFD */
void writer_cstr(struct writer *w, const char *s); /* NULL writes null */
void writer_number(struct writer *w,
                   double x); /* not finite writes null; integers to 2^53 without a point */
void writer_bool(struct writer *w, bool x);
void writer_null(struct writer *w);
/* key and value in one go */
void writer_put_cstr(struct writer *w, const char *key, const char *s);
void writer_put_number(struct writer *w, const char *key, double x);
void writer_put_bool(struct writer *w, const char *key, bool x);
