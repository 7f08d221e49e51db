/* measure/rows.c - what makes a row of numbers a rate: nothing the engine or a file says is used before it passed here. */
#include "measure/rows.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/types.h"

enum { COLUMNS_MOST = 1 << 16 };

static const struct field row_fields[] = {
    FIELD(FIELD_TEXT, struct measure_row, work, "what was measured"),
    FIELD_OPTIONAL(FIELD_TEXT, struct measure_row, device, "the accelerator that did it"),
    FIELD_OPTIONAL(FIELD_TEXT, struct measure_row, type, "of the weights or of the cache"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct measure_row, tokens, "columns at once"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct measure_row, row, "values of a row, or of a head"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct measure_row, group, "heads that share a key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct measure_row, cell, "values in a cell of the cache"),
    FIELD_OPTIONAL(FIELD_TEXT, struct measure_row, buffer, "where llama.cpp keeps such weights"),
    FIELD(FIELD_NUMBER, struct measure_row, threads, "threads that worked at once"),
    FIELD(FIELD_NUMBER, struct measure_row, low, "slowest run, work a second"),
    FIELD(FIELD_NUMBER, struct measure_row, likely, "median of the runs, of kernels by mean time"),
    FIELD(FIELD_NUMBER, struct measure_row, high, "fastest run, work a second"),
    FIELD(FIELD_NUMBER, struct measure_row, runs, "how many runs"),
    FIELD(FIELD_TEXT, struct measure_row, source, "how it was measured"),
    FIELD(FIELD_TEXT, struct measure_row, conditions, "idle, or what else ran"),
};
const struct fields measure_row_table = FIELD_TABLE(struct measure_row, "rate", row_fields);

static bool whole(double x, double at_most)
{
    return x >= 1 && x <= at_most && floor(x) == x;
}

bool measure_text_good(const char *text)
{
    return text && strlen(text) <= ROWS_TEXT_BYTES;
}

static bool short_text(const char *text)
{
    return measure_text_good(text) && *text;
}

static bool has_type(enum machine_work work)
{
    return work == WORK_MATMUL_FLOP || work == WORK_EXPERT_FLOP || work == WORK_ATTEND_FLOP;
}

/* A number that may be absent: 0 then. */
static bool whole_or_none(double x, double *out)
{
    *out = isnan(x) ? 0 : x;
    return isnan(x) || whole(x, COLUMNS_MOST);
}

static bool type_of(const struct measure_row *row, const struct catalog *c, struct rate *out,
                    struct mu_err *err)
{
    out->type = RATE_NO_TYPE;
    if (has_type(out->work) != (row->type != NULL))
        return err_set(err, MU_DATA, "%s with%s a type", row->work, row->type ? "" : "out");
    if (!row->type) return true;
    const struct weight_type *type = c ? catalog_type(c, str_of(row->type)) : NULL;
    if (!type || type->id >= RATE_NO_TYPE)
        return err_set(err, MU_DATA, "\"type\" of %s is none that is known", row->work);
    out->type = (uint8_t)type->id;
    return true;
}

/* Type, columns, row and buffer. */
static bool kind_of(const struct measure_row *row, const struct catalog *c, struct arena *a,
                    struct rate *out, struct mu_err *err)
{
    if (!type_of(row, c, out, err)) return false;
    if (!whole_or_none(row->tokens, &out->tokens) || !whole_or_none(row->row, &out->row) ||
        !whole_or_none(row->group, &out->group) || !whole_or_none(row->cell, &out->cell) ||
        (row->type && out->tokens < 1))
        return err_set(err, MU_DATA,
                       "\"tokens\", \"row\", \"group\" or \"cell\" of %s is not a whole number",
                       row->work);
    if (row->buffer && !short_text(row->buffer))
        return err_set(err, MU_DATA, "\"buffer\" of %s is too long", row->work);
    out->buffer = row->buffer ? str_visible(a, str_of(row->buffer)) : NULL;
    return true;
}

static bool copies(enum machine_work work)
{
    return work == WORK_TO_DEVICE_BYTES || work == WORK_FROM_DEVICE_BYTES;
}

/* A device has no threads of ours. */
static bool threads_sound(const struct measure_row *row, enum machine_work work, struct mu_err *err)
{
    if (row->device ? row->threads != 0 : !whole(row->threads, ROWS_THREADS_MOST))
        return err_set(err, MU_DATA, "\"threads\" of %s is not %s", row->work,
                       row->device ? "0, as a device has" : "a whole number");
    if (copies(work) && !row->device)
        return err_set(err, MU_DATA, "%s without a device", row->work);
    return true;
}

bool measure_row_rate(const struct measure_row *row, uint16_t place, const struct catalog *c,
                      struct arena *a, struct rate *out, struct mu_err *err)
{
    struct rate rate = {.place = place, .threads = row->threads, .runs = row->runs};
    if (!row->work || !machine_work_parse(row->work, &rate.work))
        return err_set(err, MU_DATA, "\"work\" is none that is known");
    if (!kind_of(row, c, a, &rate, err)) return false;
    if (!threads_sound(row, rate.work, err)) return false;
    if (!whole(row->runs, 1e9))
        return err_set(err, MU_DATA, "\"runs\" of %s is not a whole number", row->work);
    /* Written so that a NaN fails; nothing does 1e21 of anything a second. */
    if (!(row->low > 0 && row->low <= row->likely && row->likely <= row->high && row->high < 1e21))
        return err_set(err, MU_DATA,
                       "low, likely and high of %s are not three numbers over 0, in this order",
                       row->work);
    if (!short_text(row->source) || !short_text(row->conditions))
        return err_set(err, MU_DATA, "%s lacks its source or conditions", row->work);
    rate.per_s = estimate_of(row->low, row->likely, row->high, MEASURED,
                             str_visible(a, str_of(row->source)));
    rate.conditions = str_visible(a, str_of(row->conditions));
    *out = rate;
    return true;
}

/* A misspelt or foreign key means that the two sides don't mean the same thing. */
static bool keys_known(const struct json *j, struct mu_err *err)
{
    for (size_t i = 0; i < json_count(j); i++) {
        const char *key = "";
        bool found = false;
        (void)json_pair(j, i, &key);
        for (size_t f = 0; f < measure_row_table.count; f++)
            found = found || strcmp(key, measure_row_table.field[f].name) == 0;
        if (!found) return err_set(err, MU_DATA, "it has a key that is not known");
    }
    return true;
}

bool measure_row_heard(const struct json *j, uint16_t place, const struct catalog *c,
                       struct arena *a, struct rate *out, const char **device, struct mu_err *err)
{
    struct measure_row row = {0};
    if (!keys_known(j, err) || !fields_read(&measure_row_table, j, &row, a, err) ||
        !measure_row_rate(&row, place, c, a, out, err))
        return false;
    *device = row.device;
    return true;
}

struct measure_row measure_rate_row(const struct rate *rate, const struct catalog *c)
{
    const struct weight_type *types = rate->type < TYPES && c ? catalog_types(c, NULL) : NULL;
    return (struct measure_row){.work = machine_work_word(rate->work),
                                .type = types ? types[rate->type].name : NULL,
                                .tokens = rate->tokens > 0 ? rate->tokens : (double)NAN,
                                .row = rate->row > 0 ? rate->row : (double)NAN,
                                .group = rate->group > 0 ? rate->group : (double)NAN,
                                .cell = rate->cell > 0 ? rate->cell : (double)NAN,
                                .buffer = rate->buffer,
                                .threads = rate->threads,
                                .low = rate->per_s.low,
                                .likely = rate->per_s.likely,
                                .high = rate->per_s.high,
                                .runs = rate->runs,
                                .source = rate->per_s.source,
                                .conditions = rate->conditions};
}

bool measure_has_rate(const struct rate *rate, size_t count, const struct rate *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (rate[i].place == wanted->place && rate[i].work == wanted->work &&
            rate[i].threads == wanted->threads && rate[i].type == wanted->type &&
            rate[i].tokens == wanted->tokens && rate[i].row == wanted->row &&
            rate[i].group == wanted->group && rate[i].cell == wanted->cell &&
            str_same(rate[i].buffer, wanted->buffer))
            return true;
    return false;
}

uint16_t measure_cpu_place(const struct machine *m)
{
    return (uint16_t)(machine_cpu(m) - m->place);
}
