/* A verdict told by llama.cpp's own buffers: the lines of the bill that our plan wrote for weights, cache, compute and output give way to
 * one line for each buffer, and what follows from the sum is judged again. Left out: devices; everything is held on the host. */
#include "judge/allocated.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/str.h"
#include "cost/llama.h"

#define AS_ALLOCATED "as llama.cpp lays it out"

struct allocated_groups allocated_sums(const struct allocated *x)
{
    struct allocated_groups g = {.output_bytes = x->output_bytes};
    for (size_t i = 0; i < x->buffers; i++) {
        g.weights_bytes += x->buffer[i].model_bytes;
        g.kv_bytes += x->buffer[i].context_bytes;
        g.compute_bytes += x->buffer[i].compute_bytes;
    }
    return g;
}

struct allocated_groups allocated_planned(const struct bill *b)
{
    return (struct allocated_groups){bill_group(b, "weights"), bill_group(b, "kv"),
                                     bill_group(b, "compute"), bill_group(b, "output")};
}

double allocated_total(struct allocated_groups g)
{
    return g.weights_bytes + g.kv_bytes + g.compute_bytes + g.output_bytes;
}

struct lines {
    struct bill *bill;
    struct arena *arena;
    const char *source;
    const char *cache; /* what the context holds */
};

static void hold(const struct lines *l, const char *name, const char *group, double bytes)
{
    struct term *term = NEW(l->arena, struct term);
    *term = (struct term){name, group, AS_ALLOCATED, l->source};
    const struct line line = {
        .amount = bytes, .phase = HELD, .work = BYTES_HELD, .site = ON_HOST, .held_as = HELD_OWN};
    bill_add(l->bill, term, &line);
}

/* "weights, AMX"; without the buffer's name where one buffer has all of them. */
static const char *named(const struct lines *l, const char *what, const char *buffer, double bytes,
                         double of_bytes)
{
    return bytes == of_bytes ? what : str_format(l->arena, "%s, %s", what, buffer);
}

static void hold_buffers(const struct lines *l, const struct allocated *x)
{
    const struct allocated_groups sum = allocated_sums(x);
    for (size_t i = 0; i < x->buffers; i++) {
        const struct allocated_buffer *b = &x->buffer[i];
        hold(l, named(l, "weights", b->buffer, b->model_bytes, sum.weights_bytes), "weights",
             b->model_bytes);
    }
    for (size_t i = 0; i < x->buffers; i++) {
        const struct allocated_buffer *b = &x->buffer[i];
        hold(l, named(l, l->cache, b->buffer, b->context_bytes, sum.kv_bytes), "kv",
             b->context_bytes);
    }
    for (size_t i = 0; i < x->buffers; i++) {
        const struct allocated_buffer *b = &x->buffer[i];
        hold(l, named(l, "compute buffer", b->buffer, b->compute_bytes, sum.compute_bytes),
             "compute", b->compute_bytes);
    }
    hold(l, "output buffer", "output", x->output_bytes);
}

/* The plan's own memory of the model goes; what lies beside it and the rest of the bill stay behind the new lines. */
static void exchange(const struct lines *l, const struct allocated *x, struct arena *a)
{
    struct bill *old = NEW(a, struct bill);
    *old = *l->bill;
    l->bill->lines = 0;
    hold_buffers(l, x);
    for (size_t i = 0; i < old->lines; i++) {
        const struct line *line = &old->line[i];
        const bool beside = strcmp(line->term->group, "beside") == 0;
        if (line->phase != HELD || line->held_as != HELD_OWN || beside)
            bill_add(l->bill, line->term, line);
    }
}

static double process_of(const struct bill *b)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && b->line[i].held_as == HELD_PROCESS)
            sum += b->line[i].amount;
    return sum;
}

/* A bill without a rule has no line for the process either, which needs none of the model's rules. */
static void add_process(const struct task *t, struct arena *a, struct verdict *v)
{
    struct bill *high = NEW(a, struct bill);
    high->bent = 1;
    high->bend = +1;
    llama_process(&v->bill, t->model);
    llama_process(high, t->model);
    v->site[ON_HOST].beside_bytes = process_of(&v->bill);
    v->site[ON_HOST].beside_most_bytes = process_of(high);
}

void judge_allocated(const struct allocated *x, const struct task *t, const struct machine *m,
                     struct arena *a, struct verdict *v)
{
    const char *source = str_format(a, "llama.cpp %s, loaded without allocating", x->llama);
    const bool unruled = v->bill.unruled;
    const struct lines l = {&v->bill, a, source, unruled ? "cache and state" : "KV cache"};
    exchange(&l, x, a);
    v->bill.unruled = NULL;
    if (unruled) add_process(t, a, v);
    v->site[ON_HOST].held_bytes = estimate_exactly(bill_held(&v->bill, ON_HOST), MEASURED, source);
    judge_fits(m, v);
}
