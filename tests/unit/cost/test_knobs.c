/* Knobs from text: every spelling, every kind, and messages that name what would have been right. */
#include "../stage.h"

#include <string.h>

static const struct workload *kind;

static int set_up(void **state)
{
    struct mu_err err = {0};
    stage_open(state);
    struct stage *s = *state;
    kind = cost_workload(S("generate"));
    s->shape.context_tokens = 4096;
    s->digest.shape = &s->shape;
    generate_usual(&s->knobs, &s->digest, catalog_types(s->catalog, &err));
    return kind ? 0 : -1;
}

static void ok(struct stage *s, const char *name, const char *value)
{
    struct mu_err err = {0};
    if (!knob_set(kind, &s->knobs, str_of(name), str_of(value), s->catalog, &err))
        fail_msg("%s=%s: %s", name, value, err.text);
}

static void refused(struct stage *s, const char *name, const char *value, const char *message)
{
    struct mu_err err = {0};
    const struct generate before = s->knobs;
    assert_false(knob_set(kind, &s->knobs, str_of(name), str_of(value), s->catalog, &err));
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, MU_USAGE);
    assert_memory_equal(&before, &s->knobs, sizeof before);
}

static void the_usual_is_a_llama_server(void **state)
{
    const struct stage *s = *state;
    assert_exactly(s->knobs.context_tokens, 4096); /* the model's own is smaller than 8k */
    assert_exactly(s->knobs.batch_tokens, 2048);
    assert_exactly(s->knobs.ubatch_tokens, 512);
    assert_exactly(s->knobs.sequences, 1);
    assert_exactly(s->knobs.outputs_max, OUTPUTS_AS_SEQUENCES);
    assert_int_equal(s->knobs.flash_attention, FLASH_AUTO);
    assert_int_equal(s->knobs.repack, REPACK_ON);
    assert_string_equal(s->knobs.kv_type_k->name, "F16");
    assert_true(s->knobs.mmap);
}

static void placement_is_auto_or_as_told(void **state)
{
    struct stage *s = *state;
    assert_exactly(s->knobs.gpu_layers, KNOB_AUTO);
    assert_exactly(s->knobs.cpu_moe, KNOB_AUTO);
    assert_exactly(s->knobs.kv_offload, OFFLOAD_AUTO);
    ok(s, "gpu-layers", "20");
    assert_exactly(s->knobs.gpu_layers, 20);
    ok(s, "gpu_layers", "ALL");
    assert_exactly(s->knobs.gpu_layers, KNOB_ALL);
    ok(s, "gpu_layers", "0");
    assert_exactly(s->knobs.gpu_layers, 0);
    ok(s, "n-cpu-moe", "auto");
    assert_exactly(s->knobs.cpu_moe, KNOB_AUTO);
    ok(s, "kv_offload", "off");
    assert_exactly(s->knobs.kv_offload, OFFLOAD_OFF);
    ok(s, "tensor-split", "3,0,1.5");
    assert_exactly(s->knobs.tensor_split[0], 3);
    assert_exactly(s->knobs.tensor_split[1], 0);
    assert_exactly(s->knobs.tensor_split[2], 1.5);
    ok(s, "tensor_split", "1,1"); /* what was set before is gone */
    assert_exactly(s->knobs.tensor_split[2], 0);
    refused(s, "gpu_layers", "most",
            "gpu_layers is \"most\", but takes a whole number from 0 to 9999, or one of: auto all");
    refused(s, "gpu_layers", "-1",
            "gpu_layers is \"-1\", but takes a whole number from 0 to 9999, or one of: auto all");
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"3,", "a", "1,-1", "1,1,1,1,1,1,1,1,1,1"};
        struct mu_err err = {0};
        assert_false(
            knob_set(kind, &s->knobs, S("tensor_split"), str_of(bad[i]), s->catalog, &err));
        assert_non_null(strstr(err.text, "but takes at most 9 numbers"));
    }
    refused(s, "tensor_split", "0,0",
            "tensor_split is \"0,0\", but one of them must be more than 0");
}

static void every_kind_is_read(void **state)
{
    struct stage *s = *state;
    ok(s, "context_tokens", "32k");
    assert_exactly(s->knobs.context_tokens, 32768);
    ok(s, "ctx", "1000");
    assert_exactly(s->knobs.context_tokens, 1000);
    ok(s, "parallel", "4");
    assert_exactly(s->knobs.sequences, 4);
    ok(s, "kv-type", "q8_0");
    assert_string_equal(s->knobs.kv_type_k->name, "Q8_0");
    assert_string_equal(s->knobs.kv_type_v->name, "Q8_0");
    ok(s, "kv_type_v", "Q4_0");
    assert_string_equal(s->knobs.kv_type_k->name, "Q8_0");
    assert_string_equal(s->knobs.kv_type_v->name, "Q4_0");
    ok(s, "flash_attention", "off");
    assert_int_equal(s->knobs.flash_attention, FLASH_OFF);
    ok(s, "repack", "off");
    assert_int_equal(s->knobs.repack, REPACK_OFF);
    ok(s, "mmap", "off");
    assert_false(s->knobs.mmap);
    ok(s, "swa-full", "yes");
    assert_true(s->knobs.swa_full);
    ok(s, "outputs_max", "0");
    assert_exactly(s->knobs.outputs_max, 0);
}

static void each_knob_can_be_set_by_both_its_names(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < kind->knobs; i++) {
        const struct knob *k = &kind->knob[i];
        const char *value = k->kind == KNOB_SWITCH ? "on" : k->choices ? k->choices[0] : "1";
        ok(s, k->name, value);
        ok(s, k->option, value);
        assert_true(strlen(k->words) > 0);
        assert_true(k->offset < kind->size);
    }
}

/* The defaults of every kind, with each knob as text: read back they are the same; names meet nowhere within a kind. */
static void every_kind_reads_back_what_it_says(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "F16");
    for (size_t i = 0; workloads[i]; i++) {
        const struct workload *w = workloads[i];
        void *knobs = arena_alloc(s->arena, w->size), *again = arena_alloc(s->arena, w->size);
        struct mu_err err = {.code = MU_OK};
        assert_true(cost_writes_text(w) == (w->usual == NULL));
        if (!w->usual) continue;
        w->usual(knobs, t.model, s->catalog);
        w->usual(again, t.model, s->catalog);
        assert_true(!w->units || (w->unit && !(w->units(knobs) < 1)));
        for (size_t k = 0; k < w->knobs; k++) {
            const char *text = knob_text(&w->knob[k], knobs, s->arena);
            if (w->knob[k].kind == KNOB_MODEL) continue; /* a command opens it */
            if (!knob_set(w, again, str_of(w->knob[k].name), str_of(text), s->catalog, &err))
                fail_msg("%s", err.text);
            assert_string_equal(knob_text(&w->knob[k], again, s->arena), text);
            assert_ptr_equal(knob_find(w, str_of(w->knob[k].name)), &w->knob[k]);
            assert_ptr_equal(knob_find(w, str_of(w->knob[k].option)), &w->knob[k]);
        }
    }
}

static void what_is_wrong_is_said_with_what_is_right(void **state)
{
    struct stage *s = *state;
    refused(s, "context_token", "8k",
            "generate has no knob \"context_token\"; did you mean \"context_tokens\"?");
    refused(s, "paralel", "2", "generate has no knob \"paralel\"; did you mean \"sequences\"?");
    refused(s, "wheels", "4", "generate has no knob \"wheels\"");
    refused(
        s, "ctx", "many",
        "context_tokens is \"many\", but takes a whole number from 1 to 16777216, as 8192 or 8k");
    refused(s, "ctx", "0",
            "context_tokens is \"0\", but takes a whole number from 1 to 16777216, as 8192 or 8k");
    refused(s, "parallel", "1.5", "sequences is \"1.5\", but takes a whole number from 1 to 256");
    refused(s, "mmap", "perhaps", "mmap is \"perhaps\", but takes on or off");
    refused(s, "flash_attention", "maybe",
            "flash_attention is \"maybe\", but takes one of: auto on off");
    refused(s, "kv_type", "q4_K",
            "kv_type is \"q4_K\", but takes one of: f32 f16 bf16 q8_0 q4_0 q4_1 iq4_nl q5_0 q5_1");
}

static void workloads_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(cost_workload(S("generate")), workloads[0]);
    assert_null(cost_workload(S("generated")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_usual_is_a_llama_server, set_up, stage_close),
        cmocka_unit_test_setup_teardown(placement_is_auto_or_as_told, set_up, stage_close),
        cmocka_unit_test_setup_teardown(every_kind_is_read, set_up, stage_close),
        cmocka_unit_test_setup_teardown(each_knob_can_be_set_by_both_its_names, set_up,
                                        stage_close),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said_with_what_is_right, set_up,
                                        stage_close),
        STAGED(every_kind_reads_back_what_it_says),
        cmocka_unit_test(workloads_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
