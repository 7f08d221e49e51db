/* tests/unit/measure/test_device_rates.c - rates of accelerators: which build is asked, what of its answer is believed, where rates and
 * links go, and how they are kept when cards come, go and change places. Engines are shell scripts. */
#include "rig.h"

#include "base/json.h"
#include "catalog/types.h"
#include "measure/device.h"

enum { CARDS = 2, PLACES = 1 + CARDS };
struct bench {
    struct rig r;
    struct gpu_seen card[CARDS];
    struct pool pool[PLACES];
    struct place place[PLACES];
    struct link link;
};

#define ROW(device, work, more, likely)                                                       \
    "{\"work\": \"" work "\", \"device\": \"" device "\", " more                              \
    "\"threads\": 0, \"low\": 1, \"likely\": " likely ", \"high\": 9e9, \"runs\": 3, \"sourc" \
    "e\": \"s\", \"conditions\": \"idle\"}"
#define SAY(row) "echo '" row "'\n"
#define CPU_ROW                                                                            \
    "{\"work\": \"memory read\", \"threads\": 1, \"low\": 1, \"likely\": 2, \"high\": 3, " \
    "\"runs\": 3, \"source\": \"s\", \"conditions\": \"idle\"}"
#define MATMUL "\"type\": \"q4_K\", \"tokens\": 1, \"row\": 4096, "
/* What it was asked stands in the file "asked" afterwards. */
#define SCRIPT(of_devices)                                                        \
    "case $1 in memory) " SAY(                                                    \
        CPU_ROW) "exit;; device) cat >> \"$(dirname \"$0\")/asked\"\n"            \
                 "echo \" ${0##*/}\" >> \"$(dirname \"$0\")/asked\"\n" of_devices \
                 "exit;; *) exit 64;; esac"
#define GOOD(device)                                                    \
    SAY(ROW(device, "matmul", MATMUL, "5"))                             \
    SAY(ROW(device, "memory read", "", "7"))                            \
    SAY(ROW(device, "copy to device", "\"buffer\": \"CPU\", ", "3"))    \
    SAY(ROW(device, "copy to device", "\"buffer\": \"X_Host\", ", "8")) \
    SAY(ROW(device, "copy from device", "\"buffer\": \"CPU\", ", "2"))

/* Two equal cards, of which llama.cpp has the first under two backends. */
static void bench_open(struct bench *b, const char *script)
{
    *b = (struct bench){.link = {.from = 0, .to = 1, .words = "PCIe"}};
    rig_open(&b->r);
    b->r.in.catalog = catalog_open(NULL, b->r.arena);
    b->r.in.disk_folder = NULL;
    b->pool[0] = b->r.pool;
    b->place[0] = b->r.place;
    for (uint16_t i = 0; i < CARDS; i++) {
        b->card[i] = (struct gpu_seen){.name = "Card 9",
                                       .pci_address = i ? "0000:81:00.0" : "0000:01:00.0",
                                       .processes = unknown(NULL)};
        b->pool[1 + i] = (struct pool){.kind = POOL_DEVICE, .name = "GPU"};
        b->place[1 + i] = (struct place){.kind = PLACE_GPU,
                                         .name = "Card 9",
                                         .pool = (uint16_t)(1 + i),
                                         .backend = "Beta",
                                         .gpu = i};
    }
    b->card[0].engine = "Alpha0, Beta0";
    b->r.facts.gpu = b->card;
    b->r.facts.gpus = CARDS;
    b->r.machine.pool = b->pool;
    b->r.machine.place = b->place;
    b->r.machine.pools = b->r.machine.places = PLACES;
    b->r.machine.link = &b->link;
    b->r.machine.links = 1;
    rig_engine(&b->r, script);
}

static void bench_close(struct bench *b)
{
    static const char *const names[] = {"asked", "engine-cuda"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(str_format(b->r.arena, "%s/%s", b->r.folder, names[i]));
    rig_close(&b->r);
}

static const char *asked(struct bench *b)
{
    char text[4096] = "";
    FILE *f = fopen(str_format(b->r.arena, "%s/asked", b->r.folder), "r");
    if (!f) return "";
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    return str_copy(b->r.arena, (struct str){text, n});
}

static struct measured measured(struct bench *b)
{
    struct mu_err err = {0};
    struct measured found;
    if (!measure_machine(&b->r.in, &b->r.machine, MEASURE_USUAL, &found, &err))
        fail_msg("%s", err.text);
    return found;
}

static size_t rates_at(const struct measured *found, uint16_t place)
{
    size_t n = 0;
    for (size_t i = 0; i < found->rates; i++) n += found->rate[i].place == place;
    return n;
}

static void test_rates_and_links(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, SCRIPT(GOOD("Beta0")));
    const struct measured found = measured(&b);
    assert_int_equal(rates_at(&found, 0), 1);
    assert_int_equal(rates_at(&found, 1), 5);
    assert_int_equal(rates_at(&found, 2), 0);
    assert_int_equal(found.devices, 1);
    assert_string_equal(found.device[0], "Card 9 0000:01:00.0");
    const struct machine *m = measure_applied(&b.r.machine, &found, b.r.arena);
    const struct rate *read = machine_place_rate(m, 1, WORK_READ_BYTES);
    assert_int_equal(read->per_s.origin, MEASURED);
    assert_exactly(read->per_s.likely, 7);
    assert_exactly(read->threads, 0);
    assert_exactly(machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS)->per_s.likely, 2);
    /* The faster of two kinds of memory; the link that was known keeps its words. */
    assert_int_equal(m->links, 2);
    assert_exactly(machine_link(m, 0, 1)->bytes_per_s.value, 8);
    assert_int_equal(machine_link(m, 0, 1)->bytes_per_s.origin, MEASURED);
    assert_string_equal(machine_link(m, 0, 1)->words, "PCIe");
    assert_exactly(machine_link(m, 1, 0)->bytes_per_s.value, 2);
    assert_null(machine_link(m, 0, 2));
    bench_close(&b);
}

static void test_the_request(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, SCRIPT(GOOD("Beta0")));
    (void)measured(&b);
    struct json *j = NULL;
    struct mu_err err = {0};
    struct str text = str_of(asked(&b)), device;
    text.n -= strlen(" engine\n");
    assert_true(json_parse(text, "the request", &j, &err));
    assert_true(json_text(json_get(j, "device"), &device));
    assert_true(str_is(device, "Beta0"));
    assert_true(json_count(json_get(j, "types")) > 10);
    json_free(j);
    bench_close(&b);
}

/* Its own build goes before the CPU's, where it stands. */
static void test_which_build(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *backend;
        bool beside;
        const char *asked;
    } rows[] = {{"CUDA0, Beta0", "CUDA", true, " engine-cuda\n"},
                {"CUDA0, Beta0", "CUDA", false, " engine\n"},
                {"Cuda0", NULL, true, " engine-cuda\n"},
                {"Beta0, CUDA0", "gamma", true, " engine\n"},
                {"Beta0, CUDA0", "cuda", true, " engine-cuda\n"},
                {"CU", "CU", true, " engine\n"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bench b;
        bench_open(&b, SCRIPT(""));
        b.card[0].engine = rows[i].engine;
        b.place[1].backend = rows[i].backend;
        if (rows[i].beside) {
            const char *path = rig_write(&b.r, "engine-cuda", "#!/bin/sh\n" SCRIPT("") "\n");
            assert_int_equal(chmod(path, 0700), 0);
        }
        (void)measured(&b);
        const char *said = asked(&b);
        if (!strstr(said, rows[i].asked)) fail_msg("row %zu: %s", i, said);
        bench_close(&b);
    }
}

static void test_answers_that_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *script, *why;
    } rows[] = {
        {SCRIPT(SAY(ROW("Alpha0", "memory read", "", "7"))), "was not asked for"},
        {SCRIPT(SAY(CPU_ROW)), "was not asked for"},
        {SCRIPT(SAY(ROW("Beta0", "disk read", "", "7"))), "disk read there was not asked for"},
        {SCRIPT(SAY(ROW("Beta0", "memory read", "", "0"))), "are not three numbers over 0"},
        {SCRIPT(SAY(ROW("Beta0", "memory read", "\"hue\": 1, ", "7"))), "a key that is not known"},
        {SCRIPT(GOOD("Beta0") SAY(ROW("Beta0", "memory read", "", "7"))), "was said twice"},
        {SCRIPT(GOOD("Beta0") "kill -SEGV $$\n"), "SIGSEGV"},
        {SCRIPT("echo 'Beta0 has 40.0 MiB free' >&2; exit 69\n"), "Beta0 has 40.0 MiB free"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bench b;
        bench_open(&b, rows[i].script);
        const struct measured found = measured(&b);
        assert_int_equal(found.rates, 1);
        assert_true(found.in_part);
        assert_int_equal(found.devices, 1);
        assert_noted(&b.r.notes, "Card 9 0000:01:00.0 not measured: ");
        assert_noted(&b.r.notes, rows[i].why);
        bench_close(&b);
    }
}

/* Rows of the CPU's tests may not speak for a device. */
static void test_devices_in_other_tests(void **state)
{
    (void)state;
    struct bench b;
    bench_open(
        &b,
        "case $1 in memory) " SAY(ROW(
            "Beta0", "memory read", "",
            "7")) "exit;;\n"
                  "gemm) echo '{\"work\": \"sgemm\", \"threads\": 1, \"low\": 1, \"likely\": 2, "
                  "\"high\": 3, \"runs\": 3, \"source\": \"s\", \"conditions\": \"idle\"}';;\n"
                  "*) exit 64;; esac");
    assert_int_equal(measured(&b).rates, 1);
    assert_noted(&b.r.notes, "was not asked for");
    bench_close(&b);
}

static void test_not_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct bench b;
        bench_open(&b, SCRIPT(GOOD("Beta0")));
        if (i == 0) b.card[0].hidden = "an order from outside";
        if (i == 1) b.place[1].gpu = 7;
        if (i == 2) b.r.machine.places = 1;
        const struct measured found = measured(&b);
        assert_int_equal(found.rates, 1);
        assert_int_equal(found.devices, 0);
        assert_string_equal(asked(&b), "");
        bench_close(&b);
    }
}

static void test_programs_on_it(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, SCRIPT(GOOD("Beta0")));
    b.card[0].processes = quantity_of(2, REPORTED, "a test");
    const struct measured found = measured(&b);
    assert_string_equal(found.rate[0].conditions, "idle");
    assert_string_equal(found.rate[1].conditions, "busy: 2 programs on it before; idle");
    bench_close(&b);
}

static struct measured kept_of(struct bench *b)
{
    struct measured kept;
    b->r.notes.count = 0;
    assert_true(measure_kept(&b->r.in, &b->r.machine, &kept));
    assert_int_equal(b->r.notes.count, 0);
    return kept;
}

/* What is kept goes with the card, whatever its index. */
static void test_kept(void **state)
{
    (void)state;
    struct bench b;
    struct mu_err err = {0};
    bench_open(&b, SCRIPT(GOOD("Beta0")));
    const struct measured found = measured(&b);
    assert_true(measure_keep(&b.r.in, &b.r.machine, &found, &err));
    struct measured kept = kept_of(&b);
    assert_int_equal(kept.rates, found.rates);
    assert_false(kept.stale);
    for (size_t i = 0; i < found.rates; i++) {
        assert_int_equal(kept.rate[i].place, found.rate[i].place);
        assert_int_equal(kept.rate[i].work, found.rate[i].work);
        assert_exactly(kept.rate[i].threads, found.rate[i].threads);
    }
    b.place[1].gpu = 1; /* the two changed places */
    b.place[2].gpu = 0;
    kept = kept_of(&b);
    assert_int_equal(rates_at(&kept, 2), 5);
    assert_int_equal(rates_at(&kept, 1), 0);
    b.card[0].pci_address =
        "0000:02:00.0"; /* another card: what was kept is of none, and this one is new */
    kept = kept_of(&b);
    assert_int_equal(kept.rates, 1);
    assert_true(kept.stale);
    bench_close(&b);
}

/* A card that gave nothing is not asked again each time, one that came since is. */
static void test_tried(void **state)
{
    (void)state;
    struct bench b;
    struct mu_err err = {0};
    bench_open(&b, SCRIPT("exit 69\n"));
    const struct measured found = measured(&b);
    assert_true(measure_keep(&b.r.in, &b.r.machine, &found, &err));
    assert_false(kept_of(&b).stale);
    b.card[1].engine = "Beta1";
    assert_true(kept_of(&b).stale);
    b.card[1].hidden = "an order from outside";
    assert_false(kept_of(&b).stale);
    bench_close(&b);
}

/* Slices stand at their card's address. */
static void test_names(void **state)
{
    (void)state;
    struct bench b;
    uint16_t place;
    bench_open(&b, "exit 0");
    const struct machine *m = &b.r.machine;
    assert_null(measure_device_name(m, 0, b.r.arena));
    assert_null(measure_device_name(m, 99, b.r.arena));
    b.card[0].parent = b.card[1].parent = "GPU-1";
    b.card[0].uuid = "MIG-1";
    b.card[1].uuid = "MIG-2";
    b.card[1].pci_address = b.card[0].pci_address;
    assert_string_equal(measure_device_name(m, 2, b.r.arena), "Card 9 MIG-2");
    assert_true(measure_device_place(m, "Card 9 MIG-2", b.r.arena, &place));
    assert_int_equal(place, 2);
    assert_false(measure_device_place(m, "Card 9", b.r.arena, &place));
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_and_links),
        cmocka_unit_test(test_the_request),
        cmocka_unit_test(test_which_build),
        cmocka_unit_test(test_answers_that_are_not_believed),
        cmocka_unit_test(test_devices_in_other_tests),
        cmocka_unit_test(test_not_asked),
        cmocka_unit_test(test_programs_on_it),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_tried),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
