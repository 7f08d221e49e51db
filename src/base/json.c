/* base/json.c - JSON in, through jansson: a tree that is read, never changed.
 *
 * Refused with line and column: a key twice, text that is not UTF-8, a NUL character, nesting deeper than jansson's 2048, anything
 * behind the document. Integers become doubles (exact to 2^53), as everywhere inside. struct json is jansson's json_t under another
 * name, so that no other file includes jansson's header. The writer stands in writer.c. */
#include "base/json.h"
#include "base/err.h"

#include <jansson.h>

/* jansson counts references in the value itself and so wants it writable; nothing here takes one. */
static json_t *tree(const struct json *j)
{
    return (json_t *)(uintptr_t)j;
}

static struct json *node(json_t *j)
{
    return (struct json *)(void *)j;
}

bool json_parse(struct str text, const char *name, struct json **out, struct mu_err *err)
{
    json_error_t fault;
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_t *root = json_loadb(text.n ? text.p : "", text.n, flags, &fault);
    if (root) {
        *out = node(root);
        return true;
    }
    struct buf what; /* jansson quotes the input, which may hold anything */
    buf_init(&what, sizeof fault.text * 4);
    buf_visible(&what, str_of(fault.text));
    err_set(err, MU_DATA, "%s:%d:%d: %s", name, fault.line > 0 ? fault.line : 1,
            fault.column > 0 ? fault.column : 1, buf_text(&what).p);
    buf_release(&what);
    return false;
}

void json_free(struct json *root)
{
    json_decref(tree(root));
}

enum json_kind json_kind(const struct json *j)
{
    if (!j) return JSON_NULL_KIND;
    switch (json_typeof(tree(j))) {
    case JSON_OBJECT: return JSON_MAP_KIND;
    case JSON_ARRAY: return JSON_LIST_KIND;
    case JSON_STRING: return JSON_TEXT_KIND;
    case JSON_INTEGER:
    case JSON_REAL: return JSON_NUMBER_KIND;
    case JSON_TRUE:
    case JSON_FALSE: return JSON_BOOL_KIND;
    case JSON_NULL: return JSON_NULL_KIND;
    }
    return JSON_NULL_KIND;
}

const struct json *json_get(const struct json *map, const char *key)
{
    return node(json_object_get(tree(map), key));
}

size_t json_count(const struct json *list_or_map)
{
    const json_t *j = tree(list_or_map);
    return json_is_object(j) ? json_object_size(j) : json_array_size(j);
}

const struct json *json_at(const struct json *list, size_t i)
{
    return node(json_array_get(tree(list), i));
}

const struct json *json_pair(const struct json *map, size_t i, const char **key)
{
    void *pair = json_object_iter(tree(map));
    while (pair && i--) pair = json_object_iter_next(tree(map), pair);
    if (!pair) return NULL;
    *key = json_object_iter_key(pair);
    return node(json_object_iter_value(pair));
}

const struct json *json_next(const struct json *map, const char **key)
{
    void *pair = *key ? json_object_iter_next(tree(map), json_object_key_to_iter(*key))
                      : json_object_iter(tree(map));
    if (!pair) return NULL;
    *key = json_object_iter_key(pair);
    return node(json_object_iter_value(pair));
}

bool json_number(const struct json *j, double *out)
{
    if (!json_is_number(tree(j))) return false;
    *out = json_number_value(tree(j));
    return true;
}

bool json_text(const struct json *j, struct str *out)
{
    if (!json_is_string(tree(j))) return false;
    *out = (struct str){json_string_value(tree(j)), json_string_length(tree(j))};
    return true;
}

bool json_bool(const struct json *j, bool *out)
{
    if (!json_is_boolean(tree(j))) return false;
    *out = json_is_true(tree(j));
    return true;
}
