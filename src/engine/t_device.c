/* engine/t_device.c - how fast one device of llama.cpp's multiplies, attends, starts small operations and moves bytes to and from memory.
 *
 * {"device": "CUDA0", "types": [12, 14, 8], "seconds": 3, "bytes": 1e9, "server": "127.0.0.1:50052"}; types are ggml's ids, the
 * important ones first; bytes bounds what is taken there, half of what is free always does; server: where to find devices of RPC.
 * Products with one column come out of a ring of matrices that is larger than what a device caches, as large a matrix as there is time
 * and memory for, so that its start counts little; starts are a point of their own (a chain of small operations). Lists are run again
 * unchanged, as in decoding. Everything is waited for. Copies go from memory that the backend keeps for it ("buffer" names it) and from
 * plain memory. "memory read" is the product that streams fastest. Left out: several devices at once, and copies between them. */
#include "engine/engine.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/units.h"
#include "engine/idle.h"
#include "engine/llama_use.h"
#include "engine/lost.h"
#include "engine/points.h"

enum { LONG_ROW = 4096, COLUMNS_MOST = 512, MATRIX_LEAST = 8 << 20, LARGEST = 8 };
enum {
    CELLS_DECODE = 2048,
    CELLS_PROMPT = 512,
    CACHE_TYPES = 2,
    EXPERT_TYPES = 3,
    WIDE_EXPERT_ROWS = 1024
};
enum { FOUND_MOST = 512, COPY_RUNS = 3, TRIES = 3, RUNS_IN_SLICE = 6 };

static const double ring_bytes = 96 << 20, matrix_most_bytes = 64 << 20, copy_bytes = 8 << 20;
static const double slice_share = 0.5, late_share = 0.8, over_time = 1.25, free_share = 0.5;
static const double usual_s = 3, patience_usual_s = 60;
static const int cache_types[CACHE_TYPES] = {GGML_TYPE_F16, GGML_TYPE_Q8_0};

struct found {
    struct runs *runs;
    const char *source;
};
struct visit {
    const struct asked *in;
    const char *device;
    struct kernels kernels;
    int type[POINT_TYPES_MOST];
    size_t types;
    double free_bytes, total_bytes, budget_bytes;
    double seconds, start_s, slice_s;
    size_t size; /* how many times the least matrix, ring and cache: a power of two */
    struct idle idle;
    struct found found[FOUND_MOST];
    size_t count;
    double read_per_s; /* of the fastest stream so far, and which */
    size_t read;
    double read_bytes; /* a FLOP of it */
    const char *refused;
};

/* ---- one point ---- */

static struct runs *new_found(struct visit *v, struct runs runs, const char *what)
{
    struct arena *a = v->in->arena;
    assert(v->count < FOUND_MOST);
    struct found *f = &v->found[v->count++];
    f->runs = NEW(a, struct runs);
    *f->runs = runs;
    f->runs->device = v->device;
    f->source = str_format(a, "muster-engine device: %s; %s", what, llama_words(a));
    return f->runs;
}

/* The index of what it gave; false when the device does not do it. */
static bool measure(struct visit *v, const struct point *p)
{
    if (!point_done_there(&v->kernels, p)) {
        if (!v->refused) v->refused = p->what;
        return false;
    }
    struct runs *runs = new_found(v, point_named(p), p->what);
    const bool late = clock_s() - v->start_s > late_share * v->seconds;
    point_runs(&v->kernels, p, late, runs);
    idle_sample(&v->idle);
    lost_not();
    return true;
}

/* ---- products ---- */

/* As many values as the time and a bound on the bytes allow, a power of two. */
static int64_t values_of(int type, size_t size)
{
    const double one = (double)ggml_row_size((enum ggml_type)type, LONG_ROW) / LONG_ROW;
    int64_t values = (int64_t)MATRIX_LEAST * (int64_t)size;
    while (values > MATRIX_LEAST && (double)values * one > matrix_most_bytes) values /= 2;
    return values;
}

/* No larger than one buffer may be there. */
static struct ground ground_of(const struct visit *v, size_t size)
{
    const double most_bytes = (double)ggml_backend_buft_get_max_size(kernels_plain(&v->kernels));
    return (struct ground){.bytes = (size_t)least(ring_bytes * (double)size, most_bytes)};
}

/* The fastest stream of weights is what memory gives. */
static void keep_stream(struct visit *v, const struct ring *ring, const struct point *p)
{
    const double bytes = ring->bytes / (double)ring->count / p->amount;
    const double per_s = v->found[v->count - 1].runs->likely * bytes;
    if (per_s <= v->read_per_s) return;
    v->read_per_s = per_s;
    v->read = v->count - 1;
    v->read_bytes = bytes;
}

static bool measure_type(struct visit *v, int type, struct mu_err *err)
{
    struct ring ring;
    struct arena *a = v->in->arena;
    const int64_t values = values_of(type, v->size);
    const struct matrix m = {type, LONG_ROW, values / LONG_ROW, 1};
    const struct ground ground = ground_of(v, v->size);
    if (!ring_open(&ring, kernels_plain(&v->kernels), &m, &ground, err)) return false;
    struct point p = {.work = "matmul",
                      .type = type,
                      .row = LONG_ROW,
                      .ring = &ring,
                      .inputs = 1,
                      .again = true,
                      .add = point_product};
    p.what = str_format(a, "%s %d x %d, a ring of %s", ggml_type_name((enum ggml_type)type),
                        LONG_ROW, (int)(values / LONG_ROW), units_bytes(a, ring.bytes));
    for (p.tokens = 1; p.tokens <= COLUMNS_MOST; p.tokens *= COLUMNS_MOST) {
        p.amount = 2.0 * (double)(values * p.tokens);
        p.slice_s = v->slice_s * (p.tokens > 1 ? 2 : 1);
        if (measure(v, &p) && p.tokens == 1) keep_stream(v, &ring, &p);
    }
    ring_close(&ring);
    return true;
}

static void measure_experts(struct visit *v, int type)
{
    struct ring ring;
    struct arena *a = v->in->arena;
    struct mu_err none = {0};
    const struct matrix m = {type, EXPERT_ROW, WIDE_EXPERT_ROWS, EXPERTS};
    const struct ground ground = ground_of(v, v->size);
    if (!ring_open(&ring, kernels_plain(&v->kernels), &m, &ground, &none)) {
        say_note(a, "experts of %s were not measured on %s: too little memory for them",
                 ggml_type_name((enum ggml_type)type), v->device);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct point p = {.work = "expert matmul",
                          .type = type,
                          .ring = &ring,
                          .inputs = 1,
                          .row = EXPERT_ROW,
                          .columns = i ? EXPERT_TOKENS : 1,
                          .tokens = i ? EXPERT_TOKENS * CHOSEN / EXPERTS : 1,
                          .slice_s = v->slice_s,
                          .again = true,
                          .add = point_experts};
        p.amount = 2.0 * EXPERT_ROW * WIDE_EXPERT_ROWS * CHOSEN * (double)p.columns;
        p.what = str_format(a, "%d of %d experts of %s %d x %d for each of %d tokens", CHOSEN,
                            EXPERTS, ggml_type_name((enum ggml_type)type), EXPERT_ROW,
                            WIDE_EXPERT_ROWS, (int)p.columns);
        (void)measure(v, &p);
    }
    ring_close(&ring);
}

/* When the time is over, the rarest types are lost. */
static bool measure_types(struct visit *v, size_t from, size_t to, struct mu_err *err)
{
    for (size_t i = from; i < to && i < v->types; i++) {
        if (i && clock_s() - v->start_s > over_time * v->seconds) {
            say_note(v->in->arena,
                     "from %s on, types of weights were not measured on %s: it took too long",
                     ggml_type_name((enum ggml_type)v->type[i]), v->device);
            return true;
        }
        if (!measure_type(v, v->type[i], err)) return false;
        if (i < EXPERT_TYPES) measure_experts(v, v->type[i]);
    }
    return true;
}

/* ---- the others ---- */

static bool measure_attention(struct visit *v, struct mu_err *err)
{
    struct arena *a = v->in->arena;
    const int64_t cells = (int64_t)CELLS_DECODE * (int64_t)v->size;
    for (size_t i = 0; i < CACHE_TYPES; i++) {
        struct ring ring;
        const struct matrix m = {cache_types[i], KV_VALUES, cells, 1};
        const struct ground ground = ground_of(v, v->size);
        if (!ring_open(&ring, kernels_plain(&v->kernels), &m, &ground, err)) return false;
        for (size_t point = 0; point < 4; point++) {
            struct point p = {.work = "attend",
                              .type = cache_types[i],
                              .tokens = point % 2 ? COLUMNS_MOST : 1,
                              .row = point < 2 ? 128 : 64,
                              .ring = &ring,
                              .inputs = 2,
                              .slice_s = v->slice_s,
                              .cell = KV_VALUES,
                              .again = true,
                              .add = point_attention};
            p.heads = (struct heads){
                .queries = QUERY_VALUES / p.row,
                .kv = KV_VALUES / p.row,
                .values = p.row,
                .cells = p.tokens > 1 ? (int64_t)CELLS_PROMPT * (int64_t)v->size : cells};
            p.amount = point_attention_flop(&p);
            p.what =
                str_format(a, "flash attention to %d cells of %s, %d heads of %d, %d for K and V",
                           (int)p.heads.cells, ggml_type_name((enum ggml_type)p.type),
                           (int)p.heads.queries, (int)p.row, (int)p.heads.kv);
            (void)measure(v, &p);
        }
        ring_close(&ring);
    }
    return true;
}

static void measure_small(struct visit *v)
{
    struct arena *a = v->in->arena;
    struct point p = {.work = "graph operations",
                      .what = str_format(a, "a chain of %d on %d values", CHAIN, CHAIN_VALUES),
                      .type = -1,
                      .amount = CHAIN,
                      .slice_s = v->slice_s,
                      .again = true,
                      .add = point_chain};
    (void)measure(v, &p);
    p.work = "elementwise";
    p.what = str_format(a, "norm, product and sum over %d x %d", BATCH_VALUES, BATCH_TOKENS);
    p.tokens = BATCH_TOKENS;
    p.amount = point_elementwise_bytes();
    p.add = point_elementwise;
    (void)measure(v, &p);
}

/* ---- copies ---- */

struct copying {
    struct ggml_tensor *there;
    char *here;
    size_t bytes;
};

static double copied_s(const struct visit *v, const struct copying *c, bool back)
{
    const double start_s = clock_s();
    if (back)
        ggml_backend_tensor_get_async(v->kernels.backend, c->there, c->here, 0, c->bytes);
    else
        ggml_backend_tensor_set_async(v->kernels.backend, c->there, c->here, 0, c->bytes);
    kernels_wait(&v->kernels, c->there);
    return most(clock_s() - start_s, 1e-7);
}

static void measure_copy(struct visit *v, const struct copying *c, bool back, const char *buffer)
{
    const char *what =
        str_format(v->in->arena, "%s at once %s %s memory",
                   units_bytes(v->in->arena, (double)c->bytes), back ? "back to" : "from", buffer);
    struct runs *runs = new_found(
        v, (struct runs){.work = back ? "copy from device" : "copy to device", .buffer = buffer},
        what);
    const double start_s = clock_s();
    (void)copied_s(v, c, back);
    while (runs->count < COPY_RUNS || (clock_s() - start_s < v->slice_s && runs->count < RUNS_MOST))
        runs_add(runs, (double)c->bytes, copied_s(v, c, back));
    idle_sample(&v->idle);
    lost_not();
}

/* From and to memory of this kind; NULL: plain memory. False when there is none, or the backend gives another kind instead. */
static bool measure_copies_of(struct visit *v, struct copying *c, ggml_backend_buffer_type_t kind)
{
    ggml_backend_buffer_t kept = kind ? ggml_backend_buft_alloc_buffer(kind, c->bytes) : NULL;
    const bool good = kept && ggml_backend_buffer_get_type(kept) == kind;
    c->here = good ? ggml_backend_buffer_get_base(kept) : kind ? NULL : malloc(c->bytes);
    if (c->here) {
        const char *buffer = kind ? ggml_backend_buft_name(kind) : "CPU";
        memset(c->here, 1, c->bytes);
        measure_copy(v, c, false, buffer);
        measure_copy(v, c, true, buffer);
    }
    const bool done = c->here != NULL;
    if (kept) ggml_backend_buffer_free(kept);
    if (!kind) free(c->here);
    return done;
}

static bool measure_copies(struct visit *v, struct mu_err *err)
{
    struct copying c = {.bytes = (size_t)(copy_bytes * (double)v->size)};
    ggml_backend_buffer_type_t host = ggml_backend_dev_host_buffer_type(v->kernels.device);
    ggml_backend_buffer_t there =
        ggml_backend_buft_alloc_buffer(kernels_plain(&v->kernels), c.bytes);
    if (!there)
        return err_set(err, MU_UNAVAILABLE, "%s gives no %zu bytes of memory", v->device, c.bytes);
    struct ggml_init_params params = {.mem_size = ggml_tensor_overhead(), .no_alloc = true};
    struct ggml_context *names = ggml_init(params);
    if (!names) out_of_memory();
    c.there = ggml_new_tensor_1d(names, GGML_TYPE_I8, (int64_t)c.bytes);
    ggml_backend_tensor_alloc(there, c.there, ggml_backend_buffer_get_base(there));
    if (host && !measure_copies_of(v, &c, host))
        say_note(v->in->arena, "%s gives no %s memory, so copies are measured from plain memory",
                 v->device, ggml_backend_buft_name(host));
    if (!measure_copies_of(v, &c, NULL)) out_of_memory();
    ggml_free(names);
    ggml_backend_buffer_free(there);
    return true;
}

/* ---- how much of everything ---- */

static struct room room_of(size_t size)
{
    return points_room(LONG_ROW, (int64_t)(MATRIX_LEAST / LONG_ROW * size), COLUMNS_MOST,
                       (int64_t)CELLS_PROMPT * (int64_t)size, COLUMNS_MOST);
}

static double needed_bytes(size_t size)
{
    return (double)room_of(size).bytes + ring_bytes * (double)size;
}

static bool size_by_memory(struct visit *v, struct mu_err *err)
{
    struct arena *a = v->in->arena;
    size_t free_bytes = 0, total_bytes = 0;
    ggml_backend_dev_t device = ggml_backend_dev_by_name(v->device);
    if (!device) return err_set(err, MU_UNAVAILABLE, "this llama.cpp has no device %s", v->device);
    if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU)
        return err_set(err, MU_USAGE, "%s is measured by the test kernels", v->device);
    ggml_backend_dev_memory(device, &free_bytes, &total_bytes);
    v->free_bytes = (double)free_bytes;
    v->total_bytes = (double)total_bytes;
    v->budget_bytes = v->free_bytes * free_share;
    if (v->in->bytes > 0) v->budget_bytes = least(v->budget_bytes, v->in->bytes);
    for (v->size = LARGEST; v->size && needed_bytes(v->size) > v->budget_bytes;) v->size /= 2;
    if (v->size) return true;
    return err_set(err, MU_UNAVAILABLE, "%s has %s free: measuring may take %s of it and needs %s",
                   v->device, units_bytes(a, v->free_bytes), units_bytes(a, v->budget_bytes),
                   units_bytes(a, needed_bytes(1)));
}

/* A slow device gets less to do: the least product, the second time it is done. */
static bool size_by_time(struct visit *v, struct mu_err *err)
{
    struct ring ring;
    const struct matrix m = {v->type[0], LONG_ROW, MATRIX_LEAST / LONG_ROW, 1};
    const struct ground ground = ground_of(v, 1);
    if (!ring_open(&ring, kernels_plain(&v->kernels), &m, &ground, err)) return false;
    double seconds = (double)INFINITY;
    const struct point p = {.type = v->type[0],
                            .tokens = COLUMNS_MOST,
                            .row = LONG_ROW,
                            .ring = &ring,
                            .inputs = 1,
                            .add = point_product};
    for (size_t i = 0; i < TRIES; i++) {
        struct steps steps;
        steps_open(&steps);
        p.add(&v->kernels, &p, &steps);
        seconds = least(seconds, steps_run(&v->kernels, &steps));
        steps_close(&steps);
        lost_not();
    }
    ring_close(&ring);
    const double fit = v->slice_s / RUNS_IN_SLICE / most(seconds, 1e-7);
    while (v->size > 1 && (double)v->size > fit) v->size /= 2;
    return true;
}

/* ---- the answer ---- */

static void say_stream(struct visit *v)
{
    if (v->read_per_s <= 0) return;
    const struct runs *from = v->found[v->read].runs;
    struct runs *runs =
        new_found(v, (struct runs){.work = "memory read", .count = from->count},
                  str_format(v->in->arena, "the weights of %s with one column", from->type));
    for (size_t i = 0; i < from->count; i++) runs->per_s[i] = from->per_s[i] * v->read_bytes;
    runs->likely = v->read_per_s;
}

static void say_all(struct visit *v)
{
    struct arena *a = v->in->arena;
    say_stream(v);
    const char *conditions =
        str_format(a, "%s; %s of %s free there before", idle_words(&v->idle, 1, a),
                   units_bytes(a, v->free_bytes), units_bytes(a, v->total_bytes));
    for (size_t i = 0; i < v->count; i++)
        say_rate(v->found[i].runs, v->found[i].source, conditions, a);
    if (v->refused) say_note(a, "%s does not do %s", v->device, v->refused);
}

static bool measure_all(struct visit *v, struct mu_err *err)
{
    const struct room room = room_of(v->size);
    if (!kernels_open(&v->kernels, v->device, &room, err)) return false;
    points_fill(&v->kernels);
    lost_not();
    v->start_s = clock_s(); /* waking it up is not in its time */
    idle_start(&v->idle);
    bool good = size_by_time(v, err);
    if (good) measure_small(v);
    good = good && measure_copies(v, err) && measure_types(v, 0, EXPERT_TYPES, err) &&
           measure_attention(v, err) && measure_types(v, EXPERT_TYPES, v->types, err);
    if (good) say_all(v);
    kernels_close(&v->kernels);
    return good;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct str name;
    double patience_s = patience_usual_s;
    struct visit *v = NEW(in->arena, struct visit);
    *v = (struct visit){.in = in, .seconds = in->seconds > 0 ? in->seconds : usual_s};
    if (!json_text(json_get(in->json, "device"), &name) || !name.n || memchr(name.p, 0, name.n))
        return err_set(err, MU_DATA, "the request's \"device\" is not a name");
    v->device = str_visible(in->arena, name);
    if (!asked_number(in->json, "patience_seconds", 1, 3600, &patience_s, err) || !llama_use(err) ||
        !points_types(in, v->type, &v->types, err))
        return false;
    lost_watch(v->device, (unsigned)patience_s);
    const double shares = 3.0 * (double)v->types + 2 * EXPERT_TYPES + 4 * CACHE_TYPES + 6;
    v->slice_s = v->seconds * slice_share / shares;
    return llama_server(in, err) && size_by_memory(v, err) && measure_all(v, err);
}

const struct engine_test engine_device = {
    "device", "products, attention, starts and copies of one device of llama.cpp's", run};
