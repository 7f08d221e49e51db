/* Residuals of the truth classes, what kernels typically reach and what accelerators reach of what is listed, from the data that ships with the program. */
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "catalog/backend.h"
#include "catalog/catalog.h"
#include "judge/accelerator.h"
#include "judge/judge.h"
#include "judge/typical.h"
#include "judge/utilisation.h"

static const double RATIO_LEAST = 1e-3, RATIO_MOST = 1e3;

struct table {
    const struct residual *row;
    size_t rows;
};

static const struct field residual_fields[] = {
    {.name = "class", .kind = FIELD_TEXT, .offset = offsetof(struct residual, class_)},
    FIELD(FIELD_NUMBER, struct residual, low, "measured / predicted, low end"),
    FIELD(FIELD_NUMBER, struct residual, likely, "measured / predicted, median"),
    FIELD(FIELD_NUMBER, struct residual, high, "measured / predicted, high end"),
    FIELD(FIELD_NUMBER, struct residual, rows, "rows it was made of"),
};
static const struct fields residual_table =
    FIELD_TABLE(struct residual, "residual", residual_fields);
static const struct field table_fields[] = {
    FIELD_ROWS("entries", struct table, row, rows, "residuals", residual_table),
};
static const struct fields file_table = FIELD_TABLE(struct table, "residuals", table_fields);

/* A class, and three ratios in their order; wide enough for any true one, and no quotient of them overflows. */
static bool rows_checked(const struct table *t, struct mu_err *err)
{
    for (size_t i = 0; i < t->rows; i++) {
        const struct residual *r = &t->row[i];
        if (!r->class_ || !(r->low >= RATIO_LEAST && r->low <= r->likely && r->likely <= r->high &&
                            r->high <= RATIO_MOST))
            return err_set(err, MU_DATA,
                           "entries[%zu] needs a class and low <= likely <= high, each from %g to "
                           "%.0f",
                           i, RATIO_LEAST, RATIO_MOST);
    }
    return true;
}

static bool read_table(const struct catalog *c, const char *name, struct arena *a,
                       struct table *out, struct mu_err *err)
{
    *out = (struct table){NULL, 0};
    return catalog_fields(c, name, &file_table, a, out, err) &&
           (rows_checked(out, err) || err_add(err, "%s", name));
}

static bool read_rules(const struct catalog *c, struct arena *a, struct world *out,
                       struct mu_err *err)
{
    const struct backend *backend;
    size_t backends;
    if (!catalog_backends(c, &backend, &backends, err)) return false;
    struct site_rules *rules = NEW_ARRAY(a, struct site_rules, backends);
    for (size_t i = 0; i < backends; i++) rules[i] = site_rules_of(&backend[i]);
    out->rules = rules;
    out->backends = backends;
    return true;
}

bool judge_world(const struct catalog *c, struct arena *a, struct world *out, struct mu_err *err)
{
    struct table residuals;
    *out = (struct world){.residual = NULL};
    if (!read_table(c, "residuals.json", a, &residuals, err)) return false;
    out->residual = residuals.row;
    out->residuals = residuals.rows;
    out->catalog = c;
    return typical_read(c, a, out, err) && accelerator_read(c, NULL, a, out, err) &&
           utilisation_read(c, a, out, err) && read_rules(c, a, out, err);
}

const struct residual *residual_find(const struct world *w, const char *class_)
{
    for (size_t i = 0; i < w->residuals; i++)
        if (strcmp(w->residual[i].class_, class_) == 0) return &w->residual[i];
    return NULL;
}

const struct site_rules *judge_site_rules(const struct world *w, const char *backend)
{
    for (size_t i = 0; backend && i < w->backends; i++)
        if (strcmp(w->rules[i].backend, backend) == 0) return &w->rules[i];
    return NULL;
}

void judge_samples(struct world *w, const struct sample *sample, size_t samples, double threads)
{
    w->sample = sample;
    w->samples = samples;
    w->decode = calibrate_decode(sample, samples, threads);
    w->prefill = calibrate_prefill(sample, samples, threads);
    w->calibrated_threads = threads;
}
