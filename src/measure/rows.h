/* measure/rows.h - a rate as it stands in JSON: a line of the engine, a row of a kept file. One field table for both. */
#pragma once
#include "base/fields.h"
#include "machine/machine.h"

enum { ROWS_THREADS_MOST = 1 << 16, ROWS_TEXT_BYTES = 512 };

struct measure_row {
    const char *work; /* the word of machine_work */
    double threads, low, likely, high, runs;
    const char *source, *conditions;
};
extern const struct fields measure_row_table;

/* Fills *out when the row is one: a known work, whole threads and runs, 0 < low <= likely <= high, texts of a sensible length. */
bool measure_row_rate(const struct measure_row *row, uint16_t place, struct arena *a,
                      struct rate *out, struct mu_err *err) NODISCARD;
struct measure_row measure_rate_row(const struct rate *rate);
/* True when one of the rates has that work and thread count already. */
bool measure_has_rate(const struct rate *rate, size_t count, const struct rate *wanted);
/* The CPU's index in m->place. */
uint16_t measure_cpu_place(const struct machine *m);
