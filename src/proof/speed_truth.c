/* Reads a truth file of speed and asks the very code that answers users, on a machine made of nothing but the file's own rates. A run
 * is decoded tokens ("tg64") or a prompt ("pp512") behind a depth, with some threads; those marked contended shared their CPUs with
 * other work and are left out. Also left out: resident memory, CPU time of one thread. */
#include "proof/speed_truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/types.h"
#include "judge/judge.h"
#include "proof/hparams.h"
#include "proof/subjects.h"

static const char *const speed_classes[] = {"cpu_speed", "cpu_speed_measured"};
enum { THREADS_MOST = 4096, RUNS_IN_ROW_MOST = 64 };
static const double giga = 1e9;

struct reading {
    const struct catalog *catalog;
    struct arena *arena;
    struct truth_subjects subjects;
    const struct json *root, *rows;
    struct world world;
    struct pool pool;
    struct place place;
    struct machine machine; /* its rates are replaced for each number of threads */
    struct speed_row *row;
    size_t count, room;
    struct verdict *verdict;
};

bool speed_truth_is(struct str text)
{
    return truth_is_of(text, speed_classes, COUNT_OF(speed_classes));
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median over the file's rows of a memory bandwidth, GB/s; 0: none says it. */
static double bandwidth(const struct reading *r, const char *threads)
{
    const size_t rows = json_count(r->rows);
    double *all = NEW_ARRAY(r->arena, double, rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        n += json_number(
            json_get(json_get(json_get(json_at(r->rows, i), "bandwidth"), threads), "read_gbs"),
            &all[n]);
    qsort(all, n, sizeof *all, by_size);
    return n ? all[n / 2] : 0;
}

static void add_rate(struct rate *rate, size_t *n, enum machine_work work, double threads,
                     double per_s)
{
    if (!(per_s > 0)) return;
    rate[(*n)++] = (struct rate){.work = work,
                                 .type = RATE_NO_TYPE,
                                 .threads = threads,
                                 .per_s = estimate_exactly(per_s, MEASURED, "truth file"),
                                 .runs = 1};
}

/* A kernel's rate as a row of the file has it. */
struct kernel {
    const char *work, *type, *buffer;
    double tokens, row, group, cell, threads, per_s;
};
static const struct field kernel_fields[] = {
    FIELD(FIELD_TEXT, struct kernel, work, "what was done"),
    FIELD_OPTIONAL(FIELD_TEXT, struct kernel, type, "weights or cache"),
    FIELD_OPTIONAL(FIELD_TEXT, struct kernel, buffer, "where the weights lay"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct kernel, tokens, "columns at once"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct kernel, row, "values in a head's key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct kernel, group, "heads that share a key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct kernel, cell, "values in a cell of the cache"),
    FIELD(FIELD_NUMBER, struct kernel, threads, "threads"),
    FIELD(FIELD_NUMBER, struct kernel, per_s, "work a second"),
};
static const struct fields kernel_table = FIELD_TABLE(struct kernel, "kernel", kernel_fields);

static bool kernel_rate(const struct reading *r, const struct json *j, struct rate *out,
                        struct mu_err *err)
{
    struct kernel k = {.work = NULL};
    if (!fields_read(&kernel_table, j, &k, r->arena, err)) return false;
    const struct weight_type *type = k.type ? catalog_type(r->catalog, str_of(k.type)) : NULL;
    *out = (struct rate){.type = type ? (uint8_t)type->id : RATE_NO_TYPE,
                         .tokens = number_or(k.tokens, 0),
                         .row = number_or(k.row, 0),
                         .group = number_or(k.group, 0),
                         .cell = number_or(k.cell, 0),
                         .buffer = k.buffer,
                         .threads = k.threads,
                         .runs = 1};
    if (!k.work || !machine_work_parse(k.work, &out->work) || (k.type && !type) || !(k.per_s > 0) ||
        !(k.threads >= 1))
        return err_set(err, MU_DATA, "a known work, a known type, threads and per_s are needed");
    out->per_s = estimate_exactly(k.per_s, MEASURED, "truth file");
    return true;
}

/* Kernel rates measured beside a row's runs, of these threads. */
static bool kernel_rates(const struct reading *r, const struct json *list, double threads,
                         struct rate *rate, size_t *n, struct mu_err *err)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (!kernel_rate(r, json_at(list, i), &rate[*n], err)) return err_add(err, "rates[%zu]", i);
        *n += rate[*n].threads == threads;
    }
    return true;
}

/* A machine of the file's own rates with this many threads; NULL with a message. */
static const struct machine *machine_of(struct reading *r, const struct json *kernels,
                                        double threads, struct mu_err *err)
{
    const bool one = threads == 1;
    double sgemm = 0;
    const struct json *gemm = json_get(r->root, "gemm");
    struct rate *rate = NEW_ARRAY(r->arena, struct rate, json_count(kernels) + 3);
    size_t n = 0;
    if (!json_number(json_get(gemm, one ? "sgemm_gflops_t1" : "sgemm_gflops_t2"), &sgemm))
        sgemm = 0;
    add_rate(rate, &n, WORK_READ_BYTES, threads, giga * bandwidth(r, one ? "t1" : "t2"));
    add_rate(rate, &n, WORK_SGEMM_FLOP, threads, giga * sgemm);
    if (!kernel_rates(r, kernels, threads, rate, &n, err)) return NULL;
    r->machine.rate = rate;
    r->machine.rates = n;
    return judge_typical(&r->machine, &r->world, r->arena);
}

/* "tg64" or "pp512". */
static bool test_of(const char *test, bool *decode, double *tokens)
{
    if (!test || strlen(test) < 3) return false;
    *decode = strncmp(test, "tg", 2) == 0;
    return (*decode || strncmp(test, "pp", 2) == 0) && str_f64(str_of(test + 2), tokens) &&
           *tokens >= 1;
}

static bool read_run(struct reading *r, const struct json *row, const struct json *run,
                     const struct truth_subject *s, struct mu_err *err)
{
    const char *test = truth_text(run, "test", r->arena);
    struct speed_row *out = &r->row[r->count];
    double depth, threads, tokens;
    bool contended = false;
    if (json_bool(json_get(run, "contended"), &contended) && contended) return true;
    if (!test_of(test, &out->decode, &tokens) || !json_number(json_get(run, "depth"), &depth) ||
        !json_number(json_get(run, "threads"), &threads) || threads < 1 || threads > THREADS_MOST ||
        !json_number(json_get(run, "tokens_per_s"), &out->measured) || !(out->measured > 0))
        return err_set(err, MU_DATA, "test, depth, threads and tokens_per_s are needed");
    struct generate g;
    generate_usual(&g, &s->digest, s->digest.types);
    hparams_buffers(truth_text(r->root, "buffers", r->arena), r->catalog, r->arena, &g);
    /* decoded tokens stand behind the depth and, on average, half of themselves */
    g.context_tokens = depth + tokens; /* as llama-bench makes it */
    g.depth_tokens = depth;
    g.prompt_tokens = out->decode ? tokens / 2 : tokens;
    g.threads = threads;
    g.closed_form = true;
    const struct task task = {cost_workload(S("generate")), &s->digest, &g};
    const struct machine *m = machine_of(r, json_get(row, "rates"), threads, err);
    if (!m) return false;
    judge_task(&task, m, &r->world, r->verdict);
    const struct estimate said = out->decode ? r->verdict->decode_per_s : r->verdict->prefill_per_s;
    out->predicted = said.likely;
    out->low = said.low;
    out->high = said.high;
    out->id =
        str_format(r->arena, "%s %s %s d%.0f t%.0f", s->model, s->quant, test, depth, threads);
    r->count++;
    return true;
}

static bool read_row(struct reading *r, const struct json *row, struct mu_err *err)
{
    const char *model = truth_text(row, "model", r->arena);
    const char *quant = truth_text(row, "quant", r->arena);
    const struct json *bench = json_get(row, "bench");
    if (!model || !quant) return err_set(err, MU_DATA, "model and quant are needed");
    const struct truth_subject *s = truth_subject(&r->subjects, model, quant, err);
    if (!s) return false;
    if (json_count(bench) > RUNS_IN_ROW_MOST) return err_set(err, MU_DATA, "too many runs");
    for (size_t i = 0; i < json_count(bench); i++)
        if (!read_run(r, row, json_at(bench, i), s, err)) return err_add(err, "bench %zu", i + 1);
    return arena_within(r->arena, err);
}

bool speed_truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                      struct speed_truth *out, struct mu_err *err)
{
    struct json *root = NULL;
    if (!json_parse(text, name, &root, err)) return false;
    struct reading r = {.catalog = c,
                        .arena = a,
                        .root = root,
                        .rows = json_get(root, "rows"),
                        .subjects = {.catalog = c, .arena = a, .models = json_get(root, "models")},
                        .pool = {.kind = POOL_MEMORY, .name = "memory"},
                        .place = {.kind = PLACE_CPU, .name = "CPU"},
                        .verdict = NEW(a, struct verdict)};
    r.machine =
        (struct machine){.name = name, .pool = &r.pool, .pools = 1, .place = &r.place, .places = 1};
    const size_t rows = json_count(r.rows);
    r.row = NEW_ARRAY(a, struct speed_row, rows * RUNS_IN_ROW_MOST + 1);
    bool good = judge_world(c, a, &r.world, err), measured = rows > 0;
    for (size_t i = 0; i < rows; i++)
        measured = measured && json_count(json_get(json_at(r.rows, i), "rates")) > 0;
    for (size_t i = 0; good && i < rows; i++)
        good = read_row(&r, json_at(r.rows, i), err) || err_add(err, "row %zu", i + 1);
    if (good && !r.count) good = err_set(err, MU_DATA, "a truth file has at least one row");
    *out = (struct speed_truth){truth_text(root, "class", a), r.row, r.count, !measured};
    json_free(root);
    return good || err_add(err, "%s", name);
}
