/* tests/unit/catalog/test_parts.c - models, processors and accelerators in any spelling, and tables of the user's own. */
#include "home.h"

#include <math.h>

#include "catalog/parts.h"

static const char *id_of(const struct home *h, const char *name)
{
    const struct model_part *m = NULL;
    return catalog_model(h->catalog, str_of(name), &m, NULL) == MATCH_NONE ? "none" : m->hf_id;
}

static void every_model_loads(void **state)
{
    const struct home *h = *state;
    const struct model_part *m;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_models(h->catalog, &m, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, 225);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(m[i].family);
        assert_non_null(m[i].arch);
        assert_non_null(m[i].source);
        assert_non_null(m[i].confidence);
        assert_string_equal(id_of(h, m[i].hf_id), m[i].hf_id);
        for (size_t k = 0; k < m[i].alias_count; k++)
            assert_string_not_equal(id_of(h, m[i].aliases[k]), "none");
    }
}

static void models_carry_their_figures(void **state)
{
    const struct home *h = *state;
    const struct model_part *m;
    assert_int_equal(catalog_model(h->catalog, S("phi3:mini"), &m, NULL), MATCH_ONE);
    assert_string_equal(m->hf_id, "microsoft/Phi-3-mini-4k-instruct");
    assert_exactly(m->n_layers, 32);
    assert_exactly(m->d_model, 3072);
    assert_exactly(m->vocab_size, 32064);
    assert_string_equal(m->shape.kind, "dense");
    assert_true(m->shape.gated_ffn);
    assert_false(m->tied_embeddings);
    assert_true(0 != isnan(m->n_experts));
    assert_false(m->mla.present);
    assert_false(m->hybrid.present);
    assert_null(m->rope_scaling);
    assert_int_equal(catalog_model(h->catalog, S("DeepSeek-R1"), &m, NULL), MATCH_ONE);
    assert_true(m->mla.present);
    assert_exactly(m->mla.kv_lora_rank, 512);
    assert_exactly(m->n_experts, 256);
    assert_int_equal(catalog_model(h->catalog, S("llama3.1:8b"), &m, NULL), MATCH_ONE);
    assert_string_equal(m->rope_scaling, "llama3");
    assert_true(m->mmlu > 0);
    assert_int_equal(catalog_model(h->catalog, S("qwen3.5:9b"), &m, NULL), MATCH_ONE);
    assert_true(m->hybrid.present);
    assert_int_equal(catalog_model(h->catalog, S("GPT-4"), &m, NULL), MATCH_ONE);
    assert_null(m->shape.kind);
    assert_true(0 != isnan(m->n_layers));
}

static void models_are_found_in_any_spelling(void **state)
{
    const struct home *h = *state;
    static const char *const pairs[][2] = {
        {"phi3", "microsoft/Phi-3-mini-4k-instruct"},
        {"phi3:mini", "microsoft/Phi-3-mini-4k-instruct"},
        {"PHI3:MINI", "microsoft/Phi-3-mini-4k-instruct"},
        {"phi3:latest", "microsoft/Phi-3-mini-4k-instruct"},
        {"Phi-3-mini", "microsoft/Phi-3-mini-4k-instruct"},
        {"microsoft/Phi-3-mini-4k-instruct", "microsoft/Phi-3-mini-4k-instruct"},
        {"Phi-3-mini-4k-instruct-gguf", "microsoft/Phi-3-mini-4k-instruct"},
        {"phi-3-medium-4k", "microsoft/Phi-3-medium-4k-instruct"},
        {"llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct"},
        {"llama3.1", "meta-llama/Llama-3.1-8B-Instruct"},
        {"meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"},
        {"Meta-Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"},
        {"unsloth/Llama-3.2-3B-Instruct-GGUF", "meta-llama/Llama-3.2-3B-Instruct"},
        {"Qwen2.5-7B", "Qwen/Qwen2.5-7B-Instruct"},
        {"qwen2.5:7b-instruct", "Qwen/Qwen2.5-7B-Instruct"},
        {"Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B-Instruct"},
        {"gemma 2 9b", "google/gemma-2-9b-it"},
        {"gemma2:9b", "google/gemma-2-9b-it"},
        {"mistral", "mistralai/Mistral-7B-Instruct-v0.3"},
        {"gpt2", "openai-community/gpt2"},
        {"deepseek-r1:7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"},
        {"nomic-embed-text:latest", "nomic-ai/nomic-embed-text-v1.5"},
        {"", "none"},
        {"-", "none"},
        {"instruct", "none"},
        {"Qwen2.5-7", "none"},
        {"Qwen2.5-7B-Q4_K_M", "none"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_string_equal(id_of(h, pairs[i][0]), pairs[i][1]);
}

static void a_name_of_several_models_says_so(void **state)
{
    const struct home *h = *state;
    const struct model_part *m;
    const char *others = NULL;
    assert_int_equal(catalog_model(h->catalog, S("mistral-7b"), &m, &others), MATCH_SEVERAL);
    assert_string_equal(m->hf_id, "mistralai/Mistral-7B-Instruct-v0.3");
    assert_string_equal(others, "mistralai/Mistral-7B-Instruct-v0.2");
    assert_int_equal(catalog_model(h->catalog, S("mistral"), &m, &others), MATCH_ONE);
    assert_null(others);
}

static void a_slip_of_the_pen_has_a_near_name(void **state)
{
    const struct home *h = *state;
    assert_string_equal(catalog_model_near(h->catalog, S("Qwen2.5-7C")), "Qwen2.5-7B");
    assert_string_equal(catalog_model_near(h->catalog, S("lama3.1:8b")), "Llama 3.1 8B");
    assert_null(catalog_model_near(h->catalog, S("zzzzzzzzzzzz")));
    assert_null(catalog_model_near(h->catalog, S("")));
}

static void the_users_model_wins(void **state)
{
    const struct home *h = *state;
    home_write(h, "models.json",
               "{\"entries\": ["
               "{\"hf_id\": \"me/tiny\", \"arch\": \"llama\", \"n_layers\": 2,"
               " \"aliases\": [\"phi3:mini\"]},"
               "{\"hf_id\": \"Microsoft/phi-2\", \"arch\": \"phi\", \"n_layers\": 1}]}");
    const struct model_part *m;
    size_t n;
    const char *others = NULL;
    assert_true(catalog_models(h->catalog, &m, &n, NULL));
    assert_int_equal(n, 226);
    assert_int_equal(catalog_model(h->catalog, S("microsoft/phi-2"), &m, NULL), MATCH_ONE);
    assert_exactly(m->n_layers, 1);
    assert_true(0 != isnan(m->vocab_size));
    assert_null(m->source);
    assert_int_equal(catalog_model(h->catalog, S("phi3:mini"), &m, &others), MATCH_SEVERAL);
    assert_string_equal(m->hf_id, "me/tiny");
    assert_string_equal(others, "microsoft/Phi-3-mini-4k-instruct");
}

static void refused(void **state, const char *text, const char *part)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    const struct model_part *m;
    size_t n;
    home_write(h, "models.json", text);
    assert_false(catalog_models(h->catalog, &m, &n, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_message(&err, home_path(h, "models.json"), part);
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(catalog_model(h->catalog, S("phi3"), &m, NULL), MATCH_NONE);
    assert_false(catalog_sound(h->catalog, NULL));
}

static void a_table_cut_short_is_refused(void **state)
{
    refused(state, "{\"entries\": [", ":1:");
}

static void a_table_of_another_form_is_refused(void **state)
{
    refused(state, "[]", "must be a map");
}

static void a_list_that_is_none_is_refused(void **state)
{
    refused(state, "{\"entries\": {}}", "entries must be a list");
}

static void a_row_without_a_name_is_refused(void **state)
{
    refused(state, "{\"entries\": [{\"hf_id\": \"a/b\"}, {\"arch\": \"x\"}]}",
            "entries[1]: the row has no name");
}

static void a_figure_in_words_is_refused(void **state)
{
    refused(state, "{\"entries\": [{\"hf_id\": \"a/b\", \"shape\": {\"token_types\": \"two\"}}]}",
            "entries[0]: shape.token_types: must be a number");
}

static void a_name_twice_is_refused(void **state)
{
    refused(state, "{\"entries\": [{\"hf_id\": \"a/b\"}, {\"hf_id\": \"A/B\"}]}",
            "two rows of entries are called");
}

/* ---- processors ---- */

static const char *cpu_of(const struct home *h, const char *name)
{
    const struct cpu_part *p = catalog_cpu(h->catalog, str_of(name));
    return p ? p->name : "none";
}

/* What a shape is computed from is whole and in bounds; the file, the row and the figure are said. */
static void a_figure_no_model_has_is_refused(void **state)
{
    static const char *const bad[] = {"\"n_layers\": 1e18", "\"n_layers\": 0.5", "\"d_model\": -1",
                                      "\"vocab_size\": 1e308", "\"mla\": {\"v_head_dim\": -1}"};
    const struct home *h = *state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct catalog *c = catalog_open(h->folder, h->arena);
        const struct model_part *m;
        size_t n;
        struct mu_err err = {.code = MU_OK};
        home_write(h, "models.json",
                   str_format(h->arena, "{\"entries\": [{\"hf_id\": \"a/b\", %s}]}", bad[i]));
        assert_false(catalog_models(c, &m, &n, &err));
        assert_int_equal(err.code, MU_DATA);
        assert_message(&err, "models.json: entries[0]", "it takes a whole number from 0 to");
    }
}

static void every_cpu_loads(void **state)
{
    const struct home *h = *state;
    const struct cpu_part *p;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_cpus(h->catalog, &p, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, 90);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(catalog_cpu(h->catalog, str_of(p[i].name)), &p[i]);
        assert_true(p[i].theoretical_bandwidth_gbs > 0);
        assert_true(p[i].threads >= p[i].cores);
        assert_non_null(p[i].class_);
    }
}

static void cpus_are_found_as_systems_write_them(void **state)
{
    const struct home *h = *state;
    static const char *const pairs[][2] = {
        {"i7-8700K", "Intel Core i7-8700K"},
        {"Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "Intel Core i7-8700K"},
        {"12th Gen Intel(R) Core(TM) i7-12700K", "Intel Core i7-12700"},
        {"Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz", "Intel Xeon E5 v3 (Haswell-EP)"},
        {"Intel Xeon Processor (SapphireRapids)", "Intel Xeon Scalable 4th gen (Sapphire Rapids)"},
        {"Intel(R) Xeon(R) Platinum 8480+", "Intel Xeon Scalable 4th gen (Sapphire Rapids)"},
        {"AMD EPYC 7763 64-Core Processor", "AMD EPYC 7003 (Milan)"},
        {"AMD Ryzen 9 7950X 16-Core Processor", "AMD Ryzen 9 7950X"},
        {"AMD Ryzen 7 7840HS w/ Radeon 780M Graphics", "AMD Ryzen 7 7840HS"},
        {"Raspberry Pi 4 Model B Rev 1.4", "Raspberry Pi 4 Model B"},
        {"Apple M2 Max", "Apple M2 Max"},
        {"Apple M2 Pro", "Apple M2 Pro"},
        {"Apple M2 Extreme", "none"},
        {"Intel(R) Core(TM) i7-870 CPU @ 2.93GHz", "none"},
        {"", "none"},
        {"CPU", "none"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_string_equal(cpu_of(h, pairs[i][0]), pairs[i][1]);
}

static void a_very_long_cpu_name_does_no_harm(void **state)
{
    const struct home *h = *state;
    char name[4096];
    for (size_t i = 0; i < sizeof name; i++) name[i] = i % 7 ? 'x' : ' ';
    assert_null(catalog_cpu(h->catalog, (struct str){name, sizeof name}));
    memset(name, 'x', sizeof name);
    assert_null(catalog_cpu(h->catalog, (struct str){name, sizeof name}));
}

/* ---- accelerators ---- */

static const char *gpu_of(const struct home *h, const char *name, double memory_gib,
                          enum catalog_match expected)
{
    const struct gpu_part *g = NULL;
    const enum catalog_match match = catalog_gpu(h->catalog, str_of(name), memory_gib, &g);
    if (match != expected) fail_msg("%s: match %d, not %d", name, (int)match, (int)expected);
    return g ? g->name : "none";
}

static void every_gpu_loads(void **state)
{
    const struct home *h = *state;
    const struct gpu_part *g;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_gpus(h->catalog, &g, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, 227);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(gpu_of(h, g[i].name, (double)NAN, MATCH_ONE), g[i].name);
        assert_true(g[i].memory_gib > 0);
        assert_true(g[i].memory_bandwidth_gbs > 0);
    }
}

static void gpus_are_found_in_any_spelling(void **state)
{
    const struct home *h = *state;
    static const char *const pairs[][2] = {
        {"rtx4090", "GeForce RTX 4090"},
        {"NVIDIA GeForce RTX 4090", "GeForce RTX 4090"},
        {"RTX 4090 24GB", "GeForce RTX 4090"},
        {"rtx 4090 24 GiB", "GeForce RTX 4090"},
        {"rtx 4090-24g", "GeForce RTX 4090"},
        {"NVIDIA GeForce RTX 4090 Laptop GPU", "GeForce RTX 4090 Laptop GPU"},
        {"rtx 3060", "GeForce RTX 3060 12GB"},
        {"RTX 3060 8GB", "GeForce RTX 3060 8GB"},
        {"GTX 1660 Ti", "GeForce GTX 1660 Ti"},
        {"NVIDIA A100-SXM4-80GB", "A100 SXM4 80GB"},
        {"AMD Radeon RX 7900 XTX", "Radeon RX 7900 XTX"},
        {"Apple M2 Max", "Apple M2 Max"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_string_equal(gpu_of(h, pairs[i][0], (double)NAN, MATCH_ONE), pairs[i][1]);
    assert_string_equal(gpu_of(h, "RTX 9999", (double)NAN, MATCH_NONE), "none");
    assert_string_equal(gpu_of(h, "24GB", (double)NAN, MATCH_NONE), "none");
    assert_string_equal(gpu_of(h, "", (double)NAN, MATCH_NONE), "none");
}

static void memory_tells_cards_of_one_name_apart(void **state)
{
    const struct home *h = *state;
    const char *name = "NVIDIA GeForce RTX 3060";
    assert_string_equal(gpu_of(h, name, (double)NAN, MATCH_SEVERAL), "GeForce RTX 3060 12GB");
    assert_string_equal(gpu_of(h, name, 12, MATCH_ONE), "GeForce RTX 3060 12GB");
    assert_string_equal(gpu_of(h, name, 7.9, MATCH_ONE), "GeForce RTX 3060 8GB");
    assert_string_equal(gpu_of(h, "rtx 3060", 8, MATCH_ONE), "GeForce RTX 3060 8GB");
    assert_string_equal(gpu_of(h, "rtx 4060 ti", 16, MATCH_ONE), "GeForce RTX 4060 Ti 16GB");
    assert_string_equal(gpu_of(h, "rtx 4060 ti", (double)NAN, MATCH_ONE),
                        "GeForce RTX 4060 Ti 8GB");
}

static void gpus_are_found_by_pci_id(void **state)
{
    const struct home *h = *state;
    const struct gpu_part *with_id[GPUS_OF_ID] = {NULL};
    assert_int_equal(catalog_gpu_pci(h->catalog, S("10de:2684"), with_id), 1);
    assert_string_equal(with_id[0]->name, "GeForce RTX 4090");
    assert_int_equal(catalog_gpu_pci(h->catalog, S("10DE:2684"), with_id), 1);
    assert_int_equal(catalog_gpu_pci(h->catalog, S("10de:2d04"), with_id), 2);
    assert_string_equal(with_id[0]->name, "GeForce RTX 5060 Ti 16GB");
    assert_int_equal(catalog_gpu_pci(h->catalog, S("0000:0000"), with_id), 0);
}

static void the_users_gpu_wins(void **state)
{
    const struct home *h = *state;
    home_write(h, "gpus.json",
               "{\"entries\": [{\"name\": \"GeForce RTX 4090\", \"memory_gib\": 48,"
               " \"memory_bandwidth_gbs\": 1008, \"aliases\": [\"rtx4090\"]}]}");
    const struct gpu_part *g;
    size_t n;
    assert_true(catalog_gpus(h->catalog, &g, &n, NULL));
    assert_int_equal(n, 227);
    assert_int_equal(catalog_gpu(h->catalog, S("RTX 4090"), (double)NAN, &g), MATCH_ONE);
    assert_exactly(g->memory_gib, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(every_model_loads),
        HOMED(models_carry_their_figures),
        HOMED(models_are_found_in_any_spelling),
        HOMED(a_name_of_several_models_says_so),
        HOMED(a_slip_of_the_pen_has_a_near_name),
        HOMED(the_users_model_wins),
        HOMED(a_table_cut_short_is_refused),
        HOMED(a_table_of_another_form_is_refused),
        HOMED(a_list_that_is_none_is_refused),
        HOMED(a_row_without_a_name_is_refused),
        HOMED(a_figure_in_words_is_refused),
        HOMED(a_name_twice_is_refused),
        HOMED(a_figure_no_model_has_is_refused),
        HOMED(every_cpu_loads),
        HOMED(cpus_are_found_as_systems_write_them),
        HOMED(a_very_long_cpu_name_does_no_harm),
        HOMED(every_gpu_loads),
        HOMED(gpus_are_found_in_any_spelling),
        HOMED(memory_tells_cards_of_one_name_apart),
        HOMED(gpus_are_found_by_pci_id),
        HOMED(the_users_gpu_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
