/* Where the nodes of a step are computed, and what is copied between sites for them, as ggml's scheduler decides (ggml v0.5.0 of
 * llama.cpp, ggml/src/ggml-backend.cpp, its five passes). A node that reads weights is computed where they lie, what is written into a
 * cache where that lies. Of the others, those behind a device's node follow it, then those in front of one, and the rest stay on the
 * host; views lie where their value lies. What a stretch of nodes at one site reads from another is copied once for the whole graph,
 * before the stretch that reads it first. Left out: operations that a device does not have. */
#include <string.h>

#include "base/num.h"
#include "cost/plan.h"

static bool is_node(const struct value *v)
{
    return v->kind != VALUE_VIEW && v->kind != VALUE_OUTSIDE;
}

static void follow_device(struct plan *p)
{
    for (int i = p->step; i < p->values; i++) {
        struct value *v = &p->value[i];
        if (!is_node(v)) continue;
        if (v->site != PLAN_ANYWHERE)
            p->previous = (int)v->site;
        else if (p->previous > ON_HOST)
            v->site = (int8_t)p->previous;
    }
}

static void precede_device(struct plan *p, int next_site)
{
    for (int i = p->values - 1; i >= p->step; i--) {
        struct value *v = &p->value[i];
        if (!is_node(v)) continue;
        if (v->site == PLAN_ANYWHERE) v->site = (int8_t)(next_site > ON_HOST ? next_site : ON_HOST);
        next_site = (int)v->site;
    }
}

static void views_follow(struct plan *p)
{
    for (int i = p->step; i < p->values; i++) {
        struct value *v = &p->value[i];
        if (v->kind == VALUE_VIEW) v->site = v->root ? p->value[v->root].site : ON_HOST;
    }
}

/* The copy that there is of a value at a site, 0 none. */
static int copy_at(const struct plan *p, int of, int site, int end)
{
    if (of < p->inputs) {
        for (int i = PLAN_VALUES - p->input_copies; i < PLAN_VALUES; i++)
            if (p->value[i].copy_of == of && p->value[i].site == site) return i;
        return 0;
    }
    for (int i = p->values; i < end; i++)
        if (p->value[i].copy_of == of && p->value[i].site == site) return i;
    return 0;
}

static int add_copy(struct plan *p, int of, int site, int *end)
{
    if (*end + p->input_copies >= PLAN_VALUES) {
        p->full = true;
        return 0;
    }
    const bool input = of < p->inputs;
    const int i = input ? PLAN_VALUES - ++p->input_copies : (*end)++;
    const struct value *original = &p->value[of];
    p->value[i] = (struct value){.bytes = original->bytes,
                                 .kind = VALUE_NEW,
                                 .site = (int8_t)site,
                                 .stretch = p->stretch,
                                 .copy_of = of,
                                 .kept = p->copies > 1};
    if (original->kind != VALUE_VIEW) p->value[i].extent = original->extent;
    struct room *room = &p->room[site];
    if (p->copies > 1 && !p->placing)
        room->kept_bytes += p->copies * pad_to(original->bytes, room->alignment_bytes);
    if (input) p->value[of].reads++;
    return i;
}

/* A stretch reads this copy, and is the first to. */
static void fetch(struct plan *p, int copy)
{
    p->full = p->full || p->fetches == PLAN_FETCHES;
    if (!p->full) p->fetch[p->fetches++] = copy;
    p->stretch_copies++;
}

/* What a node reads in place of a value from elsewhere; counts those that its stretch is the first to read. */
static int copied(struct plan *p, int of, int site, int *end)
{
    int i = copy_at(p, of, site, *end);
    if (!i) {
        i = add_copy(p, of, site, end);
        fetch(p, i);
        return i;
    }
    if (p->placing && of < p->inputs && p->value[i].stretch == p->stretch && !p->value[i].met) {
        p->value[i].met = true;
        fetch(p, i);
    }
    return i;
}

/* Weights that are copied begin a stretch of their own, so that those before them can be freed. */
static bool begins_stretch(const struct plan *p, const struct value *v)
{
    if (v->site != p->here) return true;
    for (int k = 0; k < PLAN_SOURCES && p->stretch_copies > 0; k++) {
        const struct value *s = &p->value[v->from.of[k]];
        if (s->kind == VALUE_OUTSIDE && s->weights && s->site != v->site) return true;
    }
    return false;
}

int plan_cross(struct plan *p, int next_site)
{
    int end = p->values;
    follow_device(p);
    precede_device(p, next_site);
    views_follow(p);
    for (int i = p->step; i < p->values && !p->full; i++) {
        struct value *v = &p->value[i];
        if (!is_node(v)) continue;
        if (begins_stretch(p, v)) {
            p->here = (int)v->site;
            p->stretch++;
            p->stretch_copies = 0;
        }
        v->stretch = p->stretch;
        for (int k = 0; k < PLAN_SOURCES; k++) {
            const int of = v->from.of[k];
            if (of && p->value[of].site != v->site) v->from.of[k] = copied(p, of, v->site, &end);
        }
    }
    return end;
}
