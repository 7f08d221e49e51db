/* The largest model of the same family that fits as this one was asked for: the same mix or dtype, knobs and machine. By the bill's
 * closed form, so of those that surely fit by it. Left out: models of a file, whose family nobody knows. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/parts.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/fit.h"

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static const struct mix *mix_of(const struct context *in, const struct fit *f)
{
    const bool published = runtime_of(&f->asked.knobs)->published;
    const char *quant = published ? "F16" : f->asked.digest->quant;
    return quant ? catalog_mix(in->catalog, str_of(quant)) : NULL;
}

static bool fits(const struct context *in, const struct fit *f, const struct world *w,
                 const struct model_part *part)
{
    struct shape *shape = NEW(in->arena, struct shape);
    struct digest *digest = NEW(in->arena, struct digest);
    struct verdict *v = NEW(in->arena, struct verdict);
    struct generate g = f->asked.knobs;
    const struct task t = {f->asked.task.kind, digest, &g};
    shape_from_part(part, in->catalog, in->arena, shape);
    digest_of_shape(shape, mix_of(in, f), in->catalog, digest);
    if (digest->unruled || (shape->context_tokens > 0 && shape->context_tokens < g.context_tokens))
        return false;
    g.closed_form = true;
    (void)judge_repacking(digest, &g);
    judge_task(&t, f->machine, w, v);
    return v->fits == FITS;
}

const char *fit_largest_of_family(const struct context *in, const struct fit *f,
                                  const struct world *w)
{
    const struct model_part *part, *own, *best = NULL;
    size_t parts;
    struct mu_err err = {.code = MU_OK};
    if (f->asked.file || !mix_of(in, f) || !catalog_models(in->catalog, &part, &parts, &err))
        return NULL;
    if (catalog_model(in->catalog, str_of(f->asked.digest->name), &own, NULL) == MATCH_NONE)
        return NULL;
    for (size_t i = 0; i < parts; i++) {
        if (!same(part[i].family, own->family) || !same(part[i].task, own->task)) continue;
        if (best && !(part[i].params_total > best->params_total)) continue;
        if (fits(in, f, w, &part[i])) best = &part[i];
    }
    return best ? best->hf_id : NULL;
}
