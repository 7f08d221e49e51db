/* proof/step_truth.h - steps of training that were timed: what a row says one took, and what we say. */
#pragma once
#include "base/quantity.h"

struct arena;
struct catalog;
struct finetune;
struct json;
struct mu_err;
struct shape;
struct world;

/* Seconds of one step of the optimizer on one device; NaN where the row does not tell, or where it shares weights over a link that it does not name. */
double step_measured_s(const struct json *row);
/* Tokens of a sequence, on average where the row tells that. */
double step_sequence_tokens(const struct json *row);
/* The same step by the code that answers users, on the card that the row names; UNKNOWN with the reason. */
struct estimate step_predicted_s(const struct json *row, const struct shape *s,
                                 const struct finetune *knobs, const struct catalog *c,
                                 const struct world *w, struct arena *a);
