/* What a command asks a machine to run: a model under a mix, and the workload's knobs, at their defaults and as given. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/model.h"
#include "model/remote.h"
#include "model/stores.h"
#include "verb/common.h"
#include "verb/nominal.h"
#include "verb/served.h"

/* The mix a model known by its shape alone is taken in when none is asked for. */
#define QUANT_USUAL "Q4_K_M"
enum { POINTER_BYTES = sizeof(void *) };

static bool mix_of(const struct context *in, const struct model *m, const char *quant,
                   const struct mix **out, struct mu_err *err)
{
    if (!quant && m->native_quant) {
        quant = m->native_quant;
        note_add(in->notes, "quantisation not given: %s taken, as it was trained (--quant)", quant);
    }
    if (!quant) {
        quant = QUANT_USUAL;
        note_add(in->notes, "quantisation not given: %s taken (--quant)", quant);
    }
    *out = catalog_mix(in->catalog, str_of(quant));
    if (!*out)
        return catalog_sound(in->catalog, err) &&
               err_set(err, MU_USAGE, "no quantisation is called '%s'; try Q4_K_M, Q8_0 or F16",
                       str_visible(in->arena, str_of(quant)));
    if (m->tensors)
        return err_set(err, MU_USAGE, "%s is a file of its own quantisation; leave --quant out",
                       m->name);
    return true;
}

/* A size ("7B") becomes the name of the model that stands for one of that size, which is said; a file of that name and
 * another operand stay. */
static bool name_of_size(const struct context *in, const char **operand, struct mu_err *err)
{
    const char *shown = str_visible(in->arena, str_of(*operand));
    size_t alike = 0;
    double params;
    if (!params_parse(*operand, (double)NAN, &params) || access(*operand, F_OK) == 0) return true;
    const struct model_part *part = nominal_model(in->catalog, params, &alike);
    if (!part)
        return catalog_sound(in->catalog, err) &&
               err_set(err, MU_NOINPUT, "no dense model of the catalogue is near a size of %s",
                       shown);
    note_add(in->notes,
             "%s is a size: %s stands for it, the first of %zu dense models of the catalogue that "
             "are about that large and of one shape",
             shown, part->hf_id, alike);
    *operand = part->hf_id;
    return true;
}

const char *name_alone(const char *hub_name)
{
    const char *slash = strrchr(hub_name, '/');
    return slash ? slash + 1 : hub_name;
}

/* The mix of a model that is known by its shape alone, under a runtime that takes weights as published: nobody chooses it, and only
 * names and types of it are looked at. */
#define QUANT_PUBLISHED "F16"

static const struct workload *kind_of(const struct asking *how)
{
    return cost_workload(how->kind ? str_of(how->kind) : S("generate"));
}

static bool quant_under(const struct asking *how, enum runtime_id runtime, const struct model *m,
                        const char **out, struct mu_err *err)
{
    *out = how->quant;
    if (!cost_writes_text(kind_of(how)) && !m->tensors) *out = QUANT_PUBLISHED;
    if (!runtime_at(runtime)->published) return true;
    if (how->quant)
        return err_set(err, MU_USAGE,
                       "%s takes weights as published: leave --quant out, and give --dtype",
                       runtime_at(runtime)->name);
    if (!m->tensors) *out = QUANT_PUBLISHED;
    return true;
}

bool asked_generate(const struct context *in, const char *operand, const char *quant,
                    const struct machine *m, struct asked *out, struct mu_err *err)
{
    return asked_task(in, &(struct asking){.operand = operand, .quant = quant}, m, out, err);
}

static const char *unchecked_note(const struct context *in, const struct architecture *arch)
{
    if (!arch || arch->checked || arch->unruled) return NULL;
    return str_format(
        in->arena,
        arch->unplanned
            ? "%s: weights and caches by rule, the compute buffer of this architecture by "
              "its closed form"
            : "%s: the plan of this architecture follows a checked one like it and was "
              "never held against llama.cpp itself",
        arch->name);
}

static const char *bound_note(const struct context *in, const struct runtime *r)
{
    if (!r->published)
        return str_format(in->arena,
                          "under %s memory and speed are llama.cpp's with its settings: the same "
                          "kernels, but never measured there",
                          r->words);
    return str_format(in->arena,
                      "memory under %s follows its own rules and was never held against a run: "
                      "the figures are bounds",
                      r->words);
}

static bool runtime_asked(const struct context *in, const struct asking *how, enum runtime_id *out,
                          struct mu_err *err)
{
    *out = RUNTIME_LLAMA;
    return !how->runtime || runtime_named(str_of(how->runtime), out) ||
           err_set(err, MU_USAGE,
                   "runtime is \"%s\", but takes one of: llama.cpp ollama transformers vllm",
                   str_visible(in->arena, str_of(how->runtime)));
}

/* A file's own figures, or those of the shape in a mix. */
static bool take_digest(const struct context *in, const struct model *m, const char *quant,
                        struct digest *out, struct mu_err *err)
{
    const struct mix *mix;
    if (m->tensors && !quant) {
        digest_of_model(m, in->catalog, out);
    } else {
        if (!mix_of(in, m, quant, &mix, err)) return false;
        digest_of_shape(&m->shape, mix, in->catalog, out);
        out->quant = mix->name;
    }
    out->name = m->name;
    return true;
}

/* A quantisation that the operand names, as if it were asked for. */
static bool quant_of_name(const struct context *in, const struct asking **how, struct asking *own,
                          struct mu_err *err)
{
    *own = **how;
    *how = own;
    return named_quant_agreed(in, &own->operand, &own->quant, err);
}

/* The model that the operand names, and the path of what it was read from. */
static bool open_asked(const struct context *in, const char *operand, struct model *out,
                       const char **path, struct mu_err *err)
{
    if (!name_of_size(in, &operand, err) ||
        !stores_operand(operand, in->env, in->arena, path, err) ||
        !model_open(*path, in->catalog, in->arena, in->notes, out, err))
        return false;
    if (*path != operand) remote_confess(*path, in->arena, in->notes);
    return true;
}

/* Of a workload that writes no text: the model's shape, whatever it is stored in, and knobs of its own. */
static bool take_own(const struct context *in, const struct asking *how, struct asked *out,
                     struct mu_err *err)
{
    const struct workload *w = out->task.kind;
    if (how->quant || how->runtime)
        return err_set(err, MU_USAGE, "%s takes neither --quant nor --runtime: leave it out",
                       w->name);
    out->own_knobs = arena_alloc(in->arena, w->size);
    w->usual(out->own_knobs, out->digest, in->catalog);
    out->task.knobs = out->own_knobs;
    out->unchecked = NULL;
    return catalog_sound(in->catalog, err);
}

/* A workload that runs no model has a digest of its own name. */
static bool take_modelless(const struct context *in, const struct asking *how,
                           const struct workload *kind, struct asked *out, struct mu_err *err)
{
    static const struct model none = {.name = "no model", .origin = UNKNOWN};
    if (how->operand && strcmp(how->operand, "-") != 0)
        return err_set(err, MU_USAGE, "%s runs no model: leave %s out", kind->name,
                       str_visible(in->arena, str_of(how->operand)));
    out->model = &none;
    out->file = out->url = out->folder = NULL;
    out->beside = NULL;
    out->digest = NEW(in->arena, struct digest);
    out->digest->name = none.name;
    out->digest->shape = &none.shape;
    out->task = (struct task){.kind = kind, .model = out->digest};
    return take_own(in, how, out, err);
}

/* Of one that does: the runtime's own defaults. */
static void take_generate(const struct context *in, const struct asking *how,
                          enum runtime_id runtime, struct asked *out)
{
    generate_under(&out->knobs, runtime);
    if (how->kind && strcmp(how->kind, "serve") == 0) out->knobs.context_each = true;
    out->unchecked = runtime == RUNTIME_LLAMA ? unchecked_note(in, out->model->shape.arch)
                                              : bound_note(in, runtime_at(runtime));
}

static bool take_modelled(const struct context *in, const struct asking *how,
                          const struct machine *m, struct asked *out, struct mu_err *err)
{
    enum runtime_id runtime;
    const char *quant;
    struct model *model = NEW(in->arena, struct model);
    const struct weight_type *types = catalog_types(in->catalog, err);
    const char *path = NULL;
    struct asking own;
    if (!types || !quant_of_name(in, &how, &own, err) ||
        !open_asked(in, how->operand, model, &path, err) ||
        !runtime_asked(in, how, &runtime, err) || !quant_under(how, runtime, model, &quant, err))
        return false;
    out->model = model;
    out->file = model->tensors ? path : NULL;
    out->url = out->file ? remote_url(path, in->arena) : NULL;
    out->digest = NEW(in->arena, struct digest);
    if (!take_digest(in, model, quant, out->digest, err)) return false;
    out->beside = NULL;
    out->own_knobs = NULL;
    out->folder = model->stored ? path : NULL;
    packed_take(in, model, runtime, out->digest);
    generate_usual(&out->knobs, out->digest, types);
    judge_buffers(m, in->catalog, in->arena, &out->knobs);
    out->task = (struct task){kind_of(how), out->digest, &out->knobs};
    if (!cost_writes_text(out->task.kind)) return take_own(in, how, out, err);
    take_generate(in, how, runtime, out);
    return true;
}

bool asked_task(const struct context *in, const struct asking *how, const struct machine *m,
                struct asked *out, struct mu_err *err)
{
    const struct workload *kind = kind_of(how);
    return kind->modelless ? take_modelless(in, how, kind, out, err)
                           : take_modelled(in, how, m, out, err);
}

bool asked_tensors(const struct context *in, const struct asked *asked, struct model *out,
                   struct mu_err *err)
{
    *out = *asked->model;
    if (out->tensors) return true;
    out->quant = asked->digest->quant;
    const struct tensors_asked wanted = {.shape = &out->shape,
                                         .mix = catalog_mix(in->catalog, str_of(out->quant)),
                                         .catalog = in->catalog};
    return model_tensors(&wanted, in->arena, &out->tensor, &out->tensors, err);
}

/* Another model than the task's own, whatever it is stored in. */
static bool set_model(const struct context *in, const struct knob *k, void *knobs,
                      const char *value, struct mu_err *err)
{
    struct model *model = NEW(in->arena, struct model);
    struct digest *digest = NEW(in->arena, struct digest);
    const struct digest *put = digest;
    const char *path;
    if (!open_asked(in, value, model, &path, err) ||
        !take_digest(in, model, model->tensors ? NULL : QUANT_PUBLISHED, digest, err))
        return err_add(err, "%s", k->name);
    memcpy((char *)knobs + k->offset, &put, POINTER_BYTES);
    return true;
}

bool asked_set(const struct context *in, struct asked *a, const char *name, const char *value,
               struct mu_err *err)
{
    void *knobs = a->own_knobs ? a->own_knobs : &a->knobs;
    const struct knob *k = knob_find(a->task.kind, str_of(name));
    if (k && k->kind == KNOB_MODEL) return set_model(in, k, knobs, value, err);
    return knob_set(a->task.kind, knobs, str_of(name), str_of(value), in->catalog, err);
}

const char *asked_words(const struct context *in, const struct asked *a)
{
    const struct workload *w = a->task.kind;
    if (!a->own_knobs) return a->digest->quant ? a->digest->quant : "";
    void *usual = arena_alloc(in->arena, w->size);
    w->usual(usual, a->digest, in->catalog);
    const char *text = "";
    for (size_t i = 0; i < w->knobs; i++) {
        const char *now = knob_text(&w->knob[i], a->own_knobs, in->arena);
        if (strcmp(now, knob_text(&w->knob[i], usual, in->arena)) == 0) continue;
        text = str_format(in->arena, "%s%s%s %s", text, *text ? ", " : "", w->knob[i].name, now);
    }
    return text;
}

void asked_settle(const struct context *in, struct asked *a)
{
    if (a->own_knobs) return;
    if (runtime_of(&a->knobs)->published) {
        packed_settle_dtype(in, a);
        a->digest->quant = dtype_name(&a->knobs);
        if (a->digest->packed_bytes > 0) a->digest->quant = packed_words(in, a);
        return;
    }
    const char *why = judge_repacking(a->digest, &a->knobs);
    if (why) fell_back(in->notes, "weights as the file has them (--no-repack)", why);
}

bool asked_on_host(struct asked *a, struct mu_err *err)
{
    if (a->knobs.runtime != (double)RUNTIME_LLAMA)
        return err_set(err, MU_USAGE, "a trial runs llama.cpp: leave --runtime out");
    if (a->knobs.gpu_layers != (double)KNOB_AUTO && a->knobs.gpu_layers != 0)
        return err_set(err, MU_USAGE,
                       "a trial runs on the CPU so far: leave --gpu-layers out, or give 0");
    a->knobs.gpu_layers = 0;
    return true;
}

static bool set_given(const struct request *q, const struct context *in, struct asked *a,
                      struct mu_err *err)
{
    const struct workload *w = a->task.kind;
    for (size_t i = 0; i < q->givens; i++)
        for (size_t k = 0; k < w->knobs; k++)
            if (strcmp(w->knob[k].name, q->given[i].name) == 0 &&
                !asked_set(in, a, q->given[i].name, q->given[i].value, err))
                return false;
    return true;
}

bool asked_knobs(const struct request *q, const struct context *in, struct asked *a,
                 struct mu_err *err)
{
    if (!set_given(q, in, a, err)) return false;
    if (a->own_knobs) return true;
    struct generate *g = &a->knobs;
    if (g->prompt_tokens > g->context_tokens) {
        if (request_text(q, "prompt_tokens"))
            return err_set(err, MU_USAGE,
                           "a prompt of %.0f tokens does not go into a context of %.0f; give --ctx",
                           g->prompt_tokens, g->context_tokens);
        g->prompt_tokens = g->context_tokens;
    }
    const double trained = a->digest->shape->context_tokens;
    if (trained > 0 && a->knobs.context_tokens > trained)
        note_add(in->notes, "%s was trained for %.0f tokens; %.0f are asked for", a->model->name,
                 trained, a->knobs.context_tokens);
    asked_settle(in, a);
    return true;
}
