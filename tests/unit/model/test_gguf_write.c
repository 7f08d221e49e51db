/* Headers written from figures: read back, they must say what was written, for every catalogue model and mix. */
#include "model_rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "catalog/architecture.h"
#include "model/gguf_write.h"

static void written(const struct model *m, bool bare, struct arena *a, struct gguf_written *out)
{
    struct mu_err err = {.code = MU_OK};
    if (!gguf_write(&(struct gguf_asked){m, catalog, bare}, a, out, &err))
        fail_msg("%s: %s", m->name, err.text);
}

/* The model that a header of m is, and its digest. */
static void read_back(const struct model *m, bool bare, struct arena *a, struct model *out)
{
    struct gguf_written g;
    struct mu_err err = {.code = MU_OK};
    written(m, bare, a, &g);
    assert_int_equal(g.header.n % 32, 0);
    if (!model_from_gguf_bytes(g.header, (uint64_t)g.file_bytes, m->name, catalog, a, out, &err))
        fail_msg("%s: %s", m->name, err.text);
}

static bool model_of(const struct model_part *p, const struct mix *mix, struct arena *a,
                     struct model *out)
{
    struct mu_err err = {.code = MU_OK};
    struct model m = {.name = p->hf_id, .quant = mix->name, .origin = LISTED};
    shape_from_part(p, catalog, a, &m.shape);
    if (m.shape.unruled) return false;
    *out = m;
    return model_tensors(&(struct tensors_asked){&out->shape, mix, catalog}, a, &out->tensor,
                         &out->tensors, &err);
}

static const struct model_part *parts(size_t *count)
{
    const struct model_part *part = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_models(catalog, &part, count, &err)) fail_msg("%s", err.text);
    return part;
}

static void shapes_are_equal(const char *what, const struct shape *x, const struct shape *y)
{
    const double figures[][2] = {
        {x->layers, y->layers},
        {x->width, y->width},
        {x->heads, y->heads},
        {x->kv_heads, y->kv_heads},
        {x->head_size, y->head_size},
        {x->vocabulary, y->vocabulary},
        {x->experts, y->experts},
        {x->experts_used, y->experts_used},
        {x->dense_lead, y->dense_lead},
        {x->shared_width, y->shared_width},
        {x->expert_width, y->expert_width},
        {x->window_tokens, y->window_tokens},
        {x->window_tokens > 0 ? x->window_period : 0, y->window_tokens > 0 ? y->window_period : 0},
        {x->whole.head_size, y->whole.head_size},
        {x->whole.kv_heads, y->whole.kv_heads},
        {x->whole.keys_are_values, y->whole.keys_are_values},
        {x->shared_layers, y->shared_layers},
        {x->shared_ffn_width, y->shared_ffn_width},
        {x->layer_embedding, y->layer_embedding},
        {x->layer_scale, y->layer_scale},
        {x->streams.count, y->streams.count},
        {x->streams.rank, y->streams.rank},
        {x->indexer.heads, y->indexer.heads},
        {x->indexer.head_size, y->indexer.head_size},
        {x->indexer.chosen, y->indexer.chosen},
        {x->compressed.groups, y->compressed.groups},
        {x->compressed.rank, y->compressed.rank},
        {x->compressed.rope, y->compressed.rope},
        {x->compressed.streams, y->compressed.streams},
        {x->compressed.hashed_layers, y->compressed.hashed_layers},
        {memcmp(&x->compressed, &y->compressed, sizeof x->compressed) != 0, 0},
        {x->recurrent.kernel, y->recurrent.kernel},
        {x->recurrent.groups, y->recurrent.groups},
        {x->recurrent.heads, y->recurrent.heads},
        {x->recurrent.head_size, y->recurrent.head_size},
        {x->recurrent.state, y->recurrent.state},
        {x->recurrent.rank, y->recurrent.rank},
        {memcmp(x->recurrent.layer, y->recurrent.layer, sizeof x->recurrent.layer), 0},
        {memcmp(x->recurrent.feeds, y->recurrent.feeds, sizeof x->recurrent.feeds), 0},
        {x->expert_input, y->expert_input},
        {x->latent.kv_rank, y->latent.kv_rank},
        {x->latent.q_rank, y->latent.q_rank},
        {x->latent.rope, y->latent.rope},
        {x->latent.value, y->latent.value},
        {x->learned_positions, y->learned_positions},
        {x->token_types, y->token_types},
        {x->tied, y->tied},
        {x->qkv_bias, y->qkv_bias},
        {x->ffn_bias, y->ffn_bias},
        {x->qk_norm, y->qk_norm},
        {x->gated_ffn, y->gated_ffn},
        {x->norms_per_layer, y->norms_per_layer},
        {x->pooling, y->pooling},
        {x->arch != y->arch, 0},
    };
    for (size_t i = 0; i < COUNT_OF(figures); i++)
        if (figures[i][0] != figures[i][1])
            fail_msg("%s: figure %zu is %g, not %g", what, i, figures[i][1], figures[i][0]);
}

/* Every mix of a model is tried once, the two commonest for all. */
static void every_header_reads_back_as_its_model(void **state)
{
    (void)state;
    size_t count = 0, mixes = 0, compared = 0;
    const struct model_part *part = parts(&count);
    const struct mix *mix = NULL;
    struct mu_err err = {.code = MU_OK};
    assert_true(catalog_mixes(catalog, &mix, &mixes, &err));
    for (size_t i = 0; i < count; i++) {
        struct arena *a = arena_new((size_t)1 << 30);
        const struct mix *one = i % 2 ? catalog_mix(catalog, S("Q4_K_M")) : &mix[i / 2 % mixes];
        struct model m, back;
        struct digest before, after;
        if (model_of(&part[i], one, a, &m)) {
            read_back(&m, true, a, &back);
            digest_of_shape(&m.shape, one, catalog, &before);
            digest_of_model(&back, catalog, &after);
            digests_are_equal(m.name, &before, &after);
            shapes_are_equal(m.name, &m.shape, &back.shape);
            assert_string_equal(back.quant, one->name);
            compared++;
        }
        arena_free(a);
    }
    printf("%zu headers read back\n", compared);
    assert_true(compared > 150);
}

static void a_vocabulary_changes_nothing_else(void **state)
{
    (void)state;
    static const char *const names[] = {"Qwen2.5-0.5B-Instruct", "all-MiniLM-L6-v2"};
    const struct mix *mix = catalog_mix(catalog, S("Q8_0"));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct model_part *part = NULL;
        assert_int_not_equal(catalog_model(catalog, str_of(names[i]), &part, NULL), MATCH_NONE);
        struct model m, whole, bare;
        struct gguf_written with, without;
        assert_true(model_of(part, mix, arena, &m));
        read_back(&m, false, arena, &whole);
        read_back(&m, true, arena, &bare);
        shapes_are_equal(names[i], &whole.shape, &bare.shape);
        assert_string_equal(whole.tokenizer, i ? "bert" : "llama");
        assert_string_equal(bare.tokenizer, "none");
        written(&m, false, arena, &with);
        written(&m, true, arena, &without);
        assert_exactly(with.file_bytes - (double)with.header.n,
                       without.file_bytes - (double)without.header.n);
        assert_true(with.header.n > 20 * without.header.n);
    }
}

static void what_llama_would_refuse_is_not_written(void **state)
{
    (void)state;
    struct gguf_written g;
    struct mu_err err = {.code = MU_OK};
    struct model m = {.name = "nothing"};
    assert_false(gguf_write(&(struct gguf_asked){&m, catalog, true}, arena, &g, &err));
    assert_int_equal(err.code, MU_NO);
    const struct model_part *part = NULL;
    assert_int_not_equal(catalog_model(catalog, S("DeepSeek-V3"), &part, NULL), MATCH_NONE);
    assert_true(model_of(part, catalog_mix(catalog, S("Q4_K_M")), arena, &m));
    struct model cut;
    err = (struct mu_err){.code = MU_OK};
    assert_true(model_cut(&m, 27, arena, &cut, &err));
    assert_false(gguf_write(&(struct gguf_asked){&cut, catalog, true}, arena, &g, &err));
    assert_non_null(strstr(err.text, "take one more"));
}

/* ---- cuts ---- */

static double expert_layers(const struct digest *d, bool experts)
{
    double n = 0;
    for (size_t i = 0; i < d->kinds; i++)
        if (d->kind[i].experts == experts) n += d->kind[i].layers;
    return n;
}

static double window_layers(const struct digest *d)
{
    double n = 0;
    for (size_t i = 0; i < d->kinds; i++)
        if (d->kind[i].window) n += d->kind[i].layers;
    return n;
}

static void cut_of(const char *name, const char *quant, double k, struct digest *whole,
                   struct digest *part)
{
    const struct model_part *p = NULL;
    struct model m, *cut = NEW(arena, struct model), back;
    struct mu_err err = {.code = MU_OK};
    assert_int_not_equal(catalog_model(catalog, str_of(name), &p, NULL), MATCH_NONE);
    assert_true(model_of(p, catalog_mix(catalog, str_of(quant)), arena, &m));
    if (!model_cut(&m, k, arena, cut, &err)) fail_msg("%s: %s", name, err.text);
    digest_of_model(&m, catalog, whole);
    digest_of_model(cut, catalog, part);
    if (part->unruled) fail_msg("%s: %s", name, part->unruled);
    assert_exactly(expert_layers(part, false) + expert_layers(part, true), k);
    /* and llama.cpp would find the layers where the header says */
    read_back(cut, true, arena, &back);
    struct digest again;
    digest_of_model(&back, catalog, &again);
    digests_are_equal(cut->name, part, &again);
}

static void a_cut_keeps_the_mix_of_layers(void **state)
{
    (void)state;
    struct digest whole, part;
    /* Q4_K_M gives half of the layers more bits */
    cut_of("Llama-3.1-8B-Instruct", "Q4_K_M", 4, &whole, &part);
    assert_int_equal(whole.kinds, 2);
    assert_int_equal(part.kinds, 2);
    assert_exactly(part.kind[0].layers, 2);
    const double outside = part.weight_bytes - 2 * part.kind[0].sum[0].bytes;
    assert_true(outside > 0 && part.weight_bytes < whole.weight_bytes);
    cut_of("gemma-3-1b-it", "Q8_0", 6, &whole, &part);
    assert_exactly(window_layers(&part), 5);
    cut_of("DeepSeek-V3", "Q4_K_M", 8, &whole, &part);
    assert_exactly(expert_layers(&whole, false), 3);
    assert_exactly(expert_layers(&part, false), 1);
    assert_exactly(expert_layers(&part, true), 7);
    cut_of("DeepSeek-V3", "Q4_K_M", 1, &whole, &part);
    assert_exactly(expert_layers(&part, true), 1);
}

static double layers_that(const struct shape *s, bool (*are)(const struct shape *s, double layer))
{
    double n = 0;
    for (size_t i = 0; (double)i < s->layers; i++) n += are(s, (double)i);
    return n;
}

/* By name, layers, then how many of the cut recur and how many only feed forward. */
static void a_cut_keeps_what_recurs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double layers, recur, feed;
    } cuts[] = {{"Qwen3.5-4B", 8, 6, 0},
                {"granite-4.0-h-tiny", 10, 9, 0},
                {"granite-4.0-h-tiny", 20, 18, 0},
                {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 9, 4, 4},
                {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", 11, 5, 5},
                {"LFM2-1.2B", 8, 5, 0},
                {"mamba-130m-hf", 4, 4, 0}};
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        struct digest whole, part;
        cut_of(cuts[i].name, "Q8_0", cuts[i].layers, &whole, &part);
        assert_exactly(layers_that(part.shape, shape_layer_recurs), cuts[i].recur);
        assert_exactly(layers_that(part.shape, shape_layer_feeds), cuts[i].feed);
        double recurs = 0;
        for (size_t k = 0; k < part.kinds; k++)
            if (part.kind[k].recurrent) recurs += part.kind[k].layers;
        assert_exactly(recurs, cuts[i].recur);
    }
}

/* Cut to all of its layers, every model is itself; to any number, it is one. */
static void every_cut_is_a_model(void **state)
{
    (void)state;
    size_t count = 0;
    const struct model_part *part = parts(&count);
    const struct mix *mix = catalog_mix(catalog, S("Q4_K_M"));
    for (size_t i = 0; i < count; i++) {
        struct arena *a = arena_new((size_t)1 << 30);
        struct model m, cut;
        struct digest before, after;
        struct mu_err err = {.code = MU_OK};
        const bool ruled = model_of(&part[i], mix, a, &m);
        for (double k = 1; ruled && k <= m.shape.layers; k += k < 9 ? 1 : 7) {
            if (!model_cut(&m, k, a, &cut, &err)) fail_msg("%s: %s", m.name, err.text);
            digest_of_model(&cut, catalog, &after);
            if (after.unruled) fail_msg("%s: %s", cut.name, after.unruled);
        }
        if (ruled) {
            if (!model_cut(&m, m.shape.layers, a, &cut, &err)) fail_msg("%s: %s", m.name, err.text);
            digest_of_model(&m, catalog, &before);
            digest_of_model(&cut, catalog, &after);
            digests_are_equal(m.name, &before, &after);
        }
        arena_free(a);
    }
}

static void impossible_cuts_are_refused(void **state)
{
    (void)state;
    static const double wrong[] = {0, -1, 2.5, 25, (double)NAN, (double)INFINITY};
    const struct model_part *part = NULL;
    struct model m, cut;
    assert_int_not_equal(catalog_model(catalog, S("Qwen2.5-0.5B-Instruct"), &part, NULL),
                         MATCH_NONE);
    assert_true(model_of(part, catalog_mix(catalog, S("Q8_0")), arena, &m));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct mu_err err = {.code = MU_OK};
        assert_false(model_cut(&m, wrong[i], arena, &cut, &err));
        assert_int_equal(err.code, MU_USAGE);
    }
    m.tensors = 3;
    struct mu_err err = {.code = MU_OK};
    assert_false(model_cut(&m, 2, arena, &cut, &err));
    assert_int_equal(err.code, MU_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_reads_back_as_its_model),
        cmocka_unit_test(a_vocabulary_changes_nothing_else),
        cmocka_unit_test(what_llama_would_refuse_is_not_written),
        cmocka_unit_test(a_cut_keeps_the_mix_of_layers),
        cmocka_unit_test(a_cut_keeps_what_recurs),
        cmocka_unit_test(every_cut_is_a_model),
        cmocka_unit_test(impossible_cuts_are_refused),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
