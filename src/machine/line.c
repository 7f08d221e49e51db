/* A machine from one line of words: "cpu:8 ram:32GiB gpu:RTX 4090 x2 disk:500GiB". A value runs to the next key.
 *
 * ram must be given; what is not given stays unknown, but for the budget: without `available` all of ram is assumed usable, and said.
 * Parts are looked up by name: a CPU gives cores, threads and instruction sets, a GPU its memory and what it is listed with; a size behind
 * a chip that shares the machine's memory is what it may take of it. A rate behind a card is what its memory is read at, in place of the
 * listed one. `link` is how every card is attached. Left out: several disks, cards attached in different ways. */
#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/known.h"
#include "catalog/parts.h"
#include "machine/accelerators.h"
#include "machine/facts.h"
#include "machine/line_card.h"
#include "machine/machine.h"
#include "machine/pci.h"

#include <math.h>
#include <string.h>

enum { LINE_MOST = 4096, SHOWN_MOST = 64, CPUS_MOST = 65536, FEATURES_MOST = 16, NEAR = 2 };

#define KEYS(X) X(cpu) X(ram) X(available) X(swap) X(gpu) X(disk) X(host) X(os) X(bandwidth) X(link)
enum key {
#define KEY_ENUM(name) KEY_##name,
    KEYS(KEY_ENUM)
#undef KEY_ENUM
        KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {
#define KEY_NAME(name) #name,
    KEYS(KEY_NAME)
#undef KEY_NAME
};
#define KEY_LISTED(name) " " #name
static const char origin_words[] = "the machine line";

struct making {
    const struct looking *in;
    struct mu_err *err;
    struct str value[KEY_COUNT]; /* p == NULL: not given */
    struct machine *machine;
    struct facts *facts;
    struct pool pool[2];
    struct place cpu;
    struct rate rate;
    double card_read_per_s[LINE_GPUS_MOST]; /* NaN: not given */
};

/* Text of the line made safe and short for a message. */
static const char *shown(const struct making *m, struct str s)
{
    const bool cut = s.n > SHOWN_MOST;
    if (cut) s.n = SHOWN_MOST;
    return str_format(m->in->arena, "%s%s", str_visible(m->in->arena, s), cut ? "..." : "");
}

static bool bad(const struct making *m, enum key key, const char *want)
{
    return err_set(m->err, MU_USAGE, "cannot make a machine of the line: %s:%s is not %s",
                   keys[key], shown(m, m->value[key]), want);
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Length of the "word:" that begins at the front, colon included; 0 when none does. */
static size_t key_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && letter(s.p[n])) n++;
    return n > 0 && n < s.n && s.p[n] == ':' ? n + 1 : 0;
}

/* Where the value at the front ends: before the next blank that a key follows. */
static size_t value_length(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (byte_is_blank(s.p[i]) && i + 1 < s.n &&
            key_length((struct str){s.p + i + 1, s.n - i - 1}))
            return i;
    return s.n;
}

static bool unknown_key(const struct making *m, struct str word)
{
    size_t nearest = 0;
    for (size_t i = 1; i < KEY_COUNT; i++)
        if (str_distance(word, str_of(keys[i])) < str_distance(word, str_of(keys[nearest])))
            nearest = i;
    if (str_distance(word, str_of(keys[nearest])) <= NEAR)
        return err_set(
            m->err, MU_USAGE,
            "cannot make a machine of the line: there is no key '%s', did you mean '%s'?",
            shown(m, word), keys[nearest]);
    return err_set(
        m->err, MU_USAGE,
        "cannot make a machine of the line: there is no key '%s'; keys are" KEYS(KEY_LISTED),
        shown(m, word));
}

static bool keep(struct making *m, struct str word, struct str value)
{
    enum key key = 0;
    while (key < KEY_COUNT && !str_eq_nocase(word, str_of(keys[key]))) key++;
    if (key == KEY_COUNT) return unknown_key(m, word);
    if (m->value[key].p)
        return err_set(m->err, MU_USAGE, "cannot make a machine of the line: %s is given twice",
                       keys[key]);
    m->value[key] = value;
    if (!value.n)
        return err_set(m->err, MU_USAGE, "cannot make a machine of the line: %s has no value",
                       keys[key]);
    return true;
}

static bool split(struct making *m, struct str line)
{
    struct str rest = str_trim(line);
    if (rest.n > LINE_MOST)
        return err_set(m->err, MU_USAGE,
                       "cannot make a machine of the line: it is longer than %d bytes", LINE_MOST);
    while (rest.n) {
        const size_t n = key_length(rest);
        if (!n)
            return err_set(m->err, MU_USAGE,
                           "cannot make a machine of the line: '%s' is no key:value; try \"cpu:8 "
                           "ram:32GiB disk:500GiB\"",
                           shown(m, rest));
        const struct str word = {rest.p, n - 1};
        rest = (struct str){rest.p + n, rest.n - n};
        const size_t length = value_length(rest);
        if (!keep(m, word, str_trim((struct str){rest.p, length}))) return false;
        rest = str_trim((struct str){rest.p + length, rest.n - length});
    }
    return true;
}

static const char *text_of(const struct making *m, enum key key)
{
    return m->value[key].p ? str_copy(m->in->arena, m->value[key]) : NULL;
}

/* A size in bytes; a bare number counts GiB. */
static bool size_of(const struct making *m, enum key key, struct quantity *out)
{
    double bytes;
    if (!m->value[key].p) {
        *out = unknown("not in the machine line");
        return true;
    }
    if (!units_parse_bytes(m->value[key], 0x1p30, &bytes))
        return bad(m, key, "a size such as 32GiB");
    *out = quantity_of(bytes, REPORTED, origin_words);
    return true;
}

static bool memory_made(struct making *m)
{
    struct memory_facts *f = &m->facts->memory;
    if (!m->value[KEY_ram].p)
        return err_set(m->err, MU_USAGE,
                       "cannot make a machine of the line: ram is not given; try \"ram:32GiB\"");
    if (!size_of(m, KEY_ram, &f->total_bytes) || !size_of(m, KEY_available, &f->available_bytes) ||
        !size_of(m, KEY_swap, &f->swap_total_bytes))
        return false;
    if (!(f->total_bytes.value > 0)) return bad(m, KEY_ram, "more than nothing");
    if (known_or(f->available_bytes, 0) > f->total_bytes.value)
        return bad(m, KEY_available, "at most ram");
    struct pool *p = &m->pool[m->machine->pools++];
    *p = (struct pool){.kind = POOL_MEMORY, .name = "memory", .total_bytes = f->total_bytes};
    if (known(f->available_bytes, NULL)) {
        p->usable_bytes = f->available_bytes;
        p->bound_by = "available, as the machine line says";
    } else {
        p->usable_bytes = quantity_of(f->total_bytes.value, ASSUMED, origin_words);
        p->bound_by = "all of ram: available was not given";
        f->available_bytes = p->usable_bytes;
        fell_back(m->in->notes, "all of ram as available",
                  "the machine line does not give available");
    }
    return true;
}

/* "8", "8 cores", "16 threads": a count and what it counts. False when it is a name. */
static bool counted(struct str value, uint64_t *n, bool *threads)
{
    struct str rest = value;
    const struct str number = str_cut(&rest, ' ');
    const struct str word = str_trim(rest);
    *threads = str_is(word, "threads") || str_is(word, "thread");
    if (word.n && !*threads && !str_is(word, "cores") && !str_is(word, "core")) return false;
    return str_u64(number, n);
}

static void features_of(const struct cpu_part *part, struct cpu_facts *cpu, struct arena *a)
{
    const struct {
        bool has;
        const char *name;
    } row[] = {{part->avx2, "avx2"},
               {part->avx512, "avx512f"},
               {part->avx512_vnni, "avx512_vnni"},
               {part->avx_vnni, "avx_vnni"},
               {part->amx, "amx_int8"},
               {part->amx, "amx_bf16"},
               {part->neon, "neon"},
               {part->dotprod, "dotprod"},
               {part->i8mm, "i8mm"},
               {part->sve, "sve"}};
    const char **feature = NEW_ARRAY(a, const char *, FEATURES_MOST);
    for (size_t i = 0; i < COUNT_OF(row); i++)
        if (row[i].has) feature[cpu->feature_count++] = row[i].name;
    cpu->features = feature;
}

static bool cpu_named(struct making *m)
{
    struct cpu_facts *cpu = &m->facts->cpu;
    const struct cpu_part *part =
        m->in->catalog ? catalog_cpu(m->in->catalog, m->value[KEY_cpu]) : NULL;
    if (!part && m->in->catalog && !catalog_sound(m->in->catalog, m->err)) return false;
    if (!part) return bad(m, KEY_cpu, "a number of cores, nor a CPU that is known by that name");
    cpu->name = part->name;
    cpu->vendor = part->vendor;
    cpu->packages = quantity_of(1, ASSUMED, origin_words);
    cpu->cores = quantity_of(part->cores, LISTED, part->source);
    cpu->threads = quantity_of(part->threads, LISTED, part->source);
    features_of(part, cpu, m->in->arena);
    return true;
}

static bool cpu_made(struct making *m)
{
    struct cpu_facts *cpu = &m->facts->cpu;
    uint64_t n;
    bool threads;
    cpu->packages = cpu->cores = cpu->threads = unknown("not in the machine line");
    if (m->value[KEY_cpu].p && counted(m->value[KEY_cpu], &n, &threads)) {
        if (n < 1 || n > CPUS_MOST) return bad(m, KEY_cpu, "between 1 and 65536");
        if (!threads) cpu->cores = quantity_of((double)n, REPORTED, origin_words);
        cpu->threads = quantity_of((double)n, threads ? REPORTED : ASSUMED, origin_words);
    } else if (m->value[KEY_cpu].p && !cpu_named(m)) {
        return false;
    }
    m->cpu = (struct place){.kind = PLACE_CPU,
                            .name = "CPU",
                            .threads = cpu->threads,
                            .bound_by = "all of the CPU: the machine line names no limit"};
    return true;
}

static bool no_such_card(const struct making *m, struct str name)
{
    const char *near;
    const bool any = m->in->catalog && known_near(m->in->catalog, KNOWN_GPU, name, &near, 1);
    return err_set(m->err, MU_USAGE,
                   "cannot make a machine of the line: no GPU is known as '%s'; give its memory "
                   "too, as in \"gpu:NAME 24GB\"%s%s%s",
                   shown(m, name), any ? "; did you mean " : "", any ? near : "", any ? "?" : "");
}

/* Its row of the catalogue in *part, or NULL; what was taken of several is said. */
static bool card_part(const struct making *m, struct str whole, struct str name, double gib,
                      const struct gpu_part **part)
{
    const struct looking *in = m->in;
    *part = NULL;
    enum catalog_match match = in->catalog ? catalog_gpu(in->catalog, name, gib, part) : MATCH_NONE;
    if (match == MATCH_NONE && in->catalog)
        match = catalog_gpu(in->catalog, whole, (double)NAN, part);
    if (match == MATCH_NONE && in->catalog && !catalog_sound(in->catalog, m->err)) return false;
    if (match == MATCH_NONE && isnan(gib)) return no_such_card(m, whole);
    if (match == MATCH_SEVERAL)
        fell_back(in->notes, (*part)->name,
                  str_format(in->arena, "several cards are called '%s'", shown(m, whole)));
    return true;
}

/* A chip without memory of its own: a size given is the share of ram that it may take. */
static bool shares_ram(const struct making *m, double gib, double free_gib, struct gpu_seen *out)
{
    const double ram_bytes = known_or(m->facts->memory.total_bytes, 0);
    if (!isnan(free_gib))
        return err_set(m->err, MU_USAGE,
                       "cannot make a machine of the line: %s shares the machine's memory; give "
                       "available, not what is free of the GPU",
                       out->name);
    out->kind = GPU_INTEGRATED;
    out->memory_bytes = quantity_of(0, LISTED, origin_words);
    out->sized = "shares the machine's memory";
    if (!(gib * 0x1p30 < ram_bytes)) return true;
    out->shared_bytes = quantity_of(gib * 0x1p30, REPORTED, origin_words);
    out->limited_by = "as the machine line says";
    return true;
}

/* What is free of it and how fast it is read, in either order. */
static void card_words(struct str *name, double *free_gib, double *read_per_s)
{
    const bool told = card_free(name, free_gib);
    (void)card_read(name, read_per_s);
    if (!told) (void)card_free(name, free_gib);
}

static bool gpu_seen_of(const struct making *m, struct str name, struct gpu_seen *out,
                        double *read_per_s)
{
    const struct gpu_part *part;
    double gib, free_gib;
    card_words(&name, &free_gib, read_per_s);
    const struct str whole = name;
    card_memory(&name, &gib);
    if (str_eq_nocase(name, S("free"))) return bad(m, KEY_gpu, "the name of a GPU");
    if (!card_part(m, whole, name, gib, &part)) return false;
    *out = (struct gpu_seen){.name = str_copy(m->in->arena, name), .sized = "as listed"};
    out->memory_bytes = quantity_of(gib * 0x1p30, REPORTED, origin_words);
    if (part) {
        out->name = out->part = part->name;
        out->vendor = part->vendor;
        if (part->unified_memory) return shares_ram(m, gib, free_gib, out);
        const double mib = part->driver_reported_mib;
        if (isnan(gib) || gib == part->memory_gib)
            out->memory_bytes =
                quantity_of(isnan(mib) ? part->memory_gib * 0x1p30 : mib * 0x1p20, LISTED,
                            str_format(m->in->arena, "catalogue: %s", part->name));
    }
    if (isnan(free_gib)) return true;
    if (free_gib * 0x1p30 > out->memory_bytes.value)
        return bad(m, KEY_gpu, "a card with so much free memory");
    out->free_bytes = quantity_of(free_gib * 0x1p30, REPORTED, origin_words);
    return true;
}

static bool gpus_made(struct making *m)
{
    struct str rest = m->value[KEY_gpu];
    struct facts *f = m->facts;
    if (!rest.p || str_eq_nocase(rest, S("none")) || str_is(rest, "0")) return true;
    struct gpu_seen *gpu = NEW_ARRAY(m->in->arena, struct gpu_seen, LINE_GPUS_MOST);
    while (rest.p) {
        struct str name = str_trim(card_next(&rest));
        uint64_t times;
        struct gpu_seen one;
        double read_per_s;
        if (!card_times(&name, &times) || times > LINE_GPUS_MOST - f->gpus)
            return bad(m, KEY_gpu, "at most 64 GPUs");
        if (!name.n) return bad(m, KEY_gpu, "the name of a GPU");
        if (!gpu_seen_of(m, name, &one, &read_per_s)) return false;
        for (; times; times--) {
            m->card_read_per_s[f->gpus] = read_per_s;
            gpu[f->gpus++] = one;
        }
    }
    f->gpu = gpu;
    return true;
}

/* A digit, or two, up to `most_value`. */
static bool small_cut(struct str *s, unsigned most_value, unsigned *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->n && n < 2 && s->p[n] >= '0' && s->p[n] <= '9')
        *out = *out * 10 + (unsigned)(s->p[n++] - '0');
    *s = (struct str){s->p + n, s->n - n};
    return n && *out && *out <= most_value;
}

/* "PCIe 4.0 x16", "4 x8": generation and lanes. */
static bool lanes_of(struct str value, unsigned *generation, unsigned *lanes)
{
    enum { GENERATION_MOST = 6, LANES_MOST = 32 };
    if (value.n > 4 && str_eq_nocase((struct str){value.p, 4}, S("pcie")))
        value = str_trim((struct str){value.p + 4, value.n - 4});
    if (!small_cut(&value, GENERATION_MOST, generation)) return false;
    if (str_starts(value, S(".0"))) value = (struct str){value.p + 2, value.n - 2};
    value = str_trim(value);
    if (!str_starts(value, S("x"))) return false;
    value = (struct str){value.p + 1, value.n - 1};
    return small_cut(&value, LANES_MOST, lanes) && !value.n;
}

/* "PCIe 4.0 x16", or a rate; of every card with memory of its own. */
static bool link_made(struct making *m)
{
    struct str value = m->value[KEY_link];
    unsigned generation, lanes;
    double per_s;
    if (!value.p) return true;
    const char *words = str_copy(m->in->arena, value);
    struct quantity rate = unknown(NULL);
    if (lanes_of(value, &generation, &lanes)) {
        words = pci_link_words(m->in->arena, generation, lanes);
        rate = pci_link_rate(generation, lanes);
    } else if (str_ends(value, S("/s"))) {
        value.n -= 2;
        if (units_parse_bytes(str_trim(value), 1e9, &per_s) && per_s > 0)
            rate = quantity_of(per_s, REPORTED, origin_words);
    }
    if (!known(rate, NULL)) return bad(m, KEY_link, "a link such as PCIe 4.0 x16, or 25GB/s");
    struct gpu_seen *gpu = NEW_ARRAY(m->in->arena, struct gpu_seen, LINE_GPUS_MOST);
    for (size_t i = 0; i < m->facts->gpus; i++) {
        gpu[i] = m->facts->gpu[i];
        if (!(known_or(gpu[i].memory_bytes, 0) > 0)) continue;
        gpu[i].link = words;
        gpu[i].link_bytes_per_s = rate;
    }
    m->facts->gpu = gpu;
    return true;
}

static bool disk_made(struct making *m)
{
    struct disk_facts *d = NEW(m->in->arena, struct disk_facts);
    if (!m->value[KEY_disk].p) return true;
    *d = (struct disk_facts){.purpose = "root",
                             .path = "/",
                             .mount = "/",
                             .total_bytes = unknown("the machine line gives what is free")};
    if (!size_of(m, KEY_disk, &d->free_bytes)) return false;
    m->facts->disk = d;
    m->facts->disks = 1;
    m->pool[m->machine->pools++] = (struct pool){.kind = POOL_DISK,
                                                 .name = d->mount,
                                                 .total_bytes = d->total_bytes,
                                                 .usable_bytes = d->free_bytes,
                                                 .bound_by = "free space"};
    return true;
}

/* Platforms by the words people use; every other word names a distribution of the usual one. */
static void os_made(struct making *m)
{
    static const struct {
        const char *word, *platform;
    } row[] = {
        {"linux", "Linux"}, {"macos", "Darwin"}, {"darwin", "Darwin"}, {"windows", "Windows"}};
    struct os_facts *os = &m->facts->os;
    const struct str given = m->value[KEY_os];
    os->hostname = text_of(m, KEY_host);
    os->platform = "Linux";
    bool platform = false;
    for (size_t i = 0; i < COUNT_OF(row); i++)
        if (str_eq_nocase(given, str_of(row[i].word))) {
            os->platform = row[i].platform;
            platform = true;
        }
    if (!platform) os->distribution = text_of(m, KEY_os);
    for (size_t i = 0; !given.p && m->in->catalog && i < m->facts->gpus; i++) {
        const struct accelerator_vendor *v =
            catalog_accelerator_vendor(m->in->catalog, m->facts->gpu[i].vendor, NULL, NULL);
        if (v && v->platform) os->platform = v->platform;
    }
}

/* "60GB/s"; a bare number counts GB/s. */
static bool bandwidth_made(struct making *m)
{
    struct str value = m->value[KEY_bandwidth];
    double per_s;
    m->machine->unmeasured = "a machine line measures nothing; add bandwidth:60GB/s if it is known";
    if (!value.p) return true;
    if (str_ends(value, S("/s"))) value.n -= 2;
    if (!units_parse_bytes(str_trim(value), 1e9, &per_s) || !(per_s > 0))
        return bad(m, KEY_bandwidth, "a rate such as 60GB/s");
    m->rate = (struct rate){.work = WORK_READ_BYTES,
                            .type = RATE_NO_TYPE,
                            .threads = known_or(m->cpu.threads, 1),
                            .per_s = estimate_exactly(per_s, REPORTED, origin_words)};
    m->machine->rate = &m->rate;
    m->machine->rates = 1;
    m->machine->unmeasured = NULL;
    return true;
}

/* What the line gives of cards' memory stands before what is listed for them. */
static const struct machine *cards_rated(struct making *m, const struct machine *all)
{
    struct machine *out = NEW(m->in->arena, struct machine);
    struct rate *rate = NEW_ARRAY(m->in->arena, struct rate, all->rates + LINE_GPUS_MOST);
    *out = *all;
    out->rates = 0;
    for (size_t i = 0; i < m->facts->gpus; i++) {
        const struct place *place = machine_place_of_gpu(all, i);
        if (isnan(m->card_read_per_s[i])) continue;
        if (!place) {
            note_add(m->in->notes, "the bandwidth of %s is not used: it is no place to compute",
                     m->facts->gpu[i].name);
            continue;
        }
        rate[out->rates++] =
            (struct rate){.work = WORK_READ_BYTES,
                          .type = RATE_NO_TYPE,
                          .place = (uint16_t)(place - all->place),
                          .per_s = estimate_exactly(m->card_read_per_s[i], REPORTED, origin_words)};
    }
    if (!out->rates) return all;
    for (size_t i = 0; i < all->rates; i++) rate[out->rates++] = all->rate[i];
    out->rate = rate;
    return out;
}

bool machine_from_line(struct str line, const struct looking *in, const struct machine **out,
                       struct mu_err *err)
{
    struct making *m = NEW(in->arena, struct making);
    m->in = in;
    m->err = err;
    m->machine = NEW(in->arena, struct machine);
    m->facts = NEW(in->arena, struct facts);
    if (!split(m, line) || !memory_made(m) || !cpu_made(m) || !gpus_made(m) || !link_made(m) ||
        !disk_made(m) || !bandwidth_made(m))
        return false;
    os_made(m);
    m->machine->name = m->facts->os.hostname;
    m->machine->pool = m->pool;
    m->machine->place = &m->cpu;
    m->machine->places = 1;
    m->machine->facts = m->facts;
    *out = cards_rated(m, machine_with_accelerators(m->machine, in->catalog, in->arena));
    return true;
}
