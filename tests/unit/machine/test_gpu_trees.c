/* What detection finds of accelerators in each captured tree that has some, by document (tests/machines/README.md), to the exact figure;
 * and that what others write into such files does no harm. */
#include "tree.h"

#include "base/attr.h"

#define MIB ((double)(1 << 20))

static const struct gpu_seen *gpus_of(struct looked *s, size_t want)
{
    const struct facts *f = looked_machine(s)->facts;
    for (size_t i = 0; f->gpus != want && i < f->gpus; i++)
        print_error("%zu: %s, %s\n", i, f->gpu[i].name, f->gpu[i].sized);
    assert_int_equal(f->gpus, want);
    return f->gpu;
}

static void assert_text(const char *have, const char *want)
{
    if (!have || !want) {
        if (have != want) fail_msg("%s, not %s", have ? have : "nothing", want ? want : "nothing");
        return;
    }
    assert_string_equal(have, want);
}

static void assert_said(const struct gpu_seen *g, const char *kind, const char *name,
                        const char *part, const char *compute)
{
    assert_text(g->kind, kind);
    assert_text(g->name, name);
    assert_text(g->part, part);
    assert_text(g->compute, compute);
}

static void assert_unknown(struct quantity q)
{
    double value;
    if (known(q, &value)) fail_msg("known as %g, by %s", value, q.source);
    assert_non_null(q.source); /* an unknown says why */
}

/* 96 GiB set aside is what the GPU has, not the 31 GB that the host is left with; both are there, and not one number. */
static void carve_out_of_96(void **state)
{
    (void)state;
    struct looked *s = looked_tree("strix-halo-96");
    const struct gpu_seen *g = gpus_of(s, 2);
    assert_said(&g[0], "integrated gpu", "Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)",
                "Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)", "gfx1151");
    assert_value(g[0].memory_bytes, 96 * GIB);
    assert_int_equal(g[0].memory_bytes.origin, REPORTED);
    assert_value(g[0].used_bytes, 21563965440);
    assert_value(g[0].free_bytes, 96 * GIB - 21563965440);
    assert_value(g[0].visible_bytes, 96 * GIB);
    assert_value(g[0].shared_bytes, 16363954176);
    assert_value(g[0].shared_used_bytes, 67108864);
    assert_text(g[0].limited_by, "GTT, amdgpu");
    assert_text(g[0].sized,
                "75.9 GiB free of 96.0 GiB of its own, and up to 15.2 GiB of host memory (GTT, "
                "amdgpu)");
    assert_said(&g[1], "npu", "AMD XDNA 2 NPU (Strix, Strix Halo, Krackan)", NULL, NULL);
    assert_text(g[1].driver, "amdxdna");
    assert_text(g[1].pci_address, "0000:c6:00.1");
    assert_unknown(g[1].memory_bytes);
    looked_close(s);
}

/* 512 MiB set aside says nothing about what it can run: 110 GiB more are the driver's to map. The processor's name names it. */
static void carve_out_of_512_mib(void **state)
{
    (void)state;
    struct looked *s = looked_tree("strix-halo-gtt");
    const struct gpu_seen *g = gpus_of(s, 2);
    assert_said(&g[0], "integrated gpu", "Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)",
                "Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)", "gfx1151");
    assert_value(g[0].memory_bytes, 512 * MIB);
    assert_value(g[0].shared_bytes, 110 * GIB);
    assert_value(g[0].shared_used_bytes, 41 * GIB);
    assert_text(g[0].limited_by, "GTT, amdgpu");
    looked_close(s);
}

/* One card of 24 GiB and a processor's GPU of 512 MiB are two rows of two kinds: never 48 GB, and neither dropped. */
static void card_beside_a_processors_gpu(void **state)
{
    (void)state;
    struct looked *s = looked_tree("radeon-with-igpu");
    const struct gpu_seen *g = gpus_of(s, 2);
    assert_said(&g[0], "gpu", "Radeon RX 7900 XTX", "Radeon RX 7900 XTX", "gfx1100");
    assert_text(g[0].pci_address, "0000:03:00.0");
    assert_value(g[0].memory_bytes, 24560 * MIB);
    assert_value(g[0].free_bytes, (24560 - 1924) * MIB);
    assert_unknown(g[0].shared_bytes);
    assert_text(g[0].limited_by, NULL);
    assert_text(g[0].uuid, "GPU-b85e402c0fb3757f");
    assert_text(g[0].driver_version, "6.12.12");
    assert_text(g[0].runtime, "ROCm 6.4.1");
    assert_value(g[0].power_w, 327);
    assert_value(g[0].processes, 2);
    /* idle, the slot's link runs at 2.5 GT/s: what it can is said, not what it does now */
    assert_text(g[0].link, "PCIe 4.0 x16");
    assert_value(g[0].link_bytes_per_s, 16e9 * 128 / 130 / 8 * 16);
    assert_text(g[0].sized, "22.1 GiB free of 24.0 GiB");
    assert_said(&g[1], "integrated gpu", "AMD integrated GPU (1002:164e)", NULL, "gfx1036");
    assert_value(g[1].memory_bytes, 512 * MIB);
    assert_value(g[1].shared_bytes, 33306480640);
    assert_value(g[1].processes, 0);
    assert_text(g[1].link, NULL);
    assert_text(g[1].uuid, NULL);
    looked_close(s);
}

/* Each card's own memory, told by the driver: neither added up nor 8 GB; the first is full but for 368 MiB. */
static void unlike_cards(void **state)
{
    (void)state;
    struct looked *s = looked_tree("two-radeons");
    const struct gpu_seen *g = gpus_of(s, 2);
    assert_said(&g[0], "gpu", "Radeon RX 6700 XT", "Radeon RX 6700 XT", "gfx1031");
    assert_value(g[0].memory_bytes, 12272 * MIB);
    assert_value(g[0].visible_bytes, 256 * MIB);
    assert_text(g[0].link, "PCIe 3.0 x4");
    assert_value(g[0].power_w, 186);
    /* no name for its revision: of the two cards with its PCI id, the one with that memory */
    assert_said(&g[1], "gpu", "Radeon RX 7800 XT", "Radeon RX 7800 XT", "gfx1101");
    assert_value(g[1].memory_bytes, 16368 * MIB);
    assert_value(g[1].free_bytes, 368 * MIB);
    assert_text(g[1].link, "PCIe 4.0 x16");
    assert_unknown(g[1].processes);
    assert_text(g[1].sized, "368 MiB free of 16.0 GiB");
    looked_close(s);
}

/* Mainline xe has no file with its memory: the catalogue's two cards of that id are told apart by the memory region. */
static void card_under_xe(void **state)
{
    (void)state;
    struct looked *s = looked_tree("arc-a770");
    const struct gpu_seen *g = gpus_of(s, 1);
    assert_said(g, "gpu", "Arc A770 16GB", "Arc A770 16GB", NULL);
    assert_value(g->memory_bytes, 16 * GIB);
    assert_int_equal(g->memory_bytes.origin, ESTIMATED);
    assert_value(g->visible_bytes, 16 * GIB);
    assert_unknown(g->free_bytes);
    assert_value(g->power_w, 190);
    assert_text(g->link, "PCIe 4.0 x16"); /* the card's, not the one lane inside it */
    looked_close(s);
}

static void processor_without_own_memory(void **state)
{
    (void)state;
    struct looked *s = looked_tree("arrow-lake");
    const struct gpu_seen *g = gpus_of(s, 2);
    assert_said(&g[0], "integrated gpu", "Intel integrated GPU (8086:7d67)", NULL, NULL);
    assert_value(g[0].memory_bytes, 0);
    assert_unknown(g[0].shared_bytes);
    assert_text(g[0].sized, "shares host memory");
    assert_said(&g[1], "npu", "Intel NPU (Arrow Lake)", NULL, NULL);
    assert_text(g[1].pci_address, "0000:00:0b.0");
    assert_unknown(g[1].memory_bytes);
    looked_close(s);
}

static void modules_that_share_all(void **state)
{
    (void)state;
    struct looked *s = looked_tree("jetson-orin");
    const struct gpu_seen *g = gpus_of(s, 1);
    assert_said(g, "integrated gpu", "Jetson AGX Orin 64GB", "Jetson AGX Orin 64GB", "8.7");
    assert_text(g->vendor, "NVIDIA");
    assert_text(g->driver_version, "L4T 36.4.3");
    assert_value(g->memory_bytes, 0);
    assert_value(g->shared_bytes, 64349092 * KIB);
    assert_text(g->limited_by, "all host memory");
    assert_text(g->sized, "shares host memory, all of 61.4 GiB");
    looked_close(s);

    s = looked_tree("gb10");
    g = gpus_of(s, 1);
    assert_said(g, "integrated gpu", "GB10 (DGX Spark)", "GB10 (DGX Spark)", "12.1");
    assert_text(g->pci_address, "000f:01:00.0");
    assert_value(g->memory_bytes, 0); /* not the 128 GiB of the catalogue beside the host's */
    assert_value(g->shared_bytes, 127508160 * KIB);
    looked_close(s);

    s = looked_tree("apple-m2");
    g = gpus_of(s, 1);
    assert_said(g, "integrated gpu", "Apple M2", "Apple M2", NULL);
    assert_text(g->driver, "asahi");
    assert_value(g->memory_bytes, 0);
    assert_unknown(g->shared_bytes); /* macOS' limits are not Linux' */
    assert_text(g->limited_by, NULL);
    looked_close(s);
}

#define CARD "/sys/bus/pci/devices/0000:03:00.0/"
#define RADEON                                                 \
    {CARD "class", "0x030000\n"}, {CARD "vendor", "0x1002\n"}, \
    {                                                          \
        CARD "device", "0xfff0\n"                              \
    }
#define ARC                                                    \
    {CARD "class", "0x030000\n"}, {CARD "vendor", "0x8086\n"}, \
    {                                                          \
        CARD "device", "0xfff0\n"                              \
    }

/* A tree of these files, of which one accelerator is expected. */
#define SEEN_OF(s, files)                  \
    seen_of(&(s), files, COUNT_OF(files)); \
    assert_int_equal((s).facts->gpus, 1)

static void figures_that_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "-1",  "0",    "17179869184 bytes",
                                        "0x10000000", "1e9", "\x1b", "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct tree_entry files[] = {
            RADEON,
            {CARD "mem_info_vram_total", wrong[i]},
            {CARD "mem_info_vram_used", "1"},
            {CARD "current_link_width", wrong[i]},
            {CARD "current_link_speed", wrong[i]},
            {CARD "hwmon/hwmon0/power1_cap", wrong[i]},
            {CARD "unique_id", "\x1b]0;x\x07"},
            {"/sys/class/kfd/kfd/topology/nodes/1/properties", wrong[i]},
        };
        struct seen s;
        SEEN_OF(s, files);
        const struct gpu_seen *g = s.facts->gpu;
        assert_unknown(g->memory_bytes);
        assert_unknown(g->power_w);
        assert_false(known(g->free_bytes, NULL));
        assert_text(g->link, NULL);
        assert_text(g->compute, NULL);
        assert_text(g->sized, "seen, not sized yet");
        assert_null(strchr(g->uuid, '\x1b'));
        seen_release(&s);
    }
}

static void more_used_than_there_is(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        RADEON,
        {CARD "mem_info_vram_total", "1000"},
        {CARD "mem_info_vram_used", "1001"},
        {CARD "mem_info_vis_vram_total", "1001"},
    };
    struct seen s;
    SEEN_OF(s, files);
    assert_value(s.facts->gpu->memory_bytes, 1000);
    assert_unknown(s.facts->gpu->used_bytes);
    assert_unknown(s.facts->gpu->free_bytes);
    assert_false(known(s.facts->gpu->visible_bytes, NULL));
    seen_release(&s);
}

/* A limit above what there is, as GpuZelenograd/memtest_vulkan#66 has it: 105 GiB of GTT on a host with 32. The least bound holds. */
static void limits_on_host_memory(void **state)
{
    (void)state;
    static const struct {
        const char *pages, *total;
        double bytes;
        const char *by;
    } rows[] = {
        {NULL, NULL, 105 * GIB, "GTT, amdgpu"},
        {NULL, "MemTotal: 33554432 kB\n", 32 * GIB, "all host memory"},
        {"4194304\n", "MemTotal: 33554432 kB\n", 16 * GIB, "ttm pages_limit"},
        {"4194304\n", "MemTotal: 8388608 kB\n", 8 * GIB, "all host memory"},
        {"0\n", NULL, 105 * GIB, "GTT, amdgpu"},
        {"18446744073709551615\n", NULL, 105 * GIB, "GTT, amdgpu"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tree t;
        struct seen s;
        static const struct tree_entry files[] = {
            RADEON,
            {"/sys/bus/pci/devices/0000:03:00.2/vendor", "0x1022\n"}, /* it sits in a processor */
            {CARD "mem_info_vram_total", "103079215104"},
            {CARD "mem_info_gtt_total", "112742891520"},
        };
        tree_make(&t);
        tree_files(&t, files, COUNT_OF(files));
        if (rows[i].pages) tree_file(&t, "/sys/module/ttm/parameters/pages_limit", rows[i].pages);
        if (rows[i].total) tree_file(&t, "/proc/meminfo", rows[i].total);
        seen_at(&s, t.path, NULL);
        tree_remove(&t);
        assert_int_equal(s.facts->gpus, 1);
        assert_text(s.facts->gpu->kind, "integrated gpu");
        assert_value(s.facts->gpu->shared_bytes, rows[i].bytes);
        assert_text(s.facts->gpu->limited_by, rows[i].by);
        seen_release(&s);
    }
}

/* What the driver of a processor with one memory calls VRAM is the host's memory, not more of it. */
static void one_memory_twice(void **state)
{
    (void)state;
    static const struct tree_entry files[] = {
        {CARD "class", "0x120000\n"},
        {CARD "vendor", "0x1002\n"},
        {CARD "device", "0x74a0\n"},
        {CARD "mem_info_vram_total", "137438953472"},
        {CARD "mem_info_gtt_total", "67108864"},
        {"/proc/meminfo", "MemTotal: 131000000 kB\n"},
        {"/sys/class/kfd/kfd/topology/nodes/1/properties",
         "gfx_target_version 90402\nvendor_id 4098\nlocation_id 768\ndomain 0\n"},
    };
    struct tree t;
    tree_make(&t);
    tree_files(&t, files, COUNT_OF(files));
    struct looked *s = looked_open(t.path);
    const struct gpu_seen *g = gpus_of(s, 1);
    assert_said(g, "integrated gpu", "Instinct MI300A", "Instinct MI300A", "gfx942");
    assert_value(g->memory_bytes, 0);
    assert_value(g->shared_bytes, 131000000 * KIB);
    assert_text(g->limited_by, "all host memory");
    looked_close(s);
    tree_remove(&t);
}

/* A neighbour of the graphics maker's own is a card's audio or USB; only the processor's makes it a processor's GPU. */
static void neighbours(void **state)
{
    (void)state;
    static const struct tree_entry card[] = {
        RADEON, {"/sys/bus/pci/devices/0000:03:00.2/vendor", "0x1002\n"}};
    static const struct tree_entry elsewhere[] = {
        RADEON, {"/sys/bus/pci/devices/0000:04:00.2/vendor", "0x1022\n"}};
    struct seen s;
    SEEN_OF(s, card);
    assert_text(s.facts->gpu->kind, "gpu");
    seen_release(&s);
    SEEN_OF(s, elsewhere);
    assert_text(s.facts->gpu->kind, "gpu");
    seen_release(&s);
}

/* Targets as LLVM spells them; a node of another card, and versions that are none, are not taken. */
static void targets(void **state)
{
    (void)state;
    static const struct {
        const char *properties, *compute, *kind;
    } rows[] = {
        {"gfx_target_version 90010\nvendor_id 4098\nlocation_id 768\ndomain 0\n", "gfx90a", "gpu"},
        {"gfx_target_version 90012\nvendor_id 4098\nlocation_id 768\ndomain 0\n", "gfx90c",
         "integrated gpu"},
        {"gfx_target_version 120001\nvendor_id 4098\nlocation_id 768\n", "gfx1201", "gpu"},
        {"gfx_target_version 110501\nvendor_id 4098\nlocation_id 768\ndomain 0\n", "gfx1151",
         "integrated gpu"},
        {"gfx_target_version 110000\nvendor_id 4098\nlocation_id 769\ndomain 0\n", NULL, "gpu"},
        {"gfx_target_version 110000\nvendor_id 4098\nlocation_id 768\ndomain 1\n", NULL, "gpu"},
        {"gfx_target_version 110000\nvendor_id 4318\nlocation_id 768\ndomain 0\n", NULL, "gpu"},
        {"gfx_target_version 119900\nvendor_id 4098\nlocation_id 768\ndomain 0\n", NULL, "gpu"},
        {"gfx_target_version 18446744073709551615\nvendor_id 4098\nlocation_id 768\n", NULL, "gpu"},
        {"gfx_target_version 0\nvendor_id 4098\nlocation_id 768\n", NULL, "gpu"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct tree_entry files[] = {
            RADEON, {"/sys/class/kfd/kfd/topology/nodes/3/properties", rows[i].properties}};
        struct seen s;
        SEEN_OF(s, files);
        assert_text(s.facts->gpu->compute, rows[i].compute);
        assert_text(s.facts->gpu->kind, rows[i].kind);
        seen_release(&s);
    }
}

/* Files of Intel's own builds win over regions; a region that was never widened says nothing about a card's memory. */
static void memory_of_intels_cards(void **state)
{
    (void)state;
    static const char wide[] = "0x0000000084000000 0x0000000084ffffff 0x0000000000140204\n"
                               "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                               "0x0000004000000000 0x00000043ffffffff 0x000000000014220c\n";
    static const char narrow[] = "0x0000004000000000 0x000000400fffffff 0x000000000014220c\n";
    static const struct tree_entry tiles[] = {
        ARC,
        {CARD "resource", wide},
        {CARD "tile0/physical_vram_size_bytes", "8589934592"},
        {CARD "tile1/physical_vram_size_bytes", "8589934592"}};
    static const struct tree_entry node[] = {
        ARC, {CARD "resource", wide}, {CARD "drm/card1/lmem_total_bytes", "12884901888"}};
    static const struct tree_entry region[] = {ARC, {CARD "resource", wide}};
    static const struct tree_entry unwidened[] = {ARC, {CARD "resource", narrow}};
    static const struct tree_entry broken[] = {ARC, {CARD "resource", "0x1 0xffffffffffffffff x"}};
    struct seen s;
    SEEN_OF(s, tiles);
    assert_value(s.facts->gpu->memory_bytes, 16 * GIB);
    assert_int_equal(s.facts->gpu->memory_bytes.origin, REPORTED);
    seen_release(&s);
    SEEN_OF(s, node);
    assert_value(s.facts->gpu->memory_bytes, 12 * GIB);
    assert_value(s.facts->gpu->visible_bytes, 12 * GIB);
    seen_release(&s);
    SEEN_OF(s, region);
    assert_value(s.facts->gpu->memory_bytes, 8 * GIB); /* more than half of 16 GiB */
    assert_int_equal(s.facts->gpu->memory_bytes.origin, ESTIMATED);
    seen_release(&s);
    SEEN_OF(s, unwidened);
    assert_unknown(s.facts->gpu->memory_bytes);
    assert_value(s.facts->gpu->visible_bytes, 256 * MIB);
    seen_release(&s);
    SEEN_OF(s, broken);
    assert_unknown(s.facts->gpu->memory_bytes);
    assert_false(known(s.facts->gpu->visible_bytes, NULL));
    seen_release(&s);
}

/* One machine with the catalogue at hand, made of these files; what was seen is gone with it, so it is looked at inside. */
static void with_catalogue(const struct tree_entry *file, size_t files, const char *name,
                           const char *part)
{
    struct tree t;
    tree_make(&t);
    tree_files(&t, file, files);
    struct looked *s = looked_open(t.path);
    const struct gpu_seen *g = gpus_of(s, 1);
    assert_text(g->name, name);
    assert_text(g->part, part);
    looked_close(s);
    tree_remove(&t);
}

/* A card's row only where nothing speaks against it: a laptop's chip under a card's PCI id is not that card. */
static void chips_that_are_not_the_card(void **state)
{
    (void)state;
    static const struct tree_entry laptop[] = {{CARD "class", "0x030000\n"},
                                               {CARD "vendor", "0x1002\n"},
                                               {CARD "device", "0x7480\n"},
                                               {CARD "mem_info_vram_total", "8573157376\n"},
                                               {"/sys/class/dmi/id/chassis_type", "10\n"}};
    static const struct tree_entry named[] = {
        {CARD "class", "0x030000\n"},
        {CARD "vendor", "0x1002\n"},
        {CARD "device", "0x7480\n"},
        {CARD "revision", "0xcf\n"},
        {CARD "mem_info_vram_total", "8573157376\n"},
        {"/usr/share/libdrm/amdgpu.ids", "7480,\tCF,\tAMD Radeon RX 7700S\n"}};
    static const struct tree_entry desktop[] = {{CARD "class", "0x030000\n"},
                                                {CARD "vendor", "0x1002\n"},
                                                {CARD "device", "0x7480\n"},
                                                {CARD "mem_info_vram_total", "8573157376\n"},
                                                {"/sys/class/dmi/id/chassis_type", "3\n"}};
    with_catalogue(laptop, COUNT_OF(laptop), "Radeon RX 7600", NULL);
    with_catalogue(named, COUNT_OF(named), "AMD Radeon RX 7700S", NULL);
    with_catalogue(desktop, COUNT_OF(desktop), "Radeon RX 7600", "Radeon RX 7600");
}

/* Cards of one id and one memory stay several; those of 32 and 16 GiB are not the 8 GiB one. */
static void cards_told_apart_by_memory(void **state)
{
    (void)state;
    static const struct {
        const char *device, *bytes, *name, *part;
    } rows[] = {
        {"0x7480\n", "17163091968\n", "Radeon RX 7600 XT", "Radeon RX 7600 XT"},
        {"0x7590\n", "17095983104\n", "Radeon RX 9060 XT 16GB", "Radeon RX 9060 XT 16GB"},
        {"0x7551\n", "34208743424\n", "Radeon AI PRO R9700", "Radeon AI PRO R9700"},
        {"0x744c\n", "21458059264\n", "Radeon RX 7900 XT", "Radeon RX 7900 XT"},
        {"0x7550\n", "17095983104\n", "Radeon RX 9070 or Radeon RX 9070 XT", NULL},
        {"0x744c\n", "1000\n", "Radeon RX 7900 GRE or Radeon RX 7900 XT or Radeon RX 7900 XTX",
         NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct tree_entry files[] = {{CARD "class", "0x030000\n"},
                                           {CARD "vendor", "0x1002\n"},
                                           {CARD "device", rows[i].device},
                                           {CARD "mem_info_vram_total", rows[i].bytes}};
        with_catalogue(files, COUNT_OF(files), rows[i].name, rows[i].part);
    }
}

static void jetsons_by_part_number(void **state)
{
    (void)state;
    /* two strings in a row, each ending in NUL */
    static const struct {
        const char *module, *total, *name, *part;
    } rows[] = {
        {"nvidia,p3737-0000+p3701-0004", "MemTotal: 31400000 kB\n", "Jetson AGX Orin 32GB",
         "Jetson AGX Orin 32GB"},
        {"nvidia,p3768-0000+p3767-0003", "MemTotal: 7900000 kB\n", "Jetson Orin Nano 8GB",
         "Jetson Orin Nano 8GB"},
        {"nvidia,p3768-0000+p3767-0005-super", "MemTotal: 7800000 kB\n",
         "Jetson Orin Nano Super 8GB", "Jetson Orin Nano Super 8GB"},
        {"nvidia,p3768-0000+p3767-0000", "MemTotal: 15600000 kB\n", "Jetson Orin NX 16GB",
         "Jetson Orin NX 16GB"},
        /* half of the only row's memory: that is another module */
        {"nvidia,p3768-0000+p3767-0001", "MemTotal: 7800000 kB\n", "Jetson Orin NX", NULL},
        {"nvidia,p9999-0000", "MemTotal: 7800000 kB\n", "Someone's board", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tree t;
        char compatible[256];
        tree_make(&t);
        const size_t n = strlen(rows[i].module) + 1;
        memcpy(compatible, rows[i].module, n);
        memcpy(compatible + n, "nvidia,tegra234", sizeof "nvidia,tegra234");
        tree_bytes(&t, "/proc/device-tree/compatible", compatible, n + sizeof "nvidia,tegra234");
        tree_file(&t, "/proc/device-tree/model", "NVIDIA Someone's board Developer Kit");
        tree_file(&t, "/proc/meminfo", rows[i].total);
        struct looked *s = looked_open(t.path);
        const struct gpu_seen *g = gpus_of(s, 1);
        assert_text(g->name, rows[i].name);
        assert_text(g->part, rows[i].part);
        assert_true(known(g->shared_bytes, NULL));
        looked_close(s);
        tree_remove(&t);
    }
}

/* Neural processors by id, by class, by driver; graphics makers' accelerators of the same class are GPUs. */
static void neural_processors(void **state)
{
    (void)state;
    static const struct {
        const char *class_code, *vendor, *device, *kind, *name;
    } rows[] = {
        {"0x0b4000\n", "0x1e60\n", "0x2864\n", "npu", "Hailo-8"},
        {"0x0880ff\n", "0x1ac1\n", "0x089a\n", "npu", "Coral Edge TPU"},
        {"0x118000\n", "0x1022\n", "0x1502\n", "npu", "AMD XDNA NPU (Phoenix, Hawk Point)"},
        {"0x120000\n", "0x19e5\n", "0xd802\n", "npu", "Huawei NPU"},
        {"0x120000\n", "0x1002\n", "0xfff0\n", "gpu", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct tree_entry files[] = {{CARD "class", rows[i].class_code},
                                           {CARD "vendor", rows[i].vendor},
                                           {CARD "device", rows[i].device}};
        struct seen s;
        SEEN_OF(s, files);
        assert_text(s.facts->gpu->kind, rows[i].kind);
        assert_text(s.facts->gpu->name, rows[i].name);
        assert_unknown(s.facts->gpu->memory_bytes);
        seen_release(&s);
    }
    struct tree t;
    struct seen s;
    char path[4096];
    tree_make(&t);
    tree_file(&t, "/sys/devices/platform/fdab0000.npu/accel/accel0/dev", "261:0");
    tree_file(&t, "/sys/class/accel/accel0/dev", "261:0");
    snprintf(path, sizeof path, "%s/sys/class/accel/accel0/device", t.path);
    assert_int_equal(symlink("../../../devices/platform/fdab0000.npu", path), 0);
    snprintf(path, sizeof path, "%s/sys/devices/platform/fdab0000.npu/driver", t.path);
    assert_int_equal(symlink("../../../bus/platform/drivers/rocket", path), 0);
    seen_at(&s, t.path, NULL);
    assert_int_equal(s.facts->gpus, 1);
    assert_text(s.facts->gpu->kind, "npu");
    assert_text(s.facts->gpu->name, "Rockchip NPU");
    seen_release(&s);
    tree_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carve_out_of_96),
        cmocka_unit_test(carve_out_of_512_mib),
        cmocka_unit_test(card_beside_a_processors_gpu),
        cmocka_unit_test(unlike_cards),
        cmocka_unit_test(card_under_xe),
        cmocka_unit_test(processor_without_own_memory),
        cmocka_unit_test(modules_that_share_all),
        cmocka_unit_test(figures_that_are_none),
        cmocka_unit_test(more_used_than_there_is),
        cmocka_unit_test(limits_on_host_memory),
        cmocka_unit_test(one_memory_twice),
        cmocka_unit_test(neighbours),
        cmocka_unit_test(targets),
        cmocka_unit_test(memory_of_intels_cards),
        cmocka_unit_test(chips_that_are_not_the_card),
        cmocka_unit_test(cards_told_apart_by_memory),
        cmocka_unit_test(jetsons_by_part_number),
        cmocka_unit_test(neural_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
