/* base/yaml.h - YAML through libyaml's events into nodes that remember their line and column (both from 1).
 * Refused with one message: more than 1 MiB, nesting over 16, aliases and anchors, tags, a second document, a key twice. */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
struct yaml {
    enum yaml_kind kind;
    struct str text; /* scalar; the key's text stands in `key` of a map's item */
    bool quoted;     /* a quoted scalar is text, never a number or a boolean */
    struct str key;
    size_t line, column;             /* of the value */
    size_t key_line, key_column;     /* of the key, for a map's item */
    const struct yaml *first, *next; /* items of a list or a map, in order */
    size_t count;
};

bool yaml_parse(struct str text, const char *name, struct arena *a, const struct yaml **out,
                struct mu_err *err) NODISCARD;
const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL when absent */
bool yaml_number(const struct yaml *y, double *out) NODISCARD;
bool yaml_bool(const struct yaml *y, bool *out) NODISCARD; /* true, false, yes, no */
/* err_set with "name:line:column: " in front. Returns false. */
bool yaml_error(const struct yaml *at, const char *name, struct mu_err *err, const char *format,
                ...) PRINTF(4, 5);
