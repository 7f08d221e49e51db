/* engine/t_memory.c - memory bandwidth: read, copy and triad, with one thread and with all.
 *
 * One region several times the last-level cache is walked round and round in blocks, each thread in its own part, for runs of some
 * milliseconds; a run goes on where the last one stopped, so that the time from one touch of a byte to the next is always a whole
 * round and runs can be short on a big cache. Read takes the whole part; copy reads its second half and writes the first; triad
 * reads two thirds and writes one. Bytes are counted as STREAM counts them: what the program reads plus what it writes. Pages are
 * touched before, in the system's own page size, and on several NUMA nodes by the thread that walks them. Left out: the way from
 * address to page (random access), and what the hypervisor's other guests take meanwhile. */
#include "engine/crew.h"

#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/units.h"
#include "engine/idle.h"
#include "engine/loops.h"

enum { BLOCK_DOUBLES = 8192, LEAST_RUNS = 3, USUAL_RUNS = 5, WARM_SHARE = 8 };
_Static_assert(BLOCK_DOUBLES % LOOP_STEP == 0, "blocks are whole steps");
static const double cache_times = 2, least_run_s = 0.008;

enum work { READ, COPY, TRIAD, WORKS_HERE };
static const char *const work_word[] = {"memory read", "memory copy", "memory triad"};

/* Padded to a cache line or more: neighbours write these while they run. */
struct place {
    size_t at; /* block, within the thread's part */
    double sum;
    char apart[112];
};

struct walk {
    const struct loops *loops;
    double *region;
    size_t region_bytes, blocks;
    size_t active; /* threads that share the region now */
    enum work work;
    size_t blocks_a_run; /* of each array and thread */
    struct place *place;
};

static void walking(void *to, size_t me)
{
    struct walk *w = to;
    const size_t part = w->blocks / w->active, arrays = (size_t)w->work + 1;
    const size_t stripe = part / arrays;
    double *const first = w->region + me * part * BLOCK_DOUBLES;
    double *const second = first + stripe * BLOCK_DOUBLES;
    double *const third = second + stripe * BLOCK_DOUBLES;
    struct place *place = &w->place[me];
    for (size_t i = 0; i < w->blocks_a_run; i++) {
        place->at = place->at + 1 < stripe ? place->at + 1 : 0;
        const size_t at = place->at * BLOCK_DOUBLES;
        if (w->work == READ)
            place->sum += w->loops->read(first + at, BLOCK_DOUBLES);
        else if (w->work == COPY)
            w->loops->copy(first + at, second + at, BLOCK_DOUBLES);
        else
            w->loops->triad(first + at, second + at, third + at, BLOCK_DOUBLES);
    }
}

static void touching(void *to, size_t me)
{
    const struct walk *w = to;
    const size_t part = w->blocks / w->active * BLOCK_DOUBLES;
    double *const first = w->region + me * part;
    for (size_t i = 0; i < part; i++) first[i] = 1;
}

static bool open_region(struct walk *w, const struct asked *in, struct mu_err *err)
{
    const size_t block_bytes = BLOCK_DOUBLES * sizeof(double);
    w->blocks = (size_t)(in->bytes / (double)block_bytes);
    /* Each thread's part must hold a block of each of the triad's arrays. */
    if (w->blocks < in->threads * 3)
        return err_set(err, MU_UNAVAILABLE,
                       "%zu threads need at least %zu bytes of memory, and %.0f were given",
                       in->threads, in->threads * 3 * block_bytes, in->bytes);
    w->region_bytes = w->blocks * block_bytes;
    void *p =
        mmap(NULL, w->region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return err_errno(err, "mapping %zu bytes of memory", w->region_bytes);
    w->region = p;
    return true;
}

/* Blocks a run so that it takes about run_s, from one eighth of a round that also warms up. */
static void pace(struct walk *w, struct crew *crew, double run_s)
{
    const size_t round = w->blocks / w->active / ((size_t)w->work + 1);
    w->blocks_a_run = round / WARM_SHARE + 1;
    const double seconds = most(crew_run(crew, w->active, walking, w), 1e-6);
    w->blocks_a_run = (size_t)most((double)w->blocks_a_run * run_s / seconds, 1);
}

static const char *conditions_of(const struct walk *w, const struct asked *in, const char *idle)
{
    struct arena *a = in->arena;
    if (in->cache_bytes <= 0) return str_format(a, "%s; last-level cache not known", idle);
    const double times = (double)w->region_bytes / in->cache_bytes;
    if (times >= cache_times) return idle;
    return str_format(a, "%s; working set %s is %.1f x the last-level cache of %s", idle,
                      units_bytes(a, (double)w->region_bytes), times,
                      units_bytes(a, in->cache_bytes));
}

static void measure(struct walk *w, struct crew *crew, const struct asked *in, double seconds)
{
    struct runs runs = {.work = work_word[w->work], .threads = w->active};
    struct idle idle;
    idle_start(&idle);
    const double start_s = clock_s();
    pace(w, crew, most(seconds / (USUAL_RUNS + 1), least_run_s));
    const double block_bytes = BLOCK_DOUBLES * sizeof(double);
    const double bytes =
        block_bytes * (double)w->blocks_a_run * (double)w->active * ((int)w->work + 1);
    while (runs.count < LEAST_RUNS || (clock_s() - start_s < seconds && runs.count < RUNS_MOST)) {
        runs_add(&runs, bytes, crew_run(crew, w->active, walking, w));
        idle_sample(&idle);
    }
    const char *words = idle_words(&idle, (double)w->active, in->arena);
    const char *source =
        str_format(in->arena, "muster-engine memory: %s in turn, %s loads, plain stores",
                   units_bytes(in->arena, (double)w->region_bytes), w->loops->name);
    say_rate(&runs, source, conditions_of(w, in, words), in->arena);
}

static bool measure_threads(struct walk *w, struct crew *crew, const struct asked *in,
                            size_t active, struct mu_err *err)
{
    /* On several nodes a page belongs to the thread that touched it first, so each count of threads gets fresh ones. */
    const bool fresh = !w->region || in->nodes > 1;
    if (fresh && w->region) {
        munmap(w->region, w->region_bytes);
        w->region = NULL;
    }
    if (fresh && !open_region(w, in, err)) return false;
    w->active = fresh && in->nodes <= 1 ? in->threads : active;
    if (fresh) (void)crew_run(crew, w->active, touching, w);
    w->active = active;
    memset(w->place, 0, in->threads * sizeof(struct place));
    const double groups = in->threads > 1 ? 2 * WORKS_HERE : WORKS_HERE;
    for (int work = READ; work < WORKS_HERE; work++) {
        w->work = (enum work)work;
        measure(w, crew, in, in->seconds / groups);
    }
    return true;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct walk w = {.loops = loops_best()};
    struct crew *crew = crew_new(in, err);
    if (!crew) return false;
    w.place = NEW_ARRAY(in->arena, struct place, in->threads);
    const bool good = measure_threads(&w, crew, in, 1, err) &&
                      (in->threads == 1 || measure_threads(&w, crew, in, in->threads, err));
    if (w.region) munmap(w.region, w.region_bytes);
    crew_free(crew);
    return good;
}

const struct engine_test engine_memory = {"memory", "read, copy and triad bandwidth", run};
