/* The bounded reader: right numbers, and after the first read past the end nothing but zeros, at every truncation. */
#include "../unit.h"

#include "base/reader.h"

static const uint8_t bytes[] = {
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xc0, 'h',  'i',  '!',
};

static void numbers_are_little_endian(void **state)
{
    (void)state;
    struct reader r = reader_of(bytes, sizeof bytes);
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0302);
    assert_int_equal(reader_u32(&r), 0x07060504);
    assert_true(reader_u64(&r) == 0x0f0e0d0c0b0a0908);
    assert_exactly((double)reader_f32(&r), 1.5);
    assert_exactly(reader_f64(&r), -2.5);
    const struct str hi = reader_view(&r, 2);
    assert_int_equal(hi.n, 2);
    assert_memory_equal(hi.p, "hi", 2);
    assert_int_equal(reader_left(&r), 1);
    reader_skip(&r, 1);
    assert_false(r.bad);
    assert_int_equal(reader_left(&r), 0);
}

static void every_truncation_is_bad_and_stays_so(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct reader r = reader_of(bytes, n);
        reader_u8(&r);
        reader_u16(&r);
        reader_u32(&r);
        reader_u64(&r);
        reader_f32(&r);
        reader_f64(&r);
        reader_view(&r, 3);
        assert_true(r.bad);
        assert_int_equal(reader_u8(&r), 0);
        assert_int_equal(reader_left(&r), 0);
    }
}

static void huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    struct reader r = reader_of(bytes, sizeof bytes);
    reader_u32(&r);
    const struct str view = reader_view(&r, UINT64_MAX);
    assert_true(r.bad);
    assert_int_equal(view.n, 0);
    assert_non_null(view.p);
    r = reader_of(bytes, sizeof bytes);
    reader_u32(&r);
    reader_skip(&r, UINT64_MAX - 3);
    assert_true(r.bad);
    r = reader_of(NULL, 0);
    assert_int_equal(reader_u64(&r), 0);
    assert_true(r.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(every_truncation_is_bad_and_stays_so),
        cmocka_unit_test(huge_lengths_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
