/* cost/finetune_work.h - what one step of training works at, as lines of its bill (UNIT), and the load before it (ONCE). Pure. */
#pragma once
#include "cost/finetune.h"

struct digest;

struct step_asked { /* of one device */
    int site;
    double micro_batches;
    struct flop_asked flop;
    double compute_bytes;   /* of a value in products */
    double kept_per_token;  /* bytes that one layer keeps for the backward pass */
    double quantised;       /* parameters that are unpacked for each pass; 0: none */
    double weights_bytes;   /* of one device, all of them */
    double trained_bytes;   /* weights that train, and their masters */
    double gradients_bytes; /* of these */
    double states_bytes;    /* of the optimizer, wherever they lie */
    double shards;
    bool shares_weights; /* each device gathers what the others keep, layer by layer */
    bool from_host;      /* weights and states lie on the host */
};
void finetune_work(struct bill *b, const struct digest *m, const struct step_asked *k);
