/* model/safetensors_header.h - inside model/: the tensors that a safetensors header lists, one after the other. The header is JSON of a
 * form so narrow that it is scanned as it stands; a tree of it would take half a second for 100,000 tensors. */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;

struct header_tensor {
    struct str name, type; /* views into the header */
    uint64_t elements;     /* of its shape */
    uint64_t from, to;     /* where its data lies, behind the header */
};
struct header_scan {
    const char *file; /* for messages */
    struct str text;
    struct arena *a;
    size_t at;
    bool begun, bad;
};

/* The next tensor; false at the end and when the header is damaged, which `err` then says (code not MU_OK). */
bool header_next(struct header_scan *s, struct header_tensor *out, struct mu_err *err);
