/* What runs beside a model: files opened and held against it, summed for the bill, and said again in the command line. Adapters are held
 * against the model's own tensors, as llama.cpp does when it loads them; a draft model against its vocabulary (common/speculative.cpp).
 * Left out: several draft models, predictors of further tokens inside the model's own file, control vectors. */
#include "verb/beside_model.h"

#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/types.h"
#include "model/stores.h"

/* llama.cpp v0.5.0: common/speculative.cpp (SPEC_VOCAB_MAX_SIZE_DIFFERENCE), common/common.h (drafted at most, usual) */
static const double vocabulary_apart_most = 128, drafted_usual = 3;

/* ---- adapters */

static void add_pair(struct beside_adapters *sum, const struct adapted *pair)
{
    const struct tensor *w = pair->weight;
    if (w->layer < 0 && w->use == USE_LOOKUP)
        sum->lookup_bytes += pair->bytes;
    else if (w->layer < 0 || w->layer >= DIGEST_LAYERS)
        sum->output_bytes += pair->bytes;
    else if (w->use == USE_EXPERTS)
        sum->expert_bytes[w->layer] += pair->bytes;
    else
        sum->layer_bytes[w->layer] += pair->bytes;
}

/* Experts are computed for as many as are used at once. */
static double widest(const struct adapted *pair, const struct shape *s)
{
    const double times = pair->weight->use == USE_EXPERTS ? most(s->experts_used, 1) : 1;
    return times * (pair->rows + pair->rank);
}

/* A file, also one that another program keeps here (hf:org/name:FILE). */
static bool open_one(const struct context *in, const char *operand, enum attached_kind kind,
                     struct attached *out, struct mu_err *err)
{
    const char *path = NULL;
    if (!stores_operand(operand, in->env, in->arena, &path, err) ||
        !attached_open(path, kind, in->catalog, in->arena, out, err))
        return false;
    if (out->missing_bytes > 0)
        note_add(in->notes, "%s: %s of weights are missing; it is sized all the same",
                 str_visible(in->arena, str_of(path)), units_bytes(in->arena, out->missing_bytes));
    return true;
}

static bool add_adapters(const struct context *in, const char *const *path, size_t paths,
                         const struct asked *asked, struct beside_model *t, struct mu_err *err)
{
    struct model *model = NEW(in->arena, struct model);
    if (!paths) return true;
    if (!asked_tensors(in, asked, model, err)) return false;
    for (size_t i = 0; i < paths; i++) {
        struct attached *x = &t->adapter[i];
        const struct adapted *pair = NULL;
        size_t pairs = 0;
        if (!open_one(in, path[i], ATTACHED_ADAPTER, x, err) ||
            !attached_pairs(x, model, in->catalog, in->arena, &pair, &pairs, err))
            return false;
        x->bytes = 0; /* norms among its tensors are not loaded */
        for (size_t k = 0; k < pairs; k++) {
            x->bytes += pair[k].bytes;
            add_pair(&t->summed, &pair[k]);
            double *const values = pair[k].weight->use == USE_OUTPUT ? &t->summed.output_values
                                                                     : &t->summed.widest_values;
            *values = most(*values, widest(&pair[k], &model->shape));
        }
    }
    t->adapters = paths;
    t->held.adapters = &t->summed;
    return true;
}

/* ---- the projector and the draft model */

static bool add_projector(const struct context *in, const char *path, struct beside_model *t,
                          struct mu_err *err)
{
    if (!path) return true;
    if (!open_one(in, path, ATTACHED_PROJECTOR, &t->projector, err)) return false;
    t->projects = true;
    t->held.projector_bytes = t->projector.bytes;
    return true;
}

static bool add_draft(const struct context *in, const char *operand, const struct machine *m,
                      struct asked *asked, struct beside_model *t, struct mu_err *err)
{
    struct asked *draft = NEW(in->arena, struct asked);
    struct bill *bill = NEW(in->arena, struct bill);
    if (!operand) return true;
    if (!asked_generate(in, operand, NULL, m, draft, err))
        return err_add(err, "the draft model was asked for with --draft");
    cost_bill(&draft->task, &split_host, bill);
    if (bill->unruled)
        return err_set(err, MU_DATA, "cannot size the draft model %s: %s", draft->model->name,
                       bill->unruled);
    const double mine = draft->digest->shape->vocabulary;
    const double its = asked->digest->shape->vocabulary;
    if (fabs(mine - its) > vocabulary_apart_most)
        return err_set(err, MU_DATA,
                       "%s cannot draft for %s: llama.cpp refuses vocabularies that are more than "
                       "%.0f tokens apart, and theirs have %.0f and %.0f",
                       draft->model->name, asked->model->name, vocabulary_apart_most, mine, its);
    t->draft = draft;
    t->held.draft = draft->digest;
    t->held.draft_cache = draft->knobs.kv_type_k;
    struct generate *g = &asked->knobs;
    if (g->outputs_max == (double)OUTPUTS_AS_SEQUENCES)
        g->outputs_max = g->sequences * (1 + drafted_usual); /* a row for each that is verified */
    return true;
}

bool asked_beside(const struct request *q, const struct context *in, const struct machine *m,
                  struct asked *asked, struct mu_err *err)
{
    const char *lora[ADAPTERS_MOST + 1];
    const size_t loras = request_texts(q, "lora", lora, ADAPTERS_MOST + 1);
    const char *projector = request_text(q, "mmproj"), *draft = request_text(q, "draft");
    asked->beside = NULL;
    if (!loras && !projector && !draft) return true;
    if (loras > ADAPTERS_MOST)
        return err_set(err, MU_USAGE, "at most %d adapters (--lora) are taken", ADAPTERS_MOST);
    struct beside_model *t = NEW(in->arena, struct beside_model);
    if (!add_adapters(in, lora, loras, asked, t, err) || !add_projector(in, projector, t, err) ||
        !add_draft(in, draft, m, asked, t, err))
        return false;
    asked->beside = t;
    asked->knobs.beside = &t->held;
    return true;
}

/* ---- what is said of it */

void note_beside(const struct context *in, const struct placed *p)
{
    const struct beside_model *t = p->asked->beside;
    if (!t) return;
    if (p->verdict->bill.unruled)
        note_add(in->notes, "what runs beside the model is not counted: the model has no bill");
    if (t->adapters)
        note_add(in->notes, "speed is that of the model alone: adapters add work to each token");
    if (t->projects)
        note_add(in->notes, "what the projector computes with depends on the picture and is not "
                            "counted: leave some hundred MiB");
    if (t->draft)
        note_add(in->notes,
                 "speed is without the draft model: how many of its tokens are accepted depends "
                 "on the text");
    if (t->draft && p->verdict->split.sites > 1)
        note_add(in->notes, "the draft model lies on %s as a whole (-devd, -ngld)",
                 place_called(p->machine, p->verdict->site[1].place, in->arena));
}

void beside_command(const struct beside_model *t, const char *device, struct arena *a,
                    struct buf *line)
{
    if (!t) return;
    for (size_t i = 0; i < t->adapters; i++)
        buf_format(line, " --lora %s", shell_word(t->adapter[i].path, a));
    if (t->projects) buf_format(line, " --mmproj %s", shell_word(t->projector.path, a));
    if (!t->draft) return;
    const char *file = t->draft->file ? t->draft->file : "DRAFT.gguf";
    buf_format(line, " -md %s --spec-type draft-simple", shell_word(file, a));
    if (device) buf_format(line, " -devd %s -ngld all", device);
}

static void write_file(struct writer *w, const char *kind, const char *name, double bytes)
{
    writer_map(w);
    writer_put_cstr(w, "kind", kind);
    writer_put_cstr(w, "name", name);
    writer_put_number(w, "weight_bytes", bytes);
    writer_map_end(w);
}

void write_beside(struct writer *w, const struct beside_model *t)
{
    writer_key(w, "beside");
    writer_list(w);
    for (size_t i = 0; t && i < t->adapters; i++)
        write_file(w, "lora", t->adapter[i].path, t->adapter[i].bytes);
    if (t && t->projects) write_file(w, "mmproj", t->projector.path, t->projector.bytes);
    if (t && t->draft)
        write_file(w, "draft", t->draft->model->name, t->draft->digest->weight_bytes);
    writer_list_end(w);
}
