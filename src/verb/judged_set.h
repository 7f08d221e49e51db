/* verb/judged_set.h - a set of experiments held against a machine: the guide's verdict and the computed one, side by side. */
#pragma once
#include "judge/experiment.h"
#include "judge/fetch.h"
#include "machine/report.h"
#include "verb/common.h"

struct judged {
    const struct experiment *experiment;
    enum guide_says guide;     /* the guide's verdict */
    const struct asked *asked; /* NULL: no workload written down */
    struct verdict verdict;    /* of asked */
    const char *why;           /* one sentence: what it needs, or why it is not computed */
};
/* A figure of the guide beside ours. */
struct judged_figure {
    const struct experiment *experiment;
    const struct guide_figure *figure;
    const char *level; /* "guide", "minimum", "recommended" of a threshold; NULL: of `says` */
    const char *on;    /* the machine it is about, as a line; NULL: the one judged */
    const struct asked *asked; /* the workload as the figure has it; NULL: nothing computed */
    const struct machine *machine;
    struct estimate ours;
    enum figure_worth worth;
    const char *why;                         /* it is unsupported, or NULL */
    const struct judged_figure *contradicts; /* an earlier one of the same, or NULL */
};
struct judged_set {
    const struct experiment_set *set;
    const struct subject *subject;
    struct guide_capabilities capabilities;
    struct judged *row;
    size_t rows;
    const struct requirement_row *hardware; /* what the set asks of the hardware, in words */
    size_t hardwares;
    const struct judged_figure *figure; /* what the guide says in figures */
    size_t figures;
    const char *closing; /* the guide's closing sentence */
    const char *lacks;   /* a figure that leaves a verdict of the guide open, or NULL */
    bool failed;         /* the guide's exit status is 1 */
};

bool judged_set_make(const struct context *in, const struct experiment_set *set,
                     const struct subject *s, const struct world *w, struct judged_set *out,
                     struct mu_err *err) NODISCARD;
/* The computed verdict of an experiment: FITS_NOT_COMPUTED when nothing is. */
enum fits judged_fits(const struct judged *j);
/* The guide's closing sentence, or why it has none. */
const char *judged_guide_closing(const struct judged_set *s, struct arena *a);
/* Our closing sentence beside the guide's. */
const char *judged_closing(const struct judged_set *s, struct arena *a);

/* An experiment as a task on a machine, with what one of its figures (or NULL) changes. */
bool judged_ask(const struct context *in, const struct machine *m, const struct experiment *e,
                const struct guide_figure *f, struct asked *out, struct mu_err *err) NODISCARD;
/* Its command with values for names; NULL: it has none. */
const char *judged_command(const struct judged *j, struct arena *a);
/* The set has the guide's rules, which decide the guide's `capabilities`. */
bool judged_has_capabilities(const struct judged_set *s);
/* Adds what was judged to a report that has none of it. */
void judged_report(const struct judged_set *set, size_t sets, struct arena *a, struct report *r);
/* Fills figures. */
bool judged_figures(const struct context *in, struct judged_set *s, const struct world *w,
                    struct mu_err *err) NODISCARD;
/* thresholds: those of memory, disk and cores as well. */
void show_figures(struct doc *d, const struct judged_set *s, bool thresholds);
/* Ours in words: "8.34 GiB", "15-25 tok/s", "yes"; "?" where it is not known. */
const char *figure_ours(struct arena *a, const struct judged_figure *f);

void show_judged(struct doc *d, const struct judged_set *s);
/* Fills hardware; rows that ask for nothing are among them, and are not shown. */
bool judged_hardware(const struct context *in, struct judged_set *s, struct mu_err *err) NODISCARD;
void show_hardware(struct doc *d, const struct judged_set *s);
/* The guide's other tables for this machine's memory, and its quantisation table beside computed figures. */
bool show_guide_tables(struct doc *d, const struct context *in, const struct judged_set *s,
                       const struct world *w, struct mu_err *err) NODISCARD;
