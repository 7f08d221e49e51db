/* The bills of other runtimes: what figures people know of weights come out, the parts grow as their rules say, the knobs that a
 * runtime does not have are refused. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/runtime.h"
#include "cost/vllm.h"

static struct bill billed(const struct task *t, const struct split *s)
{
    struct bill b = {.lines = 0};
    cost_bill(t, s, &b);
    return b;
}

static struct task under(struct stage *s, const char *model, enum runtime_id runtime,
                         enum dtype dtype)
{
    const struct task t = stage_model(s, model, "F16");
    generate_under(&s->knobs, runtime);
    s->knobs.dtype = dtype;
    return t;
}

static struct split one_card(const struct task *t)
{
    struct split s = {.sites = 2};
    s.layers[1] = t->model->shape->layers + 1;
    return s;
}

static double group_at(const struct bill *b, const char *group, int site)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && b->line[i].site == site &&
            strcmp(b->line[i].term->group, group) == 0)
            sum += b->line[i].amount;
    return sum;
}

static double named(const struct bill *b, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (strcmp(b->line[i].term->name, name) == 0) sum += b->line[i].amount;
    return sum;
}

/* GB = 10^9 bytes; parameters as published times the bytes of each. */
static void weights_are_what_people_know(void **state)
{
    static const struct {
        const char *model;
        enum dtype dtype;
        double gb;
    } rows[] = {
        {"meta-llama/Llama-2-7b-hf", DTYPE_FP32, 26.95},
        {"meta-llama/Llama-2-7b-hf", DTYPE_FP16, 13.48},
        {"microsoft/Phi-3-mini-4k-instruct", DTYPE_FP16, 7.64},
        {"microsoft/Phi-4-mini-instruct", DTYPE_FP16, 7.67},
        {"Qwen/Qwen2.5-7B-Instruct", DTYPE_BF16, 15.23},
    };
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct task t = under(s, rows[i].model, RUNTIME_TRANSFORMERS, rows[i].dtype);
        const struct bill b = billed(&t, &split_host);
        assert_null(b.unruled);
        assert_close(bill_group(&b, "weights") / 1e9, rows[i].gb, 0.01);
    }
}

/* Linear layers alone are packed: the embedding and the output of this model are two matrices of 32000 rows of 4096. */
static void packed_weights_keep_the_ends_whole(void **state)
{
    struct stage *s = *state;
    struct task t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_INT8);
    const double ends = 2 * 32000.0 * 4096, layers = 32 * 202383360.0, norms = 65 * 4096.0;
    const double rows = 32 * (4 * 4096.0 + 2 * 11008 + 4096);
    assert_close(transformers_weight_bytes(t.model, &s->knobs),
                 2 * (ends + norms) + (layers - 0) + 4 * rows, 1e-3 * layers);
    t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_NF4);
    /* 4.127 bits with both levels of scales */
    assert_close(transformers_weight_bytes(t.model, &s->knobs),
                 2 * (ends + norms) + layers * 4.127 / 8, 1e-3 * layers);
}

/* 32 layers of 32 heads of 128, keys and values, in what is computed in. */
static void cache_is_exactly_the_tokens(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_FP32);
    s->knobs.context_tokens = 1000;
    struct bill b = billed(&t, &split_host);
    assert_exactly(bill_group(&b, "kv"), 1000 * 32 * 2 * 4096.0 * 4);
    s->knobs.sequences = 3;
    b = billed(&t, &split_host);
    assert_exactly(bill_group(&b, "kv"), 3 * 1000 * 32 * 2 * 4096.0 * 4);
    s->knobs.dtype = DTYPE_BF16;
    b = billed(&t, &split_host);
    assert_exactly(bill_group(&b, "kv"), 3 * 1000 * 32 * 2 * 4096.0 * 2);
}

/* Eager attention grows with the square of the context, sdpa with the context. */
static void eager_attention_has_a_matrix_of_scores(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_BF16);
    double compute[2][2];
    for (int eager = 0; eager < 2; eager++)
        for (int times = 0; times < 2; times++) {
            s->knobs.flash_attention = eager ? FLASH_OFF : FLASH_AUTO;
            s->knobs.context_tokens = times ? 4096 : 2048;
            const struct bill b = billed(&t, &split_host);
            compute[eager][times] = named(&b, "work of one layer");
        }
    assert_exactly(compute[0][1], 2 * compute[0][0]);
    /* beside queries, keys, values and the stream: of each pair and head the score and its softmax, and one mask */
    const double pairs = 4096.0 * 4096 * (32 * (2 + 4) + 2), rest = 4096.0 * (3 * 4096 + 2 * 4096);
    assert_exactly(compute[1][1], pairs + 2 * rest);
    assert_true(compute[1][1] > 3.5 * compute[1][0] && compute[1][1] < 4 * compute[1][0]);
}

/* On a card everything lies there, look-ups too; the host has the process. Layers of the host keep their cache on the card. */
static void cards_hold_what_they_work_on(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_FP16);
    struct split split = one_card(&t);
    const struct bill whole = billed(&t, &split), host = billed(&t, &split_host);
    assert_exactly(bill_held(&whole, ON_HOST), 0);
    assert_exactly(group_at(&whole, "weights", 1), bill_group(&host, "weights"));
    assert_true(group_at(&whole, "process", 1) > 0 && group_at(&host, "process", 0) > 0);
    split.layers[1] = 20;
    split.first_layer[ON_HOST] = 20;
    split.layers[ON_HOST] = 13;
    const struct bill part = billed(&t, &split);
    assert_exactly(group_at(&part, "kv", 1), bill_group(&host, "kv"));
    assert_exactly(group_at(&part, "kv", ON_HOST), 0);
    /* one layer more than lies there, while it visits */
    assert_close(bill_group(&part, "weights"), bill_group(&host, "weights") + 2 * 202383360.0, 1e6);
}

static void a_bill_bent_is_a_range(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "meta-llama/Llama-2-7b-hf", RUNTIME_TRANSFORMERS, DTYPE_NF4);
    const struct split split = one_card(&t);
    const struct bill likely = billed(&t, &split);
    bool wider = false;
    for (size_t k = 1; k <= likely.abouts; k++) {
        struct bill low = {.bent = k, .bend = -1}, high = {.bent = k, .bend = +1};
        cost_bill(&t, &split, &low);
        cost_bill(&t, &split, &high);
        assert_true(bill_held(&low, 1) <= bill_held(&likely, 1));
        assert_true(bill_held(&high, 1) >= bill_held(&likely, 1));
        wider = wider || bill_held(&high, 1) > bill_held(&likely, 1);
    }
    assert_true(wider);
}

static void refused(struct stage *s, const struct task *t, const struct split *split,
                    const char *because)
{
    const struct bill b = billed(t, split);
    if (!b.unruled || !strstr(b.unruled, because))
        fail_msg("not refused for %s: %s", because, b.unruled ? b.unruled : "computed");
    assert_exactly((double)b.lines, 0);
    (void)s;
}

static void knobs_of_other_runtimes_are_refused(void **state)
{
    struct stage *s = *state;
    struct task t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_LLAMA, DTYPE_BF16);
    refused(s, &t, &split_host, "--quant");
    t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_TRANSFORMERS, DTYPE_BF16);
    s->knobs.gpu_layers = 7;
    refused(s, &t, &split_host, "--gpu-layers");
    t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_TRANSFORMERS, DTYPE_BF16);
    s->knobs.kv_type_k = &t.model->types[8];
    refused(s, &t, &split_host, "--kv-type");
    t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_VLLM, DTYPE_AUTO);
    refused(s, &t, &split_host, "CUDA or ROCm");
    const struct split card = one_card(&t);
    assert_null(billed(&t, &card).unruled);
    s->knobs.dtype = DTYPE_NF4;
    refused(s, &t, &card, "16 bits only");
    t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_OLLAMA, DTYPE_AUTO);
    s->knobs.kv_type_k = &t.model->types[8];
    refused(s, &t, &split_host, "one type");
}

/* What llama.cpp's rules know and these do not: nothing is made up. */
static void forms_without_a_rule_are_refused(void **state)
{
    static const char *const models[] = {"Qwen/Qwen3.5-9B", "google/gemma-4-E2B-it",
                                         "sentence-transformers/all-MiniLM-L6-v2"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(models); i++)
        for (int r = RUNTIME_TRANSFORMERS; r <= RUNTIME_VLLM; r++) {
            const struct task t = under(s, models[i], (enum runtime_id)r, DTYPE_AUTO);
            const struct split card = one_card(&t);
            refused(s, &t, &card, "but under llama.cpp");
        }
}

/* What vLLM says that its cache holds is what its bill lets in. */
static void vllm_lets_in_what_its_cache_holds(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "meta-llama/Llama-3.1-8B-Instruct", RUNTIME_VLLM, DTYPE_AUTO);
    const struct split card = one_card(&t);
    const struct vllm_asked asked = {.cards = 1,
                                     .total_bytes = 24 * 0x1p30,
                                     .free_bytes = 24 * 0x1p30,
                                     .utilization = 0.9,
                                     .batch_tokens = s->knobs.batch_tokens,
                                     .sequences = 1,
                                     .cache_value_bytes = 2};
    struct vllm_sized v;
    assert_true(vllm_size(t.model, &asked, &v));
    for (int more = 0; more < 2; more++) {
        struct bill worst = {.bent = 1, .bend = +1};
        s->knobs.context_tokens = v.cache_low + more * 16;
        cost_bill(&t, &card, &worst);
        assert_null(worst.unruled);
        assert_int_equal(bill_held(&worst, 1) > v.taken_bytes, more);
    }
}

/* Ollama is llama.cpp with other settings: the same settings give the same bytes. */
static void ollama_is_llama_with_its_settings(void **state)
{
    struct stage *s = *state;
    const struct task t = under(s, "Qwen/Qwen2.5-7B-Instruct", RUNTIME_OLLAMA, DTYPE_AUTO);
    assert_exactly(s->knobs.context_tokens, 4096);
    assert_exactly(s->knobs.ubatch_tokens, 512);
    s->knobs.sequences = 4;
    const struct bill ollama = billed(&t, &split_host);
    s->knobs.runtime = RUNTIME_LLAMA;
    s->knobs.context_each = false;
    s->knobs.context_tokens = 4 * 4096;
    const struct bill llama = billed(&t, &split_host);
    assert_null(ollama.unruled);
    assert_exactly((double)ollama.lines, (double)llama.lines);
    for (size_t i = 0; i < ollama.lines; i++)
        assert_exactly(ollama.line[i].amount, llama.line[i].amount);
}

/* serve: a context for each user; generate: one for all, as -c. */
static void serve_gives_each_user_a_context(void **state)
{
    struct stage *s = *state;
    struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    s->knobs.sequences = 4;
    s->knobs.context_tokens = 8192;
    const struct bill shared = billed(&t, &split_host);
    t.kind = cost_workload(S("serve"));
    assert_non_null(t.kind);
    s->knobs.context_each = true;
    const struct bill each = billed(&t, &split_host);
    assert_exactly(bill_group(&each, "kv"), 4 * bill_group(&shared, "kv"));
    s->knobs.kv_unified = true;
    const struct bill unified = billed(&t, &split_host);
    assert_exactly(bill_group(&unified, "kv"), bill_group(&each, "kv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(weights_are_what_people_know),      STAGED(packed_weights_keep_the_ends_whole),
        STAGED(cache_is_exactly_the_tokens),       STAGED(eager_attention_has_a_matrix_of_scores),
        STAGED(cards_hold_what_they_work_on),      STAGED(a_bill_bent_is_a_range),
        STAGED(forms_without_a_rule_are_refused),  STAGED(knobs_of_other_runtimes_are_refused),
        STAGED(vllm_lets_in_what_its_cache_holds), STAGED(ollama_is_llama_with_its_settings),
        STAGED(serve_gives_each_user_a_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
