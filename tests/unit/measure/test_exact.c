/* What llama.cpp itself would allocate, asked of engines that answer well, lie, refuse or die. */
#include "rig.h"

#include <unistd.h>

#include "../stage.h"
#include "catalog/parts.h"
#include "measure/exact.h"
#include "model/gguf_write.h"

#define BUFFER(name, model, context, compute)                                              \
    "{\"buffer\": \"" name "\", \"device\": \"\", \"host\": true, \"model_bytes\": " model \
    ", \"context_bytes\": " context ", \"compute_bytes\": " compute "}"
#define ANSWER(output, buffers)                                                                 \
    "{\"llama\": \"9.8.7\", \"ggml\": \"6.5\", \"allocated\": false, \"context_tokens\": 256, " \
    "\"output_bytes\": " output ", \"buffers\": [" buffers "]}"
#define SAY(line) "echo '" line "'\n"
#define GOOD ANSWER("40", BUFFER("CPU", "1000", "200", "30"))

struct fixture {
    struct rig rig;
    struct stage *stage;
    struct model model;
    struct exact_asked asked;
};

/* A model of the catalogue, with its tensors. */
static void open_fixture(struct fixture *f, void **state)
{
    struct stage *s = *state;
    struct mu_err err = {.code = MU_OK};
    *f = (struct fixture){.stage = s};
    rig_open(&f->rig);
    stage_model(s, "HuggingFaceTB/SmolLM2-135M-Instruct", "Q8_0");
    f->model = (struct model){.name = "small", .shape = s->shape, .quant = "Q8_0"};
    const struct tensors_asked wanted = {&s->shape, catalog_mix(s->catalog, S("Q8_0")), s->catalog};
    if (!model_tensors(&wanted, s->arena, &f->model.tensor, &f->model.tensors, &err))
        fail_msg("%s", err.text);
    f->asked = (struct exact_asked){
        .model = &f->model, .digest = &s->digest, .catalog = s->catalog, .knobs = &s->knobs};
}

static enum exact_end asked(struct fixture *f, struct allocated *out, struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return measure_exact(&f->rig.in, &f->asked, out, err);
}

static void a_good_answer(void **state)
{
    struct fixture f;
    open_fixture(&f, state);
    rig_engine(&f.rig,
               "[ $1 = exact ] || exit 64\n" SAY(ANSWER(
                   "40", BUFFER("AMX", "1000", "0", "0") ", " BUFFER("CPU", "5", "6", "7"))));
    struct allocated x;
    struct mu_err err;
    assert_int_equal(asked(&f, &x, &err), EXACT_DONE);
    assert_string_equal(x.llama, "9.8.7");
    assert_string_equal(x.ggml, "6.5");
    assert_int_equal(x.buffers, 2);
    assert_string_equal(x.buffer[0].buffer, "AMX");
    assert_string_equal(x.buffer[1].device, "CPU"); /* an empty one is the CPU's own */
    assert_exactly(x.buffer[1].compute_bytes, 7);
    assert_exactly(x.output_bytes, 40);
    assert_exactly(x.context_tokens, 256);
    assert_int_equal(f.rig.notes.count, 0);
    rig_close(&f.rig);
}

/* The engine's own words come back in the message. */
static const char *echoed(struct fixture *f, const char *script)
{
    struct allocated x;
    struct mu_err err;
    rig_engine(&f->rig, script);
    assert_int_equal(asked(f, &x, &err), EXACT_FAILED);
    return str_copy(f->rig.arena, str_of(err.text));
}

static void the_request_holds_the_settings(void **state)
{
    struct fixture f;
    open_fixture(&f, state);
    f.stage->knobs.context_tokens = 1234;
    f.stage->knobs.sequences = 3;
    f.stage->knobs.swa_full = true;
    f.stage->knobs.flash_attention = FLASH_OFF;
    f.stage->knobs.repack = REPACK_OFF;
    f.stage->knobs.kv_type_k = catalog_type(f.stage->catalog, S("q8_0"));
    const char *said = echoed(&f, "cat >&2; exit 65");
    static const char *const parts[] = {"\"context_tokens\": 1234", "\"sequences\": 3",
                                        "\"swa_full\": true",       "\"flash_attention\": \"off\"",
                                        "\"repack\": false",        "\"kv_type_k\": 8",
                                        "\"kv_type_v\": 1",         "\"outputs_max\": 3",
                                        "\"/proc/self/fd/"};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!strstr(said, parts[i])) fail_msg("no %s in %s", parts[i], said);
    f.stage->knobs.embeddings = true; /* then a server wants a row for every token */
    said = echoed(&f, "cat >&2; exit 65");
    assert_non_null(strstr(said, "\"outputs_max\": 0"));
    rig_close(&f.rig);
}

/* The child opens a file that begins with the header and is as long as the weights would make it. */
static void the_child_gets_a_header_before_a_hole(void **state)
{
    struct fixture f;
    open_fixture(&f, state);
    static const char script[] =
        "file=$(grep -o '/proc/self/fd/[0-9]*')\n"
        "fd=${file##*/}\n"
        "echo \"$(head -c 4 /proc/$$/fd/$fd) $(stat -Lc %s /proc/$$/fd/$fd)\" >&2; exit 65";
    const char *said = echoed(&f, script);
    struct gguf_written w;
    struct mu_err err = {.code = MU_OK};
    const struct gguf_asked wanted = {&f.model, f.stage->catalog, .bare = true};
    assert_true(gguf_write(&wanted, f.stage->arena, &w, &err));
    const char *part = str_format(f.rig.arena, "GGUF %.0f)", w.file_bytes);
    if (!strstr(said, part)) fail_msg("no %s in %s", part, said);
    /* of a file it is the file's own, without the vocabulary, whether the weights are there or not */
    const char *path = str_format(f.rig.arena, "%s/measure.lock", f.rig.folder);
    struct gguf_written whole, bare;
    const struct gguf_asked with_words = {&f.model, f.stage->catalog, .bare = false};
    assert_true(gguf_write(&with_words, f.stage->arena, &whole, &err));
    scratch_write(path, whole.header.p, whole.header.n);
    struct model read;
    assert_true(model_from_gguf(path, f.stage->catalog, f.stage->arena, &read, &err));
    assert_exactly(read.missing_bytes, whole.file_bytes - (double)whole.header.n);
    assert_true(gguf_bare(whole.header, &read, f.stage->catalog, f.stage->arena, &bare, &err));
    assert_true(bare.file_bytes < whole.file_bytes - 500e3);
    f.asked.file = path;
    f.asked.model = &read;
    said = echoed(&f, script);
    part = str_format(f.rig.arena, "GGUF %.0f)", bare.file_bytes);
    if (!strstr(said, part)) fail_msg("no %s in %s", part, said);
    rig_close(&f.rig);
}

static void refused(struct fixture *f, const char *line, const char *words)
{
    struct allocated x;
    struct mu_err err;
    rig_engine(&f->rig, line);
    assert_int_equal(asked(f, &x, &err), EXACT_FAILED);
    if (!strstr(err.text, words)) fail_msg("no \"%s\" in %s", words, err.text);
    assert_int_equal(err.code, MU_INTERNAL);
}

static void answers_that_are_not_believed(void **state)
{
    struct fixture f;
    open_fixture(&f, state);
    refused(&f, SAY(ANSWER("40", "")), "no buffer holds weights");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "0", "1", "1"))), "no buffer holds weights");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "-1", "1", "1"))), "no whole number of bytes");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "1", "1.5", "1"))), "no whole number of bytes");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "1", "1", "1e300"))), "no whole number of bytes");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "1", "1", "null"))), "no whole number of bytes");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "\"1\"", "1", "1"))), "model_bytes");
    refused(&f, SAY(ANSWER("null", BUFFER("CPU", "1", "1", "1"))), "output buffer");
    refused(&f, SAY(ANSWER("40", BUFFER("", "1", "1", "1"))), "no sensible name");
    refused(&f, SAY(ANSWER("40", BUFFER("CPU", "1", "1", "1") ", " BUFFER("CPU", "1", "1", "1"))),
            "was said twice");
    refused(&f, SAY(GOOD) SAY(GOOD), "the answer was said twice");
    refused(&f, SAY("{\"buffers\": 7}"), "buffers");
    refused(&f, SAY("{}"), "which llama.cpp it is");
    refused(&f, "echo rubbish", "can't be used");
    refused(&f,
            "n=0; printf '{\"buffers\": ['; while [ $n -lt 17 ]; do printf '{}, '; n=$((n+1)); "
            "done; echo '{}]}'",
            "more than 16 buffers");
    rig_close(&f.rig);
}

static void ends_that_are_not_clean(void **state)
{
    struct fixture f;
    struct allocated x;
    struct mu_err err;
    open_fixture(&f, state);
    refused(&f, SAY(GOOD) "kill -ABRT $$", "SIGABRT");
    refused(&f, "kill -ILL $$", "SIGILL");
    refused(&f, SAY(GOOD) "exit 70", "70");
    rig_engine(&f.rig, "true");
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_non_null(strstr(err.text, "said nothing"));
    rig_engine(&f.rig, SAY("{\"note\": \"nothing to say\"}"));
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_non_null(strstr(err.text, "said nothing about memory"));
    rig_engine(&f.rig, "echo 'the llama.cpp found is 1, not 2' >&2; exit 69");
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_int_equal(err.code, MU_UNAVAILABLE);
    assert_non_null(strstr(err.text, "the llama.cpp found is 1, not 2"));
    f.rig.in.timeout_s = 0.3;
    rig_engine(&f.rig, "exec sleep 30");
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_int_equal(err.code, MU_UNAVAILABLE);
    rig_close(&f.rig);
}

/* llama.cpp that stops at repacked weights alone is worth a word. */
static void a_crash_that_repacking_makes_is_told(void **state)
{
    struct fixture f;
    struct allocated x;
    struct mu_err err;
    open_fixture(&f, state);
    rig_engine(&f.rig, "grep -q '\"repack\": true' && kill -ABRT $$\n" SAY(GOOD));
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_int_equal(err.code, MU_INTERNAL);
    assert_non_null(strstr(err.text, "SIGABRT"));
    assert_non_null(strstr(err.text, "; with --repack off it does lay this model out"));
    rig_engine(&f.rig, "kill -ABRT $$");
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_null(strstr(err.text, "--repack off"));
    rig_close(&f.rig);
}

static void no_engine_or_none_with_llama_is_no_failure(void **state)
{
    struct fixture f;
    struct allocated x;
    struct mu_err err;
    open_fixture(&f, state);
    assert_int_equal(asked(&f, &x, &err), EXACT_ABSENT);
    assert_int_equal(err.code, MU_UNAVAILABLE);
    rig_engine(&f.rig, "echo 'usage: muster-engine TEST' >&2; exit 64");
    assert_int_equal(asked(&f, &x, &err), EXACT_ABSENT);
    assert_int_equal(err.code, MU_UNAVAILABLE);
    assert_non_null(strstr(err.text, "without llama.cpp"));
    assert_int_equal(f.rig.notes.count, 0);
    rig_close(&f.rig);
}

static void what_has_no_keys_is_said(void **state)
{
    struct fixture f;
    struct allocated x;
    struct mu_err err;
    open_fixture(&f, state);
    rig_engine(&f.rig, SAY(GOOD));
    f.model.shape.arch = NULL;
    f.model.shape.arch_name = "surprise";
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_int_equal(err.code, MU_NO);
    f.asked.file = "/nowhere/at/all.gguf";
    f.model.files = 1;
    assert_int_equal(asked(&f, &x, &err), EXACT_FAILED);
    assert_int_equal(err.code, MU_NOINPUT);
    rig_close(&f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_good_answer),
        STAGED(the_request_holds_the_settings),
        STAGED(the_child_gets_a_header_before_a_hole),
        STAGED(answers_that_are_not_believed),
        STAGED(ends_that_are_not_clean),
        STAGED(a_crash_that_repacking_makes_is_told),
        STAGED(no_engine_or_none_with_llama_is_no_failure),
        STAGED(what_has_no_keys_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
