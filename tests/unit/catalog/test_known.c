/* tests/unit/catalog/test_known.c - whole rows for `muster facts`, machines for rent, and the user's own parts in front of ours. */
#include "home.h"

#include <math.h>

#include "catalog/known.h"
#include "catalog/parts.h"

enum { ROWS = 32 };

static size_t named(const struct home *h, enum known_kind kind, const char *name,
                    const struct known_row *row[ROWS])
{
    return known_named(h->catalog, kind, str_of(name), row, ROWS);
}

static void every_kind_has_rows_that_say_where_they_come_from(void **state)
{
    const struct home *h = *state;
    for (enum known_kind k = 0; k < KNOWN_KIND_COUNT; k++) {
        const struct known_row *row;
        size_t rows;
        struct mu_err err = {.code = MU_OK};
        if (!catalog_known(h->catalog, k, &row, &rows, &err)) fail_msg("%s", err.text);
        assert_true(rows > 10);
        for (size_t i = 0; i < rows; i++) {
            const struct known_row *found[ROWS];
            if (!row[i].source || !row[i].collected || !row[i].facts)
                fail_msg("%s %s says too little of itself", known_word(k), row[i].name);
            assert_false(row[i].own);
            if (!named(h, k, row[i].name, found)) fail_msg("%s is not found", row[i].name);
        }
    }
}

/* What the typed reader knows of a row, the whole row holds too, and as much. */
static void a_row_is_whole(void **state)
{
    const struct home *h = *state;
    const struct known_row *row[ROWS];
    assert_int_equal(named(h, KNOWN_MODEL, "DeepSeek-R1", row), 1);
    assert_exactly(known_fact_of(row[0], "mla.kv_lora_rank")->number, 512);
    assert_string_equal(known_fact_of(row[0], "shape.kind")->text, "mla_moe");
    assert_int_equal(known_fact_of(row[0], "aliases")->kind, JSON_LIST_KIND);
    assert_true(known_fact_of(row[0], "aliases")->items > 0);
    assert_null(known_fact_of(row[0], "no such key"));
    assert_true(named(h, KNOWN_QUANT, "Q4_K_M", row) > 2);
    assert_string_equal(known_fact_of(row[0], "rules.output[0].type")->text, "Q6_K");
}

static void a_name_shows_all_that_it_may_mean(void **state)
{
    const struct home *h = *state;
    static const struct {
        enum known_kind kind;
        const char *name;
        size_t rows;
        const char *first;
    } rows[] = {
        {KNOWN_GPU, "RTX 3060", 2, "GeForce RTX 3060 12GB"},
        {KNOWN_GPU, "rtx 3060 8gb", 1, "GeForce RTX 3060 8GB"},
        {KNOWN_GPU, "NVIDIA GeForce RTX 3060", 2, "GeForce RTX 3060 12GB"},
        {KNOWN_GPU, "10de:2684", 1, "GeForce RTX 4090"},
        {KNOWN_GPU, "RTX 4090 24GB", 1, "GeForce RTX 4090"},
        {KNOWN_GPU, "RTX 9999", 0, NULL},
        {KNOWN_GPU, "", 0, NULL},
        {KNOWN_GPU, "--", 0, NULL},
        {KNOWN_CPU, "12th Gen Intel(R) Core(TM) i7-12700K", 1, "Intel Core i7-12700"},
        {KNOWN_CLOUD, "p3.2xlarge", 1, "p3.2xlarge"},
        {KNOWN_CLOUD, "AWS p3.2xlarge", 1, "p3.2xlarge"},
        {KNOWN_MODEL, "mistral-7b", 2, "mistralai/Mistral-7B-Instruct-v0.3"},
        {KNOWN_MODEL, "phi3:mini", 1, "microsoft/Phi-3-mini-4k-instruct"},
        {KNOWN_SOFTWARE, "pytorch 2.4", 1, "PyTorch 2.4"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct known_row *row[ROWS];
        const size_t n = named(h, rows[i].kind, rows[i].name, row);
        if (n != rows[i].rows)
            fail_msg("%s means %zu rows, not %zu", rows[i].name, n, rows[i].rows);
        if (n) assert_string_equal(row[0]->name, rows[i].first);
    }
    const struct known_row *row[ROWS];
    assert_int_equal(known_named(h->catalog, KNOWN_GPU, S("RTX 3060"), row, 1), 1);
}

static void the_nearest_names_come_first(void **state)
{
    const struct home *h = *state;
    const char *near[4];
    assert_in_range(known_near(h->catalog, KNOWN_GPU, S("RTX 4909"), near, 4), 1, 2);
    assert_string_equal(near[0], "GeForce RTX 4090");
    assert_int_equal(known_near(h->catalog, KNOWN_GPU, S("RTX 30"), near, 4), 4);
    assert_int_equal(known_near(h->catalog, KNOWN_CPU, S("Ryzen 7 5800Z"), near, 1), 1);
    assert_string_equal(near[0], "AMD Ryzen 7 5800X");
    assert_int_equal(known_near(h->catalog, KNOWN_GPU, S("zzzzzzzzzzzz"), near, 4), 0);
    assert_int_equal(known_near(h->catalog, KNOWN_GPU, S(""), near, 4), 0);
}

static void a_filter_takes_words_in_any_spelling(void **state)
{
    const struct home *h = *state;
    const struct known_row *row;
    size_t rows;
    size_t n = 0;
    assert_true(catalog_known(h->catalog, KNOWN_CLOUD, &row, &rows, NULL));
    for (size_t i = 0; i < rows; i++)
        if (known_holds(&row[i], S("a100 AWS"), h->arena)) {
            assert_string_equal(known_fact_of(&row[i], "provider")->text, "AWS");
            n++;
        }
    assert_true(n > 0 && n < rows);
    assert_false(known_holds(&row[0], S("no-such-word"), h->arena));
    assert_true(known_holds(&row[0], S(""), h->arena));
}

/* ---- machines for rent ---- */

static void clouds_have_prices_with_dates(void **state)
{
    const struct home *h = *state;
    const struct cloud_part *c;
    size_t n;
    struct mu_err err = {.code = MU_OK};
    size_t retired = 0;
    if (!catalog_clouds(h->catalog, &c, &n, &err)) fail_msg("%s", err.text);
    assert_int_equal(n, 108);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(catalog_cloud(h->catalog, str_of(c[i].name)), &c[i]);
        assert_true(isnan(c[i].usd_per_hour) || (c[i].usd_per_hour > 0 && c[i].price_date));
        assert_true(c[i].gpu_count >= 0);
        retired += c[i].retired;
    }
    assert_int_equal(retired, 1);
    assert_true(catalog_cloud(h->catalog, S("azure standard_nc6s_v3"))->retired);
    assert_false(catalog_cloud(h->catalog, S("p3.2xlarge"))->retired);
    assert_null(catalog_cloud(h->catalog, S("p3.3xlarge")));
}

/* ---- the user's own ---- */

static void an_own_gpu_takes_names_and_pci_ids_from_ours(void **state)
{
    const struct home *h = *state;
    const struct gpu_part *g = NULL, *with_id[GPUS_OF_ID];
    const struct known_row *row[ROWS];
    home_write(h, "gpus.json",
               "{\"entries\": [{\"name\": \"My 4090\", \"memory_gib\": 48,"
               " \"memory_bandwidth_gbs\": 1100, \"pci_ids\": [\"10de:2684\", \"10de:2d04\"],"
               " \"aliases\": [\"GeForce RTX 4090\"], \"source\": \"its seller\"}]}");
    assert_int_equal(catalog_gpu(h->catalog, S("GeForce RTX 4090"), (double)NAN, &g), MATCH_ONE);
    assert_string_equal(g->name, "My 4090");
    assert_exactly(g->memory_bandwidth_gbs, 1100);
    assert_int_equal(catalog_gpu_pci(h->catalog, S("10de:2684"), with_id), 1);
    assert_string_equal(with_id[0]->name, "My 4090");
    assert_int_equal(catalog_gpu_pci(h->catalog, S("10de:2d04"), with_id),
                     1); /* two of ours share it */
    assert_string_equal(with_id[0]->name, "My 4090");
    assert_int_equal(catalog_gpu(h->catalog, S("rtx 4090"), (double)NAN, &g), MATCH_ONE);
    assert_string_equal(g->name, "GeForce RTX 4090"); /* a spelling that the own row lacks */
    assert_int_equal(named(h, KNOWN_GPU, "GeForce RTX 4090", row), 2);
    assert_true(row[0]->own);
    assert_string_equal(row[0]->file, home_path(h, "gpus.json"));
    assert_string_equal(row[0]->source, "its seller");
}

static void own_rows_of_every_table_win(void **state)
{
    const struct home *h = *state;
    const struct known_row *row[ROWS];
    const struct known_row *all;
    size_t n;
    home_write(h, "cpus.json",
               "{\"entries\": [{\"name\": \"intel core I7-12700\", \"cores\": 4, \"threads\": 8,"
               " \"theoretical_bandwidth_gbs\": 30},"
               "{\"name\": \"Mine\", \"aliases\": [\"AMD Ryzen 5 3600\"], \"cores\": 99}]}");
    home_write(h, "clouds.json",
               "{\"entries\": [{\"name\": \"p3.2xlarge\", \"usd_per_hour\": 0,"
               " \"price_date\": \"2026-11\"}]}");
    home_write(h, "models.json", "{\"entries\": [{\"hf_id\": \"me/own\", \"n_layers\": 3}]}");
    home_write(h, "quants.json",
               "{\"kv_cache_types\": [{\"name\": \"q8_0\", \"bits\": 8}, {\"name\": \"mine\","
               " \"bits\": 3}]}");
    assert_exactly(catalog_cpu(h->catalog, S("Intel Core i7-12700"))->cores, 4);
    assert_exactly(catalog_cpu(h->catalog, S("AMD Ryzen 5 3600 6-Core Processor"))->cores, 99);
    assert_exactly(catalog_cloud(h->catalog, S("p3.2xlarge"))->usd_per_hour, 0);
    assert_int_equal(named(h, KNOWN_CPU, "Intel Core i7-12700", row), 1);
    assert_true(row[0]->own);
    assert_int_equal(named(h, KNOWN_MODEL, "own", row), 1);
    assert_true(row[0]->own);
    assert_true(catalog_known(h->catalog, KNOWN_QUANT, &all, &n, NULL));
    size_t mine = 0;
    for (size_t i = 0; i < n; i++) mine += all[i].own;
    assert_int_equal(mine, 2);
    assert_true(named(h, KNOWN_QUANT, "q8_0", row) >= 3);
}

static void a_mistake_is_told_with_path_row_and_key(void **state)
{
    const struct home *h = *state;
    static const struct {
        const char *file, *text, *says;
        enum known_kind kind;
    } rows[] = {
        {"gpus.json", "{\"entries\": [{\"name\": \"a\", \"memory_gb\": 8}]}",
         "entries[0]: there is no key 'memory_gb'; did you mean 'memory_gib'?", KNOWN_GPU},
        {"gpus.json", "{\"entrys\": []}", "there is no key 'entrys'; did you mean 'entries'?",
         KNOWN_GPU},
        {"gpus.json", "{\"entries\": [{\"name\": \"a\", \"memory_bandwidth_gbs\": \"fast\"}]}",
         "entries[0]: memory_bandwidth_gbs: must be a number", KNOWN_GPU},
        {"gpus.json", "{\"entries\": [{\"name\": \"a\"}, {\"name\": \"b\", \"tdp_w\": -1}]}",
         "entries[1]: tdp_w: is -1; it takes a number above 0", KNOWN_GPU},
        {"gpus.json", "{\"entries\": [{\"name\": \"a\", \"pci_ids\": \"10de:1\"}]}",
         "entries[0]: pci_ids", KNOWN_GPU},
        {"gpus.json", "{\"entries\": [{\"memory_gib\": 8}]}", "entries[0]: the row has no name",
         KNOWN_GPU},
        {"gpus.json", "{\"entries\": [", ":1:", KNOWN_GPU},
        {"cpus.json", "{\"entries\": [{\"name\": \"a\", \"cores\": 0}]}",
         "entries[0]: cores: is 0; it takes a number above 0", KNOWN_CPU},
        {"cpus.json", "{\"entries\": [{\"name\": \"a\", \"avx2\": 1}]}", "entries[0]: avx2",
         KNOWN_CPU},
        {"clouds.json", "{\"entries\": [{\"name\": \"a\", \"usd_per_hour\": 1}]}",
         "entries[0]: usd_per_hour: a price needs its price_date", KNOWN_CLOUD},
        {"clouds.json", "{\"entries\": [{\"name\": \"a\", \"status\": \"gone\"}]}",
         "entries[0]: status: takes current, legacy or retired; not 'gone'", KNOWN_CLOUD},
        {"clouds.json", "{\"entries\": [{\"name\": \"a\", \"usd_per_hour\": -1}]}",
         "entries[0]: usd_per_hour: is -1; it takes a number from 0", KNOWN_CLOUD},
        {"models.json", "{\"entries\": [{\"hf_id\": \"a/b\", \"n_layer\": 3}]}",
         "entries[0]: there is no key 'n_layer'; did you mean 'n_layers'?", KNOWN_MODEL},
        {"quants.json", "{\"mixes\": [{\"name\": \"a\", \"base_type\": \"Q4_K\"}]}", "mix a",
         KNOWN_QUANT},
        {"quants.json", "{\"kv_types\": []}", "there is no key 'kv_types'", KNOWN_QUANT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct catalog *c = catalog_open(h->folder, h->arena);
        const struct known_row *row;
        size_t n;
        struct mu_err err = {.code = MU_OK};
        home_write(h, rows[i].file, rows[i].text);
        if (catalog_known(c, rows[i].kind, &row, &n, &err)) fail_msg("%s is taken", rows[i].text);
        assert_int_equal(err.code, MU_DATA);
        assert_message(&err, home_path(h, rows[i].file), rows[i].says);
        remove(home_path(h, rows[i].file));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(every_kind_has_rows_that_say_where_they_come_from),
        HOMED(a_row_is_whole),
        HOMED(a_name_shows_all_that_it_may_mean),
        HOMED(the_nearest_names_come_first),
        HOMED(a_filter_takes_words_in_any_spelling),
        HOMED(clouds_have_prices_with_dates),
        HOMED(an_own_gpu_takes_names_and_pci_ids_from_ours),
        HOMED(own_rows_of_every_table_win),
        HOMED(a_mistake_is_told_with_path_row_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
