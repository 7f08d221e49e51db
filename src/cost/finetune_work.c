/* One step of the optimizer: forward and backward passes of its micro-batches (training_flop), what checkpointing makes again, the values
 * between the products, runs of layers, quantised weights that are unpacked for each pass, weights that come over a link, and the update.
 * Left out: reading of the data, logging, saving, evaluation; checkpoints of activations that are kept on the host, which cross while layers
 * are at work; gradients of adapters that devices add up, which are small.
 *
 * Rests on published runs (class training.step, data/utilisation.json). */
#include "cost/finetune_work.h"

#include "base/num.h"
#include "model/digest.h"

#define LINE(work_, site_, row_) \
    ((struct line){.phase = UNIT, .work = (work_), .site = (uint8_t)(site_), .row = (row_)})
#define MOVED "eight times what is kept, fitted on published steps of pre-training (A100 40GB)"

static void products(struct bill *b, const struct shape *s, const struct step_asked *k)
{
    const struct training_flop f = training_flop(s, &k->flop);
    GIVEN(b, micro_batches, k->micro_batches, "--accumulate");
    GIVEN(b, forward_flop, f.forward, "training_flop.c: two operations a weight and token");
    GIVEN(b, backward_flop, f.backward, "the same for inputs, and for weights that train");
    GIVEN(b, again_flop, f.recomputed, "layers that run again backward");
    WORK(b, LINE(TORCH_FLOP, k->site, k->compute_bytes), "forward", micro_batches * forward_flop,
         "products and attention; less of it: --seq, --micro-batch");
    if (k->flop.full)
        WORK(b, LINE(TORCH_FLOP, k->site, k->compute_bytes), "backward",
             micro_batches * backward_flop,
             "gradients of inputs and of weights; less of it: --method lora");
    else
        WORK(b, LINE(TORCH_FLOP, k->site, k->compute_bytes), "backward",
             micro_batches * backward_flop,
             "gradients of inputs and of adapters; less of it: --seq, --micro-batch");
    WORK(b, LINE(TORCH_FLOP, k->site, k->compute_bytes), "computed again",
         micro_batches * again_flop, "checkpointing; none: --checkpointing off");
}

static void moved(struct bill *b, const struct shape *s, const struct step_asked *k)
{
    GIVEN(b, micro_batches, k->micro_batches, "--accumulate");
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, step_tokens, k->flop.sequences * k->flop.sequence_tokens, "--micro-batch and --seq");
    GIVEN(b, kept_bytes_per_token, k->kept_per_token, "above");
    GIVEN(b, weights_bytes, k->weights_bytes, "above, of one device");
    GIVEN(b, gathered_from, k->shares_weights ? k->shards : 1, "--shards");
    GIVEN(b, moves, 8, MOVED);
    GIVEN(b, runs, k->flop.checkpointing ? 4 : 3, "forward, backward as two, and once again");
    LET(b, passes, runs - 1);
    WORK(b, LINE(ELEMENT_BYTES, k->site, 0), "between products",
         micro_batches * (layers * step_tokens * kept_bytes_per_token * moves +
                          runs * weights_bytes * gathered_from),
         MOVED "; and the weights");
    WORK(b, LINE(LAYER_RUNS, k->site, 0), "runs of layers", micro_batches * layers * runs,
         "kernels are started one after the other; fewer: --accumulate");
    GIVEN(b, quantised_parameters, k->quantised, "model");
    WORK(b, LINE(UNPACKED, k->site, 0), "weights unpacked",
         micro_batches * passes * quantised_parameters,
         "once a pass; none: --method lora, fewer: --micro-batch in place of --accumulate");
}

/* Full sharding gathers the others' weights for each pass; offloading fetches all of them. Gradients of what trains go the other way. */
static void crossing(struct bill *b, const struct step_asked *k)
{
    if (!k->shares_weights && !k->from_host) return;
    GIVEN(b, micro_batches, k->micro_batches, "--accumulate");
    GIVEN(b, passes, k->flop.checkpointing ? 3 : 2, "forward, backward, and once again");
    GIVEN(b, shards, k->shards, "--shards");
    GIVEN(b, weights_bytes, k->weights_bytes, "above, of one device");
    GIVEN(b, gradients_bytes, k->gradients_bytes, "above");
    LET(b, foreign_bytes, k->from_host ? weights_bytes * shards : weights_bytes * (shards - 1));
    WORK(b, LINE(LINK_BYTES, k->site, 0), "weights over the link",
         micro_batches * (passes * foreign_bytes + gradients_bytes),
         "each pass gathers what others keep; none: --shards 1, --cpu-offload off");
}

static void update(struct bill *b, const struct step_asked *k)
{
    GIVEN(b, trained_bytes, k->trained_bytes, "above: weights that train, with their masters");
    GIVEN(b, states_bytes, k->states_bytes, "above");
    GIVEN(b, gradients_bytes, k->gradients_bytes, "above");
    WORK(b, LINE(STEP_BYTES, k->from_host ? ON_HOST : k->site, 0), "the optimizer's step",
         2 * (trained_bytes + states_bytes) + gradients_bytes,
         "weights and states read and written, gradients read; less of it: --method lora");
}

void finetune_work(struct bill *b, const struct digest *m, const struct step_asked *k)
{
    const double published_bytes = 2;
    products(b, m->shape, k);
    moved(b, m->shape, k);
    crossing(b, k);
    update(b, k);
    GIVEN(b, parameters, m->shape->parameters > 0 ? m->shape->parameters : m->parameters, "model");
    GIVEN(b, file_bytes, published_bytes, "of a parameter, as most models are published");
    WORK(b, ((struct line){.phase = ONCE, .work = FILE_BYTES_READ, .site = ON_HOST}),
         "the model's files", parameters * file_bytes, "read once, before the first step");
}
