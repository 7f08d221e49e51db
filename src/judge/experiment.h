/* judge/experiment.h - an experiment is a named workload with the rule of thumb somebody wrote for it. Sets are YAML
 * (data/experiments/, or a file of the user's): text in, structs out; an unknown key is named with the nearest known one. */
#pragma once
#include "base/quantity.h"
#include "base/str.h"
#include "judge/figure.h"

struct arena;
struct guide_benchmark;
struct guide_capabilities;
struct guide_system;
struct mu_err;
struct workload;

/* What somebody asks for; NaN and NULL where nothing is said. Figures in the unit of the source (the guide's GB are GiB). */
struct guide_need {
    double ram_gb, ram_available_gb, disk_free_gb, cpu_cores;
    const char *cpu, *gpu, *disk, *source; /* in words: judge/requirement.h reads them */
};
struct setting {
    const char *name, *value;
};
struct experiment {
    const char *id, *title, *command;
    struct guide_need guide, minimum, recommended;
    const char *unless;     /* true only when that experiment is not (the guide's "elif") */
    const char *recommends; /* what the guide recommends when its rule passes */
    const char *kind;       /* "generate"; NULL: no workload written down, why_not says why */
    const struct workload *workload; /* of that kind; NULL beside it */
    const char *model, *quant;
    const struct setting *setting; /* the workload's other knobs, as text */
    size_t settings;
    const struct setting *amount; /* those that say how much is done */
    size_t amounts;
    const struct setting *software; /* what must be there, by name: {"python", ">=3.8"} */
    size_t softwares;
    const struct guide_figure *figure; /* what the guide says beside its thresholds */
    size_t figures;
    const char *const *after;
    size_t afters;
    const char *const *together;
    size_t togethers;
    const char *why_not;
};
/* A row of one of the guide's other tables: low <= memory < high; high is infinite when not given. */
struct guide_row {
    const char *label, *quant, *text;
    double ram_low_gb, ram_high_gb;
};
struct guide_table {
    const char *id, *title;
    bool by_available; /* its rows go by available memory, not by all of it */
    const char *model; /* only the quantisation table: what its rows are about */
    double context_tokens;
    const struct guide_row *row;
    size_t rows;
};
struct guide_sentence {
    const char *when, *text;
};
struct experiment_set {
    const char *name, *title, *source;
    const char
        *on; /* the machine that its figures are about, as a line; NULL: any that is judged */
    const struct setting *software; /* of all experiments */
    size_t softwares;
    const struct experiment *experiment;
    size_t experiments;
    const struct guide_table *table;
    size_t tables;
    const struct guide_table *quantisation; /* NULL: none */
    const struct guide_sentence *sentence;
    size_t sentences;
    double slow_benchmark_s;
    const char *slow_benchmark_note;
    const struct setting *gpu_recommendation; /* by gpu_type */
    size_t gpu_recommendations;
};

/* name: for messages ("llm-memory", "my.yaml"). */
bool experiment_set_parse(struct str yaml, const char *name, struct arena *a,
                          const struct experiment_set **out, struct mu_err *err) NODISCARD;
const struct experiment *experiment_find(const struct experiment_set *set, const char *id);

/* The next {name} of a command: what stands before it (NULL: not asked for), its name; *rest becomes what follows. */
bool command_next(struct str *rest, struct str *name, struct str *before);

/* In the order in which one figure outweighs another. */
enum guide_says { GUIDE_NO_RULE, GUIDE_YES, GUIDE_UNKNOWN, GUIDE_NO };
/* The guide's thresholds for one experiment on these figures; with the guide's "elif" (`unless`) it is the guide's verdict. */
enum guide_says guide_thresholds(const struct experiment *e, const struct guide_system *s);
enum guide_says guide_verdict(const struct experiment_set *set, const struct experiment *e,
                              const struct guide_system *s);
/* The first figure that its thresholds need and nobody knows ("disk_free_gb"), or NULL. */
const char *guide_lacks(const struct experiment *e, const struct guide_system *s);
/* `capabilities` by the guide's rules; figures are the guide's own (two decimals). */
void guide_judge(const struct experiment_set *set, const struct guide_system *s,
                 const struct guide_benchmark *b, struct arena *a, struct guide_capabilities *out);
/* The closing sentence, and whether the prerequisites failed (the guide's exit status 1). */
const char *guide_closing(const struct experiment_set *set, const struct guide_capabilities *c,
                          bool *failed);
/* The row of a guide's table whose range holds this much memory; NULL when none. */
const struct guide_row *guide_table_row(const struct experiment_set *set, const char *table,
                                        double ram_gb);
