/* machine/report_rows.h - a report as its document is laid out: what report_write() fills and report_read() reads, member by member in
 * the document's order. Enumerations stand as words here and indices as numbers; nothing is checked yet. */
#pragma once
#include "machine/report.h"

struct pool_row {
    const char *kind, *name;
    struct quantity total_bytes, usable_bytes;
    const char *bound_by;
};
struct place_row {
    const char *kind, *name;
    double pool;
    struct quantity threads;
    const char *bound_by;
    const char *part, *architecture, *backend; /* these of an accelerator alone */
    struct quantity limit_bytes, power_w;
    double gpu; /* NaN: none */
};
struct link_row {
    double from, to;
    const char *words;
    struct quantity bytes_per_s;
};
struct rate_row {
    const char *work, *unit;
    double type, tokens, row, group, cell; /* NaN: none */
    const char *buffer;
    double place, threads;
    struct estimate per_s;
    double runs;
    const char *conditions;
};
/* What one process may use: copied from the memory pool and the CPU, for readers that want just this. Not read back. */
struct budget_row {
    struct quantity memory_bytes;
    const char *memory_bound_by;
    struct quantity threads;
    const char *threads_bound_by;
};
struct machine_row {
    const char *name, *fingerprint, *unmeasured;
};
struct report_document {
    const char *muster, *schema;
    const char *timestamp, *hostname;
    struct guide_system system;
    struct guide_benchmark benchmark;
    struct guide_capabilities capabilities;
    size_t capable;
    struct machine_row machine;
    struct budget_row budget;
    const struct pool_row *pool;
    size_t pools;
    const struct place_row *place;
    size_t places;
    const struct link_row *link;
    size_t links;
    const struct rate_row *rate;
    size_t rates;
    struct facts facts;
    const struct verdict_row *verdict;
    size_t verdicts;
    const struct requirement_row *requirement;
    size_t requirements;
    const struct figure_row *figure;
    size_t figures;
    const char *const *notes;
    size_t note_count;
};

extern const struct fields report_document_table;
extern const char *const report_pool_words[];  /* by enum pool_kind */
extern const char *const report_place_words[]; /* by enum place_kind */
enum { REPORT_POOL_KINDS = POOL_DISK + 1, REPORT_PLACE_KINDS = PLACE_NPU + 1 };

/* "report/1" */
extern const char report_schema_name[];
