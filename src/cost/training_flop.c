/* The work of one step of training: products with weights forward, those of gradients backward, and what checkpointing makes again. Forward,
 * each parameter of a matrix costs two operations a token (a look-up of embeddings none); backward as many for the gradient of the input and,
 * where the weight trains, as many again for its own. So 6 N for all of a model, 4 N for adapters alone, 2 N more with checkpointing.
 * Against measured steps (class training.time) the ratios hold within 15 %. Left out: the optimizer's step, which bandwidth decides. */
#include "cost/finetune.h"
#include "model/shape.h"

struct training_flop training_flop(const struct shape *s, const struct flop_asked *k)
{
    const struct training_parts p = training_parts(s, false);
    const double per_product = 2, products_of_attention = 2;
    const double seen_share = k->encoder ? 1 : 0.5;
    const double query = s->heads * s->head_size;
    const double scores =
        per_product * products_of_attention * seen_share * s->layers * query * k->sequence_tokens;
    const double layers = per_product * p.met_matrices + scores;
    const double head = k->encoder ? 0 : per_product * s->vocabulary * s->width;
    const double adapters = per_product * k->adapter_parameters;
    const double tokens = k->sequences * k->sequence_tokens;
    const double own = k->full ? per_product * p.met_matrices + head : 0;
    return (struct training_flop){
        .forward = tokens * (layers + head + adapters),
        /* scores have two operands, and both train or lead to what trains */
        .backward = tokens * (layers + scores + head + 2 * adapters + own),
        .recomputed = k->checkpointing ? tokens * (layers + adapters) : 0,
    };
}
