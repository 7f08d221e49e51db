/* cost/generate.h - what the workloads that write text share: generate and serve have the same knobs, bill and rules of thumb. */
#pragma once
#include "cost/cost.h"

enum { GENERATE_KNOBS = 25, GENERATE_RULES = 4 };
extern const struct knob generate_knobs[GENERATE_KNOBS];
extern const struct guide_rule generate_rules[GENERATE_RULES];
/* knobs: a struct generate; dispatched by its runtime. */
void generate_bill(struct bill *b, const struct digest *m, const void *knobs,
                   const struct split *s);
/* Prompts in all; NaN: nobody said. */
double generate_prompts(const void *knobs);
/* What is beside the held bytes, of runtimes that follow llama.cpp. */
void generate_beside(struct bill *b, const struct digest *m, const struct split *s);
