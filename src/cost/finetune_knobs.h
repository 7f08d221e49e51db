/* cost/finetune_knobs.h - what the knobs of a struct finetune stand for; of finetune and sweep alone. */
#pragma once
#include "cost/finetune.h"

const struct framework *finetune_framework(const struct finetune *f);
const struct training_optimizer *finetune_optimizer(const struct finetune *f);
bool finetune_full(const struct finetune *f);
bool finetune_quantised(const struct finetune *f);
const struct training_store *finetune_store(const struct finetune *f);
/* A mask of enum target. */
unsigned finetune_targets(const struct finetune *f);
enum finetune_checkpointing finetune_checkpoints(const struct finetune *f); /* never auto */
const struct training_bytes *finetune_bytes(const struct finetune *f);
double finetune_adapter_bytes(const struct finetune *f);
double finetune_activation_kept(const struct shape *s, const struct finetune *f);
bool finetune_drops(const struct shape *s, const struct finetune *f);
/* Bytes of what a quantised model keeps plain; of others, of all weights. */
double finetune_plain_bytes(const struct finetune *f);
/* The rows of both workloads. */
void finetune_defaults(void *chosen, const struct digest *m, const struct catalog *c);
double finetune_steps(const void *chosen); /* of the optimizer; NaN: nobody said */
