/* finetune's bill: figures that guides and users meet (GB of 10^9), worked out before by an estimator of its own (train_mem_model.py), and
 * what must hold for any model. */
#include "../stage.h"

#include <string.h>

#include "base/num.h"
#include "catalog/frameworks.h"
#include "cost/finetune.h"

static struct bill bill; /* the one last made */
static const struct split card = {.sites = 2};
static struct finetune f;

static void usual(struct stage *s, const char *model)
{
    struct mu_err err = {0};
    const char *others;
    const struct model_part *part;
    const struct training_table *t = catalog_training(s->catalog, &err);
    if (!t) fail_msg("%s", err.text);
    assert_int_not_equal(catalog_model(s->catalog, str_of(model), &part, &others), MATCH_NONE);
    shape_from_part(part, s->catalog, s->arena, &s->shape);
    s->digest = (struct digest){.shape = &s->shape};
    finetune_usual(&f, t);
}

static void say(struct stage *s, const char *knob, const char *value)
{
    struct mu_err err = {0};
    if (!knob_set(&workload_finetune, &f, str_of(knob), str_of(value), s->catalog, &err))
        fail_msg("%s", err.text);
}

static double total_gb(struct stage *s)
{
    const struct task t = {&workload_finetune, &s->digest, &f};
    cost_bill(&t, &card, &bill);
    if (bill.unruled) fail_msg("%s", bill.unruled);
    return bill_held(&bill, 1) / 1e9;
}

static double host_gb(void)
{
    return bill_held(&bill, ON_HOST) / 1e9;
}

static const char *biggest_moving(void)
{
    const struct line *best = NULL;
    for (size_t i = 0; i < bill.lines; i++) {
        const struct line *l = &bill.line[i];
        if (l->phase != HELD || strcmp(l->term->group, "weights") == 0 || l->site != 1) continue;
        if (!best || l->amount > best->amount) best = l;
    }
    return best ? best->term->name : "";
}

static void assert_near(double got, double wanted, double within)
{
    if (!(got > wanted - within && got < wanted + within))
        fail_msg("%.3f is not within %.3f of %.3f", got, within, wanted);
}

static void full_training_of_a_small_model(void **state)
{
    struct stage *s = *state;
    usual(s, "microsoft/Phi-3-mini-4k-instruct");
    say(s, "method", "full");
    say(s, "micro_batch", "4");
    say(s, "checkpointing", "on");
    assert_near(total_gb(s), 32.3, 0.1);
    say(s, "checkpointing", "off");
    assert_near(total_gb(s), 34.8, 0.1);
    say(s, "checkpointing", "on");
    say(s, "precision", "amp");
    assert_near(total_gb(s), 63.3, 0.5);
}

static double line_bytes(const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++)
        if (strcmp(bill.line[i].term->name, name) == 0) sum += bill.line[i].amount;
    return sum;
}

/* A mean that kept its input kept the squares, an F32 copy of all that each norm reads: two norms a layer. */
static void norms_of_today_keep_one_copy_less(void **state)
{
    struct stage *s = *state;
    usual(s, "microsoft/Phi-3-mini-4k-instruct");
    say(s, "method", "full");
    say(s, "accumulate", "2");
    total_gb(s);
    const double today = line_bytes("saved activations");
    say(s, "framework", "hf-old");
    total_gb(s);
    assert_true(line_bytes("saved activations") - today == 32.0 * 2 * 512 * 3072 * 4);
}

static void a_model_drops_as_it_is_configured(void **state)
{
    struct stage *s = *state;
    usual(s, "openai-community/gpt2");
    say(s, "method", "full");
    say(s, "accumulate", "2");
    total_gb(s);
    const double usually = line_bytes("saved activations");
    say(s, "dropout", "on");
    total_gb(s);
    assert_true(line_bytes("saved activations") == usually);
    say(s, "dropout", "off");
    total_gb(s);
    /* a byte of a mask for each value that attention and FFN give, in 12 layers */
    assert_true(usually - line_bytes("saved activations") == 12.0 * 2 * 512 * 768);
}

/* Adapters on the feed-forward alone: no gradient reaches the first layer's attention. */
static void what_lies_before_the_first_adapter_is_not_kept(void **state)
{
    struct stage *s = *state;
    usual(s, "microsoft/Phi-3-mini-4k-instruct");
    struct kept_asked k = {.framework = training_framework_named(f.table, S("hf")),
                           .sequence_tokens = 512,
                           .compute_bytes = 2,
                           .stream_bytes = 2,
                           .adapter_bytes = 2,
                           .rank = 16,
                           .targets = 1U << TO_Q};
    const double norm = training_norm_kept(&s->shape, &k);
    assert_true(training_unneeded(&s->shape, &k) == norm);
    k.targets = 1U << TO_DOWN;
    /* two norms, operands and answer of 32 heads of 96, a sum a head */
    assert_true(training_unneeded(&s->shape, &k) == 2 * norm + 4 * 2 * 3072 + 4 * 32);
    k.full = true;
    assert_true(training_unneeded(&s->shape, &k) == 0);
}

static void full_training_of_a_model_of_7b(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "full");
    say(s, "checkpointing", "on");
    assert_near(total_gb(s), 63, 0.5);
    say(s, "optimizer", "adamw_8bit");
    assert_near(total_gb(s), 48, 0.5);
    say(s, "precision", "amp");
    say(s, "optimizer", "adamw");
    assert_near(total_gb(s), 125, 0.6);
}

static void qlora_by_framework(void **state)
{
    static const struct {
        const char *framework;
        double gb;
        const char *biggest;
    } row[] = {{"unsloth", 8.3, "work of the backward pass"},
               {"hf", 18.9, "logits"},
               {"hf-old", 21.6, "logits"}};
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "qlora");
    say(s, "micro_batch", "4");
    say(s, "accumulate", "4");
    say(s, "seq", "1024");
    say(s, "rank", "32");
    say(s, "optimizer", "adamw_8bit");
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        say(s, "framework", row[i].framework);
        assert_near(total_gb(s), row[i].gb, 0.2);
        assert_string_equal(biggest_moving(), row[i].biggest);
    }
}

/* With flash attention and checkpointing, memory is linear in the sequence; with kept scores it is not. */
static void memory_grows_as_the_sequence(void **state)
{
    struct stage *s = *state;
    double gb[3];
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "checkpointing", "on");
    for (size_t i = 0; i < 3; i++) {
        f.sequence_tokens = 4096 * (double)(i + 1);
        gb[i] = total_gb(s);
    }
    assert_near((gb[2] - gb[1]) / (gb[1] - gb[0]), 1, 1e-9);
    say(s, "checkpointing", "off");
    say(s, "eager_attention", "on");
    for (size_t i = 0; i < 3; i++) {
        f.sequence_tokens = 4096 * (double)(i + 1);
        gb[i] = total_gb(s);
    }
    assert_true((gb[2] - gb[1]) / (gb[1] - gb[0]) > 1.3);
}

static void what_leaves_the_device_lies_on_the_host(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "full");
    say(s, "optimizer", "adamw_8bit");
    const double kept = total_gb(s);
    assert_true(host_gb() == 0);
    say(s, "optimizer", "paged_adamw_8bit");
    const double paged = total_gb(s);
    assert_near(kept - paged, host_gb(), 1e-6);
    say(s, "checkpointing", "offload");
    say(s, "cpu_offload", "on");
    assert_true(total_gb(s) < paged);
    assert_true(host_gb() > 30);
}

static void shards_divide_what_they_share(void **state)
{
    static const char *const sharding[] = {"states", "gradients", "all"};
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "full");
    double before = total_gb(s);
    say(s, "shards", "8");
    for (size_t i = 0; i < COUNT_OF(sharding); i++) {
        say(s, "sharding", sharding[i]);
        const double now = total_gb(s);
        assert_true(now < before);
        before = now;
    }
}

static void a_higher_rank_costs_more(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "qlora");
    say(s, "framework", "unsloth");
    say(s, "optimizer", "adamw_8bit");
    say(s, "micro_batch", "4");
    say(s, "seq", "1024");
    double before = 0;
    for (int rank = 8; rank <= 64; rank *= 2) {
        f.rank = rank;
        const double now = total_gb(s);
        assert_true(now > before);
        before = now;
        if (rank == 8) assert_near(now, 7.9, 0.1);
        if (rank == 64) assert_near(now, 8.8, 0.1);
    }
}

/* PEFT's own count for this model, rank 32 on query and value. */
static void adapters_are_counted_exactly(void **state)
{
    struct stage *s = *state;
    usual(s, "meta-llama/Llama-3.2-3B");
    assert_true(training_adapter_parameters(&s->shape, 1U << TO_Q | 1U << TO_V, 32) == 9175040);
    usual(s, "meta-llama/Llama-2-7b-hf");
    assert_true(training_adapter_parameters(&s->shape, 1U << TO_Q | 1U << TO_V, 8) == 4194304);
}

static void parts_add_up_to_published_counts(void **state)
{
    static const char *const model[] = {"Qwen/Qwen2.5-7B-Instruct",
                                        "meta-llama/Llama-2-7b-hf",
                                        "openai-community/gpt2",
                                        "Qwen/Qwen3-8B",
                                        "Qwen/Qwen3-30B-A3B",
                                        "Qwen/Qwen1.5-MoE-A2.7B-Chat",
                                        "mistralai/Mixtral-8x7B-Instruct-v0.1",
                                        "deepseek-ai/DeepSeek-V2-Lite-Chat"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(model); i++) {
        usual(s, model[i]);
        assert_near(training_parts(&s->shape, false).all, s->shape.parameters, 0.5);
    }
}

static void what_has_no_rule_says_so(void **state)
{
    struct stage *s = *state;
    static const char *const model[] = {"openai/gpt-oss-20b",
                                        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
                                        "google/gemma-3n-E4B-it", "Qwen/Qwen3.5-35B-A3B"};
    for (size_t i = 0; i < COUNT_OF(model); i++) {
        usual(s, model[i]);
        const struct task t = {&workload_finetune, &s->digest, &f};
        cost_bill(&t, &card, &bill);
        if (!bill.unruled) fail_msg("%s has a rule", model[i]);
        assert_int_equal(bill.lines, 0);
    }
}

static double of_group(struct stage *s, const char *group)
{
    total_gb(s);
    return bill_group(&bill, group);
}

/* All experts have weights, gradients and states; a token's activations are those of the experts it goes to. */
static void experts_are_held_whole_and_run_in_part(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen3-30B-A3B");
    const struct training_parts p = training_parts(&s->shape, false);
    assert_true(p.met_matrices < p.layer_matrices / 8);
    say(s, "method", "full");
    assert_true(of_group(s, "weights") == 2 * p.all);
    assert_true(of_group(s, "optimizer") == 4 * p.all);
    say(s, "checkpointing", "off");
    say(s, "seq", "64k"); /* so long that the gradients are not the most of it */
    const double some = of_group(s, "activations");
    s->shape.experts_used *= 2;
    const double more = of_group(s, "activations");
    s->shape.experts *= 2;
    assert_true(of_group(s, "activations") < 1.01 * more && more > 1.5 * some);
}

static void adapters_sit_on_experts_or_on_attention(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen3-30B-A3B");
    const struct shape *m = &s->shape;
    const double query = m->heads * m->head_size, key = m->kv_heads * m->head_size;
    const double attention = m->layers * 16 * (4 * m->width + 2 * query + 2 * key);
    const double experts = m->layers * m->experts * 16 * 3 * (m->width + m->expert_width);
    assert_true(training_adapter_parameters(m, 15, 16) == attention);
    assert_true(training_adapter_parameters(m, 127, 16) == attention + experts);
    say(s, "targets", "attention");
    assert_true(of_group(s, "adapters") == 4 * attention);
}

static void latent_attention_takes_adapters_as_a_whole(void **state)
{
    struct stage *s = *state;
    usual(s, "deepseek-ai/DeepSeek-V3");
    const struct shape *m = &s->shape;
    const double query = m->heads * m->head_size, rank = m->latent.kv_rank;
    const double both = m->heads * (m->latent.nope + m->latent.value);
    const double in_and_out = m->width + m->latent.q_rank + m->latent.q_rank + query + m->width +
                              rank + m->latent.rope + rank + both + m->heads * m->latent.value +
                              m->width;
    assert_true(training_adapter_parameters(m, 15, 8) == m->layers * 8 * in_and_out);
    say(s, "targets", "qv");
    assert_non_null(finetune_unruled(m, &f));
    say(s, "targets", "attention");
    assert_null(finetune_unruled(m, &f));
    say(s, "framework", "litgpt"); /* whose own way with it was never counted */
    assert_non_null(finetune_unruled(m, &f));
}

/* Every choice of the knobs is a row of the table, and every preset there is a choice. */
static void choices_and_rows_agree(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    const struct training_table *t = f.table;
    for (size_t i = 0; i < t->frameworks; i++) say(s, "framework", t->framework[i].name);
    for (size_t i = 0; i < t->optimizers; i++) say(s, "optimizer", t->optimizer[i].name);
    for (size_t i = 0; i < t->stores; i++) say(s, "store", t->store[i].name);
    for (size_t i = 0; i < workload_finetune.knobs; i++) {
        const struct knob *k = &workload_finetune.knob[i];
        for (size_t n = 0; k->choices && k->choices[n]; n++) {
            say(s, k->name, k->choices[n]);
            assert_true(total_gb(s) > 1);
        }
    }
}

/* Each range bends the total the way its name says. */
static void yaml_words_are_known(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "checkpointing", "true");
    const double on = total_gb(s);
    say(s, "checkpointing", "on");
    assert_true(total_gb(s) == on);
    say(s, "checkpointing", "false");
    const double off = total_gb(s);
    say(s, "checkpointing", "off");
    assert_true(total_gb(s) == off && off > on);
}

/* What is billed is what is held and the highest of the three moments: no line is counted twice or lost. */
static void lines_add_up_to_the_highest_moment(void **state)
{
    static const char *const method[] = {"full", "lora", "qlora"};
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    const size_t ways = 24; /* 3 methods, and three things that are on or off */
    for (size_t i = 0; i < ways; i++) {
        say(s, "method", method[i % 3]);
        say(s, "checkpointing", i / 3 % 2 ? "on" : "off");
        say(s, "accumulate", i / 6 % 2 ? "8" : "1");
        say(s, "framework", i / 12 % 2 ? "litgpt" : "hf");
        total_gb(s);
        const double sum =
            bill_held(&bill, 1) - bill_group(&bill, "fragmentation") - bill_group(&bill, "process");
        struct bill scratch = {.lines = 0};
        const struct training t = finetune_training(&scratch, &s->shape, &f, false);
        const double highest = most(t.loss_phase, most(t.backward_phase, t.step_phase));
        assert_near(sum / (t.weights + t.adapters + t.states + t.masters + highest), 1, 1e-12);
    }
}

static void ranges_hold_the_likely(void **state)
{
    struct stage *s = *state;
    usual(s, "Qwen/Qwen2.5-7B-Instruct");
    say(s, "method", "qlora");
    const double likely = total_gb(s);
    const size_t abouts = bill.abouts;
    assert_true(abouts >= 3);
    for (size_t i = 1; i <= abouts; i++)
        for (int bend = -1; bend <= 1; bend += 2) {
            bill.bent = i;
            bill.bend = bend;
            const double bent = total_gb(s);
            assert_true(bend < 0 ? bent <= likely : bent >= likely);
        }
    bill.bent = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(full_training_of_a_small_model),
        STAGED(norms_of_today_keep_one_copy_less),
        STAGED(a_model_drops_as_it_is_configured),
        STAGED(what_lies_before_the_first_adapter_is_not_kept),
        STAGED(full_training_of_a_model_of_7b),
        STAGED(qlora_by_framework),
        STAGED(memory_grows_as_the_sequence),
        STAGED(what_leaves_the_device_lies_on_the_host),
        STAGED(shards_divide_what_they_share),
        STAGED(a_higher_rank_costs_more),
        STAGED(adapters_are_counted_exactly),
        STAGED(parts_add_up_to_published_counts),
        STAGED(what_has_no_rule_says_so),
        STAGED(experts_are_held_whole_and_run_in_part),
        STAGED(adapters_sit_on_experts_or_on_attention),
        STAGED(latent_attention_takes_adapters_as_a_whole),
        STAGED(choices_and_rows_agree),
        STAGED(yaml_words_are_known),
        STAGED(lines_add_up_to_the_highest_moment),
        STAGED(ranges_hold_the_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
