/* tests/unit/measure/test_capture.c - layers out of text, sizes by the formula, and engines that capture badly: a sentence, its code, and
 * nothing left in the folder. */
#include "rig.h"

#include <math.h>

#include "catalog/types.h"
#include "cost/cost.h"
#include "measure/capture.h"
#include "model/digest.h"

#define FILE_LINE(layer, rows, columns, data, file)                                         \
    "{\"file\": \"hidden-states-00" layer ".npy\", \"layer\": " layer ", \"heads\": null, " \
    "\"rows\": " rows ", \"columns\": " columns ", \"data_bytes\": " data                   \
    ", \"file_bytes\": " file ", \"finite\": true, \"row_sum_low\": null, \"row_sum_high\": null}"
#define END_LINE(with)                                                                     \
    "{\"llama\": \"llama.cpp \\u001b[31m\", \"prompt\": \"text\", \"load_s\": 1, "         \
    "\"without_s\": 1, \"with_s\": " with ", \"copy_s\": 0, \"write_s\": 0, \"runs\": 1, " \
    "\"peak_bytes\": 9}"
#define SAY(line) "cat <<'END'\n" line "\nEND\n"
/* 16 x 2 x 4 bytes and a header of 2 */
#define MAKE(layer) "head -c 130 /dev/zero > %s/hidden-states-00" layer ".npy\n"
#define GOOD(layer) FILE_LINE(layer, "16", "2", "128", "130")

struct capturing {
    struct rig rig;
    struct shape shape;
    struct digest digest;
    struct weight_type type;
    struct generate knobs;
    double layer[2];
    struct capture_asked asked;
};

static void capturing_open(struct capturing *c)
{
    rig_open(&c->rig);
    c->shape = (struct shape){.layers = 4, .width = 2, .heads = 3};
    c->digest = (struct digest){.name = "m", .shape = &c->shape};
    c->type = (struct weight_type){.name = "F16", .id = 1};
    c->knobs = (struct generate){.context_tokens = 256,
                                 .batch_tokens = 16,
                                 .ubatch_tokens = 16,
                                 .sequences = 1,
                                 .kv_type_k = &c->type,
                                 .kv_type_v = &c->type};
    c->layer[0] = 0;
    c->layer[1] = 3;
    c->asked = (struct capture_asked){.kind = CAPTURE_HIDDEN_STATES,
                                      .file = "/a/model.gguf",
                                      .model = &c->digest,
                                      .knobs = &c->knobs,
                                      .layer = c->layer,
                                      .layers = 2,
                                      .tokens = 16,
                                      .threads = 2,
                                      .folder = c->rig.folder,
                                      .timeout_s = 5};
}

/* rig_close() fails when any file of the capture is left. */
static void fails(const char *script, enum mu_code code, const char *words)
{
    struct capturing c;
    struct captured out;
    struct mu_err err = {0};
    capturing_open(&c);
    const char *f = c.rig.folder;
    char *text = NULL;
    assert_true(asprintf(&text, "f=%s\n%s", f, script) > 0);
    rig_engine(&c.rig, text);
    free(text);
    assert_false(capture_run(&c.rig.in, &c.asked, &out, &err));
    if (!strstr(err.text, words)) fail_msg("\"%s\" lacks \"%s\"", err.text, words);
    if (err.code != code) fail_msg("\"%s\" is %d, not %d", err.text, err.code, code);
    rig_close(&c.rig);
}

#define ZERO                                                                     \
    "head -c 130 /dev/zero > $f/hidden-states-000.npy; head -c 130 /dev/zero > " \
    "$f/hidden-states-003.npy\n"

static void test_engines_that_fail(void **state)
{
    (void)state;
    fails("exit 0", MU_INTERNAL, "muster-engine said nothing");
    fails("touch $f/hidden-states-000.npy.part; kill -ILL $$", MU_INTERNAL, "illegal instruction");
    fails(
        ZERO SAY(GOOD(
            "0")) "rm $f/hidden-states-003.npy; touch $f/hidden-states-003.npy.part; kill -KILL $$",
        MU_INTERNAL, "SIGKILL");
    fails("echo 'layer 3 gives no hidden states' >&2; exit 69", MU_UNAVAILABLE,
          "layer 3 gives no hidden states");
    fails("exit 64", MU_UNAVAILABLE, "built without llama.cpp");
    fails(ZERO SAY(GOOD("0")) SAY(GOOD("3")), MU_INTERNAL, "stopped before the end");
    fails(ZERO SAY(GOOD("0")) "rm $f/hidden-states-003.npy\n" SAY(END_LINE("2")), MU_INTERNAL,
          "1 of 2 layers");
}

static void test_engines_that_lie(void **state)
{
    (void)state;
    fails(SAY(GOOD("1")), MU_INTERNAL, "layer 1 was not asked for");
    fails(SAY(FILE_LINE("0", "16", "3", "128", "130")), MU_INTERNAL, "do not go together");
    fails(SAY(GOOD("0")), MU_INTERNAL, "not of the size that was said"); /* no such file */
    fails("head -c 131 /dev/zero > $f/hidden-states-000.npy.part\n" SAY(GOOD("0")), MU_INTERNAL,
          "not of the size that was said");
    fails(SAY("{\"file\": \"../x\", \"layer\": 0, \"finite\": true}"), MU_INTERNAL, "another name");
    fails(SAY("{\"file\": 7}"), MU_INTERNAL, "file");
}

static void test_a_good_run(void **state)
{
    (void)state;
    struct capturing c;
    struct captured out;
    struct mu_err err = {0};
    capturing_open(&c);
    const char *f = c.rig.folder;
    rig_engine(&c.rig,
               str_format(c.rig.arena,
                          "cat > %s/request\nhead -c 130 /dev/zero > %s/hidden-states-000.npy\n"
                          "head -c 130 /dev/zero > %s/hidden-states-003.npy\n" SAY(GOOD("0"))
                              SAY(GOOD("3")) SAY(END_LINE("2")),
                          f, f, f));
    if (!capture_run(&c.rig.in, &c.asked, &out, &err)) fail_msg("%s", err.text);
    assert_int_equal(out.files, 2);
    assert_exactly(out.file[1].layer, 3);
    assert_exactly(out.file[1].data_bytes, out.file[1].predicted_bytes);
    assert_exactly(out.with_s / out.without_s, 2);
    assert_null(strchr(out.llama, '\033'));
    static const char *const names[] = {"request", "hidden-states-000.npy",
                                        "hidden-states-003.npy"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(unlink(str_format(c.rig.arena, "%s/%s", f, names[i])), 0);
    rig_close(&c.rig);
}

static void test_no_engine(void **state)
{
    (void)state;
    struct capturing c;
    struct captured out;
    struct mu_err err = {0};
    capturing_open(&c);
    assert_false(capture_run(&c.rig.in, &c.asked, &out, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    rig_close(&c.rig);
}

static void test_formulas(void **state)
{
    (void)state;
    /* Qwen2.5-7B's figures: 512 tokens of one layer, and all heads' maps of one */
    const struct shape s = {.layers = 28, .width = 3584, .heads = 28};
    assert_exactly(capture_layer_bytes(CAPTURE_HIDDEN_STATES, &s, 512), 7340032);
    assert_exactly(capture_layer_bytes(CAPTURE_ATTENTION, &s, 512), 29360128);
    assert_true(isnan(capture_layer_bytes(CAPTURE_ATTENTION, &(struct shape){.layers = 1}, 512)));
}

static void layers(const char *text, size_t want, double first, double last)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const double *layer = NULL;
    size_t n = 0;
    struct mu_err err = {0};
    const bool good = capture_layers(text, 10, a, &layer, &n, &err);
    if (good != (want > 0)) fail_msg("%s: %s", text, err.text);
    if (good) {
        assert_int_equal(n, want);
        assert_exactly(layer[0], first);
        assert_exactly(layer[n - 1], last);
    } else {
        assert_int_equal(err.code, MU_USAGE);
    }
    arena_free(a);
}

static void test_layers(void **state)
{
    (void)state;
    layers("0", 1, 0, 0);
    layers("last", 1, 9, 9);
    layers("all", 10, 0, 9);
    layers("8, 0,last,9,0", 3, 0, 9);
    layers("", 0, 0, 0);
    layers("10", 0, 0, 0);
    layers("-1", 0, 0, 0);
    layers("1.5", 0, 0, 0);
    layers("0,,1", 0, 0, 0);
    layers("0,all", 0, 0, 0);
    layers("\x1b[31m", 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engines_that_fail), cmocka_unit_test(test_engines_that_lie),
        cmocka_unit_test(test_a_good_run),        cmocka_unit_test(test_no_engine),
        cmocka_unit_test(test_formulas),          cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
