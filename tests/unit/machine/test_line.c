/* Machine lines: what each key gives, where values end, and what is refused with which words. */
#include "looked.h"

#include "machine/accelerators.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_whole(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    const struct machine *m =
        looked_line(s, "cpu:8 ram:32GiB available:28GiB swap:0 gpu:RTX 4090 x2 disk:500GiB "
                       "host:my box os:linux bandwidth:60GB/s");
    const struct facts *f = m->facts;
    assert_value(machine_memory(m)->total_bytes, 32 * 0x1p30);
    assert_value(machine_memory(m)->usable_bytes, 28 * 0x1p30);
    assert_int_equal(machine_memory(m)->usable_bytes.origin, REPORTED);
    assert_value(f->memory.swap_total_bytes, 0);
    assert_value(machine_cpu(m)->threads, 8);
    assert_value(f->cpu.cores, 8);
    assert_int_equal(f->gpus, 2);
    assert_non_null(strstr(f->gpu[1].name, "RTX 4090"));
    assert_value(f->gpu[1].memory_bytes, 24564 * 0x1p20); /* as its driver counts 24 GB */
    assert_int_equal(f->gpu[1].memory_bytes.origin, LISTED);
    assert_string_equal(f->gpu[1].part, f->gpu[1].name);
    assert_int_equal(f->disks, 1);
    assert_value(f->disk[0].free_bytes, 500 * 0x1p30);
    assert_string_equal(m->name, "my box");
    assert_string_equal(f->os.platform, "Linux");
    const struct rate *r = machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS);
    assert_non_null(r);
    assert_exactly(r->per_s.likely, 60e9);
    assert_exactly(r->threads, 8);
    assert_null(m->unmeasured);
    assert_false(m->here);
    assert_null(m->fingerprint);
    assert_int_equal(s->notes.count, 0);
    assert_int_equal(m->places, 3);
    looked_close(s);
}

static void test_ram_alone(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    const struct machine *m = looked_line(s, "  ram:32  ");
    assert_value(machine_memory(m)->usable_bytes, 32 * 0x1p30);
    assert_int_equal(machine_memory(m)->usable_bytes.origin, ASSUMED);
    assert_non_null(strstr(machine_memory(m)->bound_by, "available was not given"));
    assert_int_equal(s->notes.count, 1); /* the fallback is confessed */
    assert_false(known(machine_cpu(m)->threads, NULL));
    assert_int_equal(m->rates, 0);
    assert_non_null(strstr(m->unmeasured, "bandwidth"));
    assert_int_equal(m->facts->disks, 0);
    assert_int_equal(m->facts->gpus, 0);
    looked_close(s);
}

static void test_named_parts(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    const struct machine *m =
        looked_line(s, "cpu:ryzen 9 7950x RAM:64GB gpu:RTX 3060 8GB, rtx3060 12 GB os:Debian 12");
    const struct facts *f = m->facts;
    bool avx512 = false;
    assert_non_null(strstr(f->cpu.name, "7950X"));
    assert_value(f->cpu.cores, 16);
    assert_value(f->cpu.threads, 32);
    assert_int_equal(f->cpu.threads.origin, LISTED);
    for (size_t i = 0; i < f->cpu.feature_count; i++)
        avx512 |= strcmp(f->cpu.features[i], "avx512f") == 0;
    assert_true(avx512);
    assert_value(machine_memory(m)->total_bytes, 64e9); /* decimal as written */
    assert_int_equal(f->gpus, 2);
    assert_value(f->gpu[0].memory_bytes, 8 * 0x1p30);
    assert_value(f->gpu[1].memory_bytes, 12 * 0x1p30);
    assert_string_equal(f->os.distribution, "Debian 12");
    looked_close(s);

    s = looked_tree("wsl2");
    m = looked_line(s, "cpu:16 threads ram:8 gpu:Home Made 7GB x3");
    assert_value(machine_cpu(m)->threads, 16);
    assert_false(known(m->facts->cpu.cores, NULL));
    assert_int_equal(m->facts->gpus, 3);
    assert_string_equal(m->facts->gpu[0].name, "Home Made");
    assert_value(m->facts->gpu[0].memory_bytes, 7 * 0x1p30);
    assert_int_equal(m->facts->gpu[0].memory_bytes.origin, REPORTED);
    looked_close(s);

    s = looked_tree("wsl2");
    m = looked_line(s, "ram:8 gpu:RTX 4090 free 20GB x2, RTX 3060 12GB free 0.5 GiB, Own 24GB");
    assert_int_equal(m->facts->gpus, 4);
    assert_value(m->facts->gpu[1].free_bytes, 20 * 0x1p30);
    assert_value(m->facts->gpu[2].free_bytes, 0x1p29);
    assert_false(known(m->facts->gpu[3].free_bytes, NULL));
    assert_null(m->facts->gpu[3].part);
    looked_close(s);

    s = looked_tree("wsl2"); /* as drivers tell it, and a card that is full */
    m = looked_line(s, "ram:8 gpu:RTX 4090 24564MiB free 100MB, RTX 3060 12GB free 0 MiB");
    assert_value(m->facts->gpu[0].memory_bytes, 24564 * 0x1p20);
    assert_value(m->facts->gpu[0].free_bytes, 100 * 0x1p20);
    assert_value(m->facts->gpu[1].free_bytes, 0);
    looked_close(s);

    s = looked_tree("wsl2");
    m = looked_line(s, "ram:64GiB gpu:M2 Max");
    assert_string_equal(m->facts->os.platform, "Darwin"); /* it comes with no other */
    looked_close(s);
    s = looked_tree("wsl2");
    m = looked_line(s, "ram:64GiB gpu:M2 Max os:Asahi");
    assert_string_equal(m->facts->os.platform, "Linux");
    looked_close(s);

    s = looked_tree("wsl2"); /* as people say them for short */
    m = looked_line(s, "ram:64 gpu:4090, 7900 XTX, 3060 8GB, M40, M4");
    static const char *const meant[] = {"GeForce RTX 4090", "Radeon RX 7900 XTX",
                                        "GeForce RTX 3060 8GB", "Tesla M40 24GB", "Apple M4"};
    assert_int_equal(m->facts->gpus, COUNT_OF(meant));
    for (size_t i = 0; i < COUNT_OF(meant); i++)
        assert_string_equal(m->facts->gpu[i].part, meant[i]);
    looked_close(s);

    s = looked_tree("wsl2"); /* a comma in brackets is the name's */
    m = looked_line(s, "ram:64 gpu:Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395), RTX 4090");
    assert_int_equal(m->facts->gpus, 2);
    assert_non_null(m->facts->gpu[0].part);
    assert_non_null(strstr(m->facts->gpu[1].name, "RTX 4090"));
    looked_close(s);
    s = looked_tree("wsl2"); /* and one that is never closed is no bracket */
    m = looked_line(s, "ram:64 gpu:Own (big 24GB, RTX 4090");
    assert_int_equal(m->facts->gpus, 2);
    looked_close(s);

    s = looked_tree("wsl2");
    m = looked_line(s, "ram:8 gpu:none");
    assert_int_equal(m->facts->gpus, 0);
    looked_close(s);
}

/* A rate behind a card stands before what is listed; nothing else of the card changes. */
static void test_bandwidth_of_cards(void **state)
{
    (void)state;
    static const struct {
        const char *gpu;
        size_t places;
        double per_s, gib; /* of the last one */
        double free_gib;   /* NaN: not given */
    } rows[] = {{"Home Made 24GB 900GB/s", 2, 900e9, 24, (double)NAN},
                {"Home Made 24GB 1.8 TB/s x2", 3, 1.8e12, 24, (double)NAN},
                {"Home Made 24GB 900 GB/s free 20GB", 2, 900e9, 24, 20},
                {"RTX 4090, Home Made 24GB free 20GB 0.9TB/s", 3, 900e9, 24, 20},
                {"RTX 4070 400GB/s", 2, 400e9, 12, (double)NAN}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct looked *s = looked_tree("wsl2");
        const struct machine *m =
            looked_line(s, str_format(s->arena, "ram:64 gpu:%s", rows[i].gpu));
        const struct gpu_seen *g = &m->facts->gpu[m->facts->gpus - 1];
        const struct rate *r = machine_place_rate(m, m->places - 1, WORK_READ_BYTES);
        assert_int_equal(m->places, rows[i].places);
        assert_non_null(r);
        assert_exactly(r->per_s.likely, rows[i].per_s);
        assert_int_equal(r->per_s.origin, REPORTED);
        assert_value(g->memory_bytes, rows[i].gib * 0x1p30);
        assert_exactly(known_or(g->free_bytes, -1),
                       isnan(rows[i].free_gib) ? -1 : rows[i].free_gib * 0x1p30);
        const struct machine *again = machine_with_accelerators(m, s->looking.catalog, s->arena);
        r = machine_place_rate(again, again->places - 1, WORK_READ_BYTES);
        assert_exactly(r->per_s.likely, rows[i].per_s); /* made anew, it is still there */
        looked_close(s);
    }
}

static const char *const refused[][2] = {
    {"", "ram is not given"},
    {"cpu:8", "ram is not given"},
    {"ram", "is no key:value"},
    {"big machine ram:8", "'big machine ram:8' is no key:value"},
    {"ram:8 rma:9", "did you mean 'ram'"},
    {"ram:8 availble:9", "did you mean 'available'"},
    {"ram:8 colour:red", "keys are cpu ram"},
    {"ram:8 ram:9", "ram is given twice"},
    {"ram:8 cpu:", "cpu has no value"},
    {"ram:0", "more than nothing"},
    {"ram:-8", "not a size"},
    {"ram:lots", "not a size"},
    {"ram:99999999999999999999", "not a size"},
    {"ram:8 available:9", "at most ram"},
    {"ram:8 cpu:0", "between 1 and 65536"},
    {"ram:8 cpu:65537", "between 1 and 65536"},
    {"ram:8 cpu:abacus", "not a number of cores"},
    {"ram:8 gpu:abacus", "no GPU is known as 'abacus'"},
    {"ram:8 gpu:RTX 409", "did you mean GeForce RTX 4090?"},
    {"ram:8 gpu:RTX 4090 x0", "at most 64"},
    {"ram:8 gpu:RTX 4090 x65", "at most 64"},
    {"ram:8 gpu:RTX 4090 x60, RTX 4090 x5", "at most 64"},
    {"ram:8 gpu:RTX 4090,", "the name of a GPU"},
    {"ram:8 gpu:RTX 4090 24GB free 25GB", "so much free"},
    {"ram:8 gpu:free 10GB", "the name of a GPU"},
    {"ram:8 gpu:RTX 4090, free 10GB", "the name of a GPU"},
    {"ram:8 gpu:Home Made 24GB fast/s", "no GPU is known as"},
    {"ram:8 gpu:Home Made 24GB 0GB/s", "no GPU is known as"},
    {"ram:8 gpu:Home Made 24GB 900000000GB/s", "no GPU is known as"},
    {"ram:8 gpu:900GB/s", "no GPU is known as"},
    {"ram:8 gpu:M2 Max free 2GB", "shares the machine's memory"},
    {"ram:8 gpu:RTX 3080 Laptop", "no GPU is known as"},
    {"ram:8 disk:no", "not a size"},
    {"ram:8 bandwidth:0", "not a rate"},
    {"ram:8 bandwidth:fast", "not a rate"},
    {"ram:8 \x1b[31mram:9", "\\x1b[31m"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct looked *s = looked_tree("wsl2");
        const struct machine *m = NULL;
        if (machine_from_line(str_of(refused[i][0]), &s->looking, &m, &s->err))
            fail_msg("taken: %s", refused[i][0]);
        assert_int_equal(s->err.code, MU_USAGE);
        assert_null(strchr(s->err.text, '\x1b'));
        if (!strstr(s->err.text, refused[i][1]))
            fail_msg("%s\nsays: %s\nnot: %s", refused[i][0], s->err.text, refused[i][1]);
        looked_close(s);
    }
}

static void test_without_catalogue(void **state)
{
    (void)state;
    struct looked *s = looked_tree("wsl2");
    const struct machine *m = NULL;
    s->looking.catalog = NULL;
    m = looked_line(s, "ram:8 gpu:RTX 4090 24GB");
    assert_string_equal(m->facts->gpu[0].name, "RTX 4090");
    assert_value(m->facts->gpu[0].memory_bytes, 24 * 0x1p30);
    assert_false(machine_from_line(S("ram:8 cpu:some name"), &s->looking, &m, &s->err));
    looked_close(s);
}

static void test_truncated(void **state)
{
    (void)state;
    static const char line[] =
        "cpu:8 ram:32GiB available:28GiB gpu:RTX 4090 x2 disk:500GiB bandwidth:60GB/s";
    size_t taken = 0;
    for (size_t n = 0; n < sizeof line; n++) {
        struct looked *s = looked_tree("wsl2");
        const struct machine *m = NULL;
        char *part = malloc(n + 1);
        assert_non_null(part);
        memcpy(part, line, n);
        if (machine_from_line((struct str){part, n}, &s->looking, &m, &s->err)) {
            taken++;
            assert_true(known(machine_memory(m)->usable_bytes, NULL));
        } else {
            assert_int_equal(s->err.code, MU_USAGE);
        }
        free(part);
        looked_close(s);
    }
    assert_true(taken > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),       cmocka_unit_test(test_ram_alone),
        cmocka_unit_test(test_named_parts), cmocka_unit_test(test_bandwidth_of_cards),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_without_catalogue),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
