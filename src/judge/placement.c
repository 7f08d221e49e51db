/* The search for a placement: candidates are splits and the places of their sites (search.h). How many layers go on devices, or how many
 * layers' experts stay off them, is found by halving; those that fit are priced, and the fastest is judged as the task asks to be.
 * Left out: splits of single matrices over devices (rows, tensors), experts of other layers than the first, layers in another order
 * than the devices'. */
#include "judge/placement.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "judge/search.h"
#include "machine/facts.h"
#include "model/digest.h"

enum { STEPS_MOST = 12 };

/* ---- devices */

/* A part of the CPU's chip, whether it works in the host's memory or in some that was set aside of it. */
static bool integrated(const struct machine *m, size_t place)
{
    const struct place *p = &m->place[place];
    const char *kind = m->facts && p->gpu < m->facts->gpus ? m->facts->gpu[p->gpu].kind : NULL;
    return p->pool == machine_cpu(m)->pool || (kind && strcmp(kind, GPU_INTEGRATED) == 0);
}

/* What no backend is known for cannot compute; only what a card's name does not tell may have one. */
static bool can_compute(const struct place *p)
{
    return p->kind == PLACE_GPU && (p->backend || !p->part);
}

size_t placement_devices(const struct machine *m, uint16_t place[SITES - 1])
{
    bool own = false;
    size_t n = 0;
    for (size_t i = 0; i < m->places; i++)
        own = own || (can_compute(&m->place[i]) && !integrated(m, i));
    for (size_t i = 0; i < m->places && n < DEVICES; i++) {
        const struct place *p = &m->place[i];
        if (!can_compute(p) || (own && integrated(m, i))) continue;
        if (known(m->pool[p->pool].usable_bytes, NULL)) place[n++] = (uint16_t)i;
    }
    return n;
}

static void add_device(struct search *s, uint16_t place)
{
    const struct place *p = &s->machine->place[place];
    const struct rate *read = machine_place_rate(s->machine, place, WORK_READ_BYTES);
    const double usable = known_or(s->machine->pool[p->pool].usable_bytes, 0);
    s->device[s->devices++] =
        (struct usable_device){.place = place,
                               .pool = p->pool,
                               .usable_bytes = least(usable, known_or(p->limit_bytes, usable)),
                               .read_per_s = read ? read->per_s.likely : 0};
}

static bool goes_before(const struct usable_device *a, const struct usable_device *b, bool by_speed)
{
    if (by_speed && a->read_per_s != b->read_per_s) return a->read_per_s > b->read_per_s;
    if (a->usable_bytes != b->usable_bytes) return a->usable_bytes > b->usable_bytes;
    return a->read_per_s > b->read_per_s;
}

static void order(const struct search *s, bool by_speed, int out[DEVICES])
{
    for (int i = 0; i < s->devices; i++) {
        int at = i;
        while (at > 0 && goes_before(&s->device[i], &s->device[out[at - 1]], by_speed)) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = i;
    }
}

/* ---- candidates */

/* `count` devices, the first of an order, as sites in the machine's order. */
static struct candidate on(const struct search *s, const int *best, int count, enum way way)
{
    struct candidate c = {.way = way, .split = {.sites = 1 + count}};
    c.seats.place[ON_HOST] = (uint16_t)(machine_cpu(s->machine) - s->machine->place);
    int site = 1;
    for (int i = 0; i < s->devices; i++)
        for (int k = 0; k < count; k++)
            if (best[k] == i) c.seats.place[site++] = s->device[i].place;
    c.split.host_experts = isnan(s->fixed_experts) ? 0 : s->fixed_experts;
    c.split.host_cache = way == CACHE_ON_HOST || s->knobs.kv_offload == (double)OFFLOAD_OFF;
    search_set_rules(s, &c);
    return c;
}

static bool same(const struct candidate *a, const struct candidate *b)
{
    if (a->split.sites != b->split.sites || a->split.host_experts != b->split.host_experts ||
        a->split.host_cache != b->split.host_cache)
        return false;
    for (int i = 0; i < a->split.sites; i++)
        if (a->seats.place[i] != b->seats.place[i] || a->split.layers[i] != b->split.layers[i])
            return false;
    return true;
}

/* Kept where the host has room too; of the others only the one that takes most off it. */
static bool keep(struct search *s, struct candidate *c)
{
    cost_bill(&s->quick, &c->split, &s->bill);
    c->host_fits = search_host_fits(s, c);
    if (!c->host_fits) {
        if (!s->near || search_on_devices(c) > search_on_devices(&s->nearest)) s->nearest = *c;
        s->near = true;
        return false;
    }
    for (size_t i = 0; i < s->founds; i++)
        if (same(&s->found[i], c)) return true;
    if (s->founds < CANDIDATES) s->found[s->founds++] = *c;
    return true;
}

static double layers_most(const struct search *s)
{
    return isnan(s->fixed_layers) ? s->layers : s->fixed_layers;
}

/* As many layers as asked, or all of them, on these devices. */
static bool try_whole(struct search *s, const int *best, int count)
{
    struct candidate c = on(s, best, count, ALL_ON_DEVICES);
    if (!search_deal(s, &c, layers_most(s)) || !keep(s, &c)) return false;
    if (search_lean(s, &c)) (void)keep(s, &c);
    return true;
}

/* Of 1..most the number nearest to `most` that fits; 0: none. up: more is harder to fit, else easier. */
static bool halve(struct search *s, struct candidate *c, double whole, bool experts)
{
    double good = experts ? whole + 1 : 0, bad = experts ? 0 : whole + 1;
    struct candidate best = *c;
    while (fabs(good - bad) > 1) {
        struct candidate try = *c;
        const double middle = floor((good + bad) / 2);
        if (experts) try.split.host_experts = middle;
        if (search_deal(s, &try, experts ? layers_most(s) : middle)) {
            good = middle;
            best = try;
        } else {
            bad = middle;
        }
    }
    *c = best;
    return experts ? good <= whole : good > 0;
}

static double expert_layers(const struct digest *m)
{
    double n = 0;
    for (size_t i = 0; i < m->kinds; i++)
        if (m->kind[i].experts) n += m->kind[i].layers;
    return n;
}

static bool try_experts(struct search *s, const int *best, int count)
{
    struct candidate c = on(s, best, count, EXPERTS_ON_HOST);
    if (!s->experts || !isnan(s->fixed_experts)) return false;
    return halve(s, &c, s->layers - 1, true) && keep(s, &c);
}

static bool try_layers(struct search *s, const int *best, int count, bool without_experts)
{
    struct candidate c = on(s, best, count, LAYERS_ON_HOST);
    if (!isnan(s->fixed_layers)) return false;
    if (without_experts) c.split.host_experts = s->layers - 1;
    return halve(s, &c, s->layers, false) && keep(s, &c);
}

static bool try_cache(struct search *s, const int *best, int count)
{
    struct candidate c = on(s, best, count, CACHE_ON_HOST);
    if (s->knobs.kv_offload != (double)OFFLOAD_AUTO) return false;
    return search_deal(s, &c, layers_most(s)) && keep(s, &c);
}

static void try_in_parts(struct search *s, const int *best, int count)
{
    const bool experts = try_experts(s, best, count);
    (void)try_layers(s, best, count, false);
    if (s->experts && isnan(s->fixed_experts) && !experts) (void)try_layers(s, best, count, true);
    (void)try_cache(s, best, count);
}

/* Everything on one device; on as few as hold it where that is not the fastest, which may take a part. */
static bool try_all_on_devices(struct search *s)
{
    bool fastest = false, alone = false, found = false;
    for (int i = 0; i < s->devices; i++) {
        alone = try_whole(s, &s->by_speed[i], 1) || alone;
        fastest = fastest || (i == 0 && alone);
    }
    for (int n = 2; n <= s->devices && !found && !fastest; n++) {
        found = try_whole(s, s->by_speed, n);
        found = try_whole(s, s->by_size, n) || found;
    }
    return found || alone;
}

static void look(struct search *s)
{
    s->founds = 0;
    if (search_shares_given(s)) {
        if (!try_whole(s, s->by_speed, s->devices)) try_in_parts(s, s->by_speed, s->devices);
        return;
    }
    if (try_all_on_devices(s)) return;
    for (int n = 1; n <= s->devices; n++) {
        try_in_parts(s, s->by_speed, n);
        try_in_parts(s, s->by_size, n);
    }
}

/* ---- the best of them */

static const double as_fast = 1.01; /* what differs by less is decided by the order of preference */
static const double worth_a_device = 1.1; /* to gain less, no other device is taken */

static bool faster(struct estimate a, struct estimate b, double by)
{
    return estimate_known(a) && estimate_known(b) && a.likely > b.likely * by;
}

/* More devices must be worth it where fewer hold everything too. */
static double worth(const struct candidate *a, const struct candidate *b)
{
    const bool whole = a->way == ALL_ON_DEVICES && b->way == ALL_ON_DEVICES;
    return whole && a->split.sites > b->split.sites ? worth_a_device : as_fast;
}

static bool better(const struct candidate *a, const struct candidate *b)
{
    if (faster(a->decode_per_s, b->decode_per_s, worth(a, b))) return true;
    if (faster(b->decode_per_s, a->decode_per_s, worth(b, a))) return false;
    if (worth(a, b) > as_fast) return false;
    if (worth(b, a) > as_fast) return true;
    if (faster(a->prefill_per_s, b->prefill_per_s, as_fast)) return true;
    if (faster(b->prefill_per_s, a->prefill_per_s, as_fast)) return false;
    if (a->way != b->way) return a->way < b->way;
    if (search_on_devices(a) != search_on_devices(b))
        return search_on_devices(a) > search_on_devices(b);
    return a->split.host_experts < b->split.host_experts;
}

static void price(struct search *s, struct candidate *c, struct verdict *scratch)
{
    judge_split(&s->quick, s->machine, s->world, &c->split, &c->seats, scratch);
    c->decode_per_s = scratch->decode_per_s;
    c->prefill_per_s = scratch->prefill_per_s;
}

/* One step away from what did not fit: a layer to a device with room, else back to the host. */
static bool give_way(struct search *s, struct candidate *c, const struct verdict *v)
{
    double spare[SITES] = {0};
    bool device = false;
    for (int i = 1; i < v->split.sites; i++) {
        spare[i] = v->site[i].usable_bytes - site_needs_most(&v->site[i]);
        device = device || spare[i] < 0;
    }
    if (!device || search_shares_given(s)) return false;
    cost_bill(&s->quick, &c->split, &s->bill);
    if (c->split.sites > 2 && search_move_layers(s, c, spare)) return true;
    if (s->experts && isnan(s->fixed_experts) && c->split.host_experts < s->layers - 1) {
        c->split.host_experts++;
        return true;
    }
    if (!isnan(s->fixed_layers)) return false;
    int fullest = 1;
    for (int i = 2; i < c->split.sites; i++)
        if (spare[i] < spare[fullest]) fullest = i;
    if (c->split.layers[fullest] <= 1) return false;
    c->split.layers[fullest]--;
    search_line_up(s, c);
    return true;
}

static bool settle(struct search *s, struct candidate *c, enum fits worst, struct verdict *out)
{
    for (int i = 0; i < STEPS_MOST; i++) {
        judge_split(s->asked, s->machine, s->world, &c->split, &c->seats, out);
        if (out->fits <= worst || out->fits >= FITS_UNKNOWN) return true;
        if (!give_way(s, c, out)) return false;
    }
    return false;
}

/* The fastest of what was found that also fits when judged as asked. */
static bool take_best(struct search *s, enum fits worst, struct verdict *out)
{
    for (size_t i = 0; i < s->founds; i++) price(s, &s->found[i], out);
    while (s->founds) {
        size_t best = 0;
        for (size_t i = 1; i < s->founds; i++)
            if (better(&s->found[i], &s->found[best])) best = i;
        if (settle(s, &s->found[best], worst, out)) return true;
        s->found[best] = s->found[--s->founds];
    }
    return false;
}

static void add_host(struct search *s)
{
    struct candidate c = {.way = NONE_ON_DEVICES, .split = split_host};
    c.seats.place[ON_HOST] = (uint16_t)(machine_cpu(s->machine) - s->machine->place);
    if (isnan(s->fixed_layers)) (void)keep(s, &c);
}

/* What was asked for and does not fit, or what comes nearest to fitting. */
static void take_nearest(struct search *s, struct verdict *out)
{
    struct candidate c = s->nearest;
    if (!isnan(s->fixed_layers) || search_shares_given(s)) {
        c = on(s, s->by_speed, s->devices, LAYERS_ON_HOST);
        (void)search_deal(s, &c, least(most(layers_most(s), s->devices), s->layers));
    } else if (!s->near) {
        c = (struct candidate){.split = split_host};
        c.seats.place[ON_HOST] = (uint16_t)(machine_cpu(s->machine) - s->machine->place);
    }
    judge_split(s->asked, s->machine, s->world, &c.split, &c.seats, out);
}

/* What the process may take beyond what is likely, and whether there is a bill at all. */
static bool weigh_host(struct search *s, struct verdict *scratch)
{
    const struct seats host = {.place = {(uint16_t)(machine_cpu(s->machine) - s->machine->place)}};
    judge_split(&s->quick, s->machine, s->world, &split_host, &host, scratch);
    if (scratch->bill.unruled) return false;
    const struct site *site = &scratch->site[ON_HOST];
    s->host_more_bytes = site->beside_most_bytes - site->beside_bytes;
    return true;
}

/* A count as asked for, at most `all`; NaN: free. */
static double given(double asked, double all)
{
    if (asked == (double)KNOB_AUTO) return (double)NAN;
    return asked < 0 ? all : least(asked, all);
}

bool placement_find(const struct task *t, const struct machine *m, const struct world *w,
                    struct verdict *out)
{
    const struct generate *g = t->knobs;
    uint16_t place[DEVICES];
    const size_t places = g->gpu_layers == 0 ? 0 : placement_devices(m, place);
    if (!places) return false;
    struct search s = {.asked = t, .knobs = *g, .machine = m, .world = w};
    s.knobs.closed_form = true;
    s.quick = (struct task){t->kind, t->model, &s.knobs};
    s.layers = t->model->shape->layers + 1;
    s.experts = expert_layers(t->model) > 0;
    s.fixed_layers = given(g->gpu_layers, s.layers);
    s.fixed_experts = given(g->cpu_moe, s.layers - 1);
    if (!weigh_host(&s, out)) return false;
    for (size_t i = 0; i < places; i++) add_device(&s, place[i]);
    order(&s, true, s.by_speed);
    order(&s, false, s.by_size);
    for (int wary = 1; wary >= 0; wary--) {
        s.wary = wary;
        look(&s);
        add_host(&s);
        if (take_best(&s, wary ? FITS : FITS_PROBABLY, out)) return true;
    }
    take_nearest(&s, out);
    return true;
}
