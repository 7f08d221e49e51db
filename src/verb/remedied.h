/* verb/remedied.h - what to change where a task does not fit or is too slow, for whoever says so: the search's answer with the models and
 * the settings it speaks of. */
#pragma once
#include "judge/remedies.h"
#include "verb/common.h"

struct model_part;
struct mix;

struct remedied {
    struct remedy_asked asked;
    struct remedies found;
    const struct verdict *before;
    const struct asked *task; /* as asked for */
    const struct mix **mix;   /* of the models' second ladder; the first is the one asked for */
    const char **size;        /* names of the first, the same */
    const char *operand;      /* the model as it was asked for, without a quantisation behind it */
    const char *named_quant;  /* the one that stood there, or NULL */
    /* One at a time, without what it was asked to be beside; NULL: that does not do it either, or nothing is. And how long its file
     * takes to be read again. */
    const struct placed *alone;
    struct estimate reload_s;
};
/* Searches where the verdict says no, or is known to be slower than that (NaN: speed is not asked); NULL where there is nothing to
 * change, or nothing is computed. operand: NULL where nobody can be told of another model. */
struct remedied *find_remedies(const struct context *in, const struct placed *p,
                               const struct world *w, const char *operand,
                               double decode_least_per_s);
/* The table of them; nothing where r is NULL. */
void show_remedies(struct doc *d, const struct remedied *r);
/* "one_at_a_time": what it needs without the others, or null. */
void write_alone(struct writer *w, const struct remedied *r);
/* "remedies": a list, or null where none were looked for. */
void write_remedies(struct writer *w, const struct remedied *r, struct arena *a);
/* Why an experiment does not fit, and with what it would: settings of its own alone. */
const char *why_and_remedy(const struct context *in, const struct placed *p, const struct world *w,
                           const char *why);
/* The shortest in a sentence: "would fit with method lora: 9.70 GiB"; NULL: there is none. */
const char *remedy_sentence(const struct remedied *r, struct arena *a);
