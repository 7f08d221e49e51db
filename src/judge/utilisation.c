/* data/utilisation.json as rows, and which of them holds for a place: the backend must agree, an architecture narrows it. Every share is
 * checked when it is read, so that nothing is divided by zero and no range is upside down. Left out: shares by model or by program. */
#include "judge/utilisation.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "catalog/catalog.h"

static const char *const file_name = "utilisation.json", *const cpu_backend = "CPU";

struct file {
    const struct utilisation *row;
    size_t rows;
};

#define NUMBER(key, member, end, words_)                                             \
    {                                                                                \
        .name = (key), .kind = FIELD_NUMBER, .words = (words_), .omit_absent = true, \
        .offset = offsetof(struct utilisation, member) + offsetof(struct share, end) \
    }
#define SHARE(member, words_)                                                             \
    NUMBER(#member "_low", member, low, words_), NUMBER(#member, member, likely, words_), \
        NUMBER(#member "_high", member, high, words_)
static const struct field row_fields[] = {
    FIELD(FIELD_TEXT, struct utilisation, backend, "of llama.cpp, or CPU"),
    FIELD_OPTIONAL(FIELD_TEXT, struct utilisation, architecture, "as the catalogue says"),
    SHARE(product, "of the matrix rate of the type computed in"),
    SHARE(moved, "of memory bandwidth, between products"),
    SHARE(step, "of memory bandwidth, the optimizer's step"),
    SHARE(unpack_bytes, "of memory bandwidth, a weight made plain"),
    SHARE(launch_s, "to start the kernels of a layer's run"),
    SHARE(link, "of what a link is listed with"),
    SHARE(text_s, "to write a number as text"),
    SHARE(random_read_s, "to wait for memory once"),
    SHARE(written, "of what a disk reads"),
    FIELD_OPTIONAL(FIELD_TEXT, struct utilisation, confidence, "high, medium or low"),
    FIELD_OPTIONAL(FIELD_TEXT, struct utilisation, source, "what it rests on"),
    FIELD_OPTIONAL(FIELD_TEXT, struct utilisation, date, "when it was collected"),
};
static const struct fields row_table = FIELD_TABLE(struct utilisation, "utilisation", row_fields);
static const struct field file_fields[] = {
    FIELD_ROWS("entries", struct file, row, rows, "utilisation", row_table),
};
static const struct fields file_table = FIELD_TABLE(struct file, "utilisation", file_fields);

static bool in_order(struct share s, double most_value)
{
    const double least_value = 1e-12;
    return s.low >= least_value && s.low <= s.likely && s.likely <= s.high && s.high <= most_value;
}

static bool absent_or_in_order(struct share s, double most_value)
{
    return (isnan(s.low) && isnan(s.likely) && isnan(s.high)) || in_order(s, most_value);
}

static bool row_checked(const struct utilisation *u, struct mu_err *err)
{
    const double bytes_most = 1e3, seconds_most = 1;
    if (!u->backend) return err_set(err, MU_DATA, "\"backend\" is missing");
    if (in_order(u->product, 1) && in_order(u->moved, 1) && in_order(u->step, 1) &&
        in_order(u->link, 1) && in_order(u->unpack_bytes, bytes_most) &&
        in_order(u->launch_s, seconds_most) && absent_or_in_order(u->text_s, seconds_most) &&
        absent_or_in_order(u->random_read_s, seconds_most) && absent_or_in_order(u->written, 1))
        return true;
    return err_set(err, MU_DATA, "a share is missing, is none, or its range is not in order");
}

bool utilisation_read(const struct catalog *c, struct arena *a, struct world *out,
                      struct mu_err *err)
{
    struct file file = {NULL, 0};
    if (!catalog_fields(c, file_name, &file_table, a, &file, err)) return false;
    for (size_t i = 0; i < file.rows; i++)
        if (!row_checked(&file.row[i], err))
            return err_add(err, "entries[%zu]", i) || err_add(err, "%s", file_name);
    out->utilisation = file.row;
    out->utilisations = file.rows;
    return true;
}

static bool holds_for(const struct utilisation *u, const struct place *p)
{
    const char *backend = p->kind == PLACE_CPU ? cpu_backend : p->backend;
    if (!backend || strcmp(u->backend, backend) != 0) return false;
    return !u->architecture || (p->architecture && strcmp(u->architecture, p->architecture) == 0);
}

const struct utilisation *utilisation_of(const struct world *w, const struct place *place)
{
    const struct utilisation *best = NULL;
    for (size_t i = 0; i < w->utilisations; i++) {
        const struct utilisation *u = &w->utilisation[i];
        if (holds_for(u, place) && (!best || (u->architecture && !best->architecture))) best = u;
    }
    return best;
}
