/* model/gguf_write.c - metadata, tensor infos and the padding behind them, as the GGUF specification (version 3) lays them out: each
 * tensor begins on a multiple of 32 bytes behind the header, in the order of the model's list.
 *
 * Left out: the data, split files, and everything that general.* and tokenizer.* can say about where a model comes from. */
#include "model/gguf_write.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "catalog/types.h"
#include "model/gguf_keys.h"

#include <string.h>

enum { VERSION = 3, PAIRS_AT = 16, DIMENSIONS = 4, MOSTLY_F16 = 1 };
enum { HEADER_MOST_BYTES = 256 << 20 };

/* Of the mix by name; llama.cpp only prints it. */
static uint32_t file_type(const struct gguf_asked *asked)
{
    const char *quant = asked->model->quant;
    const struct mix *mix = quant ? catalog_mix(asked->catalog, str_of(quant)) : NULL;
    return mix ? mix->file_type : MOSTLY_F16;
}

static uint32_t dimensions(const struct tensor *t)
{
    uint32_t n = DIMENSIONS;
    while (n > 1 && t->dims[n - 1] <= 1) n--;
    return n;
}

void gguf_infos(struct buf *to, const struct model *m, const struct weight_type *types, double *end)
{
    *end = 0;
    for (size_t i = 0; i < m->tensors; i++) {
        const struct tensor *t = &m->tensor[i];
        bytes_text(to, t->name);
        bytes_u32(to, dimensions(t));
        for (uint32_t k = 0; k < dimensions(t); k++) bytes_u64(to, t->dims[k]);
        bytes_u32(to, t->type);
        bytes_u64(to, (uint64_t)*end);
        *end = pad_to(*end + tensor_bytes(t, types), GGUF_ALIGNMENT);
    }
}

bool gguf_write(const struct gguf_asked *asked, struct arena *a, struct gguf_written *out,
                struct mu_err *err)
{
    const struct model *m = asked->model;
    const struct weight_type *types = catalog_types(asked->catalog, err);
    if (!types) return false;
    struct buf b;
    buf_init(&b, HEADER_MOST_BYTES);
    struct gguf_pairs pairs = {.to = &b};
    buf_add(&b, S("GGUF"));
    bytes_u32(&b, VERSION);
    bytes_u64(&b, m->tensors);
    bytes_u64(&b, 0);
    bool written = gguf_keys(&pairs, m, file_type(asked), err);
    if (written) {
        double data_bytes = 0;
        gguf_vocabulary(&pairs, &m->shape, asked->bare);
        gguf_infos(&b, m, types, &data_bytes);
        buf_fill(&b, '\0', (GGUF_ALIGNMENT - b.n % GGUF_ALIGNMENT) % GGUF_ALIGNMENT);
        if (b.over) written = err_set(err, MU_NO, "the GGUF header of %s is too large", m->name);
        for (size_t i = 0; i < sizeof pairs.count; i++)
            b.p[PAIRS_AT + i] = (char)(pairs.count >> (8 * i) & 0xff);
        out->header = (struct str){str_copy(a, buf_text(&b)), b.n};
        out->file_bytes = (double)b.n + data_bytes;
    }
    buf_release(&b);
    return written;
}
