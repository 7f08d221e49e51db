/* catalog/types.h - weight types of ggml and the mixes that llama-quantize makes of them (data/quants.json). */
#pragma once
#include "catalog/catalog.h"
#include <stdint.h>

/* The table is indexed by ggml's own type id, as a GGUF file writes it. A row that does not exist has name NULL. */
enum { TYPES = 64 };

struct weight_type {
    const char *name; /* "Q4_K" */
    uint32_t id;
    double block, block_bytes; /* elements and bytes of one block */
    bool storable;             /* may stand in a file (Q8_1 and Q8_K may not) */
    /* What llama-quantize takes when a row is no multiple of the block; NULL: the table names none. */
    const struct weight_type *fallback;
};

/* NULL when the table cannot be read (message in err). All TYPES rows. */
const struct weight_type *catalog_types(const struct catalog *c, struct mu_err *err);
/* By name in any spelling; NULL when unknown. */
const struct weight_type *catalog_type(const struct catalog *c, struct str name);

/* Tensor categories the mix rules speak of. */
enum tensor_class {
    CLASS_OTHER,
    CLASS_TOKEN_EMBD,
    CLASS_OUTPUT,
    CLASS_ATTN_Q,
    CLASS_ATTN_K,
    CLASS_ATTN_V,
    CLASS_ATTN_OUTPUT,
    CLASS_FFN_GATE,
    CLASS_FFN_UP,
    CLASS_FFN_DOWN,
    CLASS_EXPERTS,
    CLASS_KEPT,    /* no mix touches it: half precision */
    CLASS_NUMBERS, /* nor this: whole numbers of 32 bits */
    CLASS_COUNT
};

/* The conditions of data/quants.json, a closed list: an unknown one is refused when the table is loaded. */
#define MIX_CONDITIONS(X)                                  \
    X(IF_ALWAYS, "")                                       \
    X(IF_FIRST_EIGHTH, "layer<n/8")                        \
    X(IF_FIRST_SIXTEENTH, "layer<n/16")                    \
    X(IF_MIDDLE, "n/8<=layer<7n/8")                        \
    X(IF_MORE_BITS, "more_bits")                           \
    X(IF_INDEX_BELOW_2, "index<2")                         \
    X(IF_INDEX_BELOW_4, "index<4")                         \
    X(IF_GQA_4, "gqa>=4")                                  \
    X(IF_GQA_4_OR_EXPERTS_4, "gqa>=4 or n_expert>=4")      \
    X(IF_EXPERTS_8, "n_expert==8")                         \
    X(IF_NOT_EXPERTS_8, "n_expert!=8")                     \
    X(IF_EXPERTS_8_MORE_BITS, "n_expert==8 and more_bits") \
    X(IF_IMATRIX_FIRST_EIGHTH, "imatrix and layer<n/8")    \
    X(IF_NO_IMATRIX, "not imatrix")                        \
    X(IF_NO_IMATRIX_FIRST_EIGHTH, "not imatrix and layer<n/8")

enum mix_condition {
#define MIX_ENUM(name, text) name,
    MIX_CONDITIONS(MIX_ENUM)
#undef MIX_ENUM
        MIX_CONDITION_COUNT
};

struct mix_rule {
    enum mix_condition when;
    const struct weight_type *type;
};
struct mix {
    const char *name;   /* "Q4_K_M" */
    uint32_t file_type; /* llama_ftype id, GGUF general.file_type */
    const struct weight_type *base;
    struct {
        const struct mix_rule *rule;
        size_t count;
    } rules
        [CLASS_COUNT]; /* first match wins, none: base. CLASS_EXPERTS empty: experts follow the class of their matrix */
    /* share, e.g. 0.028 = +2.8 %, of Llama-3-8B, without imatrix where listed; UNKNOWN when not listed */
    struct quantity perplexity_increase;
    double bits_per_weight; /* effective, of Llama-3.1-8B, without imatrix; 0 when not listed */
};

bool catalog_mixes(const struct catalog *c, const struct mix **out, size_t *count,
                   struct mu_err *err) NODISCARD;
/* By name in any spelling, aliases of quants.json included ("Q4" is Q4_K_M); NULL when unknown. */
const struct mix *catalog_mix(const struct catalog *c, struct str name);
