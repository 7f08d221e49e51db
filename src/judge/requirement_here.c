/* Holds what is asked against a machine. Sizes in GB are 10^9 bytes as written, so that what a driver keeps of a card sold as 8 GB does
 * not count; a card that the catalogue knows counts with its nominal size too. A CPU's listed bandwidth is held against the listed one
 * here, or a share of it (data/requirements.json) against what was measured; on a virtual machine what is listed of the whole chip says
 * nothing. Vector instructions are compared by set: a chip of another architecture lacks them. A disk goes by its measured rate, else by its
 * kind. One figure that is less than asked decides; else one that is not known leaves it open. Left out: clock rates, cores of two kinds. */
#include "judge/requirement.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "judge/requirement_words.h"
#include "machine/facts.h"
#include "machine/machine.h"

enum { WORDS_BYTES = 2048 };
static const double GB = 1e9, NEVER = 0;

struct here {
    const struct machine *m;
    const struct catalog *catalog;
    const struct requirement_words *words;
    struct arena *arena;
    const struct cpu_part *cpu; /* its row, or NULL */
    const struct gpu_seen *gpu; /* the one looked at, or NULL: none here */
    const struct gpu_part *gpu_row;
    double gpu_bytes, gpu_gbs; /* NaN: not known */
};
/* How one thing came out, with both sides in words. */
struct held {
    enum requirement_says says;
    const char *asked, *here;
};

const char *requirement_word(enum requirement_says says)
{
    static const char *const words[] = {"met", "not met", "not known"};
    return words[says];
}

/* `have` NaN: not known. */
static enum requirement_says reaches(double have, double asked)
{
    if (isnan(have) || isnan(asked)) return REQUIREMENT_UNKNOWN;
    return have >= asked ? REQUIREMENT_MET : REQUIREMENT_NOT_MET;
}

/* Both must hold. */
static enum requirement_says both(enum requirement_says a, enum requirement_says b)
{
    if (a == REQUIREMENT_NOT_MET || b == REQUIREMENT_NOT_MET) return REQUIREMENT_NOT_MET;
    return a == REQUIREMENT_UNKNOWN ? a : b;
}

/* Either will do: met, else open, else not. */
static bool better(enum requirement_says a, enum requirement_says than)
{
    static const int rank[] = {
        [REQUIREMENT_MET] = 2, [REQUIREMENT_UNKNOWN] = 1, [REQUIREMENT_NOT_MET] = 0};
    return rank[a] > rank[than];
}

static bool one_of(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; word && i < count; i++)
        if (str_eq_nocase(str_of(word), str_of(names[i]))) return true;
    return false;
}

/* ---- the CPU ---- */

/* Physical cores, and no more of them than one process may use. */
static double cores_here(const struct here *h)
{
    const struct place *cpu = machine_cpu(h->m);
    double cores;
    if (!known(h->m->facts->cpu.cores, &cores)) return (double)NAN;
    return cpu ? fmin(cores, known_or(cpu->threads, cores)) : cores;
}

static const char *count_words(struct arena *a, double cores)
{
    if (isnan(cores)) return "cores not known";
    return str_format(a, "%g core%s", cores, cores == 1 ? "" : "s");
}

/* The sets that are asked for and not there; *is_known false when nothing is known of the CPU's instructions. */
static unsigned vectors_lacking(const struct here *h, unsigned asked, bool *is_known)
{
    const struct cpu_facts *cpu = &h->m->facts->cpu;
    unsigned has = 0;
    *is_known = cpu->feature_count > 0;
    for (size_t i = 0; i < VECTOR_SETS; i++)
        if (one_of(vector_sets[i].feature, cpu->features, cpu->feature_count)) has |= 1u << i;
    return asked & ~has;
}

/* The most telling of these sets: the last of the list. */
static const char *vector_words(unsigned sets)
{
    const char *words = NULL;
    for (size_t i = 0; i < VECTOR_SETS; i++)
        if (sets & 1u << i) words = vector_sets[i].words;
    return words;
}

struct reading_rate {
    double gbs;  /* NaN: not known */
    bool listed; /* of the chip, not seen to be reached */
};

static struct reading_rate bandwidth_here(const struct here *h)
{
    const struct rate *r = machine_rate(h->m, WORK_READ_BYTES, RATE_ALL_THREADS);
    if (r && estimate_known(r->per_s)) return (struct reading_rate){r->per_s.likely / GB, false};
    const bool whole = h->cpu && !h->m->facts->os.virtual_machine;
    return (struct reading_rate){whole ? h->cpu->theoretical_bandwidth_gbs : (double)NAN, true};
}

static const char *rate_words(struct arena *a, double gbs)
{
    return isnan(gbs) ? "memory bandwidth not known" : units_byte_rate(a, gbs * GB);
}

/* Of the sets that a part asks for. */
static struct held hold_vectors(const struct here *h, unsigned asked)
{
    bool is_known;
    const unsigned lacking = vectors_lacking(h, asked, &is_known);
    const char *sets = vector_words(asked);
    if (!asked) return (struct held){REQUIREMENT_MET, "", ""};
    if (!is_known)
        return (struct held){REQUIREMENT_UNKNOWN, str_format(h->arena, ", %s", sets),
                             ", instructions not known"};
    return (struct held){lacking ? REQUIREMENT_NOT_MET : REQUIREMENT_MET,
                         str_format(h->arena, ", %s", sets),
                         str_format(h->arena, ", %s%s", lacking ? "no " : "",
                                    lacking ? vector_words(lacking) : sets)};
}

static struct held hold_sets(const struct here *h, const struct ask *ask)
{
    unsigned asked = 0;
    bool is_known;
    for (size_t i = 0; i < ask->name_count; i++) asked |= vector_set_of(ask->names[i]);
    const unsigned lacking = vectors_lacking(h, asked, &is_known);
    struct held out = {.says = REQUIREMENT_UNKNOWN,
                       .asked = str_format(h->arena, "%s asked", vector_words(asked)),
                       .here = "instructions not known"};
    if (!is_known) return out;
    out.says = lacking ? REQUIREMENT_NOT_MET : REQUIREMENT_MET;
    out.here = str_format(h->arena, "%s%s", lacking ? "no " : "", vector_words(asked));
    return out;
}

static struct held hold_cpu_part(const struct here *h, const struct ask_part *p)
{
    struct arena *a = h->arena;
    const struct reading_rate rate = bandwidth_here(h);
    const double share = rate.listed ? 1 : h->words->sustained_share_least;
    const double gbs = p->bandwidth_gbs * share;
    const double cores = cores_here(h);
    const struct held vectors = hold_vectors(h, p->vectors);
    const char *least = p->family ? str_format(a, " (the least of its kind, as %s)", p->row) : "";
    return (struct held){
        .says = both(both(reaches(cores, p->cores), vectors.says), reaches(rate.gbs, gbs)),
        .asked =
            str_format(a, "%s%s and %s%s asked by %s%s", count_words(a, p->cores), vectors.asked,
                       rate_words(a, gbs), rate.listed ? "" : " sustained", p->name, least),
        .here = str_format(a, "%s%s, %s%s", count_words(a, cores), vectors.here,
                           rate_words(a, rate.gbs),
                           rate.listed && !isnan(rate.gbs) ? " as listed" : "")};
}

/* ---- GPUs ---- */

static bool computes(const struct gpu_seen *g)
{
    return !g->hidden && !(g->sized && strcmp(g->sized, GPU_DISPLAY_ONLY) == 0) &&
           !(g->kind && strcmp(g->kind, "npu") == 0);
}

/* The place that stands for the i-th GPU seen, or places: none does. */
static size_t place_of(const struct machine *m, size_t gpu)
{
    size_t i = 0;
    while (i < m->places && !(m->place[i].kind == PLACE_GPU && m->place[i].gpu == gpu)) i++;
    return i;
}

static void look_at_gpu(struct here *h, size_t gpu)
{
    const struct machine *m = h->m;
    const struct gpu_seen *g = &m->facts->gpu[gpu];
    const size_t place = place_of(m, gpu);
    const char *part = g->part ? g->part : g->name;
    double bytes = known_or(g->memory_bytes, (double)NAN);
    bool stated = false;                   /* its bandwidth, by who made the machine line */
    if (!(bytes > 0)) bytes = (double)NAN; /* none of its own */
    h->gpu = g;
    h->gpu_row = NULL;
    h->gpu_gbs = (double)NAN;
    if (part) (void)catalog_gpu(h->catalog, str_of(part), bytes / 0x1p30, &h->gpu_row);
    if (place < m->places) {
        const struct rate *r = machine_place_rate(m, place, WORK_READ_BYTES);
        const struct pool *pool = &m->pool[m->place[place].pool];
        const double own =
            known_or(m->place[place].limit_bytes, known_or(pool->total_bytes, (double)NAN));
        bytes = fmax(bytes, own); /* fmax passes over what is not known */
        if (r && estimate_known(r->per_s)) h->gpu_gbs = r->per_s.likely / GB;
        stated = r && r->per_s.origin == REPORTED;
    }
    if (h->gpu_row) {
        if (!stated) h->gpu_gbs = h->gpu_row->memory_bandwidth_gbs;
        if (!h->gpu_row->unified_memory) bytes = fmax(bytes, h->gpu_row->memory_gib * 0x1p30);
    }
    h->gpu_bytes = bytes;
}

static const char *gpu_name(const struct here *h)
{
    const char *name = h->gpu->name ? h->gpu->name : h->gpu->pci_id;
    return name ? str_visible(h->arena, str_of(name)) : "a GPU that is not known by name";
}

static const char *no_gpu(const struct here *h)
{
    const struct facts *f = h->m->facts;
    for (size_t i = 0; i < f->gpus; i++)
        if (f->gpu[i].hidden)
            return str_format(h->arena, "no GPU that a process may use: %s",
                              str_visible(h->arena, str_of(f->gpu[i].hidden)));
    return "no GPU";
}

static const char *gpu_words(const struct here *h)
{
    struct arena *a = h->arena;
    if (!h->gpu) return no_gpu(h);
    return str_format(a, "%s, %s, %s", gpu_name(h),
                      isnan(h->gpu_bytes) ? "memory not known" : units_bytes(a, h->gpu_bytes),
                      rate_words(a, h->gpu_gbs));
}

static struct held hold_gpu_part(const struct here *h, const struct ask_part *p)
{
    struct arena *a = h->arena;
    struct held out = {.says = REQUIREMENT_NOT_MET, .here = gpu_words(h)};
    out.asked = str_format(a, "%s and %s asked by %s", units_bytes(a, p->memory_gib * 0x1p30),
                           rate_words(a, p->bandwidth_gbs), p->row);
    if (h->gpu)
        out.says =
            both(reaches(h->gpu_bytes, p->memory_gib * GB), reaches(h->gpu_gbs, p->bandwidth_gbs));
    return out;
}

static enum requirement_says made_by(const char *maker, const struct ask *ask)
{
    if (!ask->name_count) return REQUIREMENT_MET; /* whoever made it */
    if (!maker) return REQUIREMENT_UNKNOWN;
    return one_of(maker, ask->names, ask->name_count) ? REQUIREMENT_MET : REQUIREMENT_NOT_MET;
}

static struct held hold_make(const struct here *h, const struct ask *ask)
{
    const struct cpu_facts *cpu = &h->m->facts->cpu;
    const char *chip = !cpu->vendor && h->cpu ? h->cpu->vendor : cpu->vendor;
    struct held out = {.says = REQUIREMENT_NOT_MET,
                       .asked = str_format(h->arena, "%s asked", ask->words),
                       .here = gpu_words(h)};
    if (h->gpu)
        out.says =
            made_by(!h->gpu->vendor && h->gpu_row ? h->gpu_row->vendor : h->gpu->vendor, ask);
    if (ask->kind == ASK_CHIP && one_of(chip, ask->names, ask->name_count)) {
        out.says = REQUIREMENT_MET;
        out.here = cpu->name ? str_visible(h->arena, str_of(cpu->name)) : chip;
    }
    return out;
}

/* ---- the disk ---- */

/* The one that work is done on: this folder's, else the root's. */
static const struct disk_facts *disk_here(const struct machine *m)
{
    const struct facts *f = m->facts;
    for (size_t i = 0; i < f->disks; i++)
        if (f->disk[i].purpose && strcmp(f->disk[i].purpose, "this folder") == 0)
            return &f->disk[i];
    return f->disks ? &f->disk[0] : NULL;
}

static struct held hold_disk(const struct here *h, const struct disk_class *class_)
{
    struct arena *a = h->arena;
    const struct disk_facts *disk = disk_here(h->m);
    const struct rate *r = machine_rate(h->m, WORK_DISK_READ_BYTES, RATE_ONE_THREAD);
    const char *kind = disk ? disk->kind : NULL;
    struct held out = {.says = REQUIREMENT_UNKNOWN,
                       .asked = str_format(a, "an %s asked, which reads %s or more", class_->name,
                                           units_byte_rate(a, class_->read_mbs * 1e6))};
    if (r && estimate_known(r->per_s)) {
        out.says = reaches(r->per_s.likely, class_->read_mbs * 1e6);
        out.here = str_format(a, "%s read from the disk", units_byte_rate(a, r->per_s.likely));
    } else if (one_of(kind, class_->kinds, class_->kind_count)) {
        out.says = REQUIREMENT_MET;
        out.here = str_format(a, "a disk of kind %s, not measured", kind);
    } else {
        static const char *const slower[] = {"hdd", "ssd"};
        if (one_of(kind, slower, COUNT_OF(slower))) out.says = REQUIREMENT_NOT_MET;
        out.here = str_format(a, "%s%s, not measured",
                              kind ? "a disk of kind " : "its kind not known", kind ? kind : "");
    }
    return out;
}

/* ---- one thing asked ---- */

static struct held hold_bytes(const struct here *h, const struct ask *ask, double have,
                              const char *what)
{
    struct arena *a = h->arena;
    return (struct held){.says = reaches(have, ask->least),
                         .asked = str_format(a, "%s of %s asked", ask->words, what),
                         .here = isnan(have)
                                     ? str_format(a, "%s not known", what)
                                     : str_format(a, "%s of %s", units_bytes(a, have), what)};
}

static struct held hold_memory_of_gpu(const struct here *h, const struct ask *ask)
{
    struct held out = hold_bytes(h, ask, h->gpu ? h->gpu_bytes : NEVER, "GPU memory");
    out.here = gpu_words(h);
    return out;
}

static struct held hold_architecture(const struct here *h, const struct ask *ask)
{
    const char *here = h->m->facts->os.architecture;
    struct held out = {.says = REQUIREMENT_UNKNOWN,
                       .asked = str_format(h->arena, "%s asked", ask->words),
                       .here = here ? here : "its architecture not known"};
    if (here)
        out.says =
            one_of(here, ask->names, ask->name_count) ? REQUIREMENT_MET : REQUIREMENT_NOT_MET;
    return out;
}

/* The names of all parts but the first. */
static const char *other_parts(struct arena *a, const struct ask *ask)
{
    const char *names = ask->part[1].row;
    for (size_t i = 2; i < ask->parts; i++)
        names = str_format(a, "%s, %s", names, ask->part[i].row);
    return names;
}

/* The part that does best; of those that do alike the first. */
static struct held hold_parts(const struct here *h, const struct ask *ask)
{
    struct held best = {.asked = NULL};
    for (size_t i = 0; i < ask->parts; i++) {
        const struct held one = ask->kind == ASK_CPU ? hold_cpu_part(h, &ask->part[i])
                                                     : hold_gpu_part(h, &ask->part[i]);
        if (!best.asked || better(one.says, best.says)) best = one;
    }
    if (best.says == REQUIREMENT_NOT_MET && ask->parts > 1)
        best.asked = str_format(h->arena, "%s, and not reached either: %s", best.asked,
                                other_parts(h->arena, ask));
    return best;
}

static struct held hold_ask(const struct here *h, const struct ask *ask)
{
    const struct disk_facts *disk = disk_here(h->m);
    switch (ask->kind) {
    case ASK_CORES: {
        const double cores = cores_here(h);
        return (struct held){
            .says = reaches(cores, ask->least),
            .asked = str_format(h->arena, "%s asked", count_words(h->arena, ask->least)),
            .here = count_words(h->arena, cores)};
    }
    case ASK_RAM:
        return hold_bytes(h, ask, known_or(h->m->facts->memory.total_bytes, (double)NAN), "memory");
    case ASK_FREE:
        return hold_bytes(h, ask, disk ? known_or(disk->free_bytes, (double)NAN) : (double)NAN,
                          "free disk space");
    case ASK_ARCHITECTURE: return hold_architecture(h, ask);
    case ASK_GPU_MEMORY: return hold_memory_of_gpu(h, ask);
    case ASK_GPU_MAKE:
    case ASK_CHIP: return hold_make(h, ask);
    case ASK_DISK: return hold_disk(h, ask->disk);
    case ASK_VECTORS: return hold_sets(h, ask);
    case ASK_CPU:
    case ASK_GPU: break;
    }
    return hold_parts(h, ask);
}

/* ---- together ---- */

struct outcome {
    enum requirement_says says;
    bool wished; /* nothing but wishes */
    const char *why;
};

static void join(struct buf *line, const char *words)
{
    if (words && !str_has(buf_text(line), str_of(words)))
        buf_format(line, "%s%s", line->n ? "; " : "", words);
}

/* All that one alternative asks, with the GPU that h looks at. What decides stands in the sentence: what fails, else what is open. */
static struct outcome hold_alternative(const struct here *h, const struct alternative *alt)
{
    struct outcome out = {.says = REQUIREMENT_MET, .wished = true};
    struct held held[ASKS_MOST];
    struct buf asked, here;
    for (size_t i = 0; i < alt->asks; i++) {
        held[i] = hold_ask(h, &alt->ask[i]);
        out.wished = out.wished && alt->ask[i].wished;
    }
    for (size_t i = 0; i < alt->asks; i++)
        if (out.wished || !alt->ask[i].wished) out.says = both(out.says, held[i].says);
    buf_init(&asked, WORDS_BYTES);
    buf_init(&here, WORDS_BYTES);
    for (size_t i = 0; i < alt->asks; i++) {
        const bool wished = alt->ask[i].wished;
        const bool lesser = wished && !out.wished;
        if (held[i].says != out.says && !(lesser && held[i].says == REQUIREMENT_NOT_MET)) continue;
        join(&asked,
             wished ? str_format(h->arena, "%s, preferred only", held[i].asked) : held[i].asked);
        join(&here, held[i].here);
    }
    out.why = str_format(h->arena, "%s; here %s", buf_text(&asked).n ? asked.p : "",
                         buf_text(&here).n ? here.p : "");
    buf_release(&asked);
    buf_release(&here);
    return out;
}

static bool about_gpus(const struct alternative *alt)
{
    for (size_t i = 0; i < alt->asks; i++)
        if (alt->ask[i].kind == ASK_GPU || alt->ask[i].kind == ASK_GPU_MAKE ||
            alt->ask[i].kind == ASK_GPU_MEMORY || alt->ask[i].kind == ASK_CHIP)
            return true;
    return false;
}

/* With the GPU that does best, since all that is asked of a GPU is asked of one. */
static struct outcome hold_with_best(struct here *h, const struct alternative *alt)
{
    const struct facts *f = h->m->facts;
    h->gpu = NULL;
    struct outcome best = {.why = NULL};
    for (size_t i = 0; about_gpus(alt) && i < f->gpus; i++) {
        if (!computes(&f->gpu[i])) continue;
        look_at_gpu(h, i);
        const struct outcome one = hold_alternative(h, alt);
        if (!best.why || better(one.says, best.says)) best = one;
    }
    return best.why ? best : hold_alternative(h, alt);
}

struct requirement_verdict requirement_hold(const struct requirement *r,
                                            const struct requirement_words *w,
                                            const struct catalog *c, const struct machine *m,
                                            struct arena *a)
{
    struct here h = {.m = m, .catalog = c, .words = w, .arena = a};
    struct outcome best = {.why = NULL};
    if (r->unread)
        return (struct requirement_verdict){REQUIREMENT_UNKNOWN, false,
                                            str_format(a, "cannot read %s", r->unread)};
    if (!r->alternatives)
        return (struct requirement_verdict){REQUIREMENT_MET, false, "nothing is asked"};
    if (m->facts->cpu.name) h.cpu = catalog_cpu(c, str_of(m->facts->cpu.name));
    for (size_t i = 0; i < r->alternatives; i++) {
        const struct outcome one = hold_with_best(&h, &r->alternative[i]);
        if (!best.why || better(one.says, best.says)) best = one;
    }
    if (best.says == REQUIREMENT_NOT_MET && r->alternatives > 1)
        best.why = str_format(a, "%s; nor is another alternative met", best.why);
    return (struct requirement_verdict){best.says, best.wished || r->nothing, best.why};
}
