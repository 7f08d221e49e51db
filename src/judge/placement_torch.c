/* What lies where under the runtimes that take weights as published. transformers: everything on the fastest card that holds it, else
 * dealt over all cards and the host as accelerate does with device_map="auto", else on the CPU alone; what surely fits goes before what
 * probably does. vLLM: an even share on as few of the first cards as hold it, of each of which it takes a share whatever the model
 * needs. Left out: device maps of the user's own, layers on disk, vLLM's pipelines over cards. */
#include "judge/placement.h"

#include <string.h>

#include "base/num.h"
#include "cost/device_map.h"
#include "cost/runtime.h"
#include "cost/vllm.h"
#include "model/digest.h"

enum { CARDS = SITES - 1 };

size_t placement_cards(const struct machine *m, uint16_t place[SITES - 1])
{
    uint16_t all[CARDS];
    size_t n = 0;
    const size_t devices = placement_devices(m, all);
    for (size_t i = 0; i < devices; i++) {
        const struct place *p = &m->place[all[i]];
        const bool own = m->pool[p->pool].kind == POOL_DEVICE;
        const bool torch =
            p->backend && (strcmp(p->backend, "CUDA") == 0 || strcmp(p->backend, "ROCm") == 0);
        if (own && torch) place[n++] = all[i];
    }
    return n;
}

struct torch {
    const struct task *task;
    const struct generate *g;
    const struct machine *machine;
    const struct world *world;
    uint16_t card[CARDS];
    size_t cards;
};

/* A split over cards, in this order, with nothing dealt yet. */
static struct split over(const struct torch *t, const uint16_t *card, size_t cards,
                         struct seats *at)
{
    struct split s = {.sites = 1 + (int)cards};
    at->place[ON_HOST] = (uint16_t)(machine_cpu(t->machine) - t->machine->place);
    for (size_t i = 0; i < cards; i++) {
        at->place[i + 1] = card[i];
        s.rules[i + 1] = judge_site_rules(t->world, t->machine->place[card[i]].backend);
    }
    return s;
}

static void judge_host(const struct torch *t, struct verdict *out)
{
    struct seats at;
    (void)over(t, NULL, 0, &at);
    judge_split(t->task, t->machine, t->world, &split_host, &at, out);
}

static double layers_of(const struct torch *t)
{
    return t->task->model->shape->layers + 1;
}

/* ---- transformers */

static void judge_one_card(const struct torch *t, uint16_t card, struct verdict *out)
{
    struct seats at;
    struct split s = over(t, &card, 1, &at);
    s.layers[1] = layers_of(t);
    judge_split(t->task, t->machine, t->world, &s, &at, out);
}

static double read_rate(const struct torch *t, uint16_t card)
{
    const struct rate *r = machine_place_rate(t->machine, card, WORK_READ_BYTES);
    return r ? r->per_s.likely : 0;
}

/* The fastest card that holds everything. */
static bool best_card(const struct torch *t, enum fits worst, struct verdict *out)
{
    int best = -1;
    for (size_t i = 0; i < t->cards; i++) {
        if (best >= 0 && read_rate(t, t->card[i]) <= read_rate(t, t->card[best])) continue;
        judge_one_card(t, t->card[i], out);
        if (out->fits <= worst) best = (int)i;
    }
    if (best >= 0) judge_one_card(t, t->card[best], out);
    return best >= 0;
}

/* Sites' layers from accelerate's dealing; the output goes behind the last layer. */
static void deal(const struct mapped_layers *x, struct split *s)
{
    double first = 0;
    int last = 1;
    for (int i = 1; i < s->sites; i++) {
        s->first_layer[i] = first;
        s->layers[i] = x->layers[i];
        first += x->layers[i];
        if (x->layers[i] > 0) last = i;
    }
    s->first_layer[ON_HOST] = first;
    s->layers[ON_HOST] = x->layers[ON_HOST];
    s->layers[x->layers[ON_HOST] > 0 ? ON_HOST : last] += 1;
}

/* Dealt into so much of each site; bitsandbytes' packed layers do not go to the host (transformers' quantizers refuse it). */
static bool judge_dealt(const struct torch *t, const double *free_bytes, struct verdict *out)
{
    struct seats at;
    const struct digest *m = t->task->model;
    struct split s = over(t, t->card, t->cards, &at);
    struct mapped_layers x = {.value_bytes =
                                  transformers_weight_bytes(m, t->g) / most(m->parameters, 1),
                              .sites = s.sites};
    for (int i = 0; i < s.sites; i++) x.free_bytes[i] = most(free_bytes[i], 0);
    if (!device_map_auto(m, &x) || x.on_disk > 0) return false;
    if (x.layers[ON_HOST] > 0 && t->g->dtype >= (double)DTYPE_INT8) return false;
    deal(&x, &s);
    judge_split(t->task, t->machine, t->world, &s, &at, out);
    return true;
}

static double weights_at(const struct verdict *v, int site)
{
    double sum = 0;
    for (size_t i = 0; i < v->bill.lines; i++)
        if (v->bill.line[i].site == site && strcmp(v->bill.line[i].term->group, "weights") == 0)
            sum += v->bill.line[i].amount;
    return sum;
}

/* accelerate counts weights alone: what a card lacks for the rest is kept off it, as max_memory would. */
static bool judge_map(const struct torch *t, enum fits worst, struct verdict *out)
{
    enum { TRIES = 8 };
    const double one_card_share = 0.9; /* that accelerate fills: cost/device_map.c */
    const double just_less = 0.99;
    double free_bytes[SITES] = {0};
    free_bytes[ON_HOST] = known_or(machine_memory(t->machine)->usable_bytes, 0);
    for (size_t i = 0; i < t->cards; i++)
        free_bytes[i + 1] =
            known_or(t->machine->pool[t->machine->place[t->card[i]].pool].usable_bytes, 0);
    for (int k = 0; k < TRIES; k++) {
        if (!judge_dealt(t, free_bytes, out)) return false;
        if (out->fits <= worst) return true;
        for (int i = 1; i < out->split.sites; i++) {
            const double over = site_needs_most(&out->site[i]) - out->site[i].usable_bytes;
            const double room = (weights_at(out, i) - over) / (t->cards > 1 ? 1 : one_card_share);
            if (over > 0) free_bytes[i] = least(free_bytes[i] * just_less, room);
        }
    }
    return false;
}

static void place_transformers(const struct torch *t, struct verdict *out)
{
    judge_host(t, out);
    if (out->bill.unruled || t->g->gpu_layers == 0 || !t->cards) return;
    if (best_card(t, FITS, out) || judge_map(t, FITS, out)) return;
    judge_host(t, out);
    if (out->fits == FITS) return;
    if (best_card(t, FITS_PROBABLY, out) || judge_map(t, FITS_PROBABLY, out)) return;
    judge_host(t, out);
}

/* ---- vLLM */

static void judge_shares(const struct torch *t, size_t cards, struct verdict *out)
{
    struct seats at;
    struct split s = over(t, t->card, cards, &at);
    double total = (double)INFINITY, available = (double)INFINITY;
    for (size_t i = 0; i < cards; i++) {
        const struct pool *pool = &t->machine->pool[t->machine->place[t->card[i]].pool];
        total = least(total, known_or(pool->total_bytes, 0));
        available = least(available, known_or(pool->usable_bytes, 0));
        s.layers[i + 1] = layers_of(t) / (double)cards;
    }
    judge_split(t->task, t->machine, t->world, &s, &at, out);
    const double share = vllm_utilization(total, available) * total;
    for (size_t i = 0; i < cards && !out->bill.unruled; i++)
        judge_narrow(out, (int)i + 1, share, "the share of it that vLLM takes");
}

static void place_vllm(const struct torch *t, struct verdict *out)
{
    if (!t->cards || t->g->gpu_layers == 0) {
        judge_host(t, out);
        return;
    }
    for (size_t n = 1; n <= t->cards; n *= 2) {
        judge_shares(t, n, out);
        if (out->fits <= FITS_PROBABLY) return;
    }
    if (out->bill.unruled) judge_shares(t, 1, out);
}

bool placement_torch(const struct task *t, const struct machine *m, const struct world *w,
                     struct verdict *out)
{
    struct torch all = {.task = t, .g = t->knobs, .machine = m, .world = w};
    if (!runtime_of(all.g)->published) return false;
    all.cards = placement_cards(m, all.card);
    if (all.g->runtime == (double)RUNTIME_VLLM)
        place_vllm(&all, out);
    else
        place_transformers(&all, out);
    return true;
}
