/* The mixes against llama.cpp's own: bytes by type of every (model, mix) pair of the truth rows, whose types llama-quantize chose. */
#include "model_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mapped.h"
#include "proof/hparams.h"

static double figure(const struct json *h, const char *key, double otherwise)
{
    double x = otherwise;
    return json_number(json_get(h, key), &x) ? x : otherwise;
}

static void bytes_by_type_are_equal(const char *what, const struct json *quant,
                                    const struct tensor *t, size_t n)
{
    const struct weight_type *types = catalog_types(catalog, NULL);
    double by_type[TYPES] = {0}, all = 0, expected = 0;
    for (size_t i = 0; i < n; i++) {
        by_type[t[i].type] += tensor_bytes(&t[i], types);
        all += tensor_bytes(&t[i], types);
    }
    assert_true(json_number(json_get(quant, "tensor_bytes"), &expected));
    if (all != expected) fail_msg("%s: %.0f bytes, llama.cpp has %.0f", what, all, expected);
    const struct json *list = json_get(quant, "bytes_by_type"), *bytes;
    const char *name = NULL;
    while ((bytes = json_next(list, &name))) {
        const struct weight_type *type = catalog_type(catalog, str_of(name));
        assert_non_null(type);
        assert_true(json_number(bytes, &expected));
        if (by_type[type->id] != expected)
            fail_msg("%s: %.0f bytes of %s, llama.cpp has %.0f", what, by_type[type->id], name,
                     expected);
    }
    assert_int_equal(n, (size_t)figure(quant, "n_tensors", 0));
}

static void mixes_are_those_of_llama_quantize(void **state)
{
    (void)state;
    struct mu_err err = {.code = MU_OK};
    struct mapped file;
    struct json *truth = NULL;
    if (!mapped_open(SOURCE_ROOT "/data/truth/memory_cpu.json", 0, &file, NULL, &err) ||
        !json_parse(file.bytes, "memory_cpu.json", &truth, &err))
        fail_msg("%s", err.text);
    const struct json *models = json_get(truth, "models"), *model;
    const char *name = NULL;
    size_t pairs = 0;
    while ((model = json_next(models, &name))) {
        struct shape s;
        if (!hparams_shape(json_get(model, "hparams"), catalog, arena, &s, &err))
            fail_msg("%s: %s", name, err.text);
        const struct json *quants = json_get(model, "quants"), *quant;
        const char *mix = NULL;
        while ((quant = json_next(quants, &mix))) {
            const struct tensor *t = NULL;
            size_t n = 0;
            const struct tensors_asked asked = {&s, catalog_mix(catalog, str_of(mix)), catalog};
            assert_non_null(asked.mix);
            if (!model_tensors(&asked, arena, &t, &n, &err)) fail_msg("%s: %s", name, err.text);
            bytes_by_type_are_equal(str_format(arena, "%s %s", name, mix), quant, t, n);
            pairs++;
        }
    }
    json_free(truth);
    mapped_close(&file);
    printf("%zu pairs\n", pairs);
    assert_true(pairs >= 100);
}

static const struct tensor *tensor_named(const struct tensor *t, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(t[i].name, name)) return &t[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

struct choice {
    const char *model, *mix, *tensor, *type;
};

/* What the truth rows do not reach: rules for sizes, experts and low bits, each from llama.cpp v0.5.0 src/llama-quant.cpp. */
static void choices_beyond_the_truth(void **state)
{
    (void)state;
    static const struct choice choices[] = {
        {"Llama-2-70b-hf", "Q4_K_M", "blk.11.attn_v.weight", "Q5_K"},
        {"Llama-2-70b-hf", "Q4_K_M", "blk.0.attn_v.weight", "Q6_K"},
        {"Qwen2.5-72B-Instruct", "Q3_K_S", "blk.40.attn_v.weight", "Q5_K"},
        {"llama-65b", "Q3_K_S", "blk.40.attn_v.weight", "Q3_K"},
        {"Llama-2-70b-hf", "IQ2_XS", "blk.40.attn_v.weight", "Q4_K"},
        {"Mixtral-8x7B-Instruct-v0.1", "Q4_K_M", "blk.12.attn_k.weight", "Q8_0"},
        {"Mixtral-8x7B-Instruct-v0.1", "Q4_K_M", "blk.12.attn_output.weight", "Q5_K"},
        {"Mixtral-8x7B-Instruct-v0.1", "IQ2_XS", "blk.12.attn_k.weight", "Q4_K"},
        {"Mixtral-8x7B-Instruct-v0.1", "IQ3_M", "blk.11.ffn_down_exps.weight", "IQ3_S"},
        {"Mixtral-8x7B-Instruct-v0.1", "IQ3_M", "blk.9.ffn_down_exps.weight", "Q4_K"},
        {"Mixtral-8x7B-Instruct-v0.1", "MXFP4_MOE", "blk.9.ffn_up_exps.weight", "MXFP4"},
        {"Mixtral-8x7B-Instruct-v0.1", "MXFP4_MOE", "blk.9.attn_q.weight", "Q8_0"},
        {"gpt-oss-20b", "Q4_K_M", "blk.20.ffn_up_exps.weight", "Q5_0"},
        {"gpt-oss-20b", "Q4_K_M", "blk.20.ffn_gate_inp.weight", "F32"},
        {"Llama-3.2-1B-Instruct", "IQ2_XS", "token_embd.weight", "Q5_K"},
        {"Llama-3.1-8B-Instruct", "IQ2_XS", "token_embd.weight", "Q2_K"},
        {"Llama-3.1-8B-Instruct", "IQ4_XS", "blk.5.ffn_down.weight", "IQ4_XS"},
        {"Llama-3.1-8B-Instruct", "IQ4_XS", "blk.3.ffn_down.weight", "Q5_K"},
        {"Llama-3.1-8B-Instruct", "IQ3_XS", "blk.4.ffn_up.weight", "IQ3_XXS"},
        {"Llama-3.1-8B-Instruct", "IQ3_XS", "blk.28.ffn_up.weight", "IQ3_S"},
    };
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        const struct choice *x = &choices[i];
        const struct model_part *part = NULL;
        const char *others = NULL;
        assert_int_not_equal(catalog_model(catalog, str_of(x->model), &part, &others), MATCH_NONE);
        struct shape s;
        shape_from_part(part, catalog, arena, &s);
        const struct tensor *t = NULL;
        size_t n = 0;
        struct mu_err err = {.code = MU_OK};
        const struct tensors_asked asked = {&s, catalog_mix(catalog, str_of(x->mix)), catalog};
        if (!model_tensors(&asked, arena, &t, &n, &err)) fail_msg("%s", err.text);
        const char *type = catalog_types(catalog, NULL)[tensor_named(t, n, x->tensor)->type].name;
        if (strcmp(type, x->type))
            fail_msg("%s %s %s is %s, not %s", x->model, x->mix, x->tensor, type, x->type);
    }
}

/* What llama-bench prints as the size of published files (a sum of their tensors, in hundredths of a GiB): gpt-oss-120b 59.02 GiB on
 * community.frame.work/t/73280 (2025-08), 20b 11.27 GiB in many llama-bench tables. */
static void native_mixes_are_as_large_as_published(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double gib;
    } published[] = {{"gpt-oss-20b", 11.27}, {"gpt-oss-120b", 59.02}};
    for (size_t i = 0; i < COUNT_OF(published); i++) {
        const struct model_part *part = NULL;
        struct shape s;
        struct digest d;
        if (catalog_model(catalog, str_of(published[i].model), &part, NULL) == MATCH_NONE)
            fail_msg("no %s", published[i].model);
        shape_from_part(part, catalog, arena, &s);
        assert_string_equal(part->native_mix, "MXFP4_MOE");
        digest_of_shape(&s, catalog_mix(catalog, str_of(part->native_mix)), catalog, &d);
        assert_close(d.weight_bytes / 0x1p30, published[i].gib, 0.0051);
    }
}

static void a_mix_llama_quantize_cannot_make_is_refused(void **state)
{
    (void)state;
    const struct model_part *part = NULL;
    const char *others = NULL;
    assert_int_equal(catalog_model(catalog, S("SmolLM2-135M-Instruct"), &part, &others), MATCH_ONE);
    struct shape s;
    shape_from_part(part, catalog, arena, &s);
    const struct tensor *t = NULL;
    size_t n = 0;
    struct mu_err err = {.code = MU_OK};
    const struct tensors_asked asked = {&s, catalog_mix(catalog, S("Q1_0")), catalog};
    assert_false(model_tensors(&asked, arena, &t, &n, &err));
    assert_int_equal(err.code, MU_NO);
    assert_string_equal(err.text, "cannot make Q1_0 of this model: llama-quantize has no type for "
                                  "one of its rows in this mix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixes_are_those_of_llama_quantize),
        cmocka_unit_test(choices_beyond_the_truth),
        cmocka_unit_test(native_mixes_are_as_large_as_published),
        cmocka_unit_test(a_mix_llama_quantize_cannot_make_is_refused),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
