/* What was judged as the report keeps it: rows of verdicts, figures and hardware of all sets, and the guide's own members where one of
 * the sets has its rules. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "verb/judged_set.h"

static struct verdict_row verdict_of(const struct judged_set *s, const struct judged *j,
                                     struct arena *a)
{
    const bool computed = j->asked && !j->verdict.bill.unruled;
    return (struct verdict_row){.id = j->experiment->id,
                                .title = j->experiment->title,
                                .guide = j->guide == GUIDE_YES  ? "yes"
                                         : j->guide == GUIDE_NO ? "no"
                                                                : NULL,
                                .computed = fits_word(judged_fits(j)),
                                .why = j->why,
                                .needed_bytes = computed ? verdict_needs(&j->verdict) : (double)NAN,
                                .set = s->set->name,
                                .command = judged_command(j, a)};
}

static double number(double x)
{
    return isfinite(x) ? x : (double)NAN;
}

static struct figure_row figure_of(const struct judged_set *s, const struct judged_figure *f)
{
    const struct guide_figure *g = f->figure;
    const bool is_number = g->kind != FIGURE_OTHER && figure_dimension(g->kind) != FIGURE_YES;
    const double yes = g->kind == FIGURE_OTHER || is_number ? (double)NAN : g->yes;
    return (struct figure_row){.experiment = f->experiment->id,
                               .set = s->set->name,
                               .what = figure_name(g->kind),
                               .label = g->instance ? g->instance : g->label,
                               .level = f->level,
                               .on = f->on,
                               .source = g->source,
                               .said = g->text,
                               .low = is_number ? number(g->low) : yes,
                               .high = is_number ? number(g->high) : yes,
                               .ours = f->ours,
                               .verdict = figure_worth_word(f->worth),
                               .why = f->why};
}

bool judged_has_capabilities(const struct judged_set *s)
{
    return s->set->sentences > 0;
}

void judged_report(const struct judged_set *set, size_t sets, struct arena *a, struct report *r)
{
    size_t verdicts = 0, figures = 0, requirements = 0;
    for (size_t i = 0; i < sets; i++) {
        verdicts += set[i].rows;
        figures += set[i].figures;
        requirements += set[i].hardwares;
    }
    struct verdict_row *verdict = NEW_ARRAY(a, struct verdict_row, verdicts);
    struct figure_row *figure = NEW_ARRAY(a, struct figure_row, figures);
    struct requirement_row *requirement = NEW_ARRAY(a, struct requirement_row, requirements);
    for (size_t i = 0; i < sets; i++) {
        const struct judged_set *s = &set[i];
        for (size_t k = 0; k < s->rows; k++) verdict[r->verdicts++] = verdict_of(s, &s->row[k], a);
        for (size_t k = 0; k < s->figures; k++) figure[r->figures++] = figure_of(s, &s->figure[k]);
        for (size_t k = 0; k < s->hardwares; k++) requirement[r->requirements++] = s->hardware[k];
        if (!judged_has_capabilities(s)) continue;
        r->capabilities = s->capabilities;
        r->capable = 1;
    }
    r->verdict = verdict;
    r->figure = figure;
    r->requirement = requirement;
}
