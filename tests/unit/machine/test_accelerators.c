/* Accelerators as places: the mistakes that users complained of elsewhere, one by one; what shares memory; what is made anew. The rows
 * are made by hand as probes leave them; only the catalogue is the real one. */
#include "looked.h"

#include <math.h>
#include <string.h>

#include "machine/accelerators.h"

#define GIB 0x1p30
#define MIB 0x1p20

struct made {
    struct looked *s;
    struct facts facts;
    struct machine host;
    struct pool pool[2];
    struct place cpu;
    struct rate rate;
    const struct machine *m;
};

static struct quantity told(double bytes)
{
    return quantity_of(bytes, REPORTED, "its driver");
}

/* A host with so much memory and a disk, and what was seen on it. */
static struct made made_of(double memory_bytes, const struct gpu_seen *gpu, size_t gpus)
{
    struct made out = {.s = looked_tree("wsl2")};
    struct made *h = NEW(out.s->arena, struct made);
    *h = out;
    h->pool[0] = (struct pool){POOL_MEMORY, "memory", told(memory_bytes), told(memory_bytes * 0.9),
                               "available memory"};
    h->pool[1] = (struct pool){POOL_DISK, "/", told(1e12), told(5e11), "free space"};
    h->cpu = (struct place){.kind = PLACE_CPU, .name = "CPU", .threads = told(8)};
    h->rate = (struct rate){.work = WORK_READ_BYTES,
                            .type = RATE_NO_TYPE,
                            .threads = 8,
                            .per_s = estimate_exactly(60e9, MEASURED, "test")};
    h->facts.memory.total_bytes = told(memory_bytes);
    h->facts.gpu = gpu;
    h->facts.gpus = gpus;
    h->host = (struct machine){.name = "box",
                               .pool = h->pool,
                               .pools = 2,
                               .place = &h->cpu,
                               .places = 1,
                               .rate = &h->rate,
                               .rates = 1,
                               .facts = &h->facts};
    h->m = machine_with_accelerators(&h->host, h->s->looking.catalog, h->s->arena);
    return *h;
}

static double rate_at(const struct machine *m, size_t place, enum machine_work work)
{
    const struct rate *r = machine_place_rate(m, place, work);
    return r ? r->per_s.likely : (double)NAN;
}

static const struct pool *pool_of(const struct machine *m, size_t place)
{
    assert_true(place < m->places);
    return &m->pool[m->place[place].pool];
}

static size_t device_pools(const struct machine *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->pools; i++) n += m->pool[i].kind == POOL_DEVICE;
    return n;
}

static const struct gpu_seen xtx = {.name = "Radeon RX 7900 XTX",
                                    .vendor = "AMD",
                                    .pci_id = "1002:744c",
                                    .memory_bytes = {24560 * MIB, REPORTED, "amdgpu"},
                                    .free_bytes = {23 * GIB, REPORTED, "amdgpu"},
                                    .link = "PCIe 4.0 x16",
                                    .link_bytes_per_s = {31.5e9, REPORTED, "PCI"}};

/* The processor's own graphics beside a card, under the card's name as one driver gives it, are no second card and add nothing. */
static void test_graphics_of_the_processor_beside_a_card(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {xtx,
                                   {.name = "Radeon RX 7900 XTX",
                                    .vendor = "AMD",
                                    .pci_id = "1002:164e",
                                    .kind = GPU_INTEGRATED,
                                    .memory_bytes = told(512 * MIB),
                                    .shared_bytes = told(24 * GIB)}};
    const struct made h = made_of(48 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(h.m->places, 2);
    assert_int_equal(h.m->pools, 3);
    assert_int_equal(machine_memory(h.m)->kind, POOL_MEMORY);
    assert_value(pool_of(h.m, 1)->total_bytes, 24560 * MIB);
    assert_value(pool_of(h.m, 1)->usable_bytes, 23 * GIB);
    assert_string_equal(h.m->place[1].part, "Radeon RX 7900 XTX");
    assert_string_equal(h.m->place[1].backend, "ROCm");
    assert_string_equal(h.m->place[1].architecture, "RDNA3");
    assert_null(machine_place_of_gpu(h.m, 1));
    assert_exactly(rate_at(h.m, 1, WORK_READ_BYTES), 960e9);
    looked_close(h.s);
}

/* Cards that share a PCI id are told apart by memory; those that stay alike have the range of what they may be, and no part. */
static void test_one_id_for_several_cards(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {xtx, xtx, xtx};
    gpu[0].name = gpu[1].name = gpu[2].name = NULL;
    gpu[1].memory_bytes = told(20464 * MIB);
    gpu[2].pci_id = "1002:7550";
    gpu[2].memory_bytes = told(16304 * MIB);
    const struct made h = made_of(48 * GIB, gpu, COUNT_OF(gpu));
    assert_string_equal(h.m->place[1].part, "Radeon RX 7900 XTX");
    assert_string_equal(h.m->place[2].part, "Radeon RX 7900 XT");
    assert_null(h.m->place[3].part);
    assert_string_equal(h.m->place[3].architecture, "RDNA4");
    const struct rate *read = machine_place_rate(h.m, 3, WORK_READ_BYTES);
    assert_int_equal(read->per_s.origin, LISTED); /* all of them have it alike */
    const struct rate *gemm = machine_place_rate(h.m, 3, WORK_HGEMM_FLOP);
    assert_int_equal(gemm->per_s.origin, ESTIMATED);
    assert_true(gemm->per_s.low < gemm->per_s.likely && gemm->per_s.likely < gemm->per_s.high);
    looked_close(h.s);
}

/* Two unlike cards are two pools with a link each; nothing is their sum, and neither is as fast as the other. */
static void test_unlike_cards_are_not_added_up(void **state)
{
    (void)state;
    struct gpu_seen small = {.name = "NVIDIA GeForce RTX 3060",
                             .vendor = "NVIDIA",
                             .memory_bytes = told(12288 * MIB),
                             .free_bytes = told(12000 * MIB)};
    const struct gpu_seen gpu[] = {{.name = "NVIDIA GeForce RTX 4090",
                                    .vendor = "NVIDIA",
                                    .memory_bytes = told(24564 * MIB),
                                    .power_w = told(300)},
                                   small};
    const struct made h = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    const struct machine *m = h.m;
    assert_int_equal(device_pools(m), 2);
    assert_value(pool_of(m, 1)->total_bytes, 24564 * MIB);
    assert_value(pool_of(m, 2)->usable_bytes, 12000 * MIB);
    assert_string_equal(m->place[2].part, "GeForce RTX 3060 12GB");
    assert_exactly(rate_at(m, 1, WORK_READ_BYTES), 1008e9);
    assert_exactly(rate_at(m, 2, WORK_READ_BYTES), 360e9);
    assert_exactly(rate_at(m, 1, WORK_HGEMM_FLOP), 165.2e12);
    assert_exactly(rate_at(m, 1, WORK_IGEMM_FLOP), 660.6e12);
    assert_value(m->place[1].power_w,
                 300); /* what it may draw goes before what it is listed with */
    assert_value(m->place[2].power_w, 170);
    assert_int_equal(m->place[2].power_w.origin, LISTED);
    assert_int_equal(m->links, 4);
    for (uint16_t k = 1; k <= 2; k++) {
        assert_non_null(machine_link(m, 0, m->place[k].pool));
        assert_non_null(machine_link(m, m->place[k].pool, 0));
    }
    assert_null(machine_link(m, m->place[1].pool, m->place[2].pool));
    assert_false(known(m->link[0].bytes_per_s, NULL));
    looked_close(h.s);

    const struct made x = made_of(64 * GIB, &xtx, 1);
    assert_value(machine_link(x.m, 0, x.m->place[1].pool)->bytes_per_s, 31.5e9);
    assert_string_equal(x.m->link[0].words, "PCIe 4.0 x16");
    looked_close(x.s);
}

/* What is free decides, whoever says it; the driver before llama.cpp before what is used; never more than there is. */
static void test_free_memory_decides(void **state)
{
    (void)state;
    const struct gpu_seen card = {
        .name = "NVIDIA GeForce RTX 4090", .vendor = "NVIDIA", .memory_bytes = told(24564 * MIB)};
    struct gpu_seen gpu[6];
    for (size_t i = 0; i < COUNT_OF(gpu); i++) gpu[i] = card;
    gpu[0].free_bytes = told(200 * MIB);
    gpu[0].engine_free_bytes = told(300 * MIB);
    gpu[1].engine_free_bytes = told(300 * MIB);
    gpu[1].used_bytes = told(1 * GIB);
    gpu[2].used_bytes = told(24064 * MIB);
    gpu[3].used_bytes = told(99 * GIB);
    gpu[4].free_bytes = told(99 * GIB);
    const struct made h = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    const double usable[] = {200 * MIB, 300 * MIB, 500 * MIB, 0, 24564 * MIB, 24564 * MIB};
    for (size_t i = 0; i < COUNT_OF(gpu); i++) {
        assert_value(pool_of(h.m, i + 1)->usable_bytes, usable[i]);
        assert_value(pool_of(h.m, i + 1)->total_bytes, 24564 * MIB);
    }
    assert_non_null(strstr(pool_of(h.m, 1)->bound_by, "its driver"));
    assert_non_null(strstr(pool_of(h.m, 2)->bound_by, "llama.cpp"));
    assert_non_null(strstr(pool_of(h.m, 6)->bound_by, "not known"));
    looked_close(h.s);
}

static struct gpu_seen strix_halo(double own_bytes, double shared_bytes)
{
    return (struct gpu_seen){.name = "Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395) or another",
                             .vendor = "AMD",
                             .pci_id = "1002:1586",
                             .kind = GPU_INTEGRATED,
                             .memory_bytes = told(own_bytes),
                             .free_bytes = told(own_bytes - GIB / 4),
                             .shared_bytes = told(shared_bytes),
                             .shared_used_bytes = told(GIB),
                             .limited_by = "GTT, amdgpu"};
}

/* 96 GiB set aside of 128 are 96, not the 31 that Linux still has nor the GTT; a small one leaves the GTT, under its real limit. */
static void test_what_firmware_sets_aside(void **state)
{
    (void)state;
    const struct gpu_seen large = strix_halo(96 * GIB, 15.5 * GIB);
    const struct made h = made_of(31 * GIB, &large, 1);
    assert_int_equal(h.m->places, 2);
    assert_int_equal(machine_memory(h.m)->kind, POOL_MEMORY);
    assert_value(machine_memory(h.m)->total_bytes, 31 * GIB);
    assert_int_equal(pool_of(h.m, 1)->kind, POOL_DEVICE);
    assert_value(pool_of(h.m, 1)->total_bytes, 96 * GIB);
    assert_value(pool_of(h.m, 1)->usable_bytes, 95.75 * GIB);
    assert_non_null(strstr(pool_of(h.m, 1)->bound_by, "15.5 GiB"));
    assert_false(known(h.m->place[1].limit_bytes, NULL));
    assert_exactly(rate_at(h.m, 1, WORK_READ_BYTES), 256e9);
    looked_close(h.s);

    const struct gpu_seen small = strix_halo(GIB / 2, 110 * GIB);
    const struct made l = made_of(124 * GIB, &small, 1);
    assert_int_equal(device_pools(l.m), 0);
    assert_int_equal(machine_memory(l.m)->kind, POOL_SHARED);
    assert_ptr_equal(pool_of(l.m, 1), machine_memory(l.m));
    assert_ptr_equal(pool_of(l.m, 0), machine_memory(l.m));
    assert_value(l.m->place[1].limit_bytes, 109 * GIB);
    assert_non_null(strstr(l.m->place[1].bound_by, "GTT, amdgpu"));
    assert_non_null(strstr(l.m->place[1].bound_by, "512 MiB"));
    assert_int_equal(l.m->links, 0); /* nothing moves between two places on one pool */
    looked_close(l.s);
}

/* The processor's name tells which of the chips of one PCI id it is. */
static void test_named_by_the_processor(void **state)
{
    (void)state;
    const struct gpu_seen chip = strix_halo(GIB / 2, 62 * GIB);
    struct made h = made_of(124 * GIB, &chip, 1);
    assert_null(h.m->place[1].part);
    struct facts facts = h.facts;
    facts.cpu.name = "AMD RYZEN AI MAX 390 w/ Radeon 8050S";
    h.host.facts = &facts;
    const struct machine *m = machine_with_accelerators(&h.host, h.s->looking.catalog, h.s->arena);
    assert_string_equal(m->place[1].part, "Radeon 8050S (Strix Halo)");
    looked_close(h.s);
}

/* Chips without memory of their own that nobody asked: the maker's usual share, said to be assumed. */
static void test_usual_shares(void **state)
{
    (void)state;
    static const struct {
        const char *name, *maker;
        double memory_gib, limit_gib;
    } row[] = {{"Apple M2", "apple", 16, 16 * 0.6667},
               {"Apple M3 Pro", "apple", 36, 36 * 0.6667},
               {"Apple M2 Max", "apple", 64, 48},
               {"Radeon 890M", "AMD", 64, 32},
               {"Jetson Orin Nano 8GB", "nvidia", 7.4, 7.4},
               {"NVIDIA GB10", "NVIDIA", 119.6, 119.6}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct gpu_seen chip = {.name = row[i].name,
                                      .vendor = row[i].maker,
                                      /* as a table lists the chip, which is not this machine's */
                                      .memory_bytes = quantity_of(128 * GIB, LISTED, "catalogue")};
        const struct made h = made_of(row[i].memory_gib * GIB, &chip, 1);
        if (h.m->places != 2) fail_msg("%s is no place", row[i].name);
        assert_int_equal(device_pools(h.m), 0);
        assert_int_equal(machine_memory(h.m)->kind, POOL_SHARED);
        assert_close(value_of(h.m->place[1].limit_bytes) / GIB, row[i].limit_gib, 1e-9);
        assert_int_equal(h.m->place[1].limit_bytes.origin, ASSUMED);
        assert_non_null(h.m->place[1].bound_by);
        assert_non_null(machine_place_rate(h.m, 1, WORK_READ_BYTES));
        looked_close(h.s);
    }
}

/* A laptop's chip is its own row, and never the card that it borrows the name of. */
static void test_laptop_chips(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {
        {.name = "NVIDIA GeForce RTX 4090 Laptop GPU",
         .vendor = "NVIDIA",
         .pci_id = "10de:2717",
         .memory_bytes = told(16376 * MIB)},
        {.name = "NVIDIA GeForce RTX 3080 Laptop GPU", /* not in the catalogue */
         .vendor = "NVIDIA",
         .memory_bytes = told(8192 * MIB)},
        {.name = "NVIDIA GeForce RTX 4090", .vendor = "NVIDIA", .memory_bytes = told(16376 * MIB)}};
    const struct made h = made_of(32 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(h.m->places, 4);
    assert_string_equal(h.m->place[1].part, "GeForce RTX 4090 Laptop GPU");
    assert_exactly(rate_at(h.m, 1, WORK_READ_BYTES), 576e9);
    for (size_t k = 2; k <= 3; k++) {
        assert_null(h.m->place[k].part);
        assert_true(isnan(rate_at(h.m, k, WORK_READ_BYTES)));
        assert_string_equal(h.m->place[k].backend, "CUDA");
    }
    assert_value(pool_of(h.m, 2)->total_bytes, 8192 * MIB);
    looked_close(h.s);
}

/* A Tesla M40 is sized by its driver and priced by nobody; it is no M4. */
static void test_names_are_whole(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {
        {.name = "Tesla M40", .vendor = "NVIDIA", .memory_bytes = told(11448 * MIB)},
        {.name = "Intel HD Graphics 4000", .vendor = "Intel", .kind = GPU_INTEGRATED}};
    const struct made h = made_of(32 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(h.m->places, 2);
    assert_null(h.m->place[1].part);
    assert_int_equal(h.m->rates, 1); /* the CPU's */
    assert_int_equal(pool_of(h.m, 1)->kind, POOL_DEVICE);
    looked_close(h.s);
}

/* Cards of 32, 16 and 16 GB have that much, whatever a field of 32 bits would hold. */
static void test_large_cards(void **state)
{
    (void)state;
    static const double mib[] = {32607, 16303, 16311, 143771, 196592};
    struct gpu_seen gpu[COUNT_OF(mib)];
    for (size_t i = 0; i < COUNT_OF(mib); i++)
        gpu[i] = (struct gpu_seen){.name = "card", .memory_bytes = told(mib[i] * MIB)};
    const struct made h = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    for (size_t i = 0; i < COUNT_OF(mib); i++)
        assert_value(pool_of(h.m, i + 1)->total_bytes, mib[i] * MIB);
    looked_close(h.s);
}

/* What a process may not use, or nothing computes on, is a fact and no place. */
static void test_what_is_no_place(void **state)
{
    (void)state;
    const struct gpu_seen card = {
        .name = "NVIDIA GeForce RTX 4090", .vendor = "NVIDIA", .memory_bytes = told(24564 * MIB)};
    struct gpu_seen gpu[6];
    for (size_t i = 0; i < COUNT_OF(gpu); i++) gpu[i] = card;
    /* 16, 20 or 24 GB: none of them is known */
    gpu[5] = (struct gpu_seen){.pci_id = "1002:744c", .memory_bytes = unknown("no driver")};
    gpu[0].hidden = gpu[1].hidden = "CUDA_VISIBLE_DEVICES=";
    gpu[2].sized = GPU_DISPLAY_ONLY;
    gpu[3].kind = GPU_NPU;
    gpu[4] = (struct gpu_seen){.name = "unheard of", .memory_bytes = unknown("not asked")};
    const struct made h = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(h.m->places, 1);
    assert_int_equal(h.m->pools, 2);
    assert_int_equal(h.m->links, 0);
    assert_int_equal(h.m->rates, 1);
    assert_int_equal(h.m->facts->gpus, 6);
    looked_close(h.s);

    /* The one that is left is GPU 0 to it. */
    gpu[1].hidden = NULL;
    const struct made l = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(l.m->places, 2);
    assert_string_equal(l.m->place[1].name, "GPU 0");
    assert_int_equal(l.m->place[1].gpu, 1);
    assert_ptr_equal(machine_place_of_gpu(l.m, 1), &l.m->place[1]);
    looked_close(l.s);
}

/* Slices have their own memory and their share of the card's rates; the card is not there beside them. */
static void test_slices(void **state)
{
    (void)state;
    const struct gpu_seen slice = {.name = "NVIDIA A100-SXM4-80GB MIG 1g.10gb",
                                   .vendor = "NVIDIA",
                                   .kind = GPU_SLICE,
                                   .uuid = "MIG-1",
                                   .parent = "GPU-1",
                                   .memory_bytes = told(10240 * MIB)};
    const struct gpu_seen gpu[] = {{.name = "NVIDIA A100-SXM4-80GB",
                                    .vendor = "NVIDIA",
                                    .uuid = "GPU-1",
                                    .memory_bytes = told(81920 * MIB)},
                                   slice,
                                   slice};
    const struct made h = made_of(64 * GIB, gpu, COUNT_OF(gpu));
    assert_int_equal(h.m->places, 3);
    assert_int_equal(device_pools(h.m), 2);
    assert_int_equal(h.m->place[1].gpu, 1);
    assert_value(pool_of(h.m, 1)->total_bytes, 10240 * MIB);
    assert_string_equal(h.m->place[1].part, "A100 SXM4 80GB");
    const struct rate *read = machine_place_rate(h.m, 1, WORK_READ_BYTES);
    assert_non_null(read);
    assert_exactly(read->per_s.likely, 2039e9 / 8);
    assert_int_equal(read->per_s.origin, ESTIMATED);
    assert_false(known(h.m->place[1].power_w, NULL));
    looked_close(h.s);
}

static void expect_same(const struct machine *a, const struct machine *b)
{
    assert_int_equal(a->pools, b->pools);
    assert_int_equal(a->places, b->places);
    assert_int_equal(a->links, b->links);
    assert_int_equal(a->rates, b->rates);
    for (size_t i = 0; i < a->pools; i++) {
        assert_int_equal(a->pool[i].kind, b->pool[i].kind);
        assert_value(a->pool[i].usable_bytes, value_of(b->pool[i].usable_bytes));
    }
    for (size_t i = 0; i < a->places; i++) assert_int_equal(a->place[i].pool, b->place[i].pool);
    for (size_t i = 0; i < a->rates; i++) {
        assert_int_equal(a->rate[i].place, b->rate[i].place);
        assert_exactly(a->rate[i].per_s.likely, b->rate[i].per_s.likely);
    }
}

/* Made again it is the same; with new facts the figures are new; rates measured meanwhile stay, also when a card before it goes. */
static void test_made_anew(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {xtx, strix_halo(GIB / 2, 30 * GIB)};
    const struct made h = made_of(60 * GIB, gpu, COUNT_OF(gpu));
    struct arena *a = h.s->arena;
    const struct catalog *c = h.s->looking.catalog;
    expect_same(machine_with_accelerators(h.m, c, a), h.m);

    const struct rate measured[] = {{.work = WORK_READ_BYTES,
                                     .type = RATE_NO_TYPE,
                                     .threads = 8,
                                     .per_s = estimate_exactly(61e9, MEASURED, "test")},
                                    {.work = WORK_READ_BYTES,
                                     .type = RATE_NO_TYPE,
                                     .place = 2,
                                     .per_s = estimate_exactly(222e9, MEASURED, "test")}};
    const struct machine *m = machine_with_rates(h.m, measured, 2, a);
    assert_int_equal(m->rates, h.m->rates + 1); /* the CPU's replaced, the chip's added */
    assert_exactly(rate_at(m, 2, WORK_READ_BYTES), 222e9);
    m = machine_with_accelerators(m, c, a);
    assert_int_equal(m->rates, h.m->rates + 1);
    assert_exactly(rate_at(m, 2, WORK_READ_BYTES), 222e9);
    assert_exactly(machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS)->per_s.likely, 61e9);

    struct facts facts = *m->facts;
    struct gpu_seen later[] = {gpu[0], gpu[1]};
    later[0].hidden = "HIP_VISIBLE_DEVICES=1";
    facts.gpu = later;
    struct machine changed = *m;
    changed.facts = &facts;
    m = machine_with_accelerators(&changed, c, a);
    assert_int_equal(m->places, 2);
    assert_int_equal(device_pools(m), 0);
    assert_int_equal(m->place[1].gpu, 1);
    assert_exactly(rate_at(m, 1, WORK_READ_BYTES), 222e9);
    looked_close(h.s);
}

/* Measuring nothing takes the CPU's rates away, not what cards are listed with; and that is no measurement. */
static void test_listed_is_not_measured(void **state)
{
    (void)state;
    const struct made h = made_of(60 * GIB, &xtx, 1);
    assert_true(machine_rated(h.m));
    const struct machine *m = machine_unmeasured(h.m, "--quick", h.s->arena);
    assert_false(machine_rated(m));
    assert_string_equal(m->unmeasured, "--quick");
    assert_exactly(rate_at(m, 1, WORK_READ_BYTES), 960e9);
    looked_close(h.s);
}

static void test_without_catalogue(void **state)
{
    (void)state;
    const struct made h = made_of(60 * GIB, &xtx, 1);
    const struct machine *m = machine_with_accelerators(&h.host, NULL, h.s->arena);
    assert_int_equal(m->places, 2);
    assert_null(m->place[1].part);
    assert_value(pool_of(m, 1)->usable_bytes, 23 * GIB);
    looked_close(h.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphics_of_the_processor_beside_a_card),
        cmocka_unit_test(test_one_id_for_several_cards),
        cmocka_unit_test(test_unlike_cards_are_not_added_up),
        cmocka_unit_test(test_free_memory_decides),
        cmocka_unit_test(test_what_firmware_sets_aside),
        cmocka_unit_test(test_named_by_the_processor),
        cmocka_unit_test(test_usual_shares),
        cmocka_unit_test(test_laptop_chips),
        cmocka_unit_test(test_names_are_whole),
        cmocka_unit_test(test_large_cards),
        cmocka_unit_test(test_what_is_no_place),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_listed_is_not_measured),
        cmocka_unit_test(test_without_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
