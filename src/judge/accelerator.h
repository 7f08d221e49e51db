/* judge/accelerator.h - what a backend reaches on accelerators of a kind, as shares of what is listed for them: data/accelerators.json,
 * fitted by tools/fit-accelerators on published benchmarks. A row names a backend and may narrow it to an architecture, a kind of
 * memory or a word in a part's name; of the rows that hold for a place the narrowest counts. */
#pragma once
#include "judge/judge.h"

/* measured / predicted of nine rows in ten, with the card left out of the fit. */
struct accelerator_range {
    double low, high;
};
enum { RANGE_DENSE, RANGE_EXPERTS, RANGE_KINDS };
struct accelerator {
    const char *backend, *architecture; /* NULL: any */
    const char *part;                   /* a word in the part's name; NULL: any */
    const char *memory;                 /* what its memory type begins with; NULL: any */
    const char *const *having;          /* of `memory`: the catalogue's parts that have it */
    size_t havings;
    /* Of the listed memory bandwidth: weights and elements; of that, weights in blocks of 256 values, which take more arithmetic; the
     * cache with and without flash attention. */
    double read_share, block_share, attend_share, attend_plain_share;
    /* Of the listed matrix rates, with very many columns: weights of whole numbers of 8 bits (of igemm where `integers`, else of
     * hgemm), other weights and attention (of hgemm). */
    double quant_share, float_share;
    bool integers;
    /* Of the listed rate of singles, with integers: values are unpacked and scaled beside the product. NaN: nothing is. */
    double unpack_share;
    double half_columns; /* with so many columns half of it is reached */
    double expert_share; /* of that rate, products of the experts that tokens chose */
    double launch_s;     /* a node of the graph, beside its work; of CPUs for each thread */
    double handoff_s;    /* what a token loses where one device hands over to the next */
    /* Of CPUs, whose architecture is a SIMD level: 32-bit FLOP of a core a cycle, and what one core reads at most. */
    double flop_per_cycle, core_read_per_s;
    struct accelerator_range decode[RANGE_KINDS], prefill[RANGE_KINDS]; /* NaN: none */
    struct accelerator_range several; /* decoding on several devices; NaN: none */
};

/* Fills world's `accelerator` from the data that ships. made: engines of that time ("2024-05"); NULL: of today. */
bool accelerator_read(const struct catalog *c, const char *made, struct arena *a, struct world *out,
                      struct mu_err *err) NODISCARD;
/* The row for a place; NULL when there is none for its backend. */
const struct accelerator *accelerator_of(const struct world *w, const struct place *place);
/* The row of CPUs whose rates are listed only, with this SIMD level ("avx2"; NULL: of all, for ranges); NULL: none. */
const struct accelerator *accelerator_cpu(const struct world *w, const char *simd);
