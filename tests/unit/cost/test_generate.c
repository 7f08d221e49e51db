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

static void what_is_not_known_has_no_bill(void **state)
{
    struct stage *s = *state;
    stage_model(s, "LFM2-1.2B", "Q4_K_M");
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

static void a_token_reads_its_experts_only(void **state)
{
    struct stage *s = *state;
    stage_model(s, "Qwen2.5-7B-Instruct", "Q8_0");
    held(s);
    const double embedding_bytes = s->shape.vocabulary * s->shape.width / 32 * 34;
    /* all but the embedding's rows that are not looked up */
    assert_exactly(work(&bill, DECODE, WEIGHT_BYTES_READ),
                   s->digest.weight_bytes - embedding_bytes);
    stage_model(s, "Qwen3-30B-A3B", "Q8_0");
    held(s);
    less_bytes(work(&bill, DECODE, WEIGHT_BYTES_READ), 0.15 * s->digest.weight_bytes);
    less_bytes(0, work(&bill, DECODE, CACHE_BYTES_READ));
    less_bytes(0, work(&bill, PREFILL, MATMUL_FLOP));
}

static void an_encoder_keeps_no_cache_and_decodes_nothing(void **state)
{
    struct stage *s = *state;
    stage_model(s, "bge-small-en-v1.5", "F16");
    held(s);
    assert_null(bill.unruled);
    assert_exactly(bill_group(&bill, "kv"), 0);
    assert_exactly(work(&bill, DECODE, WEIGHT_BYTES_READ), 0);
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
        STAGED(what_is_not_known_has_no_bill),
        STAGED(what_llama_cpp_refuses_has_no_bill),
        STAGED(repacked_weights_grow_and_leave_mapped_pages),
        STAGED(a_tied_embedding_is_loaded_twice_by_a_buffer),
        STAGED(a_token_reads_its_experts_only),
        STAGED(an_encoder_keeps_no_cache_and_decodes_nothing),
        STAGED(the_rule_of_thumb_counts_the_bits_in_the_name),
        STAGED(contexts_are_padded_and_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
