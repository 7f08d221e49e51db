/* transformers, version 4.57 with PyTorch 2: weights by --dtype, a DynamicCache of exactly the tokens so far, the work of one layer at a
 * time, logits of each sequence's last position; what PyTorch's allocator and the driver take beside. A prompt that fills the context is
 * taken to be read at once, as generate() does. --flash-attention off: eager attention, with a matrix of scores; else sdpa. On the CPU
 * weights, cache and work were held against PyTorch itself (tests/torch); else nothing was, and the ranges are bounds. Left out: speed,
 * static and quantised caches, compiled models, adapters, architectures' own ways with experts. */
#include <string.h>

#include "base/num.h"
#include "catalog/types.h"
#include "cost/llama.h"
#include "cost/programs.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/model.h"

#define TRANSFORMERS "transformers 4.57 src/transformers/generation/utils.py, cache_utils.py"
#define MODELING "transformers 4.57 modeling_llama.py, what one layer holds at its widest"
#define BITSANDBYTES "bitsandbytes functional.py; QLoRA, arXiv 2305.14314 section 3"
#define SLACK "torch reserved beside allocated, public training runs; not of inference"
#define HEAP "measured: 33 to 78 MiB, PyTorch 1.13 and glibc, a small model at three contexts"
#define BY_DTYPE "model and --dtype; bitsandbytes leaves embedding, output and norms in 16 bits"
#define LOADING "transformers 4.57 modeling_utils.py: checkpoints come in parts of up to 5 GB"

static const double half_bytes = 2, float_bytes = 4;

static double value_bytes_of(const struct generate *g)
{
    return g->dtype == (double)DTYPE_FP32 ? float_bytes : half_bytes;
}

/* Of a quantised checkpoint what its files hold. What bitsandbytes packs: linear layers, not the embedding, the output and the norms.
 * nf4_bytes: of a value with its scales. */
static double weight_bytes(const struct digest *m, const struct weight_sum *w,
                           const struct generate *g, double nf4_bytes)
{
    const bool linear = w->use == USE_MATRIX || w->use == USE_EXPERTS || w->use == USE_HEADS;
    if (linear && m->packed_bytes > 0) return w->elements * m->packed_bytes;
    if (linear && g->dtype == (double)DTYPE_INT8) return w->elements + float_bytes * w->rows;
    if (linear && g->dtype == (double)DTYPE_NF4) return w->elements * nf4_bytes;
    return w->elements * value_bytes_of(g);
}

/* Blocks of 64 with a scale each: a byte when the scales are packed too (in blocks of 256), else a float. */
static const double nf4_packed = 0.5 + 1 / 64.0 + 4 / (64 * 256.0), nf4_plain = 0.5 + 4 / 64.0;

double transformers_weight_bytes(const struct digest *m, const struct generate *g)
{
    double sum = 0;
    for (size_t i = 0; i < m->outsides; i++) sum += weight_bytes(m, &m->outside[i], g, nf4_packed);
    for (size_t k = 0; k < m->kinds; k++)
        for (size_t i = 0; i < m->kind[k].sums; i++)
            sum += m->kind[k].layers * weight_bytes(m, &m->kind[k].sum[i], g, nf4_packed);
    return sum;
}

/* ---- what lies where */

struct laid {
    const struct digest *m;
    const struct generate *g;
    struct spread spread;
    int first, working; /* the site of the embedding; where layers of the host are worked on */
    double nf4_bytes;
};

static double outside_bytes(const struct laid *l, int site)
{
    double sum = 0;
    for (size_t i = 0; i < l->m->outsides; i++) {
        const struct weight_sum *w = &l->m->outside[i];
        const int at = w->use == USE_LOOKUP ? l->first : l->spread.output;
        if (at == site) sum += weight_bytes(l->m, w, l->g, l->nf4_bytes);
    }
    return sum;
}

static double layers_bytes(const struct laid *l, int site)
{
    double sum = 0;
    for (size_t k = 0; k < l->m->kinds; k++)
        for (size_t i = 0; i < l->m->kind[k].sums; i++)
            sum += l->spread.kind[site].layers[k] *
                   weight_bytes(l->m, &l->m->kind[k].sum[i], l->g, l->nf4_bytes);
    return sum;
}

static double widest_layer_bytes(const struct laid *l)
{
    double widest = 0;
    for (size_t k = 0; k < l->m->kinds; k++) {
        double sum = 0;
        for (size_t i = 0; i < l->m->kind[k].sums; i++)
            sum += weight_bytes(l->m, &l->m->kind[k].sum[i], l->g, l->nf4_bytes);
        widest = most(widest, sum);
    }
    return widest;
}

/* The largest module that comes from the host to a card. */
static double visiting(const struct laid *l)
{
    if (l->working == ON_HOST || !spread_has_layers(&l->spread, ON_HOST)) return 0;
    return most(widest_layer_bytes(l), outside_bytes(l, ON_HOST));
}

/* Cards do the work of layers that are kept on the host, and keep their cache. */
static double caches_at(const struct laid *l, int site, bool window)
{
    const double host = l->spread.caches[ON_HOST][window];
    if (site == ON_HOST) return l->working == ON_HOST ? host : 0;
    return l->spread.caches[site][window] + (site == l->working ? host : 0);
}

static struct laid lay(const struct digest *m, const struct generate *g, const struct split *s,
                       double nf4_bytes)
{
    struct laid l = {.m = m, .g = g, .spread = llama_spread(m, s), .nf4_bytes = nf4_bytes};
    l.first = s->sites > 1 ? split_site(s, 0) : ON_HOST;
    l.working = s->sites > 1 ? 1 : ON_HOST;
    return l;
}

/* ---- a token's keys, values and work */

static double key_values(const struct shape *s)
{
    return (s->latent.kv_rank > 0 ? s->heads : s->kv_heads) * s->head_size;
}

static double value_values(const struct shape *s)
{
    return s->latent.kv_rank > 0 ? s->heads * s->latent.value : s->kv_heads * s->head_size;
}

/* Beside the stream before and behind a norm: queries, keys and values for each head, and the answer; eager attention has its scores
 * where sdpa has the answer. Or the three of a gated feed-forward. */
static double attention_values(const struct shape *s, bool eager)
{
    return 2 * s->width + (eager ? 3 : 4) * s->heads * s->head_size;
}

static double ffn_values(const struct shape *s)
{
    return 2 * s->width + 3 * most(s->ffn_width, s->expert_width + s->shared_width);
}

/* ---- the bill */

static void bill_process(struct bill *b, const struct laid *l, int sites)
{
    ABOUT(b, python_bytes, torch_process.low, torch_process.likely, torch_process.high,
          torch_process.source);
    GIVEN(b, part_bytes, sites > 1 ? least(transformers_weight_bytes(l->m, l->g), 5e9) : 0,
          LOADING);
    GIVEN(b, layer_weight_bytes, sites > 1 ? widest_layer_bytes(l) : 0, "model and --dtype");
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "Python, PyTorch and libraries", "process", python_bytes,
            TORCH_PROCESS);
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "weights on their way to a card", "process",
            layer_weight_bytes, LOADING);
    HOLD_AS(b, HELD_MAPPED, ON_HOST, "file pages of the checkpoint", "mapped", part_bytes, LOADING);
}

static const char *unruled(const struct digest *m, const struct generate *g)
{
    const char *why = published_unruled_as_asked(m, g);
    if (why) return why;
    if (m->shape->indexer.heads > 0)
        return "muster has no plan of attention with an indexer under transformers";
    if (g->gpu_layers > 0)
        return "transformers deals layers by itself: leave --gpu-layers out, or give 0 for the CPU";
    if (m->packed_bytes > 0 && (g->dtype == (double)DTYPE_INT8 || g->dtype == (double)DTYPE_NF4))
        return "its checkpoint is quantised already: leave --dtype out";
    if (strcmp(g->kv_type_k->name, "F16") != 0 || strcmp(g->kv_type_v->name, "F16") != 0)
        return "transformers keeps its cache in what it computes in: leave --kv-type out";
    if (g->cpu_moe != 0 && g->cpu_moe != (double)KNOB_AUTO)
        return "transformers keeps no experts apart (--n-cpu-moe)";
    return NULL;
}

void transformers_bill(struct bill *b, const struct digest *m, const struct generate *g,
                       const struct split *s)
{
    const struct shape *shape = m->shape;
    b->unruled = unruled(m, g);
    if (b->unruled) return;
    const double padded = g->sequences > 1, cards = s->sites > 1;
    const bool eager = g->flash_attention == (double)FLASH_OFF;
    ABOUT(b, nf4_bytes, nf4_packed, nf4_packed, nf4_plain, BITSANDBYTES);
    const struct laid l = lay(m, g, s, nf4_bytes);
    GIVEN(b, sequences, g->sequences, "--parallel");
    GIVEN(b, context_tokens, g->context_tokens, "--ctx, of each sequence");
    GIVEN(b, value_bytes, value_bytes_of(g), "--dtype");
    GIVEN(b, vocabulary, shape->vocabulary, "model");
    GIVEN(b, window_tokens, shape->window_tokens, "model, sliding window");
    GIVEN(b, key_values_of_token, key_values(shape), "model, one layer");
    GIVEN(b, value_values_of_token, value_values(shape), "model, one layer");
    GIVEN(b, attention_values_of_token, attention_values(shape, eager), MODELING);
    GIVEN(b, ffn_values_of_token, ffn_values(shape), MODELING);
    GIVEN(b, scores_of_pair, eager ? shape->heads : 0, "model; --flash-attention off");
    ABOUT(b, logits_copies, 1, 2, 4, "sampling keeps sorted and summed floats beside the logits");
    ABOUT(b, mask_bytes, eager ? value_bytes : 0, eager ? value_bytes : padded,
          (eager ? value_bytes : 0) + padded * (1 + value_bytes),
          "a mask of each pair of tokens: eager, or where prompts differ in length");
    ABOUT(b, workspace_share, 0, cards * 0.1, 0.1 + cards * 0.4,
          "kernels' workspaces and short-lived copies: a bound on cards, none seen on the CPU");
    ABOUT(b, slack_share, 0, 0.08, 0.25, SLACK);
    ABOUT(b, heap_bytes, 0, 50e6, 200e6, HEAP);
    ABOUT(b, torch_context_bytes, torch_context.low, torch_context.likely, torch_context.high,
          torch_context.source);
    LET(b, cached_tokens, sequences * context_tokens);
    LET(b, window_cached_tokens, sequences * least(context_tokens, window_tokens));
    LET(b, row_bytes, value_bytes * (key_values_of_token + value_values_of_token));
    LET(b, pair_bytes,
        cached_tokens * context_tokens * (scores_of_pair * (value_bytes + 4) + mask_bytes));
    LET(b, attention_bytes, cached_tokens * attention_values_of_token * value_bytes + pair_bytes);
    LET(b, ffn_bytes, cached_tokens * ffn_values_of_token * value_bytes);
    LET(b, growing_bytes, cached_tokens * key_values_of_token * value_bytes);
    LET(b, working_bytes,
        most(most(attention_bytes, ffn_bytes) * (1 + workspace_share), growing_bytes));
    LET(b, logits_bytes, sequences * vocabulary * (value_bytes + 4 * logits_copies));
    for (int site = 0; site < s->sites; site++) {
        const bool works =
            s->sites == 1 ||
            (site != ON_HOST && (spread_has_layers(&l.spread, site) || site == l.working));
        const bool writes =
            l.spread.output == site || (l.spread.output == ON_HOST && site == l.working);
        GIVEN(b, weights_bytes, layers_bytes(&l, site) + outside_bytes(&l, site),
              m->packed_bytes > 0 ? "the checkpoint's files" : BY_DTYPE);
        GIVEN(b, visiting_bytes, site == l.working ? visiting(&l) : 0,
              "accelerate 1.10: the largest module of the host, as they come for their turns");
        GIVEN(b, full_layers, caches_at(&l, site, false), "model, layers that see all");
        GIVEN(b, window_layers, caches_at(&l, site, true), "model, layers with a sliding window");
        GIVEN(b, works_here, works, "layers are worked on here");
        GIVEN(b, writes_here, writes && works, "logits are made here");
        GIVEN(b, card, site != ON_HOST, "PyTorch's allocator and the driver, on cards");
        LET(b, cache_bytes,
            full_layers * cached_tokens * row_bytes +
                window_layers * window_cached_tokens * row_bytes);
        LET(b, dynamic_bytes,
            cache_bytes + works_here * working_bytes + writes_here * logits_bytes);
        HOLD(b, site, "weights", "weights", weights_bytes, TRANSFORMERS);
        HOLD(b, site, "a module of the host, for its turn", "weights", visiting_bytes,
             TRANSFORMERS);
        HOLD(b, site, "KV cache", "kv", cache_bytes, TRANSFORMERS);
        HOLD(b, site, "work of one layer", "compute", works_here * working_bytes, MODELING);
        HOLD(b, site, "logits", "output", writes_here * logits_bytes, TRANSFORMERS);
        HOLD(b, site, "allocator's slack", "compute",
             card * slack_share * dynamic_bytes + (1 - card) * works_here * heap_bytes, SLACK);
        HOLD_AS(b, HELD_PROCESS, site, "driver and libraries", "process",
                card * torch_context_bytes, TORCH_CONTEXT);
    }
    bill_process(b, &l, s->sites);
}
