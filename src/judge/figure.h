/* judge/figure.h - a figure that a guide gives beside its thresholds ("~10-12GB of VRAM", "15-25 tok/s on a T4"), and what it is worth:
 * verdicts are computed from the figure of that kind that we find for the same workload, never stored. Pure. */
#pragma once
#include "base/quantity.h"
#include "base/str.h"

struct mu_err;
struct reading;
struct setting;
struct workload;
struct yaml;

enum figure_kind {
    FIGURE_MEMORY,        /* of all places it lies in */
    FIGURE_DEVICE_MEMORY, /* all of it on an accelerator */
    FIGURE_HOST_MEMORY,   /* all of it on the host */
    FIGURE_KEPT,          /* what is captured, in memory */
    FIGURE_WRITTEN,       /* what is captured, on the disk, for the amount that is said */
    FIGURE_FILE,          /* the model on disk, as it is run */
    FIGURE_DOWNLOAD,      /* as it was published */
    FIGURE_DISK,          /* room asked for: of it we know the model's file alone */
    FIGURE_DECODE,        /* tokens a second */
    FIGURE_PREFILL,
    FIGURE_LOAD,        /* reading the model's file for the first time */
    FIGURE_UNIT,        /* one unit of its work: a step, a batch, a conversion */
    FIGURE_DURATION,    /* the amount that is said */
    FIGURE_OVERHEAD,    /* memory, as times the weights */
    FIGURE_GROWTH,      /* power of a knob that memory grows by: 1 linear, 2 quadratic */
    FIGURE_TIME_GROWTH, /* the same of the time of one unit */
    FIGURE_FITS,        /* yes or no */
    FIGURE_FITS_DEVICE, /* the same of an accelerator, which holds all of it */
    FIGURE_OFFERED,     /* yes or no: whether such an instance can be rented */
    FIGURE_OTHER,       /* nothing that is computed; `why` says why not */
    FIGURES
};
enum figure_dimension { FIGURE_BYTES, FIGURE_RATE, FIGURE_SECONDS, FIGURE_NUMBER, FIGURE_YES };
const char *figure_name(enum figure_kind kind);  /* "device_memory" */
const char *figure_words(enum figure_kind kind); /* "accelerator memory" */
enum figure_dimension figure_dimension(enum figure_kind kind);

struct guide_figure {
    enum figure_kind kind;
    double low, high;          /* bytes, seconds, tokens a second; open ends are 0 and infinite */
    bool yes;                  /* of yes and no */
    bool decimal;              /* written in GB of 10^9 bytes, or the like */
    const char *text, *source; /* as written; where it stands */
    const char *label;         /* what it is of, where that is not the experiment alone; or NULL */
    const char *why;           /* FIGURE_OTHER: why nothing is computed */
    /* The machine it is about, as a line; NULL: the set's, "here": the one that is judged. */
    const char *on;
    const char *knob;     /* of growth */
    const char *instance; /* of FIGURE_OFFERED */
    /* Upon the workload's own: another model, mix, knobs. */
    const char *model, *quant;
    const struct setting *with;
    size_t withs;
};
/* The list `says` of an experiment, whose kind of workload is w; NULL: it has none, and only FIGURE_OTHER can stand there. */
bool figures_read(const struct reading *in, const struct yaml *map, const struct workload *w,
                  const struct guide_figure **out, size_t *count) NODISCARD;

enum figure_worth {
    FIGURE_CONFIRMED,
    FIGURE_TOO_LOW,
    FIGURE_TOO_HIGH,
    FIGURE_REFUTED, /* of yes and no */
    FIGURE_UNSUPPORTED
};
const char *figure_worth_word(enum figure_worth worth);
/* ours: UNKNOWN leaves it unsupported; of yes and no 1 or 0. Of memory and room, as much as spare_share may stay free. */
enum figure_worth figure_judge(const struct guide_figure *f, struct estimate ours,
                               double spare_share);
