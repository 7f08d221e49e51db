/* What lies beside a model: adapters where their weights lie, a projector and a draft model on the first device, nothing of it lost
 * whatever the split. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "catalog/backend.h"
#include "cost/beside.h"

static struct bill bill;
static struct site_rules rules;

static struct split split_of(struct stage *s, double layers)
{
    const struct backend *b = catalog_backend(s->catalog, S("CUDA"));
    assert_non_null(b);
    rules = site_rules_of(b);
    struct split split = {.sites = 2, .rules = {NULL, &rules}};
    split.first_layer[1] = s->shape.layers + 1 - layers;
    split.layers[1] = layers;
    split.layers[0] = s->shape.layers + 1 - layers;
    return split;
}

static double line_at(int site, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++)
        if (bill.line[i].site == site && bill.line[i].phase == HELD &&
            strcmp(bill.line[i].term->name, name) == 0)
            sum += bill.line[i].amount;
    return sum;
}

static void write_bill(struct stage *s, const struct split *split)
{
    const struct task t = {cost_workload(S("generate")), &s->digest, &s->knobs};
    bill = (struct bill){.lines = 0};
    cost_bill(&t, split, &bill);
    if (bill.unruled) fail_msg("%s", bill.unruled);
}

static void adapters_follow_their_weights(void **state)
{
    struct stage *s = *state;
    struct beside_adapters *a = NEW(s->arena, struct beside_adapters);
    const struct beside beside = {.adapters = a};
    stage_model(s, "Qwen3-30B-A3B", "Q4_K_M");
    *a = (struct beside_adapters){
        .lookup_bytes = 1, .output_bytes = 2, .widest_values = 10, .output_values = 1000};
    double all = 3;
    for (int i = 0; i < (int)s->shape.layers; i++) {
        a->layer_bytes[i] = 100 + i;
        a->expert_bytes[i] = 1000;
        all += 1100 + i;
    }
    s->knobs.beside = &beside;
    write_bill(s, &split_host);
    assert_exactly(line_at(0, "LoRA adapters"), all);
    assert_exactly(line_at(0, "computing adapters, at most"), 10.0 * 512 * 4);
    for (int layers = 0; layers <= (int)s->shape.layers + 1; layers++) {
        struct split split = split_of(s, layers);
        split.host_experts = layers > 3 ? 3 : 0;
        write_bill(s, &split);
        assert_exactly(line_at(0, "LoRA adapters") + line_at(1, "LoRA adapters"), all);
        if (layers > 0) assert_true(line_at(1, "LoRA adapters") >= 2);
    }
    /* everything on the device: the look-up and the experts that were left stay */
    assert_exactly(line_at(0, "LoRA adapters"), 1 + 3 * 1000);
}

static void a_draft_is_a_model_of_its_own(void **state)
{
    struct stage *s = *state;
    struct digest *draft = NEW(s->arena, struct digest);
    stage_model(s, "Qwen2.5-0.5B-Instruct", "Q8_0");
    struct shape *shape = NEW(s->arena, struct shape);
    *shape = s->shape;
    *draft = s->digest;
    draft->shape = shape;
    s->knobs.context_tokens = 4096;
    write_bill(s, &split_host);
    const double alone = bill_held(&bill, ON_HOST);
    const double weights = bill_group(&bill, "weights"), kv = bill_group(&bill, "kv");

    stage_model(s, "Qwen2.5-14B-Instruct", "Q4_K_M");
    s->knobs.context_tokens = 4096;
    write_bill(s, &split_host);
    const double without = bill_held(&bill, ON_HOST);
    const struct beside beside = {
        .projector_bytes = 12345, .draft = draft, .draft_cache = s->knobs.kv_type_k};
    s->knobs.beside = &beside;
    write_bill(s, &split_host);
    assert_exactly(bill_held(&bill, ON_HOST), without + alone + 12345);
    assert_exactly(line_at(0, "draft model, weights"), weights);
    assert_exactly(line_at(0, "draft model, KV cache"), kv);
    /* a cache of the first model's own does not change the draft's */
    s->knobs.context_tokens = 8192;
    write_bill(s, &split_host);
    assert_exactly(line_at(0, "draft model, KV cache"), 2 * kv);

    const struct split split = split_of(s, 1);
    write_bill(s, &split);
    assert_exactly(line_at(1, "projector"), 12345);
    assert_exactly(line_at(1, "draft model, KV cache"), 2 * kv);
    assert_true(line_at(0, "draft model, KV cache") == 0);
    assert_true(line_at(0, "draft model, weights") > 0); /* its look-ups */
}

int main(void)
{
    const struct CMUnitTest tests[] = {STAGED(adapters_follow_their_weights),
                                       STAGED(a_draft_is_a_model_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
