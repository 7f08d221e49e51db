/* The guide's rules at their edges, as its test script decides them. */
#include "guide_set.h"

#include <math.h>

#include "machine/report.h"

struct edge {
    double ram, disk, seconds;
    const char *gpu_type;
    bool prerequisites, e0_e1, e2_full, e2_quantized, failed;
    size_t recommendations;
    const char *notes;
};

static void test_edges(void **state)
{
    (void)state;
    static const struct edge edge[] = {
        {2.99, 100, (double)NAN, NULL, false, false, false, false, true, 0, NULL},
        {3, 5, 10, NULL, true, false, false, false, false, 0, NULL},
        {3, 4.99, (double)NAN, NULL, false, false, false, false, true, 0, NULL},
        {5, 10, 10.01, NULL, true, true, false, false, false, 0,
         "Slow CPU - expect longer runtimes"},
        {6, 10, (double)NAN, NULL, true, true, false, true, false, 1, NULL},
        {12, 10, (double)NAN, NULL, true, true, false, true, false, 1, NULL},
        {12, 15, (double)NAN, NULL, true, true, true, false, false, 1, NULL},
        {12, 14.99, (double)NAN, "nvidia", true, true, false, true, false, 2, NULL},
        {1, 1, (double)NAN, "apple_silicon", false, false, false, false, true, 1, NULL},
    };
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set = guide_set(a);
    for (size_t i = 0; i < COUNT_OF(edge); i++) {
        const struct edge *e = &edge[i];
        const struct guide_system s = {.ram_gb = 64,
                                       .ram_available_gb = e->ram,
                                       .disk_free_gb = e->disk,
                                       .gpu_type = e->gpu_type};
        const struct guide_benchmark b = {e->seconds, (double)NAN};
        struct guide_capabilities c;
        bool failed;
        guide_judge(set, &s, &b, a, &c);
        assert_non_null(guide_closing(set, &c, &failed));
        assert_int_equal(c.prerequisites, e->prerequisites);
        assert_int_equal(c.e0_e1, e->e0_e1);
        assert_int_equal(c.e2_full, e->e2_full);
        assert_int_equal(c.e2_quantized, e->e2_quantized);
        assert_int_equal(failed, e->failed);
        assert_int_equal(c.model_recommendation_count, e->recommendations);
        if (e->notes)
            assert_string_equal(c.notes, e->notes);
        else
            assert_null(c.notes);
    }
    arena_free(a);
}

/* What is not known leaves a verdict open, unless another figure decides; no rule is no verdict. */
static void test_open_verdicts(void **state)
{
    (void)state;
    static const struct {
        double ram, disk;
        enum guide_says prerequisites, quantized, full;
        const char *lacks;
    } row[] = {
        {20, (double)NAN, GUIDE_UNKNOWN, GUIDE_UNKNOWN, GUIDE_UNKNOWN, "disk_free_gb"},
        {1, (double)NAN, GUIDE_NO, GUIDE_NO, GUIDE_NO, "disk_free_gb"},
        {(double)NAN, 100, GUIDE_UNKNOWN, GUIDE_UNKNOWN, GUIDE_UNKNOWN, "ram_available_gb"},
        {(double)NAN, 1, GUIDE_NO, GUIDE_NO, GUIDE_NO, "ram_available_gb"},
        {20, 100, GUIDE_YES, GUIDE_NO, GUIDE_YES, NULL},
    };
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set = guide_set(a);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct guide_system s = {.ram_gb = (double)NAN,
                                       .ram_available_gb = row[i].ram,
                                       .disk_free_gb = row[i].disk,
                                       .cpu_count = (double)NAN};
        const struct experiment *first = experiment_find(set, "prerequisites");
        const char *lacks = guide_lacks(first, &s);
        assert_int_equal(guide_verdict(set, first, &s), row[i].prerequisites);
        assert_int_equal(guide_verdict(set, experiment_find(set, "e2_quantized"), &s),
                         row[i].quantized);
        assert_int_equal(guide_verdict(set, experiment_find(set, "e2_full"), &s), row[i].full);
        if (row[i].lacks)
            assert_string_equal(lacks, row[i].lacks);
        else
            assert_null(lacks);
    }
    const struct experiment bare = {
        .guide = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, NULL, NULL, NULL, NULL}};
    assert_int_equal(guide_thresholds(&bare, &(struct guide_system){.ram_gb = 1}), GUIDE_NO_RULE);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_open_verdicts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
