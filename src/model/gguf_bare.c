/* model/gguf_bare.c - a file's own metadata in front of its tensors, without the vocabulary: that is most of a header's bytes and nearly
 * all of the time it takes to load one, and decides nothing but the size of the logits. Everything else is copied as it stands, so that
 * llama.cpp sees the model's own figures, also those we have no name for.
 *
 * Dropped beside: the marks of a split file, since the tensors of all parts come behind one header, and an alignment of its own. */
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/types.h"
#include "model/gguf.h"
#include "model/gguf_keys.h"
#include "model/gguf_write.h"

#define DATA_MOST_BYTES 9007199254740992.0 /* 2^53 */
enum { VERSION = 3, TEXT_KIND = 8, U32_KIND = 4, HEADER_MOST_BYTES = 64 << 20 };

struct keeping {
    const struct gguf *of; /* being read: its architecture is known before the first pair */
    struct buf pairs;
    uint64_t count;
};

/* "<architecture>.vocab_size", which is written anew */
static bool is_size(const struct gguf *g, struct str key)
{
    return str_starts(key, g->architecture) &&
           str_is((struct str){key.p + g->architecture.n, key.n - g->architecture.n},
                  ".vocab_size");
}

static void keep(void *to, struct str key, struct str bytes)
{
    struct keeping *k = to;
    const bool vocabulary =
        str_starts(key, S("tokenizer.")) && !str_is(key, "tokenizer.ggml.token_type_count");
    if (vocabulary || str_starts(key, S("split.")) || str_is(key, "general.alignment") ||
        is_size(k->of, key))
        return;
    buf_add(&k->pairs, bytes);
    k->count++;
}

static void put_vocabulary(struct keeping *k, const struct gguf *g, double entries)
{
    bytes_text(&k->pairs, S("tokenizer.ggml.model"));
    bytes_u32(&k->pairs, TEXT_KIND);
    bytes_text(&k->pairs, S("no_vocab"));
    bytes_u64(&k->pairs, g->architecture.n + sizeof ".vocab_size" - 1);
    buf_add(&k->pairs, g->architecture);
    buf_add(&k->pairs, S(".vocab_size"));
    bytes_u32(&k->pairs, U32_KIND);
    bytes_u32(&k->pairs, (uint32_t)entries);
    k->count += 2;
}

/* Figures that the header of a file may claim, but that no file has. */
static bool possible(const struct model *m, const struct weight_type *types, struct mu_err *err)
{
    double bytes = 0;
    for (size_t i = 0; i < m->tensors; i++)
        bytes += tensor_bytes(&m->tensor[i], types) + GGUF_ALIGNMENT;
    return (bytes <= DATA_MOST_BYTES && m->shape.vocabulary <= UINT32_MAX) ||
           err_set(err, MU_DATA, "the weights or the vocabulary of %s are impossibly large",
                   m->name);
}

bool gguf_bare(struct str header, const struct model *m, const struct catalog *c, struct arena *a,
               struct gguf_written *out, struct mu_err *err)
{
    struct gguf g = {.file = NULL};
    struct keeping k = {.of = &g};
    const struct gguf_source from = {.bytes = header,
                                     .file_bytes = header.n,
                                     .name = m->name,
                                     .types = catalog_types(c, err),
                                     .pair = keep,
                                     .to = &k};
    double data_bytes = 0;
    struct buf b;
    buf_init(&k.pairs, HEADER_MOST_BYTES);
    buf_init(&b, (size_t)2 * HEADER_MOST_BYTES);
    bool good = from.types && possible(m, from.types, err) && gguf_read(&from, a, &g, err);
    if (good) {
        put_vocabulary(&k, &g, m->shape.vocabulary);
        buf_add(&b, S("GGUF"));
        bytes_u32(&b, VERSION);
        bytes_u64(&b, m->tensors);
        bytes_u64(&b, k.count);
        buf_add(&b, buf_text(&k.pairs));
        gguf_infos(&b, m, from.types, &data_bytes);
        buf_fill(&b, '\0', (GGUF_ALIGNMENT - b.n % GGUF_ALIGNMENT) % GGUF_ALIGNMENT);
        if (k.pairs.over || b.over)
            good = err_set(err, MU_NO, "the GGUF header of %s is too large", m->name);
        out->header = (struct str){str_copy(a, buf_text(&b)), b.n};
        out->file_bytes = (double)b.n + data_bytes;
    }
    buf_release(&k.pairs);
    buf_release(&b);
    return good;
}
