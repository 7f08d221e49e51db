/* config.json as vendors publish it (tests/fixtures/config, whose README says from where): the parameters that follow from each are those
 * its vendor counts, and the catalogue, which was written from other pages, comes to the same tensors. Then what is damaged or strange. */
#include "model_rig.h"

#include <stdio.h>
#include <string.h>

#include "catalog/architecture.h"
#include "catalog/hf_architecture.h"
#include "model/hf_config.h"

struct published {
    const char *file, *arch,
        *catalogued; /* catalogued: NULL where the catalogue has other figures */
    double
        parameters; /* as its hub page is known to count the safetensors, less what `left_out` says */
    double left_out; /* a vision tower, a pooler: not in a GGUF of the text model */
};

/* SigLIP of 27 layers, 1152 wide, FFN of 4304, patches of 14 x 14 x 3, 4096 places; a norm and a matrix lead from it to the text model. */
#define VISION_TOWER                                                                    \
    (27.0 * (4 * (1152.0 * 1152 + 1152) + 2 * 1152.0 * 4304 + 4304 + 1152 + 4 * 1152) + \
     1152.0 * (14 * 14 * 3 + 1) + 4096.0 * 1152 + 2 * 1152)

static const struct published vendors[] = {
    {"llama-3.1-8b", "llama", "meta-llama/Llama-3.1-8B-Instruct", 8030261248, 0},
    {"qwen2.5-7b", "qwen2", "Qwen/Qwen2.5-7B-Instruct", 7615616512, 0},
    {"qwen3-8b", "qwen3", "Qwen/Qwen3-8B", 8190735360, 0},
    {"qwen3-30b-a3b", "qwen3moe", "Qwen/Qwen3-30B-A3B", 30532122624, 0},
    {"qwen1.5-moe-a2.7b", "qwen2moe", "Qwen/Qwen1.5-MoE-A2.7B", 14315784192, 0},
    {"mistral-7b-v0.3", "llama", "mistralai/Mistral-7B-Instruct-v0.3", 7248023552, 0},
    {"mixtral-8x7b", "llama", "mistralai/Mixtral-8x7B-Instruct-v0.1", 46702792704, 0},
    {"gemma-2b", "gemma", "google/gemma-2b-it", 2506172416, 0},
    {"gemma-2-9b", "gemma2", "google/gemma-2-9b-it", 9241705984, 0},
    {"gemma-3-1b", "gemma3", "google/gemma-3-1b-it", 999885952, 0},
    {"gemma-3-4b", "gemma3", "google/gemma-3-4b-it", 4300079472,
     VISION_TOWER + 1152.0 * (2560 + 1)},
    {"gemma-3-12b", "gemma3", "google/gemma-3-12b-it", 12187325040,
     VISION_TOWER + 1152.0 * (3840 + 1)},
    {"phi-2", "phi2", "microsoft/phi-2", 2779683840, 0},
    {"phi-3-mini-4k", "phi3", "microsoft/Phi-3-mini-4k-instruct", 3821079552, 0},
    {"deepseek-v2-lite", "deepseek2", "deepseek-ai/DeepSeek-V2-Lite-Chat", 15706484224, 0},
    {"deepseek-v3", "deepseek2", NULL, 671026419200, 0},
    {"gpt-oss-20b", "gpt-oss", "openai/gpt-oss-20b", 20914757184, 0},
    {"gpt2", "gpt2", "openai-community/gpt2", 124439808, 0},
    {"olmoe-1b-7b", "olmoe", "allenai/OLMoE-1B-7B-0924-Instruct", 6919161856, 0},
    {"olmo-2-1b", "olmo2", "allenai/OLMo-2-0425-1B-Instruct", 1484916736, 0},
    {"bge-small-en-v1.5", "bert", "BAAI/bge-small-en-v1.5", 33360000, 147840},
    {"roberta-base", "bert", "FacebookAI/roberta-base", 124645632, 590592 + 2 * 768},
    {"falcon-7b", "falcon", "tiiuae/falcon-7b-instruct", 7217189760, 0},
    {"pythia-70m", "gptneox", "EleutherAI/pythia-70m", 70426624, 0},
    {"bloom-560m", "bloom", NULL, 559214592, 0},
    {"phi-3.5-moe", "phimoe", "microsoft/Phi-3.5-MoE-instruct", 41873153344, 0},
    {"modernbert-base", "modern-bert", "answerdotai/ModernBERT-base", 149014272, 0},
    {"nomic-embed-text-v1.5", "nomic-bert", "nomic-ai/nomic-embed-text-v1.5", 136731648, 0},
    {"nomic-embed-text-v2-moe", "nomic-bert-moe", "nomic-ai/nomic-embed-text-v2-moe", 475292928,
     6 * 768},
    {"embeddinggemma-300m", "gemma-embedding", "google/embeddinggemma-300m", 302863104, 0},
    {"starcoder2-3b", "starcoder2", "bigcode/starcoder2-3b", 3030371328, 0},
    {"mamba-130m", "mamba", "state-spaces/mamba-130m-hf", 129135360, 0},
    {"falcon-mamba-7b", "mamba", "tiiuae/falcon-mamba-7b-instruct", 7272665088, 0},
    {"granite-4.0-h-tiny", "granitehybrid", "ibm-granite/granite-4.0-h-tiny", 6939037248, 0},
    /* a figure an expert of each router that the count leaves out and a GGUF holds */
    {"nemotron-3-nano-30b", "nemotron_h_moe", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
     31577937344, -23.0 * 128},
};

static struct str fixture(const char *name)
{
    return source_file(str_format(arena, "tests/fixtures/config/%s.json", name));
}

static struct hf_config read_text(struct str text)
{
    struct hf_config config;
    struct mu_err err = {.code = MU_OK};
    if (!hf_config_read(text, "config.json", catalog, arena, &config, &err))
        fail_msg("%s", err.text);
    return config;
}

static bool refused(const char *text, struct mu_err *err)
{
    struct hf_config config;
    *err = (struct mu_err){.code = MU_OK};
    return !hf_config_read(str_of(text), "config.json", catalog, arena, &config, err);
}

static void counts_are_those_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vendors); i++) {
        const struct published *v = &vendors[i];
        const struct hf_config config = read_text(fixture(v->file));
        const struct shape *s = &config.shape;
        if (s->unruled) fail_msg("%s: %s", v->file, s->unruled);
        assert_string_equal(s->arch->name, v->arch);
        struct digest d;
        digest_of_shape(s, catalog_mix(catalog, S("F16")), catalog, &d);
        if (d.unruled) fail_msg("%s: %s", v->file, d.unruled);
        const double made = d.parameters - s->rope_tensors * s->rope_factors;
        if (made != v->parameters - v->left_out)
            fail_msg("%s: %.0f made, %.0f published", v->file, made, v->parameters - v->left_out);
        assert_true(config.checked);
    }
}

static void the_catalogue_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vendors); i++) {
        const struct model_part *part = NULL;
        struct digest mine, other;
        struct shape shape;
        if (!vendors[i].catalogued) continue;
        const struct hf_config config = read_text(fixture(vendors[i].file));
        if (catalog_model(catalog, str_of(vendors[i].catalogued), &part, NULL) == MATCH_NONE)
            fail_msg("the catalogue has no %s", vendors[i].catalogued);
        shape_from_part(part, catalog, arena, &shape);
        const struct mix *mix = catalog_mix(catalog, S("Q4_K_M"));
        digest_of_shape(&config.shape, mix, catalog, &mine);
        digest_of_shape(&shape, mix, catalog, &other);
        digests_are_equal(vendors[i].file, &mine, &other);
        if (config.shape.kv_heads != shape.kv_heads || config.shape.head_size != shape.head_size ||
            config.shape.experts_used != shape.experts_used ||
            shape_layer_is_window(&config.shape, 0) != shape_layer_is_window(&shape, 0))
            fail_msg("%s: heads, experts or windows are not those of the catalogue",
                     vendors[i].file);
    }
}

/* Every architecture of llama.cpp that a row names is one of data/architectures.json. */
static void architectures_are_known(void **state)
{
    (void)state;
    const struct hf_architecture *row = NULL;
    size_t count = 0;
    struct mu_err err = {.code = MU_OK};
    assert_true(catalog_hf_architectures(catalog, &row, &count, &err));
    for (size_t i = 0; i < count; i++) {
        struct hf_config config;
        const char *text = str_format(
            arena, "{\"model_type\": \"%s\", \"num_hidden_layers\": 0, \"hidden_size\": 64}",
            row[i].name);
        err = (struct mu_err){.code = MU_OK};
        if (!hf_config_read(str_of(text), "config.json", catalog, arena, &config, &err))
            fail_msg("%s: %s", row[i].name, err.text);
        if (!config.shape.arch) fail_msg("%s: no architecture %s", row[i].name, row[i].arch);
        assert_non_null(config.shape.unruled); /* no layers */
    }
}

/* The text of a fixture with one piece of it replaced. */
static struct hf_config changed(const char *name, const char *from, const char *to)
{
    const struct str text = fixture(name);
    const char *at = strstr(text.p, from);
    if (!at) fail_msg("%s holds no %s", name, from);
    return read_text(
        str_of(str_format(arena, "%.*s%s%s", (int)(at - text.p), text.p, to, at + strlen(from))));
}

static void states_are_counted(void **state)
{
    (void)state;
    const struct shape scan = read_text(fixture("mamba-130m")).shape;
    const struct shape dual = read_text(fixture("granite-4.0-h-tiny")).shape;
    assert_null(scan.unruled);
    assert_false(shape_attends(&scan));
    assert_exactly(shape_convolved(&scan), 3 * 1536);
    assert_exactly(shape_state(&scan), 1536 * 16);
    assert_exactly(shape_convolved(&dual), 3 * (3072 + 2 * 128));
    assert_exactly(shape_state(&dual), 3072 * 128);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(shape_layer_recurs(&dual, (double)i), i % 10 != 5);
}

/* Of a model that the catalogue does not have: every eighth layer attends, every second has experts; its page counts as many. */
static void states_among_experts_are_counted(void **state)
{
    (void)state;
    const struct shape s = read_text(fixture("jamba-v0.1")).shape;
    struct digest d;
    if (s.unruled) fail_msg("%s", s.unruled);
    digest_of_shape(&s, catalog_mix(catalog, S("F16")), catalog, &d);
    assert_exactly(d.parameters, 51570323328);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(shape_layer_recurs(&s, (double)i), i % 8 != 4);
        assert_int_equal(shape_layer_has_experts(&s, (double)i), i % 2 == 1);
    }
    assert_non_null(
        changed("jamba-v0.1", "\"expert_layer_offset\": 1", "\"expert_layer_offset\": 0")
            .shape.unruled);
}

/* A layer is of one part alone: recurs, attends or feeds forward. */
static void parts_follow_the_pattern(void **state)
{
    (void)state;
    static const char pattern[] = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME";
    const struct shape s = read_text(fixture("nemotron-3-nano-30b")).shape;
    assert_exactly(s.layers, sizeof pattern - 1);
    for (size_t i = 0; i + 1 < sizeof pattern; i++) {
        const struct layer_sort sort = shape_layer(&s, (double)i);
        assert_int_equal(sort.recurrent, pattern[i] == 'M');
        assert_int_equal(sort.feeds, pattern[i] == 'E');
        assert_int_equal(sort.experts, pattern[i] == 'E');
    }
}

/* One layer in four attends; the others keep three columns of a convolution and a matrix a head. */
static void layers_that_recur_are_counted(void **state)
{
    (void)state;
    const struct shape s = read_text(fixture("qwen3-next-80b")).shape;
    size_t recurrent = 0;
    assert_null(s.unruled);
    for (size_t i = 0; (double)i < s.layers; i++) {
        assert_int_equal(shape_layer_recurs(&s, (double)i), (i + 1) % 4 != 0);
        recurrent += shape_layer_recurs(&s, (double)i);
    }
    assert_int_equal(recurrent, 36);
    assert_true(shape_convolved(&s) == 3 * (32 + 2 * 16) * 128);
    assert_true(shape_state(&s) == 32 * 128 * 128);
}

static void quantisation_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *method;
        double bits, group, each;
    } cases[] = {
        {"{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, \"zero_point\": true}",
         "awq", 4, 128, 4 + 20.0 / 128},
        {"{\"quant_method\": \"gptq\", \"bits\": 8, \"group_size\": -1}", "gptq", 8, 0, 8},
        {"{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"load_in_8bit\": false, "
         "\"bnb_4bit_quant_type\": \"nf4\", \"bnb_4bit_use_double_quant\": true}",
         "bitsandbytes", 4, 64, 4 + 8.0 / 64 + 32.0 / 16384},
        {"{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}", "bitsandbytes", 8, 0, 8},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": "
         "{\"num_bits\": 4, \"type\": \"int\", \"group_size\": 64}}}}",
         "compressed-tensors", 4, 64, 4.25},
        {"{\"quant_method\": \"mxfp4\"}", "mxfp4", 4, 32, 4.25},
        {"{\"quant_method\": \"fp8\", \"fmt\": \"e4m3\"}", "fp8", 8, 0, 8},
        {"{\"quant_method\": \"new\", \"bits\": -4}", "new", 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct hf_config config = read_text(str_of(str_format(
            arena, "{\"model_type\": \"llama\", \"quantization_config\": %s}", cases[i].text)));
        const struct hf_quantization *q = &config.quantization;
        assert_string_equal(q->method, cases[i].method);
        assert_exactly(q->bits, cases[i].bits);
        assert_exactly(q->group_size, cases[i].group);
        assert_close(q->bits_per_weight, cases[i].each, 1e-12);
    }
}

static void an_unknown_type_names_the_nearest(void **state)
{
    (void)state;
    struct mu_err err;
    assert_true(refused("{\"model_type\": \"qwen3_moee\"}", &err));
    assert_non_null(strstr(err.text, "qwen3_moee"));
    assert_non_null(strstr(err.text, "nearest known is qwen3_moe"));
    assert_true(refused("{}", &err));
    assert_non_null(strstr(err.text, "model_type"));
    assert_true(refused("[1]", &err));
    assert_true(refused("", &err));
}

static void figures_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"-1", "1.5", "1e300", "\"32\"", "{}", "99999", "[]"};
    struct mu_err err;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const char *text =
            str_format(arena, "{\"model_type\": \"llama\", \"num_hidden_layers\": %s}", values[i]);
        if (!refused(text, &err)) fail_msg("%s layers are taken", values[i]);
        assert_int_equal(err.code, MU_DATA);
    }
    assert_true(refused("{\"model_type\": \"llama\", \"tie_word_embeddings\": 1}", &err));
}

static void other_layouts_are_not_computed(void **state)
{
    (void)state;
    assert_non_null(
        changed("gemma-3-1b", "\"sliding_window_pattern\": 6", "\"sliding_window_pattern\": 4")
            .shape.unruled);
    assert_non_null(
        changed("gpt-oss-20b", "\"sliding_attention\"", "\"full_attention\"").shape.unruled);
    assert_non_null(changed("qwen3-30b-a3b", "[]", "[0, 1]").shape.unruled);
    assert_non_null(changed("llama-3.1-8b", "14336", "[14336, 8192]").shape.unruled);
    assert_non_null(
        changed("phi-2", "\"qk_layernorm\": false", "\"qk_layernorm\": true").shape.unruled);
    assert_non_null(changed("bge-small-en-v1.5", "\"absolute\"", "\"alibi\"").shape.unruled);
    assert_non_null(changed("modernbert-base", "\"global_attn_every_n_layers\": 3",
                            "\"global_attn_every_n_layers\": 4")
                        .shape.unruled);
    assert_non_null(
        changed("modernbert-base", "\"mlp_bias\": false", "\"mlp_bias\": true").shape.unruled);
    assert_true(changed("deepseek-v2-lite", "\"greedy\"", "\"noaux_tc\"").shape.router_bias);
    assert_null(changed("llama-3.1-8b", "14336", "[14336, 14336]").shape.unruled);
    assert_true(changed("llama-3.1-8b", "\"attention_bias\": false", "\"attention_bias\": true")
                    .shape.qkv_bias);
    assert_true(
        changed("llama-3.1-8b", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")
            .shape.tied);
}

static void other_patterns_are_not_computed(void **state)
{
    (void)state;
    static const char nano[] = "nemotron-3-nano-30b", tiny[] = "granite-4.0-h-tiny";
    assert_non_null(changed(nano, "\"MEMEM*", "\"MEMEM").shape.unruled);
    assert_non_null(changed(nano, "\"MEMEM*", "\"MEMEM?").shape.unruled);
    assert_non_null(changed(nano, "\"MEMEM*", "\"M-MEM*").shape.unruled);
    assert_non_null(changed(nano, "\"hybrid_override_pattern\"", "\"other\"").shape.unruled);
    assert_non_null(
        changed(nano, "\"mamba_proj_bias\": false", "\"mamba_proj_bias\": true").shape.unruled);
    assert_non_null(changed(tiny, "\"mamba\"", "\"moe\"").shape.unruled);
    assert_non_null(changed(tiny, "\"mamba\"", "7").shape.unruled);
    assert_non_null(changed(nano, "\"n_groups\": 8", "\"n_groups\": 7").shape.unruled);
    assert_non_null(changed(nano, "\"n_groups\": 8", "\"n_groups\": 0").shape.unruled);
    assert_null(changed(tiny, "\"mamba_d_head\": 64", "\"mamba_d_head\": \"auto\"").shape.unruled);
    assert_non_null(
        changed(tiny, "\"mamba_conv_bias\": true", "\"mamba_conv_bias\": false").shape.unruled);
}

/* One of the family whose every layer attends is converted as its elder sister. */
static void without_states_it_is_a_transformer(void **state)
{
    (void)state;
    const struct hf_config config = read_text(S(
        "{\"model_type\": \"granitemoehybrid\", \"hidden_size\": 2560, \"intermediate_size\": 8192,"
        " \"layer_types\": [\"attention\", \"attention\"], \"num_attention_heads\": 40,"
        " \"num_hidden_layers\": 2, \"num_key_value_heads\": 8, \"num_local_experts\": 0,"
        " \"shared_intermediate_size\": 8192, \"tie_word_embeddings\": true, \"vocab_size\": "
        "100352,"
        " \"max_position_embeddings\": 131072, \"mamba_d_head\": 32, \"mamba_n_heads\": 128}"));
    if (config.shape.unruled) fail_msg("%s", config.shape.unruled);
    assert_string_equal(config.shape.arch->name, "granite");
    assert_exactly(config.shape.ffn_width, 8192);
    assert_false(shape_layer_recurs(&config.shape, 0));
}

static void any_truncation_is_refused(void **state)
{
    (void)state;
    const struct str text = str_trim(fixture("gemma-3-12b"));
    for (size_t n = 0; n < text.n; n++) {
        struct hf_config config;
        struct mu_err err = {.code = MU_OK};
        assert_false(
            hf_config_read((struct str){text.p, n}, "config.json", catalog, arena, &config, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_published),
        cmocka_unit_test(the_catalogue_agrees),
        cmocka_unit_test(architectures_are_known),
        cmocka_unit_test(states_are_counted),
        cmocka_unit_test(states_among_experts_are_counted),
        cmocka_unit_test(parts_follow_the_pattern),
        cmocka_unit_test(other_patterns_are_not_computed),
        cmocka_unit_test(without_states_it_is_a_transformer),
        cmocka_unit_test(layers_that_recur_are_counted),
        cmocka_unit_test(quantisation_is_read),
        cmocka_unit_test(an_unknown_type_names_the_nearest),
        cmocka_unit_test(figures_out_of_range_are_refused),
        cmocka_unit_test(other_layouts_are_not_computed),
        cmocka_unit_test(any_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
