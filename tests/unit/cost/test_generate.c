/* The bill of `generate`: properties that hold for any model, and the cases that have no bill. */
#include "../stage.h"

#include <string.h>

#include "catalog/architecture.h"

static struct bill bill; /* the one last made */

static double held(struct stage *s)
{
    const struct task t = {cost_workload(S("generate")), &s->digest, &s->knobs};
    cost_bill(&t, &split_host, &bill);
    return bill_held(&bill, ON_HOST);
}

/* Bytes are whole numbers: compared as such, so that a failure prints both. */
static void less_bytes(double less, double more)
{
    assert_in_range((uint64_t)less, 0, (uint64_t)more - 1);
}

static const struct line *line_named(const struct bill *b, const char *name)
{
    for (size_t i = 0; i < b->lines; i++)
        if (strcmp(b->line[i].term->name, name) == 0) return &b->line[i];
    return NULL;
}

static double work(const struct bill *b, enum phase phase, enum work kind)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == phase && b->line[i].work == kind) sum += b->line[i].amount;
    return sum;
}

static void more_context_is_never_less_memory(void **state)
{
    struct stage *s = *state;
    static const char *const name[] = {"Qwen2.5-7B-Instruct", "gemma-3-4b-it",
                                       "DeepSeek-V2-Lite-Chat"};
    for (size_t i = 0; i < COUNT_OF(name); i++)
        for (int closed = 0; closed < 2; closed++) {
            double before = 0;
            stage_model(s, name[i], "Q4_K_M");
            s->knobs.closed_form = closed != 0;
            for (double tokens = 256; tokens <= 32768; tokens *= 2) {
                s->knobs.context_tokens = tokens;
                const double now = held(s);
                assert_null(bill.unruled);
                less_bytes(before, now);
                before = now;
            }
        }
}

/* Bytes of buffers as llama.cpp v0.5.0 laid them out in its own no-alloc load of a header of each (2026-11-21): Q4_K_M, context 8192 or
 * the model's own, no repacking. compute 0: known by a closed form alone. */
static void buffers_are_those_of_llama_cpp(void **state)
{
    struct stage *s = *state;
    static const struct {
        const char *name;
        double weights, kv, compute;
    } seen[] = {
        {"ModernBERT-base", 104224896, 0, 12853248},
        {"embeddinggemma-300m", 229807104, 0, 12853248},
        {"gemma-3n-E2B-it", 3743167872, 100663296, 0},
        {"DeepSeek-V3.2", 404967883776, 703594496, 700526624},
        {"DeepSeek-V4-Flash", 171911320704, 106315776, 0},
        {"DeepSeek-V4-Pro", 951210005696, 153452544, 0},
    };
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        stage_model(s, seen[i].name, "Q4_K_M");
        held(s);
        if (bill.unruled) fail_msg("%s: %s", seen[i].name, bill.unruled);
        assert_exactly(bill_group(&bill, "weights"), seen[i].weights);
        assert_exactly(bill_group(&bill, "kv"), seen[i].kv);
        if (seen[i].compute > 0) assert_exactly(bill_group(&bill, "compute"), seen[i].compute);
    }
}

static void what_is_not_known_has_no_bill(void **state)
{
    struct stage *s = *state;
    stage_model(s, "gpt-j-6b", "Q4_K_M");
    assert_exactly(held(s), 0);
    assert_non_null(bill.unruled);
    assert_int_equal(bill.lines, 0);
}

static void what_llama_cpp_refuses_has_no_bill(void **state)
{
    struct stage *s = *state;
    const struct weight_type *q8 = catalog_type(s->catalog, S("q8_0"));
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    s->knobs.kv_type_v = q8;
    s->knobs.flash_attention = FLASH_OFF;
    held(s);
    assert_string_equal(bill.unruled,
                        "llama.cpp refuses a quantised V cache without flash attention");
    stage_model(s, "DeepSeek-V2-Lite-Chat", "Q4_K_M");
    s->knobs.kv_type_k = q8;
    held(s);
    assert_string_equal(bill.unruled,
                        "llama.cpp refuses different K and V cache types with latent attention");
    stage_model(s, "EXAONE-3.5-2.4B-Instruct", "Q4_K_M"); /* heads of 80 */
    s->knobs.kv_type_k = q8;
    held(s);
    assert_string_equal(bill.unruled, "llama.cpp refuses a cache type whose blocks do not divide a "
                                      "head of this model");
    s->knobs.flash_attention = FLASH_OFF;
    assert_true(held(s) > 0);
}

/* A tied embedding is loaded a second time where a buffer takes it, but not where the graph multiplies with the embedding itself. */
static void an_embedding_that_is_the_output_is_there_once(void **state)
{
    struct stage *s = *state;
    const struct buffer_rule all = {
        .name = "test", .rows_multiple = 8, .rows = 1, .row = {{.growth = 1}}};
    struct buffer_rule rule = all;
    rule.row[0].type = catalog_type(s->catalog, S("Q6_K"))->id;
    stage_model(s, "bitnet-b1.58-2B-4T", "Q6_K");
    const double plain = held(s);
    s->knobs.buffer[0] = &rule;
    assert_exactly(held(s), plain);
    stage_model(s, "gemma-2b-it", "Q6_K");
    s->knobs.buffer[0] = NULL;
    const double one = held(s);
    s->knobs.buffer[0] = &rule;
    assert_true(held(s) > one);
}

/* A buffer that takes every matrix of the base type and lets it grow by half. */
static struct buffer_rule buffer_for(const struct weight_type *type)
{
    struct buffer_rule r = {.name = "test", .rows_multiple = 8, .twice_when_tied = true, .rows = 1};
    r.row[0].type = type->id;
    r.row[0].growth = 1.5;
    return r;
}

static void repacked_weights_grow_and_leave_mapped_pages(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q8_0");
    held(s);
    const double plain = bill_group(&bill, "weights");
    assert_exactly(plain, s->digest.weight_bytes);
    const struct buffer_rule rule = buffer_for(catalog_type(s->catalog, S("q8_0")));
    s->knobs.buffer[0] = &rule;
    held(s);
    const double moved = line_named(&bill, "weights, repacked")->amount;
    const double pages = line_named(&bill, "file pages of repacked weights")->amount;
    assert_exactly(moved, 1.5 * pages);
    assert_exactly(bill_group(&bill, "weights"), plain - pages + moved);
    s->knobs.mmap = false;
    held(s);
    assert_null(line_named(&bill, "file pages of repacked weights"));
    s->knobs.repack = REPACK_OFF;
    held(s);
    assert_exactly(bill_group(&bill, "weights"), plain);
}

static void a_tied_embedding_is_loaded_twice_by_a_buffer(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-0.5B-Instruct", "Q8_0");
    const struct buffer_rule rule = buffer_for(catalog_type(s->catalog, S("q8_0")));
    s->knobs.buffer[0] = &rule;
    held(s);
    const double embedding_bytes = s->shape.vocabulary * s->shape.width / 32 * 34;
    assert_exactly(line_named(&bill, "embedding again, as output matrix")->amount,
                   1.5 * embedding_bytes);
}

static void a_token_meets_its_experts_only(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q8_0");
    held(s);
    /* all but the embedding, of which a row is looked up, and the norms and biases */
    const double embedding = s->shape.vocabulary * s->shape.width;
    const double met = work(&bill, DECODE, MATMUL_FLOP) / 2;
    less_bytes(met, s->digest.parameters - embedding);
    less_bytes(0.999 * (s->digest.parameters - embedding), met);
    stage_model(s, "Qwen3-30B-A3B", "Q8_0");
    held(s);
    less_bytes(work(&bill, DECODE, MATMUL_FLOP), 2 * 0.15 * s->digest.parameters);
    less_bytes(0, work(&bill, DECODE, ATTEND_FLOP));
    less_bytes(0, work(&bill, DECODE, OPERATIONS));
    less_bytes(0, work(&bill, PREFILL, MATMUL_FLOP));
}

static void an_encoder_keeps_no_cache_and_decodes_nothing(void **state)
{
    struct stage *s = *state;
    stage_model(s, "bge-small-en-v1.5", "F16");
    held(s);
    assert_null(bill.unruled);
    assert_exactly(bill_group(&bill, "kv"), 0);
    assert_exactly(work(&bill, DECODE, MATMUL_FLOP), 0);
    less_bytes(0, work(&bill, PREFILL, MATMUL_FLOP));
}

static void the_rule_of_thumb_counts_the_bits_in_the_name(void **state)
{
    struct stage *s = *state;
    const struct workload *w = cost_workload(S("generate"));
    stage_model(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    assert_exactly(w->rule[0].bytes(&s->digest, &s->knobs), s->digest.parameters * 0.5 * 1.15);
    stage_model(s, "Qwen2.5-7B-Instruct", "F16");
    assert_exactly(w->rule[3].bytes(&s->digest, &s->knobs), s->digest.parameters * 2 * 1.40);
    s->digest.quant = NULL; /* a file that does not say: the commonest type */
    assert_exactly(w->rule[1].bytes(&s->digest, &s->knobs), s->digest.parameters * 2 * 1.25);
}

static void contexts_are_padded_and_shared(void **state)
{
    struct stage *s = *state;
    stage_model(s, "gemma-3-4b-it", "Q4_K_M");
    s->knobs.context_tokens = 5000;
    s->knobs.sequences = 3;
    struct derived d = generate_derived(&s->digest, &s->knobs);
    assert_exactly(d.cells, 1792); /* 5120 / 3, padded */
    assert_exactly(d.context_tokens, 5376);
    assert_exactly(d.tokens, 513); /* a multiple of the sequences */
    assert_exactly(d.outputs, 3);
    assert_exactly(d.window_cells, 1536); /* the window of 1024 and a micro-batch */
    s->knobs.kv_unified = true;
    d = generate_derived(&s->digest, &s->knobs);
    assert_exactly(d.cells, 5120);
    assert_exactly(d.streams, 1);
    assert_exactly(d.window_cells, 3584);
    s->knobs.swa_full = true;
    s->knobs.outputs_max = 0;
    d = generate_derived(&s->digest, &s->knobs);
    assert_exactly(d.window_cells, 5120);
    assert_exactly(d.outputs, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(more_context_is_never_less_memory),
        STAGED(buffers_are_those_of_llama_cpp),
        STAGED(what_is_not_known_has_no_bill),
        STAGED(what_llama_cpp_refuses_has_no_bill),
        STAGED(an_embedding_that_is_the_output_is_there_once),
        STAGED(repacked_weights_grow_and_leave_mapped_pages),
        STAGED(a_tied_embedding_is_loaded_twice_by_a_buffer),
        STAGED(a_token_meets_its_experts_only),
        STAGED(an_encoder_keeps_no_cache_and_decodes_nothing),
        STAGED(the_rule_of_thumb_counts_the_bits_in_the_name),
        STAGED(contexts_are_padded_and_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
