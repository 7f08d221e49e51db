/* machine/report.h - the report: a machine and its verdicts, written down. A superset of the guide's own
 * (capability_report_<hostname>.json), with the guide's meanings for the guide's keys; the guide's scripts read ours, we read theirs. */
#pragma once
#include "base/fields.h"
#include "machine/facts.h"
#include "machine/machine.h"

struct arena;
struct catalog;
struct mu_err;

/* The guide's `system`: GiB with two decimals. */
struct guide_system {
    const char *platform, *processor, *architecture, *python_version;
    double cpu_count, cpu_count_physical, ram_gb, ram_available_gb, disk_free_gb;
    const char *gpu,
        *gpu_type; /* gpu: "name, N MiB" lines or null (always written); gpu_type left out when NULL */
};
/* The guide's `benchmark`; NaN (null) when not measured. */
struct guide_benchmark {
    double matrix_mult_time, operations_per_second;
};
/* The guide's `capabilities`, by the guide's rules. */
struct guide_capabilities {
    bool prerequisites, e0_e1, e2_full, e2_quantized;
    const char *const *model_recommendations;
    size_t model_recommendation_count;
    const char *notes; /* left out when NULL */
};
/* Our verdict on one experiment, as the report keeps it. */
struct verdict_row {
    const char *id, *title;
    const char *guide;    /* "yes", "no", or NULL when the guide has no rule */
    const char *computed; /* "yes", "probably", "no", "not computed" */
    const char *why;      /* one sentence */
    double needed_bytes;  /* NaN when not computed */
    const char *set;      /* whose experiment it is; NULL: not said */
    const char *command;  /* that runs it, or NULL */
};
/* A figure of the guide beside ours, in base units. */
struct figure_row {
    const char *experiment, *set;
    const char *what;                        /* its kind: "device_memory" */
    const char *label, *level, *on, *source; /* any may be NULL */
    const char *said;                        /* as written */
    double low, high;                        /* the guide's; NaN: open, or not a number */
    struct estimate ours;
    const char *verdict; /* confirmed, too low, too high, refuted, unsupported */
    const char *why;     /* it is unsupported, or NULL */
};
/* Hardware that somebody asks for in words, held against this machine. */
struct requirement_row {
    const char *experiment;
    const char *level;   /* "guide", "minimum", "recommended" */
    const char *of;      /* "cpu", "gpu", "disk" */
    const char *asked;   /* as written */
    const char *verdict; /* "met", "not met", "not known" */
    bool wished;         /* only preferred, or not required at all */
    const char *why;     /* one sentence */
};
struct report {
    const char *timestamp, *hostname;
    struct guide_system system;
    struct guide_benchmark benchmark;
    struct guide_capabilities capabilities;
    size_t capable; /* 0: no set with the guide's rules was judged, and there are no capabilities */
    const struct machine *machine; /* written as pools, places, rates, facts */
    const struct verdict_row *verdict;
    size_t verdicts;
    const struct requirement_row *requirement;
    size_t requirements;
    const struct figure_row *figure;
    size_t figures;
    const char *const *notes;
    size_t note_count;
};

/* c NULL: without GPUs, since whom the guide asks is the catalogue's. */
struct guide_system guide_system_of(const struct machine *m, const struct catalog *c,
                                    struct arena *a);
struct guide_benchmark guide_benchmark_of(const struct machine *m);
/* The whole document, `{"muster": ..., "schema": "report/1", ...}`. */
void report_write(const struct report *r, struct buf *out);
/* Ours or the guide's own (no "schema": then pools, places and facts are made of `system`, origin REPORTED). A report of another schema
 * number, or of something that is no report, is MU_DATA. */
bool report_read(struct str text, const char *name, struct arena *a, struct report *out,
                 struct mu_err *err) NODISCARD;
/* True when a file holds a report of ours or the guide's: only such a file may be overwritten. */
bool report_is(struct str text);
void report_schema(struct buf *out);
