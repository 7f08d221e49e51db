/* What a task needs is read off the same bill that a verdict prices, on a machine made for the question: a CPU without extra weight
 * buffers, and one device of a backend. Bandwidth is what a decoded token reads, so no machine does with less. Left out: several devices,
 * which repeat buffers (the verb tries real ones); swapping. */
#include "judge/need.h"

#include <math.h>

#include "machine/facts.h"
#include "model/digest.h"

enum { PLACES = 2 };

static const double plenty_bytes = 9007199254740992.0; /* 2^53: bytes are exact so far */

struct stand {
    struct pool pool[PLACES];
    struct place place[PLACES];
    struct facts facts;
    struct machine machine;
};

static void stand_make(struct stand *s, const char *backend)
{
    const struct quantity none = unknown(NULL);
    const struct quantity plenty = quantity_of(plenty_bytes, ASSUMED, "as much as is needed");
    *s = (struct stand){
        .pool = {{.kind = POOL_MEMORY, .name = "memory"}, {.kind = POOL_DEVICE, .name = "device"}},
        .place = {{.kind = PLACE_CPU}, {.kind = PLACE_GPU, .backend = backend}}};
    for (size_t i = 0; i < PLACES; i++) {
        s->pool[i].total_bytes = s->pool[i].usable_bytes = plenty;
        s->place[i].pool = (uint16_t)i;
        s->place[i].threads = s->place[i].limit_bytes = s->place[i].power_w = none;
    }
    s->machine = (struct machine){
        .pool = s->pool, .pools = PLACES, .place = s->place, .places = PLACES, .facts = &s->facts};
}

static struct estimate of_site(const struct site *s)
{
    return (struct estimate){s->held_bytes.low + s->beside_bytes, site_needs(s), site_needs_most(s),
                             s->held_bytes.origin, s->held_bytes.source};
}

/* Weights and cache that one token reads. */
static double token_bytes(const struct bill *b)
{
    double bytes = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == DECODE && b->line[i].bytes > 0) bytes += b->line[i].bytes;
    return bytes;
}

void judge_need(const struct task *t, const struct world *w, const char *backend, struct needs *out)
{
    struct stand s;
    struct verdict v;
    const struct seats seats = {.place = {0, 1}};
    const double layers = t->model->shape->layers + 1;
    *out = (struct needs){.vram_about = backend};
    stand_make(&s, backend);
    judge_split(t, &s.machine, w, &split_host, &seats, &v);
    if (v.bill.unruled) {
        out->why = v.bill.unruled;
        return;
    }
    out->ram_bytes = of_site(&v.site[ON_HOST]);
    out->token_bytes = token_bytes(&v.bill);
    out->disk_bytes = t->model->weight_bytes;
    struct split all = {.sites = PLACES, .layers = {0, layers}};
    all.rules[1] = judge_site_rules(w, backend);
    judge_split(t, &s.machine, w, &all, &seats, &v);
    out->beside_bytes = of_site(&v.site[ON_HOST]);
    out->vram_bytes = of_site(&v.site[1]);
}

double need_least(struct estimate e)
{
    return estimate_known(e) ? e.likely : (double)NAN;
}

double need_with_spare(struct estimate e, double spare_share)
{
    return estimate_known(e) ? e.high / (1 - spare_share) : (double)NAN;
}

double need_bytes_per_s(const struct needs *n, double tokens_per_s)
{
    return n->token_bytes > 0 ? n->token_bytes * tokens_per_s : (double)NAN;
}
