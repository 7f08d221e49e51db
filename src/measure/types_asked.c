/* measure/types_asked.c - which types of weights are measured: those that most files people run are made of, in about the order of how
 * often one meets them; a full measurement adds every other type of the catalogue's mixes.
 *
 * F32 is among them because routers and small matrices stay so. What is left out has no rate, and its speed comes from the bandwidth. */
#include "measure/types_asked.h"

#include "base/str.h"
#include "catalog/types.h"

static const char *const usual[] = {"Q4_K", "Q6_K",  "Q8_0",   "F16",  "Q5_K",
                                    "F32",  "Q4_0",  "Q5_0",   "Q5_1", "BF16",
                                    "Q3_K", "MXFP4", "IQ4_XS", "Q2_K", "IQ4_NL"};

static size_t add(const struct weight_type *type, double *id, size_t count)
{
    if (!type) return count;
    for (size_t i = 0; i < count; i++)
        if (id[i] == type->id) return count;
    id[count] = type->id;
    return count + 1;
}

static size_t add_mixes(const struct catalog *c, double *id, size_t count)
{
    const struct mix *mix;
    size_t mixes;
    if (!catalog_mixes(c, &mix, &mixes, NULL)) return count;
    for (size_t i = 0; i < mixes; i++) {
        count = add(mix[i].base, id, count);
        for (size_t k = 0; k < CLASS_COUNT; k++)
            for (size_t r = 0; r < mix[i].rules[k].count; r++)
                count = add(mix[i].rules[k].rule[r].type, id, count);
    }
    return count;
}

size_t measure_types(const struct catalog *c, enum measure_length length, double *id)
{
    size_t count = 0;
    for (size_t i = 0; c && i < COUNT_OF(usual); i++)
        count = add(catalog_type(c, str_of(usual[i])), id, count);
    return c && length == MEASURE_FULL ? add_mixes(c, id, count) : count;
}
