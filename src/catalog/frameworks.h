/* catalog/frameworks.h - what frameworks that fine-tune keep in memory (data/frameworks.json). */
#pragma once
#include "catalog/catalog.h"

struct
    training_norm { /* copies kept for the backward pass; trained: besides, where its weight trains */
    const char *name, *source;
    double float_copies, compute_copies, trained_float_copies, trained_compute_copies;
    double alone_bytes; /* as of a loss */
};
struct training_loss { /* bytes alive for each logit where memory is highest */
    const char *name, *source;
    double bytes, float_bytes; /* float_bytes: with F32 activations; NaN: the same */
    /* of one value while it runs alone forward and backward, input counted; NaN: not known */
    double alone_bytes;
};
struct training_optimizer {
    const char *name, *source;
    double states;         /* of a trained parameter, each in the type of the states */
    double outside_states; /* of those outside the layers' matrices; NaN: the same */
    double bytes;          /* instead, where they are kept otherwise; NaN: not */
    double step_copies;    /* of one state, there while all step at once; NaN: none */
    double step_matrices;  /* of the largest matrix, where they step one by one; NaN: none */
    bool paged;
};
struct training_store {
    const char *name, *source;
    const char *on_host; /* what a CPU wants for it, as the end of a sentence, or NULL */
    double bits;
};
struct training_family { /* an architecture whose layers keep more than others do */
    const char *name, *source;
    double activation_kept; /* tensors that a plain FFN's activation keeps */
    bool dropout;           /* as it is configured, it drops some of what attention and FFN give */
};
struct framework {
    const char *name, *norm_name, *loss_name, *confidence, *source;
    const struct training_norm *norm;
    const struct training_loss *loss;
    double head_bytes, head_most_bytes; /* 0: as unquantised_bytes */
    double adapter_bytes, unquantised_bytes, dequantised_bytes, gated_kept, input_float_bytes;
    bool expands_kv, keeps_qkv, joint_qkv_adapter, quantised_head, untied, keeps_product,
        quantised_input, leaks_input, runs_modules;
    const char *checkpointing, *checkpointing_quantised; /* "off", "on" or "offload" */
};
struct training_table {
    const struct framework *framework;
    const struct training_norm *norm;
    const struct training_loss *loss;
    const struct training_optimizer *optimizer;
    const struct training_store *store;
    const struct training_family *family;
    size_t frameworks, norms, losses, optimizers, stores, families;
};
/* NULL when the table cannot be read (message in err). */
const struct training_table *catalog_training(const struct catalog *c, struct mu_err *err);
/* By name; NULL when there is none. */
const struct training_norm *training_norm_named(const struct training_table *t, struct str name);
const struct training_loss *training_loss_named(const struct training_table *t, struct str name);
const struct training_optimizer *training_optimizer_named(const struct training_table *t,
                                                          struct str name);
const struct training_store *training_store_named(const struct training_table *t, struct str name);
const struct training_family *training_family_named(const struct training_table *t,
                                                    struct str name);
const struct framework *training_framework_named(const struct training_table *t, struct str name);
