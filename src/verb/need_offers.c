/* Which accelerators, CPUs and machines for rent of the catalogue hold a model and reach its speed: each is made into a machine by a
 * machine line and judged like any other. Of an accelerator one, two and four are tried, the fewest that reach most count. Of a chip that
 * shares the machine's memory, and of a CPU, the least memory of the machine is told, up to the most that it comes with. An instance
 * without accelerator gets its share, by threads, of what its processor is listed for. Left out: what is retired. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "judge/ranker.h"
#include "verb/for_rent.h"

#define GiB 1073741824.0

struct trying {
    const struct context *in;
    const struct world *world;
    const struct need *need;
    struct offers *out;
    struct verdict *verdict; /* of the last judgement */
    enum short_of short_of;  /* what the last one lacked */
};

/* What a machine lacks for what a case asks; on its devices alone where it has any. */
static enum short_of lacks(struct trying *t, const struct need_case *c, const struct machine *m,
                           struct estimate *per_s)
{
    struct verdict *v = t->verdict;
    struct generate g = c->asked.knobs;
    const struct task task = {c->asked.task.kind, c->asked.task.model, &g};
    g.gpu_layers = KNOB_ALL;
    g.cpu_moe = 0;
    g.kv_offload = OFFLOAD_ON;
    judge_task(&task, machine_spared(m, c->spare_share, t->in->arena), t->world, v);
    if (v->fits > (c->spare_share > 0 ? FITS : FITS_PROBABLY)) return SHORT_OF_MEMORY;
    if (m->places > 1 && !verdict_all_on_devices(v)) return SHORT_OF_MEMORY;
    *per_s = v->decode_per_s;
    if (isnan(c->least_per_s)) return SHORT_OF_NOTHING;
    if (!estimate_known(*per_s)) return SHORT_OF_RATES;
    return per_s->likely >= c->least_per_s ? SHORT_OF_NOTHING : SHORT_OF_SPEED;
}

static void add(struct trying *t, const struct offer *offer)
{
    struct offers *o = t->out;
    size_t at = o->offers++;
    for (; at > 0; at--) {
        const struct offer *x = &o->offer[at - 1];
        if (x->level != offer->level                 ? x->level > offer->level
            : isnan(x->usd) != isnan(offer->usd)     ? !isnan(x->usd)
            : !isnan(x->usd) && x->usd != offer->usd ? x->usd < offer->usd
            : x->memory_bytes != offer->memory_bytes ? x->memory_bytes < offer->memory_bytes
                                                     : !(x->per_s.likely > offer->per_s.likely))
            break;
        o->offer[at] = *x;
    }
    o->offer[at] = *offer;
}

/* The offer as it stands on that machine, at the best level it reaches, and what it lacks for a better one. */
static bool try_machine(struct trying *t, const struct machine *m, enum need_level least,
                        struct offer *offer)
{
    t->short_of = SHORT_OF_BACKEND;
    if (!m || !has_backends(m)) return false;
    offer->short_of = SHORT_OF_NOTHING;
    for (int level = NEED_LEVELS - 1; level >= (int)least; level--) {
        offer->level = (enum need_level)level;
        t->short_of = lacks(t, &t->need->level[level], m, &offer->per_s);
        if (t->short_of == SHORT_OF_NOTHING) return true;
        offer->short_of = t->short_of;
    }
    return false;
}

static void leave_out(struct trying *t)
{
    t->out->without[t->short_of]++;
}

static void try_gpu(struct trying *t, const struct gpu_part *g)
{
    static const double counts[] = {1, 2, 4};
    struct offer best = {.count = 0};
    const struct need_case *most = &t->need->level[NEED_RECOMMENDED];
    const double ram_gib = ceil(most->beside_bytes * 4 / GiB) + 64;
    t->short_of = SHORT_OF_MEMORY;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        const double bytes = g->memory_gib * GiB * counts[i];
        if (bytes < need_least(t->need->level[NEED_MINIMUM].needs.vram_bytes)) continue;
        struct offer o = {.name = g->name,
                          .count = counts[i],
                          .usd = g->typical_street_price_usd * counts[i],
                          .usd_date = g->street_price_date,
                          .memory_bytes = bytes};
        const char *line = str_format(t->in->arena, "cpu:8 ram:%.0fGiB gpu:%s x%.0f", ram_gib,
                                      line_name(g), counts[i]);
        const enum need_level least = best.count > 0 ? NEED_RECOMMENDED : NEED_MINIMUM;
        if (!try_machine(t, machine_of_words(t->in, t->world, line), least, &o)) continue;
        best = o;
        if (o.level == NEED_RECOMMENDED) break;
    }
    if (best.count > 0)
        add(t, &best);
    else
        leave_out(t);
}

static const struct machine *sharing(const struct trying *t, const struct gpu_part *g, double gib)
{
    return machine_of_words(t->in, t->world,
                            str_format(t->in->arena, "cpu:8 ram:%.0fGiB available:%.0fGiB gpu:%s",
                                       gib, gib - system_gib, line_name(g)));
}

/* The best level that it reaches with all the memory it comes with, and the least memory for that. */
static void try_shared(struct trying *t, const struct gpu_part *g)
{
    struct offer o = {.name = g->name,
                      .count = 1,
                      .usd = g->typical_street_price_usd,
                      .usd_date = g->street_price_date};
    t->short_of = SHORT_OF_MEMORY;
    if (!(g->memory_gib > system_gib) ||
        !try_machine(t, sharing(t, g, floor(g->memory_gib)), NEED_MINIMUM, &o)) {
        leave_out(t);
        return;
    }
    const enum short_of at_most = o.short_of;
    double least_gib = system_gib, enough_gib = floor(g->memory_gib);
    while (enough_gib - least_gib > 1) {
        const double gib = floor((least_gib + enough_gib) / 2);
        struct offer less = o;
        if (try_machine(t, sharing(t, g, gib), o.level, &less))
            enough_gib = gib;
        else
            least_gib = gib;
    }
    (void)try_machine(t, sharing(t, g, enough_gib), o.level, &o);
    o.short_of = at_most;
    o.memory_bytes = enough_gib * GiB;
    o.most_bytes = g->memory_gib * GiB;
    add(t, &o);
}

/* At each level with the memory that it takes there. */
static void try_cpu(struct trying *t, const struct cpu_part *c)
{
    struct offer o = {.name = c->name, .count = 1, .usd = (double)NAN};
    t->short_of = SHORT_OF_BACKEND;
    for (int level = NEED_LEVELS - 1; level >= 0; level--) {
        const double gib = ceil(t->need->level[level].ram_bytes / GiB) + system_gib;
        const enum short_of better = o.short_of;
        const char *line = str_format(t->in->arena, "cpu:%s ram:%.0fGiB available:%.0fGiB", c->name,
                                      gib, gib - system_gib);
        o.memory_bytes = gib * GiB;
        if (c->max_memory_gib < gib)
            t->short_of = SHORT_OF_MEMORY;
        else if (try_machine(t, machine_of_words(t->in, t->world, line), (enum need_level)level,
                             &o)) {
            if (level < NEED_LEVELS - 1) o.short_of = better;
            add(t, &o);
            return;
        }
        o.short_of = t->short_of;
    }
    leave_out(t);
}

static void try_cloud(struct trying *t, const struct cloud_part *c)
{
    if (c->retired) {
        t->out->retired++;
        return;
    }
    struct offer o = {.name = c->provider ? str_format(t->in->arena, "%s %s", c->provider, c->name)
                                          : c->name,
                      .count = 1,
                      .usd = c->usd_per_hour,
                      .usd_date = c->price_date};
    const struct renting from = {t->in, t->world, t->need->level[NEED_RECOMMENDED].beside_bytes};
    if (try_machine(t, machine_for_rent(&from, c, &o), NEED_MINIMUM, &o))
        add(t, &o);
    else
        leave_out(t);
}

bool need_offers(const struct context *in, const struct world *w, struct need *n,
                 struct mu_err *err)
{
    const struct gpu_part *gpu;
    const struct cpu_part *cpu;
    const struct cloud_part *cloud;
    size_t gpus, cpus, clouds;
    if (!catalog_gpus(in->catalog, &gpu, &gpus, err) ||
        !catalog_cpus(in->catalog, &cpu, &cpus, err) ||
        !catalog_clouds(in->catalog, &cloud, &clouds, err))
        return false;
    const size_t room[OFFER_KINDS] = {gpus, gpus, cpus, clouds};
    for (int k = 0; k < OFFER_KINDS; k++)
        n->of[k].offer = NEW_ARRAY(in->arena, struct offer, room[k]);
    struct trying t = {.in = in,
                       .world = w,
                       .need = n,
                       .out = &n->of[OFFER_GPU],
                       .verdict = NEW(in->arena, struct verdict)};
    for (size_t i = 0; i < gpus; i++)
        if (!gpu[i].unified_memory) try_gpu(&t, &gpu[i]);
    t.out = &n->of[OFFER_SHARED];
    for (size_t i = 0; i < gpus; i++)
        if (gpu[i].unified_memory) try_shared(&t, &gpu[i]);
    t.out = &n->of[OFFER_CPU];
    for (size_t i = 0; i < cpus; i++) try_cpu(&t, &cpu[i]);
    t.out = &n->of[OFFER_CLOUD];
    for (size_t i = 0; i < clouds; i++) try_cloud(&t, &cloud[i]);
    return true;
}
