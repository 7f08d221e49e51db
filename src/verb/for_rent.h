/* verb/for_rent.h - machines made of the catalogue's parts: what people rent, and what a line of words says. */
#pragma once
#include "verb/need.h"

struct cloud_part;
struct gpu_part;

struct renting {
    const struct context *in;
    const struct world *world;
    double
        beside_bytes; /* what lies beside the accelerators: for instances whose RAM is not listed */
};
/* With what kernels typically reach; NULL where a line cannot be read. */
const struct machine *machine_of_words(const struct context *in, const struct world *w,
                                       const char *line);
/* What a machine line takes for a card: a comma would end it there. */
const char *line_name(const struct gpu_part *g);
/* llama.cpp runs on all of its accelerators. */
bool has_backends(const struct machine *m);
/* An instance, and what it has into the offer; NULL where that is not known. */
const struct machine *machine_for_rent(const struct renting *from, const struct cloud_part *c,
                                       struct offer *o);
extern const double system_gib; /* of a machine's memory, for the system itself */
