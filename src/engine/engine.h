/* engine/engine.h - muster-engine: one test a process, the request as JSON on stdin, JSON lines on stdout.
 *
 * The request: {"threads": 2, "cpus": [0, 1], "bytes": 4e8, "cache_bytes": 3.3e7, "nodes": 1, "seconds": 0.7, "folder": "/tmp"}.
 * A line of the answer is a rate {"work", "threads", "low", "likely", "high", "runs", "source", "conditions"} or {"note": "..."}.
 * Exit status: as base/err.h; 0 when the test did what it could. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct asked {
    size_t threads; /* of the test with all of them; at least 1 */
    const int *cpu; /* where threads are pinned, in turn */
    size_t cpus;    /* 0: they are not pinned */
    double bytes;   /* all memory the test may use */
    double cache_bytes,
        nodes;          /* last-level cache, all of them together; NUMA nodes; 0: not known */
    double seconds;     /* about how long */
    const char *folder; /* for the disk test's file; NULL: none */
    struct json *json;  /* the whole request, for what one test alone asks; asked_free lets it go */
    struct arena *arena;
};

/* One row a test: engine/t_NAME.c and one line in tests.c. */
struct engine_test {
    const char *name, *words;
    bool (*run)(const struct asked *in, struct mu_err *err);
};
extern const struct engine_test *const engine_tests[]; /* NULL ends */
extern const struct engine_test engine_memory, engine_gemm, engine_disk, engine_guide;
extern const struct engine_test engine_fill, engine_exact, engine_trial, engine_embed,
    engine_capture;
extern const struct engine_test engine_devices, engine_device, engine_kernels, engine_amx;

/* Reads a request; the message names what is wrong with it. */
bool asked_read(struct str text, struct arena *a, struct asked *out, struct mu_err *err) NODISCARD;
void asked_free(struct asked *in);
/* A number of a map of the request; left as it is when absent. The message names the key and the bounds. */
bool asked_number(const struct json *map, const char *key, double at_least, double at_most,
                  double *out, struct mu_err *err) NODISCARD;
/* A list of whole numbers, between one and so many of them. */
bool asked_numbers(const struct json *list, const char *key, size_t most_count, double at_least,
                   double at_most, double *out, size_t *count, struct mu_err *err) NODISCARD;

/* What one thing did in each of its runs. */
enum { RUNS_MOST = 1024 };
struct runs {
    const char *work; /* the word of machine_work */
    size_t threads, count;
    double per_s[RUNS_MOST];
    double likely; /* 0: the median */
    /* Said only of work that has them: ggml's name of the weights or the cache; columns at once; values in a head's row; heads
     * that share a key; values in a cell of the cache; the buffer. 0 and NULL: none. */
    const char *type, *buffer;
    double tokens, row, group, cell;
    const char *device; /* what llama.cpp calls it; threads are 0 there */
};
void runs_add(struct runs *r, double amount, double seconds); /* runs past RUNS_MOST are left out */
/* Writes the line. At least one run. */
void say_rate(struct runs *r, const char *source, const char *conditions, struct arena *a);
/* A line of any other kind: `say.w` has a map open between the two. */
struct say {
    struct buf text;
    struct writer w;
};
void say_begin(struct say *s);
void say_end(struct say *s);
void say_note(struct arena *a, const char *format, ...) PRINTF(2, 3);
