/* Reads a truth file (schema of data/truth/memory_cpu.json) and asks the very code that answers users for each of its rows: first by
 * the exact plan, then by the closed form. Left out: rows of another kind (speed, training), which have no prediction yet. */
#include "proof/truth.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cost/cost.h"
#include "proof/hparams.h"
#include "proof/subjects.h"

/* What is not computed is 0 bytes, and so scored as wholly wrong. */
static void predict(struct truth_reading *r, const struct truth_subject *s, struct generate *g,
                    struct truth_row *out)
{
    static const char *const group[PARTS] = {NULL, "weights", "kv", "compute", "output"};
    const struct task task = {cost_workload(S("generate")), &s->digest, g};
    cost_bill(&task, &split_host, r->bill);
    for (size_t i = PART_WEIGHTS; i < PARTS; i++) out->predicted[i] = bill_group(r->bill, group[i]);
    out->predicted[PART_TOTAL] = bill_held(r->bill, ON_HOST);
    g->closed_form = true;
    cost_bill(&task, &split_host, r->bill);
    out->closed_form_total = bill_held(r->bill, ON_HOST);
}

static bool measured(const struct json *truth, double out[PARTS], struct mu_err *err)
{
    static const char *const key[PARTS] = {"total_bytes", "model_bytes", "kv_bytes",
                                           "compute_bytes", "output_bytes"};
    for (size_t i = 0; i < PARTS; i++)
        if (!json_number(json_get(truth, key[i]), &out[i]))
            return err_set(err, MU_DATA, "truth has no number \"%s\"", key[i]);
    return true;
}

static bool read_row(struct truth_reading *r, const struct json *row, void *to, struct mu_err *err)
{
    struct truth_row *out = to;
    const char *quant = truth_text(row, "quant", r->arena);
    struct generate g;
    out->id = truth_text(row, "id", r->arena);
    out->model = truth_text(row, "model", r->arena);
    if (!out->id || !out->model || !quant)
        return err_set(err, MU_DATA, "id, model and quant are needed");
    const struct truth_subject *s = truth_subject(&r->subjects, out->model, quant, err);
    if (!s) return false;
    if (!hparams_generate(json_get(row, "config"), r->class_, r->catalog, r->arena, &g, err) ||
        !measured(json_get(row, "truth"), out->measured, err))
        return false;
    predict(r, s, &g, out);
    return arena_within(r->arena, err);
}

bool truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                struct truth *out, struct mu_err *err)
{
    static const struct truth_rows_kind kind = {sizeof(struct truth_row), read_row};
    struct truth_reading r = {.catalog = c, .arena = a};
    const void *row;
    size_t rows;
    if (!truth_rows_read(text, name, &kind, &r, &row, &rows, err)) return false;
    *out = (struct truth){.class_ = r.class_, .row = row, .rows = rows};
    return true;
}
