/* finetune: one step of training at its highest, full or through adapters, on weights that are plain or quantised. What is held all the
 * time (weights, adapters, states of the optimizer) and what is there when the loss, the backward pass or the optimizer's step is at its
 * highest: the largest of the three is billed, so the biggest line is what to change. Each switch that moves a line stands in its source.
 *
 * Rests on published peaks and on tensors counted in real runs (data/truth/training.json); presets in data/frameworks.json.
 * Left out: pipelines, tensor and sequence parallelism, evaluation between steps. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/finetune_knobs.h"
#include "cost/finetune_work.h"
#include "cost/programs.h"
#include "model/digest.h"

#define COUNTED "tensors counted on torch 1.13, data/truth/training.json"
#define ALLOCATOR "reserved against allocated on published peaks, data/truth/training.json"

/* ---- the parts */

static double weights(struct bill *b, const struct finetune *f, const struct training_parts *p)
{
    const struct framework *w = finetune_framework(f);
    const double plain = finetune_bytes(f)->weight;
    GIVEN(b, weight_bytes, plain, "--precision");
    GIVEN(b, all_parameters, p->all, "model");
    if (!finetune_quantised(f)) {
        LET(b, plain_weights_bytes, all_parameters * weight_bytes);
        return plain_weights_bytes;
    }
    GIVEN(b, bits, finetune_store(f)->bits, "data/frameworks.json, stores");
    GIVEN(b, matrix_parameters, p->layer_matrices, "model");
    GIVEN(b, head_parameters, p->head, "model");
    GIVEN(b, other_parameters, p->embeddings + p->positions + p->norms, "model");
    GIVEN(b, unquantised_bytes, finetune_plain_bytes(f), "data/frameworks.json");
    const double head = w->head_bytes > 0 ? w->head_bytes : finetune_plain_bytes(f);
    ABOUT(b, plain_head_bytes, head, head, most(head, w->head_most_bytes),
          "data/frameworks.json: some loaders leave the output matrix to be cast to F32");
    LET(b, head_bytes, head_parameters * (w->quantised_head ? bits / 8 : plain_head_bytes));
    LET(b, quantised_weights_bytes,
        matrix_parameters * bits / 8 + head_bytes + other_parameters * unquantised_bytes);
    return quantised_weights_bytes;
}

/* Bytes of states for all that trains, of `state` bytes each unless the optimizer keeps them its own way. */
static double states(const struct finetune *f, const struct training *t, double state)
{
    const struct training_optimizer *o = finetune_optimizer(f);
    if (o->bytes > 0) return t->trained * o->bytes;
    const double outside = finetune_full(f) ? t->trained - t->parts.layer_matrices : 0;
    const double outside_states = o->outside_states > 0 ? o->outside_states : o->states;
    return state * ((t->trained - outside) * o->states + outside * outside_states);
}

/* What the shards of one device leave of it. */
static double share(const struct finetune *f, enum finetune_sharding kept_whole_from)
{
    return f->sharding < (double)kept_whole_from ? f->shards : 1;
}

static void held(struct bill *b, const struct shape *s, const struct finetune *f,
                 struct training *t)
{
    const struct training_bytes *bytes = finetune_bytes(f);
    const double adapter = finetune_adapter_bytes(f);
    t->parts = training_parts(s, finetune_framework(f)->untied);
    t->trained = finetune_full(f) ? t->parts.all
                                  : training_adapter_parameters(s, finetune_targets(f), f->rank);
    const double state = finetune_full(f) ? bytes->state : f->bytes ? bytes->state : adapter;
    GIVEN(b, shards, f->shards, "--shards");
    LET(b, trained_parameters, t->trained);
    LET(b, all_weights_bytes, weights(b, f, &t->parts));
    LET(b, adapters_bytes, finetune_full(f) ? 0 : trained_parameters * adapter);
    LET(b, states_bytes, states(f, t, state));
    LET(b, masters_bytes, finetune_full(f) ? trained_parameters * bytes->master : 0);
    LET(b, gradients_bytes,
        finetune_full(f) ? trained_parameters * bytes->gradient / share(f, SHARD_STATES)
                         : trained_parameters * adapter);
    t->weights = all_weights_bytes / share(f, SHARD_GRADIENTS);
    t->adapters = adapters_bytes / share(f, SHARD_GRADIENTS);
    *(finetune_optimizer(f)->paged ? &t->paged_states : &t->states) = states_bytes / shards;
    t->masters = masters_bytes / shards;
    t->gradients = f->in_backward ? gradients_bytes / s->layers : gradients_bytes;
    /* autocast keeps a copy of each trained matrix in the type computed in, but of those that rows are looked up in */
    if (finetune_full(f) && bytes->weight > bytes->compute)
        t->copies = (t->parts.layer_matrices + s->vocabulary * s->width) * bytes->compute;
    if (!(f->shards > 1)) return;
    const double root = (t->parts.embeddings + t->parts.head) * finetune_plain_bytes(f);
    t->exchange = 1024.0 * 1024 * 1024; /* buffers of the collectives, on published FSDP peaks */
    if (f->sharding != (double)SHARD_ALL) return;
    t->sharded_root = root * (1 - 1 / f->shards);
    t->gathered = 2 * most(all_weights_bytes - root, 0) / s->layers;
}

/* Of a value between layers: autocast leaves it as the embeddings are. */
static double stream_bytes_of(const struct finetune *f)
{
    const struct training_bytes *bytes = finetune_bytes(f);
    return finetune_full(f) ? most(bytes->weight, bytes->compute) : bytes->compute;
}

static void activations(struct bill *b, const struct shape *s, const struct finetune *f,
                        struct training *t)
{
    const enum finetune_checkpointing checkpointing = finetune_checkpoints(f);
    const struct kept_asked asked = {.framework = finetune_framework(f),
                                     .sequence_tokens = f->sequence_tokens,
                                     .compute_bytes = finetune_bytes(f)->compute,
                                     .adapter_bytes = finetune_adapter_bytes(f),
                                     .stream_bytes = stream_bytes_of(f),
                                     .full = finetune_full(f),
                                     .quantised = finetune_quantised(f),
                                     .eager = f->eager,
                                     .dropout = finetune_drops(s, f),
                                     .lora_dropout = f->lora_dropout,
                                     .mask_bytes = f->mask_bytes > 0 ? f->mask_bytes : 1,
                                     .gelu_kept = finetune_activation_kept(s, f),
                                     .targets = finetune_targets(f),
                                     .rank = f->rank};
    GIVEN(b, layers, s->layers, "model");
    GIVEN(b, width, s->width, "model");
    GIVEN(b, attention_width, training_attention_width(s), "model");
    GIVEN(b, ffn_width, training_ffn_width(s), "model; of experts one");
    GIVEN(b, compute_bytes, asked.compute_bytes, "--precision");
    LET(b, step_tokens, f->micro_batch * f->sequence_tokens);
    const struct layers_kept kept = training_kept(s, &asked);
    LET(b, kept_bytes_per_token, kept.mean);
    LET(b, most_kept_bytes_per_token, kept.most);
    LET(b, norm_bytes, training_norm_kept(s, &asked) * step_tokens);
    LET(b, unneeded_bytes, training_unneeded(s, &asked) * step_tokens);
    GIVEN(b, stream_bytes, asked.stream_bytes, "--precision, of a value between layers");
    LET(b, checkpoint_bytes, layers * stream_bytes * width * step_tokens);
    LET(b, leaked_bytes,
        layers * compute_bytes * (2 * width + attention_width + ffn_width) * step_tokens);
    GIVEN(b, passed_bytes, finetune_full(f) ? asked.compute_bytes : asked.adapter_bytes,
          "of a value on its way back; adapters answer in their own type");
    LET(b, backward_bytes, passed_bytes * step_tokens * 2 * (ffn_width + width));
    t->kept_per_token = kept_bytes_per_token;
    /* a frozen output matrix needs no gradient, so nobody keeps what it reads */
    t->embedded = finetune_full(f) || finetune_targets(f) & 1U << TO_HEAD
                      ? compute_bytes * width * step_tokens
                      : 0;
    if (asked.dropout) t->embedded += asked.mask_bytes * width * step_tokens;
    t->head = norm_bytes;
    t->work = backward_bytes;
    if (checkpointing == CHECKPOINT_OFF) {
        /* what feeds the first norm of a frozen model needs no gradient */
        t->saved = layers * kept_bytes_per_token * step_tokens - unneeded_bytes;
        return;
    }
    *(checkpointing == CHECKPOINT_OFFLOAD ? &t->offloaded : &t->saved) = checkpoint_bytes;
    if (finetune_framework(f)->leaks_input && finetune_quantised(f)) t->saved += leaked_bytes;
    t->work += most_kept_bytes_per_token * step_tokens; /* one layer runs again */
}

static void output(struct bill *b, const struct shape *s, const struct finetune *f,
                   struct training *t)
{
    const struct framework *w = finetune_framework(f);
    const struct training_loss *loss = w->loss;
    const bool whole = finetune_bytes(f)->compute > 2 && loss->float_bytes > 0;
    GIVEN(b, vocabulary, f->encoder ? 0 : s->vocabulary, "model");
    GIVEN(b, logit_bytes, whole ? loss->float_bytes : loss->bytes, "data/frameworks.json, losses");
    GIVEN(b, step_tokens, f->micro_batch * f->sequence_tokens, "--micro-batch and --seq");
    LET(b, logits_bytes, logit_bytes * vocabulary * step_tokens);
    t->logits = logits_bytes;
    if (finetune_quantised(f))
        t->dequantised = training_largest_matrix(s, w->quantised_head) * w->dequantised_bytes;
}

/* What the optimizer makes on its way: on an accelerator a copy of one state where no fused kernel does it, on the CPU matrix by matrix. */
static double temporaries(struct bill *b, const struct shape *s, const struct finetune *f,
                          const struct training *t, bool on_host)
{
    const struct training_optimizer *o = finetune_optimizer(f);
    const double state = finetune_full(f) ? finetune_bytes(f)->state : finetune_adapter_bytes(f);
    const double copies = o->step_copies > 0 ? o->step_copies : 0;
    const double matrices = o->step_matrices > 0 ? o->step_matrices : 0;
    const double largest = most(training_largest_matrix(s, true), t->parts.embeddings);
    GIVEN(b, state_bytes, state, "--precision");
    GIVEN(b, stepped, t->trained / f->shards, "above, of one device");
    if (f->step_bytes > 0) return t->trained * f->step_bytes;
    if (on_host) return least(largest, stepped) * matrices * state_bytes;
    ABOUT(b, step_copies, 0, 0, copies,
          "data/frameworks.json, optimizers: none where a fused kernel steps, as is usual by now");
    return f->in_backward || f->cpu_offload ? 0 : stepped * step_copies * state_bytes;
}

/* Of a full model's gradients: those there when the way back begins, the output matrix' alone, and those there when it comes to the first
 * layer, whose attention and the embeddings behind it have theirs later. */
static void gradients_in_turn(const struct shape *s, const struct finetune *f, struct training *t)
{
    const bool all = f->gradients_kept || f->accumulate > 1;
    const double parameter_bytes = f->in_backward ? 0 : t->gradients / most(t->trained, 1);
    const double matrix = f->encoder ? 0 : s->vocabulary * s->width;
    const double late =
        training_attention_parameters(s) + (t->parts.head > 0 ? t->parts.embeddings : 0);
    t->first_gradients = all ? t->gradients : finetune_full(f) ? parameter_bytes * matrix : 0;
    t->last_gradients =
        all || !finetune_full(f) ? t->gradients : t->gradients - parameter_bytes * late;
}

struct training finetune_training(struct bill *b, const struct shape *s, const struct finetune *f,
                                  bool on_host)
{
    struct training t = {.trained = 0};
    const bool keeps_gradients = f->gradients_kept || f->accumulate > 1;
    held(b, s, f, &t);
    activations(b, s, f, &t);
    output(b, s, f, &t);
    gradients_in_turn(s, f, &t);
    t.loss_phase = t.saved + t.embedded + t.head + t.logits + t.copies +
                   (keeps_gradients ? t.gradients : 0) +
                   (finetune_framework(f)->quantised_head ? t.dequantised : 0);
    /* of a full model, gradients grow while what was saved goes */
    t.backward_phase = finetune_full(f)
                           ? most(t.saved + t.work + t.embedded + t.copies + t.first_gradients,
                                  t.last_gradients + t.work)
                           : most(t.saved + t.embedded + t.first_gradients, t.last_gradients) +
                                 t.work + t.dequantised;
    t.temporaries = temporaries(b, s, f, &t, on_host);
    t.step_phase = t.gradients + t.temporaries;
    return t;
}

/* ---- the lines */

enum highest { AT_LOSS, AT_BACKWARD, AT_GRADIENTS, AT_STEP };

static enum highest highest_of(const struct training *t)
{
    const double gradients = t->last_gradients + t->work + t->dequantised;
    if (t->loss_phase >= most(t->backward_phase, t->step_phase)) return AT_LOSS;
    if (t->step_phase > t->backward_phase) return AT_STEP;
    return t->backward_phase <= gradients ? AT_GRADIENTS : AT_BACKWARD;
}

static void lines_held(struct bill *b, int device, const struct finetune *f,
                       const struct training *t)
{
    const int site = f->cpu_offload ? ON_HOST : device;
    GIVEN(b, weights_bytes, t->weights, "above, of one device");
    GIVEN(b, adapters_bytes, t->adapters, "above, of one device");
    GIVEN(b, states_bytes, t->states, "above, of one device");
    GIVEN(b, masters_bytes, t->masters, "above, of one device");
    GIVEN(b, paged_bytes, t->paged_states, "above, of one device");
    GIVEN(b, offloaded_bytes, t->offloaded, "above");
    GIVEN(b, root_bytes, t->sharded_root, "embeddings and head, kept whole while in use");
    GIVEN(b, gathered_bytes, t->gathered, "two layers at once");
    GIVEN(b, exchange_bytes, t->exchange, "published FSDP peaks");
    if (finetune_quantised(f))
        HOLD(b, site, "weights", "weights", weights_bytes,
             "parameters x bits, what is not quantised as it is; smaller: --shards, --cpu-offload");
    else
        HOLD(b, site, "weights", "weights", weights_bytes,
             "parameters x type; smaller: --method qlora, --shards");
    HOLD(b, device, "adapters", "adapters", adapters_bytes,
         "LoRA (arXiv 2106.09685): rank x (in + out); smaller: --rank, --targets");
    HOLD(b, site, "optimizer states", "optimizer", states_bytes,
         "data/frameworks.json, optimizers; smaller: --optimizer adamw_8bit, --shards");
    HOLD(b, site, "master weights", "optimizer", masters_bytes,
         "an F32 copy that the optimizer updates; none: --precision bf16");
    HOLD(b, ON_HOST, "paged optimizer states", "optimizer", paged_bytes,
         "bitsandbytes: pages go to the host where the device is full");
    HOLD(b, ON_HOST, "offloaded checkpoints", "activations", offloaded_bytes,
         "the input of each layer; smaller: --micro-batch with --accumulate");
    HOLD(b, device, "unsharded embeddings", "shards", root_bytes, "FSDP's root unit");
    HOLD(b, device, "gathered layers", "shards", gathered_bytes, "FSDP: one at work, one fetched");
    HOLD(b, device, "exchange buffers", "shards", exchange_bytes, "fsdp_qlora's published peaks");
}

static double gradients_at(enum highest at, const struct training *t, bool kept)
{
    if (kept || at == AT_STEP) return t->gradients;
    if (at == AT_LOSS) return 0;
    return at == AT_BACKWARD ? t->first_gradients : t->last_gradients;
}

/* Of what the three phases share, what is there at the highest of them; the rest is 0. */
static struct training at_highest(const struct training *t, const struct finetune *f)
{
    const enum highest at = highest_of(t);
    const bool kept = f->gradients_kept || f->accumulate > 1;
    const bool passes = at == AT_LOSS || at == AT_BACKWARD;
    const bool layers = at == AT_BACKWARD || at == AT_GRADIENTS;
    struct training out = {.trained = t->trained, .gradients = gradients_at(at, t, kept)};
    if (passes) {
        out.saved = t->saved;
        out.copies = t->copies;
        out.embedded = t->embedded;
    }
    if (at == AT_LOSS) {
        out.head = t->head;
        out.logits = t->logits;
    }
    if (layers) out.work = t->work;
    if (layers || (at == AT_LOSS && finetune_framework(f)->quantised_head))
        out.dequantised = t->dequantised;
    if (at == AT_STEP) out.temporaries = t->temporaries;
    return out;
}

/* What is there at the highest moment, beside what is held. */
static void lines_of_peak(struct bill *b, int site, const struct finetune *f,
                          const struct training *t)
{
    const struct training at = at_highest(t, f);
    GIVEN(b, gradients_bytes, at.gradients, "above, at the highest moment");
    GIVEN(b, saved_bytes, at.saved, "above, at the highest moment");
    GIVEN(b, copies_bytes, at.copies, "above, at the highest moment");
    GIVEN(b, embedded_bytes, at.embedded, "above, at the highest moment");
    GIVEN(b, norm_bytes, at.head, "above, at the highest moment");
    GIVEN(b, logits_bytes, at.logits, "above, at the highest moment");
    GIVEN(b, work_bytes, at.work, "above, at the highest moment");
    GIVEN(b, dequantised_bytes, at.dequantised, "above, at the highest moment");
    GIVEN(b, temporary_bytes, at.temporaries, "above, at the highest moment");
    HOLD(b, site, "temporaries of the step", "work", temporary_bytes,
         "torch.optim's foreach path; smaller: foreach=False");
    HOLD(b, site, "gradients", "gradients", gradients_bytes,
         "one of each trained parameter; smaller: --method lora, --optimizer-in-backward");
    HOLD(b, site, "saved activations", "activations", saved_bytes,
         COUNTED "; smaller: --checkpointing on, --micro-batch with --accumulate");
    HOLD(b, site, "autocast copies", "weights", copies_bytes,
         "torch.autocast caches what it casts; none: --precision bf16");
    HOLD(b, site, "around the layers", "activations", embedded_bytes, COUNTED);
    HOLD(b, site, "last norm", "activations", norm_bytes, COUNTED);
    HOLD(b, site, "logits", "logits", logits_bytes,
         "data/frameworks.json, losses; smaller: a framework with a chunked or fused loss");
    HOLD(b, site, "work of the backward pass", "work", work_bytes,
         COUNTED "; smaller: --micro-batch with --accumulate");
    HOLD(b, site, "dequantised matrix", "work", dequantised_bytes,
         "bitsandbytes: the largest matrix while it is multiplied");
}

/* A device's own: what the allocator holds beside what is in use, and the driver's context. */
static void lines_of_device(struct bill *b, int site, const struct training *t)
{
    const double gib = 1024.0 * 1024 * 1024;
    if (site == ON_HOST) return;
    LET(b, dynamic_bytes, most(t->loss_phase, most(t->backward_phase, t->step_phase)));
    ABOUT(b, fragmented_share, 0, 0.08, 0.16, ALLOCATOR);
    ABOUT(b, fragmented_bytes, 0, 0.35 * gib, 0.7 * gib, ALLOCATOR);
    ABOUT(b, context_bytes, torch_context.low, torch_context.likely, torch_context.high,
          torch_context.source);
    HOLD(b, site, "fragmentation", "fragmentation",
         fragmented_share * dynamic_bytes + fragmented_bytes, ALLOCATOR);
    HOLD(b, site, "driver", "process", context_bytes, TORCH_CONTEXT);
}

static struct step_asked step_of(const struct finetune *f, const struct training *t, int site)
{
    const bool shares = f->shards > 1 && f->sharding == (double)SHARD_ALL;
    const double trained = finetune_full(f) ? t->weights + t->masters : t->adapters;
    return (struct step_asked){
        .site = site,
        .micro_batches = f->accumulate,
        .flop = {.sequences = f->micro_batch,
                 .sequence_tokens = f->sequence_tokens,
                 .adapter_parameters = finetune_full(f) ? 0 : t->trained,
                 .full = finetune_full(f),
                 .checkpointing = finetune_checkpoints(f) != CHECKPOINT_OFF,
                 .encoder = f->encoder},
        .compute_bytes = finetune_bytes(f)->compute,
        .kept_per_token = t->kept_per_token,
        .quantised = finetune_quantised(f) ? t->parts.layer_matrices : 0,
        .weights_bytes = t->weights,
        .trained_bytes = trained,
        .gradients_bytes = t->gradients,
        .states_bytes = t->states + t->paged_states,
        .shards = f->shards,
        .shares_weights = shares,
        .from_host = f->cpu_offload && site != ON_HOST,
    };
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct finetune *f = chosen;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    assert(s->sites >= 1 && s->sites <= SITES);
    b->unruled = finetune_unruled(m->shape, f);
    if (b->unruled) return;
    const struct training t = finetune_training(b, m->shape, f, site == ON_HOST);
    lines_held(b, site, f, &t);
    lines_of_peak(b, site, f, &t);
    lines_of_device(b, site, &t);
    torch_on_host(b);
    if (finetune_quantised(f) && site == ON_HOST) b->wants = finetune_store(f)->on_host;
    if (m->shape->experts > 0) return; /* so many short kernels that nothing measured tells of */
    const struct step_asked step = step_of(f, &t, site);
    finetune_work(b, m, &step);
}

const struct workload workload_finetune = {
    .name = "finetune",
    .words = "training, whole or through adapters",
    .knob = finetune_knobs,
    .knobs = FINETUNE_KNOBS,
    .size = sizeof(struct finetune),
    .bill = bill,
    .usual = finetune_defaults,
    .unit = "step",
    .units = finetune_steps,
    .truth = "training.peak",
};
