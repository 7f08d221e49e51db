/* base/fields.c - walks field tables: JSON into structs, structs into JSON, tables into JSON Schema.
 *
 * The tables are ours, so their nesting bounds the recursion, whatever the input holds. A key that is absent, and null, mean the same:
 * the member keeps its unknown (NULL, NaN, UNKNOWN, nothing in the list). */
#include "base/fields.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/quantity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Where we are in the input, for the message: from the inside outwards. */
struct place {
    const struct place *around;
    const char *name; /* NULL: the item of a list */
    size_t item;
};

struct reading {
    struct arena *a;
    struct mu_err *err;
};

enum { PLACES_MOST = 16, PATH_BYTES = 256 };

static bool refuse(const struct reading *r, const struct place *at, const char *what)
{
    const struct place *row[PLACES_MOST];
    size_t n = 0;
    for (; at && n < PLACES_MOST; at = at->around) row[n++] = at;
    char path[PATH_BYTES] = "";
    while (n--) {
        const size_t used = strlen(path);
        if (row[n]->name)
            snprintf(path + used, sizeof path - used, "%s%s", used ? "." : "", row[n]->name);
        else
            snprintf(path + used, sizeof path - used, "[%zu]", row[n]->item);
    }
    return err_set(r->err, MU_DATA, "%s: %s", path[0] ? path : "the document", what);
}

static const void *member(const void *in, size_t offset)
{
    return (const char *)in + offset;
}

static void *member_of(void *out, size_t offset)
{
    return (char *)out + offset;
}

static const void *pointer(const void *in, size_t offset)
{
    const void *p;
    memcpy(&p, member(in, offset), sizeof p);
    return p;
}

static size_t count_of(const void *in, const struct field *f)
{
    size_t n;
    memcpy(&n, member(in, f->count_offset), sizeof n);
    return n;
}

static void set_list(void *out, const struct field *f, const void *items, size_t n)
{
    memcpy(member_of(out, f->offset), &items, sizeof items);
    memcpy(member_of(out, f->count_offset), &n, sizeof n);
}

/* ---- reading ---- */

static bool read_text(const struct reading *r, const struct json *j, const struct place *at,
                      const char **out)
{
    struct str s;
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (!json_text(j, &s)) return refuse(r, at, "must be text");
    *out = str_copy(r->a, s);
    return true;
}

static bool read_number(const struct reading *r, const struct json *j, const struct place *at,
                        double *out)
{
    double x = (double)NAN;
    if (json_kind(j) != JSON_NULL_KIND && !json_number(j, &x))
        return refuse(r, at, "must be a number");
    *out = x;
    return true;
}

/* The origin and the source that quantities and estimates share. */
static bool read_origin(const struct reading *r, const struct json *j, const struct place *at,
                        enum origin *origin, const char **source)
{
    const char *word = NULL;
    const struct place origin_at = {at, "origin", 0};
    const struct place source_at = {at, "source", 0};
    if (!read_text(r, json_get(j, "origin"), &origin_at, &word)) return false;
    if (!word || !origin_parse(word, origin) || *origin == UNKNOWN)
        return refuse(r, &origin_at,
                      "must be assumed, estimated, listed, reported or measured beside a value");
    return read_text(r, json_get(j, "source"), &source_at, source);
}

static bool read_quantity(const struct reading *r, const struct json *j, const struct place *at,
                          struct quantity *out)
{
    double value = (double)NAN;
    const char *source = NULL;
    enum origin origin = UNKNOWN;
    const struct place value_at = {at, "value", 0};
    const struct place why_at = {at, "why", 0};
    *out = unknown(NULL);
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (json_kind(j) != JSON_MAP_KIND) return refuse(r, at, "must be a value with its origin");
    if (!read_number(r, json_get(j, "value"), &value_at, &value)) return false;
    if (isnan(value)) {
        if (!read_text(r, json_get(j, "why"), &why_at, &source)) return false;
        *out = unknown(source);
        return true;
    }
    if (!read_origin(r, j, at, &origin, &source)) return false;
    *out = quantity_of(value, origin, source);
    return true;
}

static bool read_estimate(const struct reading *r, const struct json *j, const struct place *at,
                          struct estimate *out)
{
    const struct place why_at = {at, "why", 0};
    const char *source = NULL;
    enum origin origin = UNKNOWN;
    double x[3] = {(double)NAN, (double)NAN, (double)NAN};
    static const char *const names[] = {"low", "likely", "high"};
    *out = estimate_of(x[0], x[1], x[2], UNKNOWN, NULL);
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (json_kind(j) != JSON_MAP_KIND) return refuse(r, at, "must be a range with its origin");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct place value_at = {at, names[i], 0};
        if (!read_number(r, json_get(j, names[i]), &value_at, &x[i])) return false;
    }
    if (isnan(x[1])) {
        if (!read_text(r, json_get(j, "why"), &why_at, &source)) return false;
        out->source = source;
        return true;
    }
    if (!(x[0] <= x[1] && x[1] <= x[2])) return refuse(r, at, "must have low <= likely <= high");
    if (!read_origin(r, j, at, &origin, &source)) return false;
    *out = estimate_of(x[0], x[1], x[2], origin, source);
    return true;
}

static bool read_map(const struct reading *r, const struct fields *t, const struct json *j,
                     void *out, const struct place *at);

static bool read_list(const struct reading *r, const struct field *f, const struct json *j,
                      void *out, const struct place *at)
{
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (json_kind(j) != JSON_LIST_KIND) return refuse(r, at, "must be a list");
    const size_t n = json_count(j);
    char *items = n ? arena_array(r->a, n, f->of->size) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct place item_at = {at, NULL, i};
        if (json_kind(json_at(j, i)) != JSON_MAP_KIND) return refuse(r, &item_at, "must be a map");
        if (!read_map(r, f->of, json_at(j, i), items + i * f->of->size, &item_at)) return false;
        if (!arena_within(r->a, r->err)) return false;
    }
    set_list(out, f, items, n);
    return true;
}

static bool read_texts(const struct reading *r, const struct field *f, const struct json *j,
                       void *out, const struct place *at)
{
    if (json_kind(j) == JSON_NULL_KIND) return true;
    if (json_kind(j) != JSON_LIST_KIND) return refuse(r, at, "must be a list");
    const size_t n = json_count(j);
    const char **items = n ? NEW_ARRAY(r->a, const char *, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct place item_at = {at, NULL, i};
        if (!read_text(r, json_at(j, i), &item_at, &items[i])) return false;
        if (!items[i]) return refuse(r, &item_at, "must be text");
        if (!arena_within(r->a, r->err)) return false;
    }
    set_list(out, f, items, n);
    return true;
}

static bool read_field(const struct reading *r, const struct field *f, const struct json *j,
                       void *out, const struct place *at)
{
    void *to = member_of(out, f->offset);
    switch (f->kind) {
    case FIELD_TEXT: return read_text(r, j, at, to);
    case FIELD_NUMBER: return read_number(r, j, at, to);
    case FIELD_BOOL:
        if (!j || json_bool(j, to)) return true;
        return refuse(r, at, "must be true or false");
    case FIELD_QUANTITY: return read_quantity(r, j, at, to);
    case FIELD_ESTIMATE: return read_estimate(r, j, at, to);
    case FIELD_STRUCT:
        if (json_kind(j) != JSON_NULL_KIND && json_kind(j) != JSON_MAP_KIND)
            return refuse(r, at, "must be a map");
        if (f->count_offset)
            *(size_t *)member_of(out, f->count_offset) = json_kind(j) == JSON_MAP_KIND;
        return read_map(r, f->of, j, to, at);
    case FIELD_LIST: return read_list(r, f, j, out, at);
    case FIELD_TEXTS: return read_texts(r, f, j, out, at);
    }
    return true;
}

static bool read_map(const struct reading *r, const struct fields *t, const struct json *j,
                     void *out, const struct place *at)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct place field_at = {at, t->field[i].name, 0};
        if (!read_field(r, &t->field[i], json_get(j, t->field[i].name), out, &field_at))
            return false;
    }
    return arena_within(r->a, r->err);
}

bool fields_read(const struct fields *t, const struct json *j, void *out, struct arena *a,
                 struct mu_err *err)
{
    const struct reading r = {a, err};
    if (json_kind(j) != JSON_MAP_KIND) return refuse(&r, NULL, "must be a map");
    return read_map(&r, t, j, out, NULL);
}

/* ---- writing ---- */

static bool absent(const struct field *f, const void *in)
{
    const void *at = member(in, f->offset);
    switch (f->kind) {
    case FIELD_TEXT: return !pointer(in, f->offset);
    case FIELD_NUMBER: return !isfinite(*(const double *)at);
    case FIELD_BOOL: return false;
    case FIELD_QUANTITY: return !known(*(const struct quantity *)at, NULL);
    case FIELD_ESTIMATE: return !estimate_known(*(const struct estimate *)at);
    case FIELD_STRUCT:
        if (f->count_offset) return count_of(in, f) == 0;
        for (size_t i = 0; i < f->of->count; i++)
            if (!absent(&f->of->field[i], at)) return false;
        return true;
    case FIELD_LIST:
    case FIELD_TEXTS: return count_of(in, f) == 0;
    }
    return false;
}

static void write_source(enum origin origin, const char *source, struct writer *w)
{
    if (origin != UNKNOWN) writer_put_cstr(w, "origin", origin_word(origin));
    if (source) writer_put_cstr(w, origin == UNKNOWN ? "why" : "source", source);
}

static void write_quantity(struct quantity q, struct writer *w)
{
    writer_map(w);
    writer_put_number(w, "value", known_or(q, (double)NAN));
    write_source(q.origin, q.source, w);
    writer_map_end(w);
}

static void write_estimate(struct estimate e, struct writer *w)
{
    const bool is_known = estimate_known(e);
    writer_map(w);
    writer_put_number(w, "low", is_known ? e.low : (double)NAN);
    writer_put_number(w, "likely", is_known ? e.likely : (double)NAN);
    writer_put_number(w, "high", is_known ? e.high : (double)NAN);
    write_source(e.origin, e.source, w);
    writer_map_end(w);
}

static void write_list(const struct field *f, const void *in, struct writer *w)
{
    const char *items = pointer(in, f->offset);
    const size_t n = count_of(in, f);
    writer_list(w);
    for (size_t i = 0; i < n; i++) fields_write(f->of, items + i * f->of->size, w);
    writer_list_end(w);
}

static void write_texts(const struct field *f, const void *in, struct writer *w)
{
    const char *const *items = pointer(in, f->offset);
    const size_t n = count_of(in, f);
    writer_list(w);
    for (size_t i = 0; i < n; i++) writer_cstr(w, items[i]);
    writer_list_end(w);
}

static void write_field(const struct field *f, const void *in, struct writer *w)
{
    const void *at = member(in, f->offset);
    switch (f->kind) {
    case FIELD_TEXT: writer_cstr(w, pointer(in, f->offset)); break;
    case FIELD_NUMBER: writer_number(w, *(const double *)at); break;
    case FIELD_BOOL: writer_bool(w, *(const bool *)at); break;
    case FIELD_QUANTITY: write_quantity(*(const struct quantity *)at, w); break;
    case FIELD_ESTIMATE: write_estimate(*(const struct estimate *)at, w); break;
    case FIELD_STRUCT: fields_write(f->of, at, w); break;
    case FIELD_LIST: write_list(f, in, w); break;
    case FIELD_TEXTS: write_texts(f, in, w); break;
    }
}

void fields_write_members(const struct fields *t, const void *in, struct writer *w)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct field *f = &t->field[i];
        if (f->omit_absent && absent(f, in)) continue;
        writer_key(w, f->name);
        write_field(f, in, w);
    }
}

void fields_write(const struct fields *t, const void *in, struct writer *w)
{
    writer_map(w);
    fields_write_members(t, in, w);
    writer_map_end(w);
}

/* ---- schema ---- */

static void put_types(struct writer *w, const char *type, bool or_null)
{
    writer_key(w, "type");
    if (!or_null) {
        writer_cstr(w, type);
        return;
    }
    writer_list(w);
    writer_cstr(w, type);
    writer_cstr(w, "null");
    writer_list_end(w);
}

static void put_typed(struct writer *w, const char *key, const char *type, bool or_null)
{
    writer_key(w, key);
    writer_map(w);
    put_types(w, type, or_null);
    writer_map_end(w);
}

/* A quantity or an estimate: its numbers, its origin, its source or the reason why there is none. */
static void fact_schema(struct writer *w, const char *const *numbers, size_t count)
{
    put_types(w, "object", false);
    writer_key(w, "properties");
    writer_map(w);
    for (size_t i = 0; i < count; i++) put_typed(w, numbers[i], "number", true);
    writer_key(w, "origin");
    writer_map(w);
    writer_key(w, "enum");
    writer_list(w);
    for (int i = UNKNOWN + 1; i < ORIGIN_COUNT; i++) writer_cstr(w, origin_word((enum origin)i));
    writer_list_end(w);
    writer_map_end(w);
    put_typed(w, "source", "string", false);
    put_typed(w, "why", "string", false);
    writer_map_end(w);
    writer_key(w, "required");
    writer_list(w);
    for (size_t i = 0; i < count; i++) writer_cstr(w, numbers[i]);
    writer_list_end(w);
}

static void schema_members(const struct fields *t, struct writer *w);

static void list_schema(const struct field *f, struct writer *w)
{
    put_types(w, "array", false);
    writer_key(w, "items");
    writer_map(w);
    if (f->kind == FIELD_LIST)
        schema_members(f->of, w);
    else
        put_types(w, "string", false);
    writer_map_end(w);
}

static void field_schema(const struct field *f, struct writer *w)
{
    static const char *const value[] = {"value"};
    static const char *const range[] = {"low", "likely", "high"};
    writer_map(w);
    if (f->words) writer_put_cstr(w, "description", f->words);
    switch (f->kind) {
    case FIELD_TEXT: put_types(w, "string", true); break;
    case FIELD_NUMBER: put_types(w, "number", true); break;
    case FIELD_BOOL: put_types(w, "boolean", false); break;
    case FIELD_QUANTITY: fact_schema(w, value, COUNT_OF(value)); break;
    case FIELD_ESTIMATE: fact_schema(w, range, COUNT_OF(range)); break;
    case FIELD_STRUCT: schema_members(f->of, w); break;
    case FIELD_LIST:
    case FIELD_TEXTS: list_schema(f, w); break;
    }
    writer_map_end(w);
}

static void schema_members(const struct fields *t, struct writer *w)
{
    put_types(w, "object", false);
    writer_key(w, "properties");
    writer_map(w);
    for (size_t i = 0; i < t->count; i++) {
        writer_key(w, t->field[i].name);
        field_schema(&t->field[i], w);
    }
    writer_map_end(w);
    writer_key(w, "required");
    writer_list(w);
    for (size_t i = 0; i < t->count; i++)
        if (!t->field[i].omit_absent) writer_cstr(w, t->field[i].name);
    writer_list_end(w);
}

void fields_schema(const struct fields *t, struct writer *w)
{
    writer_map(w);
    schema_members(t, w);
    writer_map_end(w);
}
