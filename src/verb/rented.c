/* Machines for rent (data/clouds.json) made into machines by a machine line. One whose RAM nobody lists is taken to have enough beside
 * its cards, which is marked; of a processor that nobody names only the number of threads is known. Left out: who may rent which. */
#include "verb/rented.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "verb/common.h"

#define GiB 1073741824.0

const struct machine *machine_of_line(const struct context *in, const struct world *w,
                                      const char *line)
{
    const struct looking looking = {.root = in->root, .catalog = in->catalog, .arena = in->arena};
    const struct machine *m = NULL;
    struct mu_err ignored = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &looking, &m, &ignored)) return NULL;
    return judge_typical(m, w, in->arena);
}

const char *line_name(const struct gpu_part *g)
{
    if (!strchr(g->name, ',')) return g->name;
    for (size_t i = 0; i < g->alias_count; i++)
        if (!strchr(g->aliases[i], ',')) return g->aliases[i];
    return g->name;
}

/* A machine with some of a processor's threads: that share of its rates, as nobody else may use it. */
static const struct machine *part_of_cpu(const struct machine *m, double share, struct arena *a)
{
    if (!m) return NULL;
    struct rate *rate = NEW_ARRAY(a, struct rate, m->rates + 1);
    for (size_t i = 0; i < m->rates; i++) {
        struct estimate *e = &rate[i].per_s;
        rate[i] = m->rate[i];
        *e = estimate_of(e->low * share, e->likely * share, e->high * share, e->origin, e->source);
    }
    return machine_with_rates(m, rate, m->rates, a);
}

/* One without accelerator; of which processor it is a part nobody may know. */
static const struct machine *rented_cpu(const struct context *in, const struct world *w,
                                        const struct cloud_part *c)
{
    const struct cpu_part *cpu = c->cpu ? catalog_cpu(in->catalog, str_of(c->cpu)) : NULL;
    const bool whole = cpu && cpu->threads > 0 && c->vcpus > 0;
    const double free_gib = c->ram_gib - SYSTEM_GIB;
    if (!(free_gib > 0)) return NULL;
    const char *name = whole ? cpu->name : str_format(in->arena, "%.0f", most(c->vcpus, 1));
    const struct machine *m = machine_of_line(
        in, w,
        str_format(in->arena, "cpu:%s ram:%gGiB available:%gGiB", name, c->ram_gib, free_gib));
    return whole ? part_of_cpu(m, least(c->vcpus / cpu->threads, 1), in->arena) : m;
}

struct rented rented_machine(const struct context *in, const struct world *w,
                             const struct cloud_part *c, double beside_bytes)
{
    const struct gpu_part *gpu;
    struct rented out = {.memory_bytes = c->ram_gib * GiB};
    if (!c->gpu && !(c->gpu_count > 0)) {
        out.on_cpu = true;
        out.machine = rented_cpu(in, w, c);
        return out;
    }
    if (!c->gpu || !(c->gpu_count > 0) ||
        catalog_gpu(in->catalog, str_of(c->gpu), c->gpu_memory_gib, &gpu) == MATCH_NONE)
        return out;
    out.ram_assumed = !(c->ram_gib > 0);
    out.memory_bytes = gpu->memory_gib * GiB * c->gpu_count;
    const double ram_gib =
        out.ram_assumed ? ceil(beside_bytes / GiB * c->gpu_count) + SYSTEM_GIB : c->ram_gib;
    out.machine =
        machine_of_line(in, w,
                        str_format(in->arena, "cpu:%.0f ram:%gGiB gpu:%s x%.0f", most(c->vcpus, 1),
                                   ram_gib, line_name(gpu), c->gpu_count));
    return out;
}
