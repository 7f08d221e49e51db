/* An adapter or a projector from bytes somebody else wrote, held against a model of the catalogue. */
#include "base/arena.h"
#include "base/err.h"
#include "catalog/parts.h"
#include "model/attached.h"

#include <stdlib.h>

static const struct model *some_model(const struct catalog *c, struct arena *a)
{
    static struct model m;
    struct mu_err err = {.code = MU_OK};
    const struct model_part *part = NULL;
    if (m.tensors) return &m;
    if (catalog_model(c, S("TinyLlama/TinyLlama-1.1B-Chat-v1.0"), &part, NULL) == MATCH_NONE)
        abort();
    m.name = part->hf_id;
    shape_from_part(part, c, a, &m.shape);
    const struct tensors_asked asked = {&m.shape, catalog_mix(c, S("Q4_K_M")), c};
    if (!model_tensors(&asked, a, &m.tensor, &m.tensors, &err)) abort();
    return &m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog;
    static struct arena *kept;
    if (!kept) kept = arena_new(ARENA_USUAL_BYTES);
    if (!catalog) catalog = catalog_open(NULL, kept);
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    for (int kind = 0; kind < ATTACHED_KINDS; kind++) {
        struct attached x;
        const struct adapted *pair = NULL;
        size_t pairs = 0;
        struct mu_err err = {.code = MU_OK};
        if (!attached_from_bytes((struct str){(const char *)data, size}, (uint64_t)1 << 50, "fuzz",
                                 (enum attached_kind)kind, catalog, a, &x, &err))
            continue;
        if (!x.tensors || !(x.bytes > 0)) abort();
        if (!attached_pairs(&x, some_model(catalog, kept), catalog, a, &pair, &pairs, &err))
            continue;
        for (size_t i = 0; i < pairs; i++)
            if (!pair[i].weight || !(pair[i].bytes > 0) || !(pair[i].rank > 0)) abort();
    }
    arena_free(a);
    return 0;
}
