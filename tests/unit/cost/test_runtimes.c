/* vLLM's and accelerate's own rules, as properties: what a card gives, how it is dealt. No row of truth scores them. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/device_map.h"
#include "cost/vllm.h"

#define GiB (1024.0 * 1024 * 1024)

static struct vllm_asked asked_on(double gib, double cards)
{
    return (struct vllm_asked){.cards = cards,
                               .total_bytes = gib * GiB,
                               .free_bytes = gib * GiB,
                               .utilization = 0.9,
                               .batch_tokens = 2048,
                               .sequences = 1,
                               .cache_value_bytes = 2};
}

static void vllm_takes_a_share_of_the_card(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    struct vllm_asked a = asked_on(24, 1);
    struct vllm_sized one, two, narrow, four;
    assert_true(vllm_size(t.model, &a, &one));
    assert_null(one.refuses);
    assert_exactly(one.taken_bytes, 0.9 * 24 * GiB);
    /* 8.03 billion values of 2 bytes */
    assert_close(one.weights_bytes / 1e9, 16.06, 0.01);
    assert_true(one.cache_low > 0 && one.cache_low < one.cache_high);
    assert_exactly(fmod(one.cache_low, 16), 0);
    /* of 32 layers with 8 heads of 128: 128 KiB a token */
    const double left = one.taken_bytes - one.weights_bytes - one.trial_low_bytes;
    assert_exactly(one.cache_high, floor(left / (128 * 1024.0 * 16)) * 16);
    a.cards = 2;
    assert_true(vllm_size(t.model, &a, &two));
    assert_close(two.weights_bytes, one.weights_bytes / 2, 1);
    assert_true(two.cache_low > 2 * one.cache_low);
    a = asked_on(24, 1);
    a.cache_value_bytes = 1;
    assert_true(vllm_size(t.model, &a, &narrow));
    assert_true(narrow.cache_high >= 2 * one.cache_high - 32);
    a = asked_on(24, 1);
    a.weights = VLLM_FOUR_BITS;
    assert_true(vllm_size(t.model, &a, &four));
    /* embedding and output stay as they are: between a quarter and a half */
    assert_true(four.weights_bytes > one.weights_bytes / 4);
    assert_true(four.weights_bytes < one.weights_bytes / 2);
}

static void vllm_refuses_a_card_that_others_use(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    struct vllm_asked a = asked_on(24, 1);
    struct vllm_sized v;
    a.free_bytes = 0.88 * a.total_bytes;
    assert_true(vllm_size(t.model, &a, &v));
    assert_non_null(v.refuses);
    a.utilization = vllm_utilization(a.total_bytes, a.free_bytes);
    assert_true(a.utilization < 0.88 && a.utilization > 0.8);
    assert_true(vllm_size(t.model, &a, &v));
    assert_null(v.refuses);
    a = asked_on(16, 1);
    assert_true(vllm_size(t.model, &a, &v));
    assert_non_null(v.refuses); /* the weights alone are more */
    assert_exactly(v.cache_high, 0);
    assert_exactly(vllm_utilization(24 * GiB, 24 * GiB), 0.9);
    assert_exactly(vllm_utilization(24 * GiB, 0), 0);
}

static void vllm_divides_heads(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "F16"); /* 28 and 4 heads */
    assert_true(vllm_divides(t.model, 1));
    assert_true(vllm_divides(t.model, 4));
    assert_false(vllm_divides(t.model, 3));
    assert_false(vllm_divides(t.model, 8));
}

static double dealt(const struct mapped_layers *x)
{
    double sum = x->on_disk;
    for (int i = 0; i < x->sites; i++) sum += x->layers[i];
    return sum;
}

static void a_device_map_keeps_room(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    double before = -1;
    for (double gib = 2; gib <= 32; gib += 2) {
        struct mapped_layers x = {.value_bytes = 2, .sites = 2, .free_bytes = {8 * GiB, gib * GiB}};
        assert_true(device_map_auto(t.model, &x));
        assert_exactly(dealt(&x), 32);
        assert_true(x.weights_bytes[1] <= 0.9 * gib * GiB);
        assert_true(x.weights_bytes[0] <= 8 * GiB);
        assert_true(x.layers[1] >= before);
        before = x.layers[1];
    }
    assert_exactly(before, 32);
}

static void a_device_map_balances_cards(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    struct mapped_layers x = {
        .value_bytes = 2, .sites = 3, .free_bytes = {64 * GiB, 24 * GiB, 24 * GiB}};
    assert_true(device_map_auto(t.model, &x));
    assert_exactly(x.layers[0] + x.on_disk, 0);
    /* though one of them would hold it all */
    assert_true(x.layers[1] > 10 && x.layers[2] > 10);
    /* to disk when memory is short too */
    x.free_bytes[0] = x.free_bytes[1] = x.free_bytes[2] = 4 * GiB;
    assert_true(device_map_auto(t.model, &x));
    assert_true(x.on_disk > 0);
    assert_exactly(dealt(&x), 32);
}

/* What a checkpoint's files hold is what vLLM and accelerate are given of it; a sum that no such checkpoint has is none. */
static void a_quantised_checkpoint_is_as_large_as_its_files(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    struct vllm_asked a = asked_on(24, 1);
    struct vllm_sized v;
    const double stored[] = {5.73e9, 9.08e9, 16.06e9};
    for (size_t i = 0; i < COUNT_OF(stored); i++) {
        digest_pack(&s->digest, stored[i]);
        assert_true(s->digest.packed_bytes > 0);
        assert_true(vllm_size(t.model, &a, &v));
        assert_close(v.weights_bytes, stored[i], 1);
        assert_close(digest_packed_bytes(&s->digest), stored[i], 1);
        struct mapped_layers x = {.value_bytes = 2, .sites = 2, .free_bytes = {64 * GiB, 64 * GiB}};
        assert_true(device_map_auto(t.model, &x));
        assert_close(x.weights_bytes[1], stored[i], 1);
    }
    const double wrong[] = {0, 2e9, 17e9};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        digest_pack(&s->digest, wrong[i]);
        assert_exactly(s->digest.packed_bytes, 0);
    }
}

/* The repository's three files have 13.76 GB (its file list, 2025-08): MXFP4 has 4 bits and 8 for 32 of them. */
static void experts_in_a_type_of_their_own(void **state)
{
    struct stage *s = *state;
    const double mxfp4_bytes = 4.25 / 8;
    const struct task t = stage_model(s, "openai/gpt-oss-20b", "F16");
    struct vllm_asked a = asked_on(24, 1);
    struct vllm_sized v;
    digest_pack_part(&s->digest, true, mxfp4_bytes);
    assert_true(vllm_size(t.model, &a, &v));
    assert_close(v.weights_bytes / 1e9, 13.76, 0.05);
    const struct task dense = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    digest_pack_part(&s->digest, true, mxfp4_bytes);
    assert_exactly(dense.model->packed_bytes, 0);
}

/* A byte a value of all linear layers; embedding, output and norms stay halves. */
static void linear_layers_in_bytes(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "meta-llama/Llama-3.1-8B-Instruct", "F16");
    const double parameters = t.model->parameters, table = 128256.0 * 4096;
    digest_pack_part(&s->digest, false, 1);
    const double norms = 65 * 4096.0;
    assert_close(digest_packed_bytes(t.model) / (parameters + 2 * table + norms), 1, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(vllm_takes_a_share_of_the_card),
        STAGED(vllm_refuses_a_card_that_others_use),
        STAGED(vllm_divides_heads),
        STAGED(a_quantised_checkpoint_is_as_large_as_its_files),
        STAGED(experts_in_a_type_of_their_own),
        STAGED(linear_layers_in_bytes),
        STAGED(a_device_map_keeps_room),
        STAGED(a_device_map_balances_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
