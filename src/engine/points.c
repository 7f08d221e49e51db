/* engine/points.c - products, attention and the small operations between, as llama.cpp puts them into its lists.
 *
 * Inputs and results lie in the kernels' scratch room, weights and caches in rings. The figure of a point is by the mean time of
 * the runs that nothing disturbed. Left out: where a ring comes from, and which points a test takes. */
#include "engine/points.h"

#include <math.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"

enum { LEAST_RUNS = 3, USUAL_RUNS = 6 };
/* About what a model's layer does of one kind before it does another. */
static const double turn_s = 1e-3;

/* ---- the room ---- */

struct room points_room(int64_t row, int64_t rows, int64_t columns, int64_t cells, int64_t tokens)
{
    const double mebibyte = 1 << 20;
    const double products = (double)((row + rows) * columns) * sizeof(float);
    const double batch = 4.0 * BATCH_VALUES * BATCH_TOKENS * sizeof(float);
    const double queries = 2.0 * QUERY_VALUES * (double)tokens * sizeof(float);
    const double beside = 16 * mebibyte; /* what a device keeps behind a result to work in */
    const double activations = pad_to(most(products, most(batch, queries)) + beside, mebibyte);
    const double mask = pad_to((double)(cells * tokens) * sizeof(ggml_fp16_t), mebibyte);
    const double choices = (double)EXPERT_TOKENS * EXPERTS * sizeof(int32_t);
    return (struct room){.mask_at = (size_t)activations,
                         .choices_at = (size_t)(activations + mask),
                         .bytes = (size_t)(activations + mask + pad_to(choices, mebibyte))};
}

/* One list a turn, so that the next tokens choose others; each begins where a device likes buffers to begin. */
enum { TURNS = EXPERTS / CHOSEN, LIST = EXPERT_TOKENS * CHOSEN };

void points_fill(const struct kernels *k)
{
    int32_t choice[LIST];
    for (size_t turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < LIST; i++) choice[i] = (int32_t)((turn * CHOSEN + i) % EXPERTS);
        kernels_put(k, k->room.choices_at + turn * sizeof choice, choice, sizeof choice);
    }
}

/* ---- the request ---- */

bool points_types(const struct asked *in, int *type, size_t *types, struct mu_err *err)
{
    static const int usual[] = {GGML_TYPE_Q4_K, GGML_TYPE_Q6_K, GGML_TYPE_Q8_0, GGML_TYPE_F16};
    const struct json *list = json_get(in->json, "types");
    double number[POINT_TYPES_MOST] = {0};
    if (!list) {
        memcpy(type, usual, sizeof usual);
        *types = COUNT_OF(usual);
        return true;
    }
    if (!asked_numbers(list, "types", POINT_TYPES_MOST, 0, GGML_TYPE_COUNT, number, types, err))
        return false;
    for (size_t i = 0; i < *types; i++) {
        type[i] = (int)number[i];
        if (!kernels_multiplies(type[i]))
            return err_set(err, MU_DATA,
                           "the request's \"types\" holds %d, which is no type of "
                           "weights that this llama.cpp knows",
                           type[i]);
    }
    return true;
}

/* ---- operations ---- */

void point_product(const struct kernels *k, const struct point *p, struct steps *to)
{
    size_t at = 0;
    struct ggml_tensor *x = ggml_new_tensor_2d(to->context, GGML_TYPE_F32, p->row, p->tokens);
    steps_place(k, x, &at);
    struct ggml_tensor *y = ggml_mul_mat(to->context, ring_next(p->ring), x);
    steps_place(k, y, &at);
    ggml_build_forward_expand(to->graph, y);
}

void point_experts(const struct kernels *k, const struct point *p, struct steps *to)
{
    size_t at = 0;
    struct ggml_context *c = to->context;
    struct ggml_tensor *x = ggml_new_tensor_3d(c, GGML_TYPE_F32, p->row, 1, p->columns);
    steps_place(k, x, &at);
    struct ggml_tensor *chosen = ggml_new_tensor_2d(c, GGML_TYPE_I32, CHOSEN, p->columns);
    /* one round later it is the next ones' turn */
    const size_t turn = p->ring->turns + p->ring->turns / p->ring->count;
    const size_t behind = turn % TURNS * LIST * sizeof(int32_t);
    ggml_backend_tensor_alloc(k->scratch, chosen,
                              (char *)ggml_backend_buffer_get_base(k->scratch) +
                                  k->room.choices_at + behind);
    struct ggml_tensor *y = ggml_mul_mat_id(c, ring_next(p->ring), x, chosen);
    steps_place(k, y, &at);
    ggml_build_forward_expand(to->graph, y);
}

/* Heads are views into the cells, as in llama.cpp's cache. */
static struct ggml_tensor *view_of(struct steps *to, struct ggml_tensor *cache, struct heads h)
{
    const size_t head = ggml_row_size(cache->type, h.values);
    struct ggml_tensor *view =
        ggml_view_3d(to->context, cache, h.values, h.kv, h.cells, head, cache->nb[1], 0);
    ggml_backend_view_init(view);
    struct ggml_tensor *turned = ggml_permute(to->context, view, 0, 2, 1, 3);
    ggml_backend_view_init(turned);
    return turned;
}

void point_attention(const struct kernels *k, const struct point *p, struct steps *to)
{
    size_t at = 0, behind = k->room.mask_at;
    const struct heads h = p->heads;
    struct ggml_context *c = to->context;
    struct ggml_tensor *mask = ggml_new_tensor_2d(c, GGML_TYPE_F16, h.cells, p->tokens);
    steps_place(k, mask, &behind);
    struct ggml_tensor *q = ggml_new_tensor_3d(c, GGML_TYPE_F32, h.values, h.queries, p->tokens);
    steps_place(k, q, &at);
    struct ggml_tensor *turned = ggml_permute(c, q, 0, 2, 1, 3);
    ggml_backend_view_init(turned);
    struct ggml_tensor *keys = view_of(to, ring_next(p->ring), h);
    struct ggml_tensor *values = view_of(to, ring_next(p->ring), h);
    struct ggml_tensor *out =
        ggml_flash_attn_ext(c, turned, keys, values, mask, 1 / sqrtf((float)h.values), 0, 0);
    ggml_prec_set_acc(out, GGML_PREC_F32);
    steps_place(k, out, &at);
    ggml_build_forward_expand(to->graph, out);
}

double point_attention_flop(const struct point *p)
{
    return 4.0 * (double)(p->heads.queries * p->heads.values * p->heads.cells * p->tokens);
}

/* Norm, sum, product: each waits for the one before. */
void point_chain(const struct kernels *k, const struct point *p, struct steps *to)
{
    (void)p;
    size_t at = 0, even = 0, odd;
    struct ggml_context *c = to->context;
    struct ggml_tensor *scale = ggml_new_tensor_1d(c, GGML_TYPE_F32, CHAIN_VALUES);
    steps_place(k, scale, &even);
    at = even;
    struct ggml_tensor *x = ggml_new_tensor_1d(c, GGML_TYPE_F32, CHAIN_VALUES);
    steps_place(k, x, &at);
    odd = at;
    for (size_t i = 0; i < CHAIN; i++) {
        x = i % 3 == 0   ? ggml_rms_norm(c, x, 1e-5F)
            : i % 3 == 1 ? ggml_add(c, x, scale)
                         : ggml_mul(c, x, scale);
        at = i % 2 ? even : odd;
        steps_place(k, x, &at);
        ggml_build_forward_expand(to->graph, x);
    }
}

void point_elementwise(const struct kernels *k, const struct point *p, struct steps *to)
{
    size_t at = 0;
    struct ggml_context *c = to->context;
    struct ggml_tensor *scale = ggml_new_tensor_1d(c, GGML_TYPE_F32, BATCH_VALUES);
    steps_place(k, scale, &at);
    struct ggml_tensor *in = ggml_new_tensor_2d(c, GGML_TYPE_F32, BATCH_VALUES, p->tokens);
    steps_place(k, in, &at);
    struct ggml_tensor *norm = ggml_rms_norm(c, in, 1e-5F);
    steps_place(k, norm, &at);
    struct ggml_tensor *scaled = ggml_mul(c, norm, scale);
    steps_place(k, scaled, &at);
    struct ggml_tensor *sum = ggml_add(c, scaled, in);
    steps_place(k, sum, &at);
    ggml_build_forward_expand(to->graph, sum);
}

/* in, norm; norm, scaled; scaled, in, sum */
double point_elementwise_bytes(void)
{
    return (double)BATCH_PASSES * BATCH_VALUES * BATCH_TOKENS * sizeof(float);
}

/* ---- time ---- */

static void steps_of(const struct kernels *k, const struct point *p, size_t operations,
                     struct steps *steps)
{
    steps_open(steps);
    for (size_t i = 0; i < operations; i++) p->add(k, p, steps);
}

static double run_alone(const struct kernels *k, const struct point *p, size_t operations)
{
    struct steps steps;
    steps_of(k, p, operations, &steps);
    const double seconds = steps_run(k, &steps);
    steps_close(&steps);
    return most(seconds, 1e-7);
}

static double run_of(const struct kernels *k, const struct point *p, size_t operations)
{
    if (p->company) (void)run_alone(k, p->company, operations);
    return run_alone(k, p, operations);
}

bool point_done_there(const struct kernels *k, const struct point *p)
{
    struct steps steps;
    steps_of(k, p, 1, &steps);
    bool good = true;
    for (int i = 0; i < ggml_graph_n_nodes(steps.graph); i++)
        good = good && ggml_backend_dev_supports_op(k->device, ggml_graph_node(steps.graph, i));
    steps_close(&steps);
    return good;
}

/* One list, run until the time is over; the first times are not counted, since a backend may then still be making something of it. */
static void fill_again(const struct kernels *k, const struct point *p, size_t operations,
                       struct runs *runs)
{
    enum { UNCOUNTED = 3 };
    struct steps steps;
    steps_of(k, p, operations, &steps);
    const double start_s = clock_s();
    for (size_t i = 0; i < UNCOUNTED && clock_s() - start_s < p->slice_s; i++)
        (void)steps_run(k, &steps);
    while (runs->count < LEAST_RUNS ||
           (clock_s() - start_s < p->slice_s && runs->count < RUNS_MOST))
        runs_add(runs, p->amount * (double)operations, most(steps_run(k, &steps), 1e-7));
    steps_close(&steps);
}

/* The first runs warm up and set how many operations a run has; where even one takes most of the share, they are all there is. */
static void fill_runs(const struct kernels *k, const struct point *p, bool late, struct runs *runs)
{
    const double start_s = clock_s();
    const double first_s = run_of(k, p, 1);
    runs_add(runs, p->amount, first_s);
    if (first_s > p->slice_s / 2 && late) return;
    const double pace_s = run_of(k, p, 1);
    runs_add(runs, p->amount, pace_s);
    if (pace_s > p->slice_s / 2) return;
    runs->count = 0;
    const double room = p->ring ? floor((double)p->ring->count / (double)p->inputs) : 1;
    const double run_s = p->slice_s / USUAL_RUNS;
    const double fit = floor((p->company ? least(run_s, turn_s) : run_s) / pace_s);
    const double operations = most(least(least(fit, room), OPERATIONS_MOST), 1);
    if (p->again) {
        fill_again(k, p, (size_t)operations, runs);
        return;
    }
    while (runs->count < LEAST_RUNS ||
           (clock_s() - start_s < p->slice_s && runs->count < RUNS_MOST))
        runs_add(runs, p->amount * operations, run_of(k, p, (size_t)operations));
}

/* By the mean time of the runs that were at least half as fast as the fastest: a token takes the sum of all it does, slow moments too.
 * Threads that wait for one another by spinning come to a halt when another program takes one of their CPUs, though, and such a run says
 * nothing of the kernel. It shows in the lowest. */
static double undisturbed(const struct runs *runs)
{
    double fastest = 0, seconds = 0, count = 0;
    for (size_t i = 0; i < runs->count; i++) fastest = most(fastest, runs->per_s[i]);
    for (size_t i = 0; i < runs->count; i++) {
        if (runs->per_s[i] < fastest / 2) continue;
        seconds += 1 / runs->per_s[i];
        count++;
    }
    return count / seconds;
}

void point_runs(const struct kernels *k, const struct point *p, bool late, struct runs *runs)
{
    struct runs now = {.count = 0};
    fill_runs(k, p, late, &now);
    for (size_t i = 0; i < now.count && runs->count < RUNS_MOST; i++)
        runs->per_s[runs->count++] = now.per_s[i];
    runs->likely = undisturbed(runs);
}

struct runs point_named(const struct point *p)
{
    return (struct runs){
        .work = p->work,
        .threads = p->threads,
        .type = p->type < 0 ? NULL : ggml_type_name((enum ggml_type)p->type),
        .tokens = (double)p->tokens,
        .row = (double)p->row,
        .group = p->heads.kv > 0 ? (double)p->heads.queries / (double)p->heads.kv : 0,
        .cell = (double)p->cell,
        .buffer = p->buffer,
    };
}
