/* measure/device.c - asks the engine's test "device" for each accelerator of the machine that llama.cpp has here.
 *
 * Which card is which device of llama.cpp was found by machine/devices.c; where nobody asked yet it is asked now. A card under several
 * backends is measured under the one that its place names, else the first. A test that fails, because the card is full or falls over,
 * is a note and leaves the others. Copies become the speed of links: the faster of what was measured, which is from memory the backend
 * keeps for it. Left out: links between accelerators, and renderers without hardware, which never have a place. */
#include "measure/device.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/progress.h"
#include "base/str.h"
#include "catalog/types.h"
#include "machine/facts.h"
#include "measure/ask.h"
#include "measure/ask_devices.h"
#include "measure/rows.h"
#include "measure/types_asked.h"

enum { DEVICE_RATES_MOST = 256, REQUEST_BYTES = 16 << 10, PLACES_MOST = 64 };

/* A card that slept takes seconds to open, and one that a build has no kernels for compiles them first. */
static const double seconds[] = {[MEASURE_USUAL] = 3, [MEASURE_FULL] = 15};
static const double timeout_base_s = 90, timeout_times = 5;

static const enum machine_work device_works[] = {
    WORK_READ_BYTES, WORK_MATMUL_FLOP,   WORK_EXPERT_FLOP,     WORK_ATTEND_FLOP,
    WORK_OPERATIONS, WORK_ELEMENT_BYTES, WORK_TO_DEVICE_BYTES, WORK_FROM_DEVICE_BYTES};

/* The card of a place; NULL: it is no GPU. */
static const struct gpu_seen *card_of(const struct machine *m, size_t place)
{
    if (place >= m->places || m->place[place].kind != PLACE_GPU || !m->facts) return NULL;
    const size_t gpu = m->place[place].gpu;
    return gpu < m->facts->gpus ? &m->facts->gpu[gpu] : NULL;
}

const char *measure_device_name(const struct machine *m, size_t place, struct arena *a)
{
    const struct gpu_seen *g = card_of(m, place);
    if (!g) return NULL;
    const char *name = g->name ? g->name : m->place[place].name;
    /* Slices of a card stand at its address. */
    const char *where = g->parent && g->uuid ? g->uuid : g->pci_address;
    return str_format(a, "%s%s%s", name ? name : "", where ? " " : "", where ? where : "");
}

bool measure_device_place(const struct machine *m, const char *name, struct arena *a, uint16_t *out)
{
    for (size_t i = 0; i < m->places; i++) {
        const char *own = measure_device_name(m, i, a);
        if (!own || strcmp(own, name) != 0) continue;
        *out = (uint16_t)i;
        return true;
    }
    return false;
}

/* What llama.cpp calls the card under its place's backend, of "CUDA0, Vulkan0", else the first; NULL: it can't use it. */
static const char *device_of(const struct machine *m, size_t place, struct arena *a)
{
    const struct gpu_seen *g = card_of(m, place);
    if (!g || !g->engine || g->hidden) return NULL;
    const struct str backend = str_of(m->place[place].backend);
    struct str rest = str_of(g->engine), first = {0};
    while (rest.n) {
        const struct str name = str_trim(str_cut(&rest, ','));
        if (!first.n) first = name;
        const struct str head = {name.p, name.n < backend.n ? name.n : backend.n};
        if (backend.n && str_eq_nocase(head, backend)) return str_copy(a, name);
    }
    return first.n ? str_copy(a, first) : NULL;
}

bool measure_device_new(const struct measuring *in, const struct machine *m,
                        const char *const *name, size_t names)
{
    for (size_t i = 0; in->engine && in->catalog && i < m->places; i++) {
        bool found = !device_of(m, i, in->arena);
        for (size_t k = 0; !found && k < names; k++)
            found = strcmp(name[k], measure_device_name(m, i, in->arena)) == 0;
        if (!found) return true;
    }
    return false;
}

/* ---- one of them ---- */

struct hearing {
    const struct measuring *in;
    const char *device;
    uint16_t place;
    struct rate *rate;
    size_t count, room;
};

static bool heard_rate(void *to, const struct json *j, struct mu_err *err)
{
    struct hearing *h = to;
    struct rate rate;
    const char *device = NULL;
    bool of_test = false;
    if (!measure_row_heard(j, h->place, h->in->catalog, h->in->arena, &rate, &device, err))
        return false;
    const char *work = machine_work_word(rate.work);
    for (size_t i = 0; i < COUNT_OF(device_works); i++)
        of_test = of_test || device_works[i] == rate.work;
    if (!of_test || !device || strcmp(device, h->device) != 0)
        return err_set(err, MU_DATA, "%s there was not asked for", work);
    if (h->count == h->room || measure_has_rate(h->rate, h->count, &rate))
        return err_set(err, MU_DATA, "%s was said twice", work);
    h->rate[h->count++] = rate;
    return true;
}

static void put_request(struct buf *to, const struct measuring *in, enum measure_length length,
                        const char *device)
{
    double id[TYPES];
    const size_t types = measure_types(in->catalog, length, id);
    struct writer w = writer_of(to, true);
    writer_map(&w);
    writer_put_cstr(&w, "device", device);
    writer_put_number(&w, "seconds", seconds[length]);
    writer_key(&w, "types");
    writer_list(&w);
    for (size_t i = 0; i < types; i++) writer_number(&w, id[i]);
    writer_list_end(&w);
    writer_map_end(&w);
}

/* Who else computes there is in the conditions of each rate. */
static void say_others(const struct gpu_seen *g, struct rate *rate, size_t rates, struct arena *a)
{
    double processes;
    if (!known(g->processes, &processes) || processes < 1) return;
    for (size_t i = 0; i < rates; i++)
        rate[i].conditions = str_format(a, "busy: %g program%s on it before; %s", processes,
                                        processes > 1 ? "s" : "", rate[i].conditions);
}

static void measure_place(const struct measuring *in, const struct machine *m, size_t place,
                          enum measure_length length, struct device_rates *out)
{
    struct arena *a = in->arena;
    const char *device = device_of(m, place, a);
    struct hearing h = {.in = in,
                        .device = device,
                        .place = (uint16_t)place,
                        .rate = NEW_ARRAY(a, struct rate, DEVICE_RATES_MOST),
                        .room = DEVICE_RATES_MOST};
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    put_request(&request, in, length, device);
    const struct question question = {.test = "device",
                                      .request = buf_text(&request),
                                      .row = heard_rate,
                                      .to = &h,
                                      .timeout_s =
                                          timeout_base_s + timeout_times * seconds[length]};
    struct measuring of_build = *in;
    of_build.engine = measure_build_of(in, device);
    of_build.no_amx = false;
    struct asked_end end;
    engine_ask(&of_build, &question, &end);
    buf_release(&request);
    if (end.why || h.count > out->room - out->rates) {
        out->in_part = true;
        note_add(in->notes, "%s not measured: %s", measure_device_name(m, place, a),
                 end.why ? end.why : "there are too many rates");
        return;
    }
    say_others(card_of(m, place), h.rate, h.count, a);
    memcpy(out->rate + out->rates, h.rate, h.count * sizeof *h.rate);
    out->rates += h.count;
}

void measure_devices_rates(const struct measuring *in, const struct machine *m,
                           enum measure_length length, struct device_rates *out)
{
    bool card = false, named = false;
    if (!in->engine || !in->catalog) return;
    for (size_t i = 0; i < m->places; i++) {
        const struct gpu_seen *g = card_of(m, i);
        card = card || g;
        named = named || (g && g->engine);
    }
    if (!card) return;
    if (!named) m = measure_devices(in, m);
    const char **device = NEW_ARRAY(in->arena, const char *, PLACES_MOST);
    for (size_t i = 0; i < m->places && out->devices < PLACES_MOST; i++) {
        if (!device_of(m, i, in->arena)) continue;
        const char *name = measure_device_name(m, i, in->arena);
        if (in->progress)
            progress_show(in->progress, str_format(in->arena, "measuring %s", name), 1);
        device[out->devices++] = name;
        measure_place(in, m, i, length, out);
    }
    out->device = device;
}

/* ---- links ---- */

static bool is_copy(const struct rate *r, bool to_device)
{
    return r->per_s.origin == MEASURED &&
           r->work == (to_device ? WORK_TO_DEVICE_BYTES : WORK_FROM_DEVICE_BYTES);
}

/* The fastest copy to that pool, or from it; NULL: none was measured. */
static const struct rate *fastest(const struct machine *m, uint16_t pool, bool to_device)
{
    const struct rate *best = NULL;
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (!is_copy(r, to_device) || r->place >= m->places || m->place[r->place].pool != pool)
            continue;
        if (!best || r->per_s.likely > best->per_s.likely) best = r;
    }
    return best;
}

static void put_link(struct machine *m, struct link *link, const struct link *like,
                     const struct rate *rate)
{
    for (size_t i = 0; i < m->links; i++)
        if (link[i].from == like->from && link[i].to == like->to) {
            link[i].bytes_per_s = quantity_of(rate->per_s.likely, MEASURED, rate->per_s.source);
            return;
        }
    link[m->links] = *like;
    link[m->links++].bytes_per_s = quantity_of(rate->per_s.likely, MEASURED, rate->per_s.source);
}

const struct machine *measure_links(const struct machine *m, struct arena *a)
{
    struct machine *linked = NEW(a, struct machine);
    struct link *link = NEW_ARRAY(a, struct link, m->links + 2 * m->places + 1);
    *linked = *m;
    linked->link = link;
    if (m->links) memcpy(link, m->link, m->links * sizeof *link);
    const uint16_t host = (uint16_t)(machine_memory(m) - m->pool);
    for (size_t i = 0; i < m->places; i++) {
        const uint16_t pool = m->place[i].pool;
        const struct gpu_seen *g = card_of(m, i);
        if (!g || pool == host) continue;
        const struct rate *to = fastest(m, pool, true), *from = fastest(m, pool, false);
        if (to)
            put_link(linked, link, &(struct link){.from = host, .to = pool, .words = g->link}, to);
        if (from)
            put_link(linked, link, &(struct link){.from = pool, .to = host, .words = g->link},
                     from);
    }
    return linked;
}
