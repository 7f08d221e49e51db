/* Which accelerators, CPUs and machines for rent of the catalogue hold a model and reach its speed: each is made into a machine by a
 * machine line and judged like any other. Of an accelerator one, two and four are tried, the fewest that reach most count. Left out:
 * accelerators that share the machine's memory (muster fit --machine sizes those), instances without any, what is retired. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "judge/ranker.h"
#include "verb/need.h"

#define GiB 1073741824.0

struct trying {
    const struct context *in;
    const struct world *world;
    const struct need *need;
    struct offers *out;
    struct verdict *verdict; /* of the last judgement */
    bool speed_missing;      /* the last one would do, were its speed known */
};

static const struct machine *machine_of(const struct trying *t, const char *line)
{
    const struct looking in = {
        .root = t->in->root, .catalog = t->in->catalog, .arena = t->in->arena};
    const struct machine *m = NULL;
    struct mu_err ignored = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &m, &ignored)) return NULL;
    return judge_typical(m, t->world, t->in->arena);
}

/* llama.cpp runs on all of its accelerators. */
static bool has_backends(const struct machine *m)
{
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].kind == PLACE_GPU && !m->place[i].backend) return false;
    return true;
}

/* Whether a machine does what a case asks; on its devices alone where it has any. */
static bool reaches(struct trying *t, const struct need_case *c, const struct machine *m,
                    struct estimate *per_s)
{
    struct verdict *v = t->verdict;
    struct generate g = c->asked.knobs;
    const struct task task = {c->asked.task.kind, c->asked.task.model, &g};
    g.gpu_layers = KNOB_ALL;
    g.cpu_moe = 0;
    g.kv_offload = OFFLOAD_ON;
    judge_task(&task, machine_spared(m, c->spare_share, t->in->arena), t->world, v);
    if (v->fits > (c->spare_share > 0 ? FITS : FITS_PROBABLY)) return false;
    if (m->places > 1 && !verdict_all_on_devices(v)) return false;
    *per_s = v->decode_per_s;
    if (isnan(c->least_per_s)) return true;
    if (estimate_known(*per_s)) return per_s->likely >= c->least_per_s;
    t->speed_missing = true;
    return false;
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
                                                     : x->per_s.likely <= offer->per_s.likely)
            break;
        o->offer[at] = *x;
    }
    o->offer[at] = *offer;
}

/* The offer as it stands on that machine, at the best level it reaches. */
static bool try_machine(struct trying *t, const struct machine *m, enum need_level least,
                        struct offer *offer)
{
    if (!m || !has_backends(m)) return false;
    for (int level = NEED_LEVELS - 1; level >= (int)least; level--) {
        offer->level = (enum need_level)level;
        if (reaches(t, &t->need->level[level], m, &offer->per_s)) return true;
    }
    return false;
}

static void leave_out(struct trying *t)
{
    if (t->speed_missing)
        t->out->speed_unknown++;
    else
        t->out->not_reaching++;
}

static void try_gpu(struct trying *t, const struct gpu_part *g)
{
    static const double counts[] = {1, 2, 4};
    struct offer best = {.count = 0};
    const struct need_case *most = &t->need->level[NEED_RECOMMENDED];
    const double ram_gib = ceil(most->beside_bytes * 4 / GiB) + 64;
    t->speed_missing = false;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        const double bytes = g->memory_gib * GiB * counts[i];
        if (bytes < need_least(t->need->level[NEED_MINIMUM].needs.vram_bytes)) continue;
        struct offer o = {.name = g->name,
                          .count = counts[i],
                          .usd = g->typical_street_price_usd * counts[i],
                          .usd_date = g->street_price_date,
                          .memory_bytes = bytes};
        const char *line =
            str_format(t->in->arena, "cpu:8 ram:%.0fGiB gpu:%s x%.0f", ram_gib, g->name, counts[i]);
        const enum need_level least = best.count > 0 ? NEED_RECOMMENDED : NEED_MINIMUM;
        if (!try_machine(t, machine_of(t, line), least, &o)) continue;
        best = o;
        if (o.level == NEED_RECOMMENDED) break;
    }
    if (best.count > 0)
        add(t, &best);
    else
        leave_out(t);
}

static void try_cpu(struct trying *t, const struct cpu_part *c)
{
    const double bytes = t->need->level[NEED_RECOMMENDED].ram_bytes;
    const double gib = ceil(bytes / GiB) + 1;
    struct offer o = {.name = c->name, .count = 1, .usd = (double)NAN, .memory_bytes = gib * GiB};
    t->speed_missing = false;
    const char *line = str_format(t->in->arena, "cpu:%s ram:%.0fGiB", c->name, gib);
    if (c->max_memory_gib < gib || !try_machine(t, machine_of(t, line), NEED_MINIMUM, &o))
        leave_out(t);
    else
        add(t, &o);
}

static void try_cloud(struct trying *t, const struct cloud_part *c)
{
    const struct gpu_part *gpu;
    if (c->retired) {
        t->out->retired++;
        return;
    }
    if (!c->gpu || !(c->gpu_count > 0) || !(c->ram_gib > 0) ||
        catalog_gpu(t->in->catalog, str_of(c->gpu), c->gpu_memory_gib, &gpu) == MATCH_NONE) {
        t->out->not_reaching++;
        return;
    }
    struct arena *a = t->in->arena;
    struct offer o = {.name = c->provider ? str_format(a, "%s %s", c->provider, c->name) : c->name,
                      .count = 1,
                      .usd = c->usd_per_hour,
                      .usd_date = c->price_date,
                      .memory_bytes = gpu->memory_gib * GiB * c->gpu_count};
    const char *line = str_format(a, "cpu:%.0f ram:%gGiB gpu:%s x%.0f", most(c->vcpus, 1),
                                  c->ram_gib, gpu->name, c->gpu_count);
    t->speed_missing = false;
    if (try_machine(t, machine_of(t, line), NEED_MINIMUM, &o))
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
    const size_t room[OFFER_KINDS] = {gpus, cpus, clouds};
    for (int k = 0; k < OFFER_KINDS; k++)
        n->of[k].offer = NEW_ARRAY(in->arena, struct offer, room[k]);
    struct trying t = {.in = in,
                       .world = w,
                       .need = n,
                       .out = &n->of[OFFER_GPU],
                       .verdict = NEW(in->arena, struct verdict)};
    for (size_t i = 0; i < gpus; i++)
        if (gpu[i].unified_memory || !(gpu[i].memory_gib > 0))
            t.out->shared++;
        else
            try_gpu(&t, &gpu[i]);
    t.out = &n->of[OFFER_CPU];
    for (size_t i = 0; i < cpus; i++) try_cpu(&t, &cpu[i]);
    t.out = &n->of[OFFER_CLOUD];
    for (size_t i = 0; i < clouds; i++) try_cloud(&t, &cloud[i]);
    return true;
}
