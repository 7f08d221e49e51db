/* What a guide's figure is worth beside ours: confirmed where both ranges meet, never a verdict on what nobody computes. */
#include "../unit.h"

#include <math.h>

#include "judge/figure.h"

static struct estimate ours(double low, double likely, double high)
{
    return estimate_of(low, likely, high, ESTIMATED, "test");
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        double low, high, our_low, our_high;
        enum figure_kind kind;
        enum figure_worth worth;
    } row[] = {
        {10, 50, 20, 30, FIGURE_DECODE, FIGURE_CONFIRMED},
        {10, 50, 50, 60, FIGURE_DECODE, FIGURE_CONFIRMED},
        {10, 50, 51, 60, FIGURE_DECODE, FIGURE_TOO_LOW},
        {10, 50, 1, 9, FIGURE_DECODE, FIGURE_TOO_HIGH},
        {10, (double)INFINITY, 1e6, 2e6, FIGURE_DECODE, FIGURE_CONFIRMED},
        {0, 60, 61, 62, FIGURE_DURATION, FIGURE_TOO_LOW},
        /* of memory a tenth may stay free, of speed nothing */
        {10, 10, 8, 9, FIGURE_MEMORY, FIGURE_CONFIRMED},
        {10.1, 10.1, 8, 9, FIGURE_DEVICE_MEMORY, FIGURE_TOO_HIGH},
        {10, 10, 8, 9, FIGURE_FILE, FIGURE_TOO_HIGH},
        {7.9, 7.9, 8, 9, FIGURE_MEMORY, FIGURE_TOO_LOW},
        /* the file alone is known of what a disk has to hold */
        {10, 10, 8, 8, FIGURE_DISK, FIGURE_UNSUPPORTED},
        {7, 7, 8, 8, FIGURE_DISK, FIGURE_TOO_LOW},
        {8, 8, 8, 8, FIGURE_OTHER, FIGURE_UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct stated_figure f = {
            .kind = row[i].kind, .low_rounded = row[i].low, .high_rounded = row[i].high};
        const enum figure_worth worth = figure_judge(
            &f, ours(row[i].our_low, (row[i].our_low + row[i].our_high) / 2, row[i].our_high), 0.1);
        if (worth != row[i].worth)
            fail_msg("row %zu is %s, not %s", i, figure_worth_word(worth),
                     figure_worth_word(row[i].worth));
    }
}

static void test_yes_and_no(void **state)
{
    (void)state;
    static const enum figure_kind kinds[] = {FIGURE_FITS, FIGURE_FITS_DEVICE, FIGURE_OFFERED};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (int said = 0; said < 2; said++)
            for (int is = 0; is < 2; is++) {
                const struct stated_figure f = {.kind = kinds[i], .yes = said == 1};
                assert_int_equal(figure_judge(&f, ours(is, is, is), 0.1),
                                 said == is ? FIGURE_CONFIRMED : FIGURE_REFUTED);
            }
}

static void test_unknown(void **state)
{
    (void)state;
    const struct estimate none = {(double)NAN, (double)NAN, (double)NAN, UNKNOWN, "why"};
    for (int kind = 0; kind < FIGURES; kind++) {
        const struct stated_figure f = {
            .kind = (enum figure_kind)kind, .low_rounded = 1, .high_rounded = (double)INFINITY};
        assert_int_equal(figure_judge(&f, none, 0.1), FIGURE_UNSUPPORTED);
        assert_non_null(figure_name(f.kind));
        assert_non_null(figure_words(f.kind));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_yes_and_no),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
