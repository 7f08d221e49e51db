/* verb/need.h - what `muster need` found, between what makes it and what shows it. */
#pragma once
#include "catalog/types.h"
#include "judge/need.h"
#include "model/digest.h"
#include "verb/common.h"

struct guide_figure;
struct guide_precision;

/* DESIGN 4: Minimum and Recommended. */
enum need_level { NEED_MINIMUM, NEED_RECOMMENDED, NEED_LEVELS };
struct need_case {
    const char *name; /* "minimum" */
    double context_tokens, spare_share;
    double least_per_s; /* NaN: no speed is asked */
    struct asked asked;
    struct needs needs;
    double ram_bytes, vram_bytes, beside_bytes; /* with what is to stay free */
    double read_per_s;                          /* NaN: no speed is asked */
};
enum offer_kind { OFFER_GPU, OFFER_SHARED, OFFER_CPU, OFFER_CLOUD, OFFER_KINDS };
/* What keeps a part from a level. X(name, word in the document, words) */
#define SHORTS(X)                                          \
    X(SHORT_OF_NOTHING, NULL, NULL)                        \
    X(SHORT_OF_MEMORY, "too_small", "too small")           \
    X(SHORT_OF_SPEED, "too_slow", "too slow")              \
    X(SHORT_OF_RATES, "speed_unknown", "of unknown speed") \
    X(SHORT_OF_BACKEND, "not_for_llama_cpp", "not for llama.cpp")
enum short_of {
#define SHORT_ENUM(name, key, words) name,
    SHORTS(SHORT_ENUM)
#undef SHORT_ENUM
        SHORT_OF_COUNT
};
struct offer {
    const char *name;
    double count;           /* how many of them */
    enum need_level level;  /* what it reaches */
    enum short_of short_of; /* for the next level; nothing at the last */
    double usd;             /* of all; of an instance by the hour; NaN: not known */
    const char *usd_date;   /* NULL: not known */
    double memory_bytes;    /* of all; of CPUs and what shares memory the least of the machine's */
    double most_bytes;      /* of what shares memory: the most it comes with */
    bool on_cpu;            /* an instance without accelerator */
    bool ram_assumed;       /* an instance whose RAM is not listed: enough beside its cards */
    struct estimate per_s;  /* decoding, at that level */
};
struct offers {
    struct offer *offer;
    size_t offers;
    size_t without[SHORT_OF_COUNT], retired; /* not offered, by what they are short of */
};
struct need {
    const char *operand, *quant; /* quant: as asked for, NULL: nobody did */
    const char *stands_for;      /* a size: the model that was taken, and why; else NULL */
    struct need_case level[NEED_LEVELS];
    struct offers of[OFFER_KINDS];
};
/* Both levels of the request's operand, by its --quant, --ctx and --tps, and what does them. */
bool need_find(const struct request *q, const struct context *in, const struct world *w,
               struct need *n, struct mu_err *err) NODISCARD;
/* What of the catalogue holds the model and reaches the speed, cheapest first. */
bool need_offers(const struct context *in, const struct world *w, struct need *n,
                 struct mu_err *err) NODISCARD;
/* A guide's figure beside computed ones. */
enum { TABLE_COLUMNS = 3, TABLE_CARDS = 4 };
extern const char *const table_quants[TABLE_COLUMNS]; /* F16, 8 and 4 bit */
extern const char *const table_titles[TABLE_COLUMNS]; /* "F16" "8 bit" "4 bit" */
struct table_card {
    const char *name; /* as the guide does */
    double usable_bytes;
    bool holds;
};
struct table_row {
    const struct guide_figure *figure;
    const char *size, *model;
    double vram_bytes[TABLE_COLUMNS], most_bytes[TABLE_COLUMNS], weight_bytes[TABLE_COLUMNS];
    const char *says[TABLE_COLUMNS]; /* "confirmed" "too low" "too high" "unsupported" */
    const char *verdict;             /* one sentence */
    /* A worked example: what it is computed as, and of that the weights and all; as is NULL for a row of a table. */
    const char *as;
    double as_weight_bytes, as_bytes;
    struct table_card card[TABLE_CARDS]; /* that the guide names */
    size_t cards;
};
/* Of one size or model, or NULL for all. */
bool need_table(const struct context *in, const struct world *w, const char *size,
                const struct table_row **out, size_t *rows, struct mu_err *err) NODISCARD;
/* The sizes and models that guides speak of, as they write them, at most `most`. */
bool need_sizes(const struct context *in, const char *out[], size_t most, size_t *n,
                struct mu_err *err) NODISCARD;
/* A guide's bytes a parameter beside those of a real file. */
struct precision_row {
    const struct guide_precision *guide;
    const char *file, *model; /* "Q4_K_M", of which model */
    double bits;              /* of what is quantised: a format outside GGUF; NaN: a GGUF file */
    double bytes;             /* a parameter, of the whole file */
    const char *says;         /* "confirmed" "too low" "too high" */
};
/* For a size, or NULL for the one that the guides' rows name. */
bool need_precisions(const struct context *in, const char *size, const struct precision_row **out,
                     size_t *rows, struct mu_err *err) NODISCARD;
struct guides_shown {
    const struct table_row *row;
    const struct precision_row *precision;
    size_t rows, precisions;
};
void show_need(struct doc *d, const struct need *n);
void show_guides(struct doc *d, const struct guides_shown *g);
void write_guides(struct writer *w, const struct guides_shown *g);
/* n NULL: only the guides'. */
void write_need(const struct need *n, const struct guides_shown *g, const struct notes *notes,
                struct buf *out);
