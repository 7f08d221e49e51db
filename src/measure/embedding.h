/* measure/embedding.h - the guide's test of an embedding model, with the real engine: load it, a hundred sentences, thirty seconds. */
#pragma once
#include "base/err.h"
#include "base/fields.h"
#include "measure/measure.h"

struct digest;
struct generate;

/* How it went, in the words that the guide's script prints. X(name, word) */
#define EMBEDDING_OUTCOMES(X)       \
    X(EMBEDDING_SUCCESS, "SUCCESS") \
    X(EMBEDDING_SKIP, "SKIP")       \
    X(EMBEDDING_FAIL, "FAIL")       \
    X(EMBEDDING_TIMEOUT, "TIMEOUT") \
    X(EMBEDDING_ERROR, "ERROR")
enum embedding_outcome {
#define EMBEDDING_ENUM(name, word) name,
    EMBEDDING_OUTCOMES(EMBEDDING_ENUM)
#undef EMBEDDING_ENUM
        EMBEDDING_OUTCOME_COUNT
};
const char *embedding_outcome_word(enum embedding_outcome outcome);

struct embedding_asked {
    const char
        *file; /* a path; or NULL and an open file, which the child fills with random weights */
    int open_file;
    const struct digest *model;
    const struct generate *knobs;
    double threads, memory_most_bytes;
    double limit_s; /* 0: the guide's thirty seconds */
};
struct embedded {        /* figures of EMBEDDING_SUCCESS; NaN and NULL otherwise */
    const char *outcome; /* the word */
    const char *why;     /* the reason, for people; NULL for a success */
    const char *llama, *pooling, *prompt;
    double width, sentences, differ, tokens, load_s, encode_s;
    double baseline_bytes, loaded_bytes, peak_bytes, file_bytes;
};
extern const struct fields embedded_table;
double embedding_limit_s(void);
/* An outcome without figures. */
struct embedded embedding_not_run(enum embedding_outcome outcome, const char *why);

/* Runs the test; the lock is the caller's. What goes wrong is an outcome, with its code (MU_OK for a success). */
enum embedding_outcome embedding_run(const struct measuring *in,
                                     const struct embedding_asked *asked, struct embedded *out,
                                     enum mu_code *code);
