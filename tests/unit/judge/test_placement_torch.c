/* Placements of runtimes that take weights as published: on machines of every kind nothing is over anywhere, more asked for is never
 * easier, speeds are not made up. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/runtime.h"
#include "judge/placement.h"

static const char *const lines[] = {
    "cpu:8 ram:32GiB bandwidth:40GB/s gpu:RTX 3060 12GB",
    "cpu:8 ram:64GiB gpu:RTX 4090",
    "cpu:16 ram:128GiB gpu:RTX 4090 x2",
    "cpu:16 ram:128GiB gpu:RTX 4090, RTX 3060 12GB",
    "cpu:8 ram:16GiB gpu:RX 7900 XTX",
    "cpu:12 ram:32GiB gpu:Apple M2 Max",
    "cpu:8 ram:64GiB",
};
static const char *const models[] = {"HuggingFaceTB/SmolLM2-135M-Instruct",
                                     "Qwen/Qwen2.5-7B-Instruct", "google/gemma-2-9b-it",
                                     "meta-llama/Llama-3.1-70B-Instruct"};

static const struct machine *machine_of(struct stage *s, const char *line)
{
    const struct looking in = {.root = &s->root, .catalog = s->catalog, .arena = s->arena};
    const struct machine *m = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &m, &err)) fail_msg("%s: %s", line, err.text);
    return m;
}

static void check(const struct verdict *v, const struct machine *m, const char *what)
{
    double layers = 0;
    if (estimate_known(v->decode_per_s) || estimate_known(v->prefill_per_s))
        fail_msg("%s: a speed that nothing supports", what);
    if (v->fits > FITS_PROBABLY) return;
    for (int i = 0; i < v->split.sites; i++) {
        const double usable = known_or(m->pool[v->site[i].pool].usable_bytes, (double)NAN);
        if (!(site_needs(&v->site[i]) <= usable)) fail_msg("%s: site %d is over", what, i);
        if (v->site[i].held_bytes.low > v->site[i].held_bytes.likely ||
            v->site[i].held_bytes.likely > v->site[i].held_bytes.high)
            fail_msg("%s: site %d has no range", what, i);
        layers += v->split.layers[i];
    }
    if (v->split.sites > 1 && fabs(layers - rint(layers)) > 1e-6)
        fail_msg("%s: %g layers in all", what, layers);
}

static void nothing_is_over_anywhere(void **state)
{
    static const enum runtime_id runtimes[] = {RUNTIME_TRANSFORMERS, RUNTIME_VLLM};
    struct stage *s = *state;
    size_t fitting = 0;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        for (size_t k = 0; k < COUNT_OF(models); k++)
            for (size_t r = 0; r < COUNT_OF(runtimes); r++) {
                const struct machine *m = machine_of(s, lines[i]);
                const struct task t = stage_model(s, models[k], "F16");
                struct verdict v;
                generate_under(&s->knobs, runtimes[r]);
                judge_task(&t, m, &s->world, &v);
                check(&v, m, str_format(s->arena, "%s, %s, %zu", lines[i], models[k], r));
                fitting += v.fits == FITS;
            }
    assert_true(fitting > 20);
}

/* What fits with more users, or more context, fits with less. */
static void less_is_never_harder(void **state)
{
    static const enum runtime_id runtimes[] = {RUNTIME_LLAMA, RUNTIME_OLLAMA, RUNTIME_TRANSFORMERS,
                                               RUNTIME_VLLM};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        for (size_t r = 0; r < COUNT_OF(runtimes); r++) {
            const struct machine *m = machine_of(s, lines[i]);
            struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
            struct verdict v;
            t.kind = cost_workload(S("serve"));
            generate_under(&s->knobs, runtimes[r]);
            s->knobs.context_each = s->knobs.closed_form = true;
            s->knobs.context_tokens = 4096;
            const double users = judge_largest_sequences(&t, m, &s->world);
            if (!(users > 0)) continue;
            for (int less = 0; less < 2; less++) {
                s->knobs.sequences = less ? ceil(users / 2) : users;
                judge_task(&t, m, &s->world, &v);
                if (v.fits != FITS)
                    fail_msg("%s, %s: %g users do not fit", lines[i], runtime_at(runtimes[r])->name,
                             s->knobs.sequences);
            }
            s->knobs.sequences = users + 1;
            judge_task(&t, m, &s->world, &v);
            if (users < SEQUENCES_MOST && v.fits == FITS)
                fail_msg("%s, %s: %g users are not the most", lines[i],
                         runtime_at(runtimes[r])->name, users);
        }
}

static void vllm_is_not_computed_without_a_card(void **state)
{
    static const char *const without[] = {"cpu:8 ram:64GiB", "cpu:12 ram:96GiB gpu:Apple M2 Max"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(without); i++) {
        const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "F16");
        struct verdict v;
        generate_under(&s->knobs, RUNTIME_VLLM);
        judge_task(&t, machine_of(s, without[i]), &s->world, &v);
        assert_int_equal(v.fits, FITS_NOT_COMPUTED);
        assert_non_null(strstr(v.why, "vLLM needs"));
    }
}

/* A share of the card, whatever is free beyond it. */
static void vllm_has_its_share(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "F16");
    const struct machine *m = machine_of(s, "cpu:8 ram:64GiB gpu:RTX 4090");
    struct verdict v;
    generate_under(&s->knobs, RUNTIME_VLLM);
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    const double total = known_or(m->pool[v.site[1].pool].total_bytes, 0);
    assert_exactly(v.site[1].usable_bytes, 0.9 * total);
    s->knobs.context_tokens = 32768;
    s->knobs.sequences = 64;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(nothing_is_over_anywhere),
        STAGED_WORLD(less_is_never_harder),
        STAGED_WORLD(vllm_is_not_computed_without_a_card),
        STAGED_WORLD(vllm_has_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
