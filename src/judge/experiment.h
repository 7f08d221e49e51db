/* judge/experiment.h - an experiment is a named workload with the rule of thumb somebody wrote for it. Sets are YAML (data/experiments/). */
#pragma once
#include "base/quantity.h"
#include "base/str.h"

struct arena;
struct catalog;
struct guide_benchmark;
struct guide_capabilities;
struct guide_system;
struct mu_err;

struct guide_need { /* NaN where the guide says nothing */
    double ram_gb, ram_available_gb, disk_free_gb, cpu_cores;
    const char *gpu; /* "any", "not required", ... as written */
    const char *source;
};
struct setting {
    struct str name, value;
};
struct experiment {
    const char *id, *title, *command;
    struct guide_need guide, minimum, recommended;
    const char *kind; /* "generate"; NULL: no workload written down */
    const char *model, *quant;
    const struct setting *setting;
    size_t settings; /* knobs, as text */
    const char *const *after;
    size_t afters;
    const char *const *together;
    size_t togethers;
    const char *why_not; /* for workloads that nothing computes yet: shown as "not computed yet" */
};
struct
    guide_row { /* any other table of the guide: tiers, roles, quantisation levels, decision tree */
    const char *label, *text;
    double ram_low_gb, ram_high_gb;
};
struct guide_table {
    const char *id, *title, *source;
    const struct guide_row *row;
    size_t rows;
};
struct experiment_set {
    const char *name, *title, *source;
    const struct experiment *experiment;
    size_t experiments;
    const struct guide_table *table;
    size_t tables;
    const struct setting *sentence;
    size_t sentences; /* closing sentences by outcome */
};
bool experiment_set_parse(struct str yaml, const char *name, struct arena *a,
                          const struct experiment_set **out, struct mu_err *err);

/* The guide's verdict by the guide's rules, on figures rounded to two decimals as the guide does. Rules and thresholds come from the set. */
void guide_judge(const struct experiment_set *set, const struct guide_system *s,
                 const struct guide_benchmark *b, struct arena *a, struct guide_capabilities *out);
/* Which closing sentence applies, and whether the prerequisites passed (exit status 0 or 1). */
const char *guide_sentence(const struct experiment_set *set, const struct guide_capabilities *c);
/* The row of a guide's table whose range holds this much memory; NULL when none. */
const struct guide_row *guide_table_row(const struct experiment_set *set, const char *table,
                                        double ram_gb);
