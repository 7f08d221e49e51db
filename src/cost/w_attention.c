/* attention: the maps of attention, handed out by transformers (output_attentions), which only eager attention makes: kernels that never
 * hold the scores have none to hand out. Quadratic in the sequence; fewer heads of keys make it no smaller.
 * Measured: layers x sequences x heads x tokens^2 x value, to the byte (class training.capture). On the way, one layer's scores are there in
 * the type computed in, in F32 for the softmax, cast back and with the mask added.
 * Left out: a triangle alone being kept (half of it), which nothing we know does. */
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "model/digest.h"

enum { ATTENTION_KNOBS = 9 }; /* all but what is generated */

double attention_maps_kept(const struct shape *s, const struct capture *c)
{
    return layers_chosen(&c->layers, s->layers);
}

double attention_bytes(const struct shape *s, const struct capture *c)
{
    return attention_maps_kept(s, c) * c->sequences * s->heads * c->sequence_tokens *
           c->sequence_tokens * capture_value_bytes(c);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    struct capture c = *(const struct capture *)chosen;
    const bool disk = c.place == (double)CAPTURED_ON_DISK;
    const int device = s->sites > 1 ? 1 : ON_HOST;
    b->unruled = m->shape->layers > 0 && m->shape->heads > 0 ? NULL : "its shape is not known";
    if (!b->unruled && m->shape->recurrent.kernel > 0)
        b->unruled = "layers that recur have no maps of attention";
    if (!b->unruled && isnan(attention_maps_kept(m->shape, &c)))
        b->unruled = "a layer that was asked for is not there (--layers)";
    if (b->unruled) return;
    c.new_tokens = 0;
    capture_model(b, m, &c, s);
    GIVEN(b, heads, m->shape->heads, "model");
    GIVEN(b, sequences, c.sequences, "--batch");
    GIVEN(b, sequence_tokens, c.sequence_tokens, "--seq");
    GIVEN(b, value_bytes, capture_value_bytes(&c), "--precision");
    GIVEN(b, maps, attention_maps_kept(m->shape, &c), "model and --layers");
    LET(b, scores, sequences * heads * sequence_tokens * sequence_tokens);
    LET(b, held_trials, disk ? 1 : c.trials);
    HOLD(b, capture_site(&c, s), "attention maps", "captures",
         maps * scores * value_bytes * held_trials,
         "measured to the byte (training.capture); smaller: --layers, --seq, --batch");
    HOLD(b, device, "scores of one layer", "work", scores * (4 + 3 * value_bytes),
         "transformers' eager attention: scores, mask added, F32 softmax, cast back");
    capture_work(b, m, &c, s, attention_bytes(m->shape, &c), true);
}

static struct on_disk writes(const struct digest *m, const void *chosen)
{
    return capture_written(chosen, attention_bytes(m->shape, chosen));
}

const struct workload workload_attention = {
    .name = "attention",
    .words = "maps of attention, handed out",
    .knob = capture_knobs,
    .knobs = ATTENTION_KNOBS,
    .size = sizeof(struct capture),
    .bill = bill,
    .usual = capture_defaults,
    .unit = "batch",
    .units = capture_batches,
    .writes = writes,
};
