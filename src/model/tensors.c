/* model/tensors.c - every tensor of a shape under a mix, by name: the outline of each layer with the type the mix gives it. For tests,
 * for writing files, and to hold the digest against. Costs use the digest, which never makes this list. */
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "model/mixing.h"

#include <string.h>

struct making {
    struct mixing mixing;
    struct arena *a;
    struct tensor *tensor;
    size_t n;
};

static bool make(struct making *k, const struct outline *list, size_t count, int layer)
{
    for (size_t i = 0; i < count; i++) {
        const struct weight_type *type = mixing_type(&k->mixing, &list[i], layer);
        if (!type) return false;
        const char *name =
            layer < 0 ? list[i].name : str_format(k->a, "blk.%d.%s", layer, list[i].name);
        k->tensor[k->n++] =
            (struct tensor){.name = str_of(name),
                            .dims = {list[i].dims[0], list[i].dims[1], list[i].dims[2], 1},
                            .type = type->id,
                            .layer = layer,
                            .use = list[i].use,
                            .class_ = list[i].class_};
    }
    return true;
}

bool model_tensors(const struct tensors_asked *asked, struct arena *a, const struct tensor **out,
                   size_t *count, struct mu_err *err)
{
    const struct shape *s = asked->shape;
    if (s->unruled)
        return err_set(err, MU_NO, "cannot list the tensors of a model: %s", s->unruled);
    struct making k = {.a = a};
    if (!mixing_begin(&k.mixing, s, asked->mix, asked->catalog))
        return err_set(err, MU_DATA, "cannot list the tensors of a model: no table of types");
    const size_t layers = (size_t)s->layers;
    k.tensor = NEW_ARRAY(a, struct tensor, (layers + 1) * OUTLINE_MOST);
    struct outline list[OUTLINE_MOST];
    bool made = make(&k, list, outline_outside(s, list), -1);
    for (size_t i = 0; made && i < layers; i++)
        made = make(&k, list, outline_layer(s, shape_layer(s, (double)i), list), (int)i);
    if (!made)
        return err_set(err, MU_NO, "cannot make %s of this model: %s", asked->mix->name,
                       k.mixing.unruled);
    *out = k.tensor;
    *count = k.n;
    return true;
}

double tensor_bytes(const struct tensor *t, const struct weight_type *types)
{
    const struct weight_type *type = &types[t->type];
    const double elements =
        (double)t->dims[0] * (double)t->dims[1] * (double)t->dims[2] * (double)t->dims[3];
    return elements / type->block * type->block_bytes;
}
