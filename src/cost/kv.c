/* The KV cache: every layer keeps a row of keys and a row of values for each cell of each stream; sliding-window layers have fewer
 * cells; multi-head latent attention keeps one latent row and no values. Left out: recurrent state. Checked on every truth row. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

#define LLAMA_KV "llama.cpp v0.5.0 src/llama-kv-cache.cpp"

static double row_bytes(const struct weight_type *type, double elements)
{
    return elements / type->block * type->block_bytes;
}

double llama_key_row_bytes(const struct digest *m, const struct generate *g)
{
    const struct shape *s = m->shape;
    if (s->latent.kv_rank > 0) return row_bytes(g->kv_type_k, s->latent.kv_rank + s->latent.rope);
    return row_bytes(g->kv_type_k, s->kv_heads * s->head_size);
}

double llama_value_row_bytes(const struct digest *m, const struct generate *g)
{
    const struct shape *s = m->shape;
    if (s->latent.kv_rank > 0) return 0;
    return row_bytes(g->kv_type_v, s->kv_heads * s->head_size);
}

static double window_layers_of(const struct digest *m)
{
    double layers = 0;
    for (size_t i = 0; i < m->kinds; i++)
        if (m->kind[i].window) layers += m->kind[i].layers;
    return layers;
}

void llama_kv_cache(struct bill *b, const struct digest *m, const struct generate *g,
                    const struct derived *d)
{
    if (m->shape->arch->encoder) return;
    GIVEN(b, window_layers, window_layers_of(m), "model, layers with a sliding window");
    LET(b, full_layers, m->shape->layers - window_layers);
    GIVEN(b, key_row_bytes, llama_key_row_bytes(m, g), "model and --kv-type-k, one cell");
    GIVEN(b, value_row_bytes, llama_value_row_bytes(m, g), "model and --kv-type-v, one cell");
    LET(b, all_cells, d->streams * d->cells);
    LET(b, all_window_cells, d->streams * d->window_cells);
    HOLD(b, ON_HOST, "KV cache", "kv", full_layers * all_cells * (key_row_bytes + value_row_bytes),
         LLAMA_KV);
    HOLD(b, ON_HOST, "KV cache, sliding window", "kv",
         window_layers * all_window_cells * (key_row_bytes + value_row_bytes), LLAMA_KV);
}
