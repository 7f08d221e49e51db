/* Typical kernels: each row of data/kernels.json is a rate as a share of another one that people do measure, memory bandwidth for what
 * reads weights once, sgemm for what multiplies blocks. They were measured on one machine (the file says which), so a bill priced with
 * them carries the wide range of its own truth class. A CPU that a machine was made of by name has those two as the catalogue lists
 * them, times what CPUs usually reach of that. Left out: how the share changes with the number of channels and cores. */
#include "judge/typical.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/num.h"
#include "catalog/catalog.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "judge/accelerator.h"
#include "machine/facts.h"

static const char *const file_name = "kernels.json";

struct row {
    const char *work, *type, *buffer, *of;
    double tokens, row, group, cell, threads, share;
};
struct file {
    const struct row *row;
    size_t rows;
};

static const struct field row_fields[] = {
    FIELD(FIELD_TEXT, struct row, work, "what is done: matmul, attend, ..."),
    FIELD_OPTIONAL(FIELD_TEXT, struct row, type, "weights or cache"),
    FIELD_OPTIONAL(FIELD_TEXT, struct row, buffer, "where the weights lie"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct row, tokens, "columns at once"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct row, row, "values in a head's key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct row, group, "heads that share a key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct row, cell, "values in a cell of the cache"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct row, threads, "1: of one thread; absent: of all"),
    FIELD_OPTIONAL(FIELD_TEXT, struct row, of, "the rate that this is a share of"),
    FIELD(FIELD_NUMBER, struct row, share, "of that rate"),
};
static const struct fields row_table = FIELD_TABLE(struct row, "typical kernel", row_fields);
static const struct field file_fields[] = {
    FIELD_ROWS("entries", struct file, row, rows, "typical kernels", row_table),
};
static const struct fields file_table = FIELD_TABLE(struct file, "typical kernels", file_fields);

static bool typical_of(const struct catalog *c, const struct row *r, struct typical *out,
                       struct mu_err *err)
{
    *out = (struct typical){.of = MACHINE_WORK_COUNT};
    const struct weight_type *type = r->type ? catalog_type(c, str_of(r->type)) : NULL;
    if (!r->work || !machine_work_parse(r->work, &out->rate.work))
        return err_set(err, MU_DATA, "\"work\" is none that is known");
    if (r->of && !machine_work_parse(r->of, &out->of))
        return err_set(err, MU_DATA, "\"of\" is no rate that is known");
    if (r->type && !type) return err_set(err, MU_DATA, "no type is called \"%s\"", r->type);
    if (!(r->share > 0 && r->share < 1e12))
        return err_set(err, MU_DATA, "\"share\" of %s is no share", r->work);
    out->rate.type = type ? (uint8_t)type->id : RATE_NO_TYPE;
    out->rate.buffer = r->buffer;
    out->rate.tokens = number_or(r->tokens, 0);
    out->rate.row = number_or(r->row, 0);
    out->rate.group = number_or(r->group, 0);
    out->rate.cell = number_or(r->cell, 0);
    out->rate.threads = number_or(r->threads, 0);
    out->rate.per_s = estimate_exactly(r->share, ESTIMATED, "typical share, data/kernels.json");
    return true;
}

bool typical_read(const struct catalog *c, struct arena *a, struct world *out, struct mu_err *err)
{
    struct file file = {NULL, 0};
    if (!catalog_types(c, err) || !catalog_fields(c, file_name, &file_table, a, &file, err))
        return false;
    bool good = true;
    struct typical *typical = NEW_ARRAY(a, struct typical, file.rows + 1);
    for (size_t i = 0; good && i < file.rows; i++)
        good = typical_of(c, &file.row[i], &typical[i], err) || err_add(err, "entries[%zu]", i);
    out->typical = typical;
    out->typicals = file.rows;
    return good || err_add(err, "%s", file_name);
}

/* What a typical kernel is a share of here; NULL: that was not measured with one or with several threads, as it needs. */
static const struct rate *base_of(const struct machine *m, const struct typical *t)
{
    const bool one = t->rate.threads == 1;
    const enum machine_work of = t->of == MACHINE_WORK_COUNT ? WORK_READ_BYTES : t->of;
    const struct rate *r = machine_rate(m, of, one ? RATE_ONE_THREAD : RATE_ALL_THREADS);
    return r && one == (r->threads == 1) ? r : NULL;
}

static bool same_buffer(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) == 0;
}

/* Whether this kernel was measured for such weights in such a buffer. */
static bool measured(const struct machine *m, const struct typical *t, double threads)
{
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->work == t->rate.work && r->type == t->rate.type && r->threads == threads &&
            same_buffer(r->buffer, t->rate.buffer))
            return true;
    }
    return false;
}

/* ---- a CPU of the catalogue ---- */

static const struct accelerator *shares_of(const struct world *w, const struct cpu_part *part)
{
    const struct {
        bool has;
        const char *simd;
    } level[] = {{part->avx512, "avx512"}, {part->avx2, "avx2"}, {part->neon, "neon"}};
    for (size_t i = 0; i < sizeof level / sizeof *level; i++)
        if (level[i].has) return accelerator_cpu(w, level[i].simd);
    return NULL;
}

static struct rate listed_rate(enum machine_work work, double threads, double per_s,
                               const struct cpu_part *part)
{
    return (struct rate){.work = work,
                         .type = RATE_NO_TYPE,
                         .threads = threads,
                         .per_s = estimate_exactly(per_s, LISTED, part->source)};
}

enum { LISTED_RATES = 2 };

/* Rates of the CPU that this machine was made of by name; 0: it was not, they are known, or the catalogue does not say enough. */
static size_t listed_cpu(const struct machine *m, const struct world *w, struct rate *out)
{
    const double giga = 1e9;
    const struct place *cpu = machine_cpu(m);
    double cores, threads;
    size_t n = 0;
    if (!w->catalog || !cpu || !m->facts || !m->facts->cpu.name ||
        m->facts->cpu.cores.origin != LISTED || !known(m->facts->cpu.cores, &cores) ||
        !known(cpu->threads, &threads) || machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS))
        return 0;
    const struct cpu_part *part = catalog_cpu(w->catalog, str_of(m->facts->cpu.name));
    const struct accelerator *x = part ? shares_of(w, part) : NULL;
    if (!x || !(part->theoretical_bandwidth_gbs > 0)) return 0;
    const double read = least(part->theoretical_bandwidth_gbs * giga * x->read_share,
                              least(cores, threads) * x->core_read_per_s);
    const double flop = least(cores, threads) * part->max_boost_ghz * giga * x->flop_per_cycle;
    if (read > 0) out[n++] = listed_rate(WORK_READ_BYTES, threads, read, part);
    if (flop > 0) out[n++] = listed_rate(WORK_SGEMM_FLOP, threads, flop * x->float_share, part);
    return n;
}

/* Of a listed CPU each thread lengthens the wait at a node of the graph. */
static double node_s(const struct world *w, const struct rate *base)
{
    const struct accelerator *cpu = accelerator_cpu(w, NULL);
    return base->per_s.origin == LISTED && cpu ? cpu->launch_s * base->threads : 0;
}

static struct rate typical_rate(const struct typical *t, const struct rate *base,
                                const struct world *w)
{
    const double times = t->of == MACHINE_WORK_COUNT ? 1 : base->per_s.likely;
    const double wait_s = t->rate.work == WORK_OPERATIONS ? node_s(w, base) : 0;
    struct rate r = t->rate;
    r.place = base->place;
    r.threads = base->threads;
    r.per_s.likely = t->rate.per_s.likely * times;
    if (wait_s > 0) r.per_s.likely = 1 / (1 / r.per_s.likely + wait_s);
    r.per_s.low = r.per_s.high = r.per_s.likely;
    if (base->per_s.origin == LISTED) r.per_s.origin = LISTED;
    return r;
}

const struct machine *judge_typical(const struct machine *m, const struct world *w, struct arena *a)
{
    struct rate *rate = NEW_ARRAY(a, struct rate, m->rates + w->typicals + LISTED_RATES + 1);
    size_t rates = m->rates;
    if (rates) memcpy(rate, m->rate, rates * sizeof *rate);
    rates += listed_cpu(m, w, &rate[rates]);
    struct machine based = *m;
    based.rate = rate;
    based.rates = rates;
    for (size_t i = 0; i < w->typicals; i++) {
        const struct typical *t = &w->typical[i];
        const struct rate *base = base_of(&based, t);
        if (base && !measured(m, t, base->threads)) rate[rates++] = typical_rate(t, base, w);
    }
    return rates > m->rates ? machine_with_rates(m, rate, rates, a) : m;
}
