/* The KV cache: every layer keeps a row of keys and a row of values for each cell of each stream; sliding-window layers have fewer
 * cells; multi-head latent attention keeps one latent row and no values, beside the keys of an indexer; layers that recur keep a state of
 * each sequence; compressed attention keeps a window, and one row of several cells behind it. Checked on every truth row. */
#include "base/num.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/llama.h"
#include "model/digest.h"

#define LLAMA_COMPRESSED "llama.cpp v0.5.0 src/llama-kv-cache-dsv4.cpp"
#define LLAMA_KV "llama.cpp v0.5.0 src/llama-kv-cache.cpp"

static double row_bytes(const struct weight_type *type, double elements)
{
    return elements / type->block * type->block_bytes;
}

static double row_width(const struct shape *s, bool window)
{
    return shape_kv_heads(s, window) * shape_head_size(s, window);
}

double llama_key_row_bytes(const struct digest *m, const struct generate *g, bool window)
{
    const struct shape *s = m->shape;
    if (s->latent.kv_rank > 0) return row_bytes(g->kv_type_k, s->latent.kv_rank + s->latent.rope);
    return row_bytes(g->kv_type_k, row_width(s, window));
}

double llama_value_row_bytes(const struct digest *m, const struct generate *g, bool window)
{
    const struct shape *s = m->shape;
    if (s->latent.kv_rank > 0 || s->compressed.groups > 0) return 0;
    /* Stored turned, as without flash attention, all layers have the widest rows. */
    if (g->flash_attention == (double)FLASH_OFF)
        return row_bytes(g->kv_type_v, most(row_width(s, false), row_width(s, true)));
    return row_bytes(g->kv_type_v, row_width(s, window));
}

/* One tensor of a layer: rows of a quantised type are padded behind the last of them on a device. */
static double cache_bytes(const struct weight_type *type, double row_bytes_, double cells,
                          const struct site_rules *r)
{
    if (!(row_bytes_ > 0)) return 0;
    const double row = row_bytes_ / type->block_bytes * type->block;
    const double over = r->row_multiple > 0 ? fmod(row, r->row_multiple) : 0;
    const double missing = type->block > 1 && over > 0 ? r->row_multiple - over : 0;
    return pad_to(row_bytes_ * cells + row_bytes(type, missing), r->alignment_bytes);
}

static double layer_bytes(const struct llama *l, double cells, bool window,
                          const struct site_rules *r)
{
    return cache_bytes(l->g->kv_type_k, llama_key_row_bytes(l->m, l->g, window), cells, r) +
           cache_bytes(l->g->kv_type_v, llama_value_row_bytes(l->m, l->g, window), cells, r);
}

/* Keys of the indexer alone, of a type like the others. */
double llama_index_row_bytes(const struct digest *m, const struct generate *g)
{
    const struct shape *s = m->shape;
    return s->indexer.heads > 0 ? row_bytes(g->kv_type_k, s->indexer.head_size) : 0;
}

static void index_cache(struct bill *b, const struct llama *l, int site)
{
    const double row = llama_index_row_bytes(l->m, l->g), cells = l->d->streams * l->d->cells;
    if (!(row > 0)) return;
    const struct site_rules *r = split_rules(l->spread->split, site);
    GIVEN(b, indexed_layers, l->spread->caches[site][CACHE_WHOLE], "model");
    GIVEN(b, layer_index_bytes, cache_bytes(l->g->kv_type_k, row, cells, r),
          "a key of the indexer for each cell, as the backend aligns tensors");
    HOLD(b, site, "KV cache, indexer", "kv", indexed_layers * layer_index_bytes,
         "llama.cpp v0.5.0 src/llama-kv-cache-dsa.cpp");
}

struct compressed_cells llama_compressed_cells(const struct llama *l)
{
    const double step = 256, cells = l->d->cells;
    const double seen = l->m->shape->window_tokens + l->d->ubatch_tokens;
    return (struct compressed_cells){
        .window = least(cells, pad_to(least(cells, seen), step)),
        .fine = pad_to(ceil(cells / FINE_RATIO), step),
        .coarse = pad_to(ceil(cells / COARSE_RATIO), step),
    };
}

/* Keys and values are one row. What becomes one cell is gathered in 32-bit rows, of keys and of scores: the fine ones overlap. Each
 * sequence has caches of its own even where others share theirs. */
static void compressed_caches(struct bill *b, const struct llama *l, int site)
{
    const struct shape *s = l->m->shape;
    const struct compressed_cells cells = llama_compressed_cells(l);
    const double *layers = l->spread->caches[site];
    if (!(s->compressed.groups > 0)) return;
    GIVEN(b, sequences, l->g->sequences, "--parallel");
    GIVEN(b, bare_layers, layers[CACHE_BARE], "model");
    GIVEN(b, fine_layers, layers[CACHE_FINE], "model");
    GIVEN(b, coarse_layers, layers[CACHE_COARSE], "model");
    GIVEN(b, row, llama_key_row_bytes(l->m, l->g, true), "model and --kv-type-k, one cell");
    GIVEN(b, index_row, llama_index_row_bytes(l->m, l->g), "model, a key of the indexer");
    GIVEN(b, window, cells.window, "model and --ubatch, cells");
    GIVEN(b, fine_cells, cells.fine, "--ctx");
    GIVEN(b, coarse_cells, cells.coarse, "--ctx");
    GIVEN(b, fine_state, 2 * 2 * FINE_RATIO * 2 * (s->head_size + s->indexer.head_size), "model");
    GIVEN(b, coarse_state, 2 * COARSE_RATIO * s->head_size, "model");
    HOLD(b, site, "KV cache, windows", "kv",
         sequences * (bare_layers + fine_layers + coarse_layers) * window * row, LLAMA_KV);
    HOLD(b, site, "KV cache, compressed", "kv",
         sequences *
             (fine_layers * fine_cells * (row + index_row) + coarse_layers * coarse_cells * row),
         LLAMA_COMPRESSED);
    HOLD(b, site, "compressor state", "kv",
         sequences * 4 * (fine_layers * fine_state + coarse_layers * coarse_state),
         LLAMA_COMPRESSED);
}

static void recurrent_state(struct bill *b, const struct llama *l, int site)
{
    const struct shape *s = l->m->shape;
    GIVEN(b, recurrent_layers, l->spread->caches[site][CACHE_STATE], "model");
    if (!(recurrent_layers > 0)) return;
    GIVEN(b, convolved_values, shape_convolved(s), "model, of a layer and sequence");
    GIVEN(b, state_values, shape_state(s), "model, of a layer and sequence");
    GIVEN(b, sequences, l->g->sequences, "--parallel");
    HOLD(b, site, "recurrent state", "kv",
         recurrent_layers * sequences * 4 * (convolved_values + state_values),
         "llama.cpp v0.5.0 src/llama-memory-recurrent.cpp, F32");
}

void llama_kv_cache(struct bill *b, const struct llama *l)
{
    const struct derived *d = l->d;
    if (l->m->shape->arch->encoder) return;
    GIVEN(b, key_row_bytes, llama_key_row_bytes(l->m, l->g, false),
          "model and --kv-type-k, one cell");
    GIVEN(b, value_row_bytes, llama_value_row_bytes(l->m, l->g, false),
          "model and --kv-type-v, one cell");
    GIVEN(b, window_row_bytes,
          llama_key_row_bytes(l->m, l->g, true) + llama_value_row_bytes(l->m, l->g, true),
          "the same of a layer with a sliding window");
    LET(b, all_cells, d->streams * d->cells);
    LET(b, all_window_cells, d->streams * d->window_cells);
    for (int site = 0; site < l->spread->sites; site++) {
        const struct site_rules *r = split_rules(l->spread->split, site);
        GIVEN(b, full_layers, l->spread->caches[site][CACHE_WHOLE], "model, layers that see all");
        GIVEN(b, window_layers, l->spread->caches[site][CACHE_WINDOW],
              "model, layers with a sliding window");
        GIVEN(b, padding,
              layer_bytes(l, all_cells, false, r) - all_cells * (key_row_bytes + value_row_bytes),
              "of a layer, as the backend aligns tensors");
        GIVEN(b, window_padding,
              layer_bytes(l, all_window_cells, true, r) - all_window_cells * window_row_bytes,
              "of a layer, as the backend aligns tensors");
        HOLD(b, site, "KV cache", "kv",
             full_layers * (all_cells * (key_row_bytes + value_row_bytes) + padding), LLAMA_KV);
        HOLD(b, site, "KV cache, sliding window", "kv",
             window_layers * (all_window_cells * window_row_bytes + window_padding), LLAMA_KV);
        index_cache(b, l, site);
        compressed_caches(b, l, site);
        recurrent_state(b, l, site);
    }
}
