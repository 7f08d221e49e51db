/* Reads a truth file of training and asks the very code that answers users for each of its rows. A row says what its framework did
 * ("norm_impl", "ce", "kv_expand" ...), which takes the place of a preset; a row that does not say has the usual of transformers.
 * What was measured decides what counts: what torch allocated leaves out fragmentation and the driver, what it reserved the driver.
 * Left out: rows marked unusable, and kinds of which nothing is computed (the training of spiking networks). */
#include "proof/training_truth.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "cost/analysis.h"
#include "cost/finetune.h"
#include "cost/spiking.h"
#include "judge/judge.h"
#include "model/digest.h"
#include "proof/step_truth.h"
#include "proof/subjects.h"

static const char *const training_classes[] = {"training"};
/* Counts no run has are read as if they were not there. */
static const double lastmost = 1e12;
static const struct split on_one_device = {.sites = 2};

struct reading {
    const struct catalog *catalog;
    struct arena *arena;
    const struct training_table *table;
    const struct json *models, *shipped; /* of this file, and of the one that ships */
    struct bill *bill;
    const struct world *world;
};
/* A row on its way to a prediction. */
struct run {
    const struct json *row;
    struct shape shape;
    struct finetune knobs;
    struct framework framework;
    struct training_bytes bytes;
};

bool training_truth_is(struct str text)
{
    return truth_is_of(text, training_classes, COUNT_OF(training_classes));
}

const char *training_class_name(enum training_class c)
{
    static const char *const name[TRAINING_CLASSES] = {
        "training.peak",  "training.saved",   "training.capture", "training.snn",
        "training.embed", "training.probe",   "training.kernel",  "training.time",
        "training.step",  "training.step_cpu"};
    return name[c];
}

static double number(const struct json *map, const char *key, double otherwise)
{
    double x;
    return json_number(json_get(map, key), &x) && x >= 0 && x <= lastmost ? x : otherwise;
}

static bool yes(const struct json *map, const char *key, bool otherwise)
{
    bool x;
    return json_bool(json_get(map, key), &x) ? x : otherwise;
}

static struct str word(const struct json *map, const char *key)
{
    struct str s;
    return json_text(json_get(map, key), &s) ? s : str_of("");
}

static bool in_list(struct str s, const char *const *list)
{
    for (; *list; list++)
        if (str_is(s, *list)) return true;
    return false;
}

/* ---- the model */

/* tied, gated, bias and par(allel) are 0 or 1 in the file's table of models, or flags. */
static bool flag(const struct json *map, const char *key)
{
    return yes(map, key, number(map, key, 0) > 0);
}

static bool shape_of_figures(const struct json *m, struct shape *s)
{
    const struct str norm = word(m, "norm");
    const bool biased = flag(m, "bias"), plain = !str_is(norm, "rms") && !str_is(norm, "rms4");
    *s = (struct shape){
        .layers = number(m, "L", 0),
        .width = number(m, "h", 0),
        .heads = number(m, "a", 0),
        .kv_heads = number(m, "kv", 0),
        .head_size = number(m, "d", number(m, "h", 0) / most(number(m, "a", 1), 1)),
        .ffn_width = number(m, "f", 0),
        .vocabulary = number(m, "V", 0),
        .tied = flag(m, "tied"),
        .gated_ffn = flag(m, "gated"),
        .norm_bias = plain,
        .output_norm = true,
        .norms_per_layer = str_is(norm, "ln1")    ? 1
                           : str_is(norm, "rms4") ? 4
                                                  : 2,
        .qkv_bias = biased,
        .attention_output_bias = biased,
        .ffn_bias = biased,
        .learned_positions = number(m, "pos", 0),
    };
    return s->layers > 0 && s->width > 0 && s->heads > 0 && s->kv_heads > 0 && s->head_size > 0;
}

/* Rows of tiny models say their figures themselves. */
static bool shape_of_row(const struct json *row, struct shape *s)
{
    const bool llama = str_is(word(row, "arch_name"), "llama");
    *s = (struct shape){
        .layers = number(row, "layers", 0),
        .width = number(row, "hidden", 0),
        .heads = number(row, "heads", 0),
        .kv_heads = number(row, "kv_heads", number(row, "heads", 0)),
        .ffn_width = number(row, "ffn", 0),
        .vocabulary = number(row, "vocab", 0),
        .tied = flag(row, "tied"),
        .gated_ffn = llama,
        .norm_bias = !llama,
        .output_norm = true,
        .norms_per_layer = 2,
    };
    if (!(s->layers > 0 && s->heads > 0 && s->width > 0)) return false;
    s->head_size = s->width / s->heads;
    return true;
}

static bool model_of(const struct reading *r, const struct json *row, struct shape *out,
                     struct mu_err *err)
{
    const char *name = truth_text(row, "model", r->arena);
    const struct json *own = json_get(row, "arch");
    if (json_kind(own) == JSON_MAP_KIND && shape_of_figures(own, out)) return true;
    if (shape_of_row(row, out)) return true;
    const struct json *listed = name ? json_get(r->models, name) : NULL;
    if (!listed && name) listed = json_get(r->shipped, name);
    if (listed && shape_of_figures(listed, out)) return true;
    const char *others;
    const struct model_part *part;
    if (!name || catalog_model(r->catalog, str_of(name), &part, &others) == MATCH_NONE)
        return err_set(err, MU_DATA, "no figures of model \"%s\"", name ? name : "");
    shape_from_part(part, r->catalog, r->arena, out);
    return true;
}

/* ---- what was asked */

static void framework_of_row(const struct reading *r, const struct json *row, struct framework *out)
{
    const struct training_norm *norm = training_norm_named(r->table, word(row, "norm_impl"));
    const struct training_loss *loss = training_loss_named(r->table, word(row, "ce"));
    const bool compiled = yes(row, "compile", false);
    *out = *training_framework_named(r->table, S("hf"));
    out->norm = compiled ? training_norm_named(r->table, S("fused")) : norm ? norm : out->norm;
    if (str_is(word(row, "ce"), "bert")) loss = training_loss_named(r->table, S("none"));
    if (loss) out->loss = loss;
    out->head_most_bytes = out->head_bytes = number(row, "weight_bytes", 2);
    out->expands_kv = yes(row, "kv_expand", false);
    out->keeps_qkv = yes(row, "qkv_view_kept", false);
    out->joint_qkv_adapter = yes(row, "fused_qkv_lora", false);
    out->quantised_head = yes(row, "quant_head", false);
    out->untied = yes(row, "untie", false);
    out->dequantised_bytes = number(row, "deq_bytes", 2);
    out->gated_kept = compiled || yes(row, "fused_mlp", false) ? 2 : 3;
    out->keeps_product = !compiled;
    out->quantised_input = yes(row, "bnb_saves_input", false);
    out->leaks_input = yes(row, "bnb_leak", false);
    out->input_float_bytes = number(row, "bnb_input_bytes", 0);
}

static unsigned targets_of(const struct json *row)
{
    static const char *const name[TARGETS] = {"q", "k", "v", "o", "gate", "up", "down", "head"};
    const struct json *list = json_get(row, "targets");
    unsigned mask = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct str s;
        if (!json_text(json_at(list, i), &s)) continue;
        for (unsigned t = 0; t < TARGETS; t++)
            if (str_is(s, name[t])) mask |= 1U << t;
    }
    return mask;
}

/* "adamw8bit" of the file is "adamw_8bit" of the table, and "_bf16" is the type of the states. */
static bool same_but_for_lines(struct str a, const char *b)
{
    size_t i = 0;
    for (;; i++, b++) {
        while (i < a.n && a.p[i] == '_') i++;
        while (*b == '_') b++;
        if (i >= a.n || !*b) return i >= a.n && !*b;
        if (a.p[i] != *b) return false;
    }
}

static bool optimizer_of_row(const struct json *row, struct run *run, struct mu_err *err)
{
    struct str name = word(row, "optimizer");
    const struct str suffix = S("_bf16");
    const bool halves =
        name.n > suffix.n && memcmp(name.p + name.n - suffix.n, suffix.p, suffix.n) == 0;
    if (halves) name.n -= suffix.n;
    if (!name.n) name = S("adamw");
    run->bytes.state = halves ? 2 : 4;
    for (size_t i = 0; i < workload_finetune.knobs; i++) {
        const struct knob *k = &workload_finetune.knob[i];
        if (strcmp(k->name, "optimizer") != 0) continue;
        for (size_t n = 0; k->choices[n]; n++) {
            if (!same_but_for_lines(name, k->choices[n])) continue;
            run->knobs.optimizer = (double)n;
            return true;
        }
    }
    return err_set(err, MU_DATA, "no optimizer is called \"%.*s\"", STR_ARG(name));
}

static bool store_of_row(const struct json *row, struct finetune *f, struct mu_err *err)
{
    static const char *const name[] = {"nf4-dq", "nf4", "int8"};
    const struct str quant = word(row, "quant");
    if (!quant.n || str_is(quant, "none")) return true;
    f->method = FINETUNE_QLORA;
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        if (!str_is(quant, name[i])) continue;
        f->store = (double)i;
        return true;
    }
    return err_set(err, MU_DATA, "no store is called \"%.*s\"", STR_ARG(quant));
}

static bool run_of_row(const struct reading *r, const struct json *row, struct run *run,
                       struct mu_err *err)
{
    struct finetune *f = &run->knobs;
    finetune_usual(f, r->table);
    run->row = row;
    run->bytes = (struct training_bytes){.weight = number(row, "weight_bytes", 2),
                                         .compute = number(row, "act_bytes", 2),
                                         .master = yes(row, "master", false) ? 4 : 0};
    run->bytes.gradient = number(row, "grad_bytes", run->bytes.weight);
    framework_of_row(r, row, &run->framework);
    f->bytes = &run->bytes;
    f->framework_row = &run->framework;
    f->method = str_is(word(row, "method"), "lora") ? FINETUNE_LORA : FINETUNE_FULL;
    f->micro_batch = number(row, "batch", 1);
    f->sequence_tokens = most(number(row, "seq", 1), 1);
    f->accumulate = most(number(row, "grad_accum", 1), 1);
    f->rank = number(row, "rank", 0);
    f->shards = most(number(row, "n_shard", 1), 1);
    f->lora_dropout = number(row, "lora_dropout", 0) > 0;
    f->dropout = number(row, "dropout", 0) > 0 ? DROPOUT_ON : DROPOUT_OFF;
    f->eager = str_is(word(row, "attn"), "eager");
    f->in_backward = yes(row, "opt_in_bwd", false);
    f->cpu_offload = yes(row, "cpu_offload", false);
    f->gradients_kept = yes(row, "grads_persist", false);
    f->encoder = yes(row, "encoder", false);
    f->target_mask = targets_of(row);
    f->adapter_bytes = number(row, "adapter_bytes", 2);
    f->unquantised_bytes = number(row, "unquant_bytes", run->bytes.weight);
    f->mask_bytes = number(row, "mask_bytes", 1);
    f->gelu_kept = number(row, "gelu_saved", 1);
    f->step_bytes = number(row, "opt_tmp", 0);
    f->checkpointing = CHECKPOINT_OFF;
    if (yes(row, "ckpt", false))
        f->checkpointing = yes(row, "act_offload", false) ? CHECKPOINT_OFFLOAD : CHECKPOINT_ON;
    return model_of(r, row, &run->shape, err) && optimizer_of_row(row, run, err) &&
           store_of_row(row, f, err);
}

/* ---- peaks */

static const char *const allocated[] = {"peak_allocated", "peak_active", NULL};
static const char *const reserved[] = {"peak_reserved", "max_reserved", NULL};
static const char *const whole[] = {"nvidia_smi", "max_context_at_vram", NULL};
static const char *const others[] = {"fwd_allocated", "infer_allocated", "init_allocated", NULL};

static struct training training_of(const struct reading *r, const struct run *run)
{
    r->bill->abouts = 0;
    return finetune_training(r->bill, &run->shape, &run->knobs, false);
}

/* After a forward pass that hands out F32 logits, nothing of the backward pass is there yet. */
static double after_forward(const struct run *run, const struct training *t)
{
    const struct shape *s = &run->shape;
    const bool checkpointed = run->knobs.checkpointing != (double)CHECKPOINT_OFF;
    const double tokens = run->knobs.micro_batch * run->knobs.sequence_tokens;
    const double last_norm = run->knobs.method == (double)FINETUNE_FULL ? 12 : 8;
    return t->weights + t->adapters + t->saved +
           tokens * (last_norm * s->width + 4 * s->vocabulary + (checkpointed ? 2 * s->width : 0));
}

/* A forward pass alone keeps the cache of keys and values and F32 logits. */
static double after_inference(const struct run *run, const struct training *t)
{
    const struct shape *s = &run->shape;
    const double tokens = run->knobs.micro_batch * run->knobs.sequence_tokens;
    return 2 * t->parts.all +
           tokens * (4 * s->layers * s->kv_heads * s->head_size + 4 * s->vocabulary);
}

/* The process of a row may be said: what it held with nothing but the weights in it. */
static double driver_bytes(const struct reading *r, const struct run *run, const struct training *t)
{
    const double baseline = number(run->row, "baseline_smi", 0);
    return baseline > t->weights ? baseline - t->weights : bill_group(r->bill, "process");
}

static double peak(const struct reading *r, const struct run *run)
{
    const struct str metric = word(run->row, "metric");
    const struct digest m = {.shape = &run->shape};
    const struct training t = training_of(r, run);
    if (str_is(metric, "init_allocated")) return t.weights + t.adapters;
    if (str_is(metric, "infer_allocated")) return after_inference(run, &t);
    if (str_is(metric, "fwd_allocated")) return after_forward(run, &t);
    if (str_is(word(run->row, "variant"), "qlora-gc-peak")) return after_forward(run, &t) + t.work;
    const struct task task = {&workload_finetune, &m, &run->knobs};
    cost_bill(&task, &on_one_device, r->bill);
    if (r->bill->unruled) return 0;
    const double held = bill_held(r->bill, 1), driver = bill_group(r->bill, "process");
    if (in_list(metric, allocated)) return held - driver - bill_group(r->bill, "fragmentation");
    return in_list(metric, reserved) ? held - driver : held - driver + driver_bytes(r, run, &t);
}

/* ---- the other classes */

/* The rows' own runs are eager transformers on a CPU, with F32 masks. */
static bool measured_run(const struct reading *r, const struct json *row, struct run *run,
                         struct mu_err *err)
{
    const bool half = str_is(word(row, "dtype"), "bf16");
    if (!run_of_row(r, row, run, err)) return false;
    run->framework.norm = training_norm_named(r->table, S("hf")); /* torch 1.13 */
    const struct training_family *family = training_family_named(r->table, word(row, "arch_name"));
    if (family) run->knobs.gelu_kept = family->activation_kept;
    run->bytes = (struct training_bytes){.weight = half ? 2 : 4,
                                         .compute = half ? 2 : 4,
                                         .gradient = half ? 2 : 4,
                                         .state = half ? 2 : 4};
    run->knobs.adapter_bytes = str_is(word(row, "adapter_dtype"), "f32") ? 4 : 2;
    run->knobs.mask_bytes =
        run->knobs.method == (double)FINETUNE_FULL ? 4 : run->knobs.adapter_bytes;
    return true;
}

/* Saved for the backward pass: the layers, the last norm with the output matrix' input, and the log-softmax in F32. */
static double saved(const struct reading *r, const struct run *run)
{
    const struct shape *s = &run->shape;
    const struct training t = training_of(r, run);
    const double tokens = run->knobs.micro_batch * run->knobs.sequence_tokens;
    const double input =
        run->knobs.method == (double)FINETUNE_FULL ? run->bytes.compute * s->width : 0;
    return t.saved + t.head + tokens * (input + 4 * s->vocabulary);
}

static double captured(const struct run *run)
{
    const struct capture c = {.sequences = run->knobs.micro_batch,
                              .sequence_tokens = run->knobs.sequence_tokens,
                              .value_bytes = run->bytes.compute};
    return (yes(run->row, "output_hidden_states", false) ? hidden_states_bytes(&run->shape, &c)
                                                         : 0) +
           (yes(run->row, "output_attentions", false) ? attention_bytes(&run->shape, &c) : 0);
}

/* GPT-2s with learned positions, whose GELU is composed; neurons in front of the products of attention and FFN, or none. */
static double spiked(struct run *run)
{
    struct spiking k;
    spiking_usual(&k);
    k.timesteps = number(run->row, "T", 1);
    k.sequences = number(run->row, "batch", 1);
    k.sequence_tokens = number(run->row, "seq", 1);
    k.mode = yes(run->row, "multi_step", false) ? SPIKING_LAYER : SPIKING_STEP;
    k.neuron = yes(run->row, "lif", false) ? NEURON_LIF : NEURON_BYPASSED;
    run->shape.learned_positions = k.sequence_tokens;
    return spiking_run_bytes(&run->shape, &k);
}

static double embedded(const struct run *run)
{
    const struct forward f = {.sequences = number(run->row, "batch", 1),
                              .sequence_tokens = number(run->row, "seq", 1),
                              .value_bytes = 4};
    return forward_pass_bytes(&run->shape, &f);
}

static double backward_over_forward(struct run *run)
{
    const bool full = str_is(word(run->row, "method"), "full");
    run->shape.gated_ffn = str_is(word(run->row, "kind"), "llama");
    const struct flop_asked asked = {
        .sequences = number(run->row, "batch", 1),
        .sequence_tokens = number(run->row, "seq", 1),
        .full = full,
        .adapter_parameters = full ? 0
                                   : training_adapter_parameters(&run->shape, targets_of(run->row),
                                                                 number(run->row, "r", 0)),
        .checkpointing = yes(run->row, "ckpt", false)};
    const struct training_flop f = training_flop(&run->shape, &asked);
    return (f.backward + f.recomputed) / f.forward;
}

/* Of fused norms alone no rule is known: what they hold falls with the width. */
static bool kernel_has_rule(const struct json *row)
{
    const bool fused = str_is(word(row, "provider"), "liger");
    return str_is(word(row, "model"), "cross_entropy") ||
           (str_is(word(row, "model"), "rms_norm") && !fused);
}

static double kernel(const struct reading *r, const struct json *row)
{
    const struct json *config = json_get(row, "config");
    const bool fused = str_is(word(row, "provider"), "liger");
    const bool loss = str_is(word(row, "model"), "cross_entropy");
    const struct training_loss *l = training_loss_named(r->table, fused ? S("liger") : S("hf_new"));
    const struct training_norm *n = training_norm_named(r->table, S("hf"));
    const double tokens = number(config, "M", number(config, "B", 1) * number(config, "T", 1));
    const double alone = loss ? (l ? l->alone_bytes : 0) : n ? n->alone_bytes : 0;
    return number(row, "x", 0) * tokens * (alone > 0 ? alone : 0);
}

static const struct {
    const char *metric;
    enum training_class class_;
} measured_as[] = {
    {"measured_train", TRAINING_SAVED}, {"measured_capture", TRAINING_CAPTURE},
    {"measured_snn", TRAINING_SNN},     {"measured_embed", TRAINING_EMBED},
    {"measured_probe", TRAINING_PROBE}, {"kernel_peak", TRAINING_KERNEL},
    {"measured_timing", TRAINING_TIME},
};

static bool is_peak(struct str metric)
{
    return in_list(metric, allocated) || in_list(metric, reserved) || in_list(metric, whole) ||
           in_list(metric, others);
}

static bool class_of(const struct json *row, enum training_class *out)
{
    const struct str metric = word(row, "metric");
    *out = is_peak(metric) ? TRAINING_PEAK : TRAINING_CLASSES;
    for (size_t i = 0; i < COUNT_OF(measured_as); i++)
        if (str_is(metric, measured_as[i].metric)) *out = measured_as[i].class_;
    if (!yes(row, "usable", true) || *out == TRAINING_CLASSES) return false;
    if (*out == TRAINING_KERNEL) return kernel_has_rule(row);
    return true;
}

static bool measured_of(const struct json *row, enum training_class class_, double *out,
                        struct mu_err *err)
{
    static const char *const key[TRAINING_CLASSES] = {
        "value_bytes", "saved_bytes", "kept",          "peak", "peak",
        "peak",        "value_bytes", "ratio_bwd_fwd", NULL,   NULL};
    if (json_number(json_get(row, key[class_]), out) && *out >= 0) return true;
    return err_set(err, MU_DATA, "a row needs a number \"%s\"", key[class_]);
}

/* Ids are long and end in a number: the model and that number name a row as well. */
static const char *label_of(const struct json *row, struct arena *a)
{
    const char *id = truth_text(row, "id", a), *model = truth_text(row, "model", a);
    const char *last = id ? strrchr(id, '-') : NULL;
    return last && model ? str_format(a, "%s %s", model, last + 1) : id;
}

static bool predict(const struct reading *r, const struct json *row, enum training_class class_,
                    double *out, struct mu_err *err)
{
    struct run run = {.row = row};
    const struct probe probe = {.inputs = number(row, "d", 0),
                                .classes = number(row, "classes", 0)};
    switch (class_) {
    case TRAINING_PEAK:
        if (!run_of_row(r, row, &run, err)) return false;
        *out = peak(r, &run);
        break;
    case TRAINING_SAVED:
    case TRAINING_CAPTURE:
        if (!measured_run(r, row, &run, err)) return false;
        *out = class_ == TRAINING_SAVED ? saved(r, &run) : captured(&run);
        break;
    case TRAINING_SNN:
    case TRAINING_EMBED:
        if (!model_of(r, row, &run.shape, err)) return false;
        *out = class_ == TRAINING_SNN ? spiked(&run) : embedded(&run);
        break;
    case TRAINING_TIME:
        if (!shape_of_figures(row, &run.shape))
            return err_set(err, MU_DATA, "L, h, a, kv, f and V are needed");
        *out = backward_over_forward(&run);
        break;
    case TRAINING_KERNEL: *out = kernel(r, row); break;
    case TRAINING_PROBE: *out = probe_bytes(&probe); break;
    case TRAINING_STEP:
    case TRAINING_STEP_CPU:
    case TRAINING_CLASSES: break;
    }
    return true;
}

static bool read_row(const struct reading *r, const struct json *row, struct training_row *out,
                     struct mu_err *err)
{
    out->id = label_of(row, r->arena);
    if (!out->id) return err_set(err, MU_DATA, "a row needs an id");
    return measured_of(row, out->class_, &out->measured, err) &&
           predict(r, row, out->class_, &out->predicted, err) && arena_within(r->arena, err);
}

/* A row may say besides how long a step took. */
static bool read_step(const struct reading *r, const struct json *row, struct training_truth *to,
                      struct training_row *out, struct mu_err *err)
{
    const double measured_s = step_measured_s(row);
    const bool cpu = str_is(word(row, "metric"), "measured_step");
    struct run run = {.row = row};
    if (isnan(measured_s) || !(cpu || is_peak(word(row, "metric")))) return true;
    if (!run_of_row(r, row, &run, err)) return false;
    const struct estimate said =
        step_predicted_s(row, &run.shape, &run.knobs, r->catalog, r->world, r->arena);
    if (!estimate_known(said)) return true;
    *out = (struct training_row){.id = label_of(row, r->arena),
                                 .class_ = cpu ? TRAINING_STEP_CPU : TRAINING_STEP,
                                 .measured = measured_s,
                                 .predicted = said.likely,
                                 .low = said.low,
                                 .high = said.high};
    to->rows++;
    return arena_within(r->arena, err);
}

static bool read_rows(const struct reading *r, const struct json *root, struct training_truth *out,
                      struct mu_err *err)
{
    const struct json *rows = json_get(root, "rows");
    const size_t n = json_count(rows);
    if (json_kind(rows) != JSON_LIST_KIND || !n)
        return err_set(err, MU_DATA, "a truth file has at least one row");
    struct training_row *row = NEW_ARRAY(r->arena, struct training_row, 2 * n);
    for (size_t i = 0; i < n; i++) {
        struct training_row *to = &row[out->rows];
        if (class_of(json_at(rows, i), &to->class_)) {
            if (!read_row(r, json_at(rows, i), to, err)) return err_add(err, "row %zu", i + 1);
            out->rows++;
        }
        if (!read_step(r, json_at(rows, i), out, &row[out->rows], err))
            return err_add(err, "row %zu", i + 1);
    }
    if (!out->rows) return err_set(err, MU_DATA, "no row is of a kind that is computed");
    out->row = row;
    return true;
}

bool training_truth_read(struct str text, const char *name, const struct catalog *c,
                         struct arena *a, struct training_truth *out, struct mu_err *err)
{
    struct json *root = NULL, *shipped = NULL;
    struct training_truth read = {NULL, 0};
    struct reading r = {.catalog = c, .arena = a, .table = catalog_training(c, err)};
    if (!r.table || !json_parse(text, name, &root, err)) return false;
    r.models = json_get(root, "models");
    bool ok = r.models ||
              json_parse(catalog_file(c, "truth/training.json"), "training.json", &shipped, err);
    r.shipped = json_get(shipped, "models");
    r.bill = NEW(a, struct bill);
    struct world *world = NEW(a, struct world);
    r.world = world;
    ok = ok && judge_world(c, a, world, err);
    ok = ok && training_framework_named(r.table, S("hf")) && read_rows(&r, root, &read, err);
    json_free(root);
    if (shipped) json_free(shipped);
    if (!ok) return err_add(err, "%s", name);
    *out = read;
    return true;
}
