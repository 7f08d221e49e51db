/* The guide's verdict by the guide's rules: thresholds on available memory and free disk, an "elif", a note on a slow benchmark, one
 * recommendation by kind of GPU, and a closing sentence. Thresholds and texts come from the set; only the shape of the rules is here.
 * Left out: our own verdict (judge.c). Source: the test script of the capability guide (seed 001). */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "judge/experiment.h"
#include "machine/report.h"

static bool reaches(double have, double need)
{
    return isnan(need) || have >= need;
}

static bool thresholds_pass(const struct experiment *e, const struct guide_system *s)
{
    return reaches(s->ram_gb, e->guide.ram_gb) &&
           reaches(s->ram_available_gb, e->guide.ram_available_gb) &&
           reaches(s->disk_free_gb, e->guide.disk_free_gb) &&
           reaches(s->cpu_count, e->guide.cpu_cores);
}

bool guide_passes(const struct experiment_set *set, const struct experiment *e,
                  const struct guide_system *s)
{
    const struct experiment *other = e->unless ? experiment_find(set, e->unless) : NULL;
    return thresholds_pass(e, s) && !(other && thresholds_pass(other, s));
}

const char *guide_lacks(const struct experiment_set *set, const struct guide_system *s)
{
    for (size_t i = 0; i < set->experiments; i++) {
        const struct guide_need *need = &set->experiment[i].guide;
        if (!isnan(need->ram_gb) && isnan(s->ram_gb)) return "ram_gb";
        if (!isnan(need->ram_available_gb) && isnan(s->ram_available_gb)) return "ram_available_gb";
        if (!isnan(need->disk_free_gb) && isnan(s->disk_free_gb)) return "disk_free_gb";
        if (!isnan(need->cpu_cores) && isnan(s->cpu_count)) return "cpu_count";
    }
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
        *capability = guide_passes(set, e, s);
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
