/* Published speeds: which rows count as what, that a row's own figure does not move what we say of it, hardware by the names people give,
 * and files that are not what they should be. */
#include "../stage.h"

#include <string.h>

#include "proof/accelerator_truth.h"

#define ROW(hardware, tps, more) ROW_OF("1", hardware, tps, more)
#define ROW_OF(devices, hardware, tps, more)                                          \
    "{\"source\": \"test\", \"hardware\": \"" hardware "\", \"gpu_count\": " devices  \
    ", \"model\": "                                                                   \
    "\"Llama-2-7B\", \"quant\": \"Q4_0\", \"provider\": \"llama.cpp\", \"tps\": " tps \
    ", \"quality\": \"llama-bench or equivalent\"" more "}"
#define SIZED ", \"file_size_gib\": 3.56, \"backend\": \"CUDA\", \"test\": \"pp512/tg128\""
#define FILE_OF(rows) "{\"class\": \"gpu_speed\", \"rows\": [" rows "]}"

static struct accelerator_truth read_all(struct stage *s, const char *text)
{
    struct accelerator_truth t;
    struct mu_err err = {.code = MU_OK};
    if (!accelerator_truth_read(str_of(text), "f", s->catalog, s->arena, NULL, &t, &err))
        fail_msg("%s", err.text);
    return t;
}

static void rows_count_as_what_they_are(void **state)
{
    const struct accelerator_truth t =
        read_all(*state, FILE_OF(ROW("RTX 3090", "100", SIZED ", \"prompt_tps\": 3000") "," ROW(
                             "RTX 3090", "100", "") "," ROW("no such card", "100", SIZED)));
    assert_int_equal(t.rows, 3);
    assert_int_equal(t.left_out, 1);
    assert_int_equal(t.row[0].as, PUBLISHED_DECODE);
    assert_int_equal(t.row[1].as, PUBLISHED_PREFILL);
    assert_exactly(t.row[1].measured, 3000);
    assert_int_equal(t.row[2].as, PUBLISHED_UNSIZED);
    for (size_t i = 0; i < t.rows; i++) {
        assert_true(t.row[i].low < t.row[i].predicted);
        assert_true(t.row[i].predicted < t.row[i].high);
    }
}

static void several_devices_are_a_class_of_their_own(void **state)
{
    const struct accelerator_truth t = read_all(
        *state,
        FILE_OF(ROW("RTX 3090", "100", SIZED) "," ROW_OF(
            "4", "RTX 3090", "90",
            SIZED
            ", \"vram_gb\": 96, \"prompt_tps\": 3000") "," ROW_OF("400", "RTX 3090", "90",
                                                                  SIZED) "," ROW_OF("1.5",
                                                                                    "RTX 3090",
                                                                                    "90", SIZED)));
    assert_int_equal(t.rows, 2); /* a prompt on several is not said anything of */
    assert_int_equal(t.left_out, 2);
    assert_int_equal(t.row[1].as, PUBLISHED_SEVERAL);
    assert_exactly(t.row[1].devices, 4);
    assert_true(t.row[1].predicted < t.row[0].predicted); /* what handing over takes */
    assert_true(t.row[1].predicted > t.row[0].predicted / 2);
    assert_true(t.row[1].low < t.row[0].low);
}

static void a_rows_own_figure_changes_nothing(void **state)
{
    const struct accelerator_truth t =
        read_all(*state, FILE_OF(ROW("RTX 3090", "100", SIZED) "," ROW("RTX 3090", "1", SIZED)));
    assert_exactly(t.row[0].predicted, t.row[1].predicted);
}

static void hardware_goes_by_the_names_people_give(void **state)
{
    static const char *const same[] = {
        FILE_OF(ROW("NVIDIA 3090", "1", SIZED)),
        FILE_OF(ROW("NVIDIA GeForce RTX 3090 (in a case)", "1", SIZED)),
        FILE_OF(ROW("a box (RTX 3090)", "1", SIZED)),
        FILE_OF(ROW("RTX 3090 with words", "1", SIZED)),
    };
    const double said = read_all(*state, FILE_OF(ROW("RTX 3090", "1", SIZED))).row[0].predicted;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_exactly(read_all(*state, same[i]).row[0].predicted, said);
}

static void what_is_no_such_file_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"class\": \"gpu_speed\"}",
        FILE_OF(""),
        FILE_OF("{}"),
        FILE_OF("[]"),
        FILE_OF(ROW("RTX 3090", "-1", SIZED)),
        FILE_OF(ROW("RTX 3090", "\"fast\"", SIZED)),
        FILE_OF(ROW("no such card", "1", SIZED)),
    };
    const struct stage *s = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct accelerator_truth t;
        struct mu_err err = {.code = MU_OK};
        if (accelerator_truth_read(str_of(bad[i]), "f", s->catalog, s->arena, NULL, &t, &err))
            fail_msg("was read: %s", bad[i]);
        assert_true(strlen(err.text) > 0);
    }
    assert_false(accelerator_truth_is(S("{\"class\": \"cpu_speed\"}")));
    assert_true(accelerator_truth_is(S("{\"class\": \"gpu_speed\"}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(rows_count_as_what_they_are),       STAGED(several_devices_are_a_class_of_their_own),
        STAGED(a_rows_own_figure_changes_nothing), STAGED(hardware_goes_by_the_names_people_give),
        STAGED(what_is_no_such_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
