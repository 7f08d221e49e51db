/* measure/measure.c - asks muster-engine for each of its tests, one child a test, and believes only what can be believed.
 *
 * A line of the answer counts when it parses, matches the field table and belongs to the test; the first that doesn't ends the
 * child. A test that ends in any way but a clean exit gives no rates at all, only a sentence: half a measurement of a machine that
 * is falling over is worth nothing. The sizes: memory is walked in at least two, usually eight times the last-level cache, never in
 * more than an eighth of what one process may use. Accelerators are measured last (measure/device.c). */
#include "measure/measure.h"

#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/progress.h"
#include "catalog/types.h"
#include "machine/facts.h"
#include "measure/ask.h"
#include "measure/device.h"
#include "measure/lock.h"
#include "measure/rows.h"
#include "measure/types_asked.h"

enum { WORKS_MOST = 6, TEST_RATES_MOST = 768, REQUEST_BYTES = 64 << 10 };

static const double MiB = 1 << 20;
static const double budget_share = 0.125, cache_least_times = 2, cache_usual_times = 8;
static const double walk_least_bytes = 256 << 20, walk_usual_most_bytes = 1 << 30;
static const double matrices_most_bytes = 128 << 20, ring_bytes = 640 << 20;
static const double check_timeout_s = 5;
static const struct str amx = {"amx", 3};
static const double timeout_base_s = 10, timeout_times = 5;

struct session;
struct test {
    const char *name, *words;
    size_t works;
    double (*bytes)(const struct machine *m, enum measure_length length);
    double seconds[2]; /* usual, full */
    enum machine_work work[WORKS_MOST];
    bool on_disk;
    /* More of the request; false: there is nothing to ask. NULL: no more. */
    bool (*put)(struct writer *w, const struct session *s);
};

struct hearing {
    const struct test *test;
    const struct measuring *in;
    double threads_most;
    uint16_t place;
    struct rate *rate; /* TEST_RATES_MOST */
    size_t count;
};

struct session {
    struct measuring *in;
    const struct machine *m;
    enum measure_length length;
    size_t threads;
    struct rate *rate;
    size_t count;
    const char *first_reason;
    bool hung;    /* a test ran into its time limit: the others are not waited for as well */
    bool in_part; /* a test gave nothing */
    const char *const *device;
    size_t devices;
};

static double budget_bytes(const struct machine *m)
{
    return known_or(machine_memory(m)->usable_bytes, 8 * walk_least_bytes) * budget_share;
}

/* All caches of the highest level together: "L3" 32 MiB, two of them. 0: not known. */
static double cache_bytes(const struct machine *m)
{
    double level = 0, bytes = 0;
    for (size_t i = 0; m->facts && i < m->facts->cpu.caches; i++) {
        const struct cpu_cache *cache = &m->facts->cpu.cache[i];
        double size;
        if (!cache->name || cache->name[0] != 'L' || !known(cache->bytes, &size)) continue;
        const double this_level = cache->name[1] - '0';
        if (this_level < level) continue;
        bytes = (this_level > level ? 0 : bytes) + size * most(cache->instances, 1);
        level = this_level;
    }
    return bytes;
}

static double walk_bytes(const struct machine *m, enum measure_length length)
{
    (void)length;
    const double cache = cache_bytes(m);
    const double usual = most(cache * cache_usual_times, walk_least_bytes);
    const double wanted = most(least(usual, walk_usual_most_bytes), cache * cache_least_times);
    return floor(least(wanted, budget_bytes(m)));
}

static double matrix_bytes(const struct machine *m, enum measure_length length)
{
    (void)length;
    return floor(least(matrices_most_bytes, budget_bytes(m)));
}

/* Twice another test's share: what is measured must not fit in any cache. */
static double kernel_bytes(const struct machine *m, enum measure_length length)
{
    (void)length;
    return floor(least(ring_bytes, 2 * budget_bytes(m)));
}

static bool put_types(struct writer *w, const struct session *s)
{
    double id[TYPES];
    const size_t types = measure_types(s->in->catalog, s->length, id);
    if (!types) return false;
    writer_key(w, "types");
    writer_list(w);
    for (size_t i = 0; i < types; i++) writer_number(w, id[i]);
    writer_list_end(w);
    return true;
}

static double file_bytes(const struct machine *m, enum measure_length length)
{
    (void)m;
    return (length == MEASURE_FULL ? 256 : 128) * MiB;
}

static const struct test tests[] = {
    {.name = "memory",
     .words = "memory bandwidth",
     .work = {WORK_READ_BYTES, WORK_COPY_BYTES, WORK_TRIAD_BYTES},
     .works = 3,
     .seconds = {0.6, 3},
     .bytes = walk_bytes},
    {.name = "gemm",
     .words = "matrix products",
     .work = {WORK_DGEMM_FLOP, WORK_SGEMM_FLOP},
     .works = 2,
     .seconds = {0.7, 4},
     .bytes = matrix_bytes},
    {.name = "kernels",
     .words = "speed by type of weights",
     .work = {WORK_MATMUL_FLOP, WORK_EXPERT_FLOP, WORK_ATTEND_FLOP, WORK_OPERATIONS,
              WORK_ELEMENT_BYTES},
     .works = 5,
     .seconds = {4, 25},
     .bytes = kernel_bytes,
     .put = put_types},
    {.name = "guide",
     .words = "the guide's benchmark",
     .work = {WORK_GUIDE_ROUNDS},
     .works = 1,
     .seconds = {0.7, 60},
     .bytes = matrix_bytes},
    {.name = "disk",
     .words = "disk",
     .work = {WORK_DISK_READ_BYTES, WORK_CACHED_READ_BYTES},
     .works = 2,
     .seconds = {0.4, 2},
     .bytes = file_bytes,
     .on_disk = true},
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
    for (size_t i = 0; i < h->test->works; i++) of_test = of_test || h->test->work[i] == rate.work;
    if (!of_test || device || rate.threads > h->threads_most)
        return err_set(err, MU_DATA, "%s with %g threads was not asked for", work, rate.threads);
    if (h->count == TEST_RATES_MOST || measure_has_rate(h->rate, h->count, &rate))
        return err_set(err, MU_DATA, "%s with %g threads was said twice", work, rate.threads);
    h->rate[h->count++] = rate;
    return true;
}

/* As many of the CPUs this process may use as threads were asked for. None: the engine doesn't pin. */
static void put_cpus(struct writer *w, size_t threads)
{
    cpu_set_t set;
    writer_key(w, "cpus");
    writer_list(w);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        for (size_t cpu = 0; cpu < CPU_SETSIZE && threads; cpu++)
            if (CPU_ISSET(cpu, &set)) {
                writer_number(w, (double)cpu);
                threads--;
            }
    writer_list_end(w);
}

static bool put_request(struct buf *to, const struct session *s, const struct test *test)
{
    struct writer w = writer_of(to, true);
    writer_map(&w);
    writer_put_number(&w, "threads", (double)s->threads);
    put_cpus(&w, s->threads);
    writer_put_number(&w, "bytes", test->bytes(s->m, s->length));
    writer_put_number(&w, "cache_bytes", cache_bytes(s->m));
    writer_put_number(&w, "nodes", s->m->facts ? (double)s->m->facts->numa_nodes : 0);
    writer_put_number(&w, "seconds", test->seconds[s->length]);
    if (test->on_disk) writer_put_cstr(&w, "folder", s->in->disk_folder);
    const bool more = !test->put || test->put(&w, s);
    writer_map_end(&w);
    return more;
}

/* An engine without the test does not know its name. */
static const char without_llama[] = "this muster-engine was built without llama.cpp";

static void not_measured(struct session *s, const struct test *test, const char *why)
{
    s->in_part = true;
    const char *text = str_format(s->in->arena, "%s not measured: %s", test->words, why);
    note_add(s->in->notes, "%s", text);
    if (!s->first_reason) s->first_reason = text;
}

static void run_test(struct session *s, const struct test *test)
{
    struct hearing h = {.test = test,
                        .in = s->in,
                        .threads_most = (double)s->threads,
                        .place = measure_cpu_place(s->m),
                        .rate = NEW_ARRAY(s->in->arena, struct rate, TEST_RATES_MOST)};
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    if (!put_request(&request, s, test)) {
        buf_release(&request);
        return;
    }
    const struct question question = {
        .test = test->name,
        .request = buf_text(&request),
        .row = heard_rate,
        .to = &h,
        .timeout_s = timeout_base_s + timeout_times * test->seconds[s->length],
        .memory_most_bytes = known_or(machine_memory(s->m)->usable_bytes, 0)};
    const size_t notes_before = s->in->notes->count;
    struct asked_end end;
    engine_ask(s->in, &question, &end);
    buf_release(&request);
    s->hung = end.hung;
    if (end.why)
        not_measured(s, test, test->put && end.code == MU_USAGE ? without_llama : end.why);
    else
        for (size_t i = 0; i < h.count && s->count < ROWS_MOST; i++)
            s->rate[s->count++] = h.rate[i];
    if (!s->first_reason && s->in->notes->count > notes_before)
        s->first_reason = s->in->notes->note[notes_before];
}

static bool has_amx(const struct machine *m)
{
    for (size_t i = 0; m->facts && i < m->facts->cpu.feature_count; i++)
        if (str_starts(str_of(m->facts->cpu.features[i]), amx)) return true;
    return false;
}

/* The engine holds the products against each other and fails when they differ; here its lines are only looked at. */
static bool heard_check(void *to, const struct json *j, struct mu_err *err)
{
    double error;
    (void)to;
    return json_number(json_get(j, "error"), &error) ||
           err_set(err, MU_DATA, "it has no \"error\"");
}

static struct asked_end ask_check(const struct session *s)
{
    const char *request = str_format(s->in->arena, "{\"threads\": %zu}", s->threads);
    const struct question question = {.test = "amx",
                                      .request = str_of(request),
                                      .row = heard_check,
                                      .timeout_s = check_timeout_s};
    struct asked_end end;
    engine_ask(s->in, &question, &end);
    return end;
}

/* A CPU may list matrix tiles that do not work: a hypervisor traps them, or the library was built wrong. When it goes wrong with them and
 * well without, that is why. */
static const char *check_amx(struct session *s)
{
    if (!has_amx(s->m)) return NULL;
    const struct asked_end with = ask_check(s);
    if (!with.why || with.code == MU_USAGE) return NULL;
    s->in->no_amx = true;
    const struct asked_end without = ask_check(s);
    if (!without.why) {
        const char *why = str_format(
            s->in->arena, "AMX does not work here, so all is judged without it: %s", with.why);
        note_add(s->in->notes, "%s", why);
        return why;
    }
    s->in->no_amx = false;
    s->hung = without.hung;
    note_add(s->in->notes, "the CPU's extra buffers could not be checked: %s", with.why);
    return NULL;
}

static size_t threads_of(const struct machine *m)
{
    const double threads = floor(known_or(machine_cpu(m)->threads, 1));
    return (size_t)least(most(threads, 1), ROWS_THREADS_MOST);
}

const char *measure_no_amx(const struct measuring *in, const struct machine *m)
{
    struct measuring how = *in;
    struct session s = {.in = &how, .m = m, .threads = threads_of(m)};
    return in->engine ? check_amx(&s) : NULL;
}

/* Each accelerator, with what is left of the room. What fails there is its own note. */
static void run_devices(struct session *s)
{
    struct device_rates found = {.rate = s->rate + s->count, .room = ROWS_MOST - s->count};
    if (s->hung) return;
    measure_devices_rates(s->in, s->m, s->length, &found);
    s->count += found.rates;
    s->device = found.device;
    s->devices = found.devices;
    s->in_part = s->in_part || found.in_part;
}

static void run_tests(struct session *s)
{
    const size_t tests_in_all = COUNT_OF(tests);
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        if (tests[i].on_disk && !s->in->disk_folder) continue;
        if (s->in->progress) {
            const char *what = str_format(s->in->arena, "measuring %s", tests[i].words);
            progress_show(s->in->progress, what, (double)i / (double)tests_in_all);
        }
        if (s->hung)
            not_measured(s, &tests[i], "not tried, since the test before it hung");
        else
            run_test(s, &tests[i]);
    }
    run_devices(s);
    if (s->in->progress) progress_end(s->in->progress);
}

bool measure_machine(const struct measuring *in, const struct machine *m,
                     enum measure_length length, struct measured *out, struct mu_err *err)
{
    if (!m->here)
        return err_set(err, MU_USAGE, "measuring %s: only this machine can be measured here",
                       m->name);
    if (!in->engine)
        return err_set(err, MU_UNAVAILABLE,
                       "measuring this machine: muster-engine was not found beside muster; "
                       "install it, or name it in MUSTER_ENGINE");
    struct measuring how = *in; /* what does not work here is learnt on the way */
    struct session s = {.in = &how,
                        .m = m,
                        .length = length,
                        .threads = threads_of(m),
                        .rate = NEW_ARRAY(in->arena, struct rate, ROWS_MOST)};
    const int lock = measure_lock(in);
    const char *no_amx = in->catalog ? check_amx(&s) : NULL;
    run_tests(&s);
    measure_unlock(lock);
    if (!s.count) return err_set(err, MU_UNAVAILABLE, "measuring this machine: %s", s.first_reason);
    *out = (struct measured){.rate = s.rate,
                             .rates = s.count,
                             .no_amx = no_amx,
                             .in_part = s.in_part,
                             .device = s.device,
                             .devices = s.devices};
    return true;
}

const struct machine *measure_applied(const struct machine *m, const struct measured *measured,
                                      struct arena *a)
{
    const struct machine *rated = machine_with_rates(m, measured->rate, measured->rates, a);
    rated = measure_links(rated, a);
    if (!measured->no_amx || !m->facts) return rated;
    struct facts *facts = NEW(a, struct facts);
    *facts = *m->facts;
    const char **feature = NEW_ARRAY(a, const char *, facts->cpu.feature_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < facts->cpu.feature_count; i++)
        if (!str_starts(str_of(facts->cpu.features[i]), amx)) feature[n++] = facts->cpu.features[i];
    facts->cpu.features = feature;
    facts->cpu.feature_count = n;
    struct machine *without = NEW(a, struct machine);
    *without = *rated;
    without->facts = facts;
    return without;
}
