/* A safetensors header, then the same bytes as an index of shards. */
#include "base/arena.h"
#include "base/err.h"
#include "model/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hf_quantization q = {.method = "gptq", .bits = 4, .group_size = 128};
    const struct str bytes = {(const char *)data, size};
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct stored s;
    const char *const *file = NULL;
    size_t files = 0;
    double tensors, total;
    struct mu_err err = {.code = MU_OK}, other = {.code = MU_OK};
    /* the sums are those of the file: nothing is counted that does not lie in it or is missing from it */
    if (stored_from_bytes(bytes, size, "fuzz", &q, a, &s, &err) &&
        (s.bytes > s.file_bytes || s.file_bytes - s.missing_bytes != (double)size))
        abort();
    if (stored_index_read(bytes, "fuzz", a, &file, &files, &tensors, &total, &other) &&
        (!files || (double)files > tensors))
        abort();
    arena_free(a);
    return 0;
}
