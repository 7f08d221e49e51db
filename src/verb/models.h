/* verb/models.h - the rows of `muster models`, between what makes them and what shows them. */
#pragma once
#include "catalog/types.h"
#include "catalog/uses.h"
#include "judge/ranker.h"
#include "verb/common.h"

enum models_sort { SORT_QUALITY, SORT_PARAMS, SORT_SPEED, SORT_MEMORY };
struct models_row {
    struct ranked ranked;
    enum rank_end end;
    double quality;        /* NaN: not published */
    struct estimate per_s; /* decoding, or reading where it does not write */
    const char *where;     /* "GPU", "21 of 33 layers on GPU"; NULL: it does not fit */
    const char *why;       /* one short line */
    const char *short_why; /* the same for a column */
};
struct models {
    const struct use *use;
    const struct machine *machine;
    struct ranking ranking;
    enum models_sort sort;
    bool writes;  /* speed is that of decoding */
    double limit; /* rows a group; 0: all */
    struct models_row **row;
    size_t rows, served; /* served: of that use, before filters */
    size_t run;          /* of the rows, those that run well */
    /* Left out: by family, licence or size; slower than asked; of unknown speed where one was asked; not fitting where that was asked;
     * behind the limit. */
    size_t filtered, slower, speed_unknown, fits_not, limited;
};
const char *rank_end_word(enum rank_end end); /* "runs well" */
/* How many rows of the group stand in the list: those with published quality, or those without. */
size_t models_group(const struct models *m, bool published);
const char *models_rate_words(struct arena *a, struct estimate per_s); /* "38-44", "?" */
/* Where most of it lies, without names ("GPU", "21/33 layers on GPU", "host"); layers: the output among them. */
const char *models_where(const struct machine *m, const struct verdict *v, double layers,
                         struct arena *a);
/* The models that are on this disk, in the stores of programs and below the folder (NULL: none), and how each would run on the machine. */
struct installed_asked {
    const struct machine *machine;
    const struct world *world;
    const char *folder;
};
bool models_installed(const struct context *in, const struct installed_asked *asked,
                      struct answer *out, struct mu_err *err) NODISCARD;
void show_models_ranked(struct doc *d, const struct models *m);
void write_models(const struct models *m, const struct notes *notes, struct buf *out);
