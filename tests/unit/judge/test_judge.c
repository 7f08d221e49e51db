/* Verdicts: what fits where, how ranges widen, what is not computed, and the search for the largest context. */
#include "../stage.h"

#include "machine/facts.h"

static void test_fits_by_memory(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    struct verdict v;
    judge_task(&t, stage_machine(s, "cpu:4 ram:16GiB"), &s->world, &v);
    assert_string_equal(fits_word(v.fits), "yes");
    const double need = v.site[ON_HOST].held_bytes.likely + v.site[ON_HOST].beside_bytes;
    assert_true(need > s->digest.weight_bytes);
    judge_task(&t, stage_machine(s, "cpu:4 ram:2GiB"), &s->world, &v);
    assert_string_equal(fits_word(v.fits), "no");
    assert_exactly(v.site[ON_HOST].held_bytes.likely + v.site[ON_HOST].beside_bytes, need);
}

static void test_bill_adds_up(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q8_0");
    struct verdict v;
    judge_task(&t, stage_machine(s, "cpu:4 ram:64GiB"), &s->world, &v);
    const char *const group[] = {"weights", "kv", "compute", "output"};
    double sum = 0;
    for (size_t i = 0; i < 4; i++) sum += bill_group(&v.bill, group[i]);
    assert_close(sum, v.site[ON_HOST].held_bytes.likely, 0.5);
}

static void test_closed_form_has_a_range(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    const struct machine *m = stage_machine(s, "cpu:4 ram:16GiB");
    struct verdict exact, closed;
    judge_task(&t, m, &s->world, &exact);
    s->knobs.closed_form = true;
    judge_task(&t, m, &s->world, &closed);
    assert_exactly(exact.site[ON_HOST].held_bytes.low, exact.site[ON_HOST].held_bytes.high);
    assert_true(closed.site[ON_HOST].held_bytes.low <= exact.site[ON_HOST].held_bytes.likely);
    assert_true(closed.site[ON_HOST].held_bytes.high >= exact.site[ON_HOST].held_bytes.likely);
    assert_true(closed.site[ON_HOST].held_bytes.high > closed.site[ON_HOST].held_bytes.low);
}

static void test_speed_needs_a_measurement(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    struct verdict slow, fast, none;
    judge_task(&t, stage_machine(s, "cpu:4 ram:16GiB"), &s->world, &none);
    assert_false(estimate_known(none.decode_per_s));
    assert_non_null(none.decode_per_s.source);
    judge_task(&t, stage_typical(s, "cpu:4 ram:16GiB bandwidth:20GB/s"), &s->world, &slow);
    judge_task(&t, stage_typical(s, "cpu:4 ram:16GiB bandwidth:40GB/s"), &s->world, &fast);
    /* all but the starts of operations goes with bandwidth */
    assert_true(fast.decode_per_s.likely < 2 * slow.decode_per_s.likely);
    assert_true(fast.decode_per_s.likely > 1.9 * slow.decode_per_s.likely);
    assert_true(slow.decode_per_s.low < slow.decode_per_s.likely);
    assert_true(slow.decode_per_s.likely < slow.decode_per_s.high);
    /* a token cannot be had faster than its weights are read */
    assert_true(slow.decode_per_s.likely < 20e9 / (s->digest.weight_bytes * 0.9));
    assert_false(estimate_known(slow.prefill_per_s));
}

static void test_largest_context(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct machine *m = stage_machine(s, "cpu:4 ram:6GiB");
    struct verdict v;
    const double context = judge_largest_context(&t, m, &s->world, 256);
    assert_true(context > 0 && context < s->shape.context_tokens);
    s->knobs.context_tokens = context;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    s->knobs.context_tokens = context + 256;
    judge_task(&t, m, &s->world, &v);
    assert_int_not_equal(v.fits, FITS);
    s->knobs.context_tokens = context + 1024;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT);
    assert_exactly(judge_largest_context(&t, stage_machine(s, "cpu:4 ram:1GiB"), &s->world, 256),
                   0);
}

static void test_not_computed(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "EleutherAI/gpt-j-6b", "Q4_K_M");
    struct verdict v;
    judge_task(&t, stage_machine(s, "cpu:4 ram:64GiB"), &s->world, &v);
    assert_string_equal(fits_word(v.fits), "not computed");
    assert_non_null(v.why);
    assert_false(estimate_known(v.site[ON_HOST].held_bytes));
}

/* A limit of address space counts the mapped file beside its repacked copy; available memory does not. */
static void test_address_space(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    struct machine m = *stage_machine(s, "cpu:4 ram:16GiB");
    struct facts facts = *m.facts;
    const char *const features[] = {"avx2"};
    struct verdict v;
    facts.cpu.features = features;
    facts.cpu.feature_count = 1;
    m.facts = &facts;
    judge_buffers(&m, s->catalog, s->arena, &s->knobs);
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    const double held = v.site[ON_HOST].held_bytes.likely + v.site[ON_HOST].beside_bytes;
    struct limit limit = {.what = "ulimit -v", .bytes = quantity_of(held * 1.1, REPORTED, "test")};
    facts.limit = &limit;
    facts.limits = 1;
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    limit.counts_mappings = true;
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT);
    assert_string_equal(v.site[ON_HOST].bound_by, "ulimit -v");
    limit.bytes = quantity_of(held * 2, REPORTED, "test");
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
}

/* Between the likely need and the highest one a verdict is "probably". */
static void test_probably(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "microsoft/Phi-3-mini-4k-instruct", "Q4_K_M");
    struct machine m = *stage_machine(s, "cpu:4 ram:16GiB");
    struct verdict v;
    judge_task(&t, &m, &s->world, &v);
    assert_true(v.site[ON_HOST].beside_most_bytes > v.site[ON_HOST].beside_bytes);
    struct pool pool = m.pool[0];
    m.pool = &pool;
    m.pools = 1;
    pool.usable_bytes = quantity_of(
        v.site[ON_HOST].held_bytes.likely + v.site[ON_HOST].beside_bytes, REPORTED, "test");
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS_PROBABLY);
    pool.usable_bytes.value -= 1;
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT);
    pool.usable_bytes.value = v.site[ON_HOST].held_bytes.high + v.site[ON_HOST].beside_most_bytes;
    judge_task(&t, &m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
}

static void test_figures(void **state)
{
    (void)state;
    struct verdict v = {
        .split = split_host,
        .site = {{.held_bytes = estimate_of(3, 4, 5, ESTIMATED, "test"), .beside_bytes = 1}}};
    assert_string_equal(judge_figure(3.9, &v, 0.25), "too low");
    assert_string_equal(judge_figure(4, &v, 0.25), "confirmed");
    assert_string_equal(judge_figure(8, &v, 0.25), "confirmed");
    assert_string_equal(judge_figure(8.1, &v, 0.25), "too high");
    v.site[ON_HOST].held_bytes.origin = UNKNOWN;
    assert_string_equal(judge_figure(4, &v, 0.25), "unsupported");
}

static void test_ranking(void **state)
{
    struct stage *s = *state;
    struct ranked model[10];
    const struct machine *m = stage_typical(s, "cpu:8 ram:16GiB bandwidth:50GB/s");
    const size_t n = judge_rank(&ranking_usual, m, s->catalog, &s->world, s->arena, model, 10);
    assert_true(n > 3);
    for (size_t i = 0; i < n; i++) {
        const struct verdict *v = &model[i].verdict;
        assert_true(v->site[ON_HOST].held_bytes.high + v->site[ON_HOST].beside_bytes <=
                    0.9 * v->site[ON_HOST].usable_bytes);
        assert_true(v->decode_per_s.likely >= 10);
        assert_true(known_or(model[i].mix->perplexity_increase, 1) <= 0.05);
        assert_true(model[i].largest_context_tokens >= model[i].context_tokens - 1024);
        if (i) assert_true(model[i].part->params_text <= model[i - 1].part->params_text);
    }
    assert_int_equal(judge_rank(&ranking_usual, stage_machine(s, "cpu:1 ram:64MiB"), s->catalog,
                                &s->world, s->arena, model, 10),
                     0);
}

/* A card whose speed is listed beside a host whose speed is not: what spills is no answer, unless there is no other. */
static void test_ranking_beside_a_slow_host(void **state)
{
    struct stage *s = *state;
    struct ranked model[10];
    const struct machine *m = stage_machine(s, "cpu:8 ram:64GiB gpu:RTX 3060 12GB");
    size_t n = judge_rank(&ranking_usual, m, s->catalog, &s->world, s->arena, model, 10);
    assert_int_equal(n, 10);
    for (size_t i = 0; i < n; i++) {
        assert_true(model[i].verdict.decode_per_s.likely >= 10);
        assert_true(verdict_all_on_devices(&model[i].verdict));
    }
    m = stage_machine(s, "cpu:8 ram:64GiB gpu:RTX 3060 12GB free 0GB");
    n = judge_rank(&ranking_usual, m, s->catalog, &s->world, s->arena, model, 10);
    assert_int_equal(n, 10);
    assert_false(estimate_known(model[0].verdict.decode_per_s));
}

/* Latent attention's stacks of matrices in a buffer that fails on them: nothing is repacked then. */
static void test_repacking_that_fails(void **state)
{
    struct stage *s = *state;
    struct machine m = *stage_machine(s, "cpu:4 ram:64GiB");
    struct facts facts = *m.facts;
    const char *const features[] = {"avx2", "amx_int8"};
    m.facts = &facts;
    facts.cpu.features = features;
    static const struct {
        const char *model, *quant;
        size_t features;
        bool fails;
    } row[] = {{"deepseek-ai/DeepSeek-V2-Lite-Chat", "Q4_K_M", 2, true},
               {"deepseek-ai/DeepSeek-V2-Lite-Chat", "Q5_0", 2, false}, /* no type of that buffer */
               {"deepseek-ai/DeepSeek-V2-Lite-Chat", "Q4_K_M", 1, false},
               {"Qwen/Qwen2.5-7B-Instruct", "Q4_K_M", 2, false}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        (void)stage_model(s, row[i].model, row[i].quant);
        facts.cpu.feature_count = row[i].features;
        judge_buffers(&m, s->catalog, s->arena, &s->knobs);
        const char *why = judge_repacking(&s->digest, &s->knobs);
        if ((why != NULL) != row[i].fails)
            fail_msg("%s %s: %s", row[i].model, row[i].quant, why ? why : "nothing");
        assert_int_equal(s->knobs.repack, row[i].fails ? REPACK_OFF : REPACK_ON);
        assert_null(judge_repacking(&s->digest, &s->knobs)); /* settled */
    }
}

/* From an empty cache to the end of the context, ever slower; each as the task with that depth is judged. */
static void test_depths(void **state)
{
    struct stage *s = *state;
    struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct machine *m = stage_typical(s, "cpu:4 ram:64GiB bandwidth:40GB/s");
    struct depth at[DEPTHS_MOST];
    struct verdict v;
    s->knobs.context_tokens = 32768;
    const size_t n = judge_depths(&t, m, &s->world, at);
    assert_int_equal(n, 4);
    const double expected[] = {0, 2048, 8192, 32768 - s->knobs.prompt_tokens};
    for (size_t i = 0; i < n; i++) {
        assert_exactly(at[i].tokens, expected[i]);
        s->knobs.depth_tokens = at[i].tokens;
        judge_task(&t, m, &s->world, &v);
        assert_exactly(at[i].decode_per_s.likely, v.decode_per_s.likely);
        if (i) assert_true(at[i].decode_per_s.likely < at[i - 1].decode_per_s.likely);
    }
    s->knobs.context_tokens = s->knobs.prompt_tokens;
    assert_int_equal(judge_depths(&t, m, &s->world, at), 1);
    t = stage_model(s, "sentence-transformers/all-MiniLM-L6-v2", "F16");
    assert_int_equal(judge_depths(&t, m, &s->world, at), 0);
}

/* All that decode at the same time are no slower together than one alone, and no one of them is faster than one alone; more of them
 * together never do less. What is asked for is left as it was. */
static void test_decoding_together(void **state)
{
    struct stage *s = *state;
    static const char *const lines[] = {
        "cpu:4 ram:64GiB bandwidth:40GB/s", "cpu:Intel Core i7-12700 ram:64GiB",
        "cpu:8 ram:64GiB gpu:RTX 4090", "cpu:8 ram:64GiB gpu:RTX 3060 12GB x2",
        "cpu:8 ram:64GiB gpu:M2 Max"};
    static const char *const models[] = {"Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B"};
    size_t known_ones = 0;
    for (size_t i = 0; i < COUNT_OF(lines) * COUNT_OF(models); i++) {
        const struct task t = stage_model(s, models[i % COUNT_OF(models)], "Q4_K_M");
        const char *line = lines[i / COUNT_OF(models)];
        const struct machine *m = stage_typical(s, line);
        double before = 0, on_host = 0; /* with fewer at once, placed alike */
        struct verdict v;
        s->knobs.context_tokens = 8192;
        judge_task(&t, m, &s->world, &v);
        assert_false(estimate_known(judge_decoding_together(&t, &v, m, &s->world)));
        for (double n = 2; n <= 64; n *= 2) {
            s->knobs.sequences = n;
            judge_task(&t, m, &s->world, &v);
            const double alone = v.decode_per_s.likely;
            const struct estimate all = judge_decoding_together(&t, &v, m, &s->world);
            assert_true(s->knobs.decoding < 2);
            if (!estimate_known(all)) continue;
            known_ones++;
            if (on_host != v.split.host_experts + v.split.layers[ON_HOST]) before = 0;
            on_host = v.split.host_experts + v.split.layers[ON_HOST];
            if (!(all.likely >= alone * 0.999 && all.likely <= n * alone * 1.001 &&
                  all.likely >= before * 0.999 && all.low <= all.likely && all.likely <= all.high))
                fail_msg("%s on %s, %g at once: %g together (%g to %g), one alone %g, fewer %g",
                         models[i % COUNT_OF(models)], line, n, all.likely, all.low, all.high,
                         alone, before);
            before = all.likely;
        }
        s->knobs.sequences = 1;
    }
    assert_true(known_ones >= 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(test_fits_by_memory),
        STAGED_WORLD(test_bill_adds_up),
        STAGED_WORLD(test_closed_form_has_a_range),
        STAGED_WORLD(test_speed_needs_a_measurement),
        STAGED_WORLD(test_probably),
        STAGED_WORLD(test_address_space),
        STAGED_WORLD(test_largest_context),
        STAGED_WORLD(test_not_computed),
        cmocka_unit_test(test_figures),
        STAGED_WORLD(test_ranking),
        STAGED_WORLD(test_ranking_beside_a_slow_host),
        STAGED_WORLD(test_repacking_that_fails),
        STAGED_WORLD(test_depths),
        STAGED_WORLD(test_decoding_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
