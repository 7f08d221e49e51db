/* engine/points.h - the operations that are priced, on whatever the kernels run on: what each is, and how it is timed. */
#pragma once
#include "engine/engine.h"
#include "engine/kernels.h"

/* Of the experts of a tensor so many are chosen for each token. */
enum { EXPERTS = 16, CHOSEN = 4, EXPERT_TOKENS = 128, EXPERT_ROW = 2048, EXPERT_ROWS = 512 };
/* Values in all heads' queries and in all of a cache's heads, a token. */
enum { QUERY_VALUES = 4096, KV_VALUES = 1024 };
enum { CHAIN = 192, CHAIN_VALUES = 2048 };
enum { BATCH_VALUES = 2048, BATCH_TOKENS = 512, BATCH_PASSES = 7 };

struct heads {
    int64_t queries, kv, values, cells;
};
/* One operation, on a ring or on none. */
struct point {
    const char *work, *what;
    int type;            /* negative: none */
    int64_t tokens, row; /* row: values in one of the weights or in a head */
    int64_t columns;     /* of experts: tokens, of which each expert gets but a share */
    int64_t cell;        /* of attention: values in a cell's row, for all heads */
    struct heads heads;  /* of attention */
    size_t threads;
    struct ring *ring;
    size_t inputs; /* matrices that one operation takes */
    double amount; /* of work in one operation */
    double slice_s;
    const char *buffer;
    /* What is done before each run, untimed; NULL: nothing. Some CPUs slow down the memory of an operation that goes on alone for long. */
    const struct point *company;
    /* The same list is run again and again, as llama.cpp decodes, so that a backend may keep what it made of it; each run takes the
     * whole ring where there is time. */
    bool again;
    void (*add)(const struct kernels *k, const struct point *p, struct steps *to);
};

/* ggml's ids of the request's "types", the important ones first; the commonest when it has none. Room for POINT_TYPES_MOST. */
enum { POINT_TYPES_MOST = 64 };
bool points_types(const struct asked *in, int *type, size_t *types, struct mu_err *err) NODISCARD;

/* The room for products of `rows` by `columns` and for attention of `tokens` to `cells`. */
struct room points_room(int64_t row, int64_t rows, int64_t columns, int64_t cells, int64_t tokens);
/* After kernels_open: which experts each token takes. */
void points_fill(const struct kernels *k);

void point_product(const struct kernels *k, const struct point *p, struct steps *to);
void point_experts(const struct kernels *k, const struct point *p, struct steps *to);
/* K and V of one layer are two matrices of a ring: cells x values of a cell. */
void point_attention(const struct kernels *k, const struct point *p, struct steps *to);
double point_attention_flop(const struct point *p);
/* CHAIN small operations, each waiting for the one before. */
void point_chain(const struct kernels *k, const struct point *p, struct steps *to);
/* What stands between a layer's products: norm, product with a vector, sum with what came in. */
void point_elementwise(const struct kernels *k, const struct point *p, struct steps *to);
double point_elementwise_bytes(void);

/* Whether the device does it; always true of the CPU's own operations. */
bool point_done_there(const struct kernels *k, const struct point *p);
/* Runs it until its share of the time is over; less when it is late already and one run shows what it takes. The runs join those that
 * are there, of an earlier round; runs->likely is set. */
void point_runs(const struct kernels *k, const struct point *p, bool late, struct runs *runs);
/* What is said of the runs besides their figures. */
struct runs point_named(const struct point *p);
