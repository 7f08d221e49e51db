/* Units: what people read, at the places where rounding changes the unit, and what they type. */
#include "check.h"

#include "base/arena.h"
#include "base/units.h"

#include <math.h>

static struct arena *a;

static int open_arena(void **state)
{
    (void)state;
    a = arena_new(1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static const double KIB = 1024, MIB = 1024.0 * 1024, GIB = 1024.0 * 1024 * 1024;

static void bytes(void **state)
{
    (void)state;
    assert_string_equal(units_bytes(a, 0), "0 B");
    assert_string_equal(units_bytes(a, 512), "512 B");
    assert_string_equal(units_bytes(a, 1023), "1023 B");
    assert_string_equal(units_bytes(a, 1024), "1.00 KiB");
    assert_string_equal(units_bytes(a, 512 * KIB), "512 KiB");
    assert_string_equal(units_bytes(a, 1010 * MIB), "1010 MiB");
    assert_string_equal(units_bytes(a, 1023.7 * MIB), "1.00 GiB");
    assert_string_equal(units_bytes(a, 23.44 * GIB), "23.4 GiB");
    assert_string_equal(units_bytes(a, 9.996 * GIB), "10.0 GiB");
    assert_string_equal(units_bytes(a, 1024 * GIB), "1.00 TiB");
    assert_string_equal(units_bytes(a, -2 * GIB), "-2.00 GiB");
    assert_string_equal(units_bytes(a, (double)NAN), "?");
    assert_string_equal(units_bytes_q(a, unknown("x")), "?");
    assert_string_equal(units_bytes_q(a, quantity_of(GIB, LISTED, "x")), "1.00 GiB");
}

static void rates(void **state)
{
    (void)state;
    assert_string_equal(units_byte_rate(a, 26.84e9), "26.8 GB/s");
    assert_string_equal(units_byte_rate(a, 3.35e12), "3.35 TB/s");
    assert_string_equal(units_byte_rate(a, 999.6e6), "1.00 GB/s");
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
    assert_string_equal(units_seconds(a, 0), "0 s");
    assert_string_equal(units_seconds(a, 3.2e-3), "3.20 ms");
    assert_string_equal(units_seconds(a, 45e-6), "45.0 us");
    assert_string_equal(units_seconds(a, 7e-9), "7.00 ns");
    assert_string_equal(units_seconds(a, 0.99996), "1.00 s");
    assert_string_equal(units_seconds(a, 1.4), "1.40 s");
    assert_string_equal(units_seconds(a, 59.97), "1 min 0 s");
    assert_string_equal(units_seconds(a, 125), "2 min 5 s");
    assert_string_equal(units_seconds(a, 3599.7), "1 h 0 min");
    assert_string_equal(units_seconds(a, 12000), "3 h 20 min");
    assert_string_equal(units_seconds(a, 86399), "1 d 0 h");
    assert_string_equal(units_seconds(a, 200000), "2 d 8 h");
    assert_string_equal(units_seconds(a, (double)NAN), "?");
}

static void counts_and_numbers(void **state)
{
    (void)state;
    assert_string_equal(units_count(a, 3.82e9), "3.82 B");
    assert_string_equal(units_count(a, 134e6), "134 M");
    assert_string_equal(units_count(a, 4096), "4096");
    assert_string_equal(units_count(a, 131072), "131072");
    assert_string_equal(units_count(a, 3), "3");
    assert_string_equal(units_count(a, 2.5), "2.50");
    assert_string_equal(units_count(a, 1e12), "1.00 T");
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
        assert_true(x == good[i].bytes);
    }
    const char *const bad[] = {"",     "GiB",  "-1",     "+1",  "1 GiBs",
                               "1e9",  "1..5", "32 G B", "nan", "9007199254740994",
                               "9000T"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        double x = -1;
        assert_false(units_parse_bytes(str_of(bad[i]), 1, &x));
        assert_true(x == -1);
    }
}

static void token_counts_as_typed(void **state)
{
    (void)state;
    double x = 0;
    assert_true(units_parse_tokens(S("8192"), &x));
    assert_true(x == 8192);
    assert_true(units_parse_tokens(S("8k"), &x));
    assert_true(x == 8192);
    assert_true(units_parse_tokens(S("32K"), &x));
    assert_true(x == 32768);
    assert_true(units_parse_tokens(S("1M"), &x));
    assert_true(x == 1048576);
    assert_true(units_parse_tokens(S("0.5k"), &x));
    assert_true(x == 512);
    const char *const bad[] = {"", "k", "8 kB", "1.5", "-8k", "8kk", "9999999999999999"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(units_parse_tokens(str_of(bad[i]), &x));
    assert_true(x == 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes),          cmocka_unit_test(rates),
        cmocka_unit_test(durations),      cmocka_unit_test(counts_and_numbers),
        cmocka_unit_test(sizes_as_typed), cmocka_unit_test(token_counts_as_typed),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
