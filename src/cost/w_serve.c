/* serve: text for several users at once. The knobs are those of generate; what differs is that the context is each user's own
 * (context_each, which whoever sets the knobs turns on), so that all of them together need so much times the users, in one cache or in
 * several. Left out: prompts that users have in common, users who wait. */
#include "cost/generate.h"

extern const struct workload workload_serve;
const struct workload workload_serve = {
    .name = "serve",
    .words = "text for several users at once",
    .knob = generate_knobs,
    .knobs = GENERATE_KNOBS,
    .size = sizeof(struct generate),
    .bill = generate_bill,
    .beside = generate_beside,
    .rule = generate_rules,
    .rules = GENERATE_RULES,
    .unit = "prompt",
    .units = generate_prompts,
};
