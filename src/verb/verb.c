/* verb/verb.c - the commands there are, in the order of help. Adding one is a file v_NAME.c and a row here; the first is what a bare
 * `muster` means. */
#include "verb/verb.h"

extern const struct verb verb_check;
extern const struct verb verb_doc;
extern const struct verb verb_facts;
extern const struct verb verb_fit;
extern const struct verb verb_measure;
extern const struct verb verb_models;
extern const struct verb verb_need;
extern const struct verb verb_selftest;
extern const struct verb verb_trial;

const struct verb *const verbs[] = {
    &verb_check,   &verb_fit,   &verb_models, &verb_need,     &verb_doc,
    &verb_measure, &verb_trial, &verb_facts,  &verb_selftest, NULL,
};
