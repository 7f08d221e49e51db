/* Intel's library, by document: what a stand-in for it says (tests/fake/level_zero.c) is asked for, checked, and put onto the rows. */
#include "tree.h"

#include "machine/level_zero.h"
#include "machine/probe_gpu_intel.h"

static struct level_zero_device said[LEVEL_ZERO_MOST];

static size_t ask(const char *how, struct notes *notes)
{
    assert_int_equal(setenv("FAKE_LEVEL_ZERO", how, 1), 0);
    return level_zero_ask(FAKE_LEVEL_ZERO, said, LEVEL_ZERO_MOST, notes);
}

static void devices_with_their_memory(void **state)
{
    (void)state;
    assert_int_equal(ask("card", NULL), 2);
    assert_int_equal(said[0].pci_address, 0x300);
    assert_string_equal(said[0].name, "Intel(R) Arc(TM) A770 Graphics");
    assert_exactly(said[0].memory_bytes, 16 * GIB); /* not the host's module beside it */
    assert_exactly(said[0].free_bytes, 12 * GIB);
    assert_int_equal(said[1].pci_address, 2 << 3);
    assert_int_equal(ask("two", NULL), 1);
    assert_exactly(said[0].memory_bytes, 16 * GIB);
    assert_true(said[0].free_bytes != said[0].free_bytes); /* one of two does not say */
    assert_int_equal(level_zero_ask(FAKE_LEVEL_ZERO, said, 0, NULL), 0);
}

static void what_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(ask("liar", NULL), 0);
    assert_int_equal(ask("wild", NULL), 0);
    assert_int_equal(ask("greedy", NULL), 1);
    assert_exactly(said[0].memory_bytes, 16 * GIB);
    assert_true(said[0].free_bytes != said[0].free_bytes);
    assert_int_equal(ask("huge", NULL), 1);
    assert_exactly(said[0].memory_bytes, 16 * GIB); /* what the module was built with, instead */
    assert_int_equal(ask("many", NULL), 1);
    assert_true(said[0].memory_bytes != said[0].memory_bytes);
    assert_int_equal(ask("unnamed", NULL), 1);
    assert_int_equal(said[0].name[0], '\0');
}

/* Without the functions that it MAY have, nothing is named, and modules of the host's memory cannot be told: they are counted. */
static void what_it_may_lack(void **state)
{
    (void)state;
    assert_int_equal(setenv("FAKE_LEVEL_ZERO", "", 1), 0);
    assert_int_equal(level_zero_ask(LEVEL_ZERO_LEAST, said, LEVEL_ZERO_MOST, NULL), 1);
    assert_int_equal(said[0].name[0], '\0');
    assert_exactly(said[0].memory_bytes, 16 * GIB);
    assert_exactly(said[0].free_bytes, 12 * GIB);
}

static void one_sentence_when_it_is_of_no_use(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct notes notes = {.arena = a};
    assert_int_equal(level_zero_ask("/nowhere/libze_loader.so.1", said, 1, &notes), 0);
    assert_int_equal(notes.count, 0); /* absent is no news */
    assert_int_equal(ask("mute", &notes), 0);
    assert_noted(&notes, "Level Zero is installed but finds no driver (code 0x78000001)");
    assert_int_equal(level_zero_ask("libm.so.6", said, 1, &notes), 0);
    assert_noted(&notes, "libm.so.6 lacks zesInit");
    arena_free(a);
}

/* The library's figures replace the catalogue's; a processor's GPU keeps its 0, and what was never seen is not made up. */
static void onto_the_rows(void **state)
{
    (void)state;
    struct looked *s = looked_tree("arc-a770");
    struct draft *d = NEW(s->arena, struct draft);
    draft_init(d, &s->looking);
    draft_add_gpu(d, (struct gpu_seen){.pci_address = "0000:03:00.0",
                                       .pci_id = "8086:56a0",
                                       .kind = "gpu",
                                       .memory_bytes = quantity_of(8 * GIB, LISTED, "a guess")});
    draft_add_gpu(d, (struct gpu_seen){.pci_address = "0000:00:02.0",
                                       .kind = "integrated gpu",
                                       .memory_bytes = quantity_of(0, REPORTED, "none")});
    const size_t devices = ask("card", NULL);
    said[devices] = said[0];
    said[devices].pci_address = 0x7700;
    probe_gpu_intel_told(&s->looking, d, said, devices + 1);
    const struct gpu_seen *g = d->facts.gpu;
    assert_int_equal(d->facts.gpus, 2);
    assert_value(g[0].memory_bytes, 16 * GIB);
    assert_value(g[0].free_bytes, 12 * GIB);
    assert_value(g[0].used_bytes, 4 * GIB);
    assert_string_equal(g[0].part, "Arc A770 16GB");
    assert_string_equal(g[0].sized, "12.0 GiB free of 16.0 GiB");
    assert_value(g[1].memory_bytes, 0);
    looked_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_with_their_memory),
        cmocka_unit_test(what_cannot_be),
        cmocka_unit_test(what_it_may_lack),
        cmocka_unit_test(one_sentence_when_it_is_of_no_use),
        cmocka_unit_test(onto_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
