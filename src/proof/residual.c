/* The ranges of data/residuals.json: read for scoring, and made of truth rows for shipping. Left out: classes whose rows are all
 * exact, which have no range. */
#include "proof/residual.h"

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
#include "proof/speed_truth.h"
#include "proof/training_truth.h"
#include "proof/truth.h"

/* A range is the shortest that holds this share of the rows: nine in ten. */
static const double share_inside = 0.9;

bool residual_shipped(const struct catalog *c, const char *class_, struct residual_range *out,
                      bool *has, struct mu_err *err)
{
    struct json *root = NULL;
    const struct str text = catalog_file(c, "residuals.json");
    *has = false;
    if (!text.p) return true;
    if (!json_parse(text, "residuals.json", &root, err)) return false;
    const struct json *entries = json_get(root, "entries");
    for (size_t i = 0; i < json_count(entries) && !*has; i++) {
        const struct json *e = json_at(entries, i);
        struct str name;
        *has = json_text(json_get(e, "class"), &name) && str_is(name, class_) &&
               json_number(json_get(e, "low"), &out->low) &&
               json_number(json_get(e, "high"), &out->high);
    }
    json_free(root);
    return true;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Where the shortest run of `inside` rows begins; the first of several. */
static size_t shortest(const double *sorted, size_t n, size_t inside)
{
    size_t best = 0;
    for (size_t i = 1; i + inside <= n; i++)
        if (sorted[i + inside - 1] - sorted[i] < sorted[best + inside - 1] - sorted[best]) best = i;
    return best;
}

/* measured / predicted of a class, in any order. */
struct ratios {
    const char *class_, *name;
    double *ratio;
    size_t count;
};

/* Ends are rounded outwards, so that the rows at them stay inside. */
static void write_class(struct writer *w, const struct ratios *r)
{
    const double steps = 1e4;
    if (!r->count) return;
    qsort(r->ratio, r->count, sizeof *r->ratio, by_size);
    const size_t inside = (size_t)ceil(share_inside * (double)r->count);
    const size_t low = shortest(r->ratio, r->count, inside);
    writer_map(w);
    writer_put_cstr(w, "class", r->class_);
    writer_put_number(w, "low", floor(r->ratio[low] * steps) / steps);
    writer_put_number(w, "likely", r->ratio[r->count / 2]);
    writer_put_number(w, "high", ceil(r->ratio[low + inside - 1] * steps) / steps);
    writer_put_number(w, "rows", (double)r->count);
    writer_put_cstr(w, "made_of", r->name);
    writer_map_end(w);
}

/* Machines with other buffers are judged by the range of the plain ones, which has more rows. */
static bool memory_class(struct str text, const char *name, const struct catalog *c,
                         struct arena *a, struct writer *w, struct mu_err *err)
{
    struct truth t;
    if (!truth_read(text, name, c, a, &t, err)) return false;
    if (strncmp(CLOSED_FORM_CLASS, t.class_, strlen(t.class_)) != 0) return true;
    struct ratios r = {CLOSED_FORM_CLASS, name, NEW_ARRAY(a, double, t.rows), t.rows};
    for (size_t i = 0; i < t.rows; i++)
        r.ratio[i] = t.row[i].measured[PART_TOTAL] / t.row[i].closed_form_total;
    write_class(w, &r);
    return true;
}

static bool speed_classes(struct str text, const char *name, const struct catalog *c,
                          struct arena *a, struct writer *w, struct mu_err *err)
{
    struct speed_truth t;
    if (!speed_truth_read(text, name, c, a, &t, err)) return false;
    for (int decode = 1; decode >= 0; decode--) {
        struct ratios r = {str_format(a, "cpu_speed.%s%s", decode ? "decode" : "prefill",
                                      t.typical ? ".typical" : ""),
                           name, NEW_ARRAY(a, double, t.rows), 0};
        for (size_t i = 0; i < t.rows; i++)
            if (t.row[i].decode == (decode == 1) && t.row[i].predicted > 0)
                r.ratio[r.count++] = t.row[i].measured / t.row[i].predicted;
        write_class(w, &r);
    }
    return true;
}

static bool offload_classes(struct str text, const char *name, const struct catalog *c,
                            struct arena *a, struct writer *w, struct mu_err *err)
{
    static const char *const class_[SIDES] = {DEVICE_CLOSED_FORM_CLASS, HOST_CLOSED_FORM_CLASS};
    struct offload_truth t;
    if (!offload_truth_read(text, name, c, a, &t, err)) return false;
    for (size_t side = 0; side < SIDES && strcmp(t.class_, "memory_offload") == 0; side++) {
        struct ratios r = {class_[side], name, NEW_ARRAY(a, double, t.rows), t.rows};
        for (size_t i = 0; i < t.rows; i++)
            r.ratio[i] = t.row[i].measured[side] / t.row[i].closed_form[side];
        write_class(w, &r);
    }
    return true;
}

static bool training_classes(struct str text, const char *name, const struct catalog *c,
                             struct arena *a, struct writer *w, struct mu_err *err)
{
    static const enum training_class ranged[] = {TRAINING_PEAK, TRAINING_SAVED};
    struct training_truth t;
    if (!training_truth_read(text, name, c, a, &t, err)) return false;
    for (size_t k = 0; k < COUNT_OF(ranged); k++) {
        struct ratios r = {training_class_name(ranged[k]), name, NEW_ARRAY(a, double, t.rows), 0};
        for (size_t i = 0; i < t.rows; i++)
            if (t.row[i].class_ == ranged[k] && t.row[i].predicted > 0)
                r.ratio[r.count++] = t.row[i].measured / t.row[i].predicted;
        write_class(w, &r);
    }
    return true;
}

static bool classes_of(struct str text, const char *name, const struct catalog *c, struct arena *a,
                       struct writer *w, struct mu_err *err)
{
    if (speed_truth_is(text)) return speed_classes(text, name, c, a, w, err);
    if (training_truth_is(text)) return training_classes(text, name, c, a, w, err);
    if (offload_truth_is(text)) return offload_classes(text, name, c, a, w, err);
    return memory_class(text, name, c, a, w, err);
}

const char *const proof_truths[] = {
    "truth/memory_cpu.json",   "truth/memory_amx.json", "truth/memory_offload.json",
    "truth/memory_split.json", "truth/cpu_speed.json",  "truth/cpu_speed_measured.json",
    "truth/gpu_speed.json",    "truth/training.json",   NULL};

bool proof_residuals(const struct catalog *c, struct arena *a, struct buf *out, struct mu_err *err)
{
    struct writer w = writer_of(out, false);
    writer_map(&w);
    writer_put_number(&w, "schema_version", 1);
    writer_put_cstr(&w, "about",
                    "measured / predicted on truth rows: the median, and the shortest range that "
                    "holds nine in ten; classes that are exact are not listed");
    writer_put_cstr(&w, "source", "made by selftest's own code (proof_residuals); a test compares");
    writer_key(&w, "entries");
    writer_list(&w);
    for (size_t i = 0; proof_truths[i]; i++) {
        const struct str text = catalog_file(c, proof_truths[i]);
        if (accelerator_truth_is(text)) continue; /* its ranges stand with what was fitted */
        if (!classes_of(text, proof_truths[i], c, a, &w, err)) return false;
    }
    writer_list_end(&w);
    writer_map_end(&w);
    return true;
}
