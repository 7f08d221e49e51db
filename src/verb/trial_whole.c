/* A whole model for the trials that have no use for a cut: the workloads whose result is the model's own figures.
 *
 * A model of the catalogue has no file: all its layers are then laid out in memory with random weights, which the engine fills, and the
 * answer says "synthetic weights". What it needs is the bill of the same task that `fit` shows, and for a synthetic one its file too. */
#include "verb/trial_whole.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/types.h"
#include "measure/trial_cut.h"
#include "model/digest.h"
#include "model/model.h"

static const double lock_wait_s = 300; /* for another trial to end */

/* The tensors of a model known by its shape, as its digest has them. */
static bool lay_out(struct trial_whole *t, const struct context *in, struct mu_err *err)
{
    struct model *m = NEW(in->arena, struct model);
    if (!asked_tensors(in, &t->asked, m, err))
        return err_add(err, "making %s without its file", t->asked.model->name);
    t->asked.model = m;
    for (size_t i = 0; i < m->tensors; i++)
        t->memory_bytes += tensor_bytes(&m->tensor[i], t->asked.digest->types);
    return true;
}

bool trial_whole_open(const struct request *q, const struct context *in, struct trial_whole *out,
                      struct mu_err *err)
{
    struct subject s;
    if (!subject_machine(q, in, &s, err)) return false;
    if (!s.machine->here)
        return err_set(err, MU_USAGE, "a trial runs here: leave --machine and --root out");
    subject_checked(in, &s);
    *out = (struct trial_whole){.machine = s.machine,
                                .open_file = -1,
                                .threads =
                                    most(floor(known_or(machine_cpu(s.machine)->threads, 1)), 1),
                                .how = subject_measuring(in, &s)};
    out->how.lock_wait_s = lock_wait_s;
    struct asked *asked = &out->asked; /* its task points into it: it is never copied */
    if (!asked_generate(in, q->operand[0], request_text(q, "quant"), s.machine, asked, err) ||
        !asked_knobs(q, in, asked, err) || !asked_on_host(asked, err))
        return false;
    out->file = asked->file;
    if (asked->model->missing_bytes > 0)
        return err_set(err, MU_DATA, "%s of the weights of %s are missing, so it cannot be run",
                       units_bytes(in->arena, asked->model->missing_bytes),
                       str_visible(in->arena, str_of(q->operand[0])));
    return out->file || lay_out(out, in, err);
}

bool trial_whole_fits(struct trial_whole *t, const struct context *in, double more_bytes,
                      const char **why, struct mu_err *err)
{
    struct verdict *v = NEW(in->arena, struct verdict);
    struct world world;
    if (!judge_world(in->catalog, in->arena, &world, err)) return false;
    judge_task(&t->asked.task, t->machine, &world, v);
    const bool computed = !v->bill.unruled;
    /* where nothing is computed the weights alone must fit */
    const double task_bytes = computed ? verdict_needs(v) : t->asked.digest->weight_bytes;
    t->needed_bytes = task_bytes + t->memory_bytes + more_bytes;
    t->usable_bytes = known_or(machine_memory(t->machine)->usable_bytes, (double)NAN);
    t->predicted_bytes = computed ? t->needed_bytes : (double)NAN;
    *why = NULL;
    if (t->needed_bytes > t->usable_bytes)
        *why = str_format(in->arena, "it needs %s of memory%s, and %s can be used here",
                          units_bytes(in->arena, t->needed_bytes),
                          t->file ? "" : " with its synthetic weights",
                          units_bytes(in->arena, t->usable_bytes));
    return true;
}

bool trial_whole_make(struct trial_whole *t, const struct context *in, struct mu_err *err)
{
    if (t->file) return true;
    struct trial_cut *cut = NEW(in->arena, struct trial_cut);
    if (!trial_cut_make(t->asked.model, t->asked.model->shape.layers, in->catalog, in->arena, cut,
                        err) ||
        !trial_cut_open(cut, in->catalog, in->arena, err))
        return false;
    t->open_file = cut->file;
    note_add(in->notes,
             "synthetic weights: %s is not on this disk, so random figures stand for "
             "its own; sizes and speeds are the real ones",
             t->asked.model->name);
    return true;
}

void trial_whole_close(struct trial_whole *t)
{
    struct trial_cut cut = {.file = t->open_file};
    trial_cut_close(&cut);
    t->open_file = -1;
}
