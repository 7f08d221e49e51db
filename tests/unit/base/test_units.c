/* Units: what people read, at the places where rounding changes the unit, and what they type. */
#include "../shared_arena.h"
#include "../unit.h"

#include <math.h>

#include "base/units.h"

#define KIB 0x1p10
#define MIB 0x1p20
#define GIB 0x1p30

struct said {
    double x;
    const char *text;
};

static void all_said(const char *(*units)(struct arena *a, double x), const struct said *row,
                     size_t rows)
{
    for (size_t i = 0; i < rows; i++) assert_string_equal(units(a, row[i].x), row[i].text);
}

static void bytes(void **state)
{
    (void)state;
    static const struct said row[] = {
        {0, "0 B"},
        {512, "512 B"},
        {1023, "1023 B"},
        {1024, "1.00 KiB"},
        {512 * KIB, "512 KiB"},
        {1010 * MIB, "1010 MiB"},
        {1023.7 * MIB, "1.00 GiB"},
        {23.44 * GIB, "23.4 GiB"},
        {9.996 * GIB, "10.0 GiB"},
        {1024 * GIB, "1.00 TiB"},
        {-2 * GIB, "-2.00 GiB"},
        {(double)NAN, "?"},
    };
    all_said(units_bytes, row, COUNT_OF(row));
    assert_string_equal(units_bytes_q(a, unknown("x")), "?");
    assert_string_equal(units_bytes_q(a, quantity_of(GIB, LISTED, "x")), "1.00 GiB");
}

static void rates(void **state)
{
    (void)state;
    static const struct said row[] = {
        {26.84e9, "26.8 GB/s"},
        {3.35e12, "3.35 TB/s"},
        {999.6e6, "1.00 GB/s"},
    };
    all_said(units_byte_rate, row, COUNT_OF(row));
    assert_string_equal(units_flop_rate(a, 398e9), "398 GFLOP/s");
    assert_string_equal(units_flop_rate(a, (double)INFINITY), "?");
    assert_string_equal(units_token_rate(a, 38.2, 44.1), "38-44 tok/s");
    assert_string_equal(units_token_rate(a, 40.6, 41.4), "41 tok/s");
    assert_string_equal(units_token_rate(a, 0.42, 1.25), "0.42-1.2 tok/s");
    assert_string_equal(units_token_rate(a, 1234, 2345), "1234-2345 tok/s");
    assert_string_equal(units_token_rate(a, 1, (double)NAN), "?");
}

static void durations(void **state)
{
    (void)state;
    static const struct said row[] = {
        {0, "0 s"},
        {3.2e-3, "3.20 ms"},
        {45e-6, "45.0 us"},
        {7e-9, "7.00 ns"},
        {0.99996, "1.00 s"},
        {1.4, "1.40 s"},
        {59.97, "1 min 0 s"},
        {125, "2 min 5 s"},
        {3599.7, "1 h 0 min"},
        {12000, "3 h 20 min"},
        {86399, "1 d 0 h"},
        {200000, "2 d 8 h"},
        {(double)NAN, "?"},
    };
    all_said(units_seconds, row, COUNT_OF(row));
}

static void counts_and_numbers(void **state)
{
    (void)state;
    static const struct said row[] = {
        {3.82e9, "3.82 B"}, {134e6, "134 M"}, {4096, "4096"},   {131072, "131072"},
        {3, "3"},           {2.5, "2.50"},    {1e12, "1.00 T"},
    };
    all_said(units_count, row, COUNT_OF(row));
    assert_string_equal(units_number(a, 3.14159, 3), "3.14");
    assert_string_equal(units_number(a, 1234.5678, 3), "1235");
    assert_string_equal(units_number(a, 0.000123456, 2), "0.00012");
    assert_string_equal(units_number(a, 99.96, 3), "100");
    assert_string_equal(units_number(a, -1.5, 2), "-1.5");
    assert_string_equal(units_number(a, 0, 3), "0");
    assert_string_equal(units_number(a, (double)NAN, 3), "?");
}

static void sizes_as_typed(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double bare, bytes;
    } good[] = {
        {"32GiB", 1, 32 * 1073741824.0},
        {"32 GB", 1, 32e9},
        {"1.5T", 1, 1.5 * 1099511627776.0},
        {"32768k", 1, 32768 * 1024.0},
        {"16", 1073741824.0, 16 * 1073741824.0},
        {"100", 1, 100},
        {" 7 mib ", 1, 7 * 1048576.0},
        {"12 B", 1048576, 12},
        {"0", 1, 0},
        {"2Gi", 1, 2 * 1073741824.0},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double x = -1;
        assert_true(units_parse_bytes(str_of(good[i].text), good[i].bare, &x));
        assert_exactly(x, good[i].bytes);
    }
    const char *const bad[] = {"",     "GiB",  "-1",     "+1",  "1 GiBs",
                               "1e9",  "1..5", "32 G B", "nan", "9007199254740994",
                               "9000T"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        double x = -1;
        assert_false(units_parse_bytes(str_of(bad[i]), 1, &x));
        assert_exactly(x, -1);
    }
}

static void sizes_in_names(void **state)
{
    (void)state;
    const char *const size[] = {"24GB", "8gb", "12GiB", "0GB"};
    const char *const none[] = {"", "GB", "24", "24G", "24MB", "24 GB", "1.5GB", "GB24", "24GB2"};
    for (size_t i = 0; i < COUNT_OF(size); i++)
        if (!units_is_size(str_of(size[i]))) fail_msg("%s is a size", size[i]);
    for (size_t i = 0; i < COUNT_OF(none); i++)
        if (units_is_size(str_of(none[i]))) fail_msg("%s is no size", none[i]);
}

static void token_counts_as_typed(void **state)
{
    (void)state;
    static const struct said good[] = {
        {8192, "8192"}, {8192, "8k"}, {32768, "32K"}, {1048576, "1M"}, {512, "0.5k"}};
    double x = 0;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(units_parse_tokens(str_of(good[i].text), &x));
        assert_exactly(x, good[i].x);
    }
    const char *const bad[] = {"", "k", "8 kB", "1.5", "-8k", "8kk", "9999999999999999"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(units_parse_tokens(str_of(bad[i]), &x));
    assert_exactly(x, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes),          cmocka_unit_test(rates),
        cmocka_unit_test(durations),      cmocka_unit_test(counts_and_numbers),
        cmocka_unit_test(sizes_as_typed), cmocka_unit_test(token_counts_as_typed),
        cmocka_unit_test(sizes_in_names),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
