/* cost/bill.h - what a workload needs, as a bill of quantities.
 *
 * A workload function writes lines: bytes held at a site, work done in a phase. It is plain C over doubles (exact to 2^53 bytes,
 * 8 PiB) and knows no machine. Each formula is written once: the macros hand the compiler the expression and keep its text, so what
 * --explain prints is what ran. A range is not propagated, it is re-run: judge runs the same function with each ABOUT() bent to its
 * ends in turn, so shared inputs stay shared and sums need no interval arithmetic.
 *
 * A HOLD or WORK expression names only what LET, GIVEN or ABOUT noted before it, and pad_to least most floor (tools/check-formulas). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BILL_LINES = 512, BILL_ABOUTS = 24, SITES = 10 };
/* UNIT: one unit of a workload that writes no text (workload.unit). ONCE: before the first of them. */
enum phase { HELD, PREFILL, DECODE, UNIT, ONCE, PHASE_COUNT };
/* MATMUL_FLOP: products with weights; ATTEND_FLOP: queries with the cache's keys and scores with its values; OPERATIONS: nodes of the
 * graph, each with a start and an end that all threads wait for; ELEMENT_BYTES: read and written between the products. In UNIT and ONCE,
 * which programs on PyTorch do: TORCH_FLOP, products, whose `row` is the bytes of a value; LAYER_RUNS, a layer's kernels started one after
 * the other; STEP_BYTES, what an optimizer reads and writes at least; UNPACKED, quantised weights made plain; LINK_BYTES, to a device or from
 * it; FILE_BYTES_READ, FILE_BYTES_WRITTEN; TEXT_NUMBERS, written as text; RANDOM_READS, each of which waits for memory. */
enum work {
    BYTES_HELD,
    MATMUL_FLOP,
    ATTEND_FLOP,
    OPERATIONS,
    ELEMENT_BYTES,
    TORCH_FLOP,
    LAYER_RUNS,
    STEP_BYTES,
    UNPACKED,
    LINK_BYTES,
    FILE_BYTES_READ,
    FILE_BYTES_WRITTEN,
    TEXT_NUMBERS,
    RANDOM_READS,
    WORK_COUNT
};
enum { ON_HOST = 0 }; /* 1.. are devices */
/* How a held line counts. HELD_OWN: must stay in memory, what totals add up. HELD_MAPPED: file pages that were read once and that the
 * kernel may drop. HELD_PROCESS: the program itself and its vocabulary, shown beside the total. */
enum held_as { HELD_OWN, HELD_MAPPED, HELD_PROCESS };

/* One place in the code that charges something. Static, so its address names the term. */
struct term {
    const char *name;  /* "KV cache" */
    const char *group; /* what totals add up by: "weights" "kv" "compute" "output" "process" */
    const char *formula, *source;
};
struct line {
    const struct term *term;
    double amount;
    uint8_t phase, work, type, site, held_as;
    bool experts; /* of products: with some matrices of a tensor, other ones for each column */
    const char *buffer; /* of products: where such weights lie, "CPU" for plain */
    double columns;     /* of products and attention: tokens done at once */
    /* of products and attention: weights or cache that a token meets, read once for all columns */
    double bytes;
    double row; /* values in a row of the weights (mean), or in a head's key */
    /* of attention: heads that share a key; values in a cell of the cache, for all heads; 0 unknown */
    double group, cell;
    /* of attention: a layer's cells that a token sees, and those that are walked over to see them */
    double seen, kept;
};
struct bill {
    struct line line[BILL_LINES];
    size_t lines;
    size_t abouts;       /* ABOUT()s met in this run */
    size_t bent;         /* which of them is bent (1-based), 0 none */
    int bend;            /* -1 to its low end, +1 to its high end */
    bool full;           /* more lines than fit: a mistake of ours, asserted */
    const char *unruled; /* why the bill could not be written, or NULL */
    const char *wants;   /* what has to be there besides, as words of the catalogue, or NULL */
    void (*note)(void *to, const char *name, const char *formula, double value,
                 const char *source); /* only for --explain */
    void *to;
};

/* b may be NULL: the same formulas, noted nowhere. */
double bill_let(struct bill *b, const char *name, const char *formula, double value,
                const char *source);
double bill_about(struct bill *b, double low, double likely, double high);
void bill_add(struct bill *b, const struct term *t,
              const struct line *line);                     /* amounts <= 0 leave no line */
double bill_held(const struct bill *b, unsigned site);      /* HELD_OWN lines of a site */
double bill_group(const struct bill *b, const char *group); /* HELD_OWN lines, all sites */

#define LET(b, name, expr) const double name = bill_let((b), #name, #expr, (double)(expr), NULL)
#define GIVEN(b, name, value, source) \
    const double name = bill_let((b), #name, NULL, (double)(value), (source))
#define ABOUT(b, name, low, likely, high, source) \
    const double name =                           \
        bill_let((b), #name, NULL, bill_about((b), (low), (likely), (high)), (source))
#define HOLD_AS(b, as, site_, what, group_, expr, src)               \
    do {                                                             \
        static const struct term term_ = {what, group_, #expr, src}; \
        bill_add((b), &term_,                                        \
                 &(struct line){.amount = (double)(expr),            \
                                .phase = HELD,                       \
                                .work = BYTES_HELD,                  \
                                .site = (uint8_t)(site_),            \
                                .held_as = (as)});                   \
    } while (0)
#define HOLD(b, site, what, group, expr, src) HOLD_AS(b, HELD_OWN, site, what, group, expr, src)
/* of: what kind of work, a struct line in parentheses without its amount */
#define WORK(b, of, what, expr, src)                             \
    do {                                                         \
        static const struct term term_ = {what, "", #expr, src}; \
        struct line line_ = of;                                  \
        line_.amount = (double)(expr);                           \
        bill_add((b), &term_, &line_);                           \
    } while (0)
