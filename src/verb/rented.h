/* verb/rented.h - a machine for rent as a machine to judge on. */
#pragma once
#include "catalog/parts.h"
#include "judge/judge.h"
#include "verb/verb.h"

struct rented {
    const struct machine *machine; /* NULL: it cannot be made into one */
    bool on_cpu;                   /* it has no accelerator */
    bool ram_assumed;              /* its RAM is not listed: enough beside its cards */
    double memory_bytes;           /* of all its accelerators, else its RAM */
};
/* beside_bytes: what is needed on the host beside one card. One without accelerator gets its share, by threads, of what its processor is
 * listed for. */
struct rented rented_machine(const struct context *in, const struct world *w,
                             const struct cloud_part *c, double beside_bytes);
/* A machine from a line, with typical rates; NULL: the line is none. */
const struct machine *machine_of_line(const struct context *in, const struct world *w,
                                      const char *line);
/* What a machine line takes for a card's name: a comma would end the card there. */
const char *line_name(const struct gpu_part *g);
/* Of a machine's memory, for the system itself. */
#define SYSTEM_GIB 1.0
