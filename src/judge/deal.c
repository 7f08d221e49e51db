/* What a candidate needs at its sites is read off its bill, so that no second formula of memory exists. Layers are dealt over several
 * devices by memory, then moved from where they are too many to where there is room; shares that were given are dealt as llama.cpp deals
 * them (v0.5.0 src/llama-model.cpp). */
#include "judge/search.h"

#include "base/num.h"
#include "machine/machine.h"

enum { MOVES_MOST = 24 };

/* ---- what a candidate needs */

/* Bytes that one site needs, as the last bill says. */
static double needs(const struct search *s, const struct candidate *c, int site)
{
    double own = 0, beside = 0;
    for (size_t i = 0; i < s->bill.lines; i++) {
        const struct line *l = &s->bill.line[i];
        if (l->phase != HELD || l->site != site) continue;
        if (l->held_as == HELD_OWN) own += l->amount;
        if (l->held_as == HELD_PROCESS) beside += l->amount;
    }
    if (!s->wary) return own + beside;
    const struct site_rules *rules = c->split.rules[site];
    if (site == ON_HOST)
        beside += s->host_more_bytes;
    else if (rules)
        beside = most(beside, rules->context_most_bytes);
    const struct residual *r = judge_memory_residual(s->asked, &c->split, site, s->world);
    return own * (r ? most(r->high, 1) : 1) + beside;
}

/* Room left at each device; true when none is too small. The host is not looked at. */
bool search_devices_fit(struct search *s, struct candidate *c, double spare[SITES])
{
    bool fit = true;
    cost_bill(&s->quick, &c->split, &s->bill);
    for (int i = 1; i < c->split.sites; i++) {
        const struct place *p = &s->machine->place[c->seats.place[i]];
        const double pool = known_or(s->machine->pool[p->pool].usable_bytes, 0);
        spare[i] = least(pool, known_or(p->limit_bytes, pool)) - needs(s, c, i);
        fit = fit && spare[i] >= 0;
    }
    return fit;
}

/* Whether the host has room too, with what lies on the same pool; by the last bill. */
bool search_host_fits(const struct search *s, const struct candidate *c)
{
    const struct place *cpu = machine_cpu(s->machine);
    double bytes = needs(s, c, ON_HOST);
    for (int i = 1; i < c->split.sites; i++)
        if (s->machine->place[c->seats.place[i]].pool == cpu->pool) bytes += needs(s, c, i);
    return bytes <= known_or(s->machine->pool[cpu->pool].usable_bytes, (double)INFINITY);
}

/* ---- dealing layers over devices */

double search_on_devices(const struct candidate *c)
{
    double sum = 0;
    for (int i = 1; i < c->split.sites; i++) sum += c->split.layers[i];
    return sum;
}

/* Runs of layers stand in the order of their sites. */
void search_line_up(const struct search *s, struct candidate *c)
{
    double first = s->layers - search_on_devices(c);
    c->split.first_layer[ON_HOST] = 0;
    c->split.layers[ON_HOST] = first;
    for (int i = 1; i < c->split.sites; i++) {
        c->split.first_layer[i] = first;
        first += c->split.layers[i];
    }
}

/* What each device of a candidate holds, and all of them. */
struct memories {
    double usable[SITES], all;
};

static struct memories memories_of(const struct search *s, const struct candidate *c)
{
    struct memories m = {.all = 0};
    for (int i = 1; i < c->split.sites; i++) {
        for (int k = 0; k < s->devices; k++)
            if (s->device[k].place == c->seats.place[i]) m.usable[i] = s->device[k].usable_bytes;
        m.all += m.usable[i];
    }
    return m;
}

/* Layers too few at a device for its share of the memory, in layers times bytes. */
static double misses(const struct candidate *c, const struct memories *m, double layers, int site)
{
    return layers * m->usable[site] - m->all * c->split.layers[site];
}

/* The device that misses most of its share, or has most too many and more than one; 0: none. */
static int next_dealt(const struct candidate *c, const struct memories *m, double layers, bool more)
{
    int best = 0;
    for (int i = 1; i < c->split.sites; i++) {
        if (!more && c->split.layers[i] <= 1) continue;
        const double over = misses(c, m, layers, i) - (best ? misses(c, m, layers, best) : 0);
        if (!best || (more ? over > 0 : over < 0)) best = i;
    }
    return best;
}

/* So many layers by the memory of their devices: each its share, the rest to those that miss most of theirs. */
static void deal_by_memory(const struct search *s, struct candidate *c, double layers)
{
    const struct memories m = memories_of(s, c);
    for (int i = 1; i < c->split.sites; i++)
        c->split.layers[i] = most(floor(m.all > 0 ? layers * m.usable[i] / m.all : 0), 1);
    double rest = layers - search_on_devices(c);
    while (rest != 0) {
        const double step = rest > 0 ? 1 : -1;
        const int site = next_dealt(c, &m, layers, rest > 0);
        if (!site) break;
        c->split.layers[site] += step;
        rest -= step;
    }
    search_line_up(s, c);
}

/* Moves layers from the fullest device to the one with most room; false when that leads nowhere. */
bool search_move_layers(const struct search *s, struct candidate *c, const double spare[SITES])
{
    int from = 0, to = 0;
    for (int i = 1; i < c->split.sites; i++) {
        if (c->split.layers[i] > 1 && spare[i] < 0 && (!from || spare[i] < spare[from])) from = i;
        if (spare[i] > 0 && (!to || spare[i] > spare[to])) to = i;
    }
    if (!from || !to) return false;
    const double each = needs(s, c, from) / c->split.layers[from];
    const double wanted = ceil(-spare[from] / each), room = floor(spare[to] / each);
    const double moved = most(least(least(wanted, room), c->split.layers[from] - 1), 1);
    c->split.layers[from] -= moved;
    c->split.layers[to] += moved;
    search_line_up(s, c);
    return true;
}

/* Shares that were given: llama.cpp puts a layer where its place among those on devices falls into the running sum of the shares. */
static bool deal_by_shares(const struct search *s, struct candidate *c, double layers)
{
    const double *share = s->knobs.tensor_split;
    float sum = 0, until[DEVICES] = {0};
    double dealt[DEVICES] = {0};
    for (int i = 0; i < s->devices; i++) until[i] = sum += (float)share[i];
    if (!(sum > 0)) return false;
    for (int k = 0; k < (int)layers; k++) {
        int at = 0;
        while (at < s->devices - 1 && until[at] / sum <= (float)k / (float)layers) at++;
        dealt[at]++;
    }
    int n = 1;
    for (int i = 0; i < s->devices; i++) {
        if (!(dealt[i] > 0)) continue;
        c->seats.place[n] = s->device[i].place;
        c->split.layers[n++] = dealt[i];
    }
    c->split.sites = n;
    return true;
}

bool search_shares_given(const struct search *s)
{
    for (int i = 0; i < s->devices; i++)
        if (s->knobs.tensor_split[i] > 0) return true;
    return false;
}

static const struct site_rules *rules_of(const struct search *s, uint16_t place)
{
    return judge_site_rules(s->world, s->machine->place[place].backend);
}

void search_set_rules(const struct search *s, struct candidate *c)
{
    for (int i = 1; i < c->split.sites; i++) c->split.rules[i] = rules_of(s, c->seats.place[i]);
}

/* So many layers dealt over the candidate's devices; false when they do not fit there. */
bool search_deal(struct search *s, struct candidate *c, double layers)
{
    double spare[SITES];
    if (search_shares_given(s)) {
        if (!deal_by_shares(s, c, layers)) return false;
        search_line_up(s, c);
        search_set_rules(s, c);
        return search_devices_fit(s, c, spare);
    }
    if (layers < c->split.sites - 1) return false;
    deal_by_memory(s, c, layers);
    for (int i = 0; i < MOVES_MOST; i++) {
        if (search_devices_fit(s, c, spare)) return true;
        if (!search_move_layers(s, c, spare)) return false;
    }
    return false;
}

static double speed_at(const struct search *s, const struct candidate *c, int site)
{
    for (int i = 0; i < s->devices; i++)
        if (s->device[i].place == c->seats.place[site]) return s->device[i].read_per_s;
    return 0;
}

/* As many layers as fit from one site to another; false: not one. */
static bool shift(struct search *s, struct candidate *c, int from, int to)
{
    const struct candidate before = *c;
    double spare[SITES], good = 0, bad = c->split.layers[from];
    while (bad - good > 1) {
        const double moved = floor((good + bad) / 2);
        struct candidate try = before;
        try.split.layers[from] -= moved;
        try.split.layers[to] += moved;
        search_line_up(s, &try);
        if (search_devices_fit(s, &try, spare)) {
            good = moved;
            *c = try;
        } else {
            bad = moved;
        }
    }
    return good > 0;
}

/* Layers moved from slower devices to faster ones that have room left; false: there was nothing to gain. */
bool search_lean(struct search *s, struct candidate *c)
{
    const double unlike = 1.05; /* less makes no difference worth the smaller margin */
    bool moved = false;
    if (search_shares_given(s)) return false;
    for (int from = 1; from < c->split.sites; from++)
        for (int to = 1; to < c->split.sites; to++)
            if (speed_at(s, c, to) > speed_at(s, c, from) * unlike)
                moved = shift(s, c, from, to) || moved;
    return moved;
}
