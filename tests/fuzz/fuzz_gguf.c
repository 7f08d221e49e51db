/* A GGUF header from bytes somebody else wrote, and all that is made of it. */
#include "base/arena.h"
#include "base/err.h"
#include "model/digest.h"
#include "model/gguf_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog;
    if (!catalog) catalog = catalog_open(NULL, arena_new(ARENA_USUAL_BYTES));
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct model m;
    struct digest d;
    struct mu_err err = {.code = MU_OK};
    /* as a file with a hole behind the header, so that what is read of a header does not need its weights */
    if (model_from_gguf_bytes((struct str){(const char *)data, size}, (uint64_t)1 << 50, "fuzz",
                              catalog, a, &m, &err)) {
        digest_of_model(&m, catalog, &d);
        /* its header without the vocabulary is that of the same tensors */
        struct gguf_written w;
        struct model bare;
        const struct str header = {(const char *)data, size};
        if (gguf_bare(header, &m, catalog, a, &w, &err) &&
            (!model_from_gguf_bytes(w.header, (uint64_t)w.file_bytes, "bare", catalog, a, &bare,
                                    &err) ||
             bare.tensors != m.tensors || bare.missing_bytes > 0))
            abort();
        digest_of_shape(&m.shape, catalog_mix(catalog, S("Q4_K_M")), catalog, &d);
    }
    arena_free(a);
    return 0;
}
