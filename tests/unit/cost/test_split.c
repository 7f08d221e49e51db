/* The bill of a split between host and devices: what must hold for any model, wherever its layers lie. */
#include "../stage.h"

#include <string.h>

#include "catalog/architecture.h"
#include "catalog/backend.h"

static struct bill bill; /* the one last made */
static struct site_rules rules;

static void bill_of(struct stage *s, const struct split *split)
{
    const struct task t = {cost_workload(S("generate")), &s->digest, &s->knobs};
    cost_bill(&t, split, &bill);
    if (bill.unruled) fail_msg("%s", bill.unruled);
}

static double group_at(int site, const char *group)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++) {
        const struct line *l = &bill.line[i];
        if (l->phase == HELD && l->held_as == HELD_OWN && l->site == site &&
            strcmp(l->term->group, group) == 0)
            sum += l->amount;
    }
    return sum;
}

static double work_at(int site, enum phase phase, enum work work)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++)
        if (bill.line[i].site == site && bill.line[i].phase == phase && bill.line[i].work == work)
            sum += bill.line[i].amount;
    return sum;
}

/* So many layers, the output among them, on one device of a backend. */
static struct split on_device(struct stage *s, const char *backend, double layers)
{
    rules = site_rules_of(catalog_backend(s->catalog, str_of(backend)));
    struct split out = {.sites = 2, .rules = {NULL, &rules}};
    out.layers[0] = out.first_layer[1] = s->shape.layers + 1 - layers;
    out.layers[1] = layers;
    return out;
}

static const char *const models[] = {"Qwen2.5-7B-Instruct", "gemma-3-4b-it", "gpt2",
                                     "DeepSeek-V2-Lite-Chat", "Qwen3-30B-A3B"};

static double largest_outside(const struct digest *d)
{
    double bytes = 0;
    for (size_t i = 0; i < d->outsides; i++)
        if (d->outside[i].bytes > bytes) bytes = d->outside[i].bytes;
    return bytes;
}

static void nothing_is_lost_between_the_sides(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        stage_model(s, models[i], "Q4_K_M");
        bill_of(s, &split_host);
        const double weights = group_at(0, "weights"), cache = group_at(0, "kv");
        const double flop = work_at(0, DECODE, MATMUL_FLOP);
        const double attend = work_at(0, PREFILL, ATTEND_FLOP);
        for (double layers = 0; layers <= s->shape.layers + 1; layers += 5) {
            const struct split split = on_device(s, "RPC", layers);
            bill_of(s, &split);
            const double both = group_at(0, "weights") + group_at(1, "weights");
            /* a tied embedding is there twice once the output is on the device, factors of rotation on both sides */
            const double twice = layers > 0 && s->shape.tied ? largest_outside(&s->digest) : 0;
            if (both < weights || both > weights + twice + 4096)
                fail_msg("%s with %g layers: %.0f for %.0f", models[i], layers, both, weights);
            assert_exactly(group_at(0, "kv") + group_at(1, "kv"), cache);
            assert_exactly(work_at(0, DECODE, MATMUL_FLOP) + work_at(1, DECODE, MATMUL_FLOP), flop);
            assert_exactly(work_at(0, PREFILL, ATTEND_FLOP) + work_at(1, PREFILL, ATTEND_FLOP),
                           attend);
        }
    }
}

static void a_device_with_nothing_on_it_holds_nothing(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    bill_of(s, &split_host);
    const double host = bill_held(&bill, ON_HOST);
    const struct split none = on_device(s, "RPC", 0);
    bill_of(s, &none);
    assert_exactly(bill_held(&bill, ON_HOST), host);
    assert_exactly(bill_held(&bill, 1), 0);
}

static void each_layer_moves_to_the_device(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    double before[] = {0, 0};
    for (double layers = 1; layers <= s->shape.layers + 1; layers++) {
        const struct split split = on_device(s, "RPC", layers);
        bill_of(s, &split);
        const double now[] = {group_at(0, "weights"), group_at(1, "weights")};
        if (layers > 1 && !(now[0] < before[0] && now[1] > before[1]))
            fail_msg("%g layers: host %.0f, device %.0f", layers, now[0], now[1]);
        memcpy(before, now, sizeof before);
    }
}

static void experts_on_the_host_leave_the_device(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen3-30B-A3B", "Q4_K_M");
    struct split split = on_device(s, "RPC", s->shape.layers + 1);
    bill_of(s, &split);
    const double all = group_at(1, "weights"), cache = group_at(1, "kv");
    const double host = group_at(0, "weights");
    split.host_experts = s->shape.layers;
    bill_of(s, &split);
    if (!(group_at(1, "weights") < all / 5)) fail_msg("%.0f of %.0f", group_at(1, "weights"), all);
    assert_exactly(group_at(0, "weights") + group_at(1, "weights"), host + all);
    assert_exactly(group_at(1, "kv"), cache);
    assert_true(work_at(0, DECODE, MATMUL_FLOP) > 0);
}

static void a_cache_on_the_host_is_copied_layer_by_layer(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    s->knobs.context_tokens = 32768;
    struct split split = on_device(s, "RPC", s->shape.layers + 1);
    bill_of(s, &split);
    const double cache = group_at(1, "kv"), compute = group_at(1, "compute");
    split.host_cache = true;
    bill_of(s, &split);
    assert_exactly(group_at(0, "kv"), cache);
    assert_exactly(group_at(1, "kv"), 0);
    const double more = group_at(1, "compute") - compute, layer = cache / s->shape.layers;
    if (!(more > 0 && more <= layer)) fail_msg("%.0f more, a layer has %.0f", more, layer);
}

static void host_weights_in_pinned_memory_are_not_repacked(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_0");
    s->knobs.buffer[0] = catalog_buffer(s->catalog, "CPU_REPACK");
    const struct split rpc = on_device(s, "RPC", 8);
    bill_of(s, &rpc);
    bool repacked = false;
    for (size_t i = 0; i < bill.lines; i++)
        repacked = repacked || strcmp(bill.line[i].term->name, "weights, repacked") == 0;
    assert_true(repacked);
    const struct split cuda = on_device(s, "CUDA", 8);
    bill_of(s, &cuda);
    for (size_t i = 0; i < bill.lines; i++)
        assert_string_not_equal(bill.line[i].term->name, "weights, repacked");
}

static void a_driver_is_beside_the_total_and_has_a_range(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct split split = on_device(s, "CUDA", 8);
    double seen[2] = {0, 0};
    for (int high = 0; high < 2; high++) {
        memset(&bill, 0, sizeof bill);
        bill.bent = high ? 2 : 0; /* the first is what a token of the vocabulary costs */
        bill.bend = +1;
        bill_of(s, &split);
        for (size_t i = 0; i < bill.lines; i++)
            if (bill.line[i].site == 1 && bill.line[i].held_as == HELD_PROCESS)
                seen[high] += bill.line[i].amount;
    }
    bill.bent = 0;
    assert_exactly(seen[0], rules.context_bytes);
    assert_exactly(seen[1], rules.context_most_bytes);
}

static void large_batches_bring_weights_to_the_device(void **state)
{
    struct stage *s = *state;
    stage_model(s, "gpt-oss-120b", "Q8_0");
    struct split split = on_device(s, "CUDA", s->shape.layers + 1);
    bill_of(s, &split);
    const double compute = group_at(1, "compute");
    split.host_experts = s->shape.layers;
    bill_of(s, &split);
    const double one = s->shape.experts * s->shape.expert_width * s->shape.width;
    const double more = group_at(1, "compute") - compute;
    if (!(more > one)) fail_msg("%.0f more for %.0f values", more, one);
}

static void several_devices_share(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    struct split split = on_device(s, "RPC", s->shape.layers + 1);
    bill_of(s, &split);
    const double weights = group_at(1, "weights"), compute = group_at(1, "compute");
    split.sites = 3;
    split.rules[2] = &rules;
    split.layers[1] = split.first_layer[2] = 14;
    split.layers[2] = s->shape.layers + 1 - 14;
    bill_of(s, &split);
    assert_exactly(group_at(1, "weights") + group_at(2, "weights"), weights);
    /* several at once hold what crosses them several times */
    if (!(group_at(2, "compute") > compute)) fail_msg("%.0f", group_at(2, "compute"));
    rules.pipelines = false;
    bill_of(s, &split);
    assert_true(group_at(2, "compute") <= compute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(nothing_is_lost_between_the_sides),
        STAGED(a_device_with_nothing_on_it_holds_nothing),
        STAGED(each_layer_moves_to_the_device),
        STAGED(experts_on_the_host_leave_the_device),
        STAGED(a_cache_on_the_host_is_copied_layer_by_layer),
        STAGED(host_weights_in_pinned_memory_are_not_repacked),
        STAGED(a_driver_is_beside_the_total_and_has_a_range),
        STAGED(large_batches_bring_weights_to_the_device),
        STAGED(several_devices_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
