/* cost/finetune.h - finetune: its knobs and what its memory is made of. */
#pragma once
#include "cost/cost.h"
#include "cost/training.h"

enum finetune_method { FINETUNE_FULL, FINETUNE_LORA, FINETUNE_QLORA };
enum finetune_precision { PRECISION_BF16, PRECISION_AMP, PRECISION_FP32, PRECISION_MASTERS };
enum finetune_checkpointing {
    CHECKPOINT_AUTO,
    CHECKPOINT_OFF,
    CHECKPOINT_ON,
    CHECKPOINT_OFFLOAD,
    CHECKPOINT_FALSE, /* as YAML says off and on */
    CHECKPOINT_TRUE
};
enum finetune_dropout { DROPOUT_AUTO, DROPOUT_OFF, DROPOUT_ON, DROPOUT_FALSE, DROPOUT_TRUE };
enum finetune_sharding { SHARD_ALL, SHARD_GRADIENTS, SHARD_STATES };
struct finetune {
    double method, precision, store, optimizer, checkpointing, framework, sharding; /* choices */
    double device;
    double targets, dropout; /* choices; dropout: the model's own */
    double micro_batch, accumulate, sequence_tokens, rank, shards;
    double samples, epochs, steps; /* amount; steps go before the two */
    bool lora_dropout, eager, in_backward, cpu_offload;
    const struct training_table *table; /* data/frameworks.json */
    /* In place of what the knobs say, for whoever knows better (truth rows); NULL, 0: as they say. */
    const struct framework *framework_row;
    const struct training_bytes *bytes;
    unsigned target_mask;
    double unquantised_bytes, adapter_bytes, mask_bytes, gelu_kept;
    double step_bytes; /* of temporaries of the optimizer's step, of a trained parameter */
    bool gradients_kept, encoder;
    double runs;             /* amount, of a sweep: trainings of each rank */
    double ranks[SITES - 1]; /* of a sweep: those tried; all 0: rank alone */
};
/* Everything in bytes, of one device; phases are what is beside weights, adapters and states when each is at its highest. */
struct training {
    struct training_parts parts;
    double trained; /* parameters */
    double weights, adapters, states, paged_states, masters, gradients, copies;
    double saved, offloaded; /* for the backward pass; offloaded: on the host */
    double kept_per_token;   /* by one layer */
    double embedded, head, logits, work, dequantised;
    double sharded_root, gathered,
        exchange;       /* of shards: what each device holds beside its share */
    double temporaries; /* of the optimizer's step */
    /* of a full model's gradients, those there when the way back begins and when it comes to the first layer */
    double first_gradients, last_gradients;
    double loss_phase, backward_phase, step_phase;
};
extern const struct workload workload_finetune, workload_sweep;
enum { SWEEP_KNOBS = 24, FINETUNE_KNOBS = SWEEP_KNOBS - 2 };
extern const struct knob finetune_knobs[]; /* those of a sweep last */
/* LoRA of rank 16 on all matrices in bf16 with AdamW, one sequence of 512 tokens, as transformers would. */
void finetune_usual(struct finetune *f, const struct training_table *t);
/* NULL when it can be computed. */
const char *finetune_unruled(const struct shape *s, const struct finetune *f);
/* The parts without their lines; b as a bill that begins. on_host: the optimizer steps as it does on the CPU. */
struct training finetune_training(struct bill *b, const struct shape *s, const struct finetune *f,
                                  bool on_host);
/* The work of a step on one device, in floating-point operations. */
struct flop_asked {
    double sequences, sequence_tokens, adapter_parameters;
    bool full, checkpointing;
    bool encoder; /* every token looks at all others, and nothing makes logits of a vocabulary */
};
struct training_flop {
    double forward, backward, recomputed;
};
struct training_flop training_flop(const struct shape *s, const struct flop_asked *k);
