/* PCI addresses however spelt, and what a link of so many lanes carries. */
#include "../unit.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "machine/pci.h"

static void test_one_address_in_many_spellings(void **state)
{
    (void)state;
    static const char *const spelt[] = {"0000:c1:00.0",    "0000:C1:00.0", "00000000:C1:00.0",
                                        "c1:00.0",         "C1:00",        " 0000:c1:00.0\n",
                                        "0000:c1:00.0-v0", "0:c1:0.0"};
    for (size_t i = 0; i < COUNT_OF(spelt); i++) {
        uint64_t address;
        if (!pci_parse(spelt[i], &address)) fail_msg("\"%s\" is none", spelt[i]);
        assert_int_equal(address, 0xc1 << 8);
        assert_true(pci_same(spelt[i], spelt[0]));
    }
}

static void test_what_is_no_address(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "c1",
                                       "0000:c1:00.8",
                                       "0000:c1:20.0",
                                       "0:100:0.0",
                                       "0000:c1:00.0x",
                                       "x:y:z.0",
                                       "123456789:0:0.0",
                                       "0000:c1:",
                                       ":c1:00.0",
                                       "0000:c1:00.",
                                       "0000:c1:00.0:1"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        uint64_t address = 77;
        if (pci_parse(none[i], &address))
            fail_msg("\"%s\" is %llx", none[i], (unsigned long long)address);
        assert_int_equal(address, 77);
        assert_false(pci_same(none[i], none[i]));
    }
    assert_false(pci_same(NULL, "c1:00.0"));
    assert_false(pci_same("c1:00.0", NULL));
}

static void test_spelt_and_read_again(void **state)
{
    (void)state;
    static const char *const spelt[] = {"0000:00:00.0", "000f:01:00.0", "0000:c1:1f.7",
                                        "10000:e1:00.0", "ffffffff:ff:1f.7"};
    struct arena *a = arena_new(4096);
    for (size_t i = 0; i < COUNT_OF(spelt); i++) {
        uint64_t address;
        assert_true(pci_parse(spelt[i], &address));
        assert_string_equal(pci_spelt(a, address), spelt[i]);
    }
    arena_free(a);
}

static void test_links(void **state)
{
    (void)state;
    struct arena *a = arena_new(4096);
    static const struct {
        unsigned generation, lanes;
        const char *words;
        double gigabytes; /* as tables of the generations give it, to two places */
    } row[] = {{1, 16, "PCIe 1.0 x16", 4.0},   {2, 1, "PCIe 2.0 x1", 0.5},
               {3, 16, "PCIe 3.0 x16", 15.75}, {4, 16, "PCIe 4.0 x16", 31.51},
               {4, 8, "PCIe 4.0 x8", 15.75},   {5, 16, "PCIe 5.0 x16", 63.02},
               {6, 16, "PCIe 6.0 x16", 121.0}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        double rate;
        assert_string_equal(pci_link_words(a, row[i].generation, row[i].lanes), row[i].words);
        const struct quantity q = pci_link_rate(row[i].generation, row[i].lanes);
        assert_true(known(q, &rate));
        assert_int_equal(q.origin, LISTED);
        assert_true(fabs(rate / 1e9 - row[i].gigabytes) < 0.006);
    }
    static const unsigned none[][2] = {{0, 16}, {7, 16}, {4, 0}, {4, 33}, {77, 99}};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_null(pci_link_words(a, none[i][0], none[i][1]));
        assert_false(known(pci_link_rate(none[i][0], none[i][1]), NULL));
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_address_in_many_spellings),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_spelt_and_read_again),
        cmocka_unit_test(test_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
