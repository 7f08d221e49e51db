/* The compute buffer: what the largest graph needs between its inputs and its logits. For a single answer the exact plan (plan_graph.c);
 * for sweeps and rankings a closed form: the largest of three moments of a layer, the feed-forward, the attention, the output, each
 * with the graph's inputs and the residual stream beside it. The closed form errs low where buffers fragment (fused or latent
 * attention, shared experts); how much is scored by selftest. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "cost/plan.h"
#include "model/digest.h"

#define LLAMA_PLAN "llama.cpp v0.5.0 ggml/src/ggml-alloc.c, placing the graph of src/models"
#define CLOSED_FORM "largest moment of a layer; its error is a class of selftest"

/* Rows and masks that the graph takes beside the embeddings: indices of 4 and 8 bytes, masks of 2 bytes an element with flash
 * attention, else 4. Without it V is stored transposed, with an index an element. */
static double index_bytes(const struct digest *m, const struct derived *d)
{
    const struct shape *s = m->shape;
    const double value_width = s->kv_heads * s->head_size, ids = 2 * 4 * d->tokens;
    const double caches = s->window_period > 0 ? 2 : 1;
    if (s->arch->encoder || !shape_attends(s)) return ids;
    return ids + caches * (8 * d->tokens + 8 * d->tokens * (d->flash ? 1 : value_width));
}

static double mask_cells(const struct llama *l)
{
    const struct derived *d = l->d;
    const struct shape *s = l->m->shape;
    if (s->arch->encoder) return d->tokens * (s->window_period > 0 ? 2 : 1);
    if (!shape_attends(s)) return 0;
    if (s->compressed.groups > 0) {
        const struct compressed_cells cells = llama_compressed_cells(l);
        return cells.window + 2 * cells.fine + cells.coarse;
    }
    return d->cells * (s->indexer.heads > 0 ? 2 : 1) + (s->window_period > 0 ? d->window_cells : 0);
}

/* Without flash attention each head scores each cell. */
static double scores(const struct llama *l)
{
    const struct shape *s = l->m->shape;
    const struct compressed_cells cells = llama_compressed_cells(l);
    if (l->d->flash) return 0;
    if (s->compressed.groups > 0) return s->heads * (cells.window + most(cells.fine, cells.coarse));
    return s->heads * (s->arch->encoder ? l->d->tokens : l->d->cells);
}

static double query_width(const struct shape *s)
{
    const double latent = s->latent.kv_rank + s->latent.rope;
    return s->heads * (s->latent.kv_rank > 0 ? latent : most(s->head_size, s->whole.head_size));
}

/* Floats a token keeps while a layer attends: Q and its copy, and Q with its gate before; that is gone where scores come to stand.
 * Where an encoder makes Q, K and V by one product, this stays until all scores are there. */
static double attention_floats(const struct llama *l)
{
    const struct shape *s = l->m->shape;
    const bool joined = s->arch->encoder && s->fused_qkv && !l->d->flash;
    const bool gated = s->arch->gated_query && l->d->flash;
    return (gated ? 4 : 2) * query_width(s) +
           (joined ? (s->heads + 2 * s->kv_heads) * s->head_size : 0);
}

/* Sparse attention's mask, emptied and filled; behind a window it is put together with the window's. */
static double choice_floats(const struct llama *l)
{
    const struct shape *s = l->m->shape;
    const double masks = 2 * (l->d->flash ? 0.5 : 1);
    if (!(s->indexer.heads > 0)) return 0;
    if (!(s->compressed.groups > 0)) return masks * l->d->cells;
    const struct compressed_cells cells = llama_compressed_cells(l);
    return masks * cells.fine + masks / 2 * (cells.window + cells.fine);
}

/* Keys of the window and compressed ones, copied behind each other. */
static double joined_keys(const struct llama *l)
{
    const struct compressed_cells cells = llama_compressed_cells(l);
    if (!(l->m->shape->compressed.groups > 0)) return 0;
    return l->g->sequences * (cells.window + most(cells.fine, cells.coarse)) *
           llama_key_row_bytes(l->m, l->g, true);
}

/* Floats a token keeps while a layer recurs: what goes into the convolution and what comes out, and the gate beside. Of a state space
 * what the scan takes in and gives, and all of the matrix that the gate is a part of. */
static double recurrence_floats(const struct shape *s)
{
    const double inner = s->recurrent.heads * s->recurrent.head_size;
    const double heads = s->recurrent.heads, state = s->recurrent.state;
    const double mixed = inner + 2 * s->recurrent.groups * state;
    switch (s->arch->recurrence) {
    case RECURRENCE_DELTA: return 2 * mixed + 2 * inner;
    case RECURRENCE_CONVOLUTION: return 5 * s->width;
    case RECURRENCE_SCAN: return 5 * inner + s->recurrent.rank + 2 * state;
    case RECURRENCE_DUAL: return 2 * inner + 3 * mixed + 2 * heads;
    default: return 0;
    }
}

/* Floats a token keeps while a feed-forward is at its widest. */
static double ffn_floats(const struct shape *s)
{
    const double used = s->experts_used, expert = s->expert_width;
    const double dense = (s->arch->gated_ffn ? 3 : 1) * most(s->ffn_width, s->shared_ffn_width);
    if (!(s->experts > 0)) return dense;
    const double seen = s->expert_input > 0 ? s->expert_input : s->width;
    const double inner = (s->gated_ffn ? 3 : 1) * expert * used;
    const double sparse = most(inner, used * (expert + seen));
    return s->dense_lead > 0 ? most(sparse, dense) : sparse;
}

/* Both caches of a layer, copied to the device that attends to them where they stay on the host. */
static double copied_cache(const struct llama *l)
{
    const double row =
        llama_key_row_bytes(l->m, l->g, false) + llama_value_row_bytes(l->m, l->g, false);
    return l->spread->split->host_cache && l->d->flash ? l->d->streams * l->d->cells * row : 0;
}

/* States of all sequences beside what the scan of a state space gives for each token. */
static double scanned_states(const struct llama *l)
{
    const enum recurrence how = l->m->shape->arch->recurrence;
    const bool scans = how == RECURRENCE_SCAN || how == RECURRENCE_DUAL;
    return scans ? 4 * l->g->sequences * shape_state(l->m->shape) : 0;
}

/* Zeros for the cells that a token attends to, a value each, of every layer that chooses before it runs. */
static double choices(const struct digest *m, const struct derived *d)
{
    const struct shape *s = m->shape;
    double layers = 0;
    if (!(s->indexer.heads > 0)) return 0;
    if (!(s->compressed.groups > 0)) return s->layers * least(s->indexer.chosen, d->cells);
    for (size_t i = 0; i < m->kinds; i++)
        if (m->kind[i].fine) layers += m->kind[i].layers;
    return layers * s->indexer.chosen * (d->flash ? 0.5 : 1);
}

static bool has_experts(const struct spread *p, int site)
{
    for (size_t k = 0; k < DIGEST_KINDS; k++)
        if (p->kind[site].experts[k] > 0) return true;
    return false;
}

/* The largest matrix of the host's layers, copied to the device that multiplies large batches. */
static double copied_weights(const struct llama *l, int site)
{
    double largest = 0;
    const struct digest *m = l->m;
    if (site == ON_HOST || site != split_copier(l->spread->split)) return 0;
    for (size_t k = 0; k < m->kinds; k++)
        for (size_t i = 0; i < m->kind[k].sums; i++) {
            const struct weight_sum *w = &m->kind[k].sum[i];
            const double layers = w->use == USE_EXPERTS ? l->spread->kind[ON_HOST].experts[k]
                                                        : l->spread->kind[ON_HOST].layers[k];
            if (layers > 0 && w->use != USE_VECTOR && w->use != USE_LOOKUP)
                largest = most(largest, w->bytes / w->tensors);
        }
    return largest;
}

/* A tied embedding that is never loaded again is multiplied with on the host. */
static int output_site(const struct llama *l)
{
    const bool stays = l->m->shape->tied && l->m->shape->arch->output_is_embedding;
    return stays ? ON_HOST : l->spread->output;
}

/* What happens at a site; floats are those of a token. */
struct moments {
    bool layers, busy,
        output; /* busy: it holds layers, or experts, or multiplies with the host's */
    double ffn_floats, attention_floats, scores, cache_bytes, weight_bytes;
};

static struct moments moments_at(const struct llama *l, int site)
{
    const struct shape *s = l->m->shape;
    const bool on_host = site == ON_HOST;
    struct moments m = {.layers = spread_has_layers(l->spread, site),
                        .output = output_site(l) == site && !s->arch->encoder,
                        .weight_bytes = copied_weights(l, site)};
    m.busy = m.layers || has_experts(l->spread, site) || m.weight_bytes > 0;
    if (m.busy) m.ffn_floats = ffn_floats(s);
    if (!m.layers) return m;
    if (on_host || l->d->flash || !l->spread->split->host_cache) m.scores = scores(l);
    /* a layer attends or recurs, and recurring scores nothing */
    m.attention_floats =
        most(attention_floats(l) + choice_floats(l), recurrence_floats(s) - m.scores);
    m.cache_bytes = scanned_states(l) + joined_keys(l) + (on_host ? 0 : copied_cache(l));
    return m;
}

/* The input for embeddings stands on the host alone. A site without layers holds the inputs and passes an embedding on. */
static void closed_form(struct bill *b, const struct llama *l, int site)
{
    const struct digest *m = l->m;
    const struct derived *d = l->d;
    const struct moments at = moments_at(l, site);
    if (site != ON_HOST && !at.busy && !at.output) return;
    GIVEN(b, tokens, d->tokens, "largest micro-batch");
    GIVEN(b, outputs, at.output ? d->outputs : 0, "rows of logits");
    GIVEN(b, width, m->shape->width, "model");
    GIVEN(b, vocabulary, m->shape->vocabulary, "model");
    GIVEN(b, layer_values, m->shape->layer_embedding * m->shape->layers + choices(m, d),
          "model, what each layer has of its own");
    LET(b, stream_bytes, 4 * tokens * width);
    LET(b, layer_bytes, 4 * tokens * layer_values);
    GIVEN(b, embedding_bytes, site == ON_HOST ? stream_bytes : 0, "input, on the host alone");
    GIVEN(b, index_input_bytes, index_bytes(m, d), "llama.cpp v0.5.0 src/llama-graph.cpp");
    GIVEN(b, mask_bytes, (d->flash ? 2 : 4) * d->tokens * mask_cells(l), "F16 or F32 masks");
    GIVEN(b, ffn_width, at.ffn_floats, "model, floats a token in the feed-forward");
    GIVEN(b, attention_width, at.attention_floats, "model, floats a token in attention");
    GIVEN(b, score_width, at.scores, "model, scores a token");
    GIVEN(b, weight_bytes, at.weight_bytes, "the largest of the host's, copied");
    GIVEN(b, copies, split_copies(l->spread->split), "of what crosses sites");
    GIVEN(b, cache_bytes, at.cache_bytes, "one layer's, copied or carried on");
    LET(b, input_bytes,
        copies * (embedding_bytes + index_input_bytes + mask_bytes) + (copies - 1) * stream_bytes +
            weight_bytes);
    GIVEN(b, side_streams, at.busy ? m->shape->streams.count + 2 * m->shape->compressed.streams : 0,
          "model");
    GIVEN(b, streams_bytes,
          (at.busy ? 2 * stream_bytes : stream_bytes) + side_streams * stream_bytes + layer_bytes,
          "values between layers");
    LET(b, ffn_bytes, input_bytes + streams_bytes + 4 * tokens * ffn_width);
    LET(b, attention_bytes,
        input_bytes + streams_bytes + cache_bytes + 4 * tokens * (attention_width + score_width));
    LET(b, output_bytes,
        outputs > 0 ? 4 * outputs * (vocabulary + width + 1) + embedding_bytes : 0);
    HOLD(b, site, "compute buffer", "compute", most(most(ffn_bytes, attention_bytes), output_bytes),
         CLOSED_FORM);
}

void llama_compute(struct bill *b, const struct llama *l)
{
    double bytes[SITES] = {0};
    if (l->g->closed_form || l->m->shape->arch->unplanned) {
        for (int site = 0; site < l->spread->sites; site++) closed_form(b, l, site);
        return;
    }
    if (!plan_compute_bytes(l, bytes)) {
        b->unruled = "its graph has a value of no size, or is larger than the plan has room for";
        return;
    }
    const struct architecture *a = l->m->shape->arch;
    for (int site = 0; site < l->spread->sites; site++) {
        GIVEN(b, planned_bytes, bytes[site], a->checked ? LLAMA_PLAN : a->source);
        HOLD(b, site, "compute buffer", "compute", planned_bytes, LLAMA_PLAN);
    }
}
