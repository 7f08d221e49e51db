/* measure/rows.c - what makes a row of numbers a rate: nothing the engine or a file says is used before it passed here. */
#include "measure/rows.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

static const struct field row_fields[] = {
    FIELD(FIELD_TEXT, struct measure_row, work, "what was measured"),
    FIELD(FIELD_NUMBER, struct measure_row, threads, "threads that worked at once"),
    FIELD(FIELD_NUMBER, struct measure_row, low, "slowest run, work a second"),
    FIELD(FIELD_NUMBER, struct measure_row, likely, "median of the runs, work a second"),
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

static bool short_text(const char *text)
{
    return text && *text && strlen(text) <= ROWS_TEXT_BYTES;
}

bool measure_row_rate(const struct measure_row *row, uint16_t place, struct arena *a,
                      struct rate *out, struct mu_err *err)
{
    struct rate rate = {.place = place, .threads = row->threads, .runs = row->runs};
    if (!row->work || !machine_work_parse(row->work, &rate.work))
        return err_set(err, MU_DATA, "\"work\" is none that is known");
    if (!whole(row->threads, ROWS_THREADS_MOST))
        return err_set(err, MU_DATA, "\"threads\" of %s is not a whole number", row->work);
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

struct measure_row measure_rate_row(const struct rate *rate)
{
    return (struct measure_row){.work = machine_work_word(rate->work),
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
        if (rate[i].work == wanted->work && rate[i].threads == wanted->threads) return true;
    return false;
}

uint16_t measure_cpu_place(const struct machine *m)
{
    return (uint16_t)(machine_cpu(m) - m->place);
}
