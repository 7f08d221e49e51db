/* verb/paper.h - what a requirements document (`muster doc`) says, between what computes it and what shows it. For no particular machine:
 * what is held follows the bills, times are those of machines for rent. */
#pragma once
#include "catalog/parts.h"
#include "judge/need.h"
#include "verb/judged_set.h"
#include "verb/need.h"

/* Where something may run: all on the host, or all on one accelerator. */
enum paper_place { PAPER_HOST, PAPER_DEVICE, PAPER_PLACES };

/* A machine for rent that holds something with the usual share spare. */
struct paper_rent {
    const struct cloud_part *part; /* NULL: none does */
    bool ram_assumed;
    double memory_bytes;
    struct estimate decode_per_s, unit_s, duration_s; /* there */
    size_t holds;                                     /* how many of the computed experiments */
};
struct paper_row {
    const struct experiment *experiment;
    const struct asked *asked; /* NULL: no workload is written down */
    const char *why;           /* nothing is computed: the reason; else NULL */
    const char *what;          /* "finetune, method qlora, rank 16" */
    bool may[PAPER_PLACES];
    struct needs needs;
    const char *most;                      /* the name of the largest line of its bill */
    double most_bytes;                     /* NaN: none */
    const char *smaller;                   /* what makes that smaller; NULL: nothing is known to */
    struct paper_rent rent[PAPER_PLACES];  /* the cheapest */
    struct paper_rent timed[PAPER_PLACES]; /* the cheapest whose speed is known */
    const char *fit[PAPER_PLACES]; /* the line that computes it again; NULL: there is none */
    const char *card;              /* the smallest that holds it; NULL: none does */
    const char *less_on;  /* what is just too small for it: a card, or RAM; NULL: nothing is */
    const char *less;     /* what to change so that it fits there */
    const char *less_fit; /* the line that says so again */
    const char *command;  /* with knobs filled in; NULL: none was written down */
};
/* The largest of all experiments, and whose it is. */
struct paper_most {
    double bytes; /* NaN: nothing is computed */
    const struct experiment *by;
};
enum paper_memory { PAPER_RAM, PAPER_VRAM, PAPER_BESIDE, PAPER_MEMORIES };
struct paper_file {
    const char *model, *form; /* "Q4_K_M", "16 bits, as published" */
    double bytes;
};
struct paper_level {
    const char *quant;
    double context_tokens, vram_bytes, ram_bytes;
    const char *cards; /* the cheapest that do it, in words; NULL: none with a price */
};
struct paper_size {
    const char *name;
    bool of_set; /* a model of the set, not a size */
    const char *model, *why;
    struct paper_level level[NEED_LEVELS]; /* nothing where why says why */
};
struct paper_card { /* by what can be used of it, least first */
    const char *name;
    double usable_bytes;
};
struct paper {
    const char *operand; /* the set as it was asked for */
    const struct experiment_set *set;
    const struct judged_set *judged; /* on a plain machine: for what the set says in figures */
    const char *quant;               /* asked for, or NULL */
    const char *backend;
    double spare_share;
    struct paper_row *row;
    size_t rows, computed;
    struct paper_most memory[NEED_LEVELS][PAPER_MEMORIES];
    struct paper_card *card; /* of the backend that takes most beside buffers */
    size_t cards;
    struct paper_file *file;
    size_t files;
    double files_bytes;
    double written_low_bytes, written_high_bytes; /* by what says how much is done */
    size_t unwritten; /* experiments that write, of which nobody says how much is done */
    struct paper_size *size;
    size_t sizes;
    struct paper_rent *all[PAPER_PLACES]; /* that hold every computed experiment, cheapest first */
    size_t alls[PAPER_PLACES];
    size_t retired; /* machines for rent that are never offered */
};
/* The rows, what they need and what that comes to; p->operand, set and quant are given. */
bool paper_rows(const struct context *in, const struct world *w, struct paper *p,
                struct mu_err *err) NODISCARD;
/* What the set says in figures, each held against its own machine or a plain one. */
bool paper_judged(const struct context *in, const struct world *w, struct paper *p,
                  struct mu_err *err) NODISCARD;
bool paper_less(const struct context *in, const struct world *w, struct paper *p,
                struct mu_err *err) NODISCARD;
bool paper_sizes(const struct context *in, const struct world *w, struct paper *p,
                 struct mu_err *err) NODISCARD;
bool paper_rents(const struct context *in, const struct world *w, struct paper *p,
                 struct mu_err *err) NODISCARD;
/* Its model without the owner; "-" where none runs. */
const char *paper_model(const struct paper_row *r);
/* What a row needs of that memory at a level: likely, or the high end with the usual share spare. */
double paper_needs(const struct paper_row *r, enum paper_memory of, enum need_level level);
/* An experiment as a task on a plain machine. */
bool paper_ask(const struct context *in, const struct paper *p, const struct experiment *e,
               struct asked *out, struct mu_err *err) NODISCARD;
/* The line that judges a row on a machine line; on_device: all of it there. NULL: it is too long. */
const char *paper_fit_line(const struct context *in, const struct paper_row *r, const char *machine,
                           bool on_device);
/* The cards, and the commands of a row. */
void paper_cards(const struct context *in, const struct world *w, struct paper *p);
void paper_lines(const struct context *in, const struct paper *p, struct paper_row *r);

/* The sections, in order. */
void show_doc_runs(struct doc *d, const struct paper *p);
void show_doc_hardware(struct doc *d, const struct paper *p);
void show_doc_figures(struct doc *d, const struct paper *p);
void show_doc_sizes(struct doc *d, const struct paper *p);
void show_doc_memory(struct doc *d, const struct paper *p);
bool show_doc_software(struct doc *d, const struct context *in, const struct paper *p,
                       struct mu_err *err) NODISCARD;
void show_doc_storage(struct doc *d, const struct paper *p);
void show_doc_rents(struct doc *d, const struct paper *p);
void show_doc_trouble(struct doc *d, const struct paper *p);
/* The document doc/1. */
void write_doc(const struct paper *p, const struct context *in, struct buf *out);
