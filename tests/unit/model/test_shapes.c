/* Every row of the catalogue: parameters counted tensor by tensor against those recomputed in data/models.json, and the digest made
 * from the shape against the digest made from the tensor list, under every mix. */
#include "model_rig.h"

#include <stdio.h>
#include <string.h>

#include "catalog/architecture.h"
#include "model/naming.h"

static const struct model_part *parts(size_t *count)
{
    const struct model_part *part = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_models(catalog, &part, count, &err)) fail_msg("%s", err.text);
    return part;
}

/* A row whose layers have a rule, even where llama.cpp's graph for it has none. */
static bool has_layers(const struct model_part *p)
{
    static const char *const kinds[] = {"dense",     "encoder",     "moe",   "mla_moe", "gpt_oss",
                                        "llama4",    "qwen_hybrid", "lfm2",  "gemma4",  "gemma3n",
                                        "deepseek4", "mamba1",      "mamba2"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (p->shape.kind && !strcmp(p->shape.kind, kinds[i])) return true;
    return false;
}

static double count_elements(const struct tensor *t, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)t[i].dims[0] * (double)t[i].dims[1] * (double)t[i].dims[2];
    return sum;
}

/* What a GGUF file holds more or less than the published weights: rotation factors are made on conversion; poolers, classifiers and
 * position rows kept free for padding stay behind. */
static double expected_elements(const struct model_part *p, const struct shape *s)
{
    double n = p->params_computed + s->rope_tensors * s->rope_factors;
    if (p->shape.pooler) n -= s->width * s->width + s->width;
    if (p->shape.learned_positions > s->learned_positions)
        n -= (p->shape.learned_positions - s->learned_positions) * s->width;
    if (p->shape.extra_params > 0 && !s->sub_norms) n -= p->shape.extra_params;
    return n;
}

static void parameters_are_those_of_the_catalogue(void **state)
{
    (void)state;
    size_t count = 0, counted = 0;
    const struct model_part *part = parts(&count);
    const struct mix *mix = catalog_mix(catalog, S("F16"));
    for (size_t i = 0; i < count; i++) {
        if (!has_layers(&part[i])) continue;
        struct shape s;
        shape_from_part(&part[i], catalog, arena, &s);
        s.unruled = NULL;
        const struct tensor *t = NULL;
        size_t n = 0;
        struct mu_err err = {.code = MU_OK};
        if (!model_tensors(&(struct tensors_asked){&s, mix, catalog}, arena, &t, &n, &err))
            fail_msg("%s: %s", part[i].hf_id, err.text);
        if (count_elements(t, n) != expected_elements(&part[i], &s))
            fail_msg("%s: %.0f counted, %.0f expected", part[i].hf_id, count_elements(t, n),
                     expected_elements(&part[i], &s));
        counted++;
    }
    assert_int_equal(counted, 222);
}

/* Returns false when llama-quantize has no such mix of this model; then both ways must say so. */
static bool compare_digests(const struct shape *s, const struct mix *mix, const char *name)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const char *what = str_format(a, "%s %s", name, mix->name);
    struct digest by_shape, by_list;
    struct mu_err err = {.code = MU_OK};
    struct model m = {.shape = *s, .origin = LISTED};
    digest_of_shape(s, mix, catalog, &by_shape);
    const bool listed =
        model_tensors(&(struct tensors_asked){s, mix, catalog}, a, &m.tensor, &m.tensors, &err);
    if (listed) {
        digest_of_model(&m, catalog, &by_list);
        digests_are_equal(what, &by_shape, &by_list);
    } else if (!by_shape.unruled) {
        fail_msg("%s: %s, but there is a digest", what, err.text);
    }
    arena_free(a);
    return listed;
}

static void digest_of_a_shape_is_that_of_its_tensors(void **state)
{
    (void)state;
    size_t count = 0, mixes = 0, compared = 0;
    const struct model_part *part = parts(&count);
    const struct mix *mix = NULL;
    struct mu_err err = {.code = MU_OK};
    assert_true(catalog_mixes(catalog, &mix, &mixes, &err));
    for (size_t i = 0; i < count; i++) {
        struct shape s;
        shape_from_part(&part[i], catalog, arena, &s);
        for (size_t k = 0; !s.unruled && k < mixes; k++)
            if (compare_digests(&s, &mix[k], part[i].hf_id)) compared++;
    }
    printf("%zu digests compared\n", compared);
    assert_true(compared > 5000);
}

static void names_say_what_the_outline_says(void **state)
{
    (void)state;
    size_t count = 0, wrong = 0;
    const struct model_part *part = parts(&count);
    const struct mix *mix = catalog_mix(catalog, S("Q4_K_M"));
    for (size_t i = 0; i < count; i++) {
        struct shape s;
        shape_from_part(&part[i], catalog, arena, &s);
        const struct tensor *t = NULL;
        size_t n = 0;
        struct mu_err err = {.code = MU_OK};
        if (s.unruled ||
            !model_tensors(&(struct tensors_asked){&s, mix, catalog}, arena, &t, &n, &err))
            continue;
        for (size_t k = 0; k < n; k++) {
            struct tensor named = {.name = t[k].name};
            memcpy(named.dims, t[k].dims, sizeof named.dims);
            naming_apply(&named);
            if (named.layer == t[k].layer && named.use == t[k].use && named.class_ == t[k].class_)
                continue;
            printf("%s: %s is use %d and %d, class %d and %d\n", part[i].hf_id, t[k].name.p,
                   (int)t[k].use, (int)named.use, (int)t[k].class_, (int)named.class_);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void what_has_no_rule_says_why(void **state)
{
    (void)state;
    size_t count = 0;
    const struct model_part *part = parts(&count);
    for (size_t i = 0; i < count; i++) {
        struct shape s;
        shape_from_part(&part[i], catalog, arena, &s);
        if (has_layers(&part[i]) && s.arch && !s.arch->unruled) {
            assert_null(s.unruled);
            continue;
        }
        assert_non_null(s.unruled);
        struct digest d;
        digest_of_shape(&s, catalog_mix(catalog, S("Q8_0")), catalog, &d);
        assert_string_equal(d.unruled, s.unruled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_those_of_the_catalogue),
        cmocka_unit_test(digest_of_a_shape_is_that_of_its_tensors),
        cmocka_unit_test(names_say_what_the_outline_says),
        cmocka_unit_test(what_has_no_rule_says_why),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
