/* The ranges of data/residuals.json: read for scoring, and made of truth rows for shipping. A class whose rows are all exact has no
 * range and is not listed. */
#include "proof/residual.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "proof/proof.h"
#include "proof/truth.h"

static const double low_share = 0.05, high_share = 0.95;

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

static double quantile(const double *sorted, size_t n, double share)
{
    return sorted[(size_t)(share * (double)(n - 1) + 0.5)];
}

static void write_class(struct writer *w, const struct truth *t, const char *name, double *ratio)
{
    for (size_t i = 0; i < t->rows; i++)
        ratio[i] = t->row[i].measured[PART_TOTAL] / t->row[i].closed_form_total;
    qsort(ratio, t->rows, sizeof *ratio, by_size);
    writer_map(w);
    writer_put_cstr(w, "class", CLOSED_FORM_CLASS);
    writer_put_number(w, "low", quantile(ratio, t->rows, low_share));
    writer_put_number(w, "likely", quantile(ratio, t->rows, 0.5));
    writer_put_number(w, "high", quantile(ratio, t->rows, high_share));
    writer_put_number(w, "rows", (double)t->rows);
    writer_put_cstr(w, "made_of", name);
    writer_map_end(w);
}

bool proof_residuals(struct str text, const char *name, const struct catalog *c, struct arena *a,
                     struct buf *out, struct mu_err *err)
{
    struct truth t;
    if (!truth_read(text, name, c, a, &t, err)) return false;
    struct writer w = writer_of(out, false);
    writer_map(&w);
    writer_put_number(&w, "schema_version", 1);
    writer_put_cstr(&w, "about",
                    "measured / predicted on truth rows: 5th percentile, median and 95th "
                    "percentile; classes that are exact are not listed");
    writer_put_cstr(&w, "source", "selftest");
    writer_key(&w, "entries");
    writer_list(&w);
    write_class(&w, &t, name, NEW_ARRAY(a, double, t.rows));
    writer_list_end(&w);
    writer_map_end(&w);
    return true;
}
