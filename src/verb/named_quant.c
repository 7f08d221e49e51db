/* verb/named_quant.c - a quantisation that stands behind a model's name, as other programs write it: NAME:Q8_0, NAME-Q8_0, Ollama's
 * name:7b-instruct-q8_0. Only where the whole is neither a file, nor a name of a hub's or registry's, nor one of the catalogue, and what
 * stands before it is in the catalogue or a size. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "model/remote.h"
#include "verb/common.h"
#include "verb/nominal.h"

static bool is_known(const struct context *in, const char *name)
{
    const struct model_part *part;
    double params;
    return params_parse(name, (double)NAN, &params) ||
           catalog_model(in->catalog, str_of(name), &part, NULL) != MATCH_NONE;
}

bool named_quant(const struct context *in, const char **operand, const char **quant)
{
    const char *whole = *operand;
    if (remote_is_name(whole) || access(whole, F_OK) == 0 || is_known(in, whole)) return false;
    const char *at = strpbrk(whole, ":-.");
    for (; at; at = strpbrk(at + 1, ":-.")) {
        const struct mix *mix = catalog_mix(in->catalog, str_of(at + 1));
        const char *name = str_copy(in->arena, (struct str){whole, (size_t)(at - whole)});
        if (!mix || !is_known(in, name)) continue;
        *operand = name;
        *quant = mix->name;
        return true;
    }
    return false;
}

bool named_quant_agreed(const struct context *in, const char **operand, const char **quant,
                        struct mu_err *err)
{
    const char *asked = *quant, *named = NULL;
    if (!named_quant(in, operand, &named)) return true;
    const struct mix *mix = asked ? catalog_mix(in->catalog, str_of(asked)) : NULL;
    *quant = named;
    return !asked || (mix && strcmp(mix->name, named) == 0) ||
           err_set(err, MU_USAGE, "the model is named with %s, but --quant says %s", named,
                   str_visible(in->arena, str_of(asked)));
}
