/* tests/unit/measure/test_embedding.c - each of the guide's five outcomes from an engine that earns it; and what is kept of one. */
#include "rig.h"

#include <math.h>

#include "catalog/types.h"
#include "cost/cost.h"
#include "measure/embedding_kept.h"
#include "model/digest.h"

#define LINE(sentences, encode, peak)                                                          \
    "{\"llama\": \"llama.cpp\", \"pooling\": \"mean\", \"prompt\": \"text\", \"width\": 384, " \
    "\"sentences\": " sentences ", \"differ\": 90, \"tokens\": 1490, \"load_s\": 0.1, "        \
    "\"encode_s\": " encode ", \"baseline_bytes\": 100, \"loaded_bytes\": 200, "               \
    "\"peak_bytes\": " peak ", \"file_bytes\": 5}"
#define SAY(line) "cat <<'END'\n" line "\nEND\n"

static enum embedding_outcome outcome_of(struct rig *r, const char *script, double limit_s,
                                         struct embedded *out, enum mu_code *code)
{
    static const struct shape shape = {.layers = 6, .pooling = POOLING_MEAN};
    static const struct digest digest = {.name = "m", .shape = &shape};
    static const struct weight_type type = {.name = "F16", .id = 1};
    static const struct generate knobs = {
        .context_tokens = 512, .sequences = 32, .kv_type_k = &type, .kv_type_v = &type};
    const struct embedding_asked asked = {.file = "/a/model.gguf",
                                          .model = &digest,
                                          .knobs = &knobs,
                                          .threads = 2,
                                          .limit_s = limit_s};
    if (script) rig_engine(r, script);
    return embedding_run(&r->in, &asked, out, code);
}

static void is(const char *script, double limit_s, enum embedding_outcome want,
               enum mu_code want_code, const char *words)
{
    struct rig r;
    struct embedded e;
    enum mu_code code;
    rig_open(&r);
    const enum embedding_outcome have = outcome_of(&r, script, limit_s, &e, &code);
    if (have != want || code != want_code || (words && !strstr(e.why, words)))
        fail_msg("%s (%d): %s", e.outcome, (int)code, e.why ? e.why : "no reason");
    assert_string_equal(e.outcome, embedding_outcome_word(want));
    assert_true(words ? isnan(e.peak_bytes) : e.peak_bytes > 0 && !e.why);
    rig_close(&r);
}

static void test_outcomes(void **state)
{
    (void)state;
    is("cat >/dev/null\n" SAY(LINE("100", "2", "300")), 0, EMBEDDING_SUCCESS, MU_OK, NULL);
    is(NULL, 0, EMBEDDING_SKIP, MU_UNAVAILABLE, "not found");
    is("exit 64", 0, EMBEDDING_SKIP, MU_UNAVAILABLE, "without llama.cpp");
    is("echo 'llama.cpp does not load the model: bad magic' >&2; exit 65", 0, EMBEDDING_FAIL,
       MU_DATA, "bad magic");
    is("exec sleep 20", 0.2, EMBEDDING_TIMEOUT, MU_UNAVAILABLE, "200 ms");
    is("kill -SEGV $$", 0, EMBEDDING_ERROR, MU_INTERNAL, "SIGSEGV");
    is("exit 0", 0, EMBEDDING_ERROR, MU_INTERNAL, "said nothing");
}

static void test_figures_that_cannot_be(void **state)
{
    (void)state;
    is(SAY(LINE("99", "2", "300")), 0, EMBEDDING_ERROR, MU_INTERNAL, "counts");
    is(SAY(LINE("100", "0", "300")), 0, EMBEDDING_ERROR, MU_INTERNAL, "times");
    is(SAY(LINE("100", "2", "99")), 0, EMBEDDING_ERROR, MU_INTERNAL, "memory");
    is(SAY(LINE("100", "2", "300")) SAY(LINE("100", "2", "300")), 0, EMBEDDING_ERROR, MU_INTERNAL,
       "one line");
}

static void test_too_much_memory(void **state)
{
    (void)state;
    struct rig r;
    struct embedded e;
    enum mu_code code;
    static const struct shape shape = {.layers = 6};
    static const struct digest digest = {.name = "m", .shape = &shape};
    static const struct weight_type type = {.name = "F16", .id = 1};
    static const struct generate knobs = {.kv_type_k = &type, .kv_type_v = &type};
    rig_open(&r);
    rig_engine(&r, "exec tail /dev/zero");
    const struct embedding_asked asked = {.file = "/a/model.gguf",
                                          .model = &digest,
                                          .knobs = &knobs,
                                          .threads = 1,
                                          .memory_most_bytes = 64 << 20,
                                          .limit_s = 20};
    assert_int_equal(embedding_run(&r.in, &asked, &e, &code), EMBEDDING_FAIL);
    assert_non_null(strstr(e.why, "memory"));
    rig_close(&r);
}

static void test_kept(void **state)
{
    (void)state;
    struct rig r;
    struct mu_err err = {0};
    struct embedding_kept kept = {.when = "2026-11-21 08:00:00",
                                  .model = "a model \x1b[31m",
                                  .file = "/a/b.gguf",
                                  .file_bytes = 7,
                                  .file_modified_s = 9,
                                  .embedded = embedding_not_run(EMBEDDING_TIMEOUT, "too slow")};
    struct embedding_kept back;
    rig_open(&r);
    const char *path = str_format(r.arena, "%s/embedding-0123456789abcdef.json", r.folder);
    assert_false(embedding_kept_read(&r.in, &r.machine, &back));
    if (!embedding_kept_write(&r.in, &r.machine, &kept, &err)) fail_msg("%s", err.text);
    assert_true(embedding_kept_read(&r.in, &r.machine, &back));
    assert_string_equal(back.embedded.outcome, "TIMEOUT");
    assert_string_equal(back.embedded.why, "too slow");
    assert_exactly(back.file_modified_s, 9);
    assert_null(strchr(back.model, '\033'));
    assert_int_equal(r.notes.count, 0);
    static const char *const bad[] = {"", "{", "[]", "{\"schema\": \"rates/1\"}",
                                      "{\"schema\": \"embedding-kept/1\", \"fingerprint\": \"f\"}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        scratch_write(path, bad[i], strlen(bad[i]));
        assert_false(embedding_kept_read(&r.in, &r.machine, &back));
    }
    assert_noted(&r.notes, "cannot be used");
    unlink(path);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_figures_that_cannot_be),
        cmocka_unit_test(test_too_much_memory),
        cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
