/* Which extra weight buffers llama.cpp's CPU backend would use on a machine: the rules of data/buffers.json whose CPU features it has,
 * and whether it can use them for a model at all. Left out: whether the instructions really run there (a hypervisor may trap them); the engine finds that out. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "catalog/architecture.h"
#include "judge/judge.h"
#include "machine/facts.h"
#include "model/digest.h"

static bool has_feature(const struct machine *m, const char *feature)
{
    for (size_t i = 0; m->facts && i < m->facts->cpu.feature_count; i++)
        if (strcmp(m->facts->cpu.features[i], feature) == 0) return true;
    return false;
}

/* The rule with only the rows this CPU can use; NULL when none is left. */
static const struct buffer_rule *usable_rows(const struct buffer_rule *rule,
                                             const struct machine *m, struct arena *a)
{
    struct buffer_rule *out = NEW(a, struct buffer_rule);
    *out = *rule;
    out->rows = 0;
    for (size_t i = 0; i < rule->rows; i++)
        if (rule->row[i].feature && has_feature(m, rule->row[i].feature))
            out->row[out->rows++] = rule->row[i];
    return out->rows ? out : NULL;
}

void judge_buffers(const struct machine *m, const struct catalog *c, struct arena *a,
                   struct generate *g)
{
    size_t rules, n = 0;
    const struct buffer_rule *rule = catalog_buffers(c, &rules);
    for (size_t i = 0; i < EXTRA_BUFFERS; i++) g->buffer[i] = NULL;
    for (size_t i = 0; i < rules && n < EXTRA_BUFFERS; i++) {
        const struct buffer_rule *usable = usable_rows(&rule[i], m, a);
        if (usable) g->buffer[n++] = usable;
    }
}

static bool holds(const struct buffer_rule *rule, const struct weight_sum *w)
{
    for (size_t i = 0; i < rule->rows; i++)
        if (rule->row[i].type == w->type && fmod(w->rows_of, rule->rows_multiple) == 0) return true;
    return false;
}

static const char *fails(const struct weight_sum *w, const struct generate *g)
{
    for (size_t i = 0; w->use == USE_HEADS && i < EXTRA_BUFFERS && g->buffer[i]; i++)
        if (g->buffer[i]->heads_fail && holds(g->buffer[i], w)) return g->buffer[i]->heads_fail;
    return NULL;
}

const char *judge_repacking(const struct digest *m, struct generate *g)
{
    const char *why = NULL;
    if (g->repack != (double)REPACK_ON) return NULL;
    for (size_t i = 0; i < m->kinds && !why; i++)
        for (size_t k = 0; k < m->kind[i].sums && !why; k++) why = fails(&m->kind[i].sum[k], g);
    if (why) g->repack = (double)REPACK_OFF;
    return why;
}
