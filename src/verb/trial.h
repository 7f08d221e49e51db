/* verb/trial.h - what `muster trial MODEL --kind KIND` runs: one function and one file a kind; v_trial.c picks by the word.
 *
 * The verb declares `layers` (OPTION_TEXT, "0,8,last|all") and `to` (OPTION_TEXT, a folder) for captures; the prompt's length is `tokens`, or
 * the knob prompt_tokens. Each function writes both faces of its answer, as a verb's own does.
 */
#pragma once
#include "verb/verb.h"

/* The guide's test with a real embedding model: loads, 100 sentences, memory before and at the peak, within 30 seconds. */
bool trial_embed(const struct request *q, const struct context *in, struct answer *out,
                 struct mu_err *err) NODISCARD;
/* Hidden states, or attention maps, of chosen layers as .npy files in the folder --to. */
bool trial_hidden_states(const struct request *q, const struct context *in, struct answer *out,
                         struct mu_err *err) NODISCARD;
bool trial_attention(const struct request *q, const struct context *in, struct answer *out,
                     struct mu_err *err) NODISCARD;
