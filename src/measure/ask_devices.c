/* measure/ask_devices.c - asks each build of the engine for its list of devices and has machine/devices.c find the cards.
 *
 * A driver that hangs or crashes does so in the child. The figures are of this moment and are not kept. Left out: engines on other
 * machines, and libraries that llama.cpp could load later. */
#include "measure/ask_devices.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "machine/accelerators.h"
#include "machine/devices.h"
#include "machine/facts.h"
#include "measure/ask.h"
#include "measure/measure.h"

static const char *const builds[] = {"", "-cuda", "-vulkan"}; /* the first is the CPU's own */
enum { BUILDS = COUNT_OF(builds) };
static const double timeout_s = 20; /* opening a card takes seconds when it slept */

struct hearing {
    struct device *device; /* room for BUILDS * DEVICES_MOST */
    size_t devices, of_build;
    struct arena *arena;
};

static bool heard_device(void *to, const struct json *j, struct mu_err *err)
{
    struct hearing *h = to;
    struct device *d = &h->device[h->devices];
    *d = (struct device){.name = NULL};
    if (h->of_build == DEVICES_MOST)
        return err_set(err, MU_DATA, "more than %d devices", DEVICES_MOST);
    if (!fields_read(&device_table, j, d, h->arena, err) || !device_sound(d, err)) return false;
    h->devices++;
    h->of_build++;
    return true;
}

static bool computes(const struct gpu_seen *g)
{
    return !g->sized || strcmp(g->sized, GPU_DISPLAY_ONLY) != 0;
}

static bool gpu_seen(const struct machine *m)
{
    for (size_t i = 0; m->facts && i < m->facts->gpus; i++)
        if (computes(&m->facts->gpu[i])) return true;
    return false;
}

/* False when this build gave no list. */
static bool ask_build(const struct measuring *in, const char *engine, const char *build,
                      struct hearing *h)
{
    const struct measuring of_build = {
        .engine = engine, .arena = in->arena, .notes = in->notes, .timeout_s = in->timeout_s};
    const struct question question = {.test = "devices",
                                      .request = S("{}"),
                                      .row = heard_device,
                                      .to = h,
                                      .timeout_s = timeout_s};
    const size_t before = h->devices;
    struct asked_end end;
    h->of_build = 0;
    engine_ask(&of_build, &question, &end);
    if (!end.why) return true;
    h->devices = before; /* half a list is none */
    if (end.code == MU_USAGE)
        note_add(in->notes,
                 "GPUs are not asked for their memory: muster-engine%s was built "
                 "without llama.cpp",
                 build);
    else
        note_add(in->notes, "GPUs not asked for their memory%s%s: %s",
                 *build ? " through muster-engine" : "", build, end.why);
    return false;
}

const struct machine *measure_devices(const struct measuring *in, const struct machine *m)
{
    if (!in->engine || !m->here) return m;
    struct hearing h = {.device = NEW_ARRAY(in->arena, struct device, BUILDS * DEVICES_MOST + 1),
                        .arena = in->arena};
    bool heard = false;
    for (size_t i = 0; i < BUILDS; i++) {
        const char *engine = str_format(in->arena, "%s%s", in->engine, builds[i]);
        const bool worth = *builds[i] ? access(engine, X_OK) == 0 : gpu_seen(m);
        if (worth && ask_build(in, engine, builds[i], &h)) heard = true;
    }
    if (!heard) return m;
    return machine_with_accelerators(devices_join(m, h.device, h.devices, in->arena), in->catalog,
                                     in->arena);
}

const char *measure_build_of(const struct measuring *in, const char *device)
{
    for (size_t i = 1; i < BUILDS; i++) {
        const struct str backend = str_of(builds[i] + 1);
        const struct str head = {device, strnlen(device, backend.n)};
        const char *engine = str_format(in->arena, "%s%s", in->engine, builds[i]);
        if (str_eq_nocase(head, backend) && access(engine, X_OK) == 0) return engine;
    }
    return in->engine;
}
