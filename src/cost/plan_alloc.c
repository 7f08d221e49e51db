/* Places values in buffers as ggml's graph allocator does (ggml v0.5.0 of llama.cpp, ggml/src/ggml-alloc.c): inputs first, then
 * node by node. A node may take over the memory of a source that has the same extent and no other reader; else it gets the smallest
 * gap that holds it, among equals the last, or the open end of the buffer. What has been read for the last time becomes a gap again.
 * The peak of the open end is the size of the buffer. Left out: views made in place, which ggml never does, and backends
 * that cut a buffer into pieces. */
#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "cost/plan.h"

static const double open_end_bytes = 0x1p62;
/* Larger values than this no machine holds; up to it every address of a plan is exact in a double. */
static const double value_bytes_most = 0x1p48;

/* ---- gaps, sorted by address; the last is the open end */

static int best_gap(const struct room *r, double bytes)
{
    int best = r->gaps - 1;
    double best_bytes = open_end_bytes;
    for (int i = 0; i < r->gaps - 1; i++) {
        if (r->gap[i].bytes < bytes || r->gap[i].bytes > best_bytes) continue;
        best = i;
        best_bytes = r->gap[i].bytes;
    }
    return best;
}

static void remove_gap(struct room *r, int i)
{
    r->gaps--;
    memmove(&r->gap[i], &r->gap[i + 1], (size_t)(r->gaps - i) * sizeof *r->gap);
}

static double take(struct room *r, double bytes)
{
    const double size = pad_to(bytes, r->alignment_bytes);
    const int i = best_gap(r, size);
    const double at = r->gap[i].at;
    r->gap[i].at += size;
    r->gap[i].bytes -= size;
    if (i < r->gaps - 1 && !(r->gap[i].bytes > 0)) remove_gap(r, i);
    r->peak_bytes = most(r->peak_bytes, at + size);
    return at;
}

static void give_back(struct room *r, double at, double bytes)
{
    const double size = pad_to(bytes, r->alignment_bytes);
    int i = 0;
    while (r->gap[i].at < at) i++; /* the first gap behind; the open end always is */
    const bool joins_next = at + size == r->gap[i].at;
    const bool joins_last = i > 0 && r->gap[i - 1].at + r->gap[i - 1].bytes == at;
    if (joins_next) {
        r->gap[i].at = at;
        r->gap[i].bytes += size;
        if (!joins_last) return;
        r->gap[i].at = r->gap[i - 1].at;
        r->gap[i].bytes += r->gap[i - 1].bytes;
        remove_gap(r, i - 1);
    } else if (joins_last) {
        r->gap[i - 1].bytes += size;
    } else {
        assert(r->gaps < PLAN_GAPS); /* there are never more gaps than values */
        memmove(&r->gap[i + 1], &r->gap[i], (size_t)(r->gaps - i) * sizeof *r->gap);
        r->gap[i] = (struct gap){at, size};
        r->gaps++;
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
    v->at = old ? p->value[old].at : take(&p->room[v->site], v->bytes);
    v->placed = true;
    if (old) p->value[old].placed = false;
}

static void let_go(struct plan *p, struct value *v)
{
    if (!v->placed || v->kept) return;
    v->placed = false;
    give_back(&p->room[v->site], v->at, v->bytes);
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

static void open_room(struct room *r, double alignment_bytes)
{
    r->gap[0] = (struct gap){0, open_end_bytes};
    r->gaps = 1;
    r->alignment_bytes = alignment_bytes;
    r->peak_bytes = r->kept_bytes = 0;
}

static void begin_walk(struct plan *p)
{
    p->values = p->step = p->inputs;
    p->here = p->previous = PLAN_ANYWHERE;
    p->stretch = p->stretch_copies = p->made = 0;
}

void plan_start(struct plan *p, double alignment_bytes)
{
    p->inputs = 1;
    p->value[0] = (struct value){.kind = VALUE_STORE};
    p->sites = 0;
    p->copies = 1;
    p->input_copies = 0;
    p->placing = p->full = false;
    plan_add_site(p, alignment_bytes);
    begin_walk(p);
}

void plan_add_site(struct plan *p, double alignment_bytes)
{
    assert(p->sites < SITES && p->inputs == 1);
    open_room(&p->room[p->sites++], alignment_bytes);
}

static int append(struct plan *p, const struct value *v)
{
    const bool possible = !has_memory(v) || (v->bytes > 0 && v->bytes <= value_bytes_most);
    p->full = p->full || p->values + p->input_copies >= PLAN_VALUES || !possible;
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

int plan_input_like(struct plan *p, struct extent e)
{
    const int input = plan_input(p, e.element_bytes * e.n[0] * e.n[1] * e.n[2] * e.n[3]);
    if (input) p->value[input].extent = e;
    return input;
}

/* With several copies of what crosses sites, none of them is ever freed, and inputs are there as often too. */
static void keep_copies(struct plan *p)
{
    struct room *host = &p->room[ON_HOST];
    for (int i = 1; i < p->inputs; i++) {
        if (!p->value[i].reads) continue;
        p->value[i].kept = true;
        host->kept_bytes += (p->copies - 1) * pad_to(p->value[i].bytes, host->alignment_bytes);
    }
    for (int site = 0; site < p->sites; site++) {
        struct room *r = &p->room[site];
        if (r->kept_bytes > 0) take(r, r->kept_bytes);
    }
}

void plan_place(struct plan *p)
{
    p->placing = true;
    begin_walk(p);
    if (p->copies > 1) keep_copies(p);
    for (int i = 1; i < p->inputs; i++) place(p, &p->value[i]);
}

int plan_value(struct plan *p, enum value_kind kind, struct extent e, struct from from)
{
    struct value v = {.extent = e, .from = from, .kind = (uint8_t)kind};
    v.site = p->sites > 1 ? PLAN_ANYWHERE : ON_HOST;
    v.bytes = e.element_bytes * e.n[0] * e.n[1] * e.n[2] * e.n[3];
    return append(p, &v);
}

int plan_part(struct plan *p, int of, double bytes)
{
    struct value v = {.from = FROM(of), .bytes = bytes, .kind = VALUE_VIEW};
    v.root = p->value[of].root ? p->value[of].root : of;
    return append(p, &v);
}

int plan_view(struct plan *p, int of)
{
    return plan_part(p, of, p->value[of].bytes);
}

int plan_outside(struct plan *p, int site, double bytes, bool weights)
{
    return append(
        p, &(struct value){
               .bytes = bytes, .kind = VALUE_OUTSIDE, .site = (int8_t)site, .weights = weights});
}

int plan_store(struct plan *p, struct from from)
{
    return plan_value(p, VALUE_STORE, (struct extent){0}, from);
}

void plan_pin(struct plan *p, int value, int site)
{
    p->value[value].site = (int8_t)site;
}

void plan_widen(struct plan *p, int value, double bytes)
{
    p->value[value].bytes += bytes;
}

void plan_keep(struct plan *p, int value)
{
    p->value[value].kept = true;
}

/* ---- steps */

/* Inputs and their copies are counted on the first walk, all others on the second. */
static void count_read(struct plan *p, int source)
{
    const bool lasts = source < p->inputs || source >= PLAN_VALUES - p->input_copies;
    if (lasts != p->placing) p->value[source].reads++;
}

static void count(struct plan *p, int end)
{
    for (int i = p->step; i < p->values; i++) {
        const struct value *v = &p->value[i];
        for (int k = 0; k < PLAN_SOURCES; k++) count_read(p, v->from.of[k]);
        if (v->kind == VALUE_VIEW && (v->root < p->inputs) != p->placing) p->value[v->root].views++;
    }
    for (int i = p->values; i < end; i++) count_read(p, p->value[i].copy_of);
}

/* What is read to be copied is read once; copies that are kept have their place already. */
static void make_copy(struct plan *p, struct value *copy)
{
    if (copy->made) return;
    copy->made = true;
    read_once(p, copy->copy_of);
    if (copy->kept)
        copy->placed = true;
    else
        place(p, copy);
}

/* Copies for a stretch in the order in which it reads them; then those of inputs that only a later step of it reads. */
static void make_copies(struct plan *p, int stretch)
{
    for (int i = 0; i < p->fetches; i++)
        if (p->value[p->fetch[i]].stretch == stretch) make_copy(p, &p->value[p->fetch[i]]);
    for (int i = PLAN_VALUES - 1; i >= PLAN_VALUES - p->input_copies; i--)
        if (p->value[i].stretch == stretch) make_copy(p, &p->value[i]);
    p->made = stretch;
}

int plan_step(struct plan *p, int stream, int next_site)
{
    p->fetches = 0;
    const int end = p->sites > 1 && !p->full ? plan_cross(p, next_site) : p->values;
    count(p, end);
    for (int i = p->step; p->placing && !p->full && i < p->values; i++) {
        if (p->value[i].stretch > p->made) make_copies(p, p->value[i].stretch);
        place(p, &p->value[i]);
        for (int k = 0; k < PLAN_SOURCES; k++) read_once(p, p->value[i].from.of[k]);
    }
    p->value[p->inputs] = p->value[stream];
    p->values = p->step = p->inputs + 1;
    return p->inputs;
}
