/* measure/session_request.h - the settings of a run of llama.cpp, as engine/session.h reads them. */
#pragma once
struct arena;
struct digest;
struct generate;
struct writer;

/* The keys into a map that is open. file: a path, or /proc/self/fd/N. */
void put_session(struct writer *w, const char *file, const struct digest *m,
                 const struct generate *g);
/* The same of a run that works: of a file, or where it is NULL of an open header whose weights the engine fills in, with so many threads. */
void put_run(struct writer *w, const char *file, int open_file, double threads,
             const struct digest *m, const struct generate *g, struct arena *a);
