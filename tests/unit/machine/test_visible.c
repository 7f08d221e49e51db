/* Which GPUs the environment hides: each vendor's variables, counted as its documents say; lists of what stays visible, in a row. */
#include "../noted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "machine/visible.h"

#define FIRST "GPU-8f6b9c1e-3a50-4d0e-9f1b-2c7d5e6a1b01"
#define SECOND "GPU-8f77aa10-91cc-4b7e-8e21-7d3b2c1a9f02"
#define SLICE_A "MIG-11111111-aaaa-5bbb-8ccc-0123456789ab"
#define SLICE_B "MIG-22222222-aaaa-5bbb-8ccc-0123456789ab"

static const char *const *set; /* "NAME=value", ended by NULL */

static const char *environment(const char *name)
{
    for (const char *const *one = set; *one; one++)
        if (strncmp(*one, name, strlen(name)) == 0 && (*one)[strlen(name)] == '=')
            return *one + strlen(name) + 1;
    return NULL;
}

struct seen {
    struct arena *arena;
    struct notes notes;
};

static struct gpu_seen card(const char *vendor, const char *name, const char *address,
                            const char *uuid)
{
    return (struct gpu_seen){.vendor = vendor, .name = name, .pci_address = address, .uuid = uuid};
}

static struct gpu_seen slice(const char *uuid, const char *parent)
{
    return (struct gpu_seen){
        .vendor = "NVIDIA", .name = "MIG", .kind = "gpu slice", .uuid = uuid, .parent = parent};
}

static void apply_in(struct seen *s, const char *container, struct gpu_seen *gpu, size_t gpus)
{
    s->arena = arena_new(1 << 20);
    s->notes = (struct notes){.arena = s->arena};
    const struct visible_in in = {.env = environment,
                                  .container = container,
                                  .vendors = {"NVIDIA", "AMD", "Intel"},
                                  .arena = s->arena,
                                  .notes = &s->notes};
    visible_apply(&in, gpu, gpus);
}

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The indices of those not hidden, "0 2". */
static void assert_left(const struct gpu_seen *gpu, size_t gpus, const char *wanted)
{
    char left[256] = "";
    for (size_t i = 0; i < gpus; i++)
        if (!gpu[i].hidden)
            snprintf(left + strlen(left), sizeof left - strlen(left), "%s%zu", *left ? " " : "", i);
    if (strcmp(left, wanted) != 0)
        fail_msg("%s ...: \"%s\" is left, not \"%s\"", set[0] ? set[0] : "nothing set", left,
                 wanted);
}

struct row {
    const char *variable[4];
    const char *left;
};

static void try_rows(const struct gpu_seen *cards, size_t n, const struct row *row, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        struct gpu_seen gpu[8];
        struct seen s;
        memcpy(gpu, cards, n * sizeof *gpu);
        set = row[i].variable;
        apply_in(&s, NULL, gpu, n);
        assert_left(gpu, n, row[i].left);
        arena_free(s.arena);
    }
}

static void test_lists_of_cuda(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {card("NVIDIA", "A", "0000:01:00.0", FIRST),
                                   card("NVIDIA", "A", "0000:41:00.0", SECOND),
                                   card("NVIDIA", "A", "0000:81:00.0", NULL)};
    static const struct row row[] = {
        {{NULL}, "0 1 2"},
        {{"CUDA_VISIBLE_DEVICES=1"}, "1"},
        {{"CUDA_VISIBLE_DEVICES= 2 , 0"}, "0 2"},
        {{"CUDA_VISIBLE_DEVICES="}, ""},
        {{"CUDA_VISIBLE_DEVICES=-1"}, ""},
        {{"CUDA_VISIBLE_DEVICES=NoDevFiles"}, ""},
        {{"CUDA_VISIBLE_DEVICES=0,2,-1,1"}, "0 2"},
        {{"CUDA_VISIBLE_DEVICES=0,7,1"}, "0"},
        {{"CUDA_VISIBLE_DEVICES=7,0"}, ""},
        {{"CUDA_VISIBLE_DEVICES=0,0"}, ""},
        {{"CUDA_VISIBLE_DEVICES=18446744073709551616"}, ""},
        {{"CUDA_VISIBLE_DEVICES=" FIRST}, "0"},
        {{"CUDA_VISIBLE_DEVICES=" SECOND "," FIRST}, "0 1"},
        {{"CUDA_VISIBLE_DEVICES=GPU-8f6"}, "0"},
        {{"CUDA_VISIBLE_DEVICES=GPU-8f"}, ""}, /* two begin so */
        {{"CUDA_VISIBLE_DEVICES=GPU-8F77AA10"}, "1"},
        {{"CUDA_VISIBLE_DEVICES=GPU-8f6,1"}, "0"},
        {{"CUDA_VISIBLE_DEVICES=0,GPU-8f77"}, "0"},
        {{"CUDA_VISIBLE_DEVICES=" FIRST "0"}, ""},
        {{"ROCR_VISIBLE_DEVICES=0"}, "0 1 2"},
        {{"NVIDIA_VISIBLE_DEVICES=void"}, "0 1 2"}, /* of no meaning outside containers */
    };
    try_rows(gpu, COUNT_OF(gpu), row, COUNT_OF(row));
}

static void test_the_reason_is_the_variable(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {card("NVIDIA", "A", "0000:01:00.0", FIRST),
                             card("NVIDIA", "A", "0000:41:00.0", SECOND)};
    struct seen s;
    set = VARIABLES("CUDA_VISIBLE_DEVICES=1");
    apply_in(&s, NULL, gpu, 2);
    assert_string_equal(gpu[0].hidden, "CUDA_VISIBLE_DEVICES=1");
    assert_int_equal(s.notes.count, 0); /* alike: whichever it is */
    arena_free(s.arena);
    char text[200] = "CUDA_VISIBLE_DEVICES=\x1b[31m";
    memset(text + strlen(text), 'x', 150);
    set = VARIABLES(text);
    gpu[0].hidden = NULL;
    apply_in(&s, NULL, gpu, 2);
    assert_non_null(gpu[0].hidden);
    assert_null(strchr(gpu[0].hidden, '\x1b'));
    assert_true(strlen(gpu[0].hidden) < 120);
    arena_free(s.arena);
}

static void test_unlike_cards_are_counted_in_an_order_that_is_said(void **state)
{
    (void)state;
    static const char *const order[] = {NULL, "CUDA_DEVICE_ORDER=FASTEST_FIRST",
                                        "CUDA_DEVICE_ORDER=PCI_BUS_ID"};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct gpu_seen gpu[] = {card("NVIDIA", "slow", "0000:41:00.0", FIRST),
                                 card("NVIDIA", "fast", "0000:9f:00.0", SECOND),
                                 card("NVIDIA", "slow", "0000:10:00.0", NULL)};
        struct seen s;
        set = VARIABLES("CUDA_VISIBLE_DEVICES=0", order[i]);
        apply_in(&s, NULL, gpu, 3);
        assert_left(gpu, 3, "2"); /* along PCI: 10, 41, 9f */
        assert_int_equal(s.notes.count, i < 2);
        if (i < 2) assert_noted(&s.notes, "CUDA_DEVICE_ORDER");
        assert_string_equal(gpu[0].hidden, i < 2 ? "CUDA_VISIBLE_DEVICES=0, counted along PCI"
                                                 : "CUDA_VISIBLE_DEVICES=0");
        arena_free(s.arena);
    }
}

static void test_all_of_unlike_cards_need_no_order(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {card("NVIDIA", "slow", "0000:41:00.0", FIRST),
                             card("NVIDIA", "fast", "0000:9f:00.0", SECOND)};
    struct seen s;
    set = VARIABLES("CUDA_VISIBLE_DEVICES=1,0");
    apply_in(&s, NULL, gpu, 2);
    assert_left(gpu, 2, "0 1");
    assert_int_equal(s.notes.count, 0);
    arena_free(s.arena);
}

static void test_slices(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {card("NVIDIA", "A", "0000:07:00.0", FIRST), slice(SLICE_A, FIRST),
                             slice(SLICE_B, FIRST), card("NVIDIA", "A", "0000:0f:00.0", SECOND)};
    gpu[0].hidden = "cut into slices (MIG)";
    static const struct row row[] = {
        {{NULL}, "1"}, /* one slice a process, and then no whole card */
        {{"CUDA_VISIBLE_DEVICES=0"}, "1"},
        {{"CUDA_VISIBLE_DEVICES=1"}, "3"},
        {{"CUDA_VISIBLE_DEVICES=1,0"}, "1"},
        {{"CUDA_VISIBLE_DEVICES=" SLICE_B}, "2"},
        {{"CUDA_VISIBLE_DEVICES=" SLICE_B "," SLICE_A}, "2"},
        {{"CUDA_VISIBLE_DEVICES=MIG-1"}, "1"},
        {{"CUDA_VISIBLE_DEVICES=MIG-3"}, ""},
        {{"CUDA_VISIBLE_DEVICES=" SECOND}, "3"},
        {{"CUDA_VISIBLE_DEVICES=" FIRST}, "1"},
        {{"CUDA_VISIBLE_DEVICES="}, ""},
    };
    try_rows(gpu, COUNT_OF(gpu), row, COUNT_OF(row));
    struct seen s;
    set = VARIABLES("CUDA_VISIBLE_DEVICES=" SLICE_B);
    apply_in(&s, NULL, gpu, COUNT_OF(gpu));
    assert_string_equal(gpu[0].hidden, "cut into slices (MIG)");
    assert_string_equal(gpu[1].hidden, "CUDA_VISIBLE_DEVICES=" SLICE_B);
    arena_free(s.arena);
}

static void test_cards_that_are_hidden_already_are_not_counted(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {card("NVIDIA", "A", "0000:01:00.0", FIRST),
                             card("NVIDIA", "A", "0000:41:00.0", SECOND),
                             card("NVIDIA", "A", "0000:81:00.0", NULL)};
    struct seen s;
    gpu[0].hidden = "its driver does not give it to this process";
    set = VARIABLES("CUDA_VISIBLE_DEVICES=0");
    apply_in(&s, NULL, gpu, 3);
    assert_left(gpu, 3, "1");
    assert_string_equal(gpu[0].hidden, "its driver does not give it to this process");
    arena_free(s.arena);
}

static void test_containers(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        bool answered;
        const char *left;
    } row[] = {{"NVIDIA_VISIBLE_DEVICES=void", false, ""},
               {"NVIDIA_VISIBLE_DEVICES=none", false, ""},
               {"NVIDIA_VISIBLE_DEVICES=", false, ""},
               {"NVIDIA_VISIBLE_DEVICES=all", false, "0"},
               {"NVIDIA_VISIBLE_DEVICES=3", false, "0"}, /* the host's number: not ours to count */
               {"NVIDIA_VISIBLE_DEVICES=void", true, "0"}, /* given by other means: it answers */
               {"PATH=/bin", false, "0"}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct gpu_seen gpu[] = {card("NVIDIA", "A", "0000:01:00.0", NULL)};
        struct seen s;
        if (row[i].answered) gpu[0].memory_bytes = quantity_of(0x1p34, REPORTED, "NVML");
        set = VARIABLES(row[i].variable);
        apply_in(&s, "docker", gpu, 1);
        assert_left(gpu, 1, row[i].left);
        arena_free(s.arena);
    }
}

static void test_lists_of_rocm(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {card("AMD", "B", "0000:03:00.0", "GPU-4b2c1a9f8d3e6f7a"),
                                   card("AMD", "B", "0000:43:00.0", "GPU-5b2c1a9f8d3e6f7a"),
                                   card("AMD", "B", "0000:83:00.0", NULL),
                                   card("NVIDIA", "A", "0000:01:00.0", FIRST)};
    static const struct row row[] = {
        {{"ROCR_VISIBLE_DEVICES=1"}, "1 3"},
        {{"ROCR_VISIBLE_DEVICES="}, "3"},
        {{"ROCR_VISIBLE_DEVICES=GPU-4b2c1a9f8d3e6f7a"}, "0 3"},
        {{"HIP_VISIBLE_DEVICES=0,2"}, "0 2 3"},
        {{"HIP_VISIBLE_DEVICES="}, "0 1 2 3"}, /* HIP takes an empty one for none at all */
        {{"HIP_VISIBLE_DEVICES=-1"}, "3"},
        {{"GPU_DEVICE_ORDINAL=2"}, "2 3"},
        {{"ROCR_VISIBLE_DEVICES=2,1", "HIP_VISIBLE_DEVICES=0"}, "2 3"}, /* of those, the first */
        {{"ROCR_VISIBLE_DEVICES=1,2", "HIP_VISIBLE_DEVICES=2"}, "3"},
        {{"HIP_VISIBLE_DEVICES=1", "GPU_DEVICE_ORDINAL=0"}, "1 3"},
        {{"ROCR_VISIBLE_DEVICES=0,0,1"}, "0 3"},
        {{"CUDA_VISIBLE_DEVICES=0"}, "0 3"}, /* HIP reads it too */
        {{"CUDA_VISIBLE_DEVICES=0", "HIP_VISIBLE_DEVICES=1"}, "1 3"},
    };
    try_rows(gpu, COUNT_OF(gpu), row, COUNT_OF(row));
}

static void test_masks_of_level_zero(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {card("Intel", "C", "0000:03:00.0", NULL),
                                   card("Intel", "C", "0000:43:00.0", NULL),
                                   card("Intel", "C", "0000:83:00.0", NULL)};
    static const struct row row[] = {
        {{"ZE_AFFINITY_MASK=0"}, "0"},          {{"ZE_AFFINITY_MASK=0.1,2"}, "0 2"},
        {{"ZE_AFFINITY_MASK=1.0,1.1"}, "1"},    {{"ZE_AFFINITY_MASK="}, "0 1 2"},
        {{"ZE_AFFINITY_MASK=9,1"}, "1"}, /* what is not there is passed over */
        {{"CUDA_VISIBLE_DEVICES=-1"}, "0 1 2"},
    };
    try_rows(gpu, COUNT_OF(gpu), row, COUNT_OF(row));
    struct gpu_seen copy = gpu[0];
    struct seen s;
    set = VARIABLES("ONEAPI_DEVICE_SELECTOR=level_zero:1");
    apply_in(&s, NULL, &copy, 1);
    assert_null(copy.hidden);
    assert_noted(&s.notes, "ONEAPI_DEVICE_SELECTOR=level_zero:1 is set");
    arena_free(s.arena);
}

static void test_slurm(void **state)
{
    (void)state;
    const struct gpu_seen gpu[] = {
        card("NVIDIA", "A", "0000:01:00.0", NULL), card("NVIDIA", "A", "0000:41:00.0", NULL),
        card("NVIDIA", "A", "0000:81:00.0", NULL), card("NVIDIA", "A", "0000:c1:00.0", NULL)};
    static const struct row row[] = {
        {{"SLURM_JOB_GPUS=1"}, "1"},
        {{"SLURM_JOB_GPUS=0,2-3"}, "0 2 3"},
        {{"SLURM_JOB_GPUS=0-3", "SLURM_STEP_GPUS=2"}, "2"},
        {{"SLURM_JOB_GPUS=1", "CUDA_VISIBLE_DEVICES=0"}, "0"}, /* Slurm's own word to CUDA */
        {{"SLURM_JOB_GPUS=5,6"}, "0 1 2 3"},                   /* a cgroup left four of more */
        {{"SLURM_JOB_GPUS=3-1"}, "0 1 2 3"},
        {{"SLURM_JOB_GPUS=rubbish"}, "0 1 2 3"},
        {{"SLURM_JOB_GPUS=0-99999999999"}, "0 1 2 3"},
    };
    try_rows(gpu, COUNT_OF(gpu), row, COUNT_OF(row));
    struct gpu_seen copy = gpu[0];
    struct seen s;
    set = VARIABLES("SLURM_JOB_ID=7");
    apply_in(&s, NULL, &copy, 1);
    assert_null(copy.hidden);
    assert_noted(&s.notes, "a job of Slurm to which no GPU was given");
    arena_free(s.arena);
}

static void test_what_computes_nothing_is_not_counted(void **state)
{
    (void)state;
    struct gpu_seen gpu[] = {
        card("NVIDIA", "A", "0000:01:00.0", NULL), card("NVIDIA", "A", "0000:41:00.0", NULL),
        card("Intel", "NPU", "0000:00:0b.0", NULL), card("Intel", "C", "0000:00:02.0", NULL)};
    struct seen s;
    gpu[0].sized = GPU_DISPLAY_ONLY;
    gpu[2].kind = "npu";
    set = VARIABLES("CUDA_VISIBLE_DEVICES=0", "ZE_AFFINITY_MASK=0");
    apply_in(&s, NULL, gpu, 4);
    assert_left(gpu, 4, "0 1 2 3");
    arena_free(s.arena);
}

static void test_no_environment(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct gpu_seen gpu = card("NVIDIA", "A", "0000:01:00.0", NULL);
    const struct visible_in in = {
        .container = "docker", .vendors = {"NVIDIA", "AMD", "Intel"}, .arena = a};
    visible_apply(&in, &gpu, 1);
    assert_null(gpu.hidden);
    visible_apply(&in, NULL, 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_cuda),
        cmocka_unit_test(test_the_reason_is_the_variable),
        cmocka_unit_test(test_unlike_cards_are_counted_in_an_order_that_is_said),
        cmocka_unit_test(test_all_of_unlike_cards_need_no_order),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_cards_that_are_hidden_already_are_not_counted),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_lists_of_rocm),
        cmocka_unit_test(test_masks_of_level_zero),
        cmocka_unit_test(test_slurm),
        cmocka_unit_test(test_what_computes_nothing_is_not_counted),
        cmocka_unit_test(test_no_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
