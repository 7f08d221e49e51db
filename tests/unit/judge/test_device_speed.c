/* Accelerators without a measurement: which row of constants holds for a place, what a line takes there, that more is never faster, how
 * places mix, and what a file of constants may not say. */
#include "../stage.h"

#include <math.h>

#include "base/num.h"
#include "judge/accelerator.h"
#include "judge/device_speed.h"
#include "judge/speed.h"
#include "machine/facts.h"

enum { F16 = 1, Q4_0 = 2, Q4_K = 12, RATES = 4, CPU = 0, CARD = 1, PLACES };

static const char *const having[] = {"Stacked 80"};
/* Round numbers: a card of 1000 bytes a second and 1e6 products. */
static const struct accelerator rows[] = {
    {.read_share = 0.1,
     .block_share = 1,
     .attend_share = 0.1,
     .attend_plain_share = 0.1,
     .quant_share = 0.1,
     .float_share = 0.1,
     .expert_share = 1},
    {.backend = "FAST",
     .read_share = 0.5,
     .block_share = 0.5,
     .attend_share = 0.5,
     .attend_plain_share = 0.25,
     .quant_share = 0.5,
     .integers = true,
     .float_share = 0.5,
     .half_columns = 8,
     .expert_share = 0.5,
     .launch_s = 0.001,
     .decode = {{0.8, 1.25}, {(double)NAN, (double)NAN}},
     .prefill = {{0.5, 2}, {(double)NAN, (double)NAN}}},
    {.backend = "FAST", .architecture = "New", .read_share = 0.9},
    {.backend = "FAST", .memory = "HBM", .having = having, .havings = 1, .read_share = 0.3},
    {.backend = "FAST", .part = "Twin", .read_share = 0.2},
};

struct rig {
    struct world world;
    struct place place[PLACES];
    struct pool pool[PLACES];
    struct rate rate[RATES];
    struct link link[1];
    struct machine machine;
    struct bill bill;
    struct device device;
};

static struct rig *rig_new(struct stage *s)
{
    struct rig *r = NEW(s->arena, struct rig);
    r->world = (struct world){.accelerator = rows, .accelerators = COUNT_OF(rows)};
    r->place[CPU] = (struct place){.kind = PLACE_CPU, .name = "CPU"};
    r->place[CARD] = (struct place){.kind = PLACE_GPU,
                                    .name = "GPU 0",
                                    .pool = CARD,
                                    .part = "Card 8",
                                    .architecture = "Old",
                                    .backend = "FAST",
                                    .power_w = {100, LISTED, "test"}};
    r->machine = (struct machine){.name = "test",
                                  .pool = r->pool,
                                  .pools = PLACES,
                                  .place = r->place,
                                  .places = PLACES,
                                  .rate = r->rate,
                                  .link = r->link};
    r->device = (struct device){&r->machine, &r->world, CARD, true, 512};
    return r;
}

static void add_rate(struct rig *r, enum machine_work work, size_t place, double per_s,
                     enum origin origin)
{
    assert_true(r->machine.rates < RATES);
    r->rate[r->machine.rates++] = (struct rate){.work = work,
                                                .type = RATE_NO_TYPE,
                                                .place = (uint16_t)place,
                                                .per_s = estimate_exactly(per_s, origin, "test")};
}

static void list_card(struct rig *r)
{
    add_rate(r, WORK_READ_BYTES, CARD, 1000, LISTED);
    add_rate(r, WORK_HGEMM_FLOP, CARD, 1e6, LISTED);
    add_rate(r, WORK_IGEMM_FLOP, CARD, 4e6, LISTED);
}

static double seconds(const struct rig *r, struct line l)
{
    struct estimate e;
    if (!device_seconds(&l, &r->device, &e)) return (double)NAN;
    assert_true(e.low <= e.likely && e.likely <= e.high);
    return e.likely;
}

static struct line product(unsigned type, double columns)
{
    return (struct line){.phase = columns > 1 ? PREFILL : DECODE,
                         .work = MATMUL_FLOP,
                         .type = (uint8_t)type,
                         .site = CARD,
                         .amount = 1000,
                         .bytes = 500,
                         .columns = columns};
}

static const struct accelerator *row_for(struct rig *r, const char *backend, const char *arch,
                                         const char *part)
{
    r->place[CARD].backend = backend;
    r->place[CARD].architecture = arch;
    r->place[CARD].part = part;
    return accelerator_of(&r->world, &r->place[CARD]);
}

static void the_narrowest_row_holds(void **state)
{
    struct rig *r = rig_new(*state);
    assert_ptr_equal(row_for(r, "FAST", "Old", "Card 8"), &rows[1]);
    assert_ptr_equal(row_for(r, "FAST", "New", "Card 8"), &rows[2]);
    assert_ptr_equal(row_for(r, "FAST", "New", "Stacked 80"), &rows[3]);
    assert_ptr_equal(row_for(r, "FAST", "New", "Card Twin"), &rows[4]);
    assert_ptr_equal(row_for(r, "FAST", NULL, NULL), &rows[1]);
    assert_ptr_equal(row_for(r, "OTHER", "New", "Card 8"), &rows[0]);
    assert_ptr_equal(row_for(r, NULL, NULL, NULL), &rows[0]);
    r->world.accelerators = 0;
    assert_null(row_for(r, "FAST", "Old", "Card 8"));
}

static void one_column_takes_as_long_as_its_weights(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    assert_close(seconds(r, product(Q4_0, 1)), 1, 1e-12);
    assert_close(seconds(r, product(F16, 1)), 1, 1e-12);
    assert_close(seconds(r, product(Q4_K, 1)), 2, 1e-12); /* large blocks: half of the share */
    struct line attend = product(F16, 1);
    attend.work = ATTEND_FLOP;
    assert_close(seconds(r, attend), 1, 1e-12);
    r->device.flash = false;
    assert_close(seconds(r, attend), 2, 1e-12);
}

/* Sequences that decode together: reading shrinks with them until multiplying takes longer, and turns are never beaten. */
static void a_small_batch_hides_the_lesser(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    const double alone_s = seconds(r, product(Q4_0, 1));
    double before_s = alone_s;
    for (double columns = 2; columns <= 512; columns *= 2) {
        struct line together = product(Q4_0, columns);
        together.phase = DECODE;
        const double s = seconds(r, together);
        assert_true(s <= before_s && s >= alone_s / columns * (1 - 1e-12));
        assert_true(s <= seconds(r, product(Q4_0, columns)));
        before_s = s;
    }
    assert_true(before_s < alone_s);
    struct line slow = product(Q4_0, 4);
    slow.phase = DECODE;
    slow.amount = 1e9; /* turns, then */
    assert_close(seconds(r, slow), alone_s, 1e-12);
}

static void many_columns_share_their_weights_and_multiply(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    /* 500 bytes of 512 columns at 500 a second; 1000 FLOP at half of a rate that half_columns takes 8 of 520 from */
    const double read = 1.0 / 512, reached = 512.0 / 520, hidden = 511.0 / 512;
    assert_close(seconds(r, product(F16, 512)), read + 1000 / (0.5e6 * reached) * hidden, 1e-12);
    assert_close(seconds(r, product(Q4_0, 512)), read + 1000 / (2e6 * reached) * hidden, 1e-12);
    /* fewer columns than the micro-batch: chosen experts, at half of that */
    const double few = 500 / 64.0 / 500 + 1000 / (2e6 * 0.5 * 64 / 72) * 63 / 64;
    assert_close(seconds(r, product(Q4_0, 64)), few, 1e-12);
}

static void singles_stand_in_where_halves_are_slower(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    const double halves = seconds(r, product(F16, 512));
    add_rate(r, WORK_SGEMM_FLOP, CARD, 8e6, LISTED);
    assert_true(seconds(r, product(F16, 512)) < halves);
}

static void what_is_not_listed_has_no_price(void **state)
{
    struct rig *r = rig_new(*state);
    assert_true(isnan(seconds(r, product(Q4_0, 1)))); /* no bandwidth */
    add_rate(r, WORK_READ_BYTES, CARD, 1000, LISTED);
    assert_close(seconds(r, product(Q4_0, 1)), 1, 1e-12);
    assert_true(isnan(seconds(r, product(Q4_0, 512)))); /* no matrix rate */
    add_rate(r, WORK_HGEMM_FLOP, CPU, 1e6, LISTED);     /* another place's */
    assert_true(isnan(seconds(r, product(Q4_0, 512))));
    r->world.accelerators = 0;
    assert_true(isnan(seconds(r, product(Q4_0, 1))));
}

static struct speed_asked asked_of(const struct rig *r, const struct split *split,
                                   const struct site *site)
{
    return (struct speed_asked){.bill = &r->bill,
                                .machine = &r->machine,
                                .world = &r->world,
                                .split = split,
                                .site = site,
                                .flash = true,
                                .at_once = 512,
                                .stream_bytes = 10};
}

static const struct site sites[PLACES] = {{.place = CPU}, {.place = CARD}};
static const struct split half = {.sites = PLACES, .layers = {1, 1}};

static void add_line(struct rig *r, struct line l)
{
    r->bill.line[r->bill.lines++] = l;
}

static void measured_rates_of_the_place_come_first(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    add_line(r, product(Q4_0, 1));
    const struct speed_asked asked = asked_of(r, NULL, sites);
    assert_close(speed_of(&asked, DECODE).likely, 1, 1e-12);
    assert_close(speed_of(&asked, DECODE).low, 0.8, 1e-12);
    assert_close(speed_of(&asked, DECODE).high, 1.25, 1e-12);
    add_rate(r, WORK_MATMUL_FLOP, CARD, 4000, MEASURED); /* 1000 FLOP: a quarter of a second */
    r->rate[r->machine.rates - 1].type = Q4_0;
    r->rate[r->machine.rates - 1].tokens = 1;
    assert_close(speed_of(&asked, DECODE).likely, 4, 1e-12);
    r->rate[r->machine.rates - 1].place = CPU; /* the CPU's say nothing of the card */
    assert_close(speed_of(&asked, DECODE).likely, 1, 1e-12);
}

static void no_range_goes_above_the_listed_bandwidth(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    struct accelerator wide = *accelerator_of(&r->world, &r->place[CARD]);
    wide.decode[RANGE_DENSE] = (struct accelerator_range){0.5, 4};
    r->world.accelerator = &wide;
    r->world.accelerators = 1;
    add_line(r, product(Q4_0, 1)); /* 500 bytes of 1000 a second, read in a second */
    const struct speed_asked asked = asked_of(r, NULL, sites);
    assert_close(speed_of(&asked, DECODE).likely, 1, 1e-12);
    assert_close(speed_of(&asked, DECODE).low, 0.5, 1e-12);
    assert_close(speed_of(&asked, DECODE).high, 2, 1e-12);
}

static void host_and_device_lines_add_up(void **state)
{
    struct rig *r = rig_new(*state);
    list_card(r);
    add_line(r, product(Q4_0, 1)); /* a second on the card */
    struct line host = product(Q4_0, 1);
    host.site = ON_HOST;
    add_line(r, host);
    const struct speed_asked asked = asked_of(r, &half, sites);
    assert_false(estimate_known(speed_of(&asked, DECODE))); /* nothing known of the CPU */
    add_rate(r, WORK_MATMUL_FLOP, CPU, 250, MEASURED);      /* four seconds */
    r->rate[r->machine.rates - 1].type = Q4_0;
    r->rate[r->machine.rates - 1].tokens = 1;
    r->rate[r->machine.rates - 1].threads = 1;
    assert_close(speed_of(&asked, DECODE).likely, 1.0 / 5, 1e-12);
    r->link[0] = (struct link){CPU, CARD, "link", {5, LISTED, "test"}}; /* 10 bytes: two seconds */
    r->machine.links = 1;
    assert_close(speed_of(&asked, DECODE).likely, 1.0 / 7, 1e-12);
}

/* A second card behind the first, each with a layer; only what it reads is listed. */
static void add_card(struct rig *r, struct place place[PLACES + 1])
{
    place[CPU] = r->place[CPU];
    place[CARD] = place[PLACES] = r->place[CARD];
    r->machine.place = place;
    r->machine.places = PLACES + 1;
    add_rate(r, WORK_READ_BYTES, PLACES, 1000, LISTED);
}

static void devices_lose_where_they_hand_over(void **state)
{
    static const struct site three[] = {{.place = CPU}, {.place = CARD}, {.place = PLACES}};
    static const struct split dealt = {.sites = PLACES + 1, .layers = {0, 1, 1}};
    struct rig *r = rig_new(*state);
    struct place place[PLACES + 1];
    struct accelerator row = rows[1];
    row.handoff_s = 0.5;
    row.several = (struct accelerator_range){0.5, 1.1};
    r->world.accelerator = &row;
    r->world.accelerators = 1;
    list_card(r);
    add_card(r, place);
    struct line second = product(Q4_0, 1);
    second.site = PLACES;
    add_line(r, product(Q4_0, 1)); /* a second on each */
    add_line(r, second);
    const struct speed_asked asked = asked_of(r, &dealt, three);
    const struct estimate e = speed_of(&asked, DECODE);
    assert_close(e.likely, 1 / 2.5, 1e-12);
    assert_close(e.low, 1 / 4.5, 1e-12); /* the wider of both ranges */
    assert_close(e.high, 1 / 2.1, 1e-12);
    row.several = (struct accelerator_range){(double)NAN, (double)NAN};
    assert_close(speed_of(&asked, DECODE).low, 1 / 3.0, 1e-12);
}

static void turns_of_host_and_device_cost_at_most_a_hand_over_each(void **state)
{
    struct rig *r = rig_new(*state);
    struct accelerator row = rows[1];
    struct split turns = {.sites = PLACES, .layers = {0, 2}, .host_experts = 2};
    row.handoff_s = 0.25;
    r->world.accelerator = &row;
    r->world.accelerators = 1;
    list_card(r);
    add_line(r, product(Q4_0, 1));
    const struct speed_asked asked = asked_of(r, &turns, sites);
    assert_close(speed_of(&asked, DECODE).likely, 1, 1e-12);
    assert_close(speed_of(&asked, DECODE).low, 1 / (1.25 + 4 * 0.25), 1e-12);
    turns.host_experts = 0;
    assert_close(speed_of(&asked, DECODE).low, 1 / 1.25, 1e-12);
    turns.layers[ON_HOST] = 1;
    assert_close(speed_of(&asked, DECODE).low, 1 / (1.25 + 0.25), 1e-12);
}

static void integers_are_unpacked_beside_their_product(void **state)
{
    struct rig *r = rig_new(*state);
    struct accelerator row = rows[1];
    row.half_columns = 0;
    row.unpack_share = 2;
    r->world.accelerator = &row;
    r->world.accelerators = 1;
    list_card(r);
    const double columns = 1000, read_s = 500 / columns / 500;
    r->device.at_once = columns;
    const double work = 1000.0 * (columns - 1) / columns;
    assert_close(seconds(r, product(Q4_0, columns)) - read_s, work / 2e6, 1e-12); /* not listed */
    add_rate(r, WORK_SGEMM_FLOP, CARD, 1e6, LISTED);
    assert_close(seconds(r, product(Q4_0, columns)) - read_s, work / 1e6, 1e-12);
    assert_close(seconds(r, product(F16, columns)) - read_s, work / 0.5e6, 1e-12);
}

static void large_batches_of_host_weights_are_copied(void **state)
{
    static const struct site_rules copies = {.copies_weights = true};
    static const struct split copied = {
        .sites = PLACES, .layers = {2, 0}, .rules = {NULL, &copies}};
    struct rig *r = rig_new(*state);
    list_card(r);
    struct line host = product(Q4_0, 512);
    host.site = ON_HOST;
    host.phase = PREFILL;
    add_line(r, host);
    const struct speed_asked asked = asked_of(r, &copied, sites);
    assert_false(estimate_known(speed_of(&asked, PREFILL))); /* the link is not known */
    r->link[0] = (struct link){CPU, CARD, "link", {500, LISTED, "test"}};
    r->machine.links = 1;
    const double moved = 500.0 / 512 / 500;
    assert_close(speed_of(&asked, PREFILL).likely, 1 / (moved + seconds(r, host)), 1e-9);
}

static void weights_in_the_cache_raise_the_high_end_alone(void **state)
{
    struct rig *r = rig_new(*state);
    struct cpu_cache cache = {.name = "L3", .bytes = {499, REPORTED, "test"}, .instances = 1};
    const struct facts facts = {.cpu = {.cache = &cache, .caches = 1}};
    struct line host = product(Q4_0, 1);
    host.site = ON_HOST;
    add_line(r, host);
    r->machine.facts = &facts;
    add_rate(r, WORK_MATMUL_FLOP, CPU, 1000, MEASURED);
    add_rate(r, WORK_MATMUL_FLOP, CPU, 8000, MEASURED);
    for (size_t i = 0; i < r->machine.rates; i++) {
        r->rate[i].type = Q4_0;
        r->rate[i].tokens = i ? 512 : 1;
        r->rate[i].threads = 1;
    }
    const struct speed_asked asked = asked_of(r, NULL, NULL);
    assert_close(speed_of(&asked, DECODE).high, 1, 1e-12);
    cache.bytes.value = 500;
    assert_close(speed_of(&asked, DECODE).high, 8, 1e-12);
    assert_close(speed_of(&asked, DECODE).likely, 1, 1e-12);
    assert_close(speed_of(&asked, DECODE).low, 1, 1e-12);
}

/* What ships holds for every card of the catalogue: a row, and more to do never takes less time. */
static void every_card_of_the_catalogue_has_a_row(void **state)
{
    struct stage *s = *state;
    static const char *const backends[] = {"CUDA", "ROCm", "Vulkan", "Metal", "SYCL"};
    const struct gpu_part *part;
    size_t parts;
    assert_true(catalog_gpus(s->catalog, &part, &parts, NULL));
    struct rig *r = rig_new(s);
    r->world = s->world;
    list_card(r);
    for (size_t i = 0; i < parts; i++)
        for (size_t b = 0; b < COUNT_OF(backends); b++) {
            const struct accelerator *x =
                row_for(r, backends[b], part[i].architecture, part[i].name);
            assert_non_null(x);
            assert_true(x->read_share > 0 && x->read_share <= 1);
            const double one = seconds(r, product(Q4_K, 1));
            struct line twice = product(Q4_K, 1);
            twice.bytes *= 2;
            assert_true(one > 0 && seconds(r, twice) > one);
            assert_true(seconds(r, product(Q4_K, 512)) < one);
        }
}

/* A CPU that a machine line names has speeds, from the catalogue alone, with a range; a count of cores alone has none. */
static void a_named_cpu_has_listed_speeds(void **state)
{
    struct stage *s = *state;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-0.5B-Instruct", "Q8_0");
    struct verdict v;
    judge_task(&t, stage_typical(s, "cpu:i7-12700 ram:16GiB"), &s->world, &v);
    assert_int_equal(v.decode_per_s.origin, ESTIMATED);
    assert_true(v.decode_per_s.low < v.decode_per_s.likely);
    assert_true(v.decode_per_s.likely < v.decode_per_s.high);
    assert_false(estimate_known(v.decode_per_joule));
    judge_task(&t, stage_typical(s, "cpu:8 ram:16GiB"), &s->world, &v);
    assert_false(estimate_known(v.decode_per_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(the_narrowest_row_holds),
        STAGED(one_column_takes_as_long_as_its_weights),
        STAGED(many_columns_share_their_weights_and_multiply),
        STAGED(a_small_batch_hides_the_lesser),
        STAGED(singles_stand_in_where_halves_are_slower),
        STAGED(what_is_not_listed_has_no_price),
        STAGED(measured_rates_of_the_place_come_first),
        STAGED(no_range_goes_above_the_listed_bandwidth),
        STAGED(host_and_device_lines_add_up),
        STAGED(devices_lose_where_they_hand_over),
        STAGED(turns_of_host_and_device_cost_at_most_a_hand_over_each),
        STAGED(integers_are_unpacked_beside_their_product),
        STAGED(large_batches_of_host_weights_are_copied),
        STAGED(weights_in_the_cache_raise_the_high_end_alone),
        STAGED_WORLD(every_card_of_the_catalogue_has_a_row),
        STAGED_WORLD(a_named_cpu_has_listed_speeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
