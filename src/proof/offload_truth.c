/* Reads a truth file of splits and asks the very code that answers users for each of its rows. A row's config says how many layers are
 * on devices (n_gpu_layers, the output counts as one), whether the cache is (offload_kqv), how many devices share them alike (devices,
 * usual 1) and the experts of how many layers stay on the host (n_cpu_moe, usual 0). The devices are RPC servers with a CPU behind them. */
#include "proof/offload_truth.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/backend.h"
#include "cost/cost.h"
#include "proof/hparams.h"
#include "proof/subjects.h"

static const char *const offload_classes[] = {"memory_offload", "memory_split"};

struct reading {
    struct truth_reading common; /* first: rows are handed this */
    struct site_rules rpc;
};

bool offload_truth_is(struct str text)
{
    return truth_is_of(text, offload_classes, COUNT_OF(offload_classes));
}

static double number(const struct json *map, const char *key, double otherwise)
{
    double x;
    return json_number(json_get(map, key), &x) && x >= 0 ? x : otherwise;
}

/* llama.cpp v0.5.0 src/llama-model.cpp: a layer goes to the first device whose share ends behind it, in single precision. */
static int device_of(double layer, double layers, int devices)
{
    const float at = (float)layer / (float)layers;
    int device = 1;
    while (device < devices && !((float)device / (float)devices > at)) device++;
    return device;
}

static void split_of(const struct reading *r, const struct json *config, double layers,
                     struct split *out)
{
    bool cache;
    if (!json_bool(json_get(config, "offload_kqv"), &cache)) cache = true;
    const double all = layers + 1, on_devices = least(number(config, "n_gpu_layers", 0), all);
    const int devices = (int)least(most(number(config, "devices", 1), 1), SITES - 1);
    *out = (struct split){
        .sites = 1 + devices, .host_cache = !cache, .host_experts = number(config, "n_cpu_moe", 0)};
    out->layers[ON_HOST] = all - on_devices;
    for (int i = 0; i < (int)on_devices; i++) out->layers[device_of(i, on_devices, devices)]++;
    for (int site = 1; site < out->sites; site++) {
        out->first_layer[site] = out->first_layer[site - 1] + out->layers[site - 1];
        out->rules[site] = &r->rpc;
    }
}

/* What is not computed is 0 bytes, and so scored as wholly wrong. */
static void held(const struct reading *r, const struct split *s, double out[SIDES])
{
    out[SIDE_HOST] = bill_held(r->common.bill, ON_HOST);
    out[SIDE_DEVICE] = 0;
    for (int site = 1; site < s->sites; site++)
        out[SIDE_DEVICE] += bill_held(r->common.bill, (unsigned)site);
}

static void predict(const struct reading *r, const struct truth_subject *s, struct generate *g,
                    const struct split *split, struct offload_row *out)
{
    const struct task task = {cost_workload(S("generate")), &s->digest, g};
    cost_bill(&task, split, r->common.bill);
    held(r, split, out->predicted);
    g->closed_form = true;
    cost_bill(&task, split, r->common.bill);
    held(r, split, out->closed_form);
}

static bool measured(const struct json *truth, int devices, double out[SIDES], struct mu_err *err)
{
    static const char *const side[] = {"host",    "device",  "device2", "device3", "device4",
                                       "device5", "device6", "device7", "device8", "device9"};
    static const char *const part[] = {"model", "context", "compute"};
    double output = 0;
    out[SIDE_DEVICE] = out[SIDE_HOST] = 0;
    for (int i = 0; i <= devices; i++)
        for (size_t k = 0; k < COUNT_OF(part); k++) {
            double bytes;
            if (!json_number(json_get(json_get(truth, side[i]), part[k]), &bytes))
                return err_set(err, MU_DATA, "truth has no number \"%s.%s\"", side[i], part[k]);
            out[i ? SIDE_DEVICE : SIDE_HOST] += bytes;
        }
    if (!json_number(json_get(truth, "output_bytes"), &output))
        return err_set(err, MU_DATA, "truth has no number \"output_bytes\"");
    out[SIDE_HOST] += output;
    return true;
}

static bool read_row(struct truth_reading *common, const struct json *row, void *to,
                     struct mu_err *err)
{
    const struct reading *r = (const struct reading *)(const void *)common;
    struct offload_row *out = to;
    const char *model = truth_text(row, "model", common->arena);
    const char *quant = truth_text(row, "quant", common->arena);
    const struct json *config = json_get(row, "config");
    struct generate g;
    struct split split;
    out->id = truth_text(row, "id", common->arena);
    if (!out->id || !model || !quant)
        return err_set(err, MU_DATA, "id, model and quant are needed");
    const struct truth_subject *s = truth_subject(&common->subjects, model, quant, err);
    if (!s || !hparams_generate(config, NULL, common->catalog, common->arena, &g, err))
        return false;
    split_of(r, config, s->shape.layers, &split);
    if (!measured(json_get(row, "truth"), split.sites - 1, out->measured, err)) return false;
    predict(r, s, &g, &split, out);
    return arena_within(common->arena, err);
}

bool offload_truth_read(struct str text, const char *name, const struct catalog *c, struct arena *a,
                        struct offload_truth *out, struct mu_err *err)
{
    static const struct truth_rows_kind kind = {sizeof(struct offload_row), read_row};
    const struct backend *rpc = catalog_backend(c, S("RPC"));
    const void *row;
    size_t rows;
    if (!rpc) return err_set(err, MU_DATA, "backends.json has no row RPC");
    struct reading r = {.common = {.catalog = c, .arena = a}, .rpc = site_rules_of(rpc)};
    if (!truth_rows_read(text, name, &kind, &r.common, &row, &rows, err)) return false;
    *out = (struct offload_truth){.class_ = r.common.class_, .row = row, .rows = rows};
    return true;
}
