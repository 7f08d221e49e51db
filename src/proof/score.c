/* How far off we are: for each class of a truth file the absolute errors in percent, and for the closed form the share of rows that lie
 * in the range printed for it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "proof/accelerator_truth.h"
#include "proof/offload_truth.h"
#include "proof/proof.h"
#include "proof/residual.h"
#include "proof/speed_truth.h"
#include "proof/training_truth.h"
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
        .p80_pct = e[n * 4 / 5].percent,
        .p90_pct = e[n * 9 / 10].percent,
        .worst_pct = e[n - 1].percent,
        .worst_row = e[n - 1].row,
        .coverage = (double)NAN,
        .bar_median_pct = (double)NAN,
        .bar_p80_pct = (double)NAN,
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

/* What DESIGN 1 promises of speed on a measured machine. */
static const double decode_median_pct = 5, decode_p90_pct = 12;
static const double prefill_median_pct = 8, prefill_p90_pct = 20;

/* Decode or prefill; false when the file has no such row. */
static bool speed_score(const struct speed_truth *t, bool decode, struct error *e, struct arena *a,
                        struct score *out)
{
    size_t n = 0;
    double inside = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const struct speed_row *r = &t->row[i];
        if (r->decode != decode) continue;
        const bool priced = r->predicted > 0;
        e[n++] = (struct error){priced ? percent_off(r->predicted, r->measured) : 100, r->id};
        inside += priced && r->measured >= r->low && r->measured <= r->high;
    }
    if (!n) return false;
    *out = score_of(str_format(a, "%s.%s", t->class_, decode ? "decode" : "prefill"), e, n);
    out->coverage = inside / (double)n;
    if (t->typical)
        return true; /* nothing is promised of a machine whose kernels nobody measured */
    out->bar_median_pct = decode ? decode_median_pct : prefill_median_pct;
    out->bar_p90_pct = decode ? decode_p90_pct : prefill_p90_pct;
    return true;
}

static bool speed_scores(struct str text, const char *name, const struct catalog *c,
                         struct arena *a, const struct score **out, size_t *count,
                         struct mu_err *err)
{
    struct speed_truth t;
    if (!speed_truth_read(text, name, c, a, &t, err)) return false;
    struct score *s = NEW_ARRAY(a, struct score, 2);
    struct error *e = NEW_ARRAY(a, struct error, t.rows);
    *count = speed_score(&t, true, e, a, &s[0]);
    *count += speed_score(&t, false, e, a, &s[*count]);
    *out = s;
    return true;
}

/* What is aimed at on a split between host and devices: full and half offload, and a cache on the host. */
static const double split_median_pct = 1, split_worst_pct = 8;

static double predicted_of(const struct offload_row *r, enum offload_side side, bool closed_form)
{
    return closed_form ? r->closed_form[side] : r->predicted[side];
}

static struct score side_score(const struct offload_truth *t, enum offload_side side,
                               bool closed_form, struct error *e, struct arena *a)
{
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const struct offload_row *r = &t->row[i];
        e[n++] = (struct error){percent_off(predicted_of(r, side, closed_form), r->measured[side]),
                                r->id};
    }
    struct score s =
        score_of(str_format(a, "%s.%s%s", t->class_, side == SIDE_HOST ? "host" : "device",
                            closed_form ? ".closed_form" : ""),
                 e, n);
    if (!closed_form) {
        s.bar_median_pct = split_median_pct;
        s.bar_worst_pct = split_worst_pct;
    }
    return s;
}

static double side_coverage(const struct offload_truth *t, enum offload_side side,
                            const struct residual_range *r)
{
    double inside = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const double likely = t->row[i].closed_form[side], truth = t->row[i].measured[side];
        inside += truth >= likely * fmin(r->low, 1) && truth <= likely * fmax(r->high, 1);
    }
    return inside / (double)t->rows;
}

static bool offload_scores(struct str text, const char *name, const struct catalog *c,
                           struct arena *a, const struct score **out, size_t *count,
                           struct mu_err *err)
{
    static const char *const class_[SIDES] = {DEVICE_CLOSED_FORM_CLASS, HOST_CLOSED_FORM_CLASS};
    struct offload_truth t;
    if (!offload_truth_read(text, name, c, a, &t, err)) return false;
    const size_t scores = (size_t)SIDES * 2; /* of the plan, then of the closed form */
    struct score *s = NEW_ARRAY(a, struct score, scores);
    struct error *e = NEW_ARRAY(a, struct error, t.rows);
    for (size_t i = 0; i < scores; i++) {
        const enum offload_side side = (enum offload_side)(i % SIDES);
        struct residual_range range;
        bool has_range = false;
        s[i] = side_score(&t, side, i >= SIDES, e, a);
        if (i < SIDES) continue;
        if (!residual_shipped(c, class_[side], &range, &has_range, err)) return false;
        if (has_range) s[i].coverage = side_coverage(&t, side, &range);
    }
    *out = s;
    *count = scores;
    return true;
}

/* What is promised of accelerators that nobody measured. */
static const double published_decode_median_pct = 10, published_p80_pct = 25;

/* One class of published speeds; false when the file has no such row. */
static bool published_score(const struct accelerator_truth *t, enum published as, struct error *e,
                            struct score *out)
{
    size_t n = 0;
    double inside = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const struct published_row *r = &t->row[i];
        if (r->as != as) continue;
        const bool priced = r->predicted > 0;
        e[n++] = (struct error){priced ? percent_off(r->predicted, r->measured) : 100, r->id};
        inside += priced && r->measured >= r->low && r->measured <= r->high;
    }
    if (!n) return false;
    *out = score_of(published_class(as), e, n);
    out->coverage = inside / (double)n;
    if (as != PUBLISHED_DECODE && as != PUBLISHED_MOE_DECODE) return true;
    out->bar_median_pct = published_decode_median_pct;
    out->bar_p80_pct = published_p80_pct;
    return true;
}

static bool published_scores(struct str text, const char *name, const struct catalog *c,
                             struct arena *a, const struct score **out, size_t *count,
                             struct mu_err *err)
{
    struct accelerator_truth t;
    if (!accelerator_truth_read(text, name, c, a, NULL, &t, err)) return false;
    struct score *s = NEW_ARRAY(a, struct score, PUBLISHED_COUNT);
    struct error *e = NEW_ARRAY(a, struct error, t.rows);
    *count = 0;
    for (int i = 0; i < PUBLISHED_COUNT; i++)
        *count += published_score(&t, (enum published)i, e, &s[*count]);
    *out = s;
    return true;
}

/* What is aimed at in training: a published peak whose framework is known, and tensors saved for the backward pass. */
static const double peak_median_pct = 5, peak_p90_pct = 13, saved_median_pct = 1.5;

/* One class of training; false when the file has no such row. */
static bool training_score(const struct training_truth *t, enum training_class class_,
                           const struct residual_range *range, struct error *e, struct score *out)
{
    size_t n = 0;
    double inside = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const struct training_row *r = &t->row[i];
        if (r->class_ != class_) continue;
        e[n++] = (struct error){percent_off(r->predicted, r->measured), r->id};
        if (class_ == TRAINING_STEP || class_ == TRAINING_STEP_CPU)
            inside += r->measured >= r->low && r->measured <= r->high;
        else
            inside += range && r->measured >= r->predicted * fmin(range->low, 1) &&
                      r->measured <= r->predicted * fmax(range->high, 1);
    }
    if (!n) return false;
    *out = score_of(training_class_name(class_), e, n);
    if (range || class_ == TRAINING_STEP || class_ == TRAINING_STEP_CPU)
        out->coverage = inside / (double)n;
    if (class_ == TRAINING_PEAK) {
        out->bar_median_pct = peak_median_pct;
        out->bar_p90_pct = peak_p90_pct;
    }
    if (class_ == TRAINING_SAVED) out->bar_median_pct = saved_median_pct;
    return true;
}

static bool training_scores(struct str text, const char *name, const struct catalog *c,
                            struct arena *a, const struct score **out, size_t *count,
                            struct mu_err *err)
{
    struct training_truth t;
    if (!training_truth_read(text, name, c, a, &t, err)) return false;
    struct score *s = NEW_ARRAY(a, struct score, TRAINING_CLASSES);
    struct error *e = NEW_ARRAY(a, struct error, t.rows);
    *count = 0;
    for (int i = 0; i < TRAINING_CLASSES; i++) {
        const enum training_class class_ = (enum training_class)i;
        struct residual_range range;
        bool has_range = false;
        if (!residual_shipped(c, training_class_name(class_), &range, &has_range, err))
            return false;
        *count += training_score(&t, class_, has_range ? &range : NULL, e, &s[*count]);
    }
    *out = s;
    return true;
}

bool proof_score(struct str text, const char *name, const struct catalog *c, struct arena *a,
                 const struct score **out, size_t *count, struct mu_err *err)
{
    struct truth t;
    struct residual_range range;
    bool has_range;
    if (speed_truth_is(text)) return speed_scores(text, name, c, a, out, count, err);
    if (training_truth_is(text)) return training_scores(text, name, c, a, out, count, err);
    if (offload_truth_is(text)) return offload_scores(text, name, c, a, out, count, err);
    if (accelerator_truth_is(text)) return published_scores(text, name, c, a, out, count, err);
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
