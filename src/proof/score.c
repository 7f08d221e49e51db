/* How far off we are: for each class of a truth file the absolute errors in percent, and for the closed form the share of rows that lie
 * in the range printed for it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "proof/proof.h"
#include "proof/residual.h"
#include "proof/truth.h"

struct error {
    double percent;
    const char *row;
};
/* What DESIGN 1 promises of a total. */
static const double promised_median_pct = 0.1, promised_p90_pct = 0.7, promised_worst_pct = 3;

static double percent_off(double predicted, double measured)
{
    if (predicted == measured) return 0;
    return measured > 0 ? 100 * fabs(predicted - measured) / measured : 100;
}

static int by_percent(const void *a, const void *b)
{
    const struct error *x = a, *y = b;
    return (x->percent > y->percent) - (x->percent < y->percent);
}

static struct score score_of(const char *class_, struct error *e, size_t n)
{
    qsort(e, n, sizeof *e, by_percent);
    return (struct score){
        .class_ = class_,
        .rows = (double)n,
        .median_pct = (e[(n - 1) / 2].percent + e[n / 2].percent) / 2,
        .p90_pct = e[n * 9 / 10].percent,
        .worst_pct = e[n - 1].percent,
        .worst_row = e[n - 1].row,
        .coverage = (double)NAN,
        .bar_median_pct = (double)NAN,
        .bar_p90_pct = (double)NAN,
        .bar_worst_pct = (double)NAN,
    };
}

static void promise(struct score *s)
{
    s->bar_median_pct = promised_median_pct;
    s->bar_p90_pct = promised_p90_pct;
    s->bar_worst_pct = promised_worst_pct;
}

static struct score part_score(const struct truth *t, enum truth_part part, struct error *e,
                               struct arena *a)
{
    static const char *const name[PARTS] = {"total", "weights", "kv", "compute", "output"};
    for (size_t i = 0; i < t->rows; i++)
        e[i] = (struct error){percent_off(t->row[i].predicted[part], t->row[i].measured[part]),
                              t->row[i].id};
    struct score s = score_of(str_format(a, "%s.%s", t->class_, name[part]), e, t->rows);
    if (part == PART_TOTAL) promise(&s);
    return s;
}

static double coverage(const struct truth *t, const struct residual_range *r)
{
    double inside = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const double likely = t->row[i].closed_form_total;
        const double truth = t->row[i].measured[PART_TOTAL];
        inside += truth >= likely * fmin(r->low, 1) && truth <= likely * fmax(r->high, 1);
    }
    return inside / (double)t->rows;
}

static struct score closed_form_score(const struct truth *t, const struct residual_range *range,
                                      struct error *e, struct arena *a)
{
    for (size_t i = 0; i < t->rows; i++)
        e[i] = (struct error){
            percent_off(t->row[i].closed_form_total, t->row[i].measured[PART_TOTAL]), t->row[i].id};
    struct score s = score_of(str_format(a, "%s.total.closed_form", t->class_), e, t->rows);
    promise(&s);
    if (range) s.coverage = coverage(t, range);
    return s;
}

bool proof_score(struct str text, const char *name, const struct catalog *c, struct arena *a,
                 const struct score **out, size_t *count, struct mu_err *err)
{
    struct truth t;
    struct residual_range range;
    bool has_range;
    if (!truth_read(text, name, c, a, &t, err) ||
        !residual_shipped(c, CLOSED_FORM_CLASS, &range, &has_range, err))
        return false;
    struct score *s = NEW_ARRAY(a, struct score, PARTS + 1);
    struct error *e = NEW_ARRAY(a, struct error, t.rows);
    for (size_t i = 0; i < PARTS; i++) s[i] = part_score(&t, (enum truth_part)i, e, a);
    s[PARTS] = closed_form_score(&t, has_range ? &range : NULL, e, a);
    *out = s;
    *count = PARTS + 1;
    return true;
}
