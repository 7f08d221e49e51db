/* The devices that llama.cpp lists joined with the GPUs that were seen: which card is which, and nothing else moved. */
#include "../unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "machine/devices.h"
#include "machine/facts.h"

#define GIB 0x1p30

static struct device device_of(const char *name, const char *description, const char *id)
{
    return (struct device){.name = name,
                           .description = description,
                           .backend = strncmp(name, "CUDA", 4) == 0 ? "CUDA" : "Vulkan",
                           .type = "GPU",
                           .id = id,
                           .free_bytes = 10 * GIB,
                           .total_bytes = 12 * GIB,
                           .source = "llama.cpp 0.5.0"};
}

static struct gpu_seen card_of(const char *name, const char *address)
{
    return (struct gpu_seen){.name = name,
                             .pci_address = address,
                             .memory_bytes = quantity_of(12 * GIB, LISTED, "catalogue"),
                             .sized = "seen, not sized yet"};
}

struct joined {
    struct arena *arena;
    const struct gpu_seen *gpu;
    size_t gpus;
};

static struct joined join(const struct gpu_seen *seen, size_t cards, const struct device *device,
                          size_t devices)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct facts f = {.gpu = seen, .gpus = cards, .os.hostname = "box"};
    const struct machine m = {.name = "box", .facts = &f, .rates = 7};
    const struct machine *out = devices_join(&m, device, devices, a);
    assert_ptr_not_equal(out, &m);
    assert_int_equal(out->rates, 7);
    assert_string_equal(out->facts->os.hostname, "box");
    return (struct joined){a, out->facts->gpu, out->facts->gpus};
}

static void expect(const struct joined *j, size_t at, const char *engine, const char *sized)
{
    assert_true(at < j->gpus);
    const char *have = j->gpu[at].engine;
    if (!engine && have) fail_msg("card %zu is %s", at, have);
    if (engine && !have) fail_msg("card %zu is no device, not %s", at, engine);
    if (engine) assert_string_equal(have, engine);
    assert_string_equal(j->gpu[at].sized, sized);
}

static void test_a_card_by_its_address_however_spelt(void **state)
{
    (void)state;
    static const char *const spelt[] = {"0000:c1:00.0",   "0000:C1:00.0", "00000000:C1:00.0",
                                        "c1:00.0",        "C1:00",        " 0000:c1:00.0\n",
                                        "0000:c1:00.0-v0"};
    const struct gpu_seen seen[] = {card_of("Other", "0000:c0:00.0"),
                                    card_of("This", "0000:c1:00.0")};
    for (size_t i = 0; i < COUNT_OF(spelt); i++) {
        const struct device d = device_of("CUDA0", "no name of ours", spelt[i]);
        const struct joined j = join(seen, 2, &d, 1);
        assert_int_equal(j.gpus, 2);
        expect(&j, 0, NULL, "seen; no backend of llama.cpp here can use it");
        expect(&j, 1, "CUDA0", "CUDA0, 10.0 GiB free of 12.0 GiB");
        assert_value(j.gpu[1].engine_total_bytes, 12 * GIB);
        assert_value(j.gpu[1].engine_free_bytes, 10 * GIB);
        assert_int_equal(j.gpu[1].engine_free_bytes.origin, MEASURED);
        assert_string_equal(j.gpu[1].engine_free_bytes.source, "llama.cpp 0.5.0");
        assert_int_equal(j.gpu[1].memory_bytes.origin, LISTED); /* what was known stays */
        assert_false(known(j.gpu[0].engine_total_bytes, NULL));
        arena_free(j.arena);
    }
}

static void test_of_a_card_in_slices_the_slice_that_may_be_used(void **state)
{
    (void)state;
    struct gpu_seen seen[] = {card_of("Whole", "0000:c1:00.0"), card_of("Slice", "0000:c1:00.0"),
                              card_of("Slice", "0000:c1:00.0")};
    const struct device d = device_of("CUDA0", "no name of ours", "0000:c1:00.0");
    seen[0].hidden = "cut into slices";
    seen[1].hidden = "CUDA_VISIBLE_DEVICES=MIG-2";
    struct joined j = join(seen, 3, &d, 1);
    assert_int_equal(j.gpus, 3);
    assert_null(j.gpu[0].engine);
    expect(&j, 2, "CUDA0", "CUDA0, 10.0 GiB free of 12.0 GiB");
    arena_free(j.arena);
    seen[2].hidden = "CUDA_VISIBLE_DEVICES="; /* the engine sees it all the same */
    j = join(seen, 3, &d, 1);
    assert_int_equal(j.gpus, 3);
    expect(&j, 0, "CUDA0", "CUDA0, 10.0 GiB free of 12.0 GiB");
    arena_free(j.arena);
}

static void test_what_is_no_address(void **state)
{
    (void)state;
    static const char *const spelt[] = {"",
                                        "c1",
                                        "0000:c1:00.0x",
                                        "0000:c1:00.8",
                                        "0000:c1:20.0",
                                        "0000:100:00.0",
                                        "123456789:c1:00.0",
                                        "0000:c1:00.",
                                        "0000:c1:00.0:0",
                                        "GPU-1b2c3d4e",
                                        "-1:c1:00.0",
                                        "::"};
    const struct gpu_seen seen = card_of("This", "0000:c1:00.0");
    for (size_t i = 0; i < COUNT_OF(spelt); i++) {
        const struct device d = device_of("CUDA0", "Another", spelt[i]);
        const struct joined j = join(&seen, 1, &d, 1);
        if (j.gpus != 2) fail_msg("'%s' was taken for an address", spelt[i]);
        assert_null(j.gpu[1].pci_address);
        arena_free(j.arena);
    }
}

static void test_domain_bus_slot_and_function_all_count(void **state)
{
    (void)state;
    static const char *const others[] = {"0001:c1:00.0", "0000:c0:00.0", "0000:c1:01.0",
                                         "0000:c1:00.1"};
    const struct gpu_seen seen = card_of("RTX 1", "0000:c1:00.0");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        /* The same name does not make it the same card: its address says otherwise. */
        const struct device d = device_of("CUDA0", "RTX 1", others[i]);
        const struct joined j = join(&seen, 1, &d, 1);
        assert_int_equal(j.gpus, 2);
        expect(&j, 0, NULL, "seen; no backend of llama.cpp here can use it");
        expect(&j, 1, "CUDA0", "CUDA0, 10.0 GiB free of 12.0 GiB, not seen on PCI");
        assert_string_equal(j.gpu[1].pci_address, others[i]);
        assert_string_equal(j.gpu[1].name, "RTX 1");
        assert_value(j.gpu[1].memory_bytes, 12 * GIB);
        arena_free(j.arena);
    }
}

static void test_one_card_under_two_backends(void **state)
{
    (void)state;
    const struct gpu_seen seen[] = {card_of("A", "0000:01:00.0"), card_of("A", "0000:02:00.0")};
    struct device d[] = {
        device_of("CUDA0", "A", "0000:02:00.0"), device_of("CUDA1", "A", "0000:01:00.0"),
        device_of("Vulkan0", "A", "0000:01:00.0"), device_of("Vulkan1", "A", "0000:02:00.0")};
    d[2].free_bytes = d[3].free_bytes = 1 * GIB; /* the first backend's figures stand */
    const struct joined j = join(seen, 2, d, 4);
    assert_int_equal(j.gpus, 2);
    expect(&j, 0, "CUDA1, Vulkan0", "CUDA1, Vulkan0, 10.0 GiB free of 12.0 GiB");
    expect(&j, 1, "CUDA0, Vulkan1", "CUDA0, Vulkan1, 10.0 GiB free of 12.0 GiB");
    arena_free(j.arena);
    const struct joined again = join(NULL, 0, d, 4); /* nothing was seen: still two cards */
    assert_int_equal(again.gpus, 2);
    assert_string_equal(again.gpu[0].engine, "CUDA0, Vulkan1");
    assert_string_equal(again.gpu[1].engine, "CUDA1, Vulkan0");
    arena_free(again.arena);
}

static void test_equal_cards_without_addresses_are_taken_in_turn(void **state)
{
    (void)state;
    const struct gpu_seen seen[] = {card_of("GeForce A 12GB", "0000:01:00.0"),
                                    card_of("GeForce A 12GB", "0000:02:00.0")};
    const struct device d[] = {
        device_of("CUDA0", "Maker GeForce A", NULL), device_of("CUDA1", "Maker GeForce A", NULL),
        device_of("CUDA2", "Maker GeForce A", NULL), device_of("Vulkan0", "Maker GeForce A", NULL)};
    const struct joined j = join(seen, 2, d, 4);
    assert_int_equal(j.gpus, 3);
    assert_string_equal(j.gpu[0].engine, "CUDA0, Vulkan0");
    assert_string_equal(j.gpu[1].engine, "CUDA1");
    assert_string_equal(j.gpu[2].engine, "CUDA2");
    arena_free(j.arena);
    const struct joined one = join(seen, 2, d, 1); /* the other may not be told to be useless */
    expect(&one, 1, NULL, "seen; no backend of llama.cpp here can use it");
    arena_free(one.arena);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *seen, *said;
        bool fits;
    } rows[] = {{"GeForce RTX 4070", "NVIDIA GeForce RTX 4070", true},
                {"GeForce RTX 4070", "NVIDIA GeForce RTX 4070 Ti", false},
                {"GeForce RTX 4070 Ti", "NVIDIA GeForce RTX 4070", false},
                {"GeForce RTX 4070", "NVIDIA GeForce RTX 4070 Laptop GPU", false},
                {"GeForce RTX 4070 Laptop GPU", "NVIDIA GeForce RTX 4070 Laptop GPU", true},
                {"Radeon RX 7900 XTX", "AMD Radeon RX 7900 XTX (RADV NAVI31)", true},
                {"Radeon RX 7900 XT", "AMD Radeon RX 7900 XTX (RADV NAVI31)", false},
                {"Arc A770 16GB", "Intel(R) Arc(TM) A770 Graphics (DG2)", true},
                {"A100 PCIe 80GB", "NVIDIA A100-PCIE-80GB", true},
                {"GeForce RTX 3060 12GB or GeForce RTX 3060 8GB", "NVIDIA GeForce RTX 3060", true},
                {"Radeon RX 1 or Radeon RX 2", "Radeon RX 2", true},
                {"Radeon RX 1 or Radeon RX 2", "Radeon RX 3", false},
                {"A", "a", true},
                {"A", "", false},
                {"A", NULL, false},
                {NULL, "A", false},
                {"", "", false},
                {"(A)", "(A)", false},
                {"GPU", "GPU", false},
                {" or ", " or ", false},
                {"x", "a b c d e f g h i j k l m n o p q r s t u v w x", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct gpu_seen seen = card_of(rows[i].seen, "0000:01:00.0");
        const struct device d = device_of("CUDA0", rows[i].said, NULL);
        const struct joined j = join(&seen, 1, &d, 1);
        if ((j.gpus == 1) != rows[i].fits)
            fail_msg("'%s' and '%s': %zu cards", rows[i].seen, rows[i].said, j.gpus);
        if (!rows[i].fits)
            expect(&j, 0, NULL, "seen; which device of llama.cpp it is cannot be told");
        arena_free(j.arena);
    }
}

static void test_devices_that_are_not_on_pci(void **state)
{
    (void)state;
    struct device d[] = {device_of("Vulkan0", "llvmpipe (LLVM 15.0.6, 256 bits)", NULL),
                         device_of("Metal", "Apple M2", NULL),
                         device_of("RPC0", "10.0.0.2:50052", NULL),
                         device_of("Vulkan1", "Intel(R) UHD Graphics", "0000:00:02.0"),
                         device_of("CPU", "Some Processor", NULL),
                         device_of("BLAS", "OpenBLAS", NULL)};
    d[0].software = true;
    d[1].backend = "Metal";
    d[2].backend = "RPC";
    d[3].type = "IGPU";
    d[4].type = "CPU";
    d[5].type = "ACCEL";
    const struct joined j = join(NULL, 0, d, COUNT_OF(d));
    assert_int_equal(j.gpus, 4);
    expect(&j, 0, "Vulkan0", "Vulkan0, 10.0 GiB free of 12.0 GiB, on the CPU: for tests only");
    expect(&j, 1, "Metal", "Metal, 10.0 GiB free of 12.0 GiB, not seen on PCI");
    expect(&j, 2, "RPC0", "RPC0, 10.0 GiB free of 12.0 GiB, on another machine");
    expect(&j, 3, "Vulkan1", "Vulkan1, 10.0 GiB free of 12.0 GiB, of the machine's own memory");
    /* Only a card's own memory is the card's. */
    assert_value(j.gpu[1].memory_bytes, 12 * GIB);
    for (size_t i = 0; i < 4; i++)
        if (i != 1) assert_false(known(j.gpu[i].memory_bytes, NULL));
    arena_free(j.arena);
}

static void test_parts_of_a_card_are_added_up(void **state)
{
    (void)state;
    const struct gpu_seen seen = card_of("A", "0000:01:00.0");
    struct device d[] = {device_of("CUDA0", "A", "0000:01:00.0-v0"),
                         device_of("CUDA1", "A", "0000:01:00.0-v1"),
                         device_of("CUDA1", "A", "0000:01:00.0-v1")}; /* said twice */
    const struct joined j = join(&seen, 1, d, 3);
    expect(&j, 0, "CUDA0, CUDA1", "CUDA0, CUDA1, 20.0 GiB free of 24.0 GiB");
    arena_free(j.arena);
    d[1].free_bytes = (double)NAN;
    const struct joined half = join(&seen, 1, d, 2);
    expect(&half, 0, "CUDA0, CUDA1", "CUDA0, CUDA1, 24.0 GiB");
    arena_free(half.arena);
}

static void test_figures_that_are_none(void **state)
{
    (void)state;
    static const struct {
        double free_bytes, total_bytes;
        const char *sized;
    } rows[] = {{(double)NAN, 12 * GIB, "CUDA0, 12.0 GiB"},
                {-1, 12 * GIB, "CUDA0, 12.0 GiB"},
                {13 * GIB, 12 * GIB, "CUDA0, 12.0 GiB"}, /* more free than there is */
                {1.8e19, 12 * GIB, "CUDA0, 12.0 GiB"},   /* wrapped round */
                {0, 0, "CUDA0, memory not told"},
                {(double)INFINITY, (double)INFINITY, "CUDA0, memory not told"},
                {10 * GIB, -12 * GIB, "CUDA0, memory not told"},
                {10 * GIB, (double)NAN, "CUDA0, memory not told"}};
    const struct gpu_seen seen = card_of("A", "0000:01:00.0");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct device d = device_of("CUDA0", "A", "0000:01:00.0");
        d.free_bytes = rows[i].free_bytes;
        d.total_bytes = rows[i].total_bytes;
        const struct joined j = join(&seen, 1, &d, 1);
        expect(&j, 0, "CUDA0", rows[i].sized);
        arena_free(j.arena);
    }
}

static void test_display_only_and_no_devices(void **state)
{
    (void)state;
    struct gpu_seen seen[] = {card_of("Some display", "0000:00:01.0"),
                              card_of("A", "0000:01:00.0")};
    seen[0].sized = GPU_DISPLAY_ONLY;
    const struct joined j = join(seen, 2, NULL, 0);
    expect(&j, 0, NULL, GPU_DISPLAY_ONLY);
    expect(&j, 1, NULL, "seen; no backend of llama.cpp here can use it");
    arena_free(j.arena);
}

static void test_far_too_many_and_hostile_text(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct device *d = calloc(MANY, sizeof *d);
    char(*name)[32] = calloc(MANY, sizeof *name);
    assert_true(d && name);
    for (int i = 0; i < MANY; i++) {
        snprintf(name[i], sizeof name[i], "CUDA%d\x1b[31m", i);
        d[i] = device_of(name[i], "a\x1b]0;b\x07", NULL);
    }
    const struct joined j = join(NULL, 0, d, MANY);
    assert_int_equal(j.gpus, DEVICES_MOST);
    for (size_t i = 0; i < j.gpus; i++) {
        assert_null(strchr(j.gpu[i].engine, '\x1b'));
        assert_null(strchr(j.gpu[i].sized, '\x1b'));
        assert_null(strchr(j.gpu[i].name, '\x1b'));
    }
    arena_free(j.arena);
    for (int i = 0; i < MANY; i++) d[i].id = "0000:01:00.0"; /* all of them one card */
    const struct joined one = join(NULL, 0, d, MANY);
    assert_int_equal(one.gpus, 1);
    assert_true(strlen(one.gpu[0].engine) <= 256);
    arena_free(one.arena);
    free(d);
    free(name);
}

static void test_sound_rows(void **state)
{
    (void)state;
    char text[DEVICE_TEXT_BYTES + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const struct device good = device_of("CUDA0", "A", NULL);
    struct device bad[9];
    for (size_t i = 0; i < COUNT_OF(bad); i++) bad[i] = good;
    bad[0].name = NULL;
    bad[1].backend = "";
    bad[2].type = NULL;
    bad[3].source = NULL;
    bad[4].description = text;
    bad[5].id = text;
    bad[6].free_bytes = -1;
    bad[7].total_bytes = 1.5;
    bad[8].total_bytes = 1e30;
    struct mu_err err = {0};
    assert_true(device_sound(&good, &err));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        err = (struct mu_err){0};
        if (device_sound(&bad[i], &err)) fail_msg("row %zu passed", i);
        assert_int_equal(err.code, MU_DATA);
    }
    struct device bare = good; /* what may be absent */
    bare.description = NULL;
    bare.free_bytes = bare.total_bytes = (double)NAN;
    err = (struct mu_err){0};
    assert_true(device_sound(&bare, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card_by_its_address_however_spelt),
        cmocka_unit_test(test_of_a_card_in_slices_the_slice_that_may_be_used),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_domain_bus_slot_and_function_all_count),
        cmocka_unit_test(test_one_card_under_two_backends),
        cmocka_unit_test(test_equal_cards_without_addresses_are_taken_in_turn),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_devices_that_are_not_on_pci),
        cmocka_unit_test(test_parts_of_a_card_are_added_up),
        cmocka_unit_test(test_figures_that_are_none),
        cmocka_unit_test(test_display_only_and_no_devices),
        cmocka_unit_test(test_far_too_many_and_hostile_text),
        cmocka_unit_test(test_sound_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
