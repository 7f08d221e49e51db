/* engine/t_kernels.c - how fast llama.cpp multiplies with each type of weights here, attends to each type of cache, and does the small
 * operations between: the prices of decode and prefill.
 *
 * {"types": [12, 14, 8], "columns": [1, 512], "bytes": 6e8, "seconds": 5, ...}; types are ggml's ids, the important ones first. For each
 * type in the buffer llama.cpp would choose, with all threads and with one: products of 4096 x 2048 weights with one column (decode),
 * out of a ring of matrices that is larger than what a cache keeps, so that it streams from memory as decode does, half of the time
 * alone and half in turns with another type; with one column, of common types on short rows too, since starting a row takes time; and
 * with 512 columns (a prompt's micro-batch). The columns between come from the first types alone. In the other buffers that take it,
 * where experts and odd shapes lie, 1 and 32 columns; of the first types also experts, with as many for each. Then attention with heads
 * of 128 and of 64 in several layouts of the cache, chains of small operations, and norm, product and sum over a micro-batch. 2
 * operations a weight and column; 4 a query's value, cell and token; bytes are what each operation reads and writes. The first types and
 * all besides in two rounds, since what else the machine's host does comes and goes. Left out: how the parts of a model overlap. */
#include "engine/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <ggml-backend.h>
#include <ggml.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "base/units.h"
#include "engine/crew.h"
#include "engine/engine.h"
#include "engine/idle.h"
#include "engine/llama_use.h"
#include "engine/points.h"

enum {
    MATRIX = 8 << 20,
    LONG_ROW = 4096,
    SHORT_ROW = 1024,
    COLUMNS_MOST = 512,
    MATVEC_COLUMNS = 1,
    CURVE_TYPES = 3,
    COMMON_TYPES = 6
};
enum { COLUMN_COUNTS_MOST = 16, CACHE_TYPES = 2, FOUND_MOST = 4096, FILLERS_MOST = 8, ROUNDS = 2 };
/* Two, so that the first type has another one beside it too. In most models one type has by far the most weights. */
enum { COMPANIES = 2, COMPANY_PART = 4 };
/* A prompt meets a part of the heads and of the cells, since attention to all of them takes long. */
enum { HEADS = 32, CELLS = 2048, PROMPT_HEADS_PART = 8, PROMPT_CELLS_PART = 4, OTHER_COLUMNS = 32 };
enum { USUAL_GROUP = 4, MANY_SHARE = 8, NARROW_CELL = 256 };

/* Beside the rings: activations, one matrix before its conversion, the library itself. */
static const double spare_bytes = 144 << 20;
/* What is measured beside the products of long rows lies in less, since filling takes time too: more than most last-level caches hold. */
static const double beside_bytes = 192 << 20;
/* What keeps company takes turns with all that, so less is enough. */
static const double company_bytes = 48 << 20, company_share_most = 0.25;
/* The share of the time that runs get; the rest is spent on filling. */
static const double slice_share = 0.5, grace_share = 0.1, over_time = 1.2, cache_times = 2;
static const int cache_types[CACHE_TYPES] = {GGML_TYPE_F16, GGML_TYPE_Q8_0};

/* What one point gave: alone, and in company where it had some. */
struct found {
    struct runs *runs, *beside;
    const char *source, *ring;
};

struct sitting {
    const struct asked *in;
    struct kernels kernels;
    int type[POINT_TYPES_MOST];
    size_t types;
    int64_t columns[COLUMN_COUNTS_MOST];
    size_t column_counts;
    struct ground ground;
    struct ring beside[COMPANIES];
    struct point company[COMPANIES];
    size_t companies;
    double start_s, slice_s; /* slice: one share of the time that the runs of a round get */
    double planned_s;        /* how long what is done should have taken */
    struct idle idle;
    struct found *found;
    size_t count;
};

/* ---- company ---- */

/* The first kind of buffer that takes such a matrix: what llama.cpp would choose. */
static ggml_backend_buffer_type_t choice_of(const struct kernels *k, const struct matrix *m)
{
    ggml_backend_buffer_type_t kind[KINDS_MOST];
    const size_t kinds = kernels_kinds(k, kind);
    size_t where = 0;
    while (where + 1 < kinds && !kernels_takes(k, kind[where], m)) where++;
    return kind[where];
}

/* Products with one column of the first types, on rings of their own; none where memory is short. */
static bool company_open(struct sitting *s, struct mu_err *err)
{
    if ((double)s->ground.bytes * company_share_most < company_bytes * COMPANIES) return true;
    for (size_t i = 0; i < COMPANIES && i < s->types; i++) {
        const struct matrix m = {s->type[i], LONG_ROW, MATRIX / LONG_ROW / COMPANY_PART, 1};
        struct ground part = s->ground;
        part.bytes = (size_t)company_bytes;
        if (!ring_open(&s->beside[i], choice_of(&s->kernels, &m), &m, &part, err)) return false;
        s->ground.memory += part.bytes;
        s->ground.bytes -= part.bytes;
        s->company[s->companies++] = (struct point){.type = m.type,
                                                    .tokens = MATVEC_COLUMNS,
                                                    .row = m.row,
                                                    .ring = &s->beside[i],
                                                    .inputs = 1,
                                                    .add = point_product};
    }
    return true;
}

static void company_close(struct sitting *s)
{
    for (size_t i = 0; i < s->companies; i++) {
        ring_close(&s->beside[i]);
        s->ground.memory -= (size_t)company_bytes;
        s->ground.bytes += (size_t)company_bytes;
    }
}

/* Another type's product; NULL: there is none. */
static const struct point *company_of(const struct sitting *s, size_t at)
{
    const size_t other = at ? 0 : 1;
    return other < s->companies ? &s->company[other] : NULL;
}

/* ---- one point ---- */

/* What is added to the conditions of the whole sitting. */
static const char *ring_words(const struct sitting *s, const struct point *p)
{
    struct arena *a = s->in->arena;
    const double cache = s->in->cache_bytes;
    if (p->tokens > 1 || !p->ring || cache <= 0 || p->ring->bytes >= cache_times * cache) return "";
    return str_format(a, "; ring of %s is %.1f x the last-level cache of %s",
                      units_bytes(a, p->ring->bytes), p->ring->bytes / cache,
                      units_bytes(a, cache));
}

static bool same_point(const struct runs *a, const struct runs *b)
{
    return a->threads == b->threads && a->tokens == b->tokens && a->row == b->row &&
           a->group == b->group && a->cell == b->cell && strcmp(a->work, b->work) == 0 &&
           str_same(a->type, b->type) && str_same(a->buffer, b->buffer);
}

/* The one of an earlier round, or a new one. */
static struct found *found_of(struct sitting *s, const struct point *p)
{
    struct arena *a = s->in->arena;
    const struct runs named = point_named(p);
    for (size_t i = 0; i < s->count; i++)
        if (same_point(s->found[i].runs, &named)) return &s->found[i];
    assert(s->count < FOUND_MOST);
    struct found *found = &s->found[s->count++];
    found->runs = NEW(a, struct runs);
    found->beside = NEW(a, struct runs);
    *found->runs = *found->beside = named;
    found->source = str_format(a, "muster-engine kernels: %s; %s", p->what, llama_words(a));
    found->ring = ring_words(s, p);
    return found;
}

/* One round; what takes longer than two shares, as more than a first run said, has one only. */
static bool measure(struct sitting *s, const struct point *p, struct mu_err *err)
{
    if (!kernels_threads(&s->kernels, p->threads, err)) return false;
    const double over_s = clock_s() - s->start_s - s->planned_s;
    const bool late = over_s > grace_share * s->in->seconds;
    struct found *found = found_of(s, p);
    struct point lone = *p;
    if (found->runs->count > 1 && p->amount > 2 * p->slice_s * found->runs->likely) return true;
    lone.company = NULL;
    if (p->company && p->tokens == 1) {
        struct point half = *p;
        lone.slice_s = half.slice_s = p->slice_s / 2;
        point_runs(&s->kernels, &half, late, found->beside);
    }
    point_runs(&s->kernels, &lone, late, found->runs);
    idle_sample(&s->idle);
    s->planned_s += p->slice_s / slice_share;
    return true;
}

/* In a model an operation goes on alone at some places and takes turns at others: the middle, and both in the spread. */
static void join(struct runs *alone, const struct runs *beside)
{
    if (!beside->count) return;
    alone->likely = 2 / (1 / alone->likely + 1 / beside->likely);
    for (size_t i = 0; i < beside->count && alone->count < RUNS_MOST; i++)
        alone->per_s[alone->count++] = beside->per_s[i];
}

/* Each point takes milliseconds, too short to tell what else ran; the whole sitting tells. */
static void say_all(struct sitting *s)
{
    struct arena *a = s->in->arena;
    const char *idle = idle_words(&s->idle, (double)s->in->threads, a);
    for (size_t i = 0; i < s->count; i++) {
        join(s->found[i].runs, s->found[i].beside);
        say_rate(s->found[i].runs, s->found[i].source,
                 str_format(a, "%s%s", idle, s->found[i].ring), a);
    }
}

/* With all threads, then with one. */
static bool measure_threads(struct sitting *s, struct point p, struct mu_err *err)
{
    p.threads = s->in->threads;
    if (!measure(s, &p, err)) return false;
    p.threads = 1;
    return s->in->threads == 1 || measure(s, &p, err);
}

/* ---- products ---- */

/* Which columns of the request a type gets: those at the ends, with one thread too, or all. */
static bool measure_columns(struct sitting *s, struct point *p, bool whole_curve,
                            struct mu_err *err)
{
    bool good = true;
    for (size_t i = 0; good && i < s->column_counts; i++) {
        p->tokens = s->columns[i];
        p->amount = 2.0 * MATRIX * (double)p->tokens;
        p->slice_s = s->slice_s * (p->tokens > MATVEC_COLUMNS ? 2 : 1);
        const bool end = i == 0 || i + 1 == s->column_counts;
        if (end)
            good = measure_threads(s, *p, err);
        else if (whole_curve)
            good = measure(s, p, err);
    }
    return good;
}

/* In a buffer that is not llama.cpp's first choice. */
static bool measure_other(struct sitting *s, struct point *p, struct mu_err *err)
{
    bool good = true;
    for (int64_t tokens = 1; good && tokens <= OTHER_COLUMNS; tokens *= OTHER_COLUMNS) {
        p->tokens = tokens;
        p->amount = 2.0 * MATRIX * (double)tokens;
        p->slice_s = s->slice_s;
        good = measure_threads(s, *p, err);
    }
    return good;
}

/* Kernels of weights that are not quantised start and end each row with work of its own, with many columns too. */
static bool goes_by_row(int type)
{
    return ggml_blck_size((enum ggml_type)type) == 1;
}

static bool measure_one(struct sitting *s, struct point *p, struct mu_err *err)
{
    p->tokens = MATVEC_COLUMNS;
    p->amount = 2.0 * MATRIX;
    p->slice_s = s->slice_s;
    return measure_threads(s, *p, err);
}

/* Rows of so many values; kind: whether llama.cpp would choose this kind of buffer, and how much of the curve it gets. */
static bool measure_rows(struct sitting *s, ggml_backend_buffer_type_t where, size_t at,
                         int64_t row, bool first, struct mu_err *err)
{
    struct ring ring;
    const int type = s->type[at];
    const struct matrix m = {type, row, MATRIX / row, 1};
    struct ground ground = s->ground;
    if (row == SHORT_ROW) ground.bytes = (size_t)least((double)ground.bytes, beside_bytes);
    if (!ring_open(&ring, where, &m, &ground, err)) return false;
    struct point p = {.work = "matmul",
                      .type = type,
                      .row = row,
                      .ring = &ring,
                      .inputs = 1,
                      .buffer = ggml_backend_buft_name(where),
                      .threads = s->in->threads,
                      .company = company_of(s, at),
                      .add = point_product};
    p.what =
        str_format(s->in->arena, "%s %d x %d, a ring of %s", ggml_type_name((enum ggml_type)type),
                   (int)row, (int)(MATRIX / row), units_bytes(s->in->arena, ring.bytes));
    bool good = true;
    const int rounds = at < CURVE_TYPES ? ROUNDS : 1;
    for (int round = 0; good && round < rounds; round++)
        if (!first)
            good = measure_other(s, &p, err);
        else if (row == SHORT_ROW && !goes_by_row(type))
            good = measure_one(s, &p, err);
        else
            good = measure_columns(s, &p, at < CURVE_TYPES && row == LONG_ROW, err);
    ring_close(&ring);
    return good;
}

static bool measure_there(struct sitting *s, ggml_backend_buffer_type_t where, size_t at,
                          bool first, struct mu_err *err)
{
    if (!measure_rows(s, where, at, LONG_ROW, first, err)) return false;
    if (!first || (at >= COMMON_TYPES && !goes_by_row(s->type[at]))) return true;
    return measure_rows(s, where, at, SHORT_ROW, first, err);
}

/* ---- experts: each token picks some of a tensor's matrices, which llama.cpp keeps in another kind of buffer than single ones ---- */

/* In the first kind of buffer that takes them. Columns are those that one expert gets. Types that nobody keeps experts in, being too
 * large, are left out: what is converted needs room three times. */
static bool measure_experts(struct sitting *s, size_t at, struct mu_err *err)
{
    struct ring ring;
    bool good = true;
    const int type = s->type[at];
    const struct matrix m = {type, EXPERT_ROW, EXPERT_ROWS, EXPERTS};
    const size_t row_bytes = ggml_row_size((enum ggml_type)type, EXPERT_ROW);
    if ((double)(row_bytes * EXPERT_ROWS * EXPERTS) > spare_bytes / 4) return true;
    ggml_backend_buffer_type_t where = choice_of(&s->kernels, &m);
    if (!ring_open(&ring, where, &m, &s->ground, err)) return false;
    for (size_t turn = 0; good && turn < (size_t)2 * ROUNDS; turn++) {
        const bool many = turn % 2;
        struct point p = {.work = "expert matmul",
                          .type = type,
                          .ring = &ring,
                          .inputs = 1,
                          .row = EXPERT_ROW,
                          .columns = many ? EXPERT_TOKENS : 1,
                          .buffer = ggml_backend_buft_name(where),
                          .company = company_of(s, at),
                          .add = point_experts};
        p.tokens = many ? EXPERT_TOKENS * CHOSEN / EXPERTS : 1;
        p.slice_s = s->slice_s * (many ? 2 : 1);
        p.amount = 2.0 * EXPERT_ROW * EXPERT_ROWS * CHOSEN * (double)p.columns;
        p.what = str_format(s->in->arena, "%d of %d experts of %s %d x %d for each of %d tokens",
                            CHOSEN, EXPERTS, ggml_type_name((enum ggml_type)type), EXPERT_ROW,
                            EXPERT_ROWS, (int)p.columns);
        good = measure_threads(s, p, err);
    }
    ring_close(&ring);
    return good;
}

/* ---- attention ---- */

/* Decoding, and a prompt. */
struct attending {
    int64_t tokens, values, heads_part, cells_part;
};
static const struct attending attending[] = {
    {1, 128, 1, 1},
    {1, 64, 1, 1},
    {COLUMNS_MOST, 128, PROMPT_HEADS_PART, PROMPT_CELLS_PART},
    {COLUMNS_MOST, 64, PROMPT_HEADS_PART, PROMPT_CELLS_PART},
};
enum { DECODING = 2 };
/* How many heads share a key, and how wide a cell is, which is how far apart the keys of one head lie: as most models have it, prompts
 * too, and in both rounds; each head with its own; narrow; and others in the usual cell, of the first type of cache only. */
static const struct layout {
    int64_t group, cell;
    size_t points;
} layouts[] = {
    {USUAL_GROUP, KV_VALUES, COUNT_OF(attending)},
    {1, QUERY_VALUES, DECODING},
    {MANY_SHARE, NARROW_CELL, DECODING},
    {MANY_SHARE, KV_VALUES, DECODING},
    {2, KV_VALUES, DECODING},
};
enum { SECOND_LAYOUTS = 3 };

static bool measure_heads(struct sitting *s, struct point p, const struct attending *x,
                          const struct layout *as, struct mu_err *err)
{
    const int64_t kv = as->cell / x->values, most_queries = HEADS / x->heads_part;
    const int64_t queries = kv * as->group < most_queries ? kv * as->group : most_queries;
    const struct heads h = {queries, queries / as->group, x->values, CELLS / x->cells_part};
    p.tokens = x->tokens;
    p.row = x->values;
    p.heads = h;
    p.what = str_format(s->in->arena,
                        "flash attention to %d cells of %d values in %s, %d heads of %d, %d for K "
                        "and V",
                        (int)h.cells, (int)as->cell, ggml_type_name((enum ggml_type)p.type),
                        (int)h.queries, (int)h.values, (int)h.kv);
    p.amount = point_attention_flop(&p);
    return measure_threads(s, p, err);
}

static bool measure_layout(struct sitting *s, int type, const struct layout *as, struct mu_err *err)
{
    struct ring ring;
    bool good = true;
    const struct matrix m = {type, as->cell, CELLS, 1};
    struct ground ground = s->ground;
    ground.bytes = (size_t)least((double)ground.bytes, beside_bytes);
    if (!ring_open(&ring, kernels_plain(&s->kernels), &m, &ground, err)) return false;
    const struct point p = {.work = "attend",
                            .type = type,
                            .ring = &ring,
                            .inputs = 2,
                            .slice_s = s->slice_s,
                            .cell = as->cell,
                            .add = point_attention};
    const size_t rounds = as == layouts ? ROUNDS : 1;
    for (size_t i = 0; good && i < rounds * as->points; i++)
        good = measure_heads(s, p, &attending[i % as->points], as, err);
    ring_close(&ring);
    return good;
}

static bool measure_attention(struct sitting *s, struct mu_err *err)
{
    bool good = true;
    for (size_t type = 0; good && type < CACHE_TYPES; type++) {
        const size_t count = type ? SECOND_LAYOUTS : COUNT_OF(layouts);
        for (size_t i = 0; good && i < count; i++)
            good = measure_layout(s, cache_types[type], &layouts[i], err);
    }
    return good;
}

/* ---- operations that hardly compute ---- */

static bool measure_chain(struct sitting *s, struct mu_err *err)
{
    const struct point p = {
        .work = "graph operations",
        .what = str_format(s->in->arena, "a chain of %d on %d values", CHAIN, CHAIN_VALUES),
        .type = -1,
        .amount = CHAIN,
        .slice_s = s->slice_s,
        .add = point_chain};
    return measure_threads(s, p, err);
}

static bool measure_elementwise(struct sitting *s, struct mu_err *err)
{
    const struct point p = {.work = "elementwise",
                            .what = str_format(s->in->arena, "norm, product and sum over %d x %d",
                                               BATCH_VALUES, BATCH_TOKENS),
                            .type = -1,
                            .tokens = BATCH_TOKENS,
                            .amount = point_elementwise_bytes(),
                            .slice_s = s->slice_s,
                            .add = point_elementwise};
    return measure_threads(s, p, err);
}

/* ---- the request ---- */

static bool columns_of(struct sitting *s, struct mu_err *err)
{
    static const double usual[] = {1, 8, 32, 128, 512};
    const struct json *list = json_get(s->in->json, "columns");
    double number[COLUMN_COUNTS_MOST] = {0};
    s->column_counts = COUNT_OF(usual);
    memcpy(number, usual, sizeof usual);
    if (list && !asked_numbers(list, "columns", COLUMN_COUNTS_MOST, 1, COLUMNS_MOST, number,
                               &s->column_counts, err))
        return false;
    for (size_t i = 0; i < s->column_counts; i++) s->columns[i] = (int64_t)number[i];
    return true;
}

/* ---- all of them ---- */

/* In llama.cpp's choice of buffer, or in the others that take it. */
static bool measure_type(struct sitting *s, size_t at, bool choice, struct mu_err *err)
{
    ggml_backend_buffer_type_t kind[KINDS_MOST];
    const size_t kinds = kernels_kinds(&s->kernels, kind);
    const struct matrix m = {s->type[at], LONG_ROW, MATRIX / LONG_ROW, 1};
    bool first = true;
    for (size_t i = 0; i < kinds; i++) {
        if (i + 1 < kinds && !kernels_takes(&s->kernels, kind[i], &m)) continue;
        if (first == choice && !measure_there(s, kind[i], at, first, err)) return false;
        first = false;
    }
    return !choice || at >= CURVE_TYPES || measure_experts(s, at, err);
}

/* When the time is over, the least is lost: first the choices of the commonest types, then their other buffers, where experts lie. */
static bool measure_types(struct sitting *s, struct mu_err *err)
{
    const struct {
        size_t from, to;
        bool choice;
    } stage[] = {{0, COMMON_TYPES, true},
                 {0, CURVE_TYPES, false},
                 {COMMON_TYPES, POINT_TYPES_MOST, true},
                 {CURVE_TYPES, POINT_TYPES_MOST, false}};
    bool first = true;
    for (size_t k = 0; k < COUNT_OF(stage); k++)
        for (size_t i = stage[k].from; i < stage[k].to && i < s->types; i++) {
            if (!first && clock_s() - s->start_s > over_time * s->in->seconds) {
                say_note(s->in->arena, "from %s on, types of weights were %s: it took too long",
                         ggml_type_name((enum ggml_type)s->type[i]),
                         k < 3 ? "not measured" : "measured in one kind of buffer only");
                return true;
            }
            if (!measure_type(s, i, stage[k].choice, err)) return false;
            first = false;
        }
    return true;
}

static bool measure_with(struct sitting *s, struct mu_err *err)
{
    const struct room room =
        points_room(LONG_ROW, MATRIX / SHORT_ROW, COLUMNS_MOST, CELLS, COLUMNS_MOST);
    if (!kernels_open(&s->kernels, NULL, &room, err)) return false;
    points_fill(&s->kernels);
    s->found = NEW_ARRAY(s->in->arena, struct found, FOUND_MOST);
    idle_start(&s->idle);
    const bool good = company_open(s, err) && measure_chain(s, err) &&
                      measure_elementwise(s, err) && measure_attention(s, err) &&
                      measure_types(s, err) && measure_chain(s, err) && measure_elementwise(s, err);
    if (good) say_all(s);
    company_close(s);
    kernels_close(&s->kernels);
    return good;
}

/* What was asked for, with memory to do it in, and a crew to fill it that is not pinned: ggml's threads would inherit that. */
static bool measure_all(struct sitting *s, struct mu_err *err)
{
    struct asked free_asked = *s->in;
    free_asked.cpus = 0;
    free_asked.threads = (size_t)least((double)s->in->threads, FILLERS_MOST);
    s->ground = (struct ground){.bytes = (size_t)(s->in->bytes - spare_bytes),
                                .threads = free_asked.threads,
                                .crew = crew_new(&free_asked, err)};
    if (!s->ground.crew) return false;
    s->ground.memory =
        mmap(NULL, s->ground.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool good = s->ground.memory != MAP_FAILED;
    if (good) {
        good = measure_with(s, err);
        munmap(s->ground.memory, s->ground.bytes);
    } else {
        err_errno(err, "mapping %zu bytes of memory", s->ground.bytes);
    }
    crew_free(s->ground.crew);
    return good;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct sitting s = {.in = in, .start_s = clock_s()};
    if (!llama_use(err) || !points_types(in, s.type, &s.types, err) || !columns_of(&s, err))
        return false;
    const double least_bytes = spare_bytes + (double)MATRIX * sizeof(float) * 2;
    if (in->bytes < least_bytes)
        return err_set(err, MU_UNAVAILABLE,
                       "measuring kernels needs at least %.0f bytes of memory, and %.0f were given",
                       least_bytes, in->bytes);
    const size_t attended =
        2 * COUNT_OF(attending) + DECODING * (COUNT_OF(layouts) + SECOND_LAYOUTS - CACHE_TYPES);
    const double shares = 10.0 * (double)s.types + 12 * CURVE_TYPES + 2 * (double)attended + 4;
    s.slice_s = in->seconds * slice_share / shares / ROUNDS;
    return measure_all(&s, err);
}

const struct engine_test engine_kernels = {
    "kernels", "products, attention and small operations as llama.cpp runs them here", run};
