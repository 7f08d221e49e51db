/* Places values in one buffer as ggml's graph allocator does (ggml v0.5.0 of llama.cpp, ggml/src/ggml-alloc.c): inputs first, then
 * node by node. A node may take over the memory of a source that has the same extent and no other reader; else it gets the smallest
 * gap that holds it, among equals the last, or the open end of the buffer. What has been read for the last time becomes a gap again.
 * The peak of the open end is the size of the buffer. Left out: several buffers, and views made in place, which ggml never does. */
#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "cost/plan.h"

static const double alignment_bytes = 32; /* of ggml's CPU backend */
static const double open_end_bytes = 0x1p62;
/* Larger values than this no machine holds; up to it every address of a plan is exact in a double. */
static const double value_bytes_most = 0x1p48;

/* ---- gaps, sorted by address; the last is the open end */

static int best_gap(const struct plan *p, double bytes)
{
    int best = p->gaps - 1;
    double best_bytes = open_end_bytes;
    for (int i = 0; i < p->gaps - 1; i++) {
        if (p->gap[i].bytes < bytes || p->gap[i].bytes > best_bytes) continue;
        best = i;
        best_bytes = p->gap[i].bytes;
    }
    return best;
}

static void remove_gap(struct plan *p, int i)
{
    p->gaps--;
    memmove(&p->gap[i], &p->gap[i + 1], (size_t)(p->gaps - i) * sizeof *p->gap);
}

static double take(struct plan *p, double bytes)
{
    const double size = pad_to(bytes, alignment_bytes);
    const int i = best_gap(p, size);
    const double at = p->gap[i].at;
    p->gap[i].at += size;
    p->gap[i].bytes -= size;
    if (i < p->gaps - 1 && !(p->gap[i].bytes > 0)) remove_gap(p, i);
    p->peak_bytes = most(p->peak_bytes, at + size);
    return at;
}

static void give_back(struct plan *p, double at, double bytes)
{
    const double size = pad_to(bytes, alignment_bytes);
    int i = 0;
    while (p->gap[i].at < at) i++; /* the first gap behind; the open end always is */
    const bool joins_next = at + size == p->gap[i].at;
    const bool joins_last = i > 0 && p->gap[i - 1].at + p->gap[i - 1].bytes == at;
    if (joins_next) {
        p->gap[i].at = at;
        p->gap[i].bytes += size;
        if (!joins_last) return;
        p->gap[i].at = p->gap[i - 1].at;
        p->gap[i].bytes += p->gap[i - 1].bytes;
        remove_gap(p, i - 1);
    } else if (joins_last) {
        p->gap[i - 1].bytes += size;
    } else {
        assert(p->gaps < PLAN_GAPS); /* there are never more gaps than values */
        memmove(&p->gap[i + 1], &p->gap[i], (size_t)(p->gaps - i) * sizeof *p->gap);
        p->gap[i] = (struct gap){at, size};
        p->gaps++;
    }
}

/* ---- values */

static bool same_extent(const struct extent *a, const struct extent *b)
{
    return a->element_bytes == b->element_bytes && a->n[0] == b->n[0] && a->n[1] == b->n[1] &&
           a->n[2] == b->n[2] && a->n[3] == b->n[3];
}

static bool has_memory(const struct value *v)
{
    return v->kind == VALUE_NEW || v->kind == VALUE_REUSE;
}

/* The source whose memory this node may take over, 0 none. */
static int replaceable(const struct plan *p, const struct value *v)
{
    for (int i = 0; v->kind == VALUE_REUSE && i < PLAN_SOURCES; i++) {
        const struct value *s = &p->value[v->from.of[i]];
        if (s->placed && !s->kept && s->reads == 1 && s->views == 0 &&
            same_extent(&s->extent, &v->extent))
            return v->from.of[i];
    }
    return 0;
}

static void place(struct plan *p, struct value *v)
{
    if (!has_memory(v)) return;
    const int old = replaceable(p, v);
    v->at = old ? p->value[old].at : take(p, v->bytes);
    v->placed = true;
    if (old) p->value[old].placed = false;
}

static void let_go(struct plan *p, struct value *v)
{
    if (!v->placed || v->kept) return;
    v->placed = false;
    give_back(p, v->at, v->bytes);
}

/* One of the readers of a value is done. */
static void read_once(struct plan *p, int source)
{
    struct value *s = &p->value[source];
    if (!source || --s->reads > 0 || s->views > 0) return;
    if (!s->root) {
        let_go(p, s);
        return;
    }
    struct value *root = &p->value[s->root];
    if (--root->views == 0 && root->reads == 0) let_go(p, root);
}

/* ---- building */

void plan_start(struct plan *p)
{
    p->values = p->inputs = p->step = 1;
    p->value[0] = (struct value){.kind = VALUE_STORE};
    p->gap[0] = (struct gap){0, open_end_bytes};
    p->gaps = 1;
    p->peak_bytes = 0;
    p->placing = p->full = false;
}

static int append(struct plan *p, const struct value *v)
{
    const bool possible = !has_memory(v) || (v->bytes > 0 && v->bytes <= value_bytes_most);
    p->full = p->full || p->values == PLAN_VALUES || !possible;
    if (p->full) return 0;
    p->value[p->values] = *v;
    return p->values++;
}

int plan_input(struct plan *p, double bytes)
{
    assert(p->values == p->inputs && !p->placing);
    const int input = append(p, &(struct value){.bytes = bytes, .kind = VALUE_NEW});
    p->inputs = p->step = p->values;
    return input;
}

void plan_place(struct plan *p)
{
    p->placing = true;
    p->values = p->step = p->inputs;
    for (int i = 1; i < p->inputs; i++) place(p, &p->value[i]);
}

/* Inputs are counted on the first walk, all others on the second. */
static void count_reads(struct plan *p, const struct from *from)
{
    for (int i = 0; i < PLAN_SOURCES; i++)
        if ((from->of[i] < p->inputs) != p->placing) p->value[from->of[i]].reads++;
}

int plan_value(struct plan *p, enum value_kind kind, struct extent e, struct from from)
{
    struct value v = {.extent = e, .from = from, .kind = (uint8_t)kind};
    v.bytes = e.element_bytes * e.n[0] * e.n[1] * e.n[2] * e.n[3];
    count_reads(p, &from);
    return append(p, &v);
}

int plan_view(struct plan *p, int of)
{
    struct value v = {.from = FROM(of), .kind = VALUE_VIEW};
    v.root = p->value[of].root ? p->value[of].root : of;
    count_reads(p, &v.from);
    if ((v.root < p->inputs) != p->placing) p->value[v.root].views++;
    return append(p, &v);
}

void plan_store(struct plan *p, struct from from)
{
    plan_value(p, VALUE_STORE, (struct extent){0}, from);
}

void plan_keep(struct plan *p, int value)
{
    p->value[value].kept = true;
}

int plan_step(struct plan *p, int stream)
{
    for (int i = p->step; p->placing && !p->full && i < p->values; i++) {
        place(p, &p->value[i]);
        for (int k = 0; k < PLAN_SOURCES; k++) read_once(p, p->value[i].from.of[k]);
    }
    p->value[p->inputs] = p->value[stream];
    p->values = p->step = p->inputs + 1;
    return p->inputs;
}
