/* accelerate's way of dealing modules (src/accelerate/utils/modeling.py of v1.10: get_balanced_memory, infer_auto_device_map): one card
 * is filled to 90 % of what is free; of several each but the last gets an even part of the model and a quarter more than a layer;
 * decoder layers are never split and keep their order; the first card and memory keep room for the largest module that is still to come;
 * what does not fit goes to memory, then to disk. Layers count as alike. Left out: other device maps, limits as given (max_memory),
 * buffers. */
#include "cost/device_map.h"

#include "base/num.h"
#include "model/digest.h"
#include "model/model.h"

static const double one_card_share = 0.9, buffer_layers = 1.25;

struct modules {
    double ahead_bytes, layer_bytes, behind_bytes; /* embedding; the mean layer; output */
    double layers;
};

/* Of a checkpoint that is published quantised what it keeps, else values of one size. */
static double weight_bytes(const struct digest *m, const struct weight_sum *w, double value_bytes)
{
    const bool linear = w->use == USE_MATRIX || w->use == USE_EXPERTS || w->use == USE_HEADS;
    return w->elements * (linear && m->packed_bytes > 0 ? m->packed_bytes : value_bytes);
}

static struct modules modules_of(const struct digest *m, double value_bytes)
{
    struct modules out = {.layers = m->shape->layers};
    for (size_t i = 0; i < m->outsides; i++) {
        const struct weight_sum *w = &m->outside[i];
        double *to = w->use == USE_LOOKUP ? &out.ahead_bytes : &out.behind_bytes;
        *to += weight_bytes(m, w, value_bytes);
    }
    for (size_t k = 0; k < m->kinds; k++)
        for (size_t i = 0; i < m->kind[k].sums; i++)
            out.layer_bytes += m->kind[k].layers * weight_bytes(m, &m->kind[k].sum[i], value_bytes);
    out.layer_bytes /= most(out.layers, 1);
    return out;
}

static double room_on(const struct mapped_layers *io, const struct modules *x, int site)
{
    const double cards = io->sites - 1, free_bytes = io->free_bytes[site];
    const double model = x->ahead_bytes + x->layers * x->layer_bytes + x->behind_bytes;
    if (site == ON_HOST) return free_bytes;
    if (cards == 1) return one_card_share * free_bytes;
    if (site == io->sites - 1) return free_bytes;
    return least(floor(model / cards) + buffer_layers * x->layer_bytes, free_bytes);
}

/* Cards in their order, then memory, then SITES for the disk. */
static int next_site(const struct mapped_layers *io, int site)
{
    if (site == ON_HOST) return SITES;
    return site + 1 < io->sites ? site + 1 : ON_HOST;
}

struct dealing {
    struct mapped_layers *io;
    const struct modules *x;
    int site;
};

/* Puts a module where the last one went or, if there is no room, further on; `behind`: the largest of those to come. */
static bool put(struct dealing *d, double bytes, double behind)
{
    for (; d->site < SITES; d->site = next_site(d->io, d->site)) {
        const double kept = d->site <= 1 ? behind : 0;
        if (d->io->weights_bytes[d->site] + bytes + kept > room_on(d->io, d->x, d->site)) continue;
        d->io->weights_bytes[d->site] += bytes;
        return true;
    }
    return false;
}

bool device_map_auto(const struct digest *m, struct mapped_layers *io)
{
    if (m->unruled || io->sites < 2) return false;
    const struct modules x = modules_of(m, io->value_bytes);
    struct dealing d = {io, &x, 1};
    if (!(x.layer_bytes > 0)) return false;
    for (int i = 0; i < SITES; i++) io->layers[i] = io->weights_bytes[i] = 0;
    io->on_disk = 0;
    (void)put(&d, x.ahead_bytes, most(x.layer_bytes, x.behind_bytes));
    for (int i = 0; i < (int)x.layers; i++) {
        const double behind =
            i + 1 < x.layers ? most(x.layer_bytes, x.behind_bytes) : x.behind_bytes;
        *(put(&d, x.layer_bytes, behind) ? &io->layers[d.site] : &io->on_disk) += 1;
    }
    (void)put(&d, x.behind_bytes, 0);
    return true;
}
