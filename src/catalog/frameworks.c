/* catalog/frameworks.c - the lists of data/frameworks.json. Left out: what no preset has (sequence parallelism, pipelines). */
#include "catalog/frameworks.h"

#include <math.h>

#include "base/arena.h"
#include "base/num.h"
#include "catalog/table.h"

static const struct field norm_field[] = {
    ROW_TEXT(training_norm, "name", name),
    ROW_NUMBER(training_norm, "float_copies", float_copies),
    ROW_NUMBER(training_norm, "compute_copies", compute_copies),
    ROW_NUMBER(training_norm, "trained_float_copies", trained_float_copies),
    ROW_NUMBER(training_norm, "trained_compute_copies", trained_compute_copies),
    ROW_NUMBER(training_norm, "alone_bytes", alone_bytes),
    ROW_TEXT(training_norm, "source", source),
};
static const struct fields norm_fields = ROW_FIELDS(training_norm, norm_field);
static const struct field loss_field[] = {
    ROW_TEXT(training_loss, "name", name),
    ROW_NUMBER(training_loss, "bytes", bytes),
    ROW_NUMBER(training_loss, "float_bytes", float_bytes),
    ROW_NUMBER(training_loss, "alone_bytes", alone_bytes),
    ROW_TEXT(training_loss, "source", source),
};
static const struct fields loss_fields = ROW_FIELDS(training_loss, loss_field);
static const struct field optimizer_field[] = {
    ROW_TEXT(training_optimizer, "name", name),
    ROW_NUMBER(training_optimizer, "states", states),
    ROW_NUMBER(training_optimizer, "outside_states", outside_states),
    ROW_NUMBER(training_optimizer, "bytes", bytes),
    ROW_NUMBER(training_optimizer, "step_copies", step_copies),
    ROW_NUMBER(training_optimizer, "step_matrices", step_matrices),
    ROW_FLAG(training_optimizer, "paged", paged),
    ROW_TEXT(training_optimizer, "source", source),
};
static const struct fields optimizer_fields = ROW_FIELDS(training_optimizer, optimizer_field);
static const struct field store_field[] = {
    ROW_TEXT(training_store, "name", name),
    ROW_NUMBER(training_store, "bits", bits),
    ROW_TEXT(training_store, "on_host", on_host),
    ROW_TEXT(training_store, "source", source),
};
static const struct fields store_fields = ROW_FIELDS(training_store, store_field);
static const struct field family_field[] = {
    ROW_TEXT(training_family, "name", name),
    ROW_NUMBER(training_family, "activation_kept", activation_kept),
    ROW_FLAG(training_family, "dropout", dropout),
    ROW_TEXT(training_family, "source", source),
};
static const struct fields family_fields = ROW_FIELDS(training_family, family_field);
static const struct field framework_field[] = {
    ROW_TEXT(framework, "name", name),
    ROW_TEXT(framework, "norm", norm_name),
    ROW_TEXT(framework, "loss", loss_name),
    ROW_NUMBER(framework, "adapter_bytes", adapter_bytes),
    ROW_FLAG(framework, "expands_kv", expands_kv),
    ROW_FLAG(framework, "keeps_qkv", keeps_qkv),
    ROW_FLAG(framework, "joint_qkv_adapter", joint_qkv_adapter),
    ROW_NUMBER(framework, "unquantised_bytes", unquantised_bytes),
    ROW_NUMBER(framework, "head_bytes", head_bytes),
    ROW_NUMBER(framework, "head_most_bytes", head_most_bytes),
    ROW_FLAG(framework, "quantised_head", quantised_head),
    ROW_FLAG(framework, "untied", untied),
    ROW_NUMBER(framework, "dequantised_bytes", dequantised_bytes),
    ROW_NUMBER(framework, "gated_kept", gated_kept),
    ROW_FLAG(framework, "keeps_product", keeps_product),
    ROW_FLAG(framework, "quantised_input", quantised_input),
    ROW_FLAG(framework, "leaks_input", leaks_input),
    ROW_FLAG(framework, "runs_modules", runs_modules),
    ROW_NUMBER(framework, "input_float_bytes", input_float_bytes),
    ROW_TEXT(framework, "checkpointing", checkpointing),
    ROW_TEXT(framework, "checkpointing_quantised", checkpointing_quantised),
    ROW_TEXT(framework, "confidence", confidence),
    ROW_TEXT(framework, "source", source),
};
static const struct fields framework_fields = ROW_FIELDS(framework, framework_field);

#define KIND(list_, tag)                                                                 \
    {                                                                                    \
        .list = (list_), .fields = &tag##_fields, .name_offset = 0, .check = check_##tag \
    }

static bool from_zero(const struct json *row, const char *const *key, struct mu_err *err)
{
    const double most_bytes = 64; /* no framework keeps so many of one number */
    for (; *key; key++) {
        double x;
        if (!json_number(json_get(row, *key), &x) || !(x >= 0 && x <= most_bytes))
            return err_set(err, MU_DATA, "frameworks.json: \"%s\" must be a number from 0 to %.0f",
                           *key, most_bytes);
    }
    return true;
}

static bool check_norm(const struct json *row, struct mu_err *err)
{
    static const char *const key[] = {"float_copies", "compute_copies", "trained_float_copies",
                                      "trained_compute_copies", NULL};
    return from_zero(row, key, err);
}

static bool check_loss(const struct json *row, struct mu_err *err)
{
    static const char *const key[] = {"bytes", NULL};
    return from_zero(row, key, err);
}

static bool check_optimizer(const struct json *row, struct mu_err *err)
{
    static const char *const states[] = {"states", NULL}, *const bytes[] = {"bytes", NULL};
    return from_zero(row, json_get(row, "bytes") ? bytes : states, err);
}

static bool check_store(const struct json *row, struct mu_err *err)
{
    static const char *const key[] = {"bits", NULL};
    return from_zero(row, key, err);
}

static bool check_family(const struct json *row, struct mu_err *err)
{
    static const char *const key[] = {"activation_kept", NULL};
    return from_zero(row, key, err);
}

static bool check_framework(const struct json *row, struct mu_err *err)
{
    static const char *const key[] = {
        "adapter_bytes", "unquantised_bytes", "dequantised_bytes", "gated_kept",
        "head_bytes",    "head_most_bytes",   "input_float_bytes", NULL};
    return from_zero(row, key, err);
}

static const struct row_kind kinds[] = {
    KIND("norms", norm),   KIND("losses", loss),     KIND("optimizers", optimizer),
    KIND("stores", store), KIND("families", family), KIND("entries", framework),
};

#define NAMED(function, type, list, count)                                       \
    const struct type *function(const struct training_table *t, struct str name) \
    {                                                                            \
        for (size_t i = 0; i < t->count; i++)                                    \
            if (str_is(name, t->list[i].name)) return &t->list[i];               \
        return NULL;                                                             \
    }
NAMED(training_norm_named, training_norm, norm, norms)
NAMED(training_loss_named, training_loss, loss, losses)
NAMED(training_optimizer_named, training_optimizer, optimizer, optimizers)
NAMED(training_store_named, training_store, store, stores)
NAMED(training_family_named, training_family, family, families)
NAMED(training_framework_named, framework, framework, frameworks)

static bool is_checkpointing(const char *word)
{
    const struct str s = str_of(word ? word : "");
    return str_is(s, "off") || str_is(s, "on") || str_is(s, "offload");
}

static bool join(struct framework *f, const struct training_table *t, struct mu_err *err)
{
    f->norm = training_norm_named(t, str_of(f->norm_name ? f->norm_name : ""));
    f->loss = training_loss_named(t, str_of(f->loss_name ? f->loss_name : ""));
    if (f->norm && f->loss && is_checkpointing(f->checkpointing) &&
        is_checkpointing(f->checkpointing_quantised))
        return true;
    return err_set(err, MU_DATA,
                   "frameworks.json: %s: norm and loss must name rows, checkpointing must be off, "
                   "on or offload",
                   f->name);
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    enum { NORMS, LOSSES, OPTIMIZERS, STORES, FAMILIES, FRAMEWORKS };
    struct sheets sheets = {.count = 0};
    struct rows rows[COUNT_OF(kinds)] = {{0}};
    if (!sheets_open(c, "frameworks.json", &sheets, err)) return NULL;
    bool ok = true;
    for (size_t i = 0; i < COUNT_OF(kinds) && ok; i++)
        ok = sheets_rows(c, &sheets, &kinds[i], &rows[i], err);
    sheets_close(&sheets);
    if (!ok) return NULL;
    struct training_table *t = NEW(c->arena, struct training_table);
    struct framework *framework = rows[FRAMEWORKS].row;
    t->norm = rows[NORMS].row;
    t->norms = rows[NORMS].count;
    t->loss = rows[LOSSES].row;
    t->losses = rows[LOSSES].count;
    t->optimizer = rows[OPTIMIZERS].row;
    t->optimizers = rows[OPTIMIZERS].count;
    t->family = rows[FAMILIES].row;
    t->families = rows[FAMILIES].count;
    t->store = rows[STORES].row;
    t->stores = rows[STORES].count;
    t->framework = framework;
    t->frameworks = rows[FRAMEWORKS].count;
    for (size_t i = 0; i < t->frameworks; i++)
        if (!join(&framework[i], t, err)) return NULL;
    return t;
}

const struct training_table *catalog_training(const struct catalog *c, struct mu_err *err)
{
    return part_once(c, PART_TRAINING, load, err);
}
