/* catalog/known.h - everything the tables say of a part, row by row and key by key, as `muster facts` shows it. Where parts.h gives the
 * figures that are computed with, this gives the whole row: its remarks, its source, its confidence, and the file it stands in. */
#pragma once
#include "base/json.h"
#include "catalog/catalog.h"

/* X(kind, word) */
#define KNOWN_KINDS(X)            \
    X(KNOWN_GPU, "gpu")           \
    X(KNOWN_CPU, "cpu")           \
    X(KNOWN_CLOUD, "cloud")       \
    X(KNOWN_MODEL, "model")       \
    X(KNOWN_QUANT, "quant")       \
    X(KNOWN_SOFTWARE, "software") \
    X(KNOWN_SOURCE, "source")     \
    X(KNOWN_GUIDE, "guide")
enum known_kind {
#define KNOWN_ENUM(kind, word) kind,
    KNOWN_KINDS(KNOWN_ENUM)
#undef KNOWN_ENUM
        KNOWN_KIND_COUNT
};
const char *known_word(enum known_kind kind);

/* One figure or remark. Maps inside a row are laid flat: "shape.gated_ffn", "rules.output[0].type". */
struct known_fact {
    const char *key;
    enum json_kind kind; /* never a map; a list holds texts (numbers as text) in item[] */
    const char *text;    /* as text, whatever the kind; lists joined by ", " */
    double number;
    bool flag;
    const char *const *item;
    size_t items;
};
struct known_row {
    const char *name;
    const char *what; /* "GPU", "mix of weight types" */
    const char *file; /* "data/gpus.json", or the path of the user's own */
    bool own;         /* from the user's own file */
    const char *collected, *source, *confidence; /* the row's, else the file's; NULL: not said */
    const struct known_fact *fact;
    size_t facts;
    const char *const *spelling;
    size_t spellings;
};

/* Every row of a kind, the user's own first and in the place of ours of the same name. */
bool catalog_known(const struct catalog *c, enum known_kind kind, const struct known_row **out,
                   size_t *count, struct mu_err *err) NODISCARD;
/* The rows that a name may mean, at most `most`; how many there are. A name without its memory size means every size; a PCI id is a
 * name of a GPU; a name as systems write it is one of a CPU. */
size_t known_named(const struct catalog *c, enum known_kind kind, struct str name,
                   const struct known_row *out[], size_t most);
/* The names nearest to a spelling that none has, nearest first; how many, at most `most`. */
size_t known_near(const struct catalog *c, enum known_kind kind, struct str name, const char *out[],
                  size_t most);
/* The fact of that key, or NULL. */
const struct known_fact *known_fact_of(const struct known_row *row, const char *key);
/* Whether every word of `words` stands in its names or texts, in any spelling. */
bool known_holds(const struct known_row *row, struct str words, struct arena *a);
