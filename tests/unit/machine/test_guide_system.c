/* The guide's own figures of a machine: Python's rounding, what is null, which GPUs stand in it. */
#include "looked.h"

#include <math.h>

#include "machine/report.h"

static struct guide_system system_with(struct arena *a, double total_bytes, double available_bytes)
{
    struct facts *f = NEW(a, struct facts);
    struct machine *m = NEW(a, struct machine);
    f->memory.total_bytes = quantity_of(total_bytes, REPORTED, "test");
    f->memory.available_bytes = quantity_of(available_bytes, REPORTED, "test");
    m->facts = f;
    return guide_system_of(m, NULL, a);
}

/* As round(x / 1024**3, 2) gives them in Python, ties included: 2.675 GiB is exact in bytes and a tie in decimal. */
static void test_rounding(void **state)
{
    (void)state;
    static const double row[][2] = {
        {25276514304, 23.54},   {0.125 * 0x1p30, 0.12}, {0.375 * 0x1p30, 0.38},
        {2.625 * 0x1p30, 2.62}, {8 * 0x1p30, 8},        {1, 0},
        {4.995 * 0x1p30, 5},    {2.9999 * 0x1p30, 3},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct guide_system s = system_with(a, 1, row[i][0]);
        if (s.ram_available_gb != row[i][1])
            fail_msg("%.17g: have %.17g, want %.17g", row[i][0], s.ram_available_gb, row[i][1]);
    }
    arena_free(a);
}

static void test_captured(void **state)
{
    (void)state;
    struct looked *s = looked_tree("two-sockets");
    const struct guide_system g = guide_system_of(looked_machine(s), s->looking.catalog, s->arena);
    assert_string_equal(g.platform, "Linux");
    assert_string_equal(g.processor, "");
    assert_string_equal(g.architecture, "x86_64");
    assert_null(g.python_version);
    assert_exactly(g.cpu_count, 32);
    assert_exactly(g.cpu_count_physical, 16);
    assert_exactly(g.ram_gb, 188.78);
    /* MemAvailable, not the 100 GiB that ulimit -v leaves */
    assert_exactly(g.ram_available_gb, 172.0);
    assert_true(isnan(g.disk_free_gb));
    assert_null(g.gpu); /* seen, not sized */
    assert_null(g.gpu_type);
    looked_close(s);
}

static struct quantity mib_of(double mib, enum origin origin)
{
    return quantity_of(mib * 0x1p20, origin, "test");
}

/* As `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader` answers, which is what the guide's script runs. */
static void test_gpus_as_the_guide_asks(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct catalog *c = catalog_open(NULL, a);
    const struct gpu_seen gpu[] = {
        {.name = "A", .vendor = "NVIDIA", .pci_id = "1", .memory_bytes = mib_of(24564.9, MEASURED)},
        {.name = "no driver", .vendor = "NVIDIA", .pci_id = "1", .memory_bytes = mib_of(8, LISTED)},
        {.name = "C", .vendor = "nvidia", .hidden = "x", .memory_bytes = mib_of(8192, REPORTED)},
        {.name = "of a line", .vendor = "nvidia", .memory_bytes = mib_of(12288, LISTED)},
        {.name = "other", .vendor = "AMD", .pci_id = "1", .memory_bytes = mib_of(8192, REPORTED)},
        {.name = "S", .vendor = "NVIDIA", .kind = "gpu slice", .memory_bytes = mib_of(1, REPORTED)},
        {.name = "D", .vendor = "NVIDIA", .memory_bytes = unknown("test")},
        {.name = "E",
         .vendor = "NVIDIA",
         .driver_version = "580.1",
         .memory_bytes = unknown("test")}};
    struct facts f = {.gpu = gpu, .gpus = COUNT_OF(gpu), .os.platform = "Linux"};
    const struct machine m = {.facts = &f};
    struct guide_system g = guide_system_of(&m, c, a);
    assert_string_equal(g.gpu, "A, 24564 MiB\nC, 8192 MiB\nof a line, 12288 MiB\nE, [N/A]");
    assert_string_equal(g.gpu_type, "nvidia");
    f.gpu = &gpu[4];
    f.gpus = 1;
    g = guide_system_of(&m, c, a);
    assert_null(g.gpu);
    assert_null(g.gpu_type);
    const struct gpu_seen apple = {.name = "chip", .vendor = "apple"};
    f.gpu = &apple;
    g = guide_system_of(&m, c, a);
    assert_null(g.gpu_type); /* under Linux its script does not know it */
    f.os.platform = "Darwin";
    g = guide_system_of(&m, c, a);
    assert_string_equal(g.gpu_type, "apple_silicon");
    assert_string_equal(g.gpu, "Apple Silicon (Neural Engine available)");
    arena_free(a);
}

static void test_benchmark(void **state)
{
    (void)state;
    struct rate r = {.work = WORK_GUIDE_ROUNDS,
                     .threads = 2,
                     .per_s = estimate_exactly(23.456, MEASURED, "test")};
    struct machine m = {.rate = &r, .rates = 1};
    struct guide_benchmark b = guide_benchmark_of(&m);
    assert_exactly(b.matrix_mult_time, 4.26);
    assert_exactly(b.operations_per_second, 23.46);
    r.work = WORK_SGEMM_FLOP;
    b = guide_benchmark_of(&m);
    assert_true(isnan(b.matrix_mult_time) && isnan(b.operations_per_second));
    m.rates = 0;
    b = guide_benchmark_of(&m);
    assert_true(isnan(b.matrix_mult_time) && isnan(b.operations_per_second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding), cmocka_unit_test(test_captured),
        cmocka_unit_test(test_gpus_as_the_guide_asks), cmocka_unit_test(test_benchmark)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
