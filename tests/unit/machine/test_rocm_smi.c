/* AMD's libraries, by document: what a stand-in for them says (tests/fake/rocm_smi.c) is asked for, checked, and put onto the rows. */
#include "tree.h"

#include "machine/probe_gpu_amd.h"

static struct rocm_smi_device said[ROCM_SMI_MOST];
static const enum rocm_smi_way ways[] = {ROCM_SMI, AMD_SMI};

static size_t ask(const char *how, enum rocm_smi_way way, struct notes *notes)
{
    assert_int_equal(setenv("FAKE_ROCM_SMI", how, 1), 0);
    memset(said, 0, sizeof said);
    return rocm_smi_ask_file(FAKE_ROCM_SMI, way, said, ROCM_SMI_MOST, notes);
}

static bool is_nan(double x)
{
    return x != x;
}

static void devices_with_their_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_int_equal(ask("card", ways[i], NULL), 2);
        assert_int_equal(said[0].pci_address, 0x300);
        assert_exactly(said[0].memory_bytes, 24 * GIB);
        assert_exactly(said[0].used_bytes, 3 * GIB);
        assert_int_equal(said[1].pci_address, 0x1300);
        assert_exactly(said[1].memory_bytes, GIB / 2);
        assert_exactly(said[1].shared_bytes, 15 * GIB);
        assert_exactly(said[1].shared_used_bytes, GIB);
    }
    assert_string_equal(said[0].source, "AMD SMI");
    assert_int_equal(ask("card", ROCM_SMI, NULL), 2);
    assert_string_equal(said[0].source, "ROCm SMI");
    assert_string_equal(said[0].name, "Radeon RX 7900 XTX");
    assert_int_equal(rocm_smi_ask_file(FAKE_ROCM_SMI, ROCM_SMI, said, 0, NULL), 0);
}

/* Of a card cut into parts the first stands for what its address has; the domain is no part of that. */
static void parts_of_one_card(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_int_equal(ask("parts", ways[i], NULL), 1);
        assert_int_equal(said[0].pci_address, 0x10300);
    }
}

static void what_cannot_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_int_equal(ask("many", ways[i], NULL), 0);
        assert_int_equal(ask("liar", ways[i], NULL), 0);
        assert_int_equal(ask("huge", ways[i], NULL), 2);
        assert_true(is_nan(said[0].memory_bytes) && is_nan(said[0].used_bytes));
        assert_int_equal(ask("greedy", ways[i], NULL), 2);
        assert_exactly(said[0].memory_bytes, 24 * GIB);
        assert_true(is_nan(said[0].used_bytes) && is_nan(said[1].shared_used_bytes));
        assert_int_equal(ask("wordless", ways[i], NULL), 2);
        assert_exactly(said[0].memory_bytes, 24 * GIB);
        assert_true(is_nan(said[0].used_bytes));
    }
    assert_int_equal(ask("unnamed", ROCM_SMI, NULL), 2);
    assert_int_equal(said[0].name[0], '\0');
}

/* Without the functions that it MAY have: memory, but neither names nor what is used. */
static void what_it_may_lack(void **state)
{
    (void)state;
    assert_int_equal(setenv("FAKE_ROCM_SMI", "card", 1), 0);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_int_equal(rocm_smi_ask_file(ROCM_SMI_LEAST, ways[i], said, ROCM_SMI_MOST, NULL), 2);
        assert_exactly(said[0].memory_bytes, 24 * GIB);
        assert_true(is_nan(said[0].used_bytes));
        assert_int_equal(said[0].name[0], '\0');
    }
}

static void one_sentence_when_it_is_of_no_use(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct notes notes = {.arena = a};
    assert_int_equal(rocm_smi_ask_file("/nowhere/librocm_smi64.so.1", ROCM_SMI, said, 1, &notes),
                     0);
    assert_int_equal(notes.count, 0); /* absent is no news */
    assert_int_equal(ask("mute", ROCM_SMI, &notes), 0);
    assert_noted(&notes, "ROCm SMI is installed but lists no GPUs (code 8)");
    assert_int_equal(ask("mute", AMD_SMI, &notes), 0);
    assert_noted(&notes, "AMD SMI is installed but lists no GPUs (code 8)");
    assert_int_equal(rocm_smi_ask_file("libm.so.6", AMD_SMI, said, 1, &notes), 0);
    assert_noted(&notes, "libm.so.6 lacks amdsmi_init");
    arena_free(a);
}

static struct draft *draft_of(struct looked *s)
{
    struct draft *d = NEW(s->arena, struct draft);
    draft_init(d, &s->looking);
    return d;
}

static void add_card(struct draft *d, struct quantity memory, struct quantity used)
{
    draft_add_gpu(d, (struct gpu_seen){.pci_address = "0000:03:00.0",
                                       .driver = "amdgpu",
                                       .kind = "gpu",
                                       .memory_bytes = memory,
                                       .used_bytes = used,
                                       .free_bytes = unknown("not said"),
                                       .shared_bytes = unknown("a card")});
}

/* What the files left open is filled; what was never seen is not made up. */
static void onto_the_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct looked *s = looked_tree("radeon-with-igpu");
        struct draft *d = draft_of(s);
        add_card(d, quantity_of(16 * GIB, LISTED, "a guess"), unknown("not said"));
        draft_add_gpu(d, (struct gpu_seen){.pci_address = "0000:13:00.0",
                                           .driver = "amdgpu",
                                           .kind = GPU_INTEGRATED,
                                           .memory_bytes = unknown("not said"),
                                           .used_bytes = unknown("not said"),
                                           .free_bytes = unknown("not said"),
                                           .shared_bytes = unknown("not said"),
                                           .shared_used_bytes = unknown("not said")});
        assert_true(probe_gpu_amd_silent(d));
        const size_t devices = ask("card", ways[i], NULL);
        said[devices] = said[0];
        said[devices].pci_address = 0x7700;
        probe_gpu_amd_told(&s->looking, d, said, devices + 1);
        const struct gpu_seen *g = d->facts.gpu;
        assert_int_equal(d->facts.gpus, 2);
        assert_value(g[0].memory_bytes, 24 * GIB);
        assert_value(g[0].used_bytes, 3 * GIB);
        assert_value(g[0].free_bytes, 21 * GIB);
        assert_string_equal(g[0].memory_bytes.source, said[0].source);
        assert_string_equal(g[0].sized, "21.0 GiB free of 24.0 GiB");
        assert_value(g[1].memory_bytes, GIB / 2);
        assert_value(g[1].shared_bytes, 15 * GIB);
        assert_value(g[1].shared_used_bytes, GIB);
        assert_false(probe_gpu_amd_silent(d));
        looked_close(s);
    }
}

/* Where files and library speak of the same memory, the lesser counts and it is said; alike figures are no news. */
static void where_both_speak(void **state)
{
    (void)state;
    static const double files_bytes[] = {20 * GIB, 24 * GIB, 32 * GIB};
    for (size_t i = 0; i < COUNT_OF(files_bytes); i++) {
        struct looked *s = looked_tree("radeon-with-igpu");
        struct draft *d = draft_of(s);
        add_card(d, quantity_of(files_bytes[i], REPORTED, "files"),
                 quantity_of(5 * GIB, REPORTED, "files"));
        assert_false(probe_gpu_amd_silent(d));
        const size_t before = s->looking.notes->count;
        probe_gpu_amd_told(&s->looking, d, said, ask("card", ROCM_SMI, NULL));
        const double bytes = files_bytes[i] < 24 * GIB ? files_bytes[i] : 24 * GIB;
        assert_value(d->facts.gpu[0].memory_bytes, bytes);
        assert_value(d->facts.gpu[0].used_bytes, 5 * GIB);
        assert_value(d->facts.gpu[0].free_bytes, bytes - 5 * GIB);
        assert_int_equal(s->looking.notes->count - before, i == 1 ? 0 : 1);
        if (i != 1) assert_noted(s->looking.notes, "the lesser counts");
        looked_close(s);
    }
}

/* What another driver holds is not spoken of, nor is memory that is the host's counted twice. */
static void of_other_drivers(void **state)
{
    (void)state;
    struct looked *s = looked_tree("radeon-with-igpu");
    struct draft *d = draft_of(s);
    add_card(d, unknown("not said"), unknown("not said"));
    draft_gpu(d, 0)->driver = "vfio-pci";
    assert_false(probe_gpu_amd_silent(d));
    probe_gpu_amd_told(&s->looking, d, said, ask("card", ROCM_SMI, NULL));
    assert_false(known(d->facts.gpu[0].memory_bytes, NULL));
    draft_gpu(d, 0)->driver = "amdgpu";
    draft_gpu(d, 0)->compute = "gfx942";
    assert_false(probe_gpu_amd_silent(d));
    looked_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_with_their_memory),
        cmocka_unit_test(parts_of_one_card),
        cmocka_unit_test(what_cannot_be),
        cmocka_unit_test(what_it_may_lack),
        cmocka_unit_test(one_sentence_when_it_is_of_no_use),
        cmocka_unit_test(onto_the_rows),
        cmocka_unit_test(where_both_speak),
        cmocka_unit_test(of_other_drivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
