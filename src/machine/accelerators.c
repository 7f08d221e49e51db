/* machine/accelerators.c - which of the accelerators that were seen can be judged, with how much memory, how fast as listed.
 *
 * Free memory decides, not what the card was sold with: as the driver says, else as llama.cpp saw it, else all of it, and said. Cards
 * are never added up: each is a pool and a place. A chip that shares memory may have some set aside by firmware: drivers serve from
 * the larger of the two (amdgpu since Linux 6.10; llama.cpp's Vulkan adds them up), so that one is its pool and the other is named.
 * Left out: links between cards, NPUs, what a chip that shares memory leaves to the CPU beyond one process's budget. */
#include "machine/accelerators.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "machine/accelerator_part.h"
#include "machine/facts.h"

enum { RATES_OF_PART = 4 };
static const double gibibyte = 0x1p30, giga = 1e9, tera = 1e12;

struct making {
    const struct machine *m;
    const struct catalog *c;
    struct arena *a;
    struct pool *pool;
    struct place *place;
    struct link *link;
    struct rate *rate;
    size_t pools, places, links, rates;
    uint16_t memory; /* the pool that a chip without memory of its own works in */
};
static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

bool accelerator_usable(const struct machine *m, const struct gpu_seen *gpu)
{
    if (gpu->hidden || is(gpu->sized, GPU_DISPLAY_ONLY) || is(gpu->kind, GPU_NPU)) return false;
    for (size_t i = 0; gpu->uuid && i < m->facts->gpus; i++)
        if (is(m->facts->gpu[i].parent, gpu->uuid)) return false;
    return true;
}

const struct place *machine_place_of_gpu(const struct machine *m, size_t i)
{
    for (size_t k = 0; k < m->places; k++)
        if (m->place[k].kind != PLACE_CPU && m->place[k].gpu == i) return &m->place[k];
    return NULL;
}

static bool shares_memory(const struct chip *chip)
{
    return is(chip->gpu->kind, GPU_INTEGRATED) || (chip->part && chip->part->unified_memory);
}

/* ---- what is listed ---- */

static double read_of(const struct gpu_part *p)
{
    return p->memory_bandwidth_gbs * giga;
}

static double hgemm_of(const struct gpu_part *p)
{
    const double vector = isnan(p->fp16_tflops) ? p->fp32_tflops : p->fp16_tflops;
    return (isnan(p->fp16_tensor_tflops) ? vector : p->fp16_tensor_tflops) * tera;
}

static double sgemm_of(const struct gpu_part *p)
{
    return p->fp32_tflops * tera;
}

static double igemm_of(const struct gpu_part *p)
{
    return p->int8_tops * tera;
}

static double watts_of(const struct gpu_part *p)
{
    return p->tdp_w;
}

static struct estimate listed(const struct making *k, const struct chip *chip,
                              double (*figure)(const struct gpu_part *))
{
    return chip_listed(chip, k->c, figure, k->a);
}

/* ---- memory ---- */

/* All of its own; neither a slice nor what may be several cards is as large as its part. */
static struct quantity own_bytes(const struct making *k, const struct chip *chip)
{
    double bytes;
    if (known(chip->gpu->memory_bytes, &bytes) && bytes > 0) return chip->gpu->memory_bytes;
    const struct estimate all = listed(k, chip, chip_part_bytes);
    if (all.origin != LISTED)
        return unknown("neither its driver nor the catalogue tells its memory");
    return quantity_of(all.likely, LISTED, all.source);
}

/* What one process may use of it now, and why that much. */
static void free_of(const struct making *k, const struct gpu_seen *g, struct pool *p)
{
    double total_bytes;
    double used_bytes;
    p->usable_bytes = p->total_bytes;
    p->bound_by = "all of its memory: what others use is not known";
    if (!known(p->total_bytes, &total_bytes)) return;
    if (known(g->free_bytes, NULL)) {
        p->usable_bytes = g->free_bytes;
        p->bound_by = str_format(k->a, "what is free of it, says %s",
                                 g->free_bytes.source ? g->free_bytes.source : "its driver");
    } else if (known(g->engine_free_bytes, NULL)) {
        p->usable_bytes = g->engine_free_bytes;
        p->bound_by = "what is free of it, says llama.cpp";
    } else if (known(g->used_bytes, &used_bytes)) {
        const double left = used_bytes < total_bytes ? total_bytes - used_bytes : 0;
        p->usable_bytes = quantity_of(left, g->used_bytes.origin, g->used_bytes.source);
        p->bound_by = "what others leave of it, says its driver";
    }
    if (p->usable_bytes.value > total_bytes) p->usable_bytes.value = total_bytes;
}

/* The share of a common memory that such a chip takes by itself; NaN: not known. */
static double usual_share(const struct chip *chip, double memory_bytes)
{
    const struct accelerator_vendor *v = chip->vendor;
    if (!v || !chip->part) return (double)NAN;
    const bool small = memory_bytes <= v->small_up_to_gib * gibibyte;
    const double part = small ? chip->part->usable_share_small : chip->part->usable_share_large;
    const double share = isnan(part) ? v->shared_share : part;
    return share > 0 && share <= 1 ? share : (double)NAN;
}

/* The most it may use of the common memory, and what says so. */
static struct quantity shared_limit(const struct making *k, const struct chip *chip,
                                    const char **bound_by)
{
    const struct gpu_seen *g = chip->gpu;
    const char *words = g->limited_by ? g->limited_by : "as its driver says";
    double bytes;
    *bound_by = NULL;
    if (known(g->shared_bytes, &bytes)) {
        *bound_by = words;
        bytes -= known_or(g->shared_used_bytes, 0);
        return quantity_of(bytes > 0 ? bytes : 0, g->shared_bytes.origin, words);
    }
    if (known(g->engine_total_bytes, &bytes)) {
        *bound_by = "as llama.cpp sees it";
        return g->engine_total_bytes;
    }
    const double memory_bytes = known_or(k->pool[k->memory].total_bytes, (double)NAN);
    const double share = usual_share(chip, memory_bytes);
    if (!chip->vendor || isnan(share) || isnan(memory_bytes))
        return unknown("what it may take is not known");
    *bound_by = chip->vendor->limited_by;
    return quantity_of(share * memory_bytes, ASSUMED, chip->vendor->limited_by);
}

/* What firmware set aside for a chip that shares memory; 0 where none does that. */
static double carved_bytes(const struct chip *chip)
{
    const double bytes = chip_told_bytes(chip->gpu);
    return chip->vendor && chip->vendor->carve_out && bytes > 0 ? bytes : 0;
}

/* ---- places ---- */

/* In the machine's memory, or in what was set aside, whichever is larger. */
static void share_pool(struct making *k, const struct chip *chip, struct place *place)
{
    const char *by;
    const struct quantity limit = shared_limit(k, chip, &by);
    const double carved = carved_bytes(chip);
    const double most = known_or(chip->gpu->shared_bytes, known_or(limit, 0));
    if (carved > 0 && carved >= most) {
        struct pool *p = &k->pool[k->pools];
        *p = (struct pool){
            .kind = POOL_DEVICE, .name = place->name, .total_bytes = chip->gpu->memory_bytes};
        free_of(k, chip->gpu, p);
        p->bound_by = str_format(k->a, "%s; of the machine's memory it could take %s instead",
                                 p->bound_by, most > 0 ? units_bytes(k->a, most) : "less");
        place->pool = (uint16_t)k->pools++;
        return;
    }
    k->pool[k->memory].kind = POOL_SHARED;
    place->pool = k->memory;
    place->limit_bytes = limit;
    place->bound_by = by;
    if (carved > 0)
        place->bound_by = str_format(k->a, "%s; the %s set aside for it are less", by ? by : "",
                                     units_bytes(k->a, carved));
}

static void join(struct making *k, uint16_t device, const struct gpu_seen *g)
{
    const struct quantity rate = known(g->link_bytes_per_s, NULL)
                                     ? g->link_bytes_per_s
                                     : unknown("how it is attached is not known");
    if (device == k->memory) return;
    k->link[k->links++] = (struct link){k->memory, device, g->link, rate};
    k->link[k->links++] = (struct link){device, k->memory, g->link, rate};
}

static void rates_listed(struct making *k, const struct chip *chip, uint16_t place)
{
    static const struct {
        enum machine_work work;
        double (*figure)(const struct gpu_part *);
    } row[RATES_OF_PART] = {{WORK_READ_BYTES, read_of},
                            {WORK_HGEMM_FLOP, hgemm_of},
                            {WORK_SGEMM_FLOP, sgemm_of},
                            {WORK_IGEMM_FLOP, igemm_of}};
    for (size_t i = 0; i < RATES_OF_PART; i++) {
        const struct estimate per_s = listed(k, chip, row[i].figure);
        if (estimate_known(per_s))
            k->rate[k->rates++] = (struct rate){
                .work = row[i].work, .type = RATE_NO_TYPE, .place = place, .per_s = per_s};
    }
}

/* What this machine's accelerators were measured to do stays with them. */
static bool rates_kept(struct making *k, size_t gpu, uint16_t place)
{
    bool read = false;
    for (size_t i = 0; i < k->m->rates; i++) {
        const struct rate *r = &k->m->rate[i];
        if (r->place >= k->m->places || r->per_s.origin < REPORTED) continue;
        const struct place *at = &k->m->place[r->place];
        if (at->kind == PLACE_CPU || at->gpu != gpu) continue;
        if (r->work == WORK_READ_BYTES) read = true;
        k->rate[k->rates] = *r;
        k->rate[k->rates++].place = place;
    }
    return read;
}

static struct quantity power_of(const struct making *k, const struct chip *chip)
{
    if (known(chip->gpu->power_w, NULL)) return chip->gpu->power_w;
    const struct estimate e = listed(k, chip, watts_of);
    if (!estimate_known(e) || chip->share < 1)
        return unknown("neither its driver nor the catalogue tells its power");
    return quantity_of(e.likely, e.origin, e.source);
}

static void place_chip(struct making *k, const struct chip *chip, size_t number)
{
    const uint16_t at = (uint16_t)k->places;
    struct place *place = &k->place[at];
    const size_t rates = k->rates;
    const bool shares = shares_memory(chip);
    const struct quantity own = own_bytes(k, chip);
    const bool read = rates_kept(k, chip->index, at) || estimate_known(listed(k, chip, read_of));
    if (shares ? !read : !known(own, NULL)) {
        k->rates = rates;
        return;
    }
    *place = (struct place){.kind = PLACE_GPU,
                            .name = str_format(k->a, "GPU %zu", number),
                            .threads = unknown("an accelerator has none of the CPU's"),
                            .part = chip->part && !chip->several ? chip->part->name : NULL,
                            .architecture = chip->part ? chip->part->architecture : NULL,
                            .backend = chip->vendor ? chip->vendor->backend : NULL,
                            .limit_bytes = unknown("it may use all of its pool"),
                            .power_w = power_of(k, chip),
                            .gpu = chip->index};
    k->places++;
    if (shares) {
        share_pool(k, chip, place);
    } else {
        struct pool *p = &k->pool[k->pools];
        *p = (struct pool){.kind = POOL_DEVICE, .name = place->name, .total_bytes = own};
        free_of(k, chip->gpu, p);
        place->pool = (uint16_t)k->pools++;
    }
    join(k, place->pool, chip->gpu);
    rates_listed(k, chip, at);
}

/* ---- the machine ---- */

/* Pools, places and rates that are no accelerators', with their indices as they are now. */
static void keep_host(struct making *k)
{
    const struct machine *m = k->m;
    uint16_t *pool_now = NEW_ARRAY(k->a, uint16_t, m->pools + 1);
    uint16_t *place_now = NEW_ARRAY(k->a, uint16_t, m->places + 1);
    for (size_t i = 0; i < m->pools; i++) {
        if (m->pool[i].kind == POOL_DEVICE) continue;
        const enum pool_kind kind = m->pool[i].kind;
        pool_now[i] = (uint16_t)k->pools;
        k->pool[k->pools] = m->pool[i];
        k->pool[k->pools++].kind = kind == POOL_SHARED ? POOL_MEMORY : kind;
    }
    for (size_t i = 0; i < m->places; i++) {
        if (m->place[i].kind != PLACE_CPU) continue;
        place_now[i] = (uint16_t)k->places;
        k->place[k->places] = m->place[i];
        k->place[k->places++].pool = pool_now[m->place[i].pool];
    }
    for (size_t i = 0; i < m->rates; i++) {
        const size_t at = m->rate[i].place;
        if (at < m->places && m->place[at].kind != PLACE_CPU) continue;
        k->rate[k->rates] = m->rate[i];
        k->rate[k->rates++].place = at < m->places ? place_now[at] : 0;
    }
    for (size_t i = k->pools; i-- > 0;)
        if (k->pool[i].kind == POOL_MEMORY) k->memory = (uint16_t)i;
}

static bool has_accelerators(const struct machine *m)
{
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].kind != PLACE_CPU) return true;
    return false;
}

const struct machine *machine_with_accelerators(const struct machine *m, const struct catalog *c,
                                                struct arena *a)
{
    const size_t gpus = m->facts ? m->facts->gpus : 0;
    if (!m->pools || (!gpus && !has_accelerators(m))) return m;
    struct making k = {.m = m, .c = c, .a = a};
    k.pool = NEW_ARRAY(a, struct pool, m->pools + gpus);
    k.place = NEW_ARRAY(a, struct place, m->places + gpus);
    k.link = NEW_ARRAY(a, struct link, 2 * gpus + 1);
    k.rate = NEW_ARRAY(a, struct rate, m->rates + RATES_OF_PART * gpus + 1);
    keep_host(&k);
    const size_t host_places = k.places;
    for (size_t i = 0; i < gpus; i++) {
        const struct chip chip = chip_of(m, c, i);
        if (accelerator_usable(m, chip.gpu)) place_chip(&k, &chip, k.places - host_places);
    }
    struct machine *made = NEW(a, struct machine);
    *made = *m;
    made->pool = k.pool;
    made->pools = k.pools;
    made->place = k.place;
    made->places = k.places;
    made->link = k.link;
    made->links = k.links;
    made->rate = k.rates ? k.rate : NULL;
    made->rates = k.rates;
    return made;
}
