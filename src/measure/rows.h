/* measure/rows.h - a rate as it stands in JSON: a line of the engine, a row of a kept file. One field table for both. */
#pragma once
#include "base/fields.h"
#include "machine/machine.h"

struct catalog;

enum { ROWS_THREADS_MOST = 1 << 16, ROWS_TEXT_BYTES = 512, ROWS_MOST = 4096 };

struct measure_row {
    const char *work; /* the word of machine_work */
    /* Of an accelerator, whose threads are 0: what llama.cpp calls it in a line of the engine, its lasting name in a file. NULL: the CPU. */
    const char *device;
    const char *type, *buffer;
    double tokens, row, group, cell; /* NaN: none */
    double threads, low, likely, high, runs;
    const char *source, *conditions;
};
extern const struct fields measure_row_table;

/* Fills *out when the row is one: a known work, with a type and columns where the work has them, whole threads and runs (no threads on a device), 0 < low <=
 * likely <= high, texts of a sensible length. The catalogue knows types by name; NULL: no row may have one. */
bool measure_row_rate(const struct measure_row *row, uint16_t place, const struct catalog *c,
                      struct arena *a, struct rate *out, struct mu_err *err) NODISCARD;
struct measure_row measure_rate_row(const struct rate *rate, const struct catalog *c);
/* The same from JSON; a key that no row has is refused. */
bool measure_row_heard(const struct json *j, uint16_t place, const struct catalog *c,
                       struct arena *a, struct rate *out, const char **device,
                       struct mu_err *err) NODISCARD;
/* True when one of the rates is of the same: place, work, type, columns, row, buffer and threads. */
bool measure_has_rate(const struct rate *rate, size_t count, const struct rate *wanted);
/* A text that the engine said, not too long to be kept. */
bool measure_text_good(const char *text);
/* The CPU's index in m->place. */
uint16_t measure_cpu_place(const struct machine *m);
