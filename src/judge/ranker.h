/* judge/ranker.h - one model of the catalogue at a time held against a machine: its best quantisation there. What judge_rank does for the
 * whole catalogue, for whoever asks for other models, in another order. Lives as long as the arena. */
#pragma once
#include "judge/judge.h"

enum rank_end {
    RANK_WELL,      /* fits with room to spare, and decodes fast enough as far as that is known */
    RANK_SLOW,      /* fits, at no quantisation fast enough: the smallest stands */
    RANK_TIGHT,     /* the smallest fits, without the room that is to be spare: it stands */
    RANK_TOO_LARGE, /* the smallest does not fit: it stands */
    RANK_UNKNOWN,   /* how much memory there is is not known */
    RANK_NOT_COMPUTED, /* verdict.why says why */
};
struct ranker;
/* NULL when no quantisation is within the bound, or the tables cannot be read (catalog_sound). */
struct ranker *ranker_new(const struct ranking *r, const struct machine *m, const struct catalog *c,
                          const struct world *w, struct arena *a);
/* All but the largest context, which takes longer. */
enum rank_end ranker_best(const struct ranker *s, const struct model_part *part,
                          struct ranked *out);
void ranker_context(const struct ranker *s, struct ranked *r); /* the largest that fits */
/* The machine with so much of each pool, and of what a place may use of it, kept free. */
const struct machine *machine_spared(const struct machine *m, double share, struct arena *a);
