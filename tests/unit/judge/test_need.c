/* What a task needs: more context, more bits and more speed never need less; the least figure fits, and a step less does not. */
#include "../stage.h"

#include "base/num.h"
#include "judge/need.h"

#define MiB (1024.0 * 1024)

static void need(struct stage *s, const char *model, const char *quant, double context_tokens,
                 struct needs *out)
{
    const struct task t = stage_model(s, model, quant);
    s->knobs.context_tokens = context_tokens;
    s->knobs.depth_tokens = context_tokens - s->knobs.prompt_tokens;
    s->knobs.closed_form = true;
    judge_need(&t, &s->world, "CUDA", out);
}

static void no_less(const char *what, double less, double more)
{
    if (!(more >= less)) fail_msg("%s: %g, then %g", what, less, more);
}

static const char *const models[] = {"Qwen2.5-7B-Instruct", "gemma-2-9b-it", "Qwen3-30B-A3B",
                                     "DeepSeek-V2-Lite-Chat"};

static void all_no_less(const struct needs *less, const struct needs *more)
{
    assert_null(less->why);
    no_less("RAM", less->ram_bytes.likely, more->ram_bytes.likely);
    no_less("VRAM", less->vram_bytes.likely, more->vram_bytes.likely);
    no_less("beside", less->beside_bytes.likely, more->beside_bytes.likely);
    no_less("disk", less->disk_bytes, more->disk_bytes);
    no_less("bandwidth", need_bytes_per_s(less, 10), need_bytes_per_s(more, 10));
}

static void test_context(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        struct needs before, now;
        need(s, models[i], "Q4_K_M", 1024, &before);
        for (double tokens = 2048; tokens <= 8192; tokens *= 2) {
            need(s, models[i], "Q4_K_M", tokens, &now);
            all_no_less(&before, &now);
            assert_true(now.vram_bytes.likely > before.vram_bytes.likely);
            before = now;
        }
    }
}

static void test_quant(void **state)
{
    static const char *const quant[] = {"Q4_K_S", "Q4_K_M", "Q6_K", "Q8_0", "F16", "F32"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        struct needs before, now;
        need(s, models[i], quant[0], 4096, &before);
        for (size_t k = 1; k < COUNT_OF(quant); k++) {
            need(s, models[i], quant[k], 4096, &now);
            all_no_less(&before, &now);
            assert_true(now.disk_bytes > before.disk_bytes);
            before = now;
        }
    }
}

static void test_speed_and_spare(void **state)
{
    struct stage *s = *state;
    struct needs n;
    need(s, models[0], "Q8_0", 8192, &n);
    assert_true(need_bytes_per_s(&n, 20) > need_bytes_per_s(&n, 10));
    /* a dense model reads nearly all of its weights a token */
    assert_true(n.token_bytes > 0.8 * n.disk_bytes && n.token_bytes < 1.2 * n.disk_bytes);
    assert_true(need_with_spare(n.ram_bytes, 0.1) > need_least(n.ram_bytes));
    assert_true(need_with_spare(n.ram_bytes, 0.2) > need_with_spare(n.ram_bytes, 0.1));
}

/* A machine with just so much free on its card and beside it. */
static enum fits on_card(struct stage *s, const struct task *t, const struct needs *n, double less)
{
    const struct machine *m = stage_machine(s, "cpu:8 ram:512GiB gpu:H100 PCIe");
    struct verdict *v = NEW(s->arena, struct verdict);
    struct pool *pool = NEW_ARRAY(s->arena, struct pool, m->pools);
    struct machine with = *m;
    for (size_t i = 0; i < m->pools; i++) {
        pool[i] = m->pool[i];
        if (pool[i].kind == POOL_DEVICE)
            pool[i].usable_bytes = quantity_of(n->vram_bytes.likely - less, REPORTED, "test");
    }
    with.pool = pool;
    s->knobs.gpu_layers = KNOB_ALL;
    s->knobs.cpu_moe = 0;
    s->knobs.kv_offload = OFFLOAD_ON;
    judge_task(t, &with, &s->world, v);
    assert_int_equal(v->split.sites, 2);
    return verdict_all_on_devices(v) ? v->fits : FITS_NOT;
}

static void test_least_fits_and_a_step_less_does_not(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        struct needs n;
        need(s, models[i], "Q4_K_M", 4096, &n);
        const struct task t = {cost_workload(S("generate")), &s->digest, &s->knobs};
        if (on_card(s, &t, &n, 0) > FITS_PROBABLY || on_card(s, &t, &n, MiB) != FITS_NOT)
            fail_msg("%s: with what is least %s, with a MiB less %s", models[i],
                     fits_word(on_card(s, &t, &n, 0)), fits_word(on_card(s, &t, &n, MiB)));
    }
}

static void test_no_shape(void **state)
{
    struct stage *s = *state;
    struct needs n;
    need(s, "gpt-4", "Q4_K_M", 4096, &n);
    assert_non_null(n.why);
    assert_false(estimate_known(n.ram_bytes));
    assert_true(isnan(need_least(n.vram_bytes)));
    assert_true(isnan(need_bytes_per_s(&n, 10)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(test_context),         STAGED_WORLD(test_quant),
        STAGED_WORLD(test_speed_and_spare), STAGED_WORLD(test_least_fits_and_a_step_less_does_not),
        STAGED_WORLD(test_no_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
