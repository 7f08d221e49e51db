/* Machines of the catalogue's parts, made by machine lines: those that people rent, and cards in a machine that is said in words. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "verb/for_rent.h"

#define GiB 1073741824.0

const struct machine *machine_of_words(const struct context *in, const struct world *w,
                                       const char *line)
{
    const struct looking looking = {.root = in->root, .catalog = in->catalog, .arena = in->arena};
    const struct machine *m = NULL;
    struct mu_err ignored = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &looking, &m, &ignored)) return NULL;
    return judge_typical(m, w, in->arena);
}

/* What a machine line takes for it: a comma would end the card there. */
const char *line_name(const struct gpu_part *g)
{
    if (!strchr(g->name, ',')) return g->name;
    for (size_t i = 0; i < g->alias_count; i++)
        if (!strchr(g->aliases[i], ',')) return g->aliases[i];
    return g->name;
}

/* llama.cpp runs on all of its accelerators. */
bool has_backends(const struct machine *m)
{
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].kind == PLACE_GPU && !m->place[i].backend) return false;
    return true;
}

/* Of a machine's memory, for the system itself. */
const double system_gib = 1;

/* A machine with some of a processor's threads: that share of its rates, as nobody else may use it. */
static const struct machine *part_of_cpu(const struct renting *t, const struct machine *m,
                                         double share)
{
    if (!m) return NULL;
    struct rate *rate = NEW_ARRAY(t->in->arena, struct rate, m->rates + 1);
    for (size_t i = 0; i < m->rates; i++) {
        struct estimate *e = &rate[i].per_s;
        rate[i] = m->rate[i];
        *e = estimate_of(e->low * share, e->likely * share, e->high * share, e->origin, e->source);
    }
    return machine_with_rates(m, rate, m->rates, t->in->arena);
}

/* One without accelerator; of which processor it is a part nobody may know. */
static const struct machine *rented_cpu(const struct renting *t, const struct cloud_part *c,
                                        struct offer *o)
{
    const struct cpu_part *cpu = c->cpu ? catalog_cpu(t->in->catalog, str_of(c->cpu)) : NULL;
    const bool whole = cpu && cpu->threads > 0 && c->vcpus > 0;
    const double free_gib = c->ram_gib - system_gib;
    o->on_cpu = true;
    o->memory_bytes = c->ram_gib * GiB;
    if (!(free_gib > 0)) return NULL;
    const char *name = whole ? cpu->name : str_format(t->in->arena, "%.0f", most(c->vcpus, 1));
    const struct machine *m = machine_of_words(
        t->in, t->world,
        str_format(t->in->arena, "cpu:%s ram:%gGiB available:%gGiB", name, c->ram_gib, free_gib));
    return whole ? part_of_cpu(t, m, least(c->vcpus / cpu->threads, 1)) : m;
}

/* With RAM that is not listed, enough beside the accelerators. */
const struct machine *machine_for_rent(const struct renting *t, const struct cloud_part *c,
                                       struct offer *o)
{
    const struct gpu_part *gpu;
    if (!c->gpu && !(c->gpu_count > 0)) return rented_cpu(t, c, o);
    if (!c->gpu || !(c->gpu_count > 0) ||
        catalog_gpu(t->in->catalog, str_of(c->gpu), c->gpu_memory_gib, &gpu) == MATCH_NONE)
        return NULL;
    const double beside_gib = t->beside_bytes / GiB;
    o->ram_assumed = !(c->ram_gib > 0);
    o->memory_bytes = gpu->memory_gib * GiB * c->gpu_count;
    return machine_of_words(
        t->in, t->world,
        str_format(t->in->arena, "cpu:%.0f ram:%gGiB gpu:%s x%.0f", most(c->vcpus, 1),
                   o->ram_assumed ? ceil(beside_gib * c->gpu_count) + system_gib : c->ram_gib,
                   line_name(gpu), c->gpu_count));
}
