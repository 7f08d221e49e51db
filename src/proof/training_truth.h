/* proof/training_truth.h - rows of a truth file of training (class training): what runs really held beside what we say, by class. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct mu_err;

enum training_class {
    TRAINING_PEAK,     /* of a device, as torch or nvidia-smi told it */
    TRAINING_SAVED,    /* tensors kept for the backward pass */
    TRAINING_CAPTURE,  /* hidden states and attention handed out */
    TRAINING_SNN,      /* beyond weights, of timesteps */
    TRAINING_EMBED,    /* beyond weights, of an encoder */
    TRAINING_PROBE,    /* beyond its data */
    TRAINING_KERNEL,   /* one norm or loss alone, forward and backward */
    TRAINING_TIME,     /* backward over forward, a ratio of times */
    TRAINING_STEP,     /* one step of the optimizer on one device */
    TRAINING_STEP_CPU, /* the same on a CPU whose rates the row tells */
    TRAINING_CLASSES
};
const char *training_class_name(enum training_class c); /* "training.peak" */
struct training_row {
    const char *id;
    enum training_class class_;
    double measured, predicted; /* bytes, of TRAINING_TIME a ratio, of steps seconds */
    double low, high;           /* of steps: the range we give */
};
struct training_truth {
    const struct training_row *row; /* those that are usable and of these classes */
    size_t rows;
};
bool training_truth_is(struct str text);
bool training_truth_read(struct str text, const char *name, const struct catalog *c,
                         struct arena *a, struct training_truth *out, struct mu_err *err) NODISCARD;
