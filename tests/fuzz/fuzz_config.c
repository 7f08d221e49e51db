/* A config.json from bytes somebody else wrote, and what is computed from the shape it makes. */
#include "base/arena.h"
#include "base/err.h"
#include "model/digest.h"
#include "model/hf_config.h"
#include "model/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog;
    if (!catalog) catalog = catalog_open(NULL, arena_new(ARENA_USUAL_BYTES));
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct hf_config config;
    struct digest d;
    struct mu_err err = {.code = MU_OK};
    if (hf_config_read((struct str){(const char *)data, size}, "fuzz", catalog, a, &config, &err)) {
        const bool heads = config.shape.head_size > 0 || !shape_attends(&config.shape);
        if (!config.shape.unruled && !(config.shape.layers > 0 && heads)) abort();
        if (!(config.parameters >= 0 && config.parameters < 0x1p53)) abort();
        stored_quantisation(&config.quantization, a);
        digest_of_shape(&config.shape, catalog_mix(catalog, S("Q4_K_M")), catalog, &d);
        if (!d.unruled && !(d.weight_bytes > 0)) abort();
    }
    arena_free(a);
    return 0;
}
