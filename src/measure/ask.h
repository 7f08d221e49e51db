/* measure/ask.h - one question to muster-engine: a child, the request on its stdin, JSON lines back.
 *
 * Whatever goes wrong in there (a signal, a hang, too much memory, an answer that can't be used) is a sentence, never our own end. */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct json;
struct measuring;

struct question {
    const char *test; /* the engine's word: "memory", "exact" */
    struct str request;
    /* The rows of the answer, one at a time; false with a message ends the child. Notes are kept apart: they go to the measuring's. */
    bool (*row)(void *to, const struct json *row, struct mu_err *err);
    void *to;
    double timeout_s;         /* the measuring's own timeout goes before it */
    double memory_most_bytes; /* 0: not watched */
    int file;                 /* an open file it can name as /proc/self/fd/N; 0: none */
};
struct asked_end {
    const char *why;   /* why there is no answer, for people; NULL: it went well */
    bool hung;         /* it ran into its time limit */
    enum mu_code code; /* MU_OK, or what kind of failure it was */
    size_t rows;
    double seconds, peak_bytes;
};
/* Rows heard before a failure have been given to row(): the caller forgets them. */
void engine_ask(const struct measuring *in, const struct question *q, struct asked_end *out);
