/* Guides' bytes a parameter (data/guides.json) beside what a real file of that precision takes, of one model: a GGUF file as llama-quantize
 * makes it, tensor by tensor; a format outside GGUF by the catalogue's bits for the matrices it quantises, all else at 16 bit, as its
 * makers leave it. A figure is confirmed when it is the file's within half a hundredth. Left out: headers and vocabularies. */
#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/guides.h"
#include "model/digest.h"
#include "verb/need.h"
#include "verb/need_asked.h"

static const double near_share = 0.005;
#define QUANT_HALF "F16"

struct adding {
    const struct context *in;
    const char *size;
    struct precision_row *row;
    size_t rows;
};

static double quantised_elements(const struct digest *d)
{
    double elements = 0;
    for (size_t i = 0; i < d->kinds; i++)
        for (size_t k = 0; k < d->kind[i].sums; k++) {
            const struct weight_sum *s = &d->kind[i].sum[k];
            if (s->use == USE_MATRIX || s->use == USE_EXPERTS || s->use == USE_HEADS)
                elements += s->elements * d->kind[i].layers;
        }
    return elements;
}

static const char *worth(double said, double bytes)
{
    if (fabs(said - bytes) <= near_share * bytes) return "confirmed";
    return said < bytes ? "too low" : "too high";
}

/* One file: a mix's, or with bits that of a format outside GGUF. */
static bool add(struct adding *x, const struct guide_precision *g, const char *file, double bits,
                struct mu_err *err)
{
    struct need_asked asked = {.operand = x->size ? x->size : g->sizes[0],
                               .quant = isnan(bits) ? file : QUANT_HALF,
                               .context_tokens = need_context(NEED_MINIMUM)};
    struct asked *task = NEW(x->in->arena, struct asked);
    if (!need_task(x->in, &asked, task, err)) return false;
    const struct digest *d = task->digest;
    if (d->unruled || !(d->parameters > 0)) return true;
    double bytes = d->weight_bytes;
    if (!isnan(bits)) {
        const double quantised = quantised_elements(d), half_bits = 16, byte_bits = 8;
        bytes -= quantised * (half_bits - bits) / byte_bits;
    }
    bytes /= d->parameters;
    x->row[x->rows++] = (struct precision_row){.guide = g,
                                               .file = file,
                                               .model = asked.took ? asked.took : asked.operand,
                                               .bits = bits,
                                               .bytes = bytes,
                                               .says = worth(g->bytes, bytes)};
    return true;
}

bool need_precisions(const struct context *in, const char *size, const struct precision_row **out,
                     size_t *rows, struct mu_err *err)
{
    const struct guide_precision *g;
    size_t count, room = 0;
    if (!catalog_precisions(in->catalog, &g, &count, err)) return false;
    for (size_t i = 0; i < count; i++) room += g[i].mix_count + g[i].format_count;
    struct adding x = {
        .in = in, .size = size, .row = NEW_ARRAY(in->arena, struct precision_row, room)};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < g[i].mix_count; k++)
            if (!add(&x, &g[i], g[i].mixes[k], (double)NAN, err)) return false;
        for (size_t k = 0; k < g[i].format_count; k++) {
            const double bits = catalog_format_bits(in->catalog, g[i].formats[k]);
            if (!isnan(bits) && !add(&x, &g[i], g[i].formats[k], bits, err)) return false;
        }
    }
    *out = x.row;
    *rows = x.rows;
    return true;
}
