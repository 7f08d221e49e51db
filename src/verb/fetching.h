/* verb/fetching.h - how a model gets onto this disk: what it takes, and the lines that do it. */
#pragma once
#include "catalog/sources.h"
#include "judge/fetch.h"
#include "verb/common.h"

struct fetch_line {
    const struct fetch_program *program;
    const char *text;
};
enum { FETCH_LINES_MOST = 32 };
struct fetching {
    const char *model;                /* its name on the hub */
    const char *mix;                  /* asked for */
    const struct gguf_source *source; /* who publishes GGUF files of it; NULL: nobody is known */
    const char *file;                 /* the one of that mix; NULL: none is known */
    const struct library_source *library; /* in Ollama's; NULL: not known to be there */
    const char *tag; /* there, of that mix where tag_of_mix, else of Ollama's choice */
    bool tag_of_mix;
    bool encoder;       /* it writes no text */
    const char *native; /* what it is published in where that is not 16 bits; NULL: it is */
    bool gated;         /* its owner has a licence accepted first */
    const char *here;   /* an operand that leads to it on this disk already; NULL: it is not here */
    struct fetch fetch; /* of the file in that mix, whoever publishes it */
    struct fetch
        made;       /* where no file of it is known: of what is published, and made into it here */
    bool converted; /* that is so: made says something */
    struct fetch_line line[FETCH_LINES_MOST];
    size_t lines;
};
/* *out is NULL where nothing is to be fetched: the model is a file, or nobody's on the hub. --line of the request, where its verb has
 * it. */
bool find_fetch(const struct request *q, const struct context *in, const struct asked *asked,
                const struct machine *m, const struct fetching **out, struct mu_err *err) NODISCARD;
/* "3 min 12 s at 100 Mbit/s, 19.2 s at 1 Gbit/s"; NULL: not known. */
const char *fetch_time_words(const struct fetch *f, struct arena *a);
/* The same of a file of so many bytes, on lines taken as examples. */
const char *fetch_examples_words(double bytes, struct arena *a);
/* f may be NULL. */
void show_fetch(struct doc *d, const struct fetching *f);
/* The member "fetch"; null where f is NULL. */
void write_fetch(struct writer *w, const struct fetching *f);
