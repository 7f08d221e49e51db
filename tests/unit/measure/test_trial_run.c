/* tests/unit/measure/test_trial_run.c - engines that run a model badly: a sentence and its code; and what two cuts say of a whole. */
#include "rig.h"

#include <fcntl.h>
#include <math.h>
#include <sys/file.h>

#include "catalog/types.h"
#include "cost/cost.h"
#include "measure/lock.h"
#include "measure/trial_run.h"
#include "model/digest.h"

#define S3 "{\"low\": 1, \"likely\": 2, \"high\": 3, \"runs\": 3}"
#define RESIDENT                                                                   \
    "{\"bytes\": 5, \"own_bytes\": 1, \"file_bytes\": null, \"shared_bytes\": 0, " \
    "\"peak_bytes\": 9}"
#define BUFFERS                                                                            \
    "[{\"buffer\": \"CPU_Mapped\", \"device\": \"\", \"host\": true, \"model_bytes\": 7, " \
    "\"context_bytes\": 0, \"compute_bytes\": 0}, {\"buffer\": \"AMX\", \"device\": "      \
    "\"CPU\", \"host\": false, \"model_bytes\": 8, \"context_bytes\": 0, \"compute_bytes\": 0}]"
#define RUN(load, prefill, buffers)                                                         \
    "{\"llama\": \"llama.cpp \\u001b[31m\", \"load_s\": " load                              \
    ", \"context_s\": 0, \"warm_up_s\": 0.1, \"read_bytes\": null, \"prefill_s\": " prefill \
    ", \"decode_s\": null, \"before\": " RESIDENT ", \"resident\": " RESIDENT               \
    ", \"buffers\": " buffers ", \"conditions\": \"idle\"}"
#define SAY(line) "cat <<'END'\n" line "\nEND\n"

struct trying {
    struct rig rig;
    struct shape shape;
    struct digest digest;
    struct weight_type type;
    struct generate knobs;
    struct trial_asked asked;
};

static void trying_open(struct trying *t)
{
    rig_open(&t->rig);
    t->shape = (struct shape){.layers = 4};
    t->digest = (struct digest){.name = "m", .shape = &t->shape};
    t->type = (struct weight_type){.name = "F16", .id = 1};
    t->knobs = (struct generate){.context_tokens = 256,
                                 .batch_tokens = 64,
                                 .ubatch_tokens = 32,
                                 .sequences = 3,
                                 .outputs_max = OUTPUTS_AS_SEQUENCES,
                                 .kv_type_k = &t->type,
                                 .kv_type_v = &t->type,
                                 .prompt_tokens = 16,
                                 .repack = REPACK_OFF};
    t->asked = (struct trial_asked){.file = "/a/model.gguf",
                                    .model = &t->digest,
                                    .knobs = &t->knobs,
                                    .threads = 2,
                                    .tokens = 4,
                                    .reps = 1,
                                    .timeout_s = 5};
}

static void fails(const char *script, enum mu_code code, const char *words)
{
    struct trying t;
    struct trial_run run;
    struct mu_err err = {0};
    trying_open(&t);
    rig_engine(&t.rig, script);
    assert_false(trial_run(&t.rig.in, &t.asked, &run, &err));
    if (!strstr(err.text, words)) fail_msg("\"%s\" lacks \"%s\"", err.text, words);
    assert_int_equal(err.code, code);
    rig_close(&t.rig);
}

static void a_good_answer(void **state)
{
    (void)state;
    struct trying t;
    struct trial_run run;
    struct mu_err err = {0};
    trying_open(&t);
    rig_engine(&t.rig, SAY(RUN("0.5", S3, BUFFERS)));
    if (!trial_run(&t.rig.in, &t.asked, &run, &err)) fail_msg("%s", err.text);
    assert_exactly(run.load_s, 0.5);
    assert_exactly(run.prefill_s.likely, 2);
    assert_exactly(run.prefill_s.runs, 3);
    assert_true(isnan(run.decode_s.likely) && isnan(run.read_bytes) && isnan(run.layers));
    assert_true(isnan(run.resident.file_bytes));
    assert_exactly(run.resident.peak_bytes, 9);
    assert_int_equal(run.buffers, 2);
    assert_true(trial_buffer_mapped(&run.buffer[0]));
    assert_false(trial_buffer_mapped(&run.buffer[1]));
    assert_exactly(run.buffer[1].model_bytes, 8);
    assert_null(strchr(run.llama, '\033'));
    rig_close(&t.rig);
}

/* The request comes back as why it failed. */
static void the_request_says_what_was_asked(void **state)
{
    (void)state;
    fails("tr '\"' \"'\" >&2; exit 65", MU_DATA,
          "{'file': '/a/model.gguf', 'context_tokens': 256, 'batch_tokens': 64, 'ubatch_tokens': "
          "32, 'sequences': 3, 'outputs_max': 3, 'kv_type_k': 1, 'kv_type_v': 1, "
          "'flash_attention': 'auto', 'mmap': false, 'repack': false, 'kv_unified': false, "
          "'swa_full': false, 'embeddings': false, 'fill': false, 'threads': 2");
}

static void a_file_in_memory_is_named_by_its_number(void **state)
{
    (void)state;
    struct trying t;
    struct trial_run run;
    struct mu_err err = {0};
    trying_open(&t);
    const char *path = rig_write(&t.rig, "measure.lock", "words of the file");
    t.asked.file = NULL;
    t.asked.open_file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(t.asked.open_file > 2);
    rig_engine(&t.rig,
               str_format(t.rig.arena, "cat /proc/self/fd/%d >&2; tr '\"' \"'\" >&2; exit 65",
                          t.asked.open_file));
    assert_false(trial_run(&t.rig.in, &t.asked, &run, &err));
    const char *words =
        str_format(t.rig.arena, "words of the file{'file': '/proc/self/fd/%d'", t.asked.open_file);
    if (!strstr(err.text, words)) fail_msg("\"%s\" lacks \"%s\"", err.text, words);
    if (!strstr(err.text, "'fill': true")) fail_msg("\"%s\"", err.text);
    close(t.asked.open_file);
    rig_close(&t.rig);
}

static void ends_that_are_not_clean(void **state)
{
    (void)state;
    fails("kill -ILL $$", MU_INTERNAL, "SIGILL");
    fails("kill -ABRT $$", MU_INTERNAL, "SIGABRT");
    fails(SAY(RUN("0.5", S3, BUFFERS)) "kill -SEGV $$", MU_INTERNAL, "SIGSEGV");
    fails("echo 'no such tensor' >&2; exit 65", MU_DATA, "no such tensor");
    fails("echo 'it encodes and decodes' >&2; exit 69", MU_UNAVAILABLE, "it encodes and decodes");
    fails("exit 1", MU_UNAVAILABLE, "status 1"); /* no answer of ours: not a no */
    fails("exit 64", MU_UNAVAILABLE, "built without llama.cpp");
    fails("true", MU_INTERNAL, "said nothing");
    fails("echo '{\"note\": \"only that\"}'", MU_INTERNAL, "said nothing");
}

static void a_hang_and_too_much_memory(void **state)
{
    (void)state;
    struct trying t;
    struct trial_run run;
    struct mu_err err = {0};
    trying_open(&t);
    t.asked.timeout_s = 0.3;
    rig_engine(&t.rig, "exec sleep 30");
    assert_false(trial_run(&t.rig.in, &t.asked, &run, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    err = (struct mu_err){0};
    t.asked.timeout_s = 20;
    t.asked.memory_most_bytes = 40 << 20;
    rig_engine(&t.rig, "exec /usr/bin/python3 -c \"import time; x = bytearray(100 << 20); "
                       "time.sleep(30)\"");
    assert_false(trial_run(&t.rig.in, &t.asked, &run, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    t.rig.in.engine = NULL;
    err = (struct mu_err){0};
    assert_false(trial_run(&t.rig.in, &t.asked, &run, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    rig_close(&t.rig);
}

static void answers_that_are_not_believed(void **state)
{
    (void)state;
    fails("echo rubbish", MU_INTERNAL, "line 1");
    fails("echo '{}'", MU_INTERNAL, "times cannot be");
    fails(SAY(RUN("0.5", S3, BUFFERS)) SAY(RUN("0.5", S3, BUFFERS)), MU_INTERNAL, "one line");
    fails(SAY(RUN("-1", S3, BUFFERS)), MU_INTERNAL, "times cannot be");
    fails(SAY(RUN("\"1\"", S3, BUFFERS)), MU_INTERNAL, "load_s");
    fails(SAY(RUN("1", "{\"low\": 3, \"likely\": 2, \"high\": 3, \"runs\": 3}", BUFFERS)),
          MU_INTERNAL, "times cannot be");
    fails(SAY(RUN("1", "{\"low\": 0, \"likely\": 2, \"high\": 3, \"runs\": 3}", BUFFERS)),
          MU_INTERNAL, "times cannot be");
    fails(SAY(RUN("1", "{\"low\": 1, \"likely\": 2, \"high\": 3, \"runs\": 2.5}", BUFFERS)),
          MU_INTERNAL, "times cannot be");
    fails(SAY(RUN("1", "{\"low\": 1, \"likely\": 2, \"high\": 3}", BUFFERS)), MU_INTERNAL,
          "times cannot be");
    fails(SAY(RUN("1", S3, "[]")), MU_INTERNAL, "memory cannot be");
    fails(SAY(RUN("1", S3, "[{\"buffer\": \"CPU\"}]")), MU_INTERNAL, "memory cannot be");
    fails("yes '{\"note\": \"again\"}'", MU_INTERNAL, "too many notes");
    fails("head -c 3000000 /dev/zero", MU_INTERNAL, "can't be used");
}

static struct trial_seconds spread(double low, double likely, double high)
{
    return (struct trial_seconds){low, likely, high, 3};
}

static void two_cuts_drawn_out(void **state)
{
    (void)state;
    /* A head of 2 s and layers of 0.5 s each. */
    struct trial_seconds s = trial_drawn_out(spread(4, 4, 4), spread(6, 6, 6), 4, 28);
    assert_exactly(s.likely, 16);
    assert_exactly(s.low, 16);
    assert_exactly(s.high, 16);
    assert_exactly(s.runs, 3);
    /* Twice the cut is the whole. */
    assert_exactly(trial_drawn_out(spread(4, 5, 6), spread(6, 7, 8), 4, 8).likely, 7);
    /* A disturbed run of the shorter cut moves the median, not the fastest. */
    s = trial_drawn_out(spread(4, 5.5, 6), spread(6, 6, 6), 4, 28);
    assert_exactly(s.likely, 16);
    assert_true(s.low <= s.likely && s.likely <= s.high);
    s = trial_drawn_out(spread(4, 4, 6), spread(6, 7, 9), 4, 28);
    assert_exactly(s.likely, 17);
    assert_exactly(s.high, 22);
    /* Nothing follows from a longer cut that was not slower, nor from none. */
    assert_true(isnan(trial_drawn_out(spread(4, 5, 6), spread(4, 6, 7), 4, 28).likely));
    const struct trial_seconds none = {(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    assert_true(isnan(trial_drawn_out(none, none, 4, 28).likely));
}

static void a_trial_is_alone_or_not_at_all(void **state)
{
    (void)state;
    struct rig r;
    struct mu_err err = {0};
    int lock = -1;
    rig_open(&r);
    const char *path = str_format(r.arena, "%s/measure.lock", r.folder);
    const int other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(other, LOCK_EX), 0);
    r.in.lock_wait_s = 0.1;
    assert_false(measure_lock_alone(&r.in, &lock, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    assert_non_null(strstr(err.text, "another muster is measuring"));
    assert_int_equal(r.notes.count, 0);
    close(other);
    err = (struct mu_err){0};
    assert_true(measure_lock_alone(&r.in, &lock, &err));
    assert_true(lock >= 0);
    measure_unlock(lock);
    /* Where nothing can be locked it is said, and run. */
    r.in.state_folder = NULL;
    assert_true(measure_lock_alone(&r.in, &lock, &err));
    assert_int_equal(lock, -1);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer),
        cmocka_unit_test(the_request_says_what_was_asked),
        cmocka_unit_test(a_file_in_memory_is_named_by_its_number),
        cmocka_unit_test(ends_that_are_not_clean),
        cmocka_unit_test(a_hang_and_too_much_memory),
        cmocka_unit_test(answers_that_are_not_believed),
        cmocka_unit_test(two_cuts_drawn_out),
        cmocka_unit_test(a_trial_is_alone_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
