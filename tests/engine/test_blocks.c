/* Random weights hold valid blocks in every type that a file may have, the same ones each time, and experts that differ. */
#include "../unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <ggml.h>

#include "engine/blocks.h"

enum { ROW = 512, ROWS = 300 };

static char *filled(int type, int64_t rows, float scale)
{
    char *p = malloc(ggml_row_size((enum ggml_type)type, ROW) * (size_t)rows);
    assert_non_null(p);
    blocks_fill(type, ROW, rows, scale, p);
    return p;
}

/* ggml spends seconds on the tables of these before the first block. */
static bool is_slow(int type)
{
    return type == GGML_TYPE_IQ1_S || type == GGML_TYPE_IQ1_M || type == GGML_TYPE_IQ2_S ||
           type == GGML_TYPE_IQ2_XS;
}

static void every_type_is_valid(void **state)
{
    (void)state;
    size_t types = 0;
    for (int type = -1; type <= GGML_TYPE_COUNT; type++) {
        if (!blocks_can(type) || is_slow(type)) continue;
        const enum ggml_type t = (enum ggml_type)type;
        const size_t bytes = ggml_row_size(t, ROW) * ROWS;
        char *one = filled(type, ROWS, 0.02F), *two = filled(type, ROWS, 0.02F);
        if (!ggml_validate_row_data(t, one, bytes)) fail_msg("%s is not valid", ggml_type_name(t));
        if (memcmp(one, two, bytes) != 0) fail_msg("%s differs", ggml_type_name(t));
        free(one);
        free(two);
        types++;
    }
    assert_true(types >= 24);
    assert_false(blocks_can(GGML_TYPE_Q8_K));
    assert_false(blocks_can(GGML_TYPE_I32));
}

static void values_are_normal(void **state)
{
    (void)state;
    float *p = (float *)(void *)filled(GGML_TYPE_F32, ROWS, 0.5F);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < (size_t)ROW * ROWS; i++) {
        sum += (double)p[i];
        squares += (double)p[i] * (double)p[i];
    }
    assert_close(sum / (ROW * ROWS), 0, 0.01);
    assert_close(squares / (ROW * ROWS), 0.25, 0.01);
    free(p);
}

/* Rows come again, but never in step with a power of two: experts of 64 rows are not copies of one another. */
static void experts_differ(void **state)
{
    (void)state;
    const size_t bytes = ggml_row_size(GGML_TYPE_Q4_K, ROW) * 64;
    char *p = filled(GGML_TYPE_Q4_K, 64 * 8, 0.02F);
    for (size_t i = 1; i < 8; i++)
        if (!memcmp(p, p + i * bytes, bytes)) fail_msg("expert %zu is the first one", i);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_valid),
        cmocka_unit_test(values_are_normal),
        cmocka_unit_test(experts_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
