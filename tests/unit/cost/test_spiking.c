/* Bills of spiking networks, of embeddings and of indexes: what users meet, and what must hold for any model. */
#include "../stage.h"

#include "base/num.h"
#include "cost/analysis.h"
#include "cost/spiking.h"

static struct bill bill;
static struct spiking k;

static void model(struct stage *s, const char *name)
{
    const char *others;
    const struct model_part *part;
    assert_int_not_equal(catalog_model(s->catalog, str_of(name), &part, &others), MATCH_NONE);
    shape_from_part(part, s->catalog, s->arena, &s->shape);
    s->digest = (struct digest){.shape = &s->shape, .parameters = s->shape.parameters};
    spiking_usual(&k);
    bill.bent = 0;
}

static double total(const struct workload *w, struct stage *s, const void *knobs)
{
    const struct task t = {w, &s->digest, knobs};
    cost_bill(&t, &split_host, &bill);
    return bill.unruled ? 0 : bill_held(&bill, ON_HOST);
}

/* Llama-2-7B in F32: 27 GB of weights, so not in 20 GB. */
static void weights_are_single_precision(void **state)
{
    struct stage *s = *state;
    model(s, "meta-llama/Llama-2-7b-hf");
    assert_true(total(&workload_snn_run, s, &k) > 27e9);
    assert_true(bill_group(&bill, "weights") > 26.9e9 && bill_group(&bill, "weights") < 27e9);
}

static void memory_stops_growing_with_timesteps(void **state)
{
    struct stage *s = *state;
    model(s, "openai-community/gpt2");
    double before = 0;
    for (int steps = 1; steps <= 3; steps++) {
        k.timesteps = steps;
        const double now = total(&workload_snn_run, s, &k);
        assert_true(now >= before);
        before = now;
    }
    k.timesteps = 64;
    assert_true(total(&workload_snn_run, s, &k) == before);
    k.mode = SPIKING_LAYER;
    assert_true(total(&workload_snn_run, s, &k) > 2 * before);
}

static void neurons_keep_states(void **state)
{
    struct stage *s = *state;
    model(s, "openai-community/gpt2");
    const double none = total(&workload_snn_run, s, &k);
    const double unit = 12.0 * 512 * (3 * 768 + 3072) * 4;
    k.neuron = NEURON_LIF;
    assert_true(total(&workload_snn_run, s, &k) == none + unit);
    k.neuron = NEURON_ADEX;
    assert_true(total(&workload_snn_run, s, &k) == none + 2 * unit);
}

static void a_full_conversion_costs_more(void **state)
{
    struct stage *s = *state;
    model(s, "openai-community/gpt2-medium");
    const double simplified = total(&workload_snn_convert, s, &k);
    assert_true(simplified > 2.8e9 && simplified < 3.3e9); /* the notes: 3.8 GB with the program */
    k.conversion = CONVERT_FULL;
    assert_true(total(&workload_snn_convert, s, &k) > simplified);
    model(s, "Qwen/Qwen2.5-7B-Instruct");
    k.conversion = CONVERT_FULL;
    assert_true(total(&workload_snn_convert, s, &k) == 0);
    assert_non_null(bill.unruled);
}

static void an_encoder_is_small(void **state)
{
    struct stage *s = *state;
    struct embed e;
    model(s, "sentence-transformers/all-MiniLM-L6-v2");
    embed_usual(&e);
    const double bytes = total(&workload_embed, s, &e);
    assert_true(bill_group(&bill, "weights") > 90e6 && bill_group(&bill, "weights") < 92e6);
    e.texts = 1e6;
    assert_true(total(&workload_embed, s, &e) == bytes + 1e6 * 384 * 4);
}

static void indexes_by_kind(void **state)
{
    struct stage *s = *state;
    struct retrieve r;
    model(s, "sentence-transformers/all-MiniLM-L6-v2");
    retrieve_usual(&r);
    r.vectors = 1e6;
    assert_true(total(&workload_retrieve, s, &r) == 1e6 * 384 * 4);
    const double flat = 1e6 * 384 * 4;
    r.index = INDEX_IVF;
    assert_true(total(&workload_retrieve, s, &r) == flat + 8e6 + 1024.0 * 384 * 4);
    r.index = INDEX_IVF_PQ;
    assert_true(total(&workload_retrieve, s, &r) == 1e6 * 72 + 4.0 * 384 * 1024 + 4.0 * 384 * 256);
    r.index = INDEX_HNSW;
    const double graph = total(&workload_retrieve, s, &r);
    assert_true(graph > flat + 1e6 * 8 * 32 && graph < flat + 1.21e6 * 8 * 32);
    r.keep_vectors = true;
    assert_true(total(&workload_retrieve, s, &r) == graph + flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(weights_are_single_precision), STAGED(memory_stops_growing_with_timesteps),
        STAGED(neurons_keep_states),          STAGED(a_full_conversion_costs_more),
        STAGED(an_encoder_is_small),          STAGED(indexes_by_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
