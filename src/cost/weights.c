/* The weights: plain as in the file, or moved into a buffer that the CPU's kernels want laid out otherwise; on a device padded as its
 * kernels want. A tied embedding stays plain for its look-up and is loaded again as output matrix where a buffer or a device takes it. With mmap, what was moved also stays in the page
 * cache as it was read, until the kernel needs the pages. Left out: tensors that a model file holds and llama.cpp does not use. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

#define LLAMA_LOAD "llama.cpp v0.5.0 src/llama-model-loader.cpp, each tensor padded to 32 bytes"
#define LLAMA_BUFFER "llama.cpp v0.5.0 ggml/src/ggml-cpu, data/buffers.json"

struct placed {
    double plain_bytes, moved_bytes, moved_file_bytes;
};

static bool is_taken(const struct buffer_rule *rule, unsigned use, double rows_of)
{
    if (fmod(rows_of, rule->rows_multiple) != 0) return false;
    return use == USE_MATRIX || use == USE_OUTPUT || (use == USE_EXPERTS && rule->experts);
}

/* The first buffer that takes such weights, and its row for their type; NULL: none does, they lie plain. */
static const struct buffer_rule *taker(const struct generate *g, const struct weight_sum *w,
                                       unsigned use, size_t *row)
{
    if (g->repack != (double)REPACK_ON) return NULL;
    for (size_t i = 0; i < EXTRA_BUFFERS && g->buffer[i]; i++) {
        const struct buffer_rule *rule = g->buffer[i];
        for (*row = 0; *row < rule->rows; ++*row)
            if (rule->row[*row].type == w->type && is_taken(rule, use, w->rows_of)) return rule;
    }
    return NULL;
}

const char *llama_buffer_of(const struct generate *g, const struct weight_sum *w, unsigned use)
{
    size_t row;
    const struct buffer_rule *rule = taker(g, w, use, &row);
    return rule ? rule->name : "CPU";
}

/* Bytes in its buffer of a byte in the file; 0: no buffer takes it. */
static double growth_of(const struct generate *g, const struct weight_sum *w, unsigned use)
{
    size_t row;
    const struct buffer_rule *rule = taker(g, w, use, &row);
    return rule ? rule->row[row].growth : 0;
}

static const double digest_step = 32; /* what the digest padded each tensor to */

/* Quantised rows that are no multiple of what a kernel takes at once get the rest behind the last of them. By the mean tensor. */
double llama_device_bytes(const struct weight_sum *w, const struct weight_type *types,
                          const struct site_rules *r)
{
    const struct weight_type *type = &types[w->type];
    if (!(w->tensors > 0) || !(w->rows > 0)) return w->bytes;
    const double over = r->row_multiple > 0 ? fmod(w->elements / w->rows, r->row_multiple) : 0;
    const double missing = type->block > 1 && over > 0 ? r->row_multiple - over : 0;
    const double rest = ceil(missing / type->block) * type->block_bytes;
    if (!(rest > 0) && r->alignment_bytes <= digest_step) return w->bytes;
    return w->tensors * pad_to(w->bytes / w->tensors + rest, r->alignment_bytes);
}

/* What is placed at one site. */
struct placing {
    const struct llama *l;
    int site;
    struct placed sum;
};

static void place(struct placing *p, const struct weight_sum *w, double times)
{
    if (!(times > 0)) return;
    if (p->site != ON_HOST) {
        const struct site_rules *rules = split_rules(p->l->spread->split, p->site);
        p->sum.plain_bytes += times * llama_device_bytes(w, p->l->m->types, rules);
        return;
    }
    const double growth = growth_of(p->l->g, w, w->use), bytes = times * w->bytes;
    if (growth > 0) {
        p->sum.moved_bytes += round(bytes * growth); /* a share of whole blocks */
        p->sum.moved_file_bytes += bytes;
    } else {
        p->sum.plain_bytes += bytes;
    }
}

/* Factors of rotation are one tensor for all layers, and lie wherever there are layers. */
static double rope_bytes(const struct shape *s)
{
    const double float_bytes = 4, tensor_step = 32;
    return s->rope_tensors * pad_to(float_bytes * s->rope_factors, tensor_step);
}

/* The norm of embeddings: a weight and, of LayerNorms, a bias. */
static double embedding_norm_bytes(const struct shape *s)
{
    const double float_bytes = 4, vectors = s->embedding_norm > 0 ? 1 + s->norm_bias : 0;
    return vectors * pad_to(float_bytes * s->width, digest_step);
}

/* Look-ups stay on the host, the norm behind them is beside the first layer; the output's norm and matrix are a layer of their own. */
static void place_vectors(struct placing *p, const struct weight_sum *w)
{
    const struct spread *spread = p->l->spread;
    const struct shape *s = p->l->m->shape;
    const double shared = least(rope_bytes(s), w->bytes);
    const double first = least(embedding_norm_bytes(s), w->bytes - shared);
    if (spread_has_layers(spread, p->site)) p->sum.plain_bytes += shared;
    if (split_site(spread->split, 0) == p->site) p->sum.plain_bytes += first;
    if (spread->output == p->site) p->sum.plain_bytes += w->bytes - shared - first;
}

static void place_outside(struct placing *p)
{
    const struct llama *l = p->l;
    for (size_t i = 0; i < l->m->outsides; i++) {
        const struct weight_sum *w = &l->m->outside[i];
        if (w->use == USE_VECTOR && l->spread->sites > 1)
            place_vectors(p, w);
        else if (p->site == (w->use == USE_LOOKUP ? ON_HOST : l->spread->output))
            place(p, w, 1);
    }
}

/* The biases of experts go where these go; they stand among a layer's vectors. */
static double expert_bias_bytes(const struct shape *s)
{
    const double float_bytes = 4, values = 2 * s->expert_width + s->width;
    return shape_experts_biased(s) ? float_bytes * s->experts * values : 0;
}

/* Layers whose experts are elsewhere take their biases along. */
static void move_biases(struct placing *p)
{
    const struct spread *spread = p->l->spread;
    for (size_t k = 0; k < p->l->m->kinds; k++)
        if (p->l->m->kind[k].experts)
            p->sum.plain_bytes +=
                (spread->kind[p->site].experts[k] - spread->kind[p->site].layers[k]) *
                expert_bias_bytes(p->l->m->shape);
}

static struct placed placed_at(const struct llama *l, int site)
{
    struct placing p = {l, site, {0, 0, 0}};
    const struct digest *m = l->m;
    place_outside(&p);
    for (size_t k = 0; k < m->kinds; k++)
        for (size_t i = 0; i < m->kind[k].sums; i++) {
            const struct weight_sum *w = &m->kind[k].sum[i];
            place(&p, w,
                  w->use == USE_EXPERTS ? l->spread->kind[site].experts[k]
                                        : l->spread->kind[site].layers[k]);
        }
    move_biases(&p);
    return p.sum;
}

/* A tied embedding as output matrix: where a buffer takes it, or on the device that holds the output. */
static double second_embedding_bytes(const struct llama *l)
{
    const struct digest *m = l->m;
    const int site = l->spread->output;
    struct weight_sum embedding;
    if (!llama_tied_embedding(m, &embedding) || m->shape->arch->output_is_embedding) return 0;
    const double growth = growth_of(l->g, &embedding, USE_OUTPUT);
    const bool again = growth > 0 || !m->shape->arch->output_again;
    if (site == ON_HOST) return embedding.bytes * (again ? growth : 1);
    embedding.tensors = 1;
    return llama_device_bytes(&embedding, m->types, split_rules(l->spread->split, site));
}

void llama_weights(struct bill *b, const struct llama *l)
{
    for (int site = 0; site < l->spread->sites; site++) {
        const struct placed p = placed_at(l, site);
        const bool output_here = l->spread->output == site;
        GIVEN(b, plain_bytes, p.plain_bytes, "model, tensors no extra buffer takes");
        GIVEN(b, repacked_bytes, p.moved_bytes,
              "model, tensors an extra buffer takes, as they lie there");
        GIVEN(b, second_output_bytes, output_here ? second_embedding_bytes(l) : 0,
              "model, tied embedding");
        GIVEN(b, read_bytes, l->g->mmap ? p.moved_file_bytes : 0, "model, as read through mmap");
        HOLD(b, site, "weights", "weights", plain_bytes, LLAMA_LOAD);
        HOLD(b, site, "weights, repacked", "weights", repacked_bytes, LLAMA_BUFFER);
        HOLD(b, site, "embedding again, as output matrix", "weights", second_output_bytes,
             LLAMA_BUFFER);
        HOLD_AS(b, HELD_MAPPED, site, "file pages of repacked weights", "mapped", read_bytes,
                "measured: peak RSS holds the mapped file beside the repacked copy");
    }
}
