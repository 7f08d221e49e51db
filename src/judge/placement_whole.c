/* Where a workload lies that is not dealt over sites: all of it on the fastest accelerator that holds it, else on the host. One that is
 * sharded takes as many devices as it has shards, each of which holds the same. Left out: shards over machines, and devices of unlike
 * memory taking unlike shares. */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "judge/placement.h"

struct whole {
    const struct task *task;
    const struct machine *machine;
    const struct world *world;
    uint16_t device[SITES - 1]; /* those with most memory first */
    size_t devices;
};

static double memory_of(const struct machine *m, uint16_t place)
{
    const struct place *p = &m->place[place];
    const double usable = known_or(m->pool[p->pool].usable_bytes, 0);
    return least(usable, known_or(p->limit_bytes, usable));
}

static double read_rate(const struct machine *m, uint16_t place)
{
    const struct rate *r = machine_place_rate(m, place, WORK_READ_BYTES);
    return r ? r->per_s.likely : 0;
}

/* PyTorch computes there. */
static bool torch_device(const struct place *p)
{
    static const char *const backend[] = {"CUDA", "ROCm", "Metal"};
    for (size_t i = 0; p->backend && i < sizeof backend / sizeof *backend; i++)
        if (strcmp(p->backend, backend[i]) == 0) return true;
    return false;
}

static void find_devices(struct whole *x)
{
    uint16_t all[SITES - 1];
    const size_t n = placement_devices(x->machine, all);
    for (size_t i = 0; i < n; i++) {
        if (!torch_device(&x->machine->place[all[i]])) continue;
        size_t at = x->devices++;
        while (at > 0 && memory_of(x->machine, all[i]) > memory_of(x->machine, x->device[at - 1])) {
            x->device[at] = x->device[at - 1];
            at--;
        }
        x->device[at] = all[i];
    }
}

static struct seats seats_of(const struct whole *x)
{
    return (struct seats){.place = {(uint16_t)(machine_cpu(x->machine) - x->machine->place)}};
}

static void on_host(const struct whole *x, struct verdict *out)
{
    const struct seats at = seats_of(x);
    judge_split(x->task, x->machine, x->world, &split_host, &at, out);
}

static void on_device(const struct whole *x, uint16_t place, struct verdict *out)
{
    struct split s = {.sites = 2};
    struct seats at = seats_of(x);
    at.place[1] = place;
    s.rules[1] = judge_site_rules(x->world, x->machine->place[place].backend);
    judge_split(x->task, x->machine, x->world, &s, &at, out);
}

/* The fastest that holds it, no worse than that; false: none. */
static bool on_best_device(const struct whole *x, enum fits worst, struct verdict *out)
{
    int best = -1;
    for (size_t i = 0; i < x->devices; i++) {
        if (best >= 0 &&
            read_rate(x->machine, x->device[i]) <= read_rate(x->machine, x->device[(size_t)best]))
            continue;
        on_device(x, x->device[i], out);
        if (out->fits <= worst) best = (int)i;
    }
    if (best >= 0) on_device(x, x->device[(size_t)best], out);
    return best >= 0;
}

/* A workload that works on the host alone leaves nothing on a device. */
static bool holds_on_device(const struct bill *b)
{
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].site != ON_HOST && b->line[i].held_as == HELD_OWN) return true;
    return false;
}

static void refuse(struct verdict *out, const char *why)
{
    if (out->fits == FITS_NOT_COMPUTED) return;
    out->fits = FITS_NOT;
    out->why = why;
}

/* As many devices as shards: the one with least memory among them decides. */
static void on_shards(const struct whole *x, double shards, struct verdict *out)
{
    const bool enough = shards <= (double)x->devices;
    if (x->devices)
        on_device(x, x->device[enough ? (size_t)shards - 1 : x->devices - 1], out);
    else
        on_host(x, out);
    if (!enough) refuse(out, "it is sharded over more accelerators than there are");
}

void placement_whole(const struct task *t, const struct machine *m, const struct world *w,
                     struct verdict *out)
{
    struct whole x = {.task = t, .machine = m, .world = w};
    const double device = knob_number(t->kind, t->knobs, "device");
    const double shards = knob_number(t->kind, t->knobs, "shards");
    const double cores = knob_number(t->kind, t->knobs, "cores");
    if (!isnan(device) && device != (double)DEVICE_CPU) find_devices(&x);
    if (shards > 1) {
        on_shards(&x, shards, out);
        return;
    }
    if (on_best_device(&x, FITS, out) || on_best_device(&x, FITS_PROBABLY, out)) {
        if (!holds_on_device(&out->bill)) on_host(&x, out);
        return;
    }
    if (device == (double)DEVICE_GPU && x.devices) {
        on_device(&x, x.device[0], out);
        return;
    }
    on_host(&x, out);
    if (cores > known_or(machine_cpu(m)->threads, cores))
        refuse(out, "it needs more cores than one process may use here");
    if (device == (double)DEVICE_GPU)
        refuse(out, "there is no accelerator here that PyTorch computes on");
    else if (out->fits == FITS_NOT && x.devices)
        on_device(&x, x.device[0], out);
}

bool placement_fell_to_host(const struct task *t, const struct machine *m, const struct verdict *v)
{
    struct whole x = {.task = t, .machine = m};
    const struct split device = {.sites = 2};
    struct bill b = {.note = NULL};
    if (cost_writes_text(t->kind) || v->split.sites > 1 || v->bill.unruled ||
        knob_number(t->kind, t->knobs, "device") != (double)DEVICE_AUTO)
        return false;
    find_devices(&x);
    if (!x.devices) return false;
    cost_bill(t, &device, &b);
    return holds_on_device(&b);
}
