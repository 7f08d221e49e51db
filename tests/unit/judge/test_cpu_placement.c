/* Where a run is put on the CPU: threads by cores, kinds of core, budget and node; nodes by what they are and what is free there. */
#include "../stage.h"

#include <math.h>

#include "judge/cpu_placement.h"
#include "machine/facts.h"

#define GIB 0x1p30

/* A machine that a test changes before it asks: one socket of 8 cores with two threads each, 64 GiB. */
struct made {
    struct pool pool;
    struct place place;
    struct numa_node node[4];
    struct cpu_cluster cluster[2];
    struct rate rate[3];
    struct facts facts;
    struct machine machine;
    struct verdict verdict;
    struct generate knobs;
    struct digest digest;
};

static struct quantity reported(double value)
{
    return quantity_of(value, REPORTED, "test");
}

static struct made *made_new(struct stage *s)
{
    struct made *x = NEW(s->arena, struct made);
    x->pool = (struct pool){
        .kind = POOL_MEMORY, .total_bytes = reported(64 * GIB), .usable_bytes = reported(60 * GIB)};
    x->place = (struct place){.kind = PLACE_CPU, .threads = reported(16)};
    x->facts.cpu =
        (struct cpu_facts){.packages = reported(1), .cores = reported(8), .threads = reported(16)};
    x->facts.cpu.cluster = x->cluster;
    x->facts.cpu.clusters = 1;
    x->facts.numa = x->node;
    x->machine = (struct machine){.name = "test",
                                  .pool = &x->pool,
                                  .pools = 1,
                                  .place = &x->place,
                                  .places = 1,
                                  .rate = x->rate,
                                  .facts = &x->facts};
    x->verdict.split = split_host;
    x->verdict.site[ON_HOST] = (struct site){
        .held_bytes = estimate_exactly(10 * GIB, ESTIMATED, "test"), .usable_bytes = 60 * GIB};
    x->verdict.decode_per_s = estimate_exactly(10, ESTIMATED, "test");
    x->digest.weight_bytes = 9 * GIB;
    return x;
}

static void add_node(struct made *x, double cpus, double free_bytes)
{
    struct numa_node *n = &x->node[x->facts.numa_nodes];
    assert_true(x->facts.numa_nodes < COUNT_OF(x->node));
    *n = (struct numa_node){.id = (double)x->facts.numa_nodes,
                            .cpus = reported(cpus),
                            .memory_bytes = reported(free_bytes),
                            .free_bytes = reported(free_bytes)};
    x->facts.numa_nodes++;
}

/* Two sockets of 8 cores with two threads each. */
static struct made *two_sockets(struct stage *s, double first_free, double second_free)
{
    struct made *x = made_new(s);
    x->facts.cpu.packages = reported(2);
    x->facts.cpu.cores = reported(16);
    x->facts.cpu.threads = reported(32);
    x->place.threads = reported(32);
    add_node(x, 16, first_free);
    add_node(x, 16, second_free);
    return x;
}

static struct cpu_placement placed(const struct made *x)
{
    struct cpu_placement p;
    const struct task t = {cost_workload(S("generate")), &x->digest, &x->knobs};
    judge_cpu_placement(&t, &x->machine, &x->verdict, &p);
    return p;
}

static void a_core_gets_one_thread(void **state)
{
    struct made *x = made_new(*state);
    const struct cpu_placement p = placed(x);
    assert_int_equal(p.by, THREADS_CORES);
    assert_exactly(p.threads, 8);
    assert_exactly(p.usual_threads, 8);
    assert_exactly(p.batch_threads, 0);
    assert_int_equal(p.nodes, NODES_ONE);
    assert_true(p.whole);
}

static void cores_that_nobody_counted_are_left_to_llama(void **state)
{
    struct made *x = made_new(*state);
    x->facts.cpu.cores = unknown("test");
    assert_exactly(placed(x).threads, 0);
    assert_int_equal(placed(x).by, THREADS_NOT_KNOWN);
    x = made_new(*state);
    x->place.threads = unknown("test");
    assert_exactly(placed(x).threads, 0);
}

static void a_budget_binds(void **state)
{
    static const struct {
        double allowed, threads;
        enum threads_by by;
    } rows[] = {{12, 8, THREADS_CORES},
                {8, 8, THREADS_CORES},
                {5, 5, THREADS_BUDGET},
                {2.5, 2, THREADS_BUDGET},
                {0.5, 1, THREADS_BUDGET}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct made *x = made_new(*state);
        x->place.threads = reported(rows[i].allowed);
        assert_exactly(placed(x).threads, rows[i].threads);
        assert_int_equal(placed(x).by, rows[i].by);
    }
}

/* 4 fast cores with two threads each, 8 slow ones. */
static struct made *hybrid(struct stage *s)
{
    struct made *x = made_new(s);
    x->facts.cpu.cores = reported(12);
    x->cluster[0] = (struct cpu_cluster){"performance", reported(4), reported(8), unknown("test")};
    x->cluster[1] = (struct cpu_cluster){"efficiency", reported(8), reported(8), unknown("test")};
    x->facts.cpu.clusters = 2;
    return x;
}

static void slow_cores_only_help_with_prompts(void **state)
{
    struct made *x = hybrid(*state);
    struct cpu_placement p = placed(x);
    assert_int_equal(p.by, THREADS_FAST_CORES);
    assert_exactly(p.threads, 4);
    assert_exactly(p.batch_threads, 12);
    assert_exactly(p.usual_threads, 0);
    x->place.threads = reported(6);
    assert_exactly(placed(x).threads, 4);
    assert_exactly(placed(x).batch_threads, 6);
    x->place.threads = reported(3);
    p = placed(x);
    assert_exactly(p.threads, 3);
    assert_exactly(p.batch_threads, 0);
    assert_int_equal(p.by, THREADS_BUDGET);
}

static void what_was_asked_for_stands(void **state)
{
    struct made *x = hybrid(*state);
    x->knobs.threads = 7;
    const struct cpu_placement p = placed(x);
    assert_int_equal(p.by, THREADS_ASKED);
    assert_exactly(p.threads, 7);
    assert_exactly(p.batch_threads, 0);
}

static void a_socket_that_holds_it_is_pinned(void **state)
{
    struct made *x = two_sockets(*state, 20 * GIB, 40 * GIB);
    const struct cpu_placement p = placed(x);
    assert_int_equal(p.nodes, NODES_PINNED);
    assert_exactly(p.node[0], 1);
    assert_exactly(p.node_free_bytes, 40 * GIB);
    assert_exactly(p.threads, 8);
    assert_int_equal(p.by, THREADS_NODE);
    assert_exactly(p.usual_threads, 16);
}

static void more_threads_than_a_node_has_are_not_pinned(void **state)
{
    struct made *x = two_sockets(*state, 20 * GIB, 40 * GIB);
    x->knobs.threads = 16;
    assert_int_equal(placed(x).nodes, NODES_PINNED);
    x->knobs.threads = 17;
    assert_int_equal(placed(x).nodes, NODES_ONE);
}

static void no_socket_that_holds_it_spreads(void **state)
{
    struct made *x = two_sockets(*state, 9 * GIB, 9.5 * GIB);
    const struct cpu_placement p = placed(x);
    assert_int_equal(p.nodes, NODES_TOO_SMALL);
    assert_exactly(p.node_free_bytes, 9.5 * GIB);
    assert_exactly(p.threads, 16);
}

/* The mapped pages that are read while it is loaded come to the same node. */
static void mapped_pages_need_room_on_the_node(void **state)
{
    static const struct term pages = {"file pages", "mapped", "1", "test"};
    struct made *x = two_sockets(*state, 12 * GIB, 12 * GIB);
    const struct line line = {.amount = 1 * GIB, .held_as = HELD_MAPPED};
    bill_add(&x->verdict.bill, &pages, &line);
    assert_int_equal(placed(x).nodes, NODES_PINNED);
    bill_add(&x->verdict.bill, &pages, &line);
    bill_add(&x->verdict.bill, &pages, &line);
    assert_exactly(placed(x).repacked_bytes, 3 * GIB);
    assert_int_equal(placed(x).nodes, NODES_TOO_SMALL);
}

static void a_part_of_a_socket_is_not_pinned(void **state)
{
    struct made *x = made_new(*state);
    add_node(x, 8, 32 * GIB);
    add_node(x, 8, 32 * GIB);
    assert_int_equal(placed(x).nodes, NODES_PARTS);
    assert_exactly(placed(x).threads, 8);
}

/* Two sockets of two nodes each, 4 cores with two threads a node. */
static struct made *four_nodes(struct stage *s, double first_free, double others_free)
{
    struct made *x = made_new(s);
    x->facts.cpu.packages = reported(2);
    x->facts.cpu.cores = reported(16);
    x->facts.cpu.threads = reported(32);
    x->place.threads = reported(32);
    for (size_t i = 0; i < 4; i++) {
        add_node(x, 8, i < 1 ? first_free : others_free);
        x->node[i].package = reported((double)(i / 2));
    }
    return x;
}

static void a_socket_of_several_nodes_is_pinned_whole(void **state)
{
    struct made *x = four_nodes(*state, 2 * GIB, 6 * GIB);
    const struct cpu_placement p = placed(x);
    assert_int_equal(p.nodes, NODES_SOCKET);
    assert_int_equal(p.pinned, 2);
    assert_exactly(p.node[0], 2);
    assert_exactly(p.node[1], 3);
    assert_exactly(p.node_free_bytes, 12 * GIB);
    assert_exactly(p.threads, 8);
    assert_int_equal(p.by, THREADS_NODE);
    x = four_nodes(*state, 2 * GIB, 4 * GIB); /* 8 GiB are too few */
    assert_int_equal(placed(x).nodes, NODES_PARTS);
    assert_exactly(placed(x).node_free_bytes, 8 * GIB);
    assert_int_equal(placed(x).pinned, 0);
    x = four_nodes(*state, 6 * GIB, 6 * GIB);
    x->node[3].package = unknown("test"); /* then the first socket alone is known to be whole */
    assert_exactly(placed(x).node[0], 0);
    x->node[1].package = unknown("test");
    assert_int_equal(placed(x).nodes, NODES_PARTS);
    x = four_nodes(*state, 6 * GIB, 6 * GIB);
    x->node[1].free_bytes = x->node[3].free_bytes = unknown("test");
    assert_int_equal(placed(x).nodes, NODES_NOT_READ);
    x = four_nodes(*state, 6 * GIB, 6 * GIB);
    x->knobs.threads = 17;
    assert_int_equal(placed(x).nodes, NODES_ONE);
}

/* The only socket is the machine: its nodes are taken in turn. */
static void one_socket_of_several_nodes_is_not_pinned(void **state)
{
    struct made *x = made_new(*state);
    for (size_t i = 0; i < 2; i++) {
        add_node(x, 8, 32 * GIB);
        x->node[i].package = reported(0);
    }
    assert_int_equal(placed(x).nodes, NODES_PARTS);
    assert_true(isnan(placed(x).node_free_bytes));
}

static void memory_without_cpus_is_no_choice(void **state)
{
    struct made *x = made_new(*state);
    add_node(x, 16, 32 * GIB);
    add_node(x, 0, 128 * GIB);
    assert_int_equal(placed(x).nodes, NODES_ONE);
}

static void nodes_are_left_alone_where_they_are_not_known(void **state)
{
    struct made *x = two_sockets(*state, 20 * GIB, 40 * GIB);
    x->place.threads = reported(16); /* of which node they are nobody read */
    assert_int_equal(placed(x).nodes, NODES_NOT_READ);
    assert_exactly(placed(x).threads, 16);
    x = two_sockets(*state, 20 * GIB, 40 * GIB);
    x->node[0].free_bytes = x->node[1].free_bytes = unknown("test");
    assert_int_equal(placed(x).nodes, NODES_NOT_READ);
    x = two_sockets(*state, 20 * GIB, 40 * GIB);
    x->facts.cpu.packages = unknown("test");
    assert_int_equal(placed(x).nodes, NODES_NOT_READ);
}

static void layers_on_devices_leave_only_threads(void **state)
{
    struct made *x = two_sockets(*state, 20 * GIB, 40 * GIB);
    x->verdict.split.sites = 2;
    const struct cpu_placement p = placed(x);
    assert_false(p.whole);
    assert_int_equal(p.nodes, NODES_ONE);
    assert_exactly(p.threads, 16);
    x = hybrid(*state);
    x->verdict.split.sites = 2;
    assert_exactly(placed(x).threads, 4);
    assert_exactly(placed(x).batch_threads, 0);
}

static void loading_costs_what_was_measured(void **state)
{
    static const struct term pages = {"file pages", "mapped", "1", "test"};
    struct made *x = made_new(*state);
    bill_add(&x->verdict.bill, &pages, &(struct line){.amount = 4 * GIB, .held_as = HELD_MAPPED});
    assert_true(isnan(placed(x).repack_least_s));
    assert_true(isnan(placed(x).file_read_least_s));
    assert_false(placed(x).tight);
    x->rate[0] = (struct rate){.work = WORK_COPY_BYTES,
                               .type = RATE_NO_TYPE,
                               .threads = 8,
                               .per_s = estimate_of(2 * GIB, 3 * GIB, 4 * GIB, MEASURED, "test")};
    x->rate[1] = (struct rate){.work = WORK_DISK_READ_BYTES,
                               .type = RATE_NO_TYPE,
                               .threads = 1,
                               .per_s = estimate_of(1 * GIB, 2 * GIB, 3 * GIB, MEASURED, "test")};
    x->machine.rates = 2;
    assert_exactly(placed(x).repack_least_s, 2);
    assert_exactly(placed(x).file_read_least_s, 3);
    x->verdict.site[ON_HOST].usable_bytes = 13 * GIB;
    assert_true(placed(x).tight);
}

static void speeds_of_other_threads_are_told(void **state)
{
    struct made *x = made_new(*state);
    x->rate[0] = (struct rate){.work = WORK_MATMUL_FLOP,
                               .threads = 16,
                               .tokens = 1,
                               .per_s = estimate_exactly(1e9, MEASURED, "test")};
    x->machine.rates = 1;
    assert_exactly(placed(x).rated_threads, 16);
    x->knobs.threads = 16;
    assert_exactly(placed(x).rated_threads, 0);
    x->knobs.threads = 0;
    x->rate[0].per_s.origin = ESTIMATED;
    assert_exactly(placed(x).rated_threads, 0);
}

static void slow_disks_are_known_by_their_mounts(void **state)
{
    static const struct disk_facts disks[] = {
        {.purpose = "root", .mount = "/", .kind = "hdd"},
        {.purpose = "HF cache", .mount = "/mnt/share", .kind = "network"},
        {.purpose = "Ollama models", .mount = "/mnt/share/fast", .kind = "nvme"},
        {.purpose = "this folder", .mount = "/data", .kind = "hdd"}};
    static const struct {
        const char *file;
        const struct disk_facts *disk;
    } rows[] = {{"/mnt/share/m.gguf", &disks[1]}, {"/mnt/share/fast/m.gguf", NULL},
                {"/mnt/shared/m.gguf", NULL}, /* what the root's mount holds is not known */
                {"/data/m.gguf", &disks[3]},      {"m.gguf", &disks[3]},
                {"below/m.gguf", NULL},           {NULL, NULL}};
    struct made *x = made_new(*state);
    x->facts.disk = disks;
    x->facts.disks = COUNT_OF(disks);
    assert_null(judge_slow_disk(&x->machine, "m.gguf"));
    x->machine.here = true;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_ptr_equal(judge_slow_disk(&x->machine, rows[i].file), rows[i].disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_core_gets_one_thread),
        STAGED(cores_that_nobody_counted_are_left_to_llama),
        STAGED(a_budget_binds),
        STAGED(slow_cores_only_help_with_prompts),
        STAGED(what_was_asked_for_stands),
        STAGED(a_socket_that_holds_it_is_pinned),
        STAGED(more_threads_than_a_node_has_are_not_pinned),
        STAGED(no_socket_that_holds_it_spreads),
        STAGED(mapped_pages_need_room_on_the_node),
        STAGED(a_part_of_a_socket_is_not_pinned),
        STAGED(a_socket_of_several_nodes_is_pinned_whole),
        STAGED(one_socket_of_several_nodes_is_not_pinned),
        STAGED(memory_without_cpus_is_no_choice),
        STAGED(nodes_are_left_alone_where_they_are_not_known),
        STAGED(layers_on_devices_leave_only_threads),
        STAGED(loading_costs_what_was_measured),
        STAGED(speeds_of_other_threads_are_told),
        STAGED(slow_disks_are_known_by_their_mounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
