/* A manifest of Ollama's store from bytes somebody else wrote: whatever it says, a digest it gives is 64 hexadecimal digits. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/stores.h"

enum { DIGITS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sound(const struct ollama_layer *layer)
{
    if (layer->digest &&
        (strlen(layer->digest) != DIGITS || strspn(layer->digest, "0123456789abcdef") != DIGITS))
        abort();
    if (!(layer->bytes >= 0 && layer->bytes <= 0x1p53)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct ollama_manifest m;
    struct mu_err err = {.code = MU_OK};
    if (ollama_manifest_read((struct str){(const char *)data, size}, "fuzz", a, &m, &err)) {
        const struct ollama_layer *const all[] = {&m.model,      &m.adapter,       &m.projector,
                                                  &m.parameters, &m.template_text, &m.config};
        for (size_t i = 0; i < COUNT_OF(all); i++) sound(all[i]);
        if (!m.model.digest) abort();
    } else if (err.code != MU_DATA || !err.text[0]) {
        abort();
    }
    arena_free(a);
    return 0;
}
