/* cost/spiking.h - a transformer turned into a spiking network and run so. */
#pragma once
#include "cost/cost.h"

struct shape;

enum spiking_mode { SPIKING_STEP, SPIKING_LAYER };                /* one step at a time, or all */
enum spiking_neuron { NEURON_BYPASSED, NEURON_LIF, NEURON_ADEX }; /* states: none, 1, 2 */
enum spiking_conversion { CONVERT_SIMPLIFIED, CONVERT_FULL };
struct spiking {
    double device;
    double timesteps, sequences, sequence_tokens;
    double mode, neuron, conversion; /* choices */
    double calibration_samples;      /* of 128 tokens; only a full conversion has any */
    bool beside_original;            /* the model it was made of stays in memory */
    double prompts;                  /* amount; each of sequences x sequence_tokens */
};
extern const struct workload workload_snn_run, workload_snn_convert;
void spiking_usual(struct spiking *k);
/* Beyond weights and cache: activations, kept logits and the neurons' states. */
double spiking_run_bytes(const struct shape *s, const struct spiking *k);
