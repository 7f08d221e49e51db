/* What is made of NVIDIA's driver library: cards, memory, slices, links, chips without memory of their own, and answers that cannot be.
 *
 * By document: no machine with such a card was recorded; tests/machine/fake_nvml.c says what its answers rest on. The library is loaded
 * here first, so that the name under which the probe asks for it finds this one. Usage: test_nvml WHOLE OLD BROKEN, the fake's makes. */
#include "unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/library.h"
#include "machine/gpu_part.h"
#include "machine/probe.h"
#include "machine/tree.h"

static const char *whole, *old, *broken;
static const double mib = 0x1p20;
static const double host_bytes = 121.6 * 0x1p30;

struct asked {
    struct looked *look;
    struct draft draft;
    const struct gpu_seen *gpu;
    size_t gpus;
};

#define CARD(address, id)                                        \
    {"/sys/bus/pci/devices/" address "/class", "0x030000\n"},    \
        {"/sys/bus/pci/devices/" address "/vendor", "0x10de\n"}, \
    {                                                            \
        "/sys/bus/pci/devices/" address "/device", "0x" id "\n"  \
    }

static void look(struct asked *s, const struct tree_entry *file, size_t files, bool captured)
{
    struct tree t;
    tree_make(&t);
    tree_file(&t, "/proc/version", "Linux\n");
    tree_files(&t, file, files);
    s->look = looked_open(t.path);
    s->look->root.captured = captured;
    draft_init(&s->draft, &s->look->looking);
    s->draft.facts.memory.total_bytes = quantity_of(host_bytes, REPORTED, "/proc/meminfo");
    probe_gpu_pci.finds(&s->look->looking, &s->draft);
    probe_gpu_nvml.finds(&s->look->looking, &s->draft);
    s->gpu = s->draft.facts.gpu;
    s->gpus = s->draft.facts.gpus;
    tree_remove(&t);
}

/* Looks at a machine with these files whose library is that make of the fake, answering from that scenario. */
static void ask(struct asked *s, const char *make, const char *scenario,
                const struct tree_entry *file, size_t files)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/machine/scenarios/%s.txt", SOURCE_ROOT, scenario);
    setenv("FAKE_NVML", path, 1);
    void *handle = dlopen(make, RTLD_NOW);
    if (!handle) fail_msg("%s", dlerror());
    look(s, file, files, false);
    dlclose(handle);
}

static void release(struct asked *s)
{
    looked_close(s->look);
}

static void assert_text(const char *have, const char *wanted)
{
    if (!have || strcmp(have, wanted) != 0)
        fail_msg("\"%s\", not \"%s\"", have ? have : "nothing", wanted);
}

static const struct tree_entry two_cards[] = {CARD("0000:01:00.0", "2684"),
                                              CARD("0000:41:00.0", "2504")};

static void test_two_unlike_cards(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "two-unlike", two_cards, COUNT_OF(two_cards));
    assert_int_equal(s.gpus, 2);
    assert_int_equal(s.look->notes.count, 0);
    const struct gpu_seen *a = &s.gpu[0];
    const struct gpu_seen *b = &s.gpu[1];
    assert_text(a->name, "NVIDIA GeForce RTX 4090");
    assert_text(a->part, "GeForce RTX 4090");
    assert_text(a->uuid, "GPU-8f6b9c1e-3a50-4d0e-9f1b-2c7d5e6a1b01");
    assert_text(a->pci_address, "0000:01:00.0");
    assert_text(a->compute, "8.9");
    assert_text(a->driver_version, "550.54.14");
    assert_text(a->runtime, "CUDA 12.4");
    assert_text(a->sized, "11.9 of 24.0 GiB free");
    assert_null(a->kind);
    assert_null(a->hidden);
    assert_value(a->memory_bytes, 24564 * mib);
    assert_value(a->free_bytes, (24564 - 12000 - 408) * mib);
    assert_value(a->used_bytes, (12000 + 408) * mib);
    assert_int_equal(a->free_bytes.origin, REPORTED);
    assert_text(a->used_bytes.source, "NVML; its driver keeps 408 MiB of it");
    assert_value(a->power_w, 450);
    assert_value(a->processes, 2);
    assert_text(a->link, "PCIe 4.0 x16"); /* at rest it runs as 1.0 */
    assert_value(a->link_bytes_per_s, 16e9 * 128 / 130 / 8 * 16);
    assert_text(b->part, "GeForce RTX 3060 12GB");
    assert_text(b->link, "PCIe 4.0 x8");
    assert_value(b->free_bytes, (12288 - 250) * mib);
    assert_value(b->processes, 0);
    release(&s);
}

static void test_cards_that_the_bus_does_not_show_are_added(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "two-unlike", NULL, 0); /* as under WSL */
    assert_int_equal(s.gpus, 2);
    assert_text(s.gpu[0].vendor, "NVIDIA");
    assert_text(s.gpu[0].pci_id, "10de:2684");
    assert_text(s.gpu[1].pci_address, "0000:41:00.0");
    assert_text(s.gpu[1].part, "GeForce RTX 3060 12GB");
    release(&s);
}

static void test_a_card_that_is_full(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "full", NULL, 0);
    assert_value(s.gpu[0].memory_bytes, 24564 * mib);
    assert_value(s.gpu[0].free_bytes, 256 * mib);
    assert_text(s.gpu[0].sized, "0.2 of 24.0 GiB free");
    release(&s);
}

static void test_names_that_are_nearly_another_s(void **state)
{
    (void)state;
    static const struct {
        const char *scenario, *first, *second;
    } row[] = {{"laptop", "GeForce RTX 4090 Laptop GPU", NULL},
               {"m40", "Tesla M40 24GB", NULL}, /* not Apple's M4 */
               {"rtx3060-8", "GeForce RTX 3060 8GB", "GeForce RTX 5060 Ti 8GB"},
               {"gb10", "GB10 (DGX Spark)", NULL}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct asked s;
        ask(&s, whole, row[i].scenario, NULL, 0);
        if (row[i].first)
            assert_text(s.gpu[0].part, row[i].first);
        else if (s.gpu[0].part)
            fail_msg("%s became %s", s.gpu[0].name, s.gpu[0].part);
        if (row[i].second) assert_text(s.gpu[1].part, row[i].second);
        release(&s);
    }
}

static void test_no_row_of_another_card_is_taken(void **state)
{
    (void)state;
    struct looked *look = looked_open("/");
    static const struct {
        const char *name, *pci_id;
        double gib;
        const char *part;
    } row[] = {
        {"NVIDIA GeForce RTX 4090", "10de:2684", 23.99, "GeForce RTX 4090"},
        {"NVIDIA GeForce RTX 4090", "10de:2684", 47.99, "GeForce RTX 4090"}, /* refitted */
        {"GRID RTX4090-12Q", "10de:2684", 12, NULL},
        {"NVIDIA GeForce RTX 4090 Laptop GPU", "10de:2684", 15.99, "GeForce RTX 4090 Laptop GPU"},
        {"NVIDIA GeForce RTX 4080 Laptop GPU", NULL, 11.99, "GeForce RTX 4080 Laptop GPU"},
        {"NVIDIA GeForce RTX 4090 Laptop", "10de:2684", 23.99, NULL},
        {"Quadro RTX 6000", "10de:1e30", 23.6, "Quadro RTX 6000"},
        {NULL, "10de:1e30", 47.4, "Quadro RTX 8000"},
        {NULL, "10de:25b6", 15.9, NULL}, /* two rows of one size */
        {"Tesla M4", NULL, 4, NULL},
        {"M4", NULL, 4, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct gpu_seen g = {.name = row[i].name,
                                   .vendor = "NVIDIA",
                                   .pci_id = row[i].pci_id,
                                   .memory_bytes = quantity_of(row[i].gib * 0x1p30, REPORTED, "")};
        const struct gpu_part *part = gpu_part_of(look->looking.catalog, &g);
        const char *have = part ? part->name : "nothing";
        const char *wanted = row[i].part ? row[i].part : "nothing";
        if (strcmp(have, wanted) != 0)
            fail_msg("%s of %g GiB is %s, not %s", row[i].name ? row[i].name : row[i].pci_id,
                     row[i].gib, have, wanted);
    }
    looked_close(look);
}

static void test_slices(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "mig", NULL, 0);
    assert_int_equal(s.gpus, 4);
    assert_text(s.gpu[0].hidden, "cut into slices (MIG)");
    for (size_t i = 1; i < 3; i++) {
        assert_text(s.gpu[i].kind, "gpu slice");
        assert_text(s.gpu[i].parent, s.gpu[0].uuid);
        assert_text(s.gpu[i].name, "NVIDIA A100-SXM4-40GB MIG 3g.20gb");
        assert_text(s.gpu[i].compute, "8.0");
        assert_value(s.gpu[i].memory_bytes, 20096 * mib);
        assert_null(s.gpu[i].hidden);
        assert_false(known(s.gpu[i].power_w, NULL));
    }
    assert_text(s.gpu[1].uuid, "MIG-11111111-aaaa-5bbb-8ccc-0123456789ab");
    assert_value(s.gpu[1].free_bytes, 20077 * mib);
    assert_value(s.gpu[2].free_bytes, 10077 * mib);
    assert_value(s.gpu[2].processes, 1);
    assert_null(s.gpu[3].hidden);
    assert_null(s.gpu[3].kind);
    assert_text(s.gpu[3].part, "A100 SXM4 40GB");
    release(&s);
}

static void test_memory_of_the_machine(void **state)
{
    (void)state;
    struct asked s;
    static const struct tree_entry chip[] = {CARD("000f:01:00.0", "2e12")};
    ask(&s, whole, "gb10", chip, COUNT_OF(chip));
    assert_int_equal(s.gpus, 1);
    assert_int_equal(s.look->notes.count, 0);
    assert_text(s.gpu[0].kind, "integrated gpu");
    assert_value(s.gpu[0].memory_bytes, 0);
    assert_value(s.gpu[0].shared_bytes, host_bytes);
    assert_false(known(s.gpu[0].free_bytes, NULL));
    assert_text(s.gpu[0].compute, "12.1");
    release(&s);
    ask(&s, whole, "unnamed-chip", NULL, 0);
    assert_int_equal(s.gpus, 2);
    assert_text(s.gpu[0].kind, "integrated gpu");
    assert_null(s.gpu[1].kind); /* it says that it does not use the host's page tables */
    assert_false(known(s.gpu[1].memory_bytes, NULL));
    assert_false(known(s.gpu[1].shared_bytes, NULL));
    assert_noted(&s.look->notes, "the memory of NVIDIA Virtual Thing is not known");
    release(&s);
}

static void test_links_between_cards(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "nvlink", NULL, 0);
    assert_text(s.gpu[0].peers, "NVLink to 0000:0f:00.0, 4 links");
    assert_text(s.gpu[1].peers, "NVLink to 0000:07:00.0, 1 link; NVLink to a switch, 2 links");
    release(&s);
}

static void test_an_old_library(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, old, "mig", NULL, 0);
    assert_int_equal(s.gpus, 2); /* it knows of no slices */
    assert_value(s.gpu[0].memory_bytes, 40960 * mib);
    assert_value(s.gpu[0].free_bytes, (40960 - 40 - 530) * mib);
    assert_null(s.gpu[0].hidden);
    assert_null(s.gpu[0].runtime);
    assert_null(s.gpu[0].peers);
    assert_text(s.gpu[0].driver_version, "535.129.03");
    assert_value(s.gpu[0].processes, 0);
    release(&s);
}

static const struct tree_entry proc_files[] = {
    CARD("0000:01:00.0", "2684"),
    CARD("0000:41:00.0", "2504"),
    {"/proc/driver/nvidia/version",
     "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build\n"
     "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"},
    {"/proc/driver/nvidia/gpus/0000:41:00.0/information",
     "Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 136\n"
     "GPU UUID: \t GPU-8f77aa10-91cc-4b7e-8e21-7d3b2c1a9f02\nBus Type: \t PCIe\n"
     "Bus Location: \t 0000:41:00.0\nGPU Excluded:\t No\n"},
    {"/proc/driver/nvidia/gpus/0000:01:00.0/information",
     "Model: \t\t Unknown\nGPU UUID: \t GPU-\?\?\?\?\?\?\?\?-\?\?\?\?-\?\?\?\?-\?\?\?\?-"
     "\?\?\?\?\?\?\?\?\?\?\?\?\nGPU Excluded:\t Yes\n"},
};

static void without_the_library(const struct asked *s)
{
    assert_int_equal(s->gpus, 2);
    assert_text(s->gpu[0].name, "GeForce RTX 4090"); /* the catalogue's */
    assert_null(s->gpu[0].uuid);
    assert_text(s->gpu[0].hidden, "its driver was told to leave it out");
    assert_text(s->gpu[1].name, "NVIDIA GeForce RTX 3060");
    assert_text(s->gpu[1].uuid, "GPU-8f77aa10-91cc-4b7e-8e21-7d3b2c1a9f02");
    assert_null(s->gpu[1].hidden);
    assert_false(known(s->gpu[1].free_bytes, NULL));
}

static void test_a_library_of_no_use(void **state)
{
    (void)state;
    static const struct {
        const char *const *make;
        const char *scenario, *why;
    } row[] = {
        {&broken, "full", "libnvidia-ml.so.1 lacks nvmlDeviceGetMemoryInfo"},
        {&whole, "mismatch", "library and kernel driver are of different versions"},
        {&whole, "uncountable", "an internal error of the driver"},
        {&whole, "million", "the driver counts 1000000 GPUs, which cannot be"},
        {&whole, "no such scenario", "its kernel driver is not loaded"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct asked s;
        ask(&s, *row[i].make, row[i].scenario, proc_files, COUNT_OF(proc_files));
        assert_int_equal(s.look->notes.count, 1);
        assert_noted(&s.look->notes, "using PCI and /proc/driver/nvidia for GPUs");
        assert_noted(&s.look->notes, row[i].why);
        without_the_library(&s);
        release(&s);
    }
}

static void test_a_captured_tree_asks_no_library(void **state)
{
    (void)state;
    struct asked s;
    void *handle = dlopen(whole, RTLD_NOW);
    assert_non_null(handle);
    look(&s, proc_files, COUNT_OF(proc_files), true);
    dlclose(handle);
    without_the_library(&s);
    assert_int_equal(s.look->notes.count, 0);
    release(&s);
}

static void test_no_library_at_all(void **state)
{
    (void)state;
    struct asked s;
    void *real = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (real) dlclose(real);
    if (real) skip();         /* a machine with such a driver */
    look(&s, NULL, 0, false); /* nothing to ask about: nothing to say */
    assert_int_equal(s.gpus, 0);
    assert_int_equal(s.look->notes.count, 0);
    release(&s);
    look(&s, two_cards, COUNT_OF(two_cards), false);
    assert_int_equal(s.gpus, 2);
    assert_noted(&s.look->notes, "libnvidia-ml.so.1 is not on this machine");
    assert_null(s.gpu[0].hidden);
    release(&s);
}

static void test_cards_that_are_lost(void **state)
{
    (void)state;
    struct asked s;
    static const struct tree_entry three[] = {
        CARD("0000:01:00.0", "2684"), CARD("0000:41:00.0", "2684"), CARD("0000:42:00.0", "2504")};
    ask(&s, whole, "lost", three, COUNT_OF(three));
    assert_int_equal(s.gpus, 3);
    assert_null(s.gpu[0].hidden);
    assert_non_null(s.gpu[1].hidden);
    assert_non_null(strstr(s.gpu[1].hidden, "the GPU is lost"));
    assert_non_null(strstr(s.gpu[2].hidden, "the GPU is lost"));
    assert_noted(&s.look->notes, "GPU 1 is not known from its driver: the GPU is lost");
    assert_noted(&s.look->notes, "the memory of NVIDIA GeForce RTX 3060 is not known");
    release(&s);
}

static void test_a_card_that_is_not_given_to_us(void **state)
{
    (void)state;
    struct asked s;
    static const struct tree_entry three[] = {
        CARD("0000:01:00.0", "2684"), CARD("0000:02:00.0", "2684"), CARD("0000:41:00.0", "2504")};
    ask(&s, whole, "two-unlike", three, COUNT_OF(three));
    assert_int_equal(s.gpus, 3);
    assert_null(s.gpu[0].hidden);
    assert_text(s.gpu[1].hidden, "its driver does not give it to this process");
    assert_null(s.gpu[2].hidden);
    release(&s);
}

static void test_answers_that_cannot_be(void **state)
{
    (void)state;
    struct asked s;
    ask(&s, whole, "hostile", two_cards, COUNT_OF(two_cards));
    const struct gpu_seen *a = &s.gpu[0];
    assert_noted(&s.look->notes, "the name that the driver gives GeForce RTX 4090 is none");
    assert_noted(&s.look->notes, "of the memory of GeForce RTX 4090 contradicts itself");
    assert_noted(&s.look->notes, "of the memory of NVIDIA GeForce RTX 3060 contradicts itself");
    assert_noted(&s.look->notes, "the driver names 0000:41:00.0 twice");
    assert_text(a->name, "GeForce RTX 4090");
    assert_int_equal(a->memory_bytes.origin,
                     LISTED); /* what the bus and the catalogue know stays */
    assert_null(a->uuid);
    assert_null(a->compute);
    assert_null(a->runtime);
    assert_null(a->link);
    assert_false(known(a->power_w, NULL));
    assert_false(known(a->processes, NULL));
    for (size_t i = 0; i < s.gpus; i++) {
        assert_false(known(s.gpu[i].free_bytes, NULL));
        assert_null(strchr(s.gpu[i].name ? s.gpu[i].name : "", '\x1b'));
        assert_null(s.gpu[i].kind);
    }
    release(&s);
}

struct functions {
    int (*init)(void);
    int (*none)(void);
};

static void test_a_library_and_its_symbols(void **state)
{
    (void)state;
    static const struct symbol may[] = {
        {"nvmlInit_v2", SYMBOL_MUST, offsetof(struct functions, init)},
        {"nvmlNoSuchThing", SYMBOL_MAY, offsetof(struct functions, none)}};
    static const struct symbol must[] = {
        {"nvmlInit_v2", SYMBOL_MUST, offsetof(struct functions, init)},
        {"nvmlNoSuchThing", SYMBOL_MUST, offsetof(struct functions, none)}};
    const char *const names[] = {"/no/such/library.so.1", whole, NULL};
    const char *const absent[] = {"libmuster-no-such.so.1", "/no/such/library.so.1", NULL};
    const char *const text[] = {"/proc/self/cmdline", NULL};
    struct functions f;
    struct library lib;
    struct mu_err err = {.code = MU_OK};
    memset(&f, 0xff, sizeof f);
    assert_true(library_open(&lib, names, may, 2, &f, &err));
    assert_string_equal(lib.name, whole);
    assert_true(f.init != NULL);
    assert_true(f.none == NULL);
    library_close(&lib);
    library_close(&lib);
    memset(&f, 0xff, sizeof f);
    assert_false(library_open(&lib, names, must, 2, &f, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    assert_non_null(strstr(err.text, "lacks nvmlNoSuchThing"));
    assert_true(f.init == NULL && f.none == NULL && !lib.handle);
    err.code = MU_OK;
    assert_false(library_open(&lib, absent, may, 2, &f, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_string_equal(err.text, "libmuster-no-such.so.1 is not on this machine");
    err.code = MU_OK;
    assert_false(library_open(&lib, text, may, 2, &f, &err));
    assert_int_equal(err.code, MU_UNAVAILABLE);
    assert_non_null(strstr(err.text, "cannot be loaded"));
}

int main(int argc, char **argv)
{
    if (argc != 4) return 2;
    /* meson puts the fakes' folders there, and the loader has read it: once more without, so that only what a test loads is found */
    if (getenv("LD_LIBRARY_PATH") && unsetenv("LD_LIBRARY_PATH") == 0)
        execv("/proc/self/exe", argv);
    whole = argv[1];
    old = argv[2];
    broken = argv[3];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_unlike_cards),
        cmocka_unit_test(test_cards_that_the_bus_does_not_show_are_added),
        cmocka_unit_test(test_a_card_that_is_full),
        cmocka_unit_test(test_names_that_are_nearly_another_s),
        cmocka_unit_test(test_no_row_of_another_card_is_taken),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_memory_of_the_machine),
        cmocka_unit_test(test_links_between_cards),
        cmocka_unit_test(test_an_old_library),
        cmocka_unit_test(test_a_library_of_no_use),
        cmocka_unit_test(test_a_captured_tree_asks_no_library),
        cmocka_unit_test(test_no_library_at_all),
        cmocka_unit_test(test_cards_that_are_lost),
        cmocka_unit_test(test_a_card_that_is_not_given_to_us),
        cmocka_unit_test(test_answers_that_cannot_be),
        cmocka_unit_test(test_a_library_and_its_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
