/* judge/speed.h - how long a phase of a bill takes on a machine: each line at the rate measured for that very work, at a device else at
 * what is listed for it. Pure. */
#pragma once
#include "judge/judge.h"

struct speed_asked {
    const struct bill *bill; /* its lines are amounts for one token */
    const struct machine *machine;
    const struct world *world;
    double threads;            /* 0: all that were measured */
    const struct split *split; /* these two NULL: everything on the host */
    const struct site *site;   /* as many as split.sites; where each is */
    bool flash, experts;       /* flash attention; a mixture of experts */
    double at_once;            /* tokens of a prompt's micro-batch */
    double stream_bytes;       /* of one token, passed from site to site */
    double decoding;           /* sequences that decode together; below 2: one alone */
};
/* Tokens a second of a phase. UNKNOWN with the reason in source when a line has no rate. The range is that of the truth class's residuals
 * where it has any, else of the rates' own runs. */
struct estimate speed_of(const struct speed_asked *a, enum phase phase);
