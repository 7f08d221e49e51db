/* The guide's verdict by the guide's rules: thresholds on available memory and free disk, an "elif", a note on a slow benchmark, one
 * recommendation by kind of GPU, and a closing sentence. Thresholds and texts come from the set; only the shape of the rules is here.
 * Left out: our own verdict (judge.c). Source: the test script of the capability guide (seed 001). */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "judge/experiment.h"
#include "machine/report.h"

static enum guide_says reaches(double have, double need)
{
    if (isnan(need)) return GUIDE_NO_RULE;
    if (isnan(have)) return GUIDE_UNKNOWN;
    return have >= need ? GUIDE_YES : GUIDE_NO;
}

/* One "no" decides; else one unknown leaves it open; else any rule that passes is a yes. */
enum guide_says guide_thresholds(const struct experiment *e, const struct guide_system *s)
{
    const enum guide_says each[] = {reaches(s->ram_gb, e->guide.ram_gb),
                                    reaches(s->ram_available_gb, e->guide.ram_available_gb),
                                    reaches(s->disk_free_gb, e->guide.disk_free_gb),
                                    reaches(s->cpu_count, e->guide.cpu_cores)};
    enum guide_says all = GUIDE_NO_RULE;
    for (size_t i = 0; i < COUNT_OF(each); i++)
        if (each[i] > all) all = each[i];
    return all;
}

enum guide_says guide_verdict(const struct experiment_set *set, const struct experiment *e,
                              const struct guide_system *s)
{
    const enum guide_says own = guide_thresholds(e, s);
    const struct experiment *other = e->unless ? experiment_find(set, e->unless) : NULL;
    if (own == GUIDE_NO_RULE || own == GUIDE_NO || !other) return own;
    const enum guide_says others = guide_thresholds(other, s);
    if (others == GUIDE_YES) return GUIDE_NO;
    return others == GUIDE_UNKNOWN ? GUIDE_UNKNOWN : own;
}

const char *guide_lacks(const struct experiment *e, const struct guide_system *s)
{
    const struct {
        double have, need;
        const char *name;
    } each[] = {{s->ram_gb, e->guide.ram_gb, "ram_gb"},
                {s->ram_available_gb, e->guide.ram_available_gb, "ram_available_gb"},
                {s->disk_free_gb, e->guide.disk_free_gb, "disk_free_gb"},
                {s->cpu_count, e->guide.cpu_cores, "cpu_count"}};
    for (size_t i = 0; i < COUNT_OF(each); i++)
        if (reaches(each[i].have, each[i].need) == GUIDE_UNKNOWN) return each[i].name;
    return NULL;
}

/* The member of `capabilities` an experiment's id stands for; NULL for ids the guide does not know. */
static bool *member(struct guide_capabilities *c, const char *id)
{
    const struct {
        const char *id;
        bool *at;
    } row[] = {{"prerequisites", &c->prerequisites},
               {"e0_e1", &c->e0_e1},
               {"e2_full", &c->e2_full},
               {"e2_quantized", &c->e2_quantized}};
    for (size_t i = 0; i < COUNT_OF(row); i++)
        if (strcmp(row[i].id, id) == 0) return row[i].at;
    return NULL;
}

void guide_judge(const struct experiment_set *set, const struct guide_system *s,
                 const struct guide_benchmark *b, struct arena *a, struct guide_capabilities *out)
{
    *out = (struct guide_capabilities){.prerequisites = false};
    const char **recommend = NEW_ARRAY(a, const char *, set->experiments + 1);
    size_t n = 0;
    for (size_t i = 0; i < set->experiments; i++) {
        const struct experiment *e = &set->experiment[i];
        bool *capability = member(out, e->id);
        if (!capability) continue;
        *capability = guide_verdict(set, e, s) == GUIDE_YES;
        if (*capability && e->recommends) recommend[n++] = e->recommends;
    }
    for (size_t i = 0; s->gpu_type && i < set->gpu_recommendations; i++)
        if (strcmp(set->gpu_recommendation[i].name, s->gpu_type) == 0)
            recommend[n++] = set->gpu_recommendation[i].value;
    if (b->matrix_mult_time > set->slow_benchmark_s) out->notes = set->slow_benchmark_note;
    out->model_recommendations = recommend;
    out->model_recommendation_count = n;
}

const char *guide_closing(const struct experiment_set *set, const struct guide_capabilities *c,
                          bool *failed)
{
    struct guide_capabilities copy = *c;
    *failed = false;
    for (size_t i = 0; i < set->sentences; i++) {
        const char *when = set->sentence[i].when;
        const bool negated = strncmp(when, "not ", 4) == 0;
        const bool *capability = member(&copy, negated ? when + 4 : when);
        if (!capability || *capability == negated) continue;
        *failed = negated;
        return set->sentence[i].text;
    }
    return NULL;
}

const struct guide_row *guide_table_row(const struct experiment_set *set, const char *table,
                                        double ram_gb)
{
    for (size_t i = 0; i < set->tables; i++) {
        const struct guide_table *t = &set->table[i];
        if (!t->id || strcmp(t->id, table) != 0) continue;
        for (size_t k = 0; k < t->rows; k++)
            if (t->row[k].ram_low_gb <= ram_gb && ram_gb < t->row[k].ram_high_gb) return &t->row[k];
    }
    return NULL;
}
