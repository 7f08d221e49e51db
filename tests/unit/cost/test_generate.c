/* The bill of `generate`: properties that hold for any model, and the cases that have no bill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/architecture.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "model/digest.h"

struct subject {
    struct arena *arena;
    struct catalog *catalog;
    struct shape shape;
    struct digest digest;
    struct generate knobs;
    struct bill bill;
};

static int set_up(void **state)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct subject *s = NEW(a, struct subject);
    s->arena = a;
    s->catalog = catalog_open(NULL, a);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct subject *s = *state;
    arena_free(s->arena);
    return 0;
}

static void take(struct subject *s, const char *name, const char *quant)
{
    const struct model_part *part;
    const char *others;
    struct mu_err err = {0};
    assert_int_not_equal(catalog_model(s->catalog, str_of(name), &part, &others), MATCH_NONE);
    shape_from_part(part, s->catalog, s->arena, &s->shape);
    digest_of_shape(&s->shape, catalog_mix(s->catalog, str_of(quant)), s->catalog, &s->digest);
    generate_usual(&s->knobs, &s->digest, catalog_types(s->catalog, &err));
}

static double held(struct subject *s)
{
    const struct task t = {cost_workload(S("generate")), &s->digest, &s->knobs};
    cost_bill(&t, &split_host, &s->bill);
    return bill_held(&s->bill, ON_HOST);
}

/* Bytes are whole numbers: compared as such, so that a failure prints both. */
static void same_bytes(double a, double b)
{
    assert_int_equal((uint64_t)a, (uint64_t)b);
}

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
    struct subject *s = *state;
    static const char *const name[] = {"Qwen2.5-7B-Instruct", "gemma-3-4b-it",
                                       "DeepSeek-V2-Lite-Chat"};
    for (size_t i = 0; i < COUNT_OF(name); i++)
        for (int closed = 0; closed < 2; closed++) {
            double before = 0;
            take(s, name[i], "Q4_K_M");
            s->knobs.closed_form = closed != 0;
            for (double tokens = 256; tokens <= 32768; tokens *= 2) {
                s->knobs.context_tokens = tokens;
                const double now = held(s);
                assert_null(s->bill.unruled);
                less_bytes(before, now);
                before = now;
            }
        }
}

static void what_is_not_known_has_no_bill(void **state)
{
    struct subject *s = *state;
    take(s, "LFM2-1.2B", "Q4_K_M");
    assert_int_equal((int)held(s), 0);
    assert_non_null(s->bill.unruled);
    assert_int_equal(s->bill.lines, 0);
}

static void what_llama_cpp_refuses_has_no_bill(void **state)
{
    struct subject *s = *state;
    const struct weight_type *q8 = catalog_type(s->catalog, S("q8_0"));
    take(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    s->knobs.kv_type_v = q8;
    s->knobs.flash_attention = FLASH_OFF;
    held(s);
    assert_string_equal(s->bill.unruled,
                        "llama.cpp refuses a quantised V cache without flash attention");
    take(s, "DeepSeek-V2-Lite-Chat", "Q4_K_M");
    s->knobs.kv_type_k = q8;
    held(s);
    assert_string_equal(s->bill.unruled,
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
    struct subject *s = *state;
    take(s, "Qwen2.5-7B-Instruct", "Q8_0");
    held(s);
    const double plain = bill_group(&s->bill, "weights");
    same_bytes(plain, s->digest.weight_bytes);
    const struct buffer_rule rule = buffer_for(catalog_type(s->catalog, S("q8_0")));
    s->knobs.buffer[0] = &rule;
    held(s);
    const double moved = line_named(&s->bill, "weights, repacked")->amount;
    const double pages = line_named(&s->bill, "file pages of repacked weights")->amount;
    same_bytes(moved, 1.5 * pages);
    same_bytes(bill_group(&s->bill, "weights"), plain - pages + moved);
    s->knobs.mmap = false;
    held(s);
    assert_null(line_named(&s->bill, "file pages of repacked weights"));
    s->knobs.repack = REPACK_OFF;
    held(s);
    same_bytes(bill_group(&s->bill, "weights"), plain);
}

static void a_tied_embedding_is_loaded_twice_by_a_buffer(void **state)
{
    struct subject *s = *state;
    take(s, "Qwen2.5-0.5B-Instruct", "Q8_0");
    const struct buffer_rule rule = buffer_for(catalog_type(s->catalog, S("q8_0")));
    s->knobs.buffer[0] = &rule;
    held(s);
    const double embedding_bytes = s->shape.vocabulary * s->shape.width / 32 * 34;
    same_bytes(line_named(&s->bill, "embedding again, as output matrix")->amount,
               1.5 * embedding_bytes);
}

static void a_token_reads_its_experts_only(void **state)
{
    struct subject *s = *state;
    take(s, "Qwen2.5-7B-Instruct", "Q8_0");
    held(s);
    const double embedding_bytes = s->shape.vocabulary * s->shape.width / 32 * 34;
    /* all but the embedding's rows that are not looked up */
    same_bytes(work(&s->bill, DECODE, WEIGHT_BYTES_READ), s->digest.weight_bytes - embedding_bytes);
    take(s, "Qwen3-30B-A3B", "Q8_0");
    held(s);
    less_bytes(work(&s->bill, DECODE, WEIGHT_BYTES_READ), 0.15 * s->digest.weight_bytes);
    less_bytes(0, work(&s->bill, DECODE, CACHE_BYTES_READ));
    less_bytes(0, work(&s->bill, PREFILL, MATMUL_FLOP));
}

static void an_encoder_keeps_no_cache_and_decodes_nothing(void **state)
{
    struct subject *s = *state;
    take(s, "bge-small-en-v1.5", "F16");
    held(s);
    assert_null(s->bill.unruled);
    assert_int_equal((int)bill_group(&s->bill, "kv"), 0);
    assert_int_equal((int)work(&s->bill, DECODE, WEIGHT_BYTES_READ), 0);
    less_bytes(0, work(&s->bill, PREFILL, MATMUL_FLOP));
}

static void the_rule_of_thumb_counts_the_bits_in_the_name(void **state)
{
    struct subject *s = *state;
    const struct workload *w = cost_workload(S("generate"));
    take(s, "Qwen2.5-7B-Instruct", "Q4_K_M");
    same_bytes(w->rule[0].bytes(&s->digest, &s->knobs), s->digest.parameters * 0.5 * 1.15);
    take(s, "Qwen2.5-7B-Instruct", "F16");
    same_bytes(w->rule[3].bytes(&s->digest, &s->knobs), s->digest.parameters * 2 * 1.40);
    s->digest.quant = NULL; /* a file that does not say: the commonest type */
    same_bytes(w->rule[1].bytes(&s->digest, &s->knobs), s->digest.parameters * 2 * 1.25);
}

static void contexts_are_padded_and_shared(void **state)
{
    struct subject *s = *state;
    take(s, "gemma-3-4b-it", "Q4_K_M");
    s->knobs.context_tokens = 5000;
    s->knobs.sequences = 3;
    struct derived d = generate_derived(&s->digest, &s->knobs);
    assert_int_equal((int)d.cells, 1792); /* 5120 / 3, padded */
    assert_int_equal((int)d.context_tokens, 5376);
    assert_int_equal((int)d.tokens, 513); /* a multiple of the sequences */
    assert_int_equal((int)d.outputs, 3);
    assert_int_equal((int)d.window_cells, 1536); /* the window of 1024 and a micro-batch */
    s->knobs.kv_unified = true;
    d = generate_derived(&s->digest, &s->knobs);
    assert_int_equal((int)d.cells, 5120);
    assert_int_equal((int)d.streams, 1);
    assert_int_equal((int)d.window_cells, 3584);
    s->knobs.swa_full = true;
    s->knobs.outputs_max = 0;
    d = generate_derived(&s->digest, &s->knobs);
    assert_int_equal((int)d.window_cells, 5120);
    assert_int_equal((int)d.outputs, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_context_is_never_less_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_known_has_no_bill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_llama_cpp_refuses_has_no_bill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repacked_weights_grow_and_leave_mapped_pages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tied_embedding_is_loaded_twice_by_a_buffer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_reads_its_experts_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_encoder_keeps_no_cache_and_decodes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_rule_of_thumb_counts_the_bits_in_the_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(contexts_are_padded_and_shared, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
