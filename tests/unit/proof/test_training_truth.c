/* Rows of training: what is read of them, what is left out, and that a prediction does not look at what was measured. */
#include "../stage.h"

#include <string.h>

#include "catalog/frameworks.h"
#include "proof/proof.h"
#include "proof/training_truth.h"

#define ROW(metric, more)                                                                          \
    "{\"class\": \"training\", \"rows\": [{\"id\": \"a\", \"model\": \"llama-2-7b\", \"metric\": " \
    "\"" metric "\", \"value_bytes\": 2e10, \"method\": \"lora\", \"rank\": 8, \"targets\": "      \
    "[\"q\", \"v\"], \"batch\": 1, \"seq\": 512" more "}]}"

#define BARE(members) "{\"class\": \"training\", \"rows\": [{\"id\": \"a\", " members "}]}"

static double predicted(struct stage *s, const char *text)
{
    struct training_truth t;
    struct mu_err err = {0};
    if (!training_truth_read(str_of(text), "row", s->catalog, s->arena, &t, &err))
        fail_msg("%s", err.text);
    assert_int_equal(t.rows, 1);
    return t.row[0].predicted;
}

static const struct score *score_named(struct stage *s, const char *name)
{
    const struct score *all;
    size_t n;
    struct mu_err err = {0};
    const struct str text = catalog_file(s->catalog, "truth/training.json");
    if (!proof_score(text, "truth", s->catalog, s->arena, &all, &n, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].class_, name) == 0) return &all[i];
    fail_msg("no class %s", name);
    return NULL;
}

static void what_is_aimed_at_is_met(void **state)
{
    struct stage *s = *state;
    const struct score *peak = score_named(s, "training.peak");
    assert_true(peak->rows >= 70);
    assert_true(peak->median_pct < peak->bar_median_pct && peak->p90_pct < peak->bar_p90_pct);
    assert_true(peak->coverage >= 0.85 && peak->coverage <= 0.95);
    const struct score *saved = score_named(s, "training.saved");
    assert_true(saved->rows >= 70 && saved->median_pct < saved->bar_median_pct);
    assert_true(score_named(s, "training.capture")->worst_pct < 0.1);
    assert_true(score_named(s, "training.snn")->p90_pct < 5);
    assert_true(score_named(s, "training.time")->worst_pct < 15);
    /* no bar is promised of steps: few rows of few authors */
    const struct score *step = score_named(s, "training.step");
    assert_true(step->rows >= 10 && step->median_pct < 25 && step->coverage >= 0.7);
    const struct score *cpu = score_named(s, "training.step_cpu");
    assert_true(cpu->rows >= 5 && cpu->worst_pct < 30 && cpu->coverage >= 0.8);
}

/* Captures are met within 256 bytes: what the tensors themselves cost their keeper. */
static void captures_are_exact(void **state)
{
    struct stage *s = *state;
    struct training_truth t;
    struct mu_err err = {0};
    const struct str text = catalog_file(s->catalog, "truth/training.json");
    assert_true(training_truth_read(text, "truth", s->catalog, s->arena, &t, &err));
    size_t captures = 0;
    for (size_t i = 0; i < t.rows; i++) {
        if (t.row[i].class_ != TRAINING_CAPTURE) continue;
        captures++;
        assert_true(t.row[i].measured - t.row[i].predicted <= 256);
        assert_true(t.row[i].measured >= t.row[i].predicted);
    }
    assert_true(captures >= 12);
}

static void metrics_differ_as_they_say(void **state)
{
    struct stage *s = *state;
    const double allocated = predicted(s, ROW("peak_allocated", ""));
    const double reserved = predicted(s, ROW("peak_reserved", ""));
    const double whole = predicted(s, ROW("max_context_at_vram", ""));
    assert_true(allocated > 13e9 && allocated < reserved && reserved < whole);
    assert_true(predicted(s, ROW("peak_active", "")) == allocated);
    assert_true(predicted(s, ROW("max_reserved", "")) == reserved);
    assert_true(predicted(s, ROW("peak_allocated", ", \"grad_accum\": 4, \"ckpt\": true")) <
                allocated);
    assert_true(predicted(s, ROW("peak_allocated", ", \"quant\": \"nf4-dq\"")) < allocated / 2);
}

static void what_was_measured_is_not_looked_at(void **state)
{
    struct stage *s = *state;
    static const char once[] = ROW("peak_allocated", "");
    char other[sizeof once];
    memcpy(other, once, sizeof once);
    strstr(other, "2e10")[0] = '7';
    assert_true(predicted(s, once) == predicted(s, other));
}

static void what_cannot_be_read_is_refused(void **state)
{
    static const char *const text[] = {
        "{\"class\": \"training\", \"rows\": []}",
        "{\"class\": \"training\"}",
        "{\"class\": \"training\", \"rows\": [{\"id\": \"a\", \"metric\": \"no such\"}]}",
        ROW("peak_allocated", ", \"usable\": false"),
        ROW("peak_allocated", ", \"optimizer\": \"abacus\""),
        ROW("peak_allocated", ", \"quant\": \"none at all\""),
        "{\"class\": \"training\", \"rows\": [{\"id\": \"a\", \"metric\": \"peak_allocated\"}]}",
        "{\"class\": \"training\", \"rows\": [{\"metric\": \"measured_probe\", \"peak\": 1}]}",
        "{\"class\": \"training\", \"rows\": [{\"id\": \"a\", \"metric\": \"measured_snn\"}]}",
        BARE("\"metric\": \"measured_snn\", \"peak\": 1"),
    };
    struct stage *s = *state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        struct training_truth t;
        struct mu_err err = {0};
        assert_true(training_truth_is(str_of(text[i])));
        if (training_truth_read(str_of(text[i]), "row", s->catalog, s->arena, &t, &err))
            fail_msg("read: %s", text[i]);
        assert_int_equal(err.code, MU_DATA);
    }
}

static void every_truncation_is_refused(void **state)
{
    static const char whole[] = ROW("peak_allocated", ", \"arch\": {\"L\": 2}");
    struct stage *s = *state;
    for (size_t n = 0; n + 1 < sizeof whole - 1; n++) {
        struct training_truth t;
        struct mu_err err = {0};
        const struct str text = {whole, n};
        assert_false(training_truth_read(text, "row", s->catalog, s->arena, &t, &err));
    }
}

/* Figures no model has do no harm. */
static void hostile_figures_are_finite_or_refused(void **state)
{
    static const char *const text[] = {
        ROW("peak_allocated", ", \"arch\": {\"L\": 1e300, \"h\": 1, \"a\": 1, \"kv\": 1}"),
        ROW("peak_allocated", ", \"arch\": {\"L\": 1e12, \"h\": 1e12, \"a\": 1e12, \"kv\": 1e12, "
                              "\"d\": 1e12, \"f\": 1e12, \"V\": 1e12}"),
        ROW("nvidia_smi", ", \"n_shard\": 1e12, \"baseline_smi\": 1e300"),
        ROW("fwd_allocated", ", \"quant\": \"int8\", \"lora_dropout\": -1"),
    };
    struct stage *s = *state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        const double bytes = predicted(s, text[i]);
        assert_true(bytes >= 0 && bytes < 1e300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(what_is_aimed_at_is_met),
        STAGED(captures_are_exact),
        STAGED(metrics_differ_as_they_say),
        STAGED(what_was_measured_is_not_looked_at),
        STAGED(what_cannot_be_read_is_refused),
        STAGED(every_truncation_is_refused),
        STAGED(hostile_figures_are_finite_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
