/* A machine on a screen: what it is, what one process may use, how fast it is. Unknown is "?". */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/notes.h"
#include "base/units.h"
#include "machine/accelerators.h"
#include "machine/facts.h"
#include "verb/common.h"
#include "verb/show_kernels.h"

enum { NAMES_MOST = 6 }; /* of Ollama's models */

/* Appends " · text" to a line being made. */
static void join(struct buf *b, const char *text)
{
    if (!text || !*text) return;
    if (b->n) buf_add(b, S(" · "));
    buf_add(b, str_of(text));
}

static const char *taken(struct doc *d, struct buf *b)
{
    const char *text = str_copy(d->arena, buf_text(b));
    buf_release(b);
    return text;
}

static const char *count_words(struct arena *a, struct quantity q, const char *one,
                               const char *many)
{
    double n;
    if (!known(q, &n)) return str_format(a, "? %s", many);
    return str_format(a, "%.0f %s", n, n == 1 ? one : many);
}

/* A report of another hand may leave any text out. */
static const char *said(const char *text)
{
    return text ? text : "?";
}

static void show_features(struct doc *d, struct block *b, const struct cpu_facts *cpu)
{
    struct buf line;
    buf_init(&line, 4096);
    for (size_t i = 0; i < cpu->feature_count; i++) {
        if (i) buf_char(&line, ' ');
        buf_add(&line, str_of(cpu->features[i]));
    }
    for (size_t i = 0; i < cpu->caches; i++)
        if (strcmp(said(cpu->cache[i].name), "L2") >= 0)
            join(&line, str_format(d->arena, "%s %s%s", cpu->cache[i].name,
                                   units_bytes_q(d->arena, cpu->cache[i].bytes),
                                   cpu->cache[i].instances > 1 ? " each" : ""));
    if (line.n) facts_row(d, b, "", "%s", buf_text(&line).p);
    buf_release(&line);
}

static void show_cpu(struct doc *d, struct block *b, const struct machine *m)
{
    const struct cpu_facts *cpu = &m->facts->cpu;
    const struct place *place = machine_cpu(m);
    struct buf line;
    buf_init(&line, 4096);
    join(&line, cpu->name ? str_visible(d->arena, str_of(cpu->name)) : "name not known");
    join(&line, count_words(d->arena, cpu->cores, "core", "cores"));
    if (known(cpu->threads, NULL) && known_or(cpu->threads, 0) != known_or(cpu->cores, 0))
        join(&line, count_words(d->arena, cpu->threads, "thread", "threads"));
    if (known_or(cpu->packages, 1) > 1)
        join(&line, count_words(d->arena, cpu->packages, "package", "packages"));
    for (size_t i = 0; cpu->clusters > 1 && i < cpu->clusters; i++)
        join(&line, str_format(d->arena, "%.0f %s", known_or(cpu->cluster[i].cores, (double)NAN),
                               said(cpu->cluster[i].kind)));
    facts_row(d, b, "CPU", "%s", taken(d, &line));
    double usable;
    if (place && known(place->threads, &usable) && usable < known_or(cpu->threads, usable))
        facts_row(d, b, "", "%g of them for one process (bound by %s)", usable,
                  said(place->bound_by));
    show_features(d, b, cpu);
}

static void show_memory(struct doc *d, struct block *b, const struct machine *m)
{
    const struct memory_facts *memory = &m->facts->memory;
    const struct pool *pool = machine_memory(m);
    facts_row(d, b, "Memory", "%s, %s available", units_bytes_q(d->arena, memory->total_bytes),
              units_bytes_q(d->arena, memory->available_bytes));
    facts_row(d, b, "", "budget %s: what one process may use%s%s",
              units_bytes_q(d->arena, pool->usable_bytes), pool->bound_by ? ", bound by " : "",
              pool->bound_by ? pool->bound_by : "");
    if (known_or(memory->swap_total_bytes, 0) > 0)
        facts_row(d, b, "", "swap %s, %s free (not counted)",
                  units_bytes_q(d->arena, memory->swap_total_bytes),
                  units_bytes_q(d->arena, memory->swap_free_bytes));
    if (m->facts->numa_nodes > 1) facts_row(d, b, "", "%zu NUMA nodes", m->facts->numa_nodes);
}

static bool is_kind(const struct gpu_seen *g, const char *kind)
{
    return g->kind && strcmp(g->kind, kind) == 0;
}

/* How much memory a process has there. */
static const char *place_words(struct arena *a, const struct machine *m, const struct place *place,
                               const struct gpu_seen *g)
{
    const struct pool *pool = &m->pool[place->pool];
    const char *all = units_bytes_q(a, pool->total_bytes);
    const char *by = place->bound_by ? str_format(a, " (%s)", place->bound_by) : "";
    if (pool->kind != POOL_DEVICE && known(place->limit_bytes, NULL))
        return str_format(a, "shares the machine's memory, may use %s of it%s",
                          units_bytes_q(a, place->limit_bytes), by);
    if (pool->kind != POOL_DEVICE) return "shares the machine's memory";
    if (g->engine && !known(g->free_bytes, NULL)) return said(g->sized);
    const char *own = is_kind(g, GPU_INTEGRATED) ? ", set aside of the machine's memory" : "";
    if (known(g->free_bytes, NULL) || known(g->used_bytes, NULL))
        return str_format(a, "%s free of %s%s", units_bytes_q(a, pool->usable_bytes), all, own);
    return str_format(a, "%s%s, not known how much is free", all, own);
}

static const char *gpu_words(struct arena *a, const struct machine *m, size_t i)
{
    const struct gpu_seen *g = &m->facts->gpu[i];
    const struct place *place = machine_place_of_gpu(m, i);
    if (place) return place_words(a, m, place, g);
    if (g->hidden && !g->engine) return str_format(a, "not for this process: %s", g->hidden);
    if (is_kind(g, GPU_NPU)) return "NPU: seen, nothing here computes on it";
    if (is_kind(g, GPU_INTEGRATED) && !g->engine)
        return "shares the machine's memory; its speed is not known, so it is not judged";
    return said(g->sized);
}

static const char *driver_words(struct arena *a, const struct gpu_seen *g)
{
    if (!g->driver_version) return g->runtime;
    return str_format(a, "%s%sdriver %s", g->runtime ? g->runtime : "", g->runtime ? ", " : "",
                      g->driver_version);
}

/* A row each, with what a process gets of it or why it gets nothing. Texts are a driver's or a report's: made visible. */
static void show_gpus(struct doc *d, struct block *b, const struct machine *m)
{
    if (!m->facts->gpus) facts_row(d, b, "GPU", "none seen");
    for (size_t i = 0; i < m->facts->gpus; i++) {
        const struct gpu_seen *g = &m->facts->gpu[i];
        const struct place *place = machine_place_of_gpu(m, i);
        struct buf line;
        buf_init(&line, 4096);
        join(&line, g->name ? g->name : g->pci_id ? g->pci_id : "unknown device");
        join(&line, gpu_words(d->arena, m, i));
        if (place && !machine_place_rate(m, (size_t)(place - m->place), WORK_READ_BYTES))
            join(&line, "speed not known");
        join(&line, driver_words(d->arena, g));
        join(&line, g->link);
        join(&line, g->peers);
        facts_row(d, b, i ? "" : "GPU", "%s", str_visible(d->arena, buf_text(&line)));
        buf_release(&line);
    }
}

static void show_disks(struct doc *d, struct block *b, const struct machine *m)
{
    bool first = true;
    for (size_t i = 0; i < m->facts->disks; i++) {
        const struct disk_facts *disk = &m->facts->disk[i];
        if (disk->same_as < (double)i) continue;
        struct buf line;
        buf_init(&line, 4096);
        for (size_t k = i; k < m->facts->disks; k++)
            if (k == i || m->facts->disk[k].same_as == (double)i) {
                if (line.n) buf_add(&line, S(", "));
                buf_add(&line, str_of(m->facts->disk[k].purpose));
            }
        facts_row(d, b, first ? "Disk" : "", "%s free of %s%s%s · %s",
                  units_bytes_q(d->arena, disk->free_bytes),
                  units_bytes_q(d->arena, disk->total_bytes), disk->kind ? " · " : "",
                  disk->kind ? disk->kind : "", buf_text(&line).p);
        buf_release(&line);
        first = false;
    }
}

static void show_ollama(struct doc *d, struct block *b, const struct machine *m)
{
    const struct ollama_facts *ollama = &m->facts->ollama;
    struct buf line;
    if (!ollama->installed && !ollama->model_count) {
        facts_row(d, b, "Ollama", "not found");
        return;
    }
    buf_init(&line, 4096);
    join(&line, ollama->installed ? "installed" : "not installed");
    for (size_t i = 0; i < ollama->model_count && i < NAMES_MOST; i++)
        join(&line, ollama->models[i]);
    if (ollama->model_count > NAMES_MOST)
        join(&line, str_format(d->arena, "%zu more", ollama->model_count - NAMES_MOST));
    facts_row(d, b, "Ollama", "%s", taken(d, &line));
}

void show_machine(struct doc *d, const struct machine *m)
{
    const struct os_facts *os = &m->facts->os;
    struct buf line;
    buf_init(&line, 4096);
    join(&line, m->name ? str_visible(d->arena, str_of(m->name)) : "a machine without a name");
    join(&line, os->distribution ? os->distribution : os->platform);
    join(&line, os->architecture);
    if (os->virtual_machine)
        join(&line, str_format(d->arena, "virtual machine (%s)", os->virtual_machine));
    if (os->container) join(&line, str_format(d->arena, "container (%s)", os->container));
    if (os->wsl) join(&line, str_format(d->arena, "WSL %s", os->wsl));
    doc_heading(d, "%s", taken(d, &line));
    struct block *b = doc_facts(d, "Machine");
    show_cpu(d, b, m);
    show_memory(d, b, m);
    show_gpus(d, b, m);
    show_disks(d, b, m);
    show_ollama(d, b, m);
}

static const char *rate_words(struct arena *a, const struct rate *r)
{
    if (strcmp(machine_work_unit(r->work), "FLOP/s") == 0)
        return units_flop_rate(a, r->per_s.likely);
    return units_byte_rate(a, r->per_s.likely);
}

static void speed_row(struct doc *d, struct block *b, const struct machine *m,
                      enum machine_work work)
{
    const struct rate *all = machine_rate(m, work, RATE_ALL_THREADS);
    const struct rate *one = machine_rate(m, work, RATE_ONE_THREAD);
    if (!all) return;
    if (one && one != all && one->threads < all->threads)
        facts_row(d, b, machine_work_word(work), "%s (1 thread %s)", rate_words(d->arena, all),
                  rate_words(d->arena, one));
    else
        facts_row(d, b, machine_work_word(work), "%s", rate_words(d->arena, all));
}

const char *rates_busy(const struct rate *rate, size_t rates)
{
    for (size_t i = 0; i < rates; i++)
        if (rate[i].threads > 0 && rate[i].conditions &&
            strncmp(rate[i].conditions, "busy", 4) == 0) /* the CPU's: a card counts none */
            return rate[i].conditions;
    return NULL;
}

void show_speed(struct doc *d, const struct machine *m, const struct catalog *c, const char *when)
{
    if (!machine_rated(m)) {
        struct block *b = doc_facts(d, "Speed");
        facts_row(d, b, "not measured", "%s", m->unmeasured ? m->unmeasured : "no rates");
        return;
    }
    const char *busy = rates_busy(m->rate, m->rates);
    struct block *b = doc_facts(d, !when ? "Speed, as its report or line says"
                                         : str_format(d->arena, "Speed, measured, %s%s", when,
                                                      busy ? "" : ", on an idle machine"));
    show_kernel_rows(d, b, m, c);
    for (enum machine_work work = 0; work < WORK_GUIDE_ROUNDS; work++)
        if (!kernel_work(work) && work != WORK_OPERATIONS && work != WORK_ELEMENT_BYTES)
            speed_row(d, b, m, work);
    if (busy)
        facts_row(d, b, "conditions",
                  "%s: the figures may be low; measure again on an idle machine", busy);
}

void show_notes(struct doc *d, const struct notes *n)
{
    for (size_t i = 0; i < n->count; i++)
        doc_note(d, TONE_DIM, "%s", str_visible(d->arena, str_of(n->note[i])));
}
