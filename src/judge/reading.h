/* judge/reading.h - how a set's YAML is read: each map has one table of the keys it may hold, and a key that is not in it is refused by
 * line and column with the nearest one that is. Private to what reads sets (experiment.c, figure_read.c). */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;
struct setting;
struct workload;
struct yaml;

struct reading {
    const char *name; /* for messages */
    struct arena *arena;
    struct mu_err *err;
};
enum slot_kind { SLOT_TEXT, SLOT_NUMBER, SLOT_OTHER /* read by its owner */ };
struct slot {
    const char *key;
    enum slot_kind kind;
    size_t offset;
};
struct slots {
    const char *what; /* "an experiment", for messages */
    const struct slot *slot;
    size_t count;
};
#define SLOTS(what, table) ((struct slots){what, table, COUNT_OF(table)})

/* Fills the scalar members of *out from a map; members of kind SLOT_OTHER are only checked to be known. */
bool read_slots(const struct reading *in, const struct slots *t, const struct yaml *map,
                void *out) NODISCARD;
/* The list under `key`, or NULL when absent. */
bool read_list(const struct reading *in, const struct yaml *map, const char *key,
               const struct yaml **out) NODISCARD;
bool read_texts(const struct reading *in, const struct yaml *map, const char *key,
                const char *const **out, size_t *count) NODISCARD;
/* A map of any keys, as texts. */
bool read_settings(const struct reading *in, const struct yaml *map, const char *key,
                   const struct setting **out, size_t *count) NODISCARD;
/* Whether w has such a knob (one that says how much is done, where only those are meant); else refused with the nearest. */
bool read_knob_name(const struct reading *in, const struct workload *w, bool amounts,
                    const struct yaml *at) NODISCARD;
