/* measure/session_request.h - the settings of a run of llama.cpp, as engine/session.h reads them. */
#pragma once
struct digest;
struct generate;
struct writer;

/* The keys into a map that is open. file: a path, or /proc/self/fd/N. */
void put_session(struct writer *w, const char *file, const struct digest *m,
                 const struct generate *g);
