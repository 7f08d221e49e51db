/* Placements keep what they promise, on machines of every kind and for models of every kind: nothing is over anywhere, every layer lies
 * somewhere once, more memory is never worse, and what was asked for is done. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "judge/placement.h"

#define GiB (1024.0 * 1024 * 1024)

static const char *const lines[] = {
    "cpu:8 ram:32GiB bandwidth:40GB/s gpu:RTX 3060 12GB",
    "cpu:8 ram:64GiB bandwidth:60GB/s gpu:RTX 4090",
    "cpu:16 ram:128GiB bandwidth:80GB/s gpu:RTX 4090 x2",
    "cpu:16 ram:128GiB bandwidth:80GB/s gpu:RTX 4090, RTX 3060 12GB",
    "cpu:8 ram:16GiB bandwidth:40GB/s gpu:RX 7900 XTX",
    "cpu:16 ram:128GiB bandwidth:80GB/s gpu:RTX 3060 12GB x5, RTX 4060 x7",
    "cpu:12 ram:32GiB gpu:Apple M2 Max",
    "cpu:16 ram:128GiB gpu:Ryzen AI Max+ 395",
};
static const struct {
    const char *name, *quant;
} models[] = {
    {"HuggingFaceTB/SmolLM2-135M-Instruct", "Q8_0"},
    {"Qwen/Qwen2.5-7B-Instruct", "Q4_K_M"},
    {"meta-llama/Llama-3.1-8B-Instruct", "F16"},
    {"google/gemma-2-9b-it", "Q6_K"},
    {"Qwen/Qwen3-30B-A3B", "Q4_K_M"},
    {"meta-llama/Llama-3.1-70B-Instruct", "Q4_K_M"},
    {"deepseek-ai/DeepSeek-V2-Lite", "Q4_K_M"},
};

static struct machine *machine_of(struct stage *s, const char *line)
{
    const struct looking in = {.root = &s->root, .catalog = s->catalog, .arena = s->arena};
    const struct machine *m = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &m, &err)) fail_msg("%s: %s", line, err.text);
    struct machine *out = NEW(s->arena, struct machine);
    *out = *judge_typical(m, &s->world, s->arena);
    struct pool *pool = NEW_ARRAY(s->arena, struct pool, m->pools);
    memcpy(pool, m->pool, m->pools * sizeof *pool);
    out->pool = pool;
    return out;
}

/* What may be used of the pool of a place that is no CPU. */
static void leave_free(struct machine *m, size_t device, double bytes)
{
    struct pool *pool = (struct pool *)(uintptr_t)m->pool;
    for (size_t i = 0, n = 0; i < m->places; i++)
        if (m->place[i].kind == PLACE_GPU && n++ == device)
            pool[m->place[i].pool].usable_bytes = quantity_of(bytes, REPORTED, "test");
}

static double on_devices(const struct verdict *v)
{
    double sum = 0;
    for (int i = 1; i < v->split.sites; i++) sum += v->split.layers[i];
    return sum;
}

static void check_layers(const struct verdict *v, double layers, const char *what)
{
    double next = 0;
    if (v->split.sites == 1) return;
    for (int i = 0; i < v->split.sites; i++) {
        if (v->split.first_layer[i] != next)
            fail_msg("%s: site %d begins at %g, not %g", what, i, v->split.first_layer[i], next);
        if (i && !(v->split.layers[i] >= 1)) fail_msg("%s: site %d has no layer", what, i);
        next += v->split.layers[i];
    }
    if (next != layers) fail_msg("%s: %g of %g layers", what, next, layers);
}

/* Of every pool and every place no more is needed than there is. */
static void check_room(const struct verdict *v, const struct machine *m, const char *what)
{
    for (size_t p = 0; p < m->pools; p++) {
        double sum = 0;
        for (int i = 0; i < v->split.sites; i++)
            if (v->site[i].pool == p) sum += site_needs_most(&v->site[i]);
        if (sum > known_or(m->pool[p].usable_bytes, (double)INFINITY))
            fail_msg("%s: %.0f of %.0f bytes in %s", what, sum,
                     known_or(m->pool[p].usable_bytes, 0), m->pool[p].name);
    }
    for (int i = 0; i < v->split.sites; i++)
        if (site_needs_most(&v->site[i]) >
            known_or(m->place[v->site[i].place].limit_bytes, (double)INFINITY))
            fail_msg("%s: site %d is over its limit", what, i);
}

static void check(struct stage *s, size_t model, const char *line, bool closed_form)
{
    const struct task t = stage_model(s, models[model].name, models[model].quant);
    const struct machine *m = machine_of(s, line);
    const char *what = str_format(s->arena, "%s on %s", models[model].name, line);
    struct verdict v;
    s->knobs.closed_form = closed_form;
    judge_task(&t, m, &s->world, &v);
    if (v.fits == FITS_NOT_COMPUTED) return;
    check_layers(&v, s->shape.layers + 1, what);
    if (v.fits == FITS) check_room(&v, m, what);
    for (int i = 1; i < v.split.sites; i++) {
        assert_int_equal(m->place[v.site[i].place].kind, PLACE_GPU);
        if (i > 1) assert_true(v.site[i].place > v.site[i - 1].place);
    }
}

static void nothing_is_over_and_every_layer_lies_somewhere(void **state)
{
    for (size_t i = 0; i < COUNT_OF(models); i++)
        for (size_t k = 0; k < COUNT_OF(lines); k++) {
            check(*state, i, lines[k], false);
            check(*state, i, lines[k], true);
        }
}

/* What more memory on a card brings; without rates speed is not known, and layers decide. */
static void grow(struct stage *s, size_t model, bool rates)
{
    const struct task t = stage_model(s, models[model].name, models[model].quant);
    double layers = 0, experts = (double)INFINITY, decode = 0;
    s->knobs.closed_form = true;
    for (double gib = 1; gib <= 64; gib *= 1.2) {
        struct machine *m = machine_of(s, "cpu:8 ram:96GiB bandwidth:40GB/s gpu:RTX 4090");
        struct verdict v;
        leave_free(m, 0, gib * GiB);
        if (!rates) m->rates = 0;
        judge_task(&t, m, &s->world, &v);
        if (v.fits == FITS_NOT_COMPUTED) return;
        assert_int_equal(v.fits, FITS);
        assert_int_equal(estimate_known(v.decode_per_s), rates);
        if (rates) {
            if (v.decode_per_s.likely < decode * 0.99)
                fail_msg("%s: %g tok/s, was %g at %g GiB", models[model].name,
                         v.decode_per_s.likely, decode, gib);
            decode = v.decode_per_s.likely;
            continue;
        }
        const double held = v.split.sites > 1 ? on_devices(&v) : 0;
        if (held < layers)
            fail_msg("%s: %g layers of %g at %g GiB", models[model].name, held, layers, gib);
        if (held == layers && v.split.host_experts > experts)
            fail_msg("%s: experts of %g, were %g", models[model].name, v.split.host_experts,
                     experts);
        layers = held;
        experts = held > 0 ? v.split.host_experts : (double)INFINITY;
    }
    assert_true(!rates || decode > 0);
}

static void more_memory_is_never_worse(void **state)
{
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        grow(*state, i, true);
        grow(*state, i, false);
    }
}

static void a_card_that_is_full_is_not_used(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    struct machine *m = machine_of(s, lines[0]);
    struct verdict v;
    leave_free(m, 0, 0.1 * GiB);
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 1);
    assert_int_equal(v.fits, FITS);
}

static void everything_goes_on_one_card_that_holds_it(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    struct machine *m = machine_of(s, "cpu:16 ram:128GiB gpu:RTX 3060 12GB, RTX 4090");
    struct verdict v;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 2);
    assert_true(verdict_all_on_devices(&v));
    assert_string_equal(m->place[v.site[1].place].part, "GeForce RTX 4090"); /* the faster one */
    /* what is left of that takes a part where this is much faster, else the other has all */
    leave_free(m, 1, 3 * GiB);
    judge_task(&t, m, &s->world, &v);
    assert_true(verdict_all_on_devices(&v));
    assert_int_equal(v.split.sites, 3);
    leave_free(m, 1, 1.2 * GiB);
    judge_task(&t, m, &s->world, &v);
    assert_true(verdict_all_on_devices(&v));
    assert_int_equal(v.split.sites, 2);
    assert_string_not_equal(m->place[v.site[1].place].part, "GeForce RTX 4090");
    /* both where neither holds it */
    leave_free(m, 0, 4 * GiB);
    leave_free(m, 1, 3 * GiB);
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 3);
    assert_true(verdict_all_on_devices(&v));
}

static void what_is_asked_for_is_done(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct machine *m = machine_of(s, lines[2]);
    struct verdict v;
    s->knobs.gpu_layers = 10;
    judge_task(&t, m, &s->world, &v);
    assert_exactly(on_devices(&v), 10);
    s->knobs.tensor_split[0] = 3;
    s->knobs.tensor_split[1] = 1;
    s->knobs.gpu_layers = KNOB_ALL;
    judge_task(&t, m, &s->world, &v);
    /* llama.cpp: layer k of 29 goes to the first card while k / 29 is less than 3 / 4 */
    assert_int_equal(v.split.sites, 3);
    assert_exactly(v.split.layers[1], 22);
    assert_exactly(v.split.layers[2], 7);
    s->knobs.gpu_layers = 0;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 1);
    s->knobs.gpu_layers = KNOB_ALL;
    s->knobs.tensor_split[0] = s->knobs.tensor_split[1] = 0;
    s->knobs.kv_offload = OFFLOAD_OFF;
    judge_task(&t, m, &s->world, &v);
    assert_true(v.split.host_cache);
    /* what does not fit is said of what was asked */
    struct machine *small = machine_of(s, lines[0]);
    leave_free(small, 0, 2 * GiB);
    s->knobs.kv_offload = OFFLOAD_AUTO;
    judge_task(&t, small, &s->world, &v);
    assert_int_equal(v.fits, FITS_NOT);
    assert_exactly(on_devices(&v), 29);
}

static void experts_leave_before_whole_layers(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen3-30B-A3B", "Q4_K_M");
    const struct machine *m = machine_of(s, lines[0]);
    struct verdict v, less;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    assert_exactly(v.split.layers[ON_HOST], 0);
    assert_true(v.split.host_experts > 0);
    /* and as few of them as fit */
    struct split one_less = v.split;
    struct seats at = {{v.site[0].place, v.site[1].place}};
    one_less.host_experts -= 2;
    judge_split(&t, m, &s->world, &one_less, &at, &less);
    assert_true(less.fits != FITS);
}

/* The fastest of all ways to deal layers over two devices and the host that fits. */
static double best_of_all(struct stage *s, const struct task *t, const struct machine *m,
                          double *tried)
{
    uint16_t place[SITES - 1];
    const double layers = t->model->shape->layers + 1;
    struct verdict v;
    double best = 0;
    assert_int_equal(placement_devices(m, place), 2);
    for (double a = 0; a <= layers; a++)
        for (double b = 0; a + b <= layers; b++) {
            struct split split = split_host;
            struct seats at = {{(uint16_t)(machine_cpu(m) - m->place)}};
            const double count[2] = {a, b};
            double first = split.layers[ON_HOST] = layers - a - b;
            for (int i = 0; i < 2; i++) {
                const int site = split.sites;
                if (!(count[i] > 0)) continue;
                split.first_layer[site] = first;
                split.layers[site] = count[i];
                split.rules[site] = judge_site_rules(&s->world, m->place[place[i]].backend);
                at.place[split.sites++] = place[i];
                first += count[i];
            }
            judge_split(t, m, &s->world, &split, &at, &v);
            if (v.fits == FITS && estimate_known(v.decode_per_s))
                best = most(best, v.decode_per_s.likely);
            (*tried)++;
        }
    return best;
}

static void no_way_to_deal_layers_is_much_faster(void **state)
{
    static const struct {
        const char *line;
        double free_gib[2];
    } cases[] = {{"cpu:8 ram:32GiB bandwidth:50GB/s gpu:RTX 4090, RTX 3060 12GB", {4, 3}},
                 {"cpu:8 ram:32GiB bandwidth:50GB/s gpu:RTX 3060 12GB, RTX 4090", {2, 2}},
                 {"cpu:8 ram:32GiB bandwidth:50GB/s gpu:RTX 3060 12GB x2", {3, 1.5}},
                 {"cpu:8 ram:32GiB bandwidth:50GB/s gpu:RTX 4090, RTX 3060 12GB", {3, 8}},
                 {"cpu:8 ram:32GiB bandwidth:50GB/s gpu:RTX 4090, RTX 3060 12GB", {9, 9}}};
    const double as_fast = 1.02;
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
        struct machine *m = machine_of(s, cases[i].line);
        struct verdict v;
        double tried = 0;
        s->knobs.closed_form = true;
        s->knobs.kv_offload = OFFLOAD_ON;
        for (size_t k = 0; k < 2; k++) leave_free(m, k, cases[i].free_gib[k] * GiB);
        judge_task(&t, m, &s->world, &v);
        const double best = best_of_all(s, &t, m, &tried);
        assert_true(tried > 400 && best > 0);
        if (!(v.decode_per_s.likely * as_fast >= best))
            fail_msg("%s, case %zu: %g tok/s, there is %g", cases[i].line, i, v.decode_per_s.likely,
                     best);
    }
}

/* What is beside the held bytes is bent alone: the same as in the whole bill. */
static void what_is_beside_is_that_of_the_whole_bill(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
        const struct machine *m = machine_of(s, lines[i]);
        struct verdict v;
        struct bill *whole = NEW(s->arena, struct bill), *beside = NEW(s->arena, struct bill);
        judge_task(&t, m, &s->world, &v);
        for (size_t bent = 0; bent <= v.bill.abouts; bent++) {
            whole->bent = beside->bent = bent;
            whole->bend = beside->bend = +1;
            cost_bill(&t, &v.split, whole);
            cost_beside(&t, &v.split, beside);
            assert_int_equal(whole->abouts, beside->abouts);
            double sum[2] = {0, 0};
            for (size_t k = 0; k < whole->lines; k++)
                if (whole->line[k].held_as == HELD_PROCESS && whole->line[k].phase == HELD)
                    sum[0] += whole->line[k].amount;
            for (size_t k = 0; k < beside->lines; k++) sum[1] += beside->line[k].amount;
            assert_true(sum[0] > 0);
            assert_exactly(sum[0], sum[1]);
        }
    }
}

static void a_shared_memory_is_counted_once(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    struct machine *m = machine_of(s, lines[6]);
    struct verdict v;
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 2);
    assert_int_equal(v.site[0].pool, v.site[1].pool);
    const double needs = site_needs_most(&v.site[0]) + site_needs_most(&v.site[1]);
    leave_free(m, 0, needs + 1);
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.fits, FITS);
    leave_free(m, 0, site_needs(&v.site[0]) + site_needs(&v.site[1]) - 64 * 1024 * 1024);
    judge_task(&t, m, &s->world, &v);
    assert_int_not_equal(v.fits, FITS);
}

static void a_machine_without_devices_is_judged_as_ever(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct machine *m = machine_of(s, "cpu:8 ram:16GiB bandwidth:40GB/s");
    struct verdict v;
    assert_false(placement_find(&t, m, &s->world, &v));
    judge_task(&t, m, &s->world, &v);
    assert_int_equal(v.split.sites, 1);
    assert_int_equal(v.fits, FITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(nothing_is_over_and_every_layer_lies_somewhere),
        STAGED_WORLD(more_memory_is_never_worse),
        STAGED_WORLD(a_card_that_is_full_is_not_used),
        STAGED_WORLD(everything_goes_on_one_card_that_holds_it),
        STAGED_WORLD(what_is_asked_for_is_done),
        STAGED_WORLD(experts_leave_before_whole_layers),
        STAGED_WORLD(no_way_to_deal_layers_is_much_faster),
        STAGED_WORLD(what_is_beside_is_that_of_the_whole_bill),
        STAGED_WORLD(a_shared_memory_is_counted_once),
        STAGED_WORLD(a_machine_without_devices_is_judged_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
