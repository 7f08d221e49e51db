/* judge/utilisation.h - what programs on PyTorch reach of the rates of a place, low to high: data/utilisation.json. A row names a backend
 * ("CPU" for the host) and may narrow it to an architecture; of the rows that hold for a place the narrowest counts. */
#pragma once
#include "judge/judge.h"

struct share { /* low, likely and high of a share or of a cost; NaN: not known */
    double low, likely, high;
};
struct utilisation {
    const char *backend, *architecture; /* architecture NULL: any */
    const char *confidence, *source, *date;
    struct share product; /* of the matrix rate of the type computed in */
    struct share moved;   /* of memory bandwidth, between products */
    struct share step;    /* of memory bandwidth, what an optimizer reads and writes at least */
    struct share unpack_bytes; /* of memory bandwidth, one quantised weight made plain */
    struct share launch_s;     /* to start the kernels of a layer's run */
    struct share link;         /* of what a link is listed with */
    struct share text_s, random_read_s, written; /* of the host alone */
};
/* Fills world's `utilisation` from the data that ships. */
bool utilisation_read(const struct catalog *c, struct arena *a, struct world *out,
                      struct mu_err *err) NODISCARD;
/* The row for a place; NULL when there is none for its backend. */
const struct utilisation *utilisation_of(const struct world *w, const struct place *place);
